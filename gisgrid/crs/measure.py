"""Which projected system to measure in: distances on the ground, at most 2 cm a kilometre out at the place."""

from __future__ import annotations

import math
from functools import lru_cache

import pyproj

from gisgrid.crs.systems import parse_crs
from gisgrid.errors import ConfigError
from gisgrid.types import Bounds

# Scale error of a transverse Mercator projection at most 2e-5: (distance from the meridian / radius)^2 / 2.
_MOST_SCALE = 2e-5
# The 3-degree zones of CGCS2000 without the zone number in the easting: EPSG:4534 (75E) to EPSG:4554 (135E).
_FIRST_ZONE, _FIRST_MERIDIAN, _LAST_MERIDIAN = 4534, 75, 135


def measure_crs(configured: str | None, place: Bounds) -> pyproj.CRS:
    """Return the projected system to measure in at ``place`` (a box in degrees, WGS 84), in metres.

    It is the ``configured`` one if there is one; else the CGCS2000 3-degree zone when the middle of the place is in China
    and near enough to a zone's meridian to keep within 2 cm a kilometre; else a transverse Mercator on the place's own
    meridian. Raises ConfigError when the configured system is not projected in metres.
    """
    if configured:
        return _configured(configured)
    lon, lat = (place.west + place.east) / 2.0, (place.south + place.north) / 2.0
    meridian = 3 * round(lon / 3.0)
    if _FIRST_MERIDIAN <= meridian <= _LAST_MERIDIAN and 3.0 <= lat <= 54.0 and scale_error(lon - meridian, lat) <= _MOST_SCALE:
        return pyproj.CRS.from_epsg(_FIRST_ZONE + (meridian - _FIRST_MERIDIAN) // 3)
    return pyproj.CRS.from_proj4(f"+proj=tmerc +lat_0=0 +lon_0={lon:.4f} +k=1 +x_0=500000 +y_0=0 +ellps=GRS80 +units=m +type=crs")


def scale_error(from_meridian_deg: float, lat: float) -> float:
    """Return by which share a transverse Mercator with scale 1 on its meridian lengthens distances at a place.

    >>> round(scale_error(0.38, 36.08) * 1e5, 2)  # centimetres a kilometre
    1.44
    """
    return (math.radians(from_meridian_deg) * math.cos(math.radians(lat))) ** 2 / 2.0


@lru_cache(maxsize=16)
def _configured(text: str) -> pyproj.CRS:
    crs = parse_crs(text)
    found = pyproj.CRS.from_epsg(crs.epsg) if crs.epsg else None
    if found is None or not crs.is_projected or found.axis_info[0].unit_name not in ("metre", "meter"):
        raise ConfigError(f"measure_crs {text!r} is not a projected system in metres.", "Give one such as EPSG:4549, or leave it out.")
    return found
