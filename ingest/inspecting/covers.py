"""The class of covers: in which scheme and edition codes are, and what to do where a file has only words, or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import pyarrow.compute as pc

from gisgrid.codes import ClassNames, ComponentClass, of_edition
from gisgrid.deployment import Deployment
from ingest import values
from ingest.inspecting.columns import Column
from ingest.inspecting.mapping import Entry
from ingest.inspecting.names import folded, mentions
from ingest.inspecting.sample import Sample
from ingest.inspecting.tables import guesses

Scheme = tuple[str, str]
"""A scheme and its edition."""

_CLASS_DIGITS = {16: (6, 10), 17: (6, 11)}
_MOSTLY = 0.8
_HALF = 0.5


class Classes(NamedTuple):
    """The lines for ``class_code``, ``scheme`` and ``edition``; ``own_in`` is the column whose words no scheme knows."""

    lines: list[Entry]
    own_in: str = ""


def find_classes(sample: Sample, code: Column | None, named: Column | None, name: Column | None, deployment: Deployment) -> Classes:
    """Return where the classes of covers come from.

    ``code`` is the column of the component's code, ``named`` the one that looks like its class, ``name`` that of its name.
    """
    if code is not None and (digits := _CLASS_DIGITS.get(code.common_length)):
        found = _in_codes(sample, code, digits, name, deployment)
        if found:
            return Classes(found)
    others = [column for column in sample.usable if column.kind == "text" and column.listed]
    for column in dict.fromkeys((named, name, *others)):
        if column is not None and (lines := _in_values(column, deployment, _HALF if column in {named, name} else _MOSTLY)):
            return Classes(lines)
    return Classes(_unknown(named, deployment), named.name if named is not None and named.listed else "")


def _schemes(deployment: Deployment) -> list[Scheme]:
    """Return every edition that is known, those of the deployment first."""
    ours = [(item.scheme, item.edition) for item in deployment.components.schemes]
    others = dict.fromkeys((item.scheme, item.edition) for item in deployment.classes.values())
    return [*ours, *(item for item in others if item not in ours)]


def _classes(scheme: Scheme, deployment: Deployment) -> dict[str, ComponentClass]:
    return {item.code: item for item in of_edition(deployment.classes, *scheme)}


def _in_codes(sample: Sample, code: Column, digits: tuple[int, int], name: Column | None, deployment: Deployment) -> list[Entry]:
    """Return the lines when the class is among the digits of the code: the edition is the one whose classes fit best."""
    text = values.as_text(values.one_chunk(sample.table.column(code.name)))
    classes = pc.utf8_slice_codeunits(text, *digits).to_pylist()
    names = values.as_text(values.one_chunk(sample.table.column(name.name))).to_pylist() if name else [None] * len(classes)
    pairs = Counter((minor, said) for minor, said in zip(classes, names, strict=True) if minor)
    fits = {scheme: _fit(pairs, _classes(scheme, deployment)) for scheme in _schemes(deployment)}
    scheme, (covers, right) = max(fits.items(), key=lambda item: item[1])
    if covers < _MOSTLY:
        return []
    equal = [" ".join(other) for other, fit in fits.items() if fit == (covers, right) and other != scheme]
    remark = f"{digits[1] - digits[0]} digits of the code; {covers:.0%} are covers in {' '.join(scheme)}"
    doubt = f"whether the codes are of {' '.join(scheme)} or of {', '.join(equal)}, where the same number means other things"
    rule = {"field": code.name, "slice": list(digits)}
    return [Entry("class_code", rule, remark, doubt if equal else ""), *_scheme_lines(scheme)]


def _fit(pairs: Counter[tuple[str, str | None]], classes: dict[str, ComponentClass]) -> tuple[float, float]:
    """Return which share of rows has a cover's class, and which share a name that agrees with it."""
    total = pairs.total() or 1
    covers = sum(count for (minor, _), count in pairs.items() if minor in classes and classes[minor].is_cover)
    right = sum(count for (minor, said), count in pairs.items() if said and minor in classes and said == classes[minor].name)
    return round(covers / total, 3), round(right / total, 3)


