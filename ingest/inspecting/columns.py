"""What a column of a sample holds: its type, how much of it is filled, its values."""

from __future__ import annotations

import re
from collections import Counter
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest import values
from ingest.dates import dates
from ingest.inspecting.tables import guesses
from ingest.sexagesimal import decimal_degrees

Kind = Literal["text", "integer", "number", "date", "boolean", "empty"]
"""What the values of a column are, whatever type the file gives them."""

MAX_LISTED = 30
_MAX_EXAMPLES = 3
_EXAMPLE_CHARS = 40
_MOSTLY = 0.9
_TIME_OF_DAY = r"([T ]+\d{1,2}:\d{2}.*)?$"
_PADDED = r"^0[0-9]+$"
_DECIMAL_COMMA = r"^[+-]?(\d{1,3}(\.\d{3})+|\d+),\d+$"


class Column(NamedTuple):
    """A column as a sample shows it.

    ``filled`` of ``rows`` values are not blank, ``distinct`` of them differ. ``listed`` holds the values with their counts,
    commonest first, when there are at most MAX_LISTED. ``lengths`` counts the texts by length. ``minimum``,
    ``maximum`` and ``median`` are set for numbers, ``formats`` for dates. ``decimal_comma`` says that numbers are written 3,5.
    ``odd`` holds a few of the values that are not what the others are: words among numbers. ``is_padded`` says of texts that they are
    whole numbers with zeros before them, ``is_angle`` that they are degrees, minutes and seconds; ``median`` is in degrees then.
    """

    name: str
    kind: Kind
    rows: int
    filled: int
    distinct: int
    examples: tuple[str, ...]
    listed: tuple[tuple[str, int], ...] = ()
    lengths: tuple[tuple[int, int], ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    median: float | None = None
    formats: tuple[str, ...] = ()
    decimal_comma: bool = False
    odd: tuple[str, ...] = ()
    is_padded: bool = False
    is_angle: bool = False

    @property
    def share(self) -> float:
        """The share of rows that have a value, 0 to 1."""
        return self.filled / self.rows if self.rows else 0.0

    @property
    def uniqueness(self) -> float:
        """The share of values that differ from all before them, 0 to 1."""
        return self.distinct / self.filled if self.filled else 0.0

    @property
    def identifies(self) -> bool:
        """Whether nearly every row has a value and nearly all differ: a few bad rows do not spoil a key."""
        return self.share >= 0.95 and self.uniqueness >= 0.95

    @property
    def is_numeric(self) -> bool:
        """Whether the values can be read as numbers."""
        return self.kind in {"integer", "number"} or self.is_padded

    @property
    def common_length(self) -> int:
        """The length that nearly all texts have, 0 when they differ."""
        return self.lengths[0][0] if self.lengths and self.lengths[0][1] >= _MOSTLY * self.filled else 0


def profile(name: str, column: pa.ChunkedArray) -> Column:
    """Return what ``column`` holds, after outer blanks are removed."""
    array = values.one_chunk(column)
    text, _ = values.cleaned(values.as_text(array))
    filled = text.drop_null()
    counts = Counter({item["values"].as_py(): item["counts"].as_py() for item in pc.value_counts(filled)})
    base = Column(name, "empty", len(text), len(filled), len(counts), _examples(filled))
    if not counts:
        return base
    if len(counts) <= MAX_LISTED:
        base = base._replace(listed=tuple(counts.most_common()))
    base = base._replace(lengths=tuple(Counter(pc.utf8_length(filled).to_pylist()).most_common()))
    return _typed(base, array.type, filled)


def _examples(filled: pa.Array) -> tuple[str, ...]:
    seen = list(dict.fromkeys(filled.slice(0, 1000).to_pylist()))[:_MAX_EXAMPLES]
    return tuple(value if len(value) <= _EXAMPLE_CHARS else value[: _EXAMPLE_CHARS - 1] + "…" for value in seen)


def _typed(column: Column, kind: pa.DataType, filled: pa.Array) -> Column:
    if pa.types.is_boolean(kind):
        return column._replace(kind="boolean")
    if pa.types.is_temporal(kind):
        return column._replace(kind="date", formats=date_formats(filled))
    plain = values.numbers(filled)
    if _share(~plain.bad) >= _MOSTLY:
        return _numeric(column, plain.values, filled)
    commas = values.mask_of(pc.match_substring_regex(filled, pattern=_DECIMAL_COMMA))
    if commas.any() and _share(commas | ~plain.bad) >= _MOSTLY:
        return _numeric(column, values.numbers(filled, ",").values, filled)._replace(decimal_comma=True)
    angles = in_degrees(filled)
    if _share(~angles.bad) >= _MOSTLY:
        return _numeric(column, angles.values, filled)._replace(kind="text", formats=(), is_angle=True)
    formats = date_formats(filled)
    return column._replace(kind="date" if formats else "text", formats=formats)


def in_degrees(text: pa.Array, decimal: str | None = None) -> values.Parsed:
    """Return numbers (float64) from text, where degrees, minutes and seconds of either axis are decimal degrees."""
    return values.numbers(decimal_degrees(decimal_degrees(text, "lon"), "lat"), decimal)


def _numeric(column: Column, numbers: pa.Array, filled: pa.Array) -> Column:
    found = numbers.drop_null().to_numpy(zero_copy_only=False)
    odd = filled.filter(pc.is_null(numbers))
    whole = bool(np.all(found == np.trunc(found)))
    column = column._replace(
        kind="integer" if whole else "number",
        minimum=float(found.min()),
        maximum=float(found.max()),
        median=float(np.median(found)),
        odd=_examples(odd),
    )
    if not whole:
        return column
    padded = filled.filter(pc.match_substring_regex(filled, pattern=_PADDED))
    if len(padded.filter(pc.invert(pc.is_in(padded, value_set=pa.array(guesses().dates.blank, pa.string()))))):
        column = column._replace(kind="text", is_padded=True)
    # 20200717 is a number and may be a date too; a name has to say which.
    return column._replace(formats=date_formats(filled))


def _share(flags: np.ndarray) -> float:
    return float(flags.mean()) if len(flags) else 0.0


def date_formats(filled: pa.Array) -> tuple[str, ...]:
    """Return the formats that nearly all of the texts fit: one, or two that together do; none when they are no dates."""
    tables = guesses().dates
    text = filled.filter(pc.invert(pc.is_in(filled, value_set=pa.array(tables.blank, pa.string()))))
    if not len(text):
        return ()
    fits = {pattern: _fits(text, pattern) for pattern in tables.formats}
    pattern, mask = max(fits.items(), key=lambda item: float(item[1].mean()))
    if mask.mean() >= _MOSTLY:
        return (pattern,)
    second, other = max(fits.items(), key=lambda item: float((item[1] | mask).mean()))
    return (pattern, second) if (other | mask).mean() >= 0.95 and other.mean() > 0.02 else ()


def _fits(text: pa.Array, pattern: str) -> np.ndarray:
    # The parser would take "2020" out of any longer number: the length has to be right too.
    shape = _shape(pattern)
    looks = values.mask_of(pc.match_substring_regex(text, pattern=shape))
    if not looks.any():
        return looks
    found = dates(pc.if_else(pa.array(looks), text, pa.scalar(None, pa.string())), (pattern,)).values
    years = pc.year(found)
    return values.mask_of(pc.and_(pc.greater_equal(years, 1850), pc.less_equal(years, 2100)))


def _shape(pattern: str) -> str:
    """Return a regular expression for what a strptime pattern looks like; a time of day may follow."""
    loose = "-" in pattern or "/" in pattern or "." in pattern or "年" in pattern
    two = r"\d{1,2}" if loose else r"\d{2}"
    pieces = {"%Y": r"\d{4}", "%y": r"\d{2}", "%m": two, "%d": two}
    return "^" + "".join(pieces.get(piece, re.escape(piece)) for piece in re.findall(r"%[a-zA-Z]|.", pattern)) + _TIME_OF_DAY
