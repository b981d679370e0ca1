"""Coordinate systems: what an input is in, and to WGS 84 and back."""

from gisgrid.crs.accuracy import ConversionAccuracy, accuracy_at_m, accuracy_m, conversion_accuracy
from gisgrid.crs.convert import check_point, convert, from_wgs84, to_wgs84, transformer, valid
from gisgrid.crs.offset import is_shifted
from gisgrid.crs.projected import projected_for
from gisgrid.crs.systems import BD09, CGCS2000, EXPECTED, GCJ02, WGS84, Crs, parse_crs

__all__ = [
    "BD09",
    "CGCS2000",
    "EXPECTED",
    "GCJ02",
    "WGS84",
    "ConversionAccuracy",
    "Crs",
    "accuracy_at_m",
    "accuracy_m",
    "check_point",
    "conversion_accuracy",
    "convert",
    "from_wgs84",
    "is_shifted",
    "parse_crs",
    "projected_for",
    "to_wgs84",
    "transformer",
    "valid",
]
