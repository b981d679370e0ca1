"""Coordinate systems: what an input is in, to WGS 84 and back, and which system to measure in."""

from gisgrid.crs.convert import check_point, from_wgs84, to_wgs84, transformer, valid
from gisgrid.crs.measure import measure_crs
from gisgrid.crs.systems import BD09, CGCS2000, EXPECTED, GCJ02, WGS84, Crs, parse_crs

__all__ = [
    "BD09",
    "CGCS2000",
    "EXPECTED",
    "GCJ02",
    "WGS84",
    "Crs",
    "check_point",
    "from_wgs84",
    "measure_crs",
    "parse_crs",
    "to_wgs84",
    "transformer",
    "valid",
]
