"""How the names of coordinate systems are read."""

from __future__ import annotations

import pytest

from gisgrid.crs import BD09, CGCS2000, GCJ02, WGS84, Crs, parse_crs
from gisgrid.errors import CrsError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("wgs84", WGS84),
        ("WGS 84", WGS84),
        (" Wgs-84 ", WGS84),
        ("GPS坐标", WGS84),
        ("EPSG:4326", WGS84),
        ("OGC:CRS84", WGS84),
        ("CGCS2000", CGCS2000),
        ("CGCS2000坐标系", CGCS2000),
        ("2000国家大地坐标系", CGCS2000),
        ("epsg 4490", CGCS2000),
        ("gcj02", GCJ02),
        ("GCJ-02", GCJ02),
        ("ＧＣＪ－０２", GCJ02),
        ("火星坐标", GCJ02),
        ("GCJ-02（火星坐标系）", GCJ02),
        ("高德坐标", GCJ02),
        ("BD-09", BD09),
        ("bd09ll", BD09),
        ("百度坐标系", BD09),
    ],
)
def test_the_spellings_of_files_are_understood(text: str, expected: Crs) -> None:
    assert parse_crs(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "EPSG:4549",
        "epsg:4549",
        "4549",
        "EPSG 4549",
        "EPSG：4549",
        "urn:ogc:def:crs:EPSG::4549",
        "http://www.opengis.net/def/crs/EPSG/0/4549",
    ],
)
def test_epsg_numbers_are_understood_in_every_form(text: str) -> None:
    crs = parse_crs(text)
    assert (crs.name, crs.is_projected, crs.axes) == ("EPSG:4549", True, ("x", "y"))


@pytest.mark.parametrize(
    "text", ["", "  ", "utm", "bd09mc", "EPSG:", "EPSG:99999", "EPSG:4978", "EPSG:5703", "EPSG:4979", "wgs84; drop table"]
)
def test_what_is_no_horizontal_system_is_refused_with_the_systems_there_are(text: str) -> None:
    with pytest.raises(CrsError, match=r"wgs84, cgcs2000, gcj02, bd09 or EPSG:n") as caught:
        parse_crs(text)
    assert caught.value.name == "crs"


def test_a_missing_system_is_refused_even_as_none() -> None:
    with pytest.raises(CrsError, match="none is assumed"):
        parse_crs(None)  # type: ignore[arg-type]
