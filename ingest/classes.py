"""Classes of components in a source: which scheme they are of, by name, by crosswalk, and whether the deployment knows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gisgrid.codes import ClassNames, ComponentClass, crosswalk, of_edition
from gisgrid.deployment import Deployment, SchemeEdition
from gisgrid.errors import SourceError
from gisgrid.mistakes import near
from ingest import checks, values
from ingest.description import ClassScheme, Rule, Source
from ingest.findings import Findings
from ingest.values import Parsed

LAYER = "manhole_covers"
"""The layer whose rows have a class."""

_JOINT = "\x1f"
_MOST_LISTED = 40
_FILLED = ("scheme", "edition", "class_code")

Fields = Mapping[str, pa.Array]


def require(source: Source, deployment: Deployment) -> None:
    """Raise SourceError when the description leaves open, or gets wrong, what class its rows are of.

    Scheme, edition and class may be left out where the deployment has only one (or a class for it).
    """
    if source.layer != LAYER:
        return
    if not any(_fits(source, item) for item in deployment.components.schemes):
        named = " ".join(filter(None, (_constant(source, name) for name in ("scheme", "edition"))))
        raise SourceError(
            f"Source {source.id!r}: {named} is not a scheme of deployment {deployment.id!r}.",
            f"It has: {_schemes(deployment)}. Add others to `schemes` under [components] in its file, or use `crosswalk`.",
        )
    filled = _filled(source, deployment)
    for name in _FILLED:
        if name not in source.fields and name not in filled:
            raise SourceError(f"Source {source.id!r} needs a rule for {name}.", _what_there_is(source, deployment, name))
    for rule in source.fields.get("class_code", ()):
        if rule.crosswalk is not None:
            _known_scheme(source, rule.crosswalk, deployment)
    scheme, edition = (_constant(source, name) or filled.get(name) for name in ("scheme", "edition"))
    if scheme is not None and edition is not None:
        _known_classes(source, deployment, scheme, edition)


def fill(fields: dict[str, pa.Array], name: str, source: Source, deployment: Deployment) -> None:
    """Set the field ``name`` to what the deployment says, if the description leaves it to it."""
    if source.layer == LAYER and name not in source.fields and (value := _filled(source, deployment).get(name)) is not None:
        fields[name] = pa.repeat(pa.scalar(value), len(fields[name]))


def by_name(text: pa.Array, fields: Fields, deployment: Deployment) -> Parsed:
    """Return the codes of classes from their names, each in its row's scheme and edition; bad where no class is called so."""
    return _each(text, fields, lambda scheme, edition, name: _names(deployment, scheme, edition).code(name))


def crossed(text: pa.Array, origin: ClassScheme, fields: Fields, deployment: Deployment) -> Parsed:
    """Return codes of ``origin`` as those of the same classes in each row's scheme and edition; bad where there is none."""

    def code(scheme: str, edition: str, given: str) -> str | None:
        return crosswalk(origin.scheme, origin.edition, given, scheme, edition, classes=deployment.classes)

    return _each(text, fields, code)


def not_a_name(deployment: Deployment, fields: Fields, position: int, text: str) -> str:
    """Return what to say of a name that no class has."""
    scheme, edition = (fields[name][position].as_py() for name in ("scheme", "edition"))
    names = ", ".join(_names(deployment, scheme, edition).names)
    return f"class_code: {text!r} is not the name of a class of covers in {scheme} {edition} ({names})."


def not_crossed(rule: Rule, deployment: Deployment, fields: Fields, position: int, text: str) -> str:
    """Return what to say of a code that has no counterpart."""
    scheme, edition = (fields[name][position].as_py() for name in ("scheme", "edition"))
    origin = rule.crosswalk or ClassScheme(scheme=scheme, edition=edition)
    known = deployment.classes.get((origin.scheme, origin.edition, text))
    if known is None:
        return f"class_code: there is no class {text!r} in {origin.scheme} {origin.edition}."
    return f"class_code: {text} of {origin.scheme} {origin.edition} ({known.name}) has no counterpart in {scheme} {edition}."


def check(fields: Fields, findings: Findings, deployment: Deployment) -> None:
    """Check codes against the pattern of their scheme, and that each class exists in its scheme and edition and is one of covers."""
    _patterns(fields, findings, deployment)
    key = _keys(fields, fields["class_code"])
    joined = {_JOINT.join(row): found for row, found in deployment.classes.items()}
    exists = _is_in(key, joined)
    is_cover = _is_in(key, {row: found for row, found in joined.items() if found.is_cover})
    taken = [f"{item.scheme}{_JOINT}{item.edition}" for item in deployment.components.schemes]
    scheme = pc.binary_join_element_wise(fields["scheme"], fields["edition"], _JOINT)
    foreign = values.mask_of(pc.and_(pc.is_valid(scheme), pc.invert(pc.is_in(scheme, value_set=pa.array(taken, pa.string())))))
    complete = values.mask_of(pc.is_valid(key)) & ~foreign

    def shown(position: int) -> str:
        named, edition, code = (fields[field][position].as_py() for field in ("scheme", "edition", "class_code"))
        return f"Class {code!r} of {named} {edition}"

    def not_taken(position: int) -> str:
        return f"{fields['scheme'][position]} {fields['edition'][position]} is not a scheme of this deployment ({_schemes(deployment)})."

    findings.reject(checks.UNKNOWN_CLASS, foreign, "scheme", not_taken)
    findings.reject(checks.UNKNOWN_CLASS, complete & ~exists, "class_code", lambda i: f"{shown(i)} does not exist.")
    findings.reject(checks.NOT_A_COVER, complete & exists & ~is_cover, "class_code", lambda i: f"{shown(i)} is not a manhole cover.")


