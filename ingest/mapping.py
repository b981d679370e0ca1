"""From the columns of a file to the fields of a layer, as the description says. Values are typed, not yet judged as a row."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gisgrid.errors import SourceError
from ingest import checks, values
from ingest.description import Rule, Source
from ingest.findings import Findings, Mask
from ingest.readers.batch import Contents, RawBatch
from ingest.targets import Target, TargetField

_TAGS = "other_tags"
_ARROW_TYPES = {"text": pa.string(), "integer": pa.int64(), "number": pa.float64(), "date": pa.date32()}


@dataclass
class Mapped:
    """A batch after mapping: the raw rows, one typed Arrow column for every field of the target, and what was found."""

    raw: RawBatch
    fields: dict[str, pa.Array]
    findings: Findings


class Columns:
    """The columns of a batch by name, with OpenStreetMap tags as if they were columns, cleaned once each."""

    def __init__(self, raw: RawBatch, findings: Findings) -> None:
        self._raw = raw
        self._findings = findings
        self._done: dict[str, pa.Array] = {}

    def text(self, name: str) -> pa.Array:
        """Return a column as clean text; null where it is blank, or where no row can have it."""
        if name not in self._done:
            text = values.as_text(self._find(name))
            clean, changed = values.cleaned(text)
            self._findings.repair(checks.TRIMMED, changed, name, lambda i: text[i].as_py(), lambda i: clean[i].as_py())
            self._done[name] = clean
        return self._done[name]

    @property
    def used(self) -> set[str]:
        """The columns that were asked for."""
        return set(self._done)

    def _find(self, name: str) -> pa.Array:
        table = self._raw.table
        if name in table.column_names:
            return values.one_chunk(table.column(name))
        if _TAGS in table.column_names:
            return tag(values.one_chunk(table.column(_TAGS)), name)
        return pa.nulls(self._raw.size, pa.string())


def tag(packed: pa.Array, key: str) -> pa.Array:
    r"""Return the value of one tag out of GDAL's packed ``"key"=>"value","key"=>"value"``; null where it is absent.

    >>> tag(pa.array(['"manhole"=>"drain","ref"=>"A\\"1"', None]), "ref").to_pylist()
    ['A"1', None]
    """
    pattern = rf'(?:^|,)"{re.escape(key)}"=>"(?P<value>(?:[^"\\]|\\.)*)"'
    found = pc.struct_field(pc.extract_regex(packed, pattern=pattern), "value")
    absent = pc.invert(pc.fill_null(pc.match_substring_regex(packed, pattern=pattern), False))
    plain = pc.replace_substring_regex(found, pattern=r"\\(.)", replacement=r"\1")
    return pc.if_else(absent, pa.scalar(None, pa.string()), plain)


def require_columns(source: Source, contents: Contents, path: str) -> None:
    """Raise SourceError when the description names columns that the file does not have, or has twice.

    Of alternatives for one field at least one has to be there.
    """
    if contents.open_ended:
        return
    known = set(contents.columns)
    wanted = [(name, _alternatives(rules)) for name, rules in source.fields.items()]
    wanted += [("where", (column,)) for column in source.where]
    wanted += [("coordinates", (column,)) for column in (source.coordinates.columns if source.coordinates else ())]
    if missing := [f"{name} = {' or '.join(columns)}" for name, columns in wanted if columns and not known.intersection(columns)]:
        raise SourceError(
            f"{path} does not have the columns of source {source.id!r}: {'; '.join(missing)}.",
            f"Its columns: {', '.join(contents.columns)}.",
        )
    if twice := sorted({c for _, columns in wanted for c in columns if contents.columns.count(c) > 1}):
        raise SourceError(f"{path} has more than one column called {', '.join(twice)}.", "Rename one of them in the file.")


def _alternatives(rules: tuple[Rule, ...]) -> tuple[str, ...]:
    """Return the columns that any of ``rules`` may read; none when one of them needs no column."""
    if any(rule.constant is not None for rule in rules):
        return ()
    return tuple(column for rule in rules for column in rule.columns)


def select(source: Source, raw: RawBatch) -> RawBatch:
    """Return the rows that the source's ``where`` takes; broken rows stay, for they must be accounted for."""
    keep = np.ones(raw.size, dtype=bool)
    columns = Columns(raw, Findings(raw.size))
    for name, wanted in source.where.items():
        text = columns.text(name)
        if wanted == "*":
            keep &= values.mask_of(pc.is_valid(text))
        else:
            allowed = [wanted] if isinstance(wanted, str) else list(wanted)
            keep &= values.mask_of(pc.is_in(text, value_set=pa.array(allowed, pa.string())))
    return raw.filter(keep | raw.broken)


def map_fields(source: Source, target: Target, raw: RawBatch, *, is_recoded: bool = False) -> Mapped:
    """Return every field of ``target`` as a typed column; a value that cannot be understood is found and left null.

    In text that came out of bytes (``is_recoded``) damage in any column rejects the row, mapped or not: its bytes are not
    in the encoding that they are said to be.
    """
    findings = Findings(raw.size)
    cells = "The row does not have as many cells as the header."
    findings.reject(checks.UNREADABLE_ROW, raw.broken, "", lambda i: raw.broken_reasons.get(i, cells))
    columns = Columns(raw, findings)
    fields = {field.name: _typed(field, source.fields.get(field.name, ()), columns, findings) for field in target.all_fields.values()}
    if is_recoded:
        _damage_elsewhere(raw, columns, findings)
    return Mapped(raw, fields, findings)


