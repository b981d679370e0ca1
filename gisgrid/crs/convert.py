"""From any coordinate system to WGS 84 and back, with the checks that keep a wrong position from becoming an answer."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any, overload

import numpy as np
import pyproj
from numpy.typing import ArrayLike, NDArray
from pyproj.exceptions import ProjError

from gisgrid.crs import offset
from gisgrid.crs.offset import Floats
from gisgrid.crs.systems import EXPECTED, WGS84, Crs, same_datum
from gisgrid.errors import CrsError, ParameterError
from gisgrid.types import Bounds

_LOCAL = threading.local()
_WGS84_EPSG = 4326
_PAIR = Callable[[float, float], tuple[float, float]]
_ARRAYS = Callable[[Floats, Floats], tuple[Floats, Floats]]


def transformer(source: int, target: int) -> pyproj.Transformer:
    """Return the transformer between two EPSG systems, x before y always; made once for each thread that asks.

    A pyproj transformer holds a PROJ context and must not be used by two threads at a time. Raises CrsError when PROJ knows no
    way between the two.
    """
    cache: dict[tuple[int, int], pyproj.Transformer] | None = getattr(_LOCAL, "transformers", None)
    if cache is None:
        cache = _LOCAL.transformers = {}
    key = (source, target)
    if key not in cache:
        try:
            cache[key] = pyproj.Transformer.from_crs(source, target, always_xy=True)
        except ProjError:
            raise CrsError(f"there is no way known from EPSG:{source} to EPSG:{target}.", EXPECTED) from None
    return cache[key]


def _same(first: Any, second: Any) -> tuple[Any, Any]:
    return first, second


_POINT_IN: dict[str, _PAIR] = {
    "wgs84": _same,
    "cgcs2000": _same,
    "gcj02": offset.wgs84_from_gcj02_point,
    "bd09": offset.wgs84_from_bd09_point,
}
_POINT_OUT: dict[str, _PAIR] = {
    "wgs84": _same,
    "cgcs2000": _same,
    "gcj02": offset.gcj02_from_wgs84_point,
    "bd09": offset.bd09_from_wgs84_point,
}
_ARRAY_IN: dict[str, _ARRAYS] = {
    "wgs84": _same,
    "cgcs2000": _same,
    "gcj02": offset.wgs84_from_gcj02,
    "bd09": offset.wgs84_from_bd09,
}
_ARRAY_OUT: dict[str, _ARRAYS] = {
    "wgs84": _same,
    "cgcs2000": _same,
    "gcj02": offset.gcj02_from_wgs84,
    "bd09": offset.bd09_from_wgs84,
}


@overload
def to_wgs84(crs: Crs, first: float, second: float) -> tuple[float, float]: ...
@overload
def to_wgs84(crs: Crs, first: ArrayLike, second: ArrayLike) -> tuple[Floats, Floats]: ...
def to_wgs84(crs: Crs, first: Any, second: Any) -> tuple[Any, Any]:
    """Return WGS 84 longitude and latitude in degrees of a position in ``crs``; a float or arrays in, the same shape out.

    ``first`` and ``second`` are longitude and latitude, or easting and northing when ``crs`` is projected. A scalar that
    is no position (NaN, infinite, out of range) raises ParameterError; in arrays such rows come out as NaN in both.

    >>> from gisgrid.crs import parse_crs
    >>> lon, lat = to_wgs84(parse_crs("gcj02"), 120.3851332804, 36.0802769173)
    >>> round(lon, 9), round(lat, 9)
    (120.38, 36.08)
    """
    if isinstance(first, (float, int)) and isinstance(second, (float, int)):
        check_point(crs, first, second)
        point = _POINT_IN.get(crs.name)
        return point(first, second) if point is not None else _point_by_proj(crs, first, second)
    x, y = _arrays(first, second)
    arrays = _ARRAY_IN.get(crs.name)
    lon, lat = arrays(x, y) if arrays is not None else _by_proj(crs.epsg or 0, _WGS84_EPSG, x, y)
    # Looking at the extremes of both is cheaper than marking rows, of which most arrays have none to mark.
    if not (_all_within(crs, x, y) and _all_within(WGS84, lon, lat)):
        good = valid(crs, x, y) & valid(WGS84, lon, lat)
        return np.where(good, lon, np.nan), np.where(good, lat, np.nan)
    return (lon.copy(), lat.copy()) if arrays is _same else (lon, lat)


def _all_within(crs: Crs, x: Floats, y: Floats) -> bool:
    """Say whether all rows can be positions in ``crs``; no, to be sure, for a projected system."""
    if crs.is_projected or not x.size:
        return False
    east, north = crs.limits
    # NaN goes through both extremes, and passes none of the comparisons.
    return bool(x.min() >= -east and x.max() <= east and y.min() >= -north and y.max() <= north)


@overload
def from_wgs84(crs: Crs, lon: float, lat: float) -> tuple[float, float]: ...
@overload
def from_wgs84(crs: Crs, lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]: ...
def from_wgs84(crs: Crs, lon: Any, lat: Any) -> tuple[Any, Any]:
    """Return a WGS 84 position (degrees) in ``crs``: longitude and latitude, or easting and northing; same shape out.

    A scalar that ``crs`` cannot hold raises CrsError; in arrays such rows come out as NaN in both.
    """
    if isinstance(lon, (float, int)) and isinstance(lat, (float, int)):
        _check_range(lon, lat, WGS84)
        point = _POINT_OUT.get(crs.name)
        if point is not None:
            return point(lon, lat)
        x, y = transformer(_WGS84_EPSG, crs.epsg or 0).transform(lon, lat)
        _require_held(crs, x, y, lon, lat)
        return x, y
    lon, lat = _arrays(lon, lat)
    arrays = _ARRAY_OUT.get(crs.name)
    x, y = arrays(lon, lat) if arrays is not None else _by_proj(_WGS84_EPSG, crs.epsg or 0, lon, lat)
    good = np.isfinite(x) & np.isfinite(y)
    return np.where(good, x, np.nan), np.where(good, y, np.nan)


@overload
def convert(source: Crs, target: Crs, first: float, second: float) -> tuple[float, float]: ...
@overload
def convert(source: Crs, target: Crs, first: ArrayLike, second: ArrayLike) -> tuple[Floats, Floats]: ...
def convert(source: Crs, target: Crs, first: Any, second: Any) -> tuple[Any, Any]:
    """Return a position in ``source`` as one in ``target``; a float or arrays in, the same shape out.

    Systems on the same datum are converted without a detour, all others by way of WGS 84. A scalar that is no position in
    ``source``, or that ``target`` cannot hold, raises ParameterError (CrsError); in arrays such rows come out as NaN in both.

    >>> from gisgrid.crs import parse_crs
    >>> x, y = convert(parse_crs("gcj02"), parse_crs("EPSG:4549"), 120.38, 36.0873)
    >>> round(x, 2), round(y, 2)
    (533762.48, 3995264.18)
    """
    lon, lat = to_wgs84(source, first, second)
    if not (source.epsg and target.epsg and same_datum(source, target)):
        return from_wgs84(target, lon, lat)
    if isinstance(lon, float) and isinstance(lat, float):
        x, y = (float(first), float(second)) if source == target else transformer(source.epsg, target.epsg).transform(first, second)
        _require_held(target, x, y, lon, lat)
        return x, y
    x, y = _arrays(first, second)
    if source != target:
        x, y = _by_proj(source.epsg, target.epsg, x, y)
    good = np.isfinite(lon) & np.isfinite(x) & np.isfinite(y)
    return np.where(good, x, np.nan), np.where(good, y, np.nan)


def _require_held(crs: Crs, x: float, y: float, lon: float, lat: float) -> None:
    if not (math.isfinite(x) and math.isfinite(y)):
        raise CrsError(f"{crs} has no coordinates for longitude {lon}, latitude {lat}.", EXPECTED)


def _arrays(first: ArrayLike, second: ArrayLike) -> tuple[Floats, Floats]:
    x, y = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if x.shape != y.shape:
        x, y = np.broadcast_arrays(x, y)
    return x, y


def _by_proj(source: int, target: int, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    out_x, out_y = transformer(source, target).transform(x.ravel(), y.ravel())
    return np.asarray(out_x).reshape(x.shape), np.asarray(out_y).reshape(x.shape)


def _point_by_proj(crs: Crs, x: float, y: float) -> tuple[float, float]:
    lon, lat = transformer(crs.epsg or 0, _WGS84_EPSG).transform(x, y)
    if not (abs(lon) <= 180.0 and abs(lat) <= 90.0):
        raise CrsError(f"{crs} has no place at x {x}, y {y}.", "easting x and northing y within the area of that system, in its own unit")
    return lon, lat


def valid(crs: Crs, first: ArrayLike, second: ArrayLike) -> NDArray[np.bool_]:
    """Return which rows can be positions in ``crs`` at all: finite, and within ±180 and ±90 degrees unless it is projected."""
    x, y = _arrays(first, second)
    if crs.is_projected:
        return np.isfinite(x) & np.isfinite(y)
    east, north = crs.limits
    with np.errstate(invalid="ignore"):
        return (np.abs(x) <= east) & (np.abs(y) <= north)


def check_point(crs: Crs, first: float, second: float, plausible: Bounds | None = None) -> None:
    """Raise ParameterError, naming the parameter, when one position cannot be meant.

    That is: NaN or infinite, out of range, longitude and latitude exchanged, metres given as degrees or degrees as
    metres. With ``plausible`` bounds (WGS 84) a position outside whose exchange lies inside counts as exchanged too.
    """
    if crs.is_projected:
        _check_projected(crs, first, second)
    else:
        _check_range(first, second, crs)
    if plausible is not None:
        _check_order(crs, first, second, plausible)


def _check_range(lon: float, lat: float, crs: Crs) -> None:
    east, north = crs.limits
    if abs(lon) <= east and abs(lat) <= north:
        return
    _check_finite(lon, lat, ("lon", "lat"))
    if abs(lon) <= north and abs(lat) <= east:
        raise ParameterError(
            "lat", f"{lat} is out of range; lon {lon} and lat {lat} look exchanged.", "the longitude in lon, the latitude in lat"
        )
    if abs(lon) > 1000.0 and abs(lat) > 1000.0:
        raise ParameterError("lon", f"{lon}, {lat} look like metres of a projected system.", "degrees, or a crs such as EPSG:4549")
    name, value, limit = ("lon", lon, east) if abs(lon) > east else ("lat", lat, north)
    raise ParameterError(name, f"{value} is out of range.", f"{crs.unit}s from -{limit:g} to {limit:g}")


def _check_finite(first: float, second: float, names: tuple[str, str]) -> None:
    for name, value in zip(names, (first, second), strict=True):
        if not math.isfinite(value):
            raise ParameterError(name, f"{value} is not a number.", "a finite number")


def _check_projected(crs: Crs, x: float, y: float) -> None:
    _check_finite(x, y, ("x", "y"))
    if abs(x) <= 180.0 and abs(y) <= 180.0 and not (x == 0.0 and y == 0.0):
        raise CrsError(f"x {x}, y {y} look like degrees, but {crs} is a projected system.", "metres in that system, or a crs in degrees")


def _check_order(crs: Crs, first: float, second: float, plausible: Bounds) -> None:
    if _is_within(crs, first, second, plausible) or not _is_within(crs, second, first, plausible):
        return
    one, other = crs.axes
    raise ParameterError(
        one, f"{one} {first} and {other} {second} look exchanged: the place they name is far from here.", f"{one} before {other}"
    )


def _is_within(crs: Crs, first: float, second: float, box: Bounds) -> bool:
    try:
        lon, lat = to_wgs84(crs, first, second)
    except ParameterError:
        return False
    return box.west <= lon <= box.east and box.south <= lat <= box.north
