"""Areas of other coordinate systems in degrees: edges stay where they are in their own system, and areas share them."""

from __future__ import annotations

from functools import partial
from typing import Any

import geopandas
import numpy as np
import pyproj
import pytest
import shapely
from numpy.typing import NDArray

from gisgrid.crs import from_wgs84, parse_crs
from gisgrid.locator import Locator
from gisgrid.locator.reprojecting import TOLERANCE_M, Reprojected, reprojected
from gisgrid.locator.systems import given_system, lonlat

NORTH, SOUTH = shapely.box(300_000, 5_800_000, 500_000, 5_900_000), shapely.box(300_000, 5_700_000, 500_000, 5_800_000)


def in_degrees(crs: Any, *shapes: Any) -> Reprojected:
    return reprojected(np.array(shapes, dtype=object), partial(lonlat, given_system(crs)))


def frame_of(crs: Any, *shapes: Any) -> geopandas.GeoDataFrame:
    return geopandas.GeoDataFrame({"code": [str(number) for number in range(len(shapes))]}, geometry=list(shapes), crs=crs)


def off_m(shape: Any, crs: int, original: Any) -> float:
    """How far the middles of the edges of a shape in degrees lie off the edges of the original, in its system."""
    lon, lat = shapely.get_coordinates(shape).T
    x, y = pyproj.Transformer.from_crs(4326, crs, always_xy=True).transform((lon[1:] + lon[:-1]) / 2, (lat[1:] + lat[:-1]) / 2)
    return float(shapely.distance(shapely.points(x, y), original.boundary).max())


def test_a_long_edge_stays_straight_in_its_own_system() -> None:
    locator = Locator.from_geodataframe(frame_of(25832, NORTH, SOUTH))
    assert locator.codes(400_000, 5_799_700, crs=25832) == "1"
    x = np.linspace(300_001, 499_999, 2_000)
    for beside_m in (0.05, 1.0, 300.0):
        for code, northing in (("0", 5_800_000 + beside_m), ("1", 5_800_000 - beside_m)):
            assert (locator.codes(x, np.full(len(x), northing), crs="EPSG:25832") == code).all()
    generator = np.random.default_rng(1)
    x, y = generator.uniform(290_000, 510_000, 5_000), generator.uniform(5_690_000, 5_910_000, 5_000)
    points = shapely.points(x, y)
    expected = np.full(5_000, None, dtype=object)
    expected[shapely.covers(SOUTH, points)], expected[shapely.covers(NORTH, points)] = "1", "0"
    # The two ways lie on opposite sides of an edge by no more than the tolerance.
    clear = shapely.distance(points, shapely.MultiLineString([NORTH.exterior, SOUTH.exterior])) > 2 * TOLERANCE_M
    assert (locator.codes(x, y, crs=25832)[clear] == expected[clear]).all()


@pytest.mark.parametrize(
    ("crs", "shape"),
    [
        (25832, NORTH),
        (4549, shapely.box(500_000, 3_900_000, 560_000, 4_000_000)),
        (3857, shapely.Polygon([(0, 0), (9e6, 9e6), (-9e6, 8e6)])),
        (3413, shapely.Point(300_000, 0).buffer(100_000)),
        (3035, shapely.box(2_500_000, 1_500_000, 7_000_000, 5_000_000)),
    ],
)
def test_no_edge_is_farther_off_than_the_tolerance(crs: int, shape: Any) -> None:
    found = in_degrees(crs, shape)
    assert not found.lost.size
    assert not found.torn.size
    # Metres of the projected system are up to a few times those on the ground.
    assert off_m(found.shapes[0], crs, shape) < TOLERANCE_M * 8
    corners = np.column_stack(lonlat(given_system(crs), *shapely.get_coordinates(shape).T))
    assert set(map(tuple, corners)) <= set(map(tuple, shapely.get_coordinates(found.shapes[0])))


def test_areas_that_share_an_edge_share_its_points() -> None:
    for north, south in ((NORTH, SOUTH), (NORTH.reverse(), SOUTH), (NORTH, SOUTH.reverse())):
        one, other = in_degrees(25832, north, south).shapes
        shared = set(map(tuple, shapely.get_coordinates(one))) & set(map(tuple, shapely.get_coordinates(other)))
        assert len(shared) > 100
        assert shapely.intersection(one, other).area == 0.0
        assert shapely.union(one, other).interiors[:] == []
        assert one.is_valid
        assert other.is_valid


