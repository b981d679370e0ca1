"""Columns of numbers as files have them, read as arrays."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gisgrid.services.coordinates import read_coordinate

_PLAIN = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"


class Numbers(NamedTuple):
    """A column read as numbers: ``value`` (NaN where there is none), rows that hold nothing, rows that hold no number."""

    value: NDArray[np.float64]
    missing: NDArray[np.bool_]
    wrong: NDArray[np.bool_]


def read_numbers(column: pa.Array) -> Numbers:
    """Return the numbers in an Arrow column of any type: text as people write it (``read_coordinate``), or numbers of any kind."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        value = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        # No number is how floating columns write that there is nothing.
        return Numbers(value, np.isnan(value), np.zeros(len(value), bool))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return _from_text(column)
    missing = column.is_null().to_numpy(zero_copy_only=False)
    return Numbers(np.full(len(column), np.nan), missing, ~missing)


def texts(column: pa.Array) -> pa.Array:
    """Return a column as text, without the blanks around it; null where it is null or cannot be text."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    try:
        return pc.utf8_trim_whitespace(column.cast(pa.string()))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.nulls(len(column), pa.string())


def _from_text(column: pa.Array) -> Numbers:
    try:
        value = column.cast(pa.float64())
    except pa.ArrowInvalid:
        column = pc.utf8_trim_whitespace(column)
        plain = pc.match_substring_regex(column, _PLAIN)
        value = pc.if_else(plain, column, pa.scalar(None, column.type)).cast(pa.float64())
    value = value.to_numpy(zero_copy_only=False)
    odd = np.flatnonzero(~np.isfinite(value))
    missing, wrong = np.zeros(len(value), bool), np.zeros(len(value), bool)
    if odd.size:
        if not value.flags.writeable:
            value = value.copy()
        read = [_read(text) for text in column.take(pa.array(odd)).to_pylist()]
        value[odd] = [number for number, _, _ in read]
        missing[odd] = [nothing for _, nothing, _ in read]
        wrong[odd] = [no_number for _, _, no_number in read]
    return Numbers(value, missing, wrong)


@lru_cache(maxsize=4096)
def _read(text: str | None) -> tuple[float, bool, bool]:
    """Return the number in a cell, whether it holds nothing, and whether it holds no number."""
    try:
        number: Any = None if text is None else read_coordinate(text)
    except ValueError:
        return float("nan"), False, True
    return (float("nan"), True, False) if number is None else (number, False, False)
