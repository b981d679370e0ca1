"""Any system of the EPSG register, in both directions: PROJ itself is the reference."""

from __future__ import annotations

import math

import numpy as np
import pyproj
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj.database import query_crs_info
from pyproj.enums import PJType

from gisgrid.crs import BD09, CGCS2000, GCJ02, WGS84, Crs, convert, from_wgs84, parse_crs, to_wgs84, valid
from gisgrid.errors import CrsError, ParameterError

LAMBERT_PARIS, GRADS = parse_crs("EPSG:27572"), parse_crs("EPSG:4807")
# North before east, west before south, feet, links, grads, a deprecated one, one on the date line, one without a published way.
NUMBERS = [4549, 3035, 2053, 2263, 3139, 4807, 27572, 4268, 3460, 2385, 5513, 3031, 4326, 4490, 4258, 28992]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_system_is_what_proj_makes_of_it_with_x_first(number: int) -> None:
    crs, found = parse_crs(f"EPSG:{number}"), pyproj.CRS.from_epsg(number)
    area = found.area_of_use
    assert area is not None
    lon = np.linspace(area.west, area.east if area.east > area.west else 180.0, 7)[1:-1]
    lat = np.linspace(max(area.south, -89.0), area.north, 7)[1:-1]
    there = pyproj.Transformer.from_crs(4326, number, always_xy=True)
    expected = np.column_stack(there.transform(lon, lat))
    if number == 4490:  # which counts as equal, and PROJ agrees
        assert np.abs(expected - np.column_stack((lon, lat))).max() < 1e-12
    got = np.column_stack(from_wgs84(crs, lon, lat))
    finite = np.isfinite(expected).all(axis=1)
    np.testing.assert_allclose(got[finite], expected[finite], rtol=0, atol=1e-9)
    assert np.isnan(got[~finite]).all()
    # Near the rim of an area PROJ may choose another operation on the way back.
    back = np.column_stack(to_wgs84(crs, got[2:3, 0], got[2:3, 1]))
    np.testing.assert_allclose(back, [(lon[2], lat[2])], atol=1e-6)
    assert crs.unit == found.axis_info[0].unit_name


def test_every_horizontal_system_of_the_register_is_read_and_every_other_is_refused() -> None:
    kinds = [PJType.GEOGRAPHIC_2D_CRS, PJType.PROJECTED_CRS]
    others = [PJType.GEOCENTRIC_CRS, PJType.GEOGRAPHIC_3D_CRS, PJType.VERTICAL_CRS, PJType.COMPOUND_CRS, PJType.ENGINEERING_CRS]
    horizontal = query_crs_info("EPSG", kinds, allow_deprecated=True)[::23]
    assert len(horizontal) > 200
    for info in horizontal:
        found = pyproj.CRS.from_epsg(int(info.code))
        if len(found.axis_info) == 2:  # the register itself has one among them that has three
            assert parse_crs(f"EPSG:{info.code}").is_projected == found.is_projected
    for info in query_crs_info("EPSG", others, allow_deprecated=True)[::17]:
        with pytest.raises(CrsError, match=rf"EPSG:{info.code} \(.*\) is an? "):
            parse_crs(f"EPSG:{info.code}")


@pytest.mark.parametrize(
    ("text", "horizontal"),
    [("EPSG:4480", "EPSG:4490"), ("EPSG:7415", "EPSG:28992"), ("EPSG:4979", "EPSG:4326"), ("epsg:6319", "EPSG:6318")],
)
def test_a_system_with_heights_is_refused_with_its_horizontal_part(text: str, horizontal: str) -> None:
    with pytest.raises(CrsError, match=f"here {horizontal}, its horizontal part"):
        parse_crs(text)


@pytest.mark.parametrize("text", ["EPSG:4479", "EPSG:4978", "EPSG:5703"])
def test_a_system_without_horizontal_coordinates_is_refused_as_that(text: str) -> None:
    with pytest.raises(CrsError, match="no pair of horizontal coordinates"):
        parse_crs(text)


def test_the_frame_of_a_city_is_refused_with_what_to_do() -> None:
    with pytest.raises(CrsError, match="whoever keeps it has to convert"):
        parse_crs("青岛城市独立坐标系")


