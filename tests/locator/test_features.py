"""Nearest features and the building at a point."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest
import shapely
from numpy.typing import NDArray

from gisgrid.locator import FootprintIndex, FootprintTable, PointIndex, PointTable

GEOD = pyproj.Geod(ellps="WGS84")
Floats = NDArray[np.float64]


def points(lon: Floats, lat: Floats, codes: list[str] | None = None) -> PointIndex:
    codes = codes or [f"{k:05d}" for k in range(len(lon))]
    return PointIndex(PointTable([k + 100 for k in range(len(lon))], codes, lon, lat, ("code",), [(code,) for code in codes]))


def by_looking_at_all(index: PointIndex, lon: float, lat: float) -> list[tuple[float, str]]:
    table = index.table
    count = len(table.ids)
    _, _, distance = GEOD.inv(np.full(count, lon), np.full(count, lat), table.lon, table.lat)
    return sorted(zip(distance.tolist(), table.codes, strict=True))


@pytest.fixture(scope="module")
def town() -> PointIndex:
    rng = np.random.default_rng(5)
    return points(rng.uniform(120.33, 120.44, 3000), rng.uniform(36.06, 36.14, 3000))


@pytest.mark.parametrize(("k", "radius_m"), [(1, None), (5, None), (40, None), (5, 120.0), (3000, 800.0), (5000, None)])
def test_the_nearest_are_those_of_looking_at_every_one(town: PointIndex, k: int, radius_m: float | None) -> None:
    rng = np.random.default_rng(6)
    for lon, lat in zip(rng.uniform(120.3, 120.5, 15).tolist(), rng.uniform(36.0, 36.2, 15).tolist(), strict=True):
        expected = [(far, code) for far, code in by_looking_at_all(town, lon, lat) if radius_m is None or far <= radius_m][:k]
        found = town.nearest(lon, lat, k, radius_m)
        assert [neighbour.properties["code"] for neighbour in found] == [code for _, code in expected]
        assert [neighbour.distance_m for neighbour in found] == pytest.approx([far for far, _ in expected], abs=1e-6)


@pytest.mark.parametrize(("lon", "lat"), [(121.0, 36.0), (100.0, 20.0), (-60.0, -30.0), (120.38, 89.9)])
def test_from_far_away_the_order_is_still_that_of_the_geodesics(town: PointIndex, lon: float, lat: float) -> None:
    expected = by_looking_at_all(town, lon, lat)[:10]
    assert [neighbour.distance_m for neighbour in town.nearest(lon, lat, 10)] == pytest.approx([far for far, _ in expected], abs=1e-4)


def test_of_features_at_one_place_the_smallest_codes_come() -> None:
    codes = [f"{k:02d}" for k in np.random.default_rng(1).permutation(40)]
    index = points(np.full(40, 120.38), np.full(40, 36.08), codes)
    assert [n.properties["code"] for n in index.nearest(120.381, 36.08, 5)] == ["00", "01", "02", "03", "04"]


def test_the_bearing_is_clockwise_from_north() -> None:
    index = points(np.array([120.38, 120.39, 120.38, 120.37]), np.array([36.09, 36.08, 36.07, 36.08]), ["n", "e", "s", "w"])
    bearings = {n.properties["code"]: n.bearing_deg for n in index.nearest(120.38, 36.08, 4)}
    assert bearings == pytest.approx({"n": 0.0, "e": 90.0, "s": 180.0, "w": 270.0}, abs=0.01)


def test_nothing_is_near_in_an_empty_layer_or_within_too_small_a_radius(town: PointIndex) -> None:
    assert points(np.empty(0), np.empty(0)).nearest(120.0, 36.0, 5) == []
    assert town.nearest(121.0, 37.0, 5, 10.0) == []
    assert town.nearest(120.38, 36.08, 0) == []


def test_a_neighbour_carries_id_place_and_fields() -> None:
    [found] = points(np.array([120.38]), np.array([36.08]), ["c1"]).nearest(120.38, 36.08, 1)
    assert (found.id, found.lon, found.lat, found.distance_m, found.properties) == (100, 120.38, 36.08, 0.0, {"code": "c1"})


def buildings(*shapes: shapely.Geometry) -> FootprintIndex:
    array = np.empty(len(shapes), dtype=object)
    array[:] = shapes
    codes = [f"b{k}" for k in range(len(shapes))]
    rows: list[tuple[object, ...]] = [(code, "x") for code in codes]
    return FootprintIndex(FootprintTable(list(range(len(shapes))), codes, array, ("code", "use"), rows))


BLOCKS = buildings(
    shapely.box(120.38, 36.08, 120.3802, 36.0801),
    shapely.box(120.3803, 36.08, 120.3805, 36.0801),
    shapely.box(120.3804, 36.08, 120.3806, 36.0801),
    shapely.box(120.39, 36.09, 120.3905, 36.0905).difference(shapely.box(120.3902, 36.0902, 120.3903, 36.0903)),
)


@pytest.mark.parametrize(
    ("lon", "lat", "code", "distance_m"),
    [
        (120.3801, 36.08005, "b0", 0.0),
        (120.3802, 36.0801, "b0", 0.0),
        (120.38045, 36.08005, "b1", 0.0),
        (120.38055, 36.08005, "b2", 0.0),
        (120.38023, 36.08005, "b0", 2.70),
        (120.38028, 36.08005, "b1", 1.80),
        (120.3801, 36.08014, "b0", 4.44),
        (120.3801, 36.08016, None, 0.0),
        (120.39025, 36.09025, "b3", 4.5),
    ],
)
def test_the_building_is_the_one_around_the_point_or_a_few_metres_away(lon: float, lat: float, code: str | None, distance_m: float) -> None:
    found = BLOCKS.at(lon, lat, 5.0)
    assert (found.code if found else None) == code
    if found:
        assert found.distance_m == pytest.approx(distance_m, abs=0.01)
        assert found.properties == {"code": code, "use": "x"}


def test_there_is_no_building_where_there_are_none() -> None:
    assert buildings().at(120.38, 36.08, 5.0) is None