def test_short_edges_get_no_points_and_degrees_are_left_alone() -> None:
    small = shapely.box(533_500, 3_994_900, 533_700, 3_995_100)
    assert shapely.get_num_coordinates(in_degrees(4549, small).shapes[0]) == 5
    wide = frame_of(4326, shapely.box(-179, -80, 179, 80))
    assert Locator.from_geodataframe(wide).bounds == (-179, -80, 179, 80)


def test_holes_and_parts_stay() -> None:
    holed = NORTH.difference(shapely.box(320_000, 5_820_000, 400_000, 5_880_000))
    parts = shapely.MultiPolygon([holed, shapely.box(600_000, 5_800_000, 600_010, 5_800_010), SOUTH.buffer(-1_000)])
    small = shapely.box(533_500, 5_600_000, 533_600, 5_600_100)
    many, one, few = in_degrees(25832, parts, holed, small).shapes
    assert [len(part.interiors) for part in many.geoms] == [1, 0, 0]
    assert (one.geom_type, few.geom_type, len(one.interiors)) == ("Polygon", "Polygon", 1)
    assert shapely.equals_exact(many.geoms[0], one, 0.0)
    assert shapely.get_num_coordinates(many.geoms[1]) == 5


def test_gcj02_is_bent_too() -> None:
    gcj02 = parse_crs("gcj02")
    locator = Locator.from_geodataframe(frame_of(None, shapely.box(120, 36, 121, 36.5), shapely.box(120, 35.5, 121, 36)), crs="gcj02")
    lon = np.linspace(120.0005, 120.9995, 3_000)
    for code, lat in (("0", 36.000001), ("1", 35.999999)):  # 11 cm
        assert (locator.codes(lon, np.full(len(lon), lat), crs="gcj02") == code).all()
    assert from_wgs84(gcj02, 120.5, 36.0)[1] != 36.0


FIJI = 30 * 111_319.490_793_273_58  # the 180th meridian in EPSG:3832


def test_what_is_cut_at_the_180th_meridian_is_taken() -> None:
    west, east = shapely.box(3_200_000, -1_900_000, FIJI, -1_800_000), shapely.box(FIJI, -1_900_000, 3_500_000, -1_800_000)
    for shapes in ([shapely.MultiPolygon([west, east])], [west, east]):
        locator = Locator.from_geodataframe(frame_of(3832, *shapes))
        assert locator.codes(3_250_000, -1_850_000, crs=3832) == "0"
        assert locator.codes(3_450_000, -1_850_000, crs=3832) == str(len(shapes) - 1)
        assert locator.codes(0.0, -16.5, crs="wgs84") is None


@pytest.mark.parametrize(
    ("crs", "shape", "is_torn"),
    [
        (3832, shapely.box(3_200_000, -1_900_000, 3_500_000, -1_800_000), True),
        (3413, shapely.box(-1e5, -1e5, 1e5, 1e5), True),
        (3413, shapely.Point(0, 0).buffer(1e5), True),
        (3413, shapely.Polygon([(0, 0), (1e5, 0), (0, 1e5)]), True),  # a corner at the pole
        (3413, shapely.Point(0, 0).buffer(2e5).difference(shapely.Point(0, 0).buffer(1e5)), True),  # the pole in a hole
        (3413, shapely.Point(3e5, 0).buffer(1e5), False),
        (3857, shapely.box(2.0e7, 0, 2.1e7, 1e5), True),
        (3857, shapely.box(2.01e7, 0, 2.1e7, 1e5), False),  # all of it beyond
        (3857, shapely.box(-20_037_508.342_789_244, -2e7, 20_037_508.342_789_244, 2e7), False),
        (3857, shapely.box(-1.99e7, -1e7, 1.99e7, 1e7), False),
        (4214, shapely.box(-179, -80, 179, 80), False),
    ],
)
def test_what_goes_across_the_180th_meridian_or_around_a_pole_is_found(crs: int, shape: Any, *, is_torn: bool) -> None:
    small = shapely.box(1_000_000, -1_500_000, 1_000_100, -1_500_100) if crs != 4214 else shapely.box(10, 10, 10.1, 10.1)
    found = in_degrees(crs, small, shape)
    assert found.torn.tolist() == ([1] if is_torn else [])
    if not is_torn:
        assert inner_points_stay(crs, shape, found.shapes[1])


def inner_points_stay(crs: int, shape: Any, degrees: Any) -> bool:
    west, south, east, north = shape.bounds
    generator = np.random.default_rng(2)
    x, y = generator.uniform(west, east, 300), generator.uniform(south, north, 300)
    lon, lat = lonlat(given_system(crs), x, y)
    both: NDArray[np.bool_] = shapely.contains_xy(shape, x, y) == shapely.contains_xy(degrees, lon, lat)
    return bool(both.all())