def _damage_elsewhere(raw: RawBatch, columns: Columns, findings: Findings) -> None:
    for name in set(raw.table.column_names) - columns.used:
        if raw.table.column_names.count(name) == 1 and pa.types.is_string(raw.table.column(name).type):
            text = values.one_chunk(raw.table.column(name))
            say = _saying(text, lambda value, name=name: f"{name}: {value!r} is damaged text; is the encoding right?")  # type: ignore[misc]
            findings.reject(checks.DAMAGED_TEXT, values.damaged(text, certain=True), name, say)


def _typed(field: TargetField, rules: tuple[Rule, ...], columns: Columns, findings: Findings) -> pa.Array:
    result = pa.nulls(findings.size, _ARROW_TYPES[field.type])
    for rule in rules:
        text = _blanked(_mapped_text(rule, field, columns, findings), values.mask_of(pc.is_valid(result)))
        result = pc.coalesce(result, _converted(field, rule, text, findings, drop=rule.on_error == "null"))
    return result


def _mapped_text(rule: Rule, field: TargetField, columns: Columns, findings: Findings) -> pa.Array:
    """Return the text that ``rule`` gives for each row."""
    if rule.constant is not None:
        return pa.repeat(pa.scalar(str(rule.constant)), findings.size)
    text = pc.coalesce(*(columns.text(name) for name in rule.columns))
    if rule.blank:
        text = pc.if_else(pc.is_in(text, value_set=pa.array(rule.blank, pa.string())), pa.scalar(None, pa.string()), text)
    text = _without_damage(text, rule, field, findings)
    if rule.slice:
        text = pc.utf8_slice_codeunits(text, *rule.slice)
        text = pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
    if rule.template:
        before, after = rule.template.split("{}")
        text = pc.binary_join_element_wise(before, text, after, "")
    if rule.values:
        text = _looked_up(text, rule, field, findings)
    return pc.fill_null(text, rule.default) if rule.default is not None else text


def _without_damage(text: pa.Array, rule: Rule, field: TargetField, findings: Findings) -> pa.Array:
    bad = values.damaged(text)
    if not bad.any():
        return text
    drop = rule.on_error == "null"
    say = _saying(text, lambda value: f"{field.name}: {value!r} is damaged text; is the encoding right?")
    findings.reject_or_drop(checks.DAMAGED_TEXT, bad, field.name, say, drop=drop)
    return pc.if_else(pa.array(bad), pa.scalar(None, pa.string()), text)


def _looked_up(text: pa.Array, rule: Rule, field: TargetField, findings: Findings) -> pa.Array:
    found = values.lookup(text, rule.values, rule.otherwise)
    say = _saying(text, lambda value: f"{field.name}: {value!r} is not in the value map ({', '.join(rule.values)}).")
    findings.reject_or_drop(checks.UNKNOWN_VALUE, found.bad, field.name, say, drop=rule.on_error == "null")
    return found.values


def _converted(field: TargetField, rule: Rule, text: pa.Array, findings: Findings, *, drop: bool) -> pa.Array:
    """Return ``text`` in the field's type, checked against its list or range."""
    if field.type == "text":
        return _listed(field, text, findings, drop=drop)
    if field.type == "date":
        found = values.dates(text, rule.formats)
        say = _saying(text, lambda value: f"{field.name}: {value!r} is not a date like {' or '.join(rule.formats)}.")
        findings.reject_or_drop(checks.BAD_DATE, found.bad, field.name, say, drop=drop)
        return found.values
    found = values.integers(text) if field.type == "integer" else values.numbers(text)
    say = _saying(text, lambda value: f"{field.name}: {value!r} is not a {'whole number' if field.type == 'integer' else 'number'}.")
    findings.reject_or_drop(checks.BAD_NUMBER, found.bad, field.name, say, drop=drop)
    return _in_range(field, found.values, findings, drop=drop)


def _listed(field: TargetField, text: pa.Array, findings: Findings, *, drop: bool) -> pa.Array:
    if not field.allowed:
        return text
    bad = values.mask_of(pc.invert(pc.is_in(text, value_set=pa.array(field.allowed, pa.string()), skip_nulls=True)))
    bad &= values.mask_of(pc.is_valid(text))
    say = _saying(text, lambda value: f"{field.name}: {value!r} is not one of {', '.join(field.allowed)}.")
    findings.reject_or_drop(checks.UNKNOWN_VALUE, bad, field.name, say, drop=drop)
    return _blanked(text, bad)


def _in_range(field: TargetField, found: pa.Array, findings: Findings, *, drop: bool) -> pa.Array:
    if field.minimum is None or field.maximum is None:
        return found
    bad = values.mask_of(pc.or_(pc.less(found, field.minimum), pc.greater(found, field.maximum)))
    say = _saying(found, lambda value: f"{field.name}: {value} is not between {field.minimum:g} and {field.maximum:g}.")
    findings.reject_or_drop(checks.OUT_OF_RANGE, bad, field.name, say, drop=drop)
    return _blanked(found, bad)


def _blanked(column: pa.Array, bad: Mask) -> pa.Array:
    return pc.if_else(pa.array(bad), pa.scalar(None, column.type), column) if bad.any() else column


def _saying(column: pa.Array, words: Callable[[object], str]) -> Callable[[int], str]:
    """Return a function that says what is wrong at a position, from the value there."""
    return lambda position: words(column[position].as_py())
