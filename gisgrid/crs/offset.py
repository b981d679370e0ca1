"""GCJ-02 and BD-09: the shifted coordinate systems of Chinese maps, forward and back, for one point or for arrays.

GCJ-02 moves a WGS 84 position by some hundred metres with a published-by-use formula on the Krasovsky ellipsoid; BD-09
moves a GCJ-02 position once more. Both have no closed inverse: the inverse here is a fixed-point iteration whose error
falls by a factor of 100 to 300 (GCJ-02) or 50 (BD-09) a step, so that a round trip is good to 1e-9 degrees (0.1 mm).

Outside the usual box (longitude 72.004 to 137.8347, latitude 0.8293 to 55.8271) GCJ-02 *equals* WGS 84, as in every
library of the field; the box is not China's border, so that positions in its neighbours within the box are shifted too.

One point goes through the formula as everybody writes it, with the module ``math``. Arrays take the same sums from four
sines instead of twelve, by multiple angles (equal to 1e-15 degrees), and the inverse from tables (``unshift``).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gisgrid.crs.unshift import MIDDLE, PER_DEGREE, SHARP_DEG, Unshift

Floats = NDArray[np.float64]

WEST, EAST, SOUTH, NORTH = 72.004, 137.8347, 0.8293, 55.8271
_A = 6378245.0
_EE = 0.00669342162296594323
_PI = math.pi
_DEG = math.pi / 180.0
_SIN_35, _COS_35 = math.sin(35.0 * _DEG), math.cos(35.0 * _DEG)
_WAVES = 3000.0 * math.pi / 180.0
_GCJ_STEPS = 8
_SINGLE_STEPS = 3
# A step that moved the point by less than this leaves an error of at most a hundredth of it.
_STILL_DEG = 5e-8
_BD_STEPS = 3
# The largest shift that the formula gives in the box is below 0.02 degrees; nothing farther out can have come from inside.
_MARGIN_DEG = 0.02
# Small enough for the dozen temporaries of a chunk to stay in the processor's cache.
_CHUNK = 1 << 14


def is_shifted(lon: float, lat: float) -> bool:
    """Say whether a WGS 84 position lies in the box in which GCJ-02 shifts positions."""
    return WEST <= lon <= EAST and SOUTH <= lat <= NORTH


def _shift_point(lon: float, lat: float) -> tuple[float, float]:
    """Return what GCJ-02 adds to a WGS 84 position, in degrees, not asking whether it lies in the box."""
    sin, sqrt = math.sin, math.sqrt
    x, y = lon - 105.0, lat - 35.0
    px, py, root, product = x * _PI, y * _PI, sqrt(abs(x)), x * y
    common = 20.0 * sin(6.0 * px) + 20.0 * sin(2.0 * px)
    north_m = (
        -100.0
        + 2.0 * x
        + 3.0 * y
        + 0.2 * y * y
        + 0.1 * product
        + 0.2 * root
        + (common + 20.0 * sin(py) + 40.0 * sin(py / 3.0) + 160.0 * sin(py / 12.0) + 320.0 * sin(py / 30.0)) * (2.0 / 3.0)
    )
    east_m = (
        300.0
        + x
        + 2.0 * y
        + 0.1 * x * x
        + 0.1 * product
        + 0.1 * root
        + (common + 20.0 * sin(px) + 40.0 * sin(px / 3.0) + 150.0 * sin(px / 12.0) + 300.0 * sin(px / 30.0)) * (2.0 / 3.0)
    )
    phi = lat * _DEG
    sin_phi = sin(phi)
    squeeze = 1.0 - _EE * sin_phi * sin_phi
    root_squeeze = sqrt(squeeze)
    north_deg = north_m * (squeeze * root_squeeze) / (_A * (1.0 - _EE) * _DEG)
    east_deg = east_m * root_squeeze / (_A * _DEG * math.cos(phi))
    return east_deg, north_deg


def _quintuple(sine: Any, square: Any) -> Any:
    """Return the sine of five times an angle, from its sine and the square of that."""
    return sine * (5.0 - square * (20.0 - 16.0 * square))


def _waves_east(t: Any, sin: Any, cos: Any) -> tuple[Any, Any]:
    """Return the waves of the east shift, and those common to both shifts, over ``t`` degrees from 105 E; metres."""
    s1, c1 = sin(t), cos(t)
    s2, s5 = 2.0 * s1 * c1, _quintuple(s1, s1 * s1)
    s4, c4 = 2.0 * s2 * (1.0 - 2.0 * s1 * s1), 1.0 - 2.0 * s2 * s2
    s20, c20 = _quintuple(s4, s4 * s4), _quintuple(c4, c4 * c4)
    square = s20 * s20
    s60, c60 = s20 * (3.0 - 4.0 * square), c20 * (1.0 - 4.0 * square)
    s120 = 2.0 * s60 * c60
    s360 = s120 * (3.0 - 4.0 * s120 * s120)
    return (40.0 * s60 + 80.0 * s20) / 3.0 + 100.0 * s5 + 200.0 * s2, (s120 + s360) * (40.0 / 3.0)


def _waves_north(sine: Any, cosine: Any) -> Any:
    """Return the waves of the north shift, metres, from sine and cosine of the degrees from 35 N."""
    square = sine * sine
    s1, c1 = sine * (3.0 - 4.0 * square), cosine * (1.0 - 4.0 * square)
    square = s1 * s1
    s2, s5 = 2.0 * s1 * c1, _quintuple(s1, square)
    s4 = 2.0 * s2 * (1.0 - 2.0 * square)
    s20 = _quintuple(s4, s4 * s4)
    s60 = s20 * (3.0 - 4.0 * s20 * s20)
    return (40.0 * s60 + 80.0 * s20 + 320.0 * s5 + 640.0 * s2) / 3.0


def _shift(lon: Any, lat: Any) -> tuple[Any, Any]:
    """Return what ``_shift_point`` does, for arrays in double or single precision."""
    x, y = lon - 105.0, lat - 35.0
    waves_m, common_m = _waves_east(x * (_PI / 60.0), np.sin, np.cos)
    angle = y * _DEG
    sine, cosine = np.sin(angle), np.cos(angle)
    root, product = np.sqrt(np.abs(x)), 0.1 * x * y
    north_m = -100.0 + 2.0 * x + y * (3.0 + 0.2 * y) + product + 0.2 * root + common_m + _waves_north(sine, cosine)
    east_m = 300.0 + x * (1.0 + 0.1 * x) + 2.0 * y + product + 0.1 * root + common_m + waves_m
    sin_phi, cos_phi = sine * _COS_35 + cosine * _SIN_35, cosine * _COS_35 - sine * _SIN_35
    squeeze = 1.0 - _EE * sin_phi * sin_phi
    root = np.sqrt(squeeze)
    return east_m * root / (cos_phi * (_A * _DEG)), north_m * squeeze * root / (_A * (1.0 - _EE) * _DEG)


def parts_of_lon(x: Floats) -> tuple[Floats, Floats]:
    """Return what the degrees from 105 E alone add to the east and to the north shift, metres."""
    waves_m, common_m = _waves_east(x * (_PI / 60.0), np.sin, np.cos)
    root = np.sqrt(np.abs(x))
    return 300.0 + x * (1.0 + 0.1 * x) + 0.1 * root + common_m + waves_m, 2.0 * x + 0.2 * root + common_m


def parts_of_lat(y: Floats) -> tuple[Floats, Floats, Floats]:
    """Return what the degrees from 35 N alone add to the north shift, metres, and the degrees for a metre east and north."""
    angle = y * _DEG
    north_m = -100.0 + y * (3.0 + 0.2 * y) + _waves_north(np.sin(angle), np.cos(angle))
    phi = (y + 35.0) * _DEG
    squeeze = 1.0 - _EE * np.sin(phi) ** 2
    root = np.sqrt(squeeze)
    return north_m, root / (np.cos(phi) * (_A * _DEG)), squeeze * root / (_A * (1.0 - _EE) * _DEG)


@lru_cache(maxsize=1)
def _tables() -> Unshift:
    """Return the inverse by tables, for the box and what is shifted into it."""
    west, south = WEST - 0.125, SOUTH - 0.125
    columns, rows = (int((end - start + 0.25) * PER_DEGREE) for start, end in ((WEST, EAST), (SOUTH, NORTH)))
    x = west + np.arange(2 * columns + 1) / (2.0 * PER_DEGREE) - 105.0
    y = south + np.arange(2 * rows + 1) / (2.0 * PER_DEGREE) - 35.0
    return Unshift(west, south, (*parts_of_lon(x), *parts_of_lat(y)))


def _bd09_from_gcj02(lon: Any, lat: Any, m: Any) -> tuple[Any, Any]:
    """Return the BD-09 form of a GCJ-02 position, degrees."""
    radius = m.sqrt(lon * lon + lat * lat) + 0.00002 * m.sin(lat * _WAVES)
    theta = m.atan2(lat, lon) + 0.000003 * m.cos(lon * _WAVES)
    return radius * m.cos(theta) + 0.0065, radius * m.sin(theta) + 0.006


def _gcj02_from_bd09(lon: Any, lat: Any, m: Any) -> tuple[Any, Any]:
    """Return the GCJ-02 form of a BD-09 position, degrees: the usual guess, then fixed-point steps."""
    x, y = lon - 0.0065, lat - 0.006
    radius = m.sqrt(x * x + y * y) - 0.00002 * m.sin(y * _WAVES)
    theta = m.atan2(y, x) - 0.000003 * m.cos(x * _WAVES)
    x, y = radius * m.cos(theta), radius * m.sin(theta)
    for _ in range(_BD_STEPS):
        again_lon, again_lat = _bd09_from_gcj02(x, y, m)
        x, y = x + (lon - again_lon), y + (lat - again_lat)
    return x, y


def _unshift_point(lon: float, lat: float) -> tuple[float, float]:
    """Return the WGS 84 position whose shifted form is given, as if the shift had no box."""
    x, y = lon, lat
    for _ in range(_GCJ_STEPS):
        east, north = _shift_point(x, y)
        before_x, before_y, x, y = x, y, lon - east, lat - north
        if abs(x - before_x) < _STILL_DEG and abs(y - before_y) < _STILL_DEG:
            break
    return x, y


def _unshift(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Return what ``_unshift_point`` does, for arrays.

    The last step divides the error of the position before it by 100 or more, so that it may carry the rounding of single
    precision (under a millimetre) and cost a quarter.
    """
    x, y = lon, lat
    for _ in range(_SINGLE_STEPS):
        east, north = _shift(x.astype(np.float32), y.astype(np.float32))
        x, y = lon - east, lat - north
    east, north = _shift(x, y)
    return lon - east, lat - north


