"""How far off a converted position may be, with the reason in a sentence: from published facts, and from what PROJ states."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import pyproj
from pyproj.exceptions import ProjError

from gisgrid.crs.convert import transformer
from gisgrid.crs.offset import is_shifted
from gisgrid.crs.systems import BD09, CGCS2000, GCJ02, WGS84, Crs, datum, same_datum
from gisgrid.types import Bounds

_WGS84_EPSG = 4326
_BALLPARK = "ballpark"

_CGCS2000_M = 1.5
_GCJ02_M = 3.0
_BD09_GCJ02_M = 0.1

_CGCS2000_WHY = (
    "CGCS2000 is taken as equal to WGS 84: its coordinates are those of 2000, from which the land moves 3 to 5 cm a year: "
    "0.8 to 0.9 m in eastern China by 2026, at most 1.5 m anywhere in China until 2030."
)
_GCJ02_WHY = (
    "The shift of {} is reversed by the public formula: map services agree with it to some decimetres, devices that shift positions "
    "themselves add up to 2 m to east and north."
)


class ConversionAccuracy(NamedTuple):
    """How far off a converted position may be, metres on the ground (None: nobody states it), and why."""

    metres: float | None
    why: str


class Place(NamedTuple):
    """A position in WGS 84 degrees."""

    lon: float
    lat: float


_NOTHING = ConversionAccuracy(0.0, "Nothing is converted.")
_SAME = ConversionAccuracy(0.0, "Both systems rest on the same datum, so that the conversion is exact.")
_SHIFTED = ConversionAccuracy(_BD09_GCJ02_M, "BD-09 comes from GCJ-02 by a public formula, which map services agree with to centimetres.")
_UNSHIFTED = ConversionAccuracy(0.0, "Outside the box around China GCJ-02 equals WGS 84.")


@lru_cache(maxsize=256)
def accuracy_m(crs: Crs) -> float | None:
    """Return how far off a position of ``crs`` converted to WGS 84 may be, metres; None when nobody states it.

    ``conversion_accuracy`` says why, and knows more about a certain place.
    """
    return conversion_accuracy(crs).metres


def accuracy_at_m(crs: Crs, lon: float, lat: float) -> float | None:
    """Return ``accuracy_m``, but where a shifted system shifts nothing (WGS 84 degrees, see ``is_shifted``) that of the place.

    >>> accuracy_at_m(GCJ02, 120.38, 36.087), accuracy_at_m(GCJ02, 11.5, 48.1)
    (3.0, 0.0)
    """
    if crs.epsg is not None or is_shifted(lon, lat):
        return accuracy_m(crs)
    return conversion_accuracy(crs, WGS84, (lon, lat)).metres


def conversion_accuracy(source: Crs, target: Crs = WGS84, place: tuple[float, float] | None = None) -> ConversionAccuracy:
    """Return how far off a position of ``source`` converted to ``target`` may be, with the reason.

    ``place`` (longitude and latitude, WGS 84 degrees) matters to EPSG systems: PROJ chooses the operation by the place, and
    its accuracy is stated for the area of use alone; without it the middle of that area is taken. The figures are:

    - The same datum, such as two projections of CGCS2000: 0.
    - CGCS2000 against WGS 84: 1.5 m. The frame is ITRF97 at epoch 2000.0 (GB 22021-2008), which the frames of WGS 84 match to
      centimetres at one epoch; but a receiver gives WGS 84 of today. By the plate motion model of ITRF2014 (Altamimi et al. 2017,
      parameters EURA of PROJ) stable Eurasia moves 2.9 cm a year in China, 0.77 m from 2000.0 to late 2026; stations in eastern
      China move a few millimetres a year more, those in Tibet up to 5 cm. The EPSG register holds no transformation, so that
      PROJ would call the same identity a ballpark.
    - GCJ-02 against WGS 84: 3 m. Public comparisons of single points put the formula within centimetres of the services of
      Gaode and Tencent and within decimetres of Baidu's. The program that chips and devices are given adds to each of east and
      north a sine of the time (up to 1 m), a random part (up to 1 m) and a thousandth of the height: nobody can take
      these away, and they make up to 2.8 m together. The inverse itself is good to 1e-9 degrees, 0.1 mm.
    - BD-09 against GCJ-02: 0.1 m, from the same comparisons (Baidu's own service agrees to 1e-10 degrees, others to centimetres).
    - Any other EPSG system: the accuracy that the register gives for the operation that PROJ chooses. None where it gives
      none, and where PROJ only knows a ballpark, which leaves the change of datum out: Xian 1980, for instance, is off by
      tens to hundreds of metres.
    """
    if place is None:
        return _anywhere(source, target)
    return _combined(source, target, Place(*place))


@lru_cache(maxsize=256)
def _anywhere(source: Crs, target: Crs) -> ConversionAccuracy:
    return _combined(source, target, None)


def _combined(source: Crs, target: Crs, place: Place | None) -> ConversionAccuracy:
    if source == target:
        return _NOTHING
    outside = [told for crs in (source, target) if place is not None and (told := _outside(crs, place))]
    if same_datum(source, target):
        found = [_SAME if source.epsg else _SHIFTED]
    else:
        found = [_of(crs, place) for crs in (source, target) if not same_datum(crs, WGS84)]
    known = [one.metres for one in found if one.metres is not None]
    is_known = len(known) == len(found) and not outside
    reasons = dict.fromkeys([*outside, *(one.why for one in found)])
    return ConversionAccuracy(round(math.fsum(known), 3) if is_known else None, " ".join(reasons))


def _of(crs: Crs, place: Place | None) -> ConversionAccuracy:
    """Return the accuracy of a system against WGS 84."""
    if crs in (GCJ02, BD09):
        if crs == GCJ02 and place is not None and not is_shifted(place.lon, place.lat):
            return _UNSHIFTED
        return ConversionAccuracy(_GCJ02_M, _GCJ02_WHY.format("GCJ-02" if crs == GCJ02 else "BD-09"))
    if datum(crs) == datum(CGCS2000):
        return ConversionAccuracy(_CGCS2000_M, _CGCS2000_WHY)
    return _of_proj(crs, place)


def _of_proj(crs: Crs, place: Place | None) -> ConversionAccuracy:
    """Return the accuracy that PROJ states for the operation that it chooses at a place."""
    found = pyproj.CRS.from_epsg(crs.epsg or 0)
    lon, lat = place or _middle(found)
    operation = transformer(_WGS84_EPSG, crs.epsg or 0)
    named = f"{crs} ({found.name}{', deprecated' if found.is_deprecated else ''})"
    named += "" if place else ", in the middle of the area that it is made for,"
    try:
        operation.transform(lon, lat)
        used = operation.get_last_used_operation()
    except ProjError:
        used = operation  # one that does nothing is never run, so that there is no last one
    if _BALLPARK in used.description.lower():
        return ConversionAccuracy(
            None,
            f"No transformation between {named} and WGS 84 is known to PROJ: the change of datum, "
            "which may be tens to hundreds of metres, is left out.",
        )
    if used.accuracy < 0.0:
        return ConversionAccuracy(None, f"The EPSG register states no accuracy between {named} and WGS 84.")
    return ConversionAccuracy(used.accuracy, f"The EPSG register states {used.accuracy:g} m between {named} and WGS 84.")


def _middle(found: pyproj.CRS) -> Place:
    box = area_of_use(found)
    if box is None:
        return Place(0.0, 0.0)
    width = (box.east - box.west) % 360.0 or 360.0
    lon = (box.west + width / 2.0 + 180.0) % 360.0 - 180.0
    return Place(lon, (box.south + box.north) / 2.0)


def area_of_use(found: pyproj.CRS) -> Bounds | None:
    """Return the box, in degrees, of the area that a system is made for; ``west`` is greater than ``east`` across the date line."""
    area = found.area_of_use
    return None if area is None else Bounds(area.west, area.south, area.east, area.north)


def _outside(crs: Crs, place: Place) -> str:
    """Return the sentence that says that a place lies outside the area of use of a system; empty when it does not."""
    box = _box(crs)
    if box is None:
        return ""
    is_in_lon = box.west <= place.lon <= box.east if box.west <= box.east else not box.east < place.lon < box.west
    if is_in_lon and box.south <= place.lat <= box.north:
        return ""
    area = f"longitude {box.west:g} to {box.east:g}, latitude {box.south:g} to {box.north:g}"
    return f"The place lies outside the area that {crs} is made for ({area}): is it the system that is meant?"


@lru_cache(maxsize=256)
def _box(crs: Crs) -> Bounds | None:
    # The named systems are asked about for positions anywhere.
    if crs.epsg is None or crs in (WGS84, CGCS2000):
        return None
    return area_of_use(pyproj.CRS.from_epsg(crs.epsg))
