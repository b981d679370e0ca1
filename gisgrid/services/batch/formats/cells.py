"""Columns of any type as text: the cells of CSV, and the members of JSON objects."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gisgrid.services.batch.columns import PLACES

_FALSE_TRUE = ("false", "true")


def csv_cells(column: pa.Array, name: str, delimiter: str) -> pa.Array:
    """Return a column as cells of CSV, quoted where they have to be, "" where it is null.

    ``name`` says which added column it is, for the decimal places of its numbers; "" for a column of the input.
    """
    if pa.types.is_dictionary(column.type):
        words = csv_cells(column.dictionary, name, delimiter)
        return pa.DictionaryArray.from_arrays(column.indices, words, safe=False).cast(pa.string()).fill_null("")
    if name in PLACES:
        return fixed(column, PLACES[name])
    text = _quoted(_as_text(column), delimiter)
    return text.fill_null("") if text.null_count else text


def json_members(column: pa.Array, name: str, key: str) -> pa.Array:
    """Return an added column as members of JSON objects, ``"key":value``, null where it is null."""
    start = orjson.dumps(key).decode() + ":"
    if pa.types.is_dictionary(column.type):
        words = pa.array([start + orjson.dumps(word).decode() for word in column.dictionary.to_pylist()], pa.string())
        return pa.DictionaryArray.from_arrays(column.indices, words, safe=False).cast(pa.string()).fill_null(start + "null")
    text = fixed(column, PLACES[name], "null") if name in PLACES else _as_text(column).fill_null("null")
    return pc.binary_join_element_wise(start, text, "")


def content_of(texts: pa.Array) -> bytes:
    """Return the texts of an array without nulls, one after the other."""
    offsets = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts) + 1]
    content: bytes = texts.buffers()[2][int(offsets[0]) : int(offsets[-1])].to_pybytes()
    return content


def _as_text(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_string(kind):
        return column
    if pa.types.is_boolean(kind):
        return pa.array(_FALSE_TRUE).take(column.cast(pa.int8()))
    try:
        return column.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.array([None if value is None else json_text(value) for value in column.to_pylist()], pa.string())


def json_text(value: object) -> str:
    """Return any value as JSON; what JSON has no form for is text (bytes: hexadecimal)."""
    return orjson.dumps(value, default=plain, option=orjson.OPT_NON_STR_KEYS).decode()


def plain(value: Any) -> str:
    """Return as text what JSON has no form for."""
    return value.hex() if isinstance(value, bytes) else str(value)


def _quoted(text: pa.Array, delimiter: str) -> pa.Array:
    special = pc.match_substring_regex(text, f'[\\r\\n"{"|" if delimiter == "|" else delimiter}]')
    if not pc.any(special).as_py():
        return text
    quoted = pc.binary_join_element_wise('"', pc.replace_substring(text, '"', '""'), '"', "")
    return pc.if_else(special, quoted, text)


def fixed(column: pa.Array, places: int, nothing: str = "") -> pa.Array:
    """Return numbers with so many decimal places, rounded half to even as far as a double tells; ``nothing`` where null."""
    value = column.to_numpy(zero_copy_only=False)
    known = np.isfinite(value)
    every = bool(known.all())
    if not every and not known.any():
        return pa.repeat(nothing, len(value))
    scaled = np.rint((value if every else np.where(known, value, 0.0)) * 10.0**places)
    if np.abs(scaled).max(initial=0.0) >= 2.0**62:
        text = pa.array([f"{number:.{places}f}" for number in value.tolist()])
    else:
        text = _decimals(scaled.astype(np.int64), places)
    return text if every else pc.if_else(pa.array(known), text, nothing)


def _decimals(scaled: NDArray[np.int64], places: int) -> pa.Array:
    """Return whole numbers of the last decimal place as text, put together from tables of digits."""
    whole, part = np.divmod(np.abs(scaled), 10**places)
    most = int(whole.max(initial=0))
    if most >= _TABLE:
        signs = np.where(scaled < 0, "-", "").tolist()
        return pa.array([f"{sign}{w}.{p:0{places}d}" for sign, w, p in zip(signs, whole.tolist(), part.tolist(), strict=True)], pa.string())
    signed = bool((scaled < 0).any())
    table = _whole_numbers(1 << most.bit_length(), signed)
    if signed:
        whole = whole + (scaled < 0) * (len(table) // 2)
    groups = [3] * (places // 3) + ([places % 3] if places % 3 else [])
    text = np.empty(len(scaled), [("whole", table.dtype), *((f"{place}", f"S{digits}") for place, digits in enumerate(groups))])
    text["whole"] = table.take(whole)
    left = places
    for place, digits in enumerate(groups):
        left -= digits
        group, part = np.divmod(part, 10**left)
        text[f"{place}"] = _digits(digits).take(group)
    flat = pa.Array.from_buffers(pa.binary(text.dtype.itemsize), len(scaled), [None, pa.py_buffer(text)])
    return pc.ascii_ltrim_whitespace(flat.cast(pa.binary()).cast(pa.string()))


@lru_cache(maxsize=64)
def _whole_numbers(count: int, signed: bool) -> NDArray[np.bytes_]:
    """Return the numbers below ``count`` with a point behind and blanks before; with ``signed`` all of them again, negative."""
    texts = [f"{number}." for number in range(count)] + ([f"-{number}." for number in range(count)] if signed else [])
    width = max(map(len, texts))
    return np.array([text.rjust(width).encode() for text in texts], dtype=f"S{width}")


@lru_cache(maxsize=4)
def _digits(count: int) -> NDArray[np.bytes_]:
    return np.array([f"{number:0{count}d}".encode() for number in range(10**count)], dtype=f"S{count}")


_TABLE = 1 << 17
