"""Dates from text, a whole column at a time: in written formats, as serial numbers of a spreadsheet, as seconds since 1970."""

from __future__ import annotations

import datetime as dt
import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.findings import Mask
from ingest.values import Parsed, mask_of, numbers

YEAR_FIRST = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%Y%m%d")
"""The formats that are tried where a description gives none: year, month, day; they can be read in one way only."""

_NULL = pa.scalar(None, pa.string())
_RUN_TOGETHER = re.compile("%[a-zA-Z]%[a-zA-Z]")
_TIME_DIRECTIVES = re.compile("%[HIMSTRXcpfzZs]")
_TIME_OF_DAY = r"[T ]+\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AaPp][Mm])?( ?(Z|UTC|GMT|[+-]\d{2}(:?\d{2})?))?$"
_EPOCH = re.compile(r"epoch(_ms)?(?:([+-])(\d{2}):(\d{2}))?")
_EXCEL_START = dt.date(1899, 12, 30)  # so that day 61 is 1 March 1900: the spreadsheet's calendar has a 29 February 1900
_EXCEL_LAST = 2_958_465  # 31 December 9999
_DAY_S = 86_400
_LAST_DAY = (dt.date(9999, 12, 31) - dt.date(1970, 1, 1)).days
_FIRST_DAY = (dt.date(1, 1, 1) - dt.date(1970, 1, 1)).days


def check_format(format: str) -> None:
    """Raise ValueError for a ``format`` that cannot hold a date, such as "YYYY-MM-DD"."""
    if format == "excel" or _EPOCH.fullmatch(format):
        return
    sample = dt.datetime(2021, 11, 23)
    try:
        told = dt.datetime.strptime(sample.strftime(format), format)
    except ValueError:
        told = None
    if told is None or told.date() != sample.date():
        raise ValueError(f'{format!r} is not a format of dates; write one as "%Y-%m-%d" or "%d.%m.%Y", or "excel", or "epoch"')


def dates(text: pa.Array, formats: tuple[str, ...] = YEAR_FIRST) -> Parsed:
    """Return dates (date32) from text in the first of ``formats`` that fits; impossible days such as 30 February are bad.

    A time of day after the date is cut off, unless the format has one: the day counts as it is written. ``excel`` is a
    spreadsheet's serial number (the 1900 system), ``epoch`` seconds since 1970 (``epoch_ms`` milliseconds) in UTC;
    ``epoch+08:00`` takes the day that it was 8 hours east.
    """
    coded = pc.dictionary_encode(text)  # a file has few different days, and each costs 10 microseconds
    found = _each(coded.dictionary, formats).take(coded.indices)
    return Parsed(found, mask_of(pc.and_(pc.is_valid(text), pc.is_null(found))))


def _each(text: pa.Array, formats: tuple[str, ...]) -> pa.Array:
    result = pa.nulls(len(text), pa.date32())
    left = text
    for format in formats:
        if left.null_count == len(left):
            break
        result = pc.coalesce(result, _in_format(left, format))
        left = pc.if_else(pc.is_valid(result), _NULL, text)
    return result


def _in_format(text: pa.Array, format: str) -> pa.Array:
    if format == "excel":
        return _excel(text)
    if epoch := _EPOCH.fullmatch(format):
        return _epoch(text, epoch)
    return _written(text, format)


def _written(text: pa.Array, format: str) -> pa.Array:
    if not _TIME_DIRECTIVES.search(format):
        text = pc.replace_substring_regex(text, pattern=_TIME_OF_DAY, replacement="")
    stamps = pc.strptime(text, format=format, unit="s", error_is_null=True)
    # The parser rolls 30 February over into March; what does not come back as it was is looked at again.
    sure = pc.and_(pc.is_valid(stamps), pc.equal(pc.strftime(stamps, format=format), text))
    found = pc.cast(pc.if_else(sure, stamps, pa.scalar(None, stamps.type)), pa.date32(), safe=False)
    return _looked_at_again(found, text, mask_of(pc.and_(pc.is_valid(stamps), pc.invert(sure))), format)


def _looked_at_again(found: pa.Array, text: pa.Array, doubtful: Mask, format: str) -> pa.Array:
    positions = np.flatnonzero(doubtful)
    if not len(positions):
        return found
    days = found.to_pylist()
    for position in positions.tolist():
        days[position] = _date_or_none(text[position].as_py(), format)
    return pa.array(days, pa.date32())


def _date_or_none(text: str, format: str) -> dt.date | None:
    if _RUN_TOGETHER.search(format):
        return None  # without separators a missing digit would shift the others
    try:
        return dt.datetime.strptime(text, format).date()
    except ValueError:
        return None


def _excel(text: pa.Array) -> pa.Array:
    serial = numbers(text).values
    # Day 60 is the 29 February 1900 that never was; before it every day is one earlier than the later ones count.
    known = pc.and_(pc.greater_equal(serial, 1), pc.less(serial, _EXCEL_LAST + 1))
    known = pc.and_(known, pc.or_(pc.less(serial, 60), pc.greater_equal(serial, 61)))
    early = pc.if_else(pc.less(serial, 60), 1.0, 0.0)
    start = float((_EXCEL_START - dt.date(1970, 1, 1)).days)
    return _days(pc.add(pc.add(pc.floor(serial), early), start), known)


def _epoch(text: pa.Array, format: re.Match[str]) -> pa.Array:
    milliseconds, sign, hours, minutes = format.groups()
    east_s = (int(hours) * 3600 + int(minutes) * 60) * (-1 if sign == "-" else 1) if sign else 0
    seconds = pc.divide(numbers(text).values, 1000.0 if milliseconds else 1.0)
    days = pc.floor(pc.divide(pc.add(seconds, float(east_s)), float(_DAY_S)))
    return _days(days, pc.and_(pc.greater_equal(days, float(_FIRST_DAY)), pc.less_equal(days, float(_LAST_DAY))))


def _days(days: pa.Array, known: pa.Array) -> pa.Array:
    """Return days since 1970 (whole floats) as dates, null where they are not ``known``."""
    return pc.cast(pc.cast(pc.if_else(known, days, pa.scalar(None, pa.float64())), pa.int32()), pa.date32())
