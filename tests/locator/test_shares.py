"""How much of the circle of uncertainty each grid has: against shapely's areas, on the plane and in the projection of the district."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gisgrid.locator import AreaTable, Locator
from gisgrid.locator.circle import disc_pieces
from gisgrid.locator.ground import metres_per_degree
from gisgrid.services.documents import as_document
from gisgrid.types import Location
from tests.locator.drawing import drawn

TO_4549 = pyproj.Transformer.from_crs(4326, 4549, always_xy=True)
# A polygon of so many corners is smaller than its circle by less than 1e-9 of it.
QUARTER = 20_000
GRIDS = drawn("""
    A A B B .
    A A B B .
    C C D D .
    C . D D .
""")
HOLES = drawn("""
    A A A A A
    A . A B A
    A A A A A
""")
PARTS = drawn("""
    A . B . A
    . . B . .
    A . B . A
""")
OVERLAPS = drawn("""
    A  A   B
    A  AB  B
    A  ABC C
    E  ABC CE
""")


def table(shapes: list[Any]) -> AreaTable:
    out = np.empty(len(shapes), dtype=object)
    out[:] = shapes
    codes = [f"{k:02d}" for k in range(len(shapes))]
    return AreaTable(codes, codes, [None] * len(shapes), out)


def by_shapely(areas: AreaTable, lon: float, lat: float, radius_m: float, to_plane: Any = None) -> tuple[dict[str, float], float]:
    """Return the shares by code, and that of no grid, with a disc of very many corners on a plane."""

    def local(xy: Any) -> Any:
        return (xy - (lon, lat)) * metres_per_degree(lat)

    shapes = shapely.transform(areas.geometries, to_plane or local)
    middle = (0.0, 0.0) if to_plane is None else to_plane(np.array([[lon, lat]]))[0]
    disc = shapely.Point(middle).buffer(radius_m, quad_segs=QUARTER)
    found = {code: shapely.area(shapely.intersection(disc, shape)) / disc.area for code, shape in zip(areas.codes, shapes, strict=True)}
    return found, shapely.area(shapely.difference(disc, shapely.union_all(shapes))) / disc.area


def agree(areas: AreaTable, locator: Locator, lon: float, lat: float, radius_m: float) -> Location:
    answer = locator.locate(lon, lat, radius_m)
    expected, outside = by_shapely(areas, lon, lat, radius_m)
    found = {candidate.code: candidate.share for candidate in answer.candidates}
    for code, share in expected.items():
        assert found.get(code, 0.0) == pytest.approx(share, abs=1e-8), (code, lon, lat, radius_m)
    assert answer.outside_share == pytest.approx(outside, abs=1e-8)
    return answer


@pytest.mark.parametrize("areas", [GRIDS, HOLES, PARTS, OVERLAPS], ids=["gap", "holes", "parts", "overlaps"])
def test_shares_are_those_of_the_plane_around_the_point(areas: AreaTable) -> None:
    locator, rng = Locator.from_areas({"grid": areas}), np.random.default_rng(1)
    for _ in range(25):
        lon, lat = rng.uniform(119.9995, 120.0055), rng.uniform(35.9995, 36.0045)
        agree(areas, locator, lon, lat, float(rng.choice([1.0, 20.0, 60.0, 150.0, 1000.0])))
    # In the middle of a corner, of an edge, and at the height of edges.
    for lon, lat in [(120.002, 36.002), (120.001, 36.002), (120.0, 36.0), (120.002, 36.0015)]:
        agree(areas, locator, lon, lat, 50.0)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3, 30))
def test_shares_on_any_polygons_all_over_each_other(seed: int, corners: int) -> None:
    rng = np.random.default_rng(seed)
    shapes = []
    for _ in range(int(rng.integers(1, 6))):
        angle = np.sort(rng.uniform(0, 2 * np.pi, corners))
        far = rng.uniform(0.0002, 0.002, corners)
        middle = np.array([24.9, 60.2]) + rng.uniform(0, 0.002, 2)
        star = shapely.make_valid(shapely.Polygon(middle + np.column_stack([far * np.cos(angle), far * np.sin(angle)])))
        shapes.append(shapely.MultiPolygon([part for part in shapely.get_parts(star) if part.geom_type == "Polygon"]))
    areas = table(shapes)
    lon, lat = rng.uniform(24.899, 24.904), rng.uniform(60.199, 60.204)
    agree(areas, Locator.from_areas({"grid": areas}), lon, lat, float(10 ** rng.uniform(0, 2.7)))


def test_shares_are_those_of_the_projection_within_its_own_error() -> None:
    rng = np.random.default_rng(2)
    seeds = shapely.MultiPoint(np.column_stack([rng.uniform(120.3, 120.5, 300), rng.uniform(36.0, 36.2, 300)]))
    cells = shapely.get_parts(shapely.voronoi_polygons(seeds, extend_to=shapely.box(120.3, 36.0, 120.5, 36.2)))
    areas = table(list(cells))
    locator = Locator.from_areas({"grid": areas})

    # Edges are straight in degrees; with places so near to each other on them they are that in the projection too.
    dense = areas._replace(geometries=shapely.segmentize(areas.geometries, 0.0002))

    def to_plane(xy: Any) -> Any:
        return np.column_stack(TO_4549.transform(xy[:, 0], xy[:, 1]))

    for radius_m, error in [(30.0, 1e-5), (300.0, 5e-5), (3000.0, 4e-4)]:
        for _ in range(4):
            lon, lat = rng.uniform(120.3, 120.5), rng.uniform(36.0, 36.2)
            expected, outside = by_shapely(dense, lon, lat, radius_m, to_plane)
            answer = locator.locate(lon, lat, radius_m)
            found = {candidate.code: candidate.share for candidate in answer.candidates}
            assert max(abs((found.get(code) or 0.0) - share) for code, share in expected.items()) < error
            assert answer.outside_share == pytest.approx(outside, abs=error)


def test_a_circle_within_one_grid_is_all_its_own_and_one_beyond_all_grids_is_nobodys() -> None:
    locator = Locator.from_areas({"grid": GRIDS})
    inside = locator.locate(120.001, 36.003, 20.0)
    assert [(candidate.code, candidate.share) for candidate in inside.candidates] == [("A", 1.0)]
    assert inside.outside_share == 0.0
    beyond = locator.locate(120.02, 36.003, 20.0)
    assert (beyond.candidates, beyond.outside_share) == ((), 1.0)
    assert Locator.from_areas({}).locate(120.0, 36.0, 20.0).outside_share == 1.0
    everything = locator.locate(120.002, 36.002, 10_000.0)
    assert [candidate.code for candidate in everything.candidates] == ["A", "B", "C", "D"]
    assert sum(candidate.share or 0.0 for candidate in everything.candidates) == pytest.approx(1.0 - (everything.outside_share or 0.0))


@pytest.mark.parametrize("accuracy_m", [None, 0.0])
def test_without_an_accuracy_there_is_no_circle_and_no_share(accuracy_m: float | None) -> None:
    locator = Locator.from_areas({"grid": GRIDS})
    for lon in (120.001, 120.002, 120.0041, 120.1):
        answer = locator.locate(lon, 36.0035, accuracy_m)
        assert answer.outside_share is None
        assert [candidate.share for candidate in answer.candidates] == [None] * len(answer.candidates)


def test_a_circle_smaller_than_the_doubt_names_the_neighbour_with_no_share() -> None:
    metre_lon, _ = metres_per_degree(36.003)
    answer = Locator.from_areas({"grid": GRIDS}).locate(120.002 - 0.4 / metre_lon, 36.003, 0.2)
    assert [(candidate.code, candidate.share) for candidate in answer.candidates] == [("A", 1.0), ("B", 0.0)]
    assert answer.outside_share == 0.0


def test_documents_carry_shares_to_four_places_and_only_where_there_are_any() -> None:
    locator = Locator.from_areas({"grid": GRIDS})
    document: Any = as_document(locator.locate(120.002, 36.0035, 20.0))
    assert [(candidate["code"], candidate["share"]) for candidate in document["candidates"]] == [("A", 0.5), ("B", 0.5)]
    assert document["outside_share"] == 0.0
    document = as_document(locator.locate(120.002, 36.0035))
    assert "outside_share" not in document
    assert all("share" not in candidate for candidate in document["candidates"])


def test_the_pieces_of_a_ring_add_up_to_the_area_in_the_disc() -> None:
    def of(*corners: tuple[float, float]) -> float:
        x, y = np.array([*corners, corners[0]]).T
        return float(disc_pieces(x[:-1], y[:-1], x[1:], y[1:]).sum())

    assert of((-2, -2), (2, -2), (2, 2), (-2, 2)) == pytest.approx(math.pi, abs=1e-14)
    assert of((0, 0), (2, 0), (2, 2), (0, 2)) == pytest.approx(math.pi / 4, abs=1e-14)
    assert of((0, 0), (0.5, 0), (0.5, 0.5), (0, 0.5)) == pytest.approx(0.25, abs=1e-15)
    assert of((-3, 0), (3, 0), (3, -3), (-3, -3)) == pytest.approx(-math.pi / 2, abs=1e-14)
    assert of((1, -2), (2, -2), (2, 2), (1, 2)) == pytest.approx(0.0, abs=1e-14)
    assert of((0.5, -9), (9, -9), (9, 9), (0.5, 9)) == pytest.approx(math.acos(0.5) - 0.5 * math.sqrt(0.75), abs=1e-14)


def test_circles_in_arrays_are_marked_wherever_one_alone_has_a_second_candidate() -> None:
    rng = np.random.default_rng(5)
    for areas in (GRIDS, OVERLAPS):
        locator = Locator.from_areas({"grid": areas})
        lon, lat = rng.uniform(119.9995, 120.0045, 800), rng.uniform(35.9995, 36.0045, 800)
        radius = rng.choice([np.nan, 0.0, 5.0, 30.0, 90.0], 800)
        many = locator.locate_many(lon, lat, accuracy_m=radius)
        for k, (x, y, r) in enumerate(zip(lon.tolist(), lat.tolist(), radius.tolist(), strict=True)):
            answer = locator.locate(x, y, None if math.isnan(r) else r)
            if len(answer.candidates) != 1 or answer.grid is None:
                assert many.in_doubt[k]
            if not many.in_doubt[k]:
                assert answer.candidates[0].share in (None, 1.0)
        # Grids that overlap others are asked for every point in them.
        assert many.in_doubt.all() == (areas is OVERLAPS)
    one = Locator.from_areas({"grid": GRIDS}).locate_many([120.001, 120.001], [36.003, 36.003], distances=False, accuracy_m=[30.0, -1.0])
    assert one.in_doubt.tolist() == [False, True]
    assert one.distance_to_edge_m is not None