def _scheme_lines(scheme: Scheme) -> list[Entry]:
    return [Entry("scheme", {"constant": scheme[0]}), Entry("edition", {"constant": scheme[1]})]


def _in_values(column: Column, deployment: Deployment, least: float) -> list[Entry]:
    """Return the lines when the values of a column are class codes, or at least the share ``least`` of them words for classes."""
    said = dict(column.listed) or dict.fromkeys(column.examples, 1)
    for scheme in _schemes(deployment):
        if _share(said, _classes(scheme, deployment)) >= _MOSTLY:
            fallback = _default(scheme, deployment) if column.share < 1 else None
            rule = {"field": column.name, "default": fallback} if fallback else column.name
            return [Entry("class_code", rule, f"its values are classes of {' '.join(scheme)}"), *_scheme_lines(scheme)]
    for scheme in _schemes(deployment)[: len(deployment.components.schemes)]:
        known = {value: code for value in said if (code := _by_word(value, scheme, deployment)) is not None}
        if column.listed and _share(said, known) >= least:
            return _mapped(column, known, [value for value in said if value not in known], scheme, deployment)
    return []


def _mapped(column: Column, known: dict[str, str], lost: list[str], scheme: Scheme, deployment: Deployment) -> list[Entry]:
    rule: dict[str, object] = {"field": column.name, "values": known}
    fallback = _default(scheme, deployment)
    if fallback and (lost or column.share < 1):
        rule |= ({"otherwise": fallback} if lost else {}) | ({"default": fallback} if column.share < 1 else {})
    doubt = f"what {', '.join(lost[:8])} is" + ("" if fallback else "; such rows are rejected") if lost else ""
    return [Entry("class_code", rule, f"its values are words for classes of {' '.join(scheme)}", doubt), *_scheme_lines(scheme)]


def _default(scheme: Scheme, deployment: Deployment) -> str | None:
    ours = (item for item in deployment.components.schemes if (item.scheme, item.edition) == scheme)
    return next((deployment.default_class(item) for item in ours), None)


def _share(said: dict[str, int], known: Iterable[str]) -> float:
    found = set(known)
    return sum(count for value, count in said.items() if value in found) / (sum(said.values()) or 1)


def _by_word(value: str, scheme: Scheme, deployment: Deployment) -> str | None:
    """Return the class of covers that ``value`` is the name of, or another word for."""
    classes = _classes(scheme, deployment)
    code = ClassNames(*scheme, deployment.classes).code(value)
    if code is not None:
        return code if classes[code].is_cover else None
    kind = kind_of(value)
    return next((item.code for item in classes.values() if item.is_cover and kind and item.kind == kind), None)


def kind_of(value: str) -> str | None:
    """Return the kind of cover, the same in every scheme, that a word of some language means; None when none is known."""
    kinds = guesses().kinds
    whole = next((kind for kind, words in kinds.items() if folded(value) in map(folded, words)), None)
    return whole or next((kind for kind, words in kinds.items() if mentions(value, words)), None)


def _unknown(named: Column | None, deployment: Deployment) -> list[Entry]:
    """Return the line for a class that is not known: the column that may hold it, or one class for all."""
    scheme = _schemes(deployment)[0]
    covers = [item for item in _classes(scheme, deployment).values() if item.is_cover]
    some = ", ".join(f"{item.code} ({item.name})" for item in covers[:6])
    fallback = _default(scheme, deployment) or covers[-1].code
    if named is None:
        return [Entry("class_code", {"constant": fallback}, "no column says it", f"which class the covers are, such as {some}")]
    said = ", ".join(value for value, _ in named.listed[:10]) or ", ".join(named.examples)
    doubt = (
        f"what {said} are: add them to `values` with classes of {' '.join(scheme)}, such as {some}; or give the deployment "
        f"a scheme with these classes (docs/new-city.md)"
    )
    rule = {"field": named.name, "values": {fallback: fallback}, "otherwise": fallback, "default": fallback}
    return [Entry("class_code", rule, "named like a class", doubt), *_scheme_lines(scheme)]
