"""Degrees, minutes and seconds in text, a whole column at a time."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.values import mask_of

Axis = Literal["lon", "lat"]
"""Longitude or latitude: which hemispheres a value can name."""

_MARK = "[°º˚度도]"
_HEMISPHERES = {
    "lon": ("E|东经|東經|東経|동경", "W|西经|西經|西経|서경"),
    "lat": ("N|北纬|北緯|북위", "S|南纬|南緯|남위"),
}
"""The words for each half of the world, the positive one first."""
_DEGREES = rf"(?P<degrees>\d{{1,3}})\s*{_MARK}"
_MINUTES = r"(?P<minutes>\d{1,2})\s*['′’ʹ＇分분]"
_ONLY_MINUTES = r"(?P<minutes>\d{1,2}(?:[.,]\d+)?)\s*['′’ʹ＇分분]"
_SECONDS = r"(?P<seconds>\d{1,2}(?:[.,]\d+)?)\s*(?:[\"″”ʺ＂秒초]|''|′′|’’)?"


def decimal_degrees(text: pa.Array, axis: Axis) -> pa.Array:
    """Return degrees, minutes and seconds as decimal degrees in text; any other text, and what no angle can be, as it is.

    The marks of degrees and of minutes have to be there; minutes and seconds are below 60. A hemisphere, before or
    behind, has to be one of ``axis``, and stands instead of a sign.

    >>> decimal_degrees(pa.array(["120°22'15\\"E", "西经120度22.5分", "120°22'15\\"N", "120.37"]), "lon").to_pylist()
    ['120.37083333333334', '-120.375', '120°22\\'15"N', '120.37']
    """
    positions = np.flatnonzero(mask_of(pc.match_substring_regex(text, pattern=rf"\d\s*{_MARK}\s*\d")))
    if not len(positions):
        return text
    marked = text.take(pa.array(positions))
    found = pc.cast(pc.coalesce(_read(marked, axis, f"{_MINUTES}\\s*{_SECONDS}"), _read(marked, axis, _ONLY_MINUTES)), pa.string())
    where = np.zeros(len(text), dtype=bool)
    where[positions] = True
    return pc.replace_with_mask(text, pa.array(where), pc.coalesce(found, marked))


def _read(text: pa.Array, axis: Axis, rest: str) -> pa.Array:
    """Return the angles (float64, degrees) of texts in which ``rest`` follows the degrees; null for others."""
    positive, negative = _HEMISPHERES[axis]
    half = f"(?:{positive}|{negative})"
    pieces = pc.extract_regex(text, pattern=rf"(?i)^(?P<before>{half}\s*|[+−-])?{_DEGREES}\s*{rest}\s*(?P<behind>{half})?$")
    before, behind = (pc.utf8_trim_whitespace(pc.struct_field(pieces, name)) for name in ("before", "behind"))
    degrees, minutes, seconds = (_number(pieces, name) for name in ("degrees", "minutes", "seconds"))
    is_once = pc.or_(pc.equal(before, ""), pc.equal(behind, ""))
    fits = pc.and_(is_once, pc.and_(pc.less(minutes, 60.0), pc.less(seconds, 60.0)))
    is_negative = pc.match_substring_regex(pc.binary_join_element_wise(before, behind, ""), pattern=rf"(?i)^(?:{negative}|[−-])$")
    angle = pc.add(degrees, pc.divide(pc.add(pc.multiply(minutes, 60.0), seconds), 3600.0))
    return pc.if_else(fits, pc.if_else(is_negative, pc.negate(angle), angle), pa.scalar(None, pa.float64()))


def _number(pieces: pa.StructArray, name: str) -> pa.Array:
    """Return a piece as numbers (float64); 0 where the pattern has no such piece."""
    if pieces.type.get_field_index(name) < 0:
        return pa.repeat(pa.scalar(0.0), len(pieces))
    return pc.cast(pc.replace_substring(pc.struct_field(pieces, name), pattern=",", replacement="."), pa.float64())