def _patterns(fields: Fields, findings: Findings, deployment: Deployment) -> None:
    code, rules = fields["code"], deployment.components
    pattern = np.full(len(code), rules.code_pattern, dtype=object)
    bad = ~values.matches(code, rules.code_pattern)
    for item in rules.schemes:
        if item.code_pattern is not None:
            own = pc.and_(pc.equal(fields["scheme"], item.scheme), pc.equal(fields["edition"], item.edition))
            mask = values.mask_of(own)
            pattern[mask] = item.code_pattern
            bad = np.where(mask, ~values.matches(code, item.code_pattern), bad)
    bad &= values.mask_of(pc.is_valid(code))
    findings.reject(checks.CODE_PATTERN, bad, "code", lambda i: f"code {code[i].as_py()!r} does not match {pattern[i]}.")


def _is_in(key: pa.Array, known: Mapping[str, ComponentClass]) -> np.ndarray:
    return values.mask_of(pc.is_in(key, value_set=pa.array(list(known), pa.string()), skip_nulls=True))


def _keys(fields: Fields, text: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(fields["scheme"], fields["edition"], text, _JOINT)


def _each(text: pa.Array, fields: Fields, code: Callable[[str, str, str], str | None]) -> Parsed:
    """Return ``code(scheme, edition, text)`` of each row, worked out once for each different one; bad where it is None."""
    key = pc.dictionary_encode(_keys(fields, text))
    found = pa.array([code(*entry.split(_JOINT, 2)) for entry in key.dictionary.to_pylist()], pa.string()).take(key.indices)
    return Parsed(found, values.mask_of(pc.and_(pc.is_valid(key.indices), pc.is_null(found))))


@lru_cache(maxsize=32)
def _names_of(classes: tuple[ComponentClass, ...], scheme: str, edition: str) -> ClassNames:
    return ClassNames(scheme, edition, {(item.scheme, item.edition, item.code): item for item in classes})


def _names(deployment: Deployment, scheme: str, edition: str) -> ClassNames:
    return _names_of(tuple(deployment.classes.values()), scheme, edition)


def _filled(source: Source, deployment: Deployment) -> dict[str, str]:
    """Return what the deployment says of scheme, edition and class where it leaves no choice."""
    schemes = deployment.components.schemes
    chosen = [item for item in schemes if _fits(source, item)]
    if len(chosen) != 1:
        return {}
    found = {"scheme": chosen[0].scheme, "edition": chosen[0].edition}
    default = deployment.default_class(chosen[0])
    return found if default is None else {**found, "class_code": default}


def _fits(source: Source, item: SchemeEdition) -> bool:
    """Say whether the scheme and edition that the description names for all rows, if it does, are those of ``item``."""
    return all(_constant(source, name) in {None, value} for name, value in (("scheme", item.scheme), ("edition", item.edition)))


def _constant(source: Source, name: str) -> str | None:
    rules = source.fields.get(name, ())
    return str(rules[0].constant) if rules and rules[0].constant is not None else None


def _schemes(deployment: Deployment) -> str:
    return ", ".join(f"{item.scheme} {item.edition}" for item in deployment.components.schemes)


def _what_there_is(source: Source, deployment: Deployment, name: str) -> str:
    if name != "class_code":
        return f"Deployment {deployment.id!r} has more than one: {_schemes(deployment)}."
    listed = [item for scheme in deployment.components.schemes if _fits(source, scheme) for item in _covers(deployment, scheme)]
    return f"Classes of covers: {_listed(listed)}."


def _covers(deployment: Deployment, scheme: SchemeEdition) -> list[ComponentClass]:
    return [item for item in of_edition(deployment.classes, scheme.scheme, scheme.edition) if item.is_cover]


def _listed(classes: list[ComponentClass]) -> str:
    return ", ".join(f"{item.code} {item.name}" for item in classes[:_MOST_LISTED]) + (" …" if len(classes) > _MOST_LISTED else "")


def _known_scheme(source: Source, asked: ClassScheme, deployment: Deployment) -> None:
    known = sorted({f"{scheme} {edition}" for scheme, edition, _ in deployment.classes})
    name = f"{asked.scheme} {asked.edition}"
    if name not in known:
        raise SourceError(
            f"Source {source.id!r}: there is no code scheme {name!r}{near(name, known) or '.'}", f"Schemes: {', '.join(known)}."
        )


def _known_classes(source: Source, deployment: Deployment, scheme: str, edition: str) -> None:
    """Raise SourceError for a class that the description names itself and that does not exist."""
    for rule in source.fields.get("class_code", ()):
        origin = rule.crosswalk or ClassScheme(scheme=scheme, edition=edition)
        known = of_edition(deployment.classes, origin.scheme, origin.edition)
        codes = [item.code for item in known]
        named = [rule.constant, rule.otherwise, *rule.values.values()]
        for code in [] if rule.class_names else [str(code) for code in named if code is not None]:
            if code not in codes:
                lead = f"Source {source.id!r}: class_code: there is no class {code!r}"
                raise SourceError(
                    f"{lead} in {origin.scheme} {origin.edition}{near(code, codes) or '.'}",
                    f"Classes: {_listed([item for item in known if item.is_cover] or known)}.",
                )