def gcj02_from_wgs84_point(lon: float, lat: float) -> tuple[float, float]:
    """Return the GCJ-02 longitude and latitude of one WGS 84 point; degrees, the same point outside the box."""
    if not (WEST <= lon <= EAST and SOUTH <= lat <= NORTH):
        return lon, lat
    east, north = _shift_point(lon, lat)
    return lon + east, lat + north


def wgs84_from_gcj02_point(lon: float, lat: float) -> tuple[float, float]:
    """Return the WGS 84 longitude and latitude of one GCJ-02 point; degrees, the same point outside the box."""
    if not (WEST - _MARGIN_DEG <= lon <= EAST + _MARGIN_DEG and SOUTH - _MARGIN_DEG <= lat <= NORTH + _MARGIN_DEG):
        return lon, lat
    x, y = _unshift_point(lon, lat)
    return (x, y) if WEST <= x <= EAST and SOUTH <= y <= NORTH else (lon, lat)


def bd09_from_wgs84_point(lon: float, lat: float) -> tuple[float, float]:
    """Return the BD-09 longitude and latitude of one WGS 84 point; degrees."""
    return _bd09_from_gcj02(*gcj02_from_wgs84_point(lon, lat), math)


def wgs84_from_bd09_point(lon: float, lat: float) -> tuple[float, float]:
    """Return the WGS 84 longitude and latitude of one BD-09 point; degrees."""
    return wgs84_from_gcj02_point(*_gcj02_from_bd09(lon, lat, math))


