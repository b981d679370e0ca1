"""From the columns of a file to the fields of a layer, as the description says. Values are typed, not yet judged as a row."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gisgrid.deployment import Deployment
from gisgrid.errors import SourceError
from gisgrid.mistakes import near
from ingest import checks, classes, units, values
from ingest.dates import dates
from ingest.description import Rule, Source
from ingest.expressions import parse_expression
from ingest.findings import Findings, Mask
from ingest.readers.batch import Contents, RawBatch
from ingest.sexagesimal import Axis, decimal_degrees
from ingest.targets import Target, TargetField
from ingest.values import Parsed

_TAGS = "other_tags"
_COMMA = re.compile(r"\d,\d")
_ARROW_TYPES = {"text": pa.string(), "integer": pa.int64(), "number": pa.float64(), "date": pa.date32()}


@dataclass
class Mapped:
    """A batch after mapping: the raw rows, one typed Arrow column for every field of the target, and what was found."""

    raw: RawBatch
    fields: dict[str, pa.Array]
    findings: Findings


class Columns:
    """The columns of a batch by name, with OpenStreetMap tags as if they were columns, cleaned once each."""

    def __init__(self, raw: RawBatch, findings: Findings, decimal: str | None = None) -> None:
        self._raw = raw
        self._findings = findings
        self._done: dict[str, pa.Array] = {}
        self.size = raw.size
        self.decimal = decimal

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

    Of alternatives for one field at least one has to be there; an expression needs all of its columns.
    """
    if contents.open_ended:
        return
    known = set(contents.columns)
    others = [("where", column) for column in source.where]
    others += [("coordinates", column) for column in (source.coordinates.columns if source.coordinates else ())]
    missing = [f"{name} = {column}{near(column, known)}" for name, column in others if column not in known]
    missing += [said for name, rules in source.fields.items() if (said := _missing(name, rules, known))]
    if missing:
        raise SourceError(
            f"{path} does not have the columns of source {source.id!r}: {'; '.join(missing)}.",
            f"Its columns: {', '.join(contents.columns)}.",
        )
    wanted = {column for _, column in others} | {c for rules in source.fields.values() for rule in rules for c in rule.columns}
    if twice := sorted(column for column in wanted if contents.columns.count(column) > 1):
        raise SourceError(f"{path} has more than one column called {', '.join(twice)}.", "Rename one of them in the file.")


def _missing(name: str, rules: tuple[Rule, ...], known: set[str]) -> str:
    """Return which columns no rule for the field ``name`` can do without, "" when one of them has what it needs."""
    lacking = [rule.lacks(known) for rule in rules]
    if not all(lacking):
        return ""
    columns = dict.fromkeys(column for columns in lacking for column in columns)
    joint = " and " if len(rules) == 1 and rules[0].expression is not None else " or "
    return f"{name} = {joint.join(columns)}{next(filter(None, (near(column, known) for column in columns)), '')}"


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


def coordinate_texts(source: Source, raw: RawBatch, findings: Findings) -> list[pa.Array]:
    """Return the columns that ``coordinates`` names, as text in which numbers, and degrees with their minutes, are written with a point."""
    if source.coordinates is None:
        return []
    columns = Columns(raw, findings)
    texts = [columns.text(name) for name in source.coordinates.columns]
    if source.coordinates.wkt is not None:
        return texts
    if source.coordinates.lon is not None:
        axes: tuple[Axis, Axis] = ("lat", "lon") if source.axis_order == "yx" else ("lon", "lat")
        texts = [decimal_degrees(text, axis) for text, axis in zip(texts, axes, strict=True)]
    return [values.plain(text, source.decimal) for text in texts]


def map_fields(source: Source, target: Target, raw: RawBatch, deployment: Deployment, *, is_recoded: bool = False) -> Mapped:
    """Return every field of ``target`` as a typed column; a value that cannot be understood is found and left null.

    Scheme, edition and class of components come from the deployment where the description leaves them to it. In text
    that came out of bytes (``is_recoded``) damage in any column rejects the row, mapped or not: its bytes are not in the
    encoding that they are said to be.
    """
    findings = Findings(raw.size)
    cells = "The row does not have as many cells as the header."
    findings.reject(checks.UNREADABLE_ROW, raw.broken, "", lambda i: raw.broken_reasons.get(i, cells))
    columns = Columns(raw, findings, source.decimal)
    fields: dict[str, pa.Array] = {}
    for field in target.all_fields.values():
        fields[field.name] = _Filling(field, columns, findings, fields, deployment).column(source.fields.get(field.name, ()))
        classes.fill(fields, field.name, source, deployment)
    if is_recoded:
        _damage_elsewhere(raw, columns, findings)
    return Mapped(raw, fields, findings)


