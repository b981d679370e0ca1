"""What an answer says: areas above, distance to the edge, doubt, and what is nearest outside."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gisgrid.errors import ParameterError
from gisgrid.locator import AreaTable, Locator
from gisgrid.locator.ground import metres_per_degree, metres_per_degree_many
from gisgrid.types import AreaRef, ResponsibleUnit
from tests.locator.drawing import drawn

GEOD = pyproj.Geod(ellps="WGS84")
GRIDS = drawn("""
    A A B B
    A A B B
    C C D D
    C C D D
""")
TO_4549 = pyproj.Transformer.from_crs(4326, 4549, always_xy=True)


def with_parents(table: AreaTable, parents: dict[str, str | None]) -> AreaTable:
    return table._replace(parent_codes=[parents.get(code) for code in table.codes])


def city(parents: dict[str, str | None] | None = None) -> Locator:
    """A district of two streets (west, east), each one community wide; the community of the east reaches beyond its grids."""
    usual: dict[str, str | None] = {"A": "w1", "C": "w1", "B": "e1", "D": "e1"}
    chosen = usual if parents is None else parents
    communities = drawn("w w e e e\nw w e e e\nw w e e e\nw w e e e")
    halves = communities.geometries
    return Locator.from_areas(
        {
            "grid": with_parents(GRIDS, chosen),
            "community": AreaTable(["e1", "w1"], ["East end", "West end"], ["e", "w"], halves),
            "street": AreaTable(["e", "w"], ["East", "West"], ["d", "d"], halves),
            "district": AreaTable(["d"], ["All"], [None], np.array([shapely.union_all(halves)])),
        },
        {("street", "e"): ResponsibleUnit("U1", "East office", "street"), ("grid", "D"): ResponsibleUnit("U2", "Crew", "grid")},
    )


def test_a_point_inside_gets_all_levels_by_the_codes_of_parents() -> None:
    answer = city().locate(120.0005, 36.0035)
    assert answer.status == "inside"
    assert (answer.grid, answer.community) == (AreaRef("A", "a"), AreaRef("w1", "West end"))
    assert (answer.street, answer.district) == (AreaRef("w", "West"), AreaRef("d", "All"))
    assert [candidate.code for candidate in answer.candidates] == ["A"]
    assert answer.nearest is None


@pytest.mark.parametrize("parent", [None, "", "nowhere", "e1"])
def test_where_a_parent_code_is_missing_or_wrong_the_place_decides(parent: str | None) -> None:
    answer = city({"A": parent, "C": "w1", "B": "e1", "D": "e1"}).locate(120.0005, 36.0035)
    assert answer.grid == AreaRef("A", "a")
    assert answer.community == AreaRef("w1", "West end")
    assert answer.district == AreaRef("d", "All")


def test_a_place_in_a_community_but_in_no_grid_still_has_its_community() -> None:
    answer = city().locate(120.0045, 36.001)
    assert (answer.status, answer.grid) == ("outside", None)
    assert answer.community == AreaRef("e1", "East end")
    assert answer.district == AreaRef("d", "All")
    assert answer.nearest is not None
    assert answer.nearest.code == "D"
    assert answer.responsible_unit == ResponsibleUnit("U1", "East office", "street")


def test_a_deployment_may_have_grids_only() -> None:
    answer = Locator.from_areas({"grid": GRIDS}).locate(120.0005, 36.0035)
    assert answer.grid == AreaRef("A", "a")
    assert (answer.community, answer.street, answer.district) == (None, None, None)


def test_without_any_area_a_point_is_outside_of_nothing() -> None:
    answer = Locator.from_areas({}).locate(120.0, 36.0)
    assert (answer.status, answer.nearest, answer.distance_to_edge_m, answer.candidates) == ("outside", None, None, ())


def test_the_unit_of_the_smallest_area_answers_and_says_for_which_level() -> None:
    locator = city()
    assert locator.locate(120.0035, 36.0005).responsible_unit == ResponsibleUnit("U2", "Crew", "grid")
    assert locator.locate(120.0035, 36.0035).responsible_unit == ResponsibleUnit("U1", "East office", "street")
    assert locator.locate(120.0005, 36.0035).responsible_unit is None
    renamed = locator.with_roles({("district", "d"): ResponsibleUnit("U9", "Town", "district")})
    assert renamed.locate(120.0005, 36.0035).responsible_unit == ResponsibleUnit("U9", "Town", "district")
    assert locator.locate(120.0005, 36.0035).responsible_unit is None


def test_on_a_shared_edge_the_smallest_code_wins_and_the_others_follow() -> None:
    answer = city().locate(120.002, 36.002)
    assert (answer.status, answer.on_edge) == ("edge", True)
    assert answer.grid == AreaRef("A", "a")
    assert answer.candidates == (("A", "a", 0.0, None), ("B", "b", 0.0, None), ("C", "c", 0.0, None), ("D", "d", 0.0, None))
    assert answer.distance_to_edge_m == 0.0


def test_within_the_doubt_of_an_edge_the_neighbour_is_named_although_the_point_is_inside() -> None:
    metre_lon, _ = metres_per_degree(36.003)
    answer = city().locate(120.002 - 0.3 / metre_lon, 36.003)
    assert (answer.status, answer.on_edge, answer.grid) == ("inside", False, AreaRef("A", "a"))
    assert [candidate.code for candidate in answer.candidates] == ["A", "B"]
    assert answer.candidates[1].distance_m == pytest.approx(0.3, abs=1e-6)
    assert [c.code for c in city().locate(120.002 - 0.7 / metre_lon, 36.003).candidates] == ["A"]


def test_with_an_accuracy_all_grids_that_the_circle_touches_come_in_the_order_of_distance() -> None:
    locator = city()
    assert [c.code for c in locator.locate(120.0015, 36.0035, 50).candidates] == ["A", "B"]
    answer = locator.locate(120.0015, 36.003, 130)
    assert [c.code for c in answer.candidates] == ["A", "B", "C", "D"]
    distances = [c.distance_m for c in answer.candidates]
    assert distances == sorted(distances)
    assert [c.code for c in locator.locate(120.0015, 36.0035, 0).candidates] == ["A"]


@pytest.mark.parametrize("accuracy_m", [-1.0, math.nan, math.inf])
def test_an_accuracy_that_is_no_distance_is_refused(accuracy_m: float) -> None:
    with pytest.raises(ParameterError, match="accuracy_m"):
        city().locate(120.001, 36.001, accuracy_m)


def test_outside_near_the_edge_the_grids_within_the_doubt_are_candidates() -> None:
    _, metre_lat = metres_per_degree(36.0)
    answer = Locator.from_areas({"grid": GRIDS}).locate(120.002, 36.0 - 0.4 / metre_lat)
    assert (answer.status, answer.grid, answer.on_edge) == ("outside", None, False)
    assert [c.code for c in answer.candidates] == ["C", "D"]
    assert answer.nearest is not None
    assert answer.nearest.code == "C"
    assert answer.nearest.distance_m == pytest.approx(0.4, abs=1e-6)
    assert Locator.from_areas({"grid": GRIDS}).locate(120.002, 35.99).candidates == ()


def geodesic_to_boundary(shape: shapely.Geometry, lon: float, lat: float) -> float:
    """The least geodesic to points a decimetre apart on the boundary: slow, and independent of how it is done here."""
    rings = [np.asarray(ring.coords) for part in shapely.get_parts(shape) for ring in (part.exterior, *part.interiors)]
    share = np.linspace(0, 1, 3000)[:, None]
    dense = np.concatenate([a + share * (b - a) for ring in rings for a, b in pairwise(ring)])
    _, _, distance = GEOD.inv(np.full(len(dense), lon), np.full(len(dense), lat), dense[:, 0], dense[:, 1])
    return float(np.min(distance))


TILTED = shapely.Polygon([(120.3701, 36.0801), (120.3742, 36.0811), (120.3751, 36.0849), (120.3718, 36.0838), (120.3689, 36.0852)])
NORTHERN = shapely.Polygon([(24.93, 60.16), (24.935, 60.161), (24.9345, 60.165), (24.929, 60.164)]).difference(
    shapely.box(24.931, 60.1615, 24.932, 60.162)
)


@pytest.mark.parametrize("shape", [TILTED, NORTHERN], ids=["qingdao", "helsinki"])
def test_the_distance_to_the_edge_is_the_geodesic_to_the_millimetre(shape: shapely.Geometry) -> None:
    locator = Locator.from_areas({"grid": AreaTable(["g"], ["g"], [None], np.array([shape]))})
    west, south, east, north = shape.bounds
    rng = np.random.default_rng(11)
    reach_lon, reach_lat = 0.3 * (east - west), 0.3 * (north - south)
    lon = rng.uniform(west - reach_lon, east + reach_lon, 60)
    lat = rng.uniform(south - reach_lat, north + reach_lat, 60)
    many = locator.locate_many(lon, lat)
    assert many.distance_to_edge_m is not None
    for k, (x, y) in enumerate(zip(lon.tolist(), lat.tolist(), strict=True)):
        answer = locator.locate(x, y)
        # Samples a decimetre apart overshoot by 0.5 mm at two metres, and by less farther away.
        expected = geodesic_to_boundary(shape, x, y)
        assert answer.distance_to_edge_m == pytest.approx(expected, abs=1e-3 if expected > 2.0 else 0.06)
        if answer.grid:
            assert many.distance_to_edge_m[k] == pytest.approx(answer.distance_to_edge_m, abs=1e-9)
        else:
            assert math.isnan(many.distance_to_edge_m[k])


def test_the_distance_agrees_with_the_projected_one_within_its_own_error() -> None:
    locator = Locator.from_areas({"grid": AreaTable(["g"], ["g"], [None], np.array([TILTED]))})
    projected = shapely.transform(TILTED, lambda xy: np.column_stack(TO_4549.transform(xy[:, 0], xy[:, 1])))
    for x, y in [(120.372, 36.082), (120.3705, 36.0805), (120.374, 36.084), (120.3719, 36.0836)]:
        expected = shapely.distance(projected.boundary, shapely.Point(TO_4549.transform(x, y)))
        # 2 cm a kilometre by the scale of the projection, and 3 mm for edges of 400 m that are straight in another plane.
        assert locator.locate(x, y).distance_to_edge_m == pytest.approx(expected, rel=2e-5, abs=4e-3)


@pytest.mark.parametrize(
    ("lon", "lat"), [(121.5, 36.0), (120.002, 30.0), (-70.0, 40.0), (0.0, 0.0), (120.0, -89.9), (179.9, 0.0), (-179.9, 36.0)]
)
def test_far_outside_the_distance_is_a_geodesic_to_the_nearest_grid(lon: float, lat: float) -> None:
    answer = Locator.from_areas({"grid": GRIDS}).locate(lon, lat)
    distances = {code: geodesic_to_boundary(shape, lon, lat) for code, shape in zip(GRIDS.codes, GRIDS.geometries, strict=True)}
    least = min(distances.values())
    assert answer.nearest is not None
    assert answer.nearest.distance_m == pytest.approx(least, rel=1e-9, abs=1.0)
    assert distances[answer.nearest.code] <= least + 1.0
    assert answer.candidates == ()


@given(st.floats(120.0 - 0.001, 120.004 + 0.001), st.floats(36.0 - 0.001, 36.004 + 0.001), st.sampled_from([0.0, 0.5, 30.0, 200.0]))
def test_candidates_are_exactly_the_grids_within_reach(lon: float, lat: float, accuracy_m: float) -> None:
    locator = SHARED
    answer = locator.locate(lon, lat, accuracy_m)
    reach_m = max(accuracy_m, 0.5)
    scale = np.array(metres_per_degree(lat))
    for code, shape in zip(GRIDS.codes, GRIDS.geometries, strict=True):
        flat = shapely.transform(shape, lambda xy: (xy - (lon, lat)) * scale)
        distance_m = shapely.distance(flat, shapely.Point(0, 0))
        if abs(distance_m - reach_m) > 0.01:
            assert (code in [c.code for c in answer.candidates]) == (distance_m < reach_m)


SHARED = Locator.from_areas({"grid": GRIDS})


def test_many_points_are_marked_as_doubtful_wherever_one_point_would_be() -> None:
    rng = np.random.default_rng(3)
    lon, lat = rng.uniform(119.9995, 120.0045, 3000), rng.uniform(35.9995, 36.0045, 3000)
    near_edge = 120.002 + rng.uniform(-2, 2, 3000) / 90_000
    lon = np.where(rng.uniform(size=3000) < 0.3, near_edge, lon)
    many = SHARED.locate_many(lon, lat)
    for k, (x, y) in enumerate(zip(lon.tolist(), lat.tolist(), strict=True)):
        answer = SHARED.locate(x, y)
        if len(answer.candidates) != 1 or answer.grid is None:
            assert many.in_doubt[k]
        assert (answer.grid.code if answer.grid else None) == SHARED.grid_codes_at(lon[k : k + 1], lat[k : k + 1])[0]
    assert many.in_doubt.mean() < 0.6


def test_arrays_keep_their_shape_and_numbers_lead_to_codes() -> None:
    codes = SHARED.grid_codes()
    numbers = SHARED.grid_indices(np.array([[120.0005, 120.0035], [119.0, np.nan]]), np.array([[36.0035, 36.0005], [36.0, 36.0]]))
    assert numbers.tolist() == [[codes.index("A"), codes.index("D")], [-1, -1]]
    assert SHARED.grid_indices(120.0005, 36.0035).shape == ()
    assert SHARED.locate_many(np.full((2, 2), 120.001), np.full((2, 2), 36.001)).distance_to_edge_m.shape == (2, 2)  # type: ignore[union-attr]
    assert SHARED.locate_many([120.001], [36.001], distances=False).distance_to_edge_m is None


def test_the_answer_for_a_grid_as_a_whole_is_that_of_its_inner_points() -> None:
    locator = city()
    inside: Any = locator.inside(0)
    answer = locator.locate(120.0005, 36.0035)
    assert inside._replace(lon=answer.lon, lat=answer.lat, distance_to_edge_m=answer.distance_to_edge_m) == answer
    assert city({}).inside(0) is None


def test_metres_per_degree_are_those_of_the_geodesic_and_the_same_for_arrays() -> None:
    for lat in (-60.0, 0.0, 36.08, 60.2):
        lon_m, lat_m = metres_per_degree(lat)
        assert lon_m == pytest.approx(GEOD.inv(24, lat, 24.001, lat)[2] * 1000, rel=1e-7)
        assert lat_m == pytest.approx(GEOD.inv(24, lat - 0.0005, 24, lat + 0.0005)[2] * 1000, rel=1e-7)
        assert [float(part[0]) for part in metres_per_degree_many(np.array([lat]))] == pytest.approx([lon_m, lat_m], rel=1e-14)
