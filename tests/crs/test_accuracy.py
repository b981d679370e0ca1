"""How far off a conversion may be: the figures, their reasons, and what they rest on."""

from __future__ import annotations

import numpy as np
import prcoords
import pyproj
import pytest

from gisgrid.crs import CGCS2000, GCJ02, WGS84, Crs, accuracy_m, conversion_accuracy, from_wgs84, parse_crs, to_wgs84

QINGDAO = (120.38, 36.08)


@pytest.mark.parametrize(
    ("source", "target", "place", "metres", "says"),
    [
        ("wgs84", "wgs84", None, 0.0, "Nothing is converted"),
        ("gcj02", "gcj02", None, 0.0, "Nothing is converted"),
        ("EPSG:32650", "wgs84", None, 0.0, "same datum"),
        ("EPSG:3857", "EPSG:32650", (118.0, 36.0), 0.0, "same datum"),
        ("cgcs2000", "wgs84", None, 1.5, "CGCS2000 is taken as equal"),
        ("EPSG:4549", "wgs84", QINGDAO, 1.5, "CGCS2000 is taken as equal"),
        ("EPSG:4549", "EPSG:4528", QINGDAO, 0.0, "same datum"),
        ("cgcs2000", "EPSG:4549", QINGDAO, 0.0, "same datum"),
        ("gcj02", "wgs84", QINGDAO, 3.0, "public formula"),
        ("bd09", "wgs84", QINGDAO, 3.0, "BD-09 is reversed"),
        ("gcj02", "bd09", QINGDAO, 0.1, "BD-09 comes from GCJ-02"),
        ("gcj02", "EPSG:4549", QINGDAO, 4.5, "CGCS2000"),
        ("gcj02", "wgs84", (24.94, 60.17), 0.0, "equals WGS 84"),
        ("EPSG:3067", "wgs84", (24.94, 60.17), 1.0, "register states 1 m"),
        ("EPSG:4258", "EPSG:3067", (24.94, 60.17), 0.0, "same datum"),
        ("EPSG:28992", "wgs84", (4.48, 51.92), 1.0, "Amersfoort"),
        ("EPSG:27700", "EPSG:28992", (1.0, 51.5), None, "outside the area that EPSG:28992"),
        ("EPSG:4214", "wgs84", QINGDAO, 15.0, "Beijing 1954"),
        ("EPSG:4610", "wgs84", QINGDAO, None, "change of datum"),
        ("EPSG:2385", "gcj02", QINGDAO, None, "change of datum"),
        ("EPSG:4549", "wgs84", (117.3, 36.08), None, "longitude 118.5 to 121.5"),
        ("EPSG:4268", "wgs84", None, None, "deprecated"),
        ("EPSG:4269", "wgs84", (-100.0, 40.0), 4.0, "NAD83"),
    ],
)
def test_each_figure_has_its_reason(source: str, target: str, place: tuple[float, float] | None, metres: float | None, says: str) -> None:
    found = conversion_accuracy(parse_crs(source), parse_crs(target), place)
    assert found.metres == metres
    assert says in found.why


def test_the_figure_of_a_system_alone_is_that_against_wgs84() -> None:
    assert [accuracy_m(crs) for crs in (WGS84, CGCS2000, GCJ02, parse_crs("EPSG:4610"))] == [0.0, 1.5, 3.0, None]


@pytest.mark.parametrize("number", [4277, 4301, 4314, 4313, 25832, 2154, 28992, 3035, 5514, 2263])
def test_other_systems_have_the_accuracy_that_proj_states_for_the_place(number: int) -> None:
    crs, area = parse_crs(f"EPSG:{number}"), pyproj.CRS.from_epsg(number).area_of_use
    assert area is not None
    lon, lat = (area.west + area.east) / 2, (area.south + area.north) / 2
    operation = pyproj.Transformer.from_crs(4326, number, always_xy=True)
    operation.transform(lon, lat)
    stated = operation.get_last_used_operation()
    expected = None if stated.accuracy < 0 or "Ballpark" in stated.description else stated.accuracy
    assert conversion_accuracy(crs, WGS84, (lon, lat)).metres == conversion_accuracy(crs).metres == expected


def test_across_the_date_line_the_area_is_the_short_way_round() -> None:
    fiji = parse_crs("EPSG:3460")
    assert conversion_accuracy(fiji, WGS84, (179.0, -17.0)).metres == conversion_accuracy(fiji, WGS84, (-179.0, -17.0)).metres
    assert "outside" not in conversion_accuracy(fiji, WGS84, (-179.0, -17.0)).why
    assert conversion_accuracy(fiji, WGS84, (0.0, -17.0)).metres is None


def test_the_drift_of_the_plates_stays_below_the_figure_of_cgcs2000() -> None:
    # ITRF2014's pole of Eurasia, applied to positions of 2000.0 until 2030 by PROJ.
    drift = pyproj.Transformer.from_pipeline(
        "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=cart +ellps=GRS80 "
        "+step +proj=helmert +drx=-0.000085 +dry=-0.000531 +drz=0.000770 +t_epoch=2000 +convention=position_vector "
        "+step +inv +proj=cart +ellps=GRS80 +step +proj=unitconvert +xy_in=rad +xy_out=deg"
    )
    lon, lat = (part.ravel() for part in np.meshgrid(np.linspace(74, 134, 13), np.linspace(18, 53, 8)))
    moved = drift.transform(lon, lat, np.zeros(lon.size), np.full(lon.size, 2030.0))
    metres = pyproj.Geod(ellps="GRS80").inv(lon, lat, moved[0], moved[1])[2]
    assert metres.min() > 0.7
    assert metres.max() < (accuracy_m(CGCS2000) or 0.0)


@pytest.mark.parametrize("east_m", [-1.0, 2.0])
@pytest.mark.parametrize("north_m", [-1.0, 2.0])
def test_what_devices_add_to_the_shift_stays_below_the_figure_of_gcj02(east_m: float, north_m: float) -> None:
    lon, lat = QINGDAO
    shifted = prcoords.wgs_gcj((lat, lon))
    far_lon, far_lat, _ = pyproj.Geod(ellps="WGS84").fwd(
        shifted.lon, shifted.lat, np.degrees(np.arctan2(east_m, north_m)), np.hypot(east_m, north_m)
    )
    found = to_wgs84(GCJ02, float(far_lon), float(far_lat))
    assert pyproj.Geod(ellps="WGS84").inv(lon, lat, *found)[2] < (accuracy_m(GCJ02) or 0.0)


@pytest.mark.parametrize("crs", [GCJ02, parse_crs("EPSG:4549")])
def test_asking_for_it_changes_no_conversion(crs: Crs) -> None:
    before = from_wgs84(crs, *QINGDAO)
    conversion_accuracy(crs, WGS84, QINGDAO)
    assert from_wgs84(crs, *QINGDAO) == before
