"""Conversions between coordinate systems: against prcoords, round trips, shapes, and what is refused."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import prcoords
import pyproj
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gisgrid.crs import BD09, CGCS2000, GCJ02, WGS84, Crs, check_point, from_wgs84, parse_crs, to_wgs84, valid
from gisgrid.errors import CrsError, ParameterError
from gisgrid.types import Bounds

TOLERANCE_DEG = 1e-9
GK = parse_crs("EPSG:4549")
# Half a kilometre inside the box, so that no shift crosses its edge.
LONS = st.floats(72.02, 137.82)
LATS = st.floats(0.85, 55.81)


@given(LONS, LATS)
def test_gcj02_and_bd09_are_those_of_prcoords(lon: float, lat: float) -> None:
    gcj = prcoords.wgs_gcj((lat, lon))
    assert from_wgs84(GCJ02, lon, lat) == pytest.approx((gcj.lon, gcj.lat), abs=1e-12)
    bd = prcoords.gcj_bd(gcj)
    assert from_wgs84(BD09, lon, lat) == pytest.approx((bd.lon, bd.lat), abs=1e-12)


@pytest.mark.parametrize("crs", [GCJ02, BD09])
@given(lon=LONS, lat=LATS)
def test_a_point_there_and_back_is_where_it_was(crs: Crs, lon: float, lat: float) -> None:
    back = to_wgs84(crs, *from_wgs84(crs, lon, lat))
    assert back == pytest.approx((lon, lat), abs=TOLERANCE_DEG)


@pytest.mark.parametrize("crs", [WGS84, CGCS2000, GCJ02, BD09])
def test_a_grid_over_all_china_there_and_back_is_where_it_was(crs: Crs) -> None:
    lon, lat = np.meshgrid(np.linspace(72.02, 137.82, 700), np.linspace(0.85, 55.81, 600))
    back_lon, back_lat = to_wgs84(crs, *from_wgs84(crs, lon, lat))
    assert back_lon.shape == lon.shape
    assert np.abs(back_lon - lon).max() < TOLERANCE_DEG
    assert np.abs(back_lat - lat).max() < TOLERANCE_DEG


@pytest.mark.parametrize("crs", [GCJ02, BD09, GK])
def test_points_and_arrays_give_the_same(crs: Crs) -> None:
    rng = np.random.default_rng(7)
    lon, lat = rng.uniform(119, 121, 500), rng.uniform(35, 37, 500)
    out = np.column_stack(from_wgs84(crs, lon, lat))
    assert np.abs(out - [from_wgs84(crs, float(a), float(b)) for a, b in zip(lon, lat, strict=True)]).max() < 1e-9
    back = np.column_stack(to_wgs84(crs, out[:, 0], out[:, 1]))
    assert np.abs(back - [to_wgs84(crs, float(a), float(b)) for a, b in out]).max() < 1e-9


def test_the_published_shift_at_qingdao() -> None:
    assert from_wgs84(GCJ02, 120.38, 36.08) == pytest.approx((120.3851332804, 36.0802769173), abs=5e-11)


def test_outside_the_box_gcj02_is_wgs84() -> None:
    for lon, lat in [(24.94, 60.17), (-74.0, 40.7), (139.7, 35.7), (72.0, 30.0), (100.0, 0.5)]:
        assert from_wgs84(GCJ02, lon, lat) == to_wgs84(GCJ02, lon, lat) == (lon, lat)
        assert [float(v[0]) for v in to_wgs84(GCJ02, np.array([lon]), np.array([lat]))] == [lon, lat]


def test_cgcs2000_counts_as_wgs84() -> None:
    assert to_wgs84(CGCS2000, 120.38, 36.08) == (120.38, 36.08)


def test_projected_systems_take_easting_before_northing() -> None:
    assert to_wgs84(GK, 533_747.219, 3_995_272.267) == pytest.approx((120.3747, 36.0871), abs=1e-8)
    zoned = parse_crs("EPSG:4528")
    assert to_wgs84(zoned, 40_533_747.219, 3_995_272.267) == pytest.approx((120.3747, 36.0871), abs=1e-8)


def test_any_epsg_system_is_pyproj_with_x_first() -> None:
    expected = pyproj.Transformer.from_crs(3067, 4326, always_xy=True).transform(385_500.0, 6_671_500.0)
    assert to_wgs84(parse_crs("EPSG:3067"), 385_500.0, 6_671_500.0) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("crs", [WGS84, GCJ02, BD09, GK])
def test_rows_that_are_no_position_come_out_as_nan_and_the_others_do_not(crs: Crs) -> None:
    first, second = from_wgs84(crs, np.full(4, 120.38), np.full(4, 36.08))
    first[1], second[2] = np.nan, np.inf
    lon, lat = to_wgs84(crs, first, second)
    assert np.isnan(lon).tolist() == np.isnan(lat).tolist() == [False, True, True, False]
    assert valid(crs, first, second).tolist() == [True, False, False, True]


@pytest.mark.parametrize("shape", [(0,), (3,), (2, 3), (1, 1, 2), ()])
def test_the_shape_of_the_input_is_the_shape_of_the_output(shape: tuple[int, ...]) -> None:
    lon, lat = to_wgs84(GCJ02, np.full(shape, 120.38), np.full(shape, 36.08))
    assert lon.shape == lat.shape == shape


def test_lists_and_one_value_for_many_are_taken() -> None:
    lon, lat = to_wgs84(GCJ02, [120.38, 120.39], 36.08)
    assert lon.shape == lat.shape == (2,)


@pytest.mark.parametrize(
    ("crs", "first", "second", "name", "says"),
    [
        (GCJ02, 36.08, 120.38, "lat", "exchanged"),
        (WGS84, math.nan, 36.0, "lon", "not a number"),
        (WGS84, 120.0, math.inf, "lat", "not a number"),
        (BD09, 181.0, 36.0, "lon", "-180 to 180"),
        (WGS84, 120.0, -91.0, "lat", "-90 to 90"),
        (WGS84, 533_747.2, 3_995_272.3, "lon", "metres of a projected system"),
        (GK, 120.38, 36.08, "crs", "look like degrees"),
        (GK, math.nan, 1.0, "x", "not a number"),
        (GK, 533_747.0, -math.inf, "y", "not a number"),
        (GK, 4e7, 4e6, "crs", "no place"),
    ],
)
def test_a_point_that_cannot_be_meant_is_refused_by_name(crs: Crs, first: float, second: float, name: str, says: str) -> None:
    with pytest.raises(ParameterError, match=says) as caught:
        to_wgs84(crs, first, second)
    assert caught.value.name == name


def test_an_exchange_that_stays_in_range_is_seen_by_the_place_it_names() -> None:
    helsinki = Bounds(24.4, 59.9, 25.4, 60.5)
    check_point(WGS84, 24.94, 60.17, helsinki)
    check_point(WGS84, 0.0, 0.0, helsinki)
    with pytest.raises(ParameterError, match="exchanged"):
        check_point(WGS84, 60.17, 24.94, helsinki)
    with pytest.raises(ParameterError, match="exchanged") as caught:
        check_point(GK, 3_995_272.267, 533_747.219, Bounds(120.0, 35.8, 120.7, 36.4))
    assert caught.value.name == "x"


def test_a_system_that_cannot_hold_a_place_says_so() -> None:
    with pytest.raises(CrsError, match="no coordinates"):
        from_wgs84(GK, -150.0, 0.0)


def test_threads_have_transformers_of_their_own() -> None:
    expected = to_wgs84(GK, 533_747.219, 3_995_272.267)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: to_wgs84(GK, 533_747.219, 3_995_272.267), range(200)))
    assert set(answers) == {expected}