def test_grads_go_to_two_hundred() -> None:
    lon, lat = to_wgs84(GRADS, 150.0, 45.0)
    assert (lon, lat) == pytest.approx((137.337, 40.5), abs=0.02)
    assert valid(GRADS, [150.0, 201.0], [95.0, 0.0]).tolist() == [True, False]
    with pytest.raises(ParameterError, match="grads from -200 to 200"):
        to_wgs84(GRADS, 201.0, 45.0)
    assert to_wgs84(LAMBERT_PARIS, *from_wgs84(LAMBERT_PARIS, 2.35, 48.85)) == pytest.approx((2.35, 48.85), abs=1e-7)


def test_systems_with_no_way_between_them_are_refused() -> None:
    with pytest.raises(CrsError, match="no way known"):
        from_wgs84(parse_crs("EPSG:3145"), -7.0, 62.0)


SYSTEMS = [WGS84, CGCS2000, GCJ02, BD09, *(parse_crs(f"EPSG:{number}") for number in (4549, 4528, 3857, 32651, 4510))]


@given(lon=st.floats(119.0, 121.4), lat=st.floats(34.0, 38.0), source=st.sampled_from(SYSTEMS), target=st.sampled_from(SYSTEMS))
def test_from_one_to_another_is_the_way_by_wgs84_and_comes_back(lon: float, lat: float, source: Crs, target: Crs) -> None:
    start = from_wgs84(source, lon, lat)
    there = convert(source, target, *start)
    expected = from_wgs84(target, lon, lat)
    tolerance = 1e-3 if target.is_projected else 2e-9
    assert there == pytest.approx(expected, abs=tolerance)
    back = convert(target, source, *there)
    assert back == pytest.approx(start, abs=1e-3 if source.is_projected else 4e-9)


@pytest.mark.parametrize(("source", "target"), [(4549, 4528), (27700, 4277), (3067, 25835), (4490, 4549)])
def test_on_one_datum_the_way_is_direct_whatever_lies_between_it_and_wgs84(source: int, target: int) -> None:
    area = pyproj.CRS.from_epsg(source if source != 4490 else target).area_of_use
    assert area is not None
    lon, lat = (area.west + area.east) / 2, (area.south + area.north) / 2
    start = pyproj.Transformer.from_crs(4326, source, always_xy=True).transform(lon, lat)
    expected = pyproj.Transformer.from_crs(source, target, always_xy=True).transform(*start)
    one, other = parse_crs(f"EPSG:{source}"), parse_crs(f"EPSG:{target}")
    assert convert(one, other, *start) == pytest.approx(expected, abs=1e-9)
    arrays = convert(one, other, np.full((2, 3), start[0]), np.full((2, 3), start[1]))
    assert [part.shape for part in arrays] == [(2, 3), (2, 3)]
    np.testing.assert_allclose(np.column_stack([part.ravel() for part in arrays]), [expected] * 6, atol=1e-9)


@pytest.mark.parametrize(
    ("source", "target"), [("gcj02", "EPSG:4549"), ("EPSG:4549", "EPSG:4528"), ("EPSG:4549", "EPSG:4549"), ("gcj02", "gcj02")]
)
def test_rows_that_are_no_position_come_out_as_nan_and_the_others_do_not(source: str, target: str) -> None:
    one, other = parse_crs(source), parse_crs(target)
    first, second = from_wgs84(one, np.full(4, 120.38), np.full(4, 36.08))
    first[1], second[2] = np.nan, np.inf
    out = convert(one, other, first, second)
    assert [np.isnan(part).tolist() for part in out] == [[False, True, True, False]] * 2
    assert first.tolist()[0] == from_wgs84(one, 120.38, 36.08)[0]


def test_a_scalar_that_cannot_be_converted_is_refused() -> None:
    with pytest.raises(ParameterError, match="look exchanged"):
        convert(GCJ02, WGS84, 36.08, 120.38)
    with pytest.raises(CrsError, match="no coordinates"):
        convert(WGS84, parse_crs("EPSG:4549"), -150.0, 0.0)
    with pytest.raises(ParameterError):
        convert(parse_crs("EPSG:4549"), parse_crs("EPSG:4528"), math.nan, 1.0)
    assert convert(WGS84, WGS84, 120, 36) == (120.0, 36.0)