def _damage_elsewhere(raw: RawBatch, columns: Columns, findings: Findings) -> None:
    for name in set(raw.table.column_names) - columns.used:
        if raw.table.column_names.count(name) == 1 and pa.types.is_string(raw.table.column(name).type):
            text = values.one_chunk(raw.table.column(name))
            say = _saying(text, lambda value, name=name: f"{name}: {value!r} is damaged text; is the encoding right?")  # type: ignore[misc]
            findings.reject(checks.DAMAGED_TEXT, values.damaged(text, certain=True), name, say)


class _Blanked:
    """Columns in which some texts mean "nothing"."""

    def __init__(self, columns: Columns, blank: tuple[str, ...]) -> None:
        self._columns = columns
        self._blank = pa.array(blank, pa.string())
        self.size = columns.size
        self.decimal = columns.decimal

    def text(self, name: str) -> pa.Array:
        """Return a column as clean text, null where it is blank or means nothing."""
        text = self._columns.text(name)
        return _blanked(text, values.mask_of(pc.is_in(text, value_set=self._blank))) if len(self._blank) else text


@dataclass
class _Filling:
    """Fills one field of a batch by its rules; ``fields`` are those that are filled already."""

    field: TargetField
    columns: Columns
    findings: Findings
    fields: dict[str, pa.Array]
    deployment: Deployment

    def column(self, rules: tuple[Rule, ...]) -> pa.Array:
        """Return the field's column: of each row the first rule that gives a value."""
        if not rules:
            return pa.nulls(self.findings.size, _ARROW_TYPES[self.field.type])
        result = self._converted(rules[0], self._text(rules[0]))
        for rule in rules[1:]:
            text = _blanked(self._text(rule), values.mask_of(pc.is_valid(result)))
            result = pc.coalesce(result, self._converted(rule, text))
        return result

    def _text(self, rule: Rule) -> pa.Array:
        """Return the text that ``rule`` gives for each row."""
        if rule.constant is not None:
            return pa.repeat(pa.scalar(str(rule.constant)), self.findings.size)
        text = self._origin(rule)
        if rule.slice:
            text = pc.utf8_slice_codeunits(text, *rule.slice)
            text = pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
        if rule.template:
            before, after = rule.template.split("{}")
            text = pc.binary_join_element_wise(before, text, after, "")
        if rule.values:
            found = values.lookup(text, rule.values, rule.otherwise)
            text = self._good(rule, checks.UNKNOWN_VALUE, found, text, f"is not in the value map ({', '.join(rule.values)}).")
        text = self._class(rule, text)
        return pc.fill_null(text, rule.default) if rule.default is not None else text

    def _origin(self, rule: Rule) -> pa.Array:
        """Return what the columns hold, without what means nothing and without damage."""
        columns = _Blanked(self.columns, rule.blank)
        if rule.expression is None:
            texts = [columns.text(name) for name in rule.columns]
            return self._undamaged(rule, pc.coalesce(*texts) if len(texts) > 1 else texts[0])
        for name in rule.columns:
            self._undamaged(rule, columns.text(name))
        found = parse_expression(rule.expression).text(columns, as_number=self._is_number(rule))

        def say(position: int) -> str:
            cells = ", ".join(f"{name} = {columns.text(name)[position].as_py()!r}" for name in rule.columns)
            return f"{self.field.name}: `{rule.expression}` cannot be worked out for {cells}."

        self.findings.reject_or_drop(checks.BAD_NUMBER, found.bad, self.field.name, say, drop=rule.on_error == "null")
        return found.values

    def _is_number(self, rule: Rule) -> bool:
        """Say whether what the expression gives is taken as the field's number, with no text to be made of it first."""
        return self.field.type in {"integer", "number"} and not (rule.slice or rule.template or rule.values)

    def _undamaged(self, rule: Rule, text: pa.Array) -> pa.Array:
        bad = values.damaged(text)
        return self._good(rule, checks.DAMAGED_TEXT, Parsed(_blanked(text, bad), bad), text, "is damaged text; is the encoding right?")

    def _class(self, rule: Rule, text: pa.Array) -> pa.Array:
        """Return class codes in the row's own scheme and edition, from names or from another scheme's codes."""
        if rule.class_names:
            found = classes.by_name(text, self.fields, self.deployment)
            say = lambda i: classes.not_a_name(self.deployment, self.fields, i, text[i].as_py())  # noqa: E731
        elif rule.crosswalk is not None:
            found = classes.crossed(text, rule.crosswalk, self.fields, self.deployment)
            say = lambda i: classes.not_crossed(rule, self.deployment, self.fields, i, text[i].as_py())  # noqa: E731
        else:
            return text
        self.findings.reject_or_drop(checks.UNKNOWN_CLASS, found.bad, self.field.name, say, drop=rule.on_error == "null")
        return found.values

    def _converted(self, rule: Rule, text: pa.Array) -> pa.Array:
        """Return ``text`` in the field's type, checked against its list or range."""
        field = self.field
        if field.type == "text":
            return self._listed(rule, text)
        if field.type == "date":
            like = " or ".join(rule.formats) if rule.format else "2020-05-31 (say its `format`)"
            return self._good(rule, checks.BAD_DATE, dates(text, rule.formats), text, f"is not a date like {like}.")
        found = self._number(rule, text)
        if field.type == "integer":
            found = values.whole(found.values, text)
        kind = "whole number" if field.type == "integer" else "number"
        return self._in_range(rule, self._good(rule, checks.BAD_NUMBER, found, text, f"is not a {kind}."), text)

    def _number(self, rule: Rule, text: pa.Array) -> Parsed:
        """Return the number in the field's unit."""
        if rule.unit is not None:
            text = values.without_ending(text, units.marks(rule.unit))
        is_plain = rule.constant is not None or (
            rule.expression is not None and parse_expression(rule.expression).is_plain(as_number=self._is_number(rule))
        )
        found = values.numbers(text, None if is_plain else self.columns.decimal)
        factor = units.factor(rule.unit, self.field.unit) if rule.unit is not None else None
        return found if factor in {None, 1.0} else Parsed(pc.multiply(found.values, factor), found.bad)

    def _listed(self, rule: Rule, text: pa.Array) -> pa.Array:
        allowed = self.field.allowed
        if not allowed:
            return text
        bad = values.mask_of(pc.invert(pc.is_in(text, value_set=pa.array(allowed, pa.string()), skip_nulls=True)))
        bad &= values.mask_of(pc.is_valid(text))
        return self._good(rule, checks.UNKNOWN_VALUE, Parsed(_blanked(text, bad), bad), text, f"is not one of {', '.join(allowed)}.")

    def _in_range(self, rule: Rule, found: pa.Array, text: pa.Array) -> pa.Array:
        """Return the numbers that the field can hold; ``text`` is what was written for them."""
        low, high = self.field.minimum, self.field.maximum
        if low is None or high is None:
            return found
        bad = values.mask_of(pc.or_(pc.less(found, low), pc.greater(found, high)))

        def say(position: int) -> str:
            worked_out = f" ({found[position].as_py():g} {self.field.unit})" if rule.unit not in {None, self.field.unit} else ""
            return f"{self.field.name}: {text[position].as_py()}{worked_out} is not between {low:g} and {high:g}."

        self.findings.reject_or_drop(checks.OUT_OF_RANGE, bad, self.field.name, say, drop=rule.on_error == "null")
        return _blanked(found, bad)

    def _good(self, rule: Rule, check: checks.Check, found: Parsed, given: pa.Array, why: str) -> pa.Array:
        """Return the values that are good; rows with others are rejected, or lose the value, with what was given and why not."""
        say = _saying(given, lambda value: f"{self.field.name}: {value!r} {why}{_advice(value) if check is checks.BAD_NUMBER else ''}")
        self.findings.reject_or_drop(check, found.bad, self.field.name, say, drop=rule.on_error == "null")
        return found.values


def _blanked(column: pa.Array, bad: Mask) -> pa.Array:
    return pc.if_else(pa.array(bad), pa.scalar(None, column.type), column) if bad.any() else column


def _saying(column: pa.Array, words: Callable[[object], str]) -> Callable[[int], str]:
    """Return a function that says what is wrong at a position, from the value there."""
    return lambda position: words(column[position].as_py())


def _advice(value: object) -> str:
    """Return what to do about a number with a comma in it, which can be read in two ways."""
    return ' Say what its comma is: decimal = "," or decimal = ".".' if _COMMA.search(str(value)) else ""
