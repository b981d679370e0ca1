"""From text to values, a whole column at a time: cleaning, numbers, dates. Nothing here knows about rows or files."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.findings import Mask

_NUMBER = r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$"
_INTEGER_LIMIT = 2**31 - 1
_RUN_TOGETHER = re.compile("%[a-zA-Z]%[a-zA-Z]")
_NULL = pa.scalar(None, pa.string())

# U+FFFD, and its bytes read as GBK.
_CERTAIN_DAMAGE = "\ufffd|锟斤拷"
# UTF-8 read as Latin-1; control characters that no encoding of text means; GBK read as Latin-1.
_DAMAGE = _CERTAIN_DAMAGE + "|烫烫烫|[ÃÂâ][\u0080-\u00bf]|[\u0001-\u0008\u000e-\u001f\u0080-\u009f]|[¡-ÿ]{4}"


class Parsed(NamedTuple):
    """A column of values, and which rows held something that could not be understood (null there)."""

    values: pa.Array
    bad: Mask


def mask_of(flags: pa.Array) -> Mask:
    """Return a boolean Arrow array as a numpy mask, null as False."""
    return np.asarray(pc.fill_null(flags, False).to_numpy(zero_copy_only=False), dtype=bool)


def one_chunk(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return a column as one array."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def as_text(column: pa.Array) -> pa.Array:
    """Return a column of any type as text: whole floats without ".0", dates in ISO form; null stays null."""
    kind = column.type
    if pa.types.is_string(kind):
        return column
    if pa.types.is_floating(kind):
        whole = pc.and_(pc.equal(pc.trunc(column), column), pc.less(pc.abs(column), 1e15))
        digits = pc.cast(pc.if_else(whole, column, pa.scalar(None, kind)), pa.int64())
        return pc.coalesce(pc.cast(digits, pa.string()), pc.cast(column, pa.string()))
    if pa.types.is_timestamp(kind):
        seconds = pc.strftime(pc.cast(column, pa.timestamp("s", kind.tz), safe=False), format="%Y-%m-%d %H:%M:%S")
        return pc.replace_substring_regex(seconds, pattern=" 00:00:00$", replacement="")
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return pa.array([None if value is None else str(value) for value in column.to_pylist()], pa.string())
    return pc.cast(column, pa.string())


def cleaned(text: pa.Array) -> tuple[pa.Array, Mask]:
    """Return text without NULs and outer blanks (the ideographic space too), blank as null; and which rows were changed."""
    bare = pc.utf8_trim_whitespace(pc.replace_substring(text, pattern="\0", replacement=""))
    changed = mask_of(pc.not_equal(bare, text))
    return pc.if_else(pc.equal(bare, ""), _NULL, bare), changed


def damaged(text: pa.Array, *, certain: bool = False) -> Mask:
    """Return which texts hold replacement characters or mojibake; with ``certain`` only what can be nothing else.

    >>> damaged(pa.array(["井盖", "井\ufffd", "é", "锟斤拷"])).tolist()
    [False, True, False, True]
    """
    return mask_of(pc.match_substring_regex(text, pattern=_CERTAIN_DAMAGE if certain else _DAMAGE))


def numbers(text: pa.Array) -> Parsed:
    """Return numbers (float64) from text such as "3.50" or "-1e3"; NaN, infinite and anything else is bad."""
    shaped = pc.match_substring_regex(text, pattern=_NUMBER)
    values = pc.cast(pc.if_else(shaped, text, _NULL), pa.float64())
    finite = pc.is_finite(values)
    values = pc.if_else(finite, values, pa.scalar(None, pa.float64()))
    return Parsed(values, mask_of(pc.and_(pc.is_valid(text), pc.is_null(values))))


def integers(text: pa.Array) -> Parsed:
    """Return whole numbers (int64) from text such as "6" or "6.0"; a fraction, or more than 31 bits, is bad."""
    found = numbers(text).values
    whole = pc.and_(pc.equal(pc.trunc(found), found), pc.less_equal(pc.abs(found), _INTEGER_LIMIT))
    values = pc.cast(pc.if_else(whole, found, pa.scalar(None, pa.float64())), pa.int64())
    return Parsed(values, mask_of(pc.and_(pc.is_valid(text), pc.is_null(values))))


def dates(text: pa.Array, formats: tuple[str, ...]) -> Parsed:
    """Return dates (date32) from text in the first of ``formats`` that fits; impossible days such as 30 February are bad."""
    result = pa.nulls(len(text), pa.date32())
    for pattern in formats:
        stamps = pc.strptime(text, format=pattern, unit="s", error_is_null=True)
        # The parser rolls 30 February over into March; what does not come back as it was is looked at again.
        sure = pc.and_(pc.is_valid(stamps), pc.equal(pc.strftime(stamps, format=pattern), text))
        found = pc.cast(pc.if_else(sure, stamps, pa.scalar(None, stamps.type)), pa.date32())
        found = _looked_at_again(found, text, mask_of(pc.and_(pc.is_valid(stamps), pc.invert(sure))), pattern)
        result = pc.coalesce(result, found)
    return Parsed(result, mask_of(pc.and_(pc.is_valid(text), pc.is_null(result))))


def _looked_at_again(found: pa.Array, text: pa.Array, doubtful: Mask, pattern: str) -> pa.Array:
    positions = np.flatnonzero(doubtful)
    if not len(positions):
        return found
    values = found.to_pylist()
    for position in positions.tolist():
        values[position] = _date_or_none(text[position].as_py(), pattern)
    return pa.array(values, pa.date32())


def _date_or_none(text: str, pattern: str) -> dt.date | None:
    if _RUN_TOGETHER.search(pattern):
        return None  # without separators a missing digit would shift the others
    try:
        return dt.datetime.strptime(text, pattern).date()
    except ValueError:
        return None


def matches(text: pa.Array, pattern: str) -> Mask:
    """Return which texts match the whole of ``pattern`` (null does not)."""
    return mask_of(pc.match_substring_regex(text, pattern=f"^(?:{pattern})$"))


def lookup(text: pa.Array, table: dict[str, Any], otherwise: str | None) -> Parsed:
    """Return ``table``'s value for each text, ``otherwise`` (or bad, when that is None) for texts that it lacks."""
    found = pc.index_in(text, value_set=pa.array(list(table), pa.string()))
    values = pa.array([str(value) for value in table.values()], pa.string()).take(found)
    missing = pc.and_(pc.is_valid(text), pc.is_null(found))
    if otherwise is not None:
        return Parsed(pc.if_else(missing, otherwise, values), np.zeros(len(text), dtype=bool))
    return Parsed(values, mask_of(missing))


def is_not_finite(text: pa.Array) -> pa.Array:
    """Return which texts are a way of writing "not a number" or "infinite"."""
    return pc.match_substring_regex(text, pattern=r"(?i)^[+-]?(nan|inf|infinity|1\.#.*|#NUM!|#DIV/0!)$")