def _in_chunks(one: Callable[[Floats, Floats], tuple[Floats, Floats]], lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    out_lon, out_lat = np.empty(lon.shape), np.empty(lon.shape)
    flat = (lon.ravel(), lat.ravel(), out_lon.ravel(), out_lat.ravel())
    # NaN rows come out as NaN, without a warning for each of them; so do far-out rows whose shift is not used.
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        for start in range(0, lon.size, _CHUNK):
            part = slice(start, start + _CHUNK)
            flat[2][part], flat[3][part] = one(flat[0][part], flat[1][part])
    return out_lon, out_lat


def _inside(lon: Floats, lat: Floats) -> NDArray[np.bool_]:
    return (lon >= WEST) & (lon <= EAST) & (lat >= SOUTH) & (lat <= NORTH)


def _shift_chunk(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    east, north = _shift(lon, lat)
    inside = _inside(lon, lat)
    return np.where(inside, lon + east, lon), np.where(inside, lat + north, lat)


def _unshift_chunk(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    x, y = _tables()(lon, lat)
    sharp = np.flatnonzero(np.abs(lon - MIDDLE) < SHARP_DEG)
    if sharp.size:
        x[sharp], y[sharp] = _unshift(lon[sharp], lat[sharp])
    inside = _inside(x, y)
    return np.where(inside, x, lon), np.where(inside, y, lat)


def gcj02_from_wgs84(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Return the GCJ-02 longitudes and latitudes of WGS 84 arrays of any one shape; degrees, NaN stays NaN."""
    return _in_chunks(_shift_chunk, lon, lat)


def wgs84_from_gcj02(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Return the WGS 84 longitudes and latitudes of GCJ-02 arrays of any one shape; degrees, NaN stays NaN."""
    return _in_chunks(_unshift_chunk, lon, lat)


def bd09_from_wgs84(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Return the BD-09 longitudes and latitudes of WGS 84 arrays of any one shape; degrees, NaN stays NaN."""
    return _in_chunks(lambda x, y: _bd09_from_gcj02(*_shift_chunk(x, y), np), lon, lat)


def wgs84_from_bd09(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Return the WGS 84 longitudes and latitudes of BD-09 arrays of any one shape; degrees, NaN stays NaN."""
    return _in_chunks(lambda x, y: _unshift_chunk(*_gcj02_from_bd09(x, y, np)), lon, lat)
