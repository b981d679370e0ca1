"""From text to values, a whole column at a time: cleaning, numbers, dates. Nothing here knows about rows or files."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.findings import Mask

_NUMBER = r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$"
_INTEGER_LIMIT = 2**31 - 1
_EXACT = 2.0**53  # from here on a float no longer holds every whole number
_NULL = pa.scalar(None, pa.string())

_GROUP = r"^[+-]?\d{1,3}\.\d{3}$"
_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x2212: "-"}
_SPACED = re.compile(r"(?<=\d)[ \u00a0\u2009\u202f'](?=\d{3}(?!\d))")
_COMMAS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?", re.ASCII)
_SURE_COMMAS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+\.\d*|[+-]?[1-9]\d{0,2}(,\d{3}){2,}", re.ASCII)
_AMBIGUOUS_POINT = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}", re.ASCII)
_COMMA_DECIMAL = re.compile(r"[+-]?(\d+|[1-9]\d{0,2}(\.\d{3})+),\d+([eE][+-]?\d+)?|[+-]?[1-9]\d{0,2}(\.\d{3}){2,}", re.ASCII)
_POINT_ONLY = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)

# U+FFFD, and its bytes read as GBK.
_CERTAIN_DAMAGE = "\ufffd|锟斤拷"
# UTF-8 read as Latin-1; control characters that no encoding of text means; GBK read as Latin-1.
_DAMAGE = _CERTAIN_DAMAGE + "|烫烫烫|[ÃÂâ][\u0080-\u00bf]|[\u0001-\u0008\u000e-\u001f\u0080-\u009f]|[¡-ÿ]{4}"
_MARKS_OF_DAMAGE = (b"\xc2", b"\xc3", *(mark.encode() for mark in ("\ufffd", "锟斤拷", "烫烫烫")))
_BLANK_BYTE = 0x20


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
        whole = pc.and_(pc.equal(pc.trunc(column), column), pc.less(pc.abs(column), _EXACT))
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
    bare = pc.replace_substring(text, pattern="\0", replacement="") if b"\0" in _bytes(text) else text
    bare = pc.utf8_trim_whitespace(bare)
    changed = mask_of(pc.not_equal(bare, text))
    return pc.if_else(pc.equal(bare, ""), _NULL, bare), changed


def damaged(text: pa.Array, *, certain: bool = False) -> Mask:
    """Return which texts hold replacement characters or mojibake; with ``certain`` only what can be nothing else.

    >>> damaged(pa.array(["井盖", "井\ufffd", "é", "锟斤拷"])).tolist()
    [False, True, False, True]
    """
    if not _may_be_damaged(text):
        return np.zeros(len(text), dtype=bool)
    return mask_of(pc.match_substring_regex(text, pattern=_CERTAIN_DAMAGE if certain else _DAMAGE))


def _may_be_damaged(text: pa.Array) -> bool:
    """Say whether the bytes of a column hold any that damage has: a look at them is 20 times faster than the pattern."""
    content = _bytes(text)
    # C2 and C3 begin the characters from U+0080 to U+00FF, and are part of no other.
    return bool((np.frombuffer(content, dtype=np.uint8) < _BLANK_BYTE).any()) or any(mark in content for mark in _MARKS_OF_DAMAGE)


def _bytes(text: pa.Array) -> bytes:
    """Return the bytes of all texts of a column, one after another."""
    _, offsets, data = text.buffers()
    if data is None or not len(text):
        return b""
    bounds = np.frombuffer(offsets, dtype=np.int32)[text.offset : text.offset + len(text) + 1]
    return memoryview(data)[bounds[0] : bounds[-1]].tobytes()


def numbers(text: pa.Array, decimal: str | None = None) -> Parsed:
    """Return numbers (float64) from text such as "3.50" or "-1e3"; NaN, infinite and anything else is bad.

    ``decimal`` is the decimal mark that the file is said to use; see ``plain``.
    """
    shaped = pc.match_substring_regex(text, pattern=_NUMBER)
    if decimal == "," or not pc.all(shaped).as_py():
        text = plain(text, decimal)
        shaped = pc.match_substring_regex(text, pattern=_NUMBER)
    values = pc.cast(pc.if_else(shaped, text, _NULL), pa.float64())
    finite = pc.is_finite(values)
    values = pc.if_else(finite, values, pa.scalar(None, pa.float64()))
    return Parsed(values, mask_of(pc.and_(pc.is_valid(text), pc.is_null(values))))


def plain(text: pa.Array, decimal: str | None = None) -> pa.Array:
    """Return numbers in text as a program writes them, where they can be read in one way only; other text as it is.

    Full-width digits become plain ones, and thousands separators go where they are sure to be that: "1,234.5" and
    "1,234,567" always, "1,234" only when ``decimal`` says that the point is the decimal mark. With "," as the
    decimal mark "3,5" becomes "3.5", and "1.234", which can be read in two ways, is spoilt so that nobody reads it.

    >>> plain(pa.array(["１２．５", "1,234", "1,234.5", "3,5"])).to_pylist()
    ['12.5', '1,234', '1234.5', '3,5']
    >>> plain(pa.array(["1.234,5", "3,5", "3.5", "1.234"]), ",").to_pylist()
    ['1234.5', '3.5', '3.5', '1.234?']
    """
    odd = pc.fill_null(pc.invert(pc.match_substring_regex(text, pattern=_NUMBER)), False)
    positions = np.flatnonzero(mask_of(odd if decimal != "," else pc.or_(odd, pc.match_substring_regex(text, pattern=_GROUP))))
    if not len(positions):
        return text
    mended = pa.array([_plain_or_same(value, decimal) for value in text.take(pa.array(positions)).to_pylist()], pa.string())
    where = np.zeros(len(text), dtype=bool)
    where[positions] = True
    return pc.replace_with_mask(text, pa.array(where), mended)


def _plain_or_same(text: str, decimal: str | None) -> str:
    """Return one number as a program writes it, or ``text`` when it is none, or one that can be read in two ways."""
    number = _SPACED.sub("", text.translate(_HALF_WIDTH))
    if decimal == ",":
        if _AMBIGUOUS_POINT.fullmatch(number):
            return f"{number}?"
        if _COMMA_DECIMAL.fullmatch(number):
            return number.replace(".", "").replace(",", ".")
        return number if _POINT_ONLY.fullmatch(number) else text
    grouped = _SURE_COMMAS if decimal is None else _COMMAS
    if grouped.fullmatch(number):
        return number.replace(",", "")
    return number if _POINT_ONLY.fullmatch(number) else text


def integers(text: pa.Array, decimal: str | None = None) -> Parsed:
    """Return whole numbers (int64) from text such as "6" or "6.0"; a fraction, or more than 31 bits, is bad."""
    return whole(numbers(text, decimal).values, text)


def whole(found: pa.Array, text: pa.Array) -> Parsed:
    """Return whole numbers (int64) from numbers; where there is ``text`` but no whole number of at most 31 bits it is bad."""
    fits = pc.and_(pc.equal(pc.trunc(found), found), pc.less_equal(pc.abs(found), _INTEGER_LIMIT))
    values = pc.cast(pc.if_else(fits, found, pa.scalar(None, pa.float64())), pa.int64())
    return Parsed(values, mask_of(pc.and_(pc.is_valid(text), pc.is_null(values))))


def matches(text: pa.Array, pattern: str) -> Mask:
    """Return which texts match the whole of ``pattern`` (null does not)."""
    return mask_of(pc.match_substring_regex(text, pattern=f"^(?:{pattern})$"))


def lookup(text: pa.Array, table: dict[str, Any], otherwise: str | None) -> Parsed:
    """Return ``table``'s value for each text, ``otherwise`` (or bad, when that is None) for texts that it lacks; "" is null.

    >>> lookup(pa.array(["是", "否", "?"]), {"是": 1, "否": ""}, "").values.to_pylist()
    ['1', None, None]
    """
    found = pc.index_in(text, value_set=pa.array(list(table), pa.string()))
    values = pa.array([str(value) or None for value in table.values()], pa.string()).take(found)
    missing = pc.and_(pc.is_valid(text), pc.is_null(found))
    if otherwise is not None:
        rest = pa.scalar(otherwise or None, pa.string())
        return Parsed(pc.if_else(missing, rest, values), np.zeros(len(text), dtype=bool))
    return Parsed(values, mask_of(missing))


def without_ending(text: pa.Array, endings: tuple[str, ...]) -> pa.Array:
    """Return text without one of ``endings`` (and blanks before it), where it follows a number.

    >>> without_ending(pa.array(["3.5 m", "3.5", "m"]), ("m", "米")).to_pylist()
    ['3.5', '3.5', 'm']
    """
    pattern = rf"([0-9０-９.])\s*(?:{'|'.join(re.escape(ending) for ending in endings)})$"
    return pc.replace_substring_regex(text, pattern=pattern, replacement=r"\1")


def is_not_finite(text: pa.Array) -> pa.Array:
    """Return which texts are a way of writing "not a number" or "infinite"."""
    return pc.match_substring_regex(text, pattern=r"(?i)^[+-]?(nan|inf|infinity|1\.#.*|#NUM!|#DIV/0!)$")
