"""Coordinate systems: what an input is in, and to WGS 84 and back."""

from gisgrid.crs.convert import check_point, from_wgs84, to_wgs84, transformer, valid
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
    "parse_crs",
    "to_wgs84",
    "transformer",
    "valid",
]
