"""Which area covers a point: against the plain rule of PostGIS, written out, and on shapes drawn by hand."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gisgrid.locator import AreaIndex, AreaTable
from gisgrid.locator.edges import edges_of, expand
from gisgrid.locator.fine import PER_SIDE
from tests.locator.drawing import drawn
from tests.locator.loops import by_loops, by_numpy

Floats = NDArray[np.float64]

PARTITION = drawn("""
    A A B B
    A C C B
    D C C E
    D D E E
""")
WITH_HOLES = drawn("""
    A A A A A
    A . A B A
    A A A A A
""")
IN_PARTS = drawn("""
    A . B . A
    . . B . .
    A . B . A
""")
OVERLAPPING = drawn("""
    A  A   B
    A  AB  B
    A  ABC C
""")
TABLES = {"partition": PARTITION, "holes": WITH_HOLES, "parts": IN_PARTS, "overlaps": OVERLAPPING}


def ring_state(ring: Floats, x: float, y: float) -> int:
    """Say as PostGIS 3.3 does whether a point is in a ring (1), on it (0) or outside (-1); plain Python, no tricks."""
    winding = 0
    for (x1, y1), (x2, y2) in zip(ring[:-1].tolist(), ring[1:].tolist(), strict=True):
        side = (x2 - x1) * (y - y1) - (x - x1) * (y2 - y1)
        if (x2 - x1) ** 2 + (y2 - y1) ** 2 < 1e-24:
            continue
        if side == 0 and min(x1, x2) <= x <= max(x1, x2) and min(y1, y2) <= y <= max(y1, y2):
            return 0
        if y1 <= y < y2 and side > 0:
            winding += 1
        elif y2 <= y < y1 and side < 0:
            winding -= 1
    return 1 if winding else -1


def polygon_state(polygon: shapely.Polygon, x: float, y: float) -> int:
    """Say the same of a polygon with holes."""
    state = ring_state(shapely.get_coordinates(polygon.exterior), x, y)
    if state <= 0:
        return state
    for hole in polygon.interiors:
        inside = ring_state(shapely.get_coordinates(hole), x, y)
        if inside >= 0:
            return -inside
    return 1


def covering_by_rule(table: AreaTable, x: float, y: float) -> tuple[list[str], bool]:
    """Return the codes of the areas that cover a point, and whether it is on an edge."""
    states = {
        code: max(polygon_state(part, x, y) for part in shapely.get_parts(shape))
        for code, shape in zip(table.codes, table.geometries, strict=True)
    }
    covering = sorted(code for code, state in states.items() if state >= 0)
    return covering, len(covering) > 1 or any(state == 0 for state in states.values())


def agree(table: AreaTable, lon: Floats, lat: Floats) -> None:
    """Check points one at a time and all at once against the rule."""
    index = AreaIndex(table)
    with by_numpy():
        many = index.covering_many(lon, lat)
    with by_loops():
        looped = index.covering_many(lon, lat)
    assert np.array_equal(looped.number, many.number)
    assert np.array_equal(looped.on_edge, many.on_edge)
    for k, (x, y) in enumerate(zip(lon.tolist(), lat.tolist(), strict=True)):
        expected = covering_by_rule(table, x, y)
        numbers, on_edge = index.covering(x, y)
        assert ([index.refs[number].code for number in numbers], on_edge) == expected, (x, y)
        assert many.number[k] == (numbers[0] if numbers else -1), (x, y)
        assert many.on_edge[k] == on_edge, (x, y)


def adversarial(table: AreaTable, rng: np.random.Generator, count: int) -> tuple[Floats, Floats]:
    """Return points on vertices, on edges, on the rays of vertices, and the doubles next to them."""
    edges = edges_of(table.geometries)
    chosen = rng.integers(0, len(edges.x1), count)
    share = rng.choice([0.0, 0.25, 0.5, 1.0 / 3.0, rng.uniform()], count)
    x = edges.x1[chosen] + share * (edges.x2[chosen] - edges.x1[chosen])
    y = edges.y1[chosen] + share * (edges.y2[chosen] - edges.y1[chosen])
    step_x, step_y = rng.choice([-np.inf, np.inf], count), rng.choice([-np.inf, np.inf], count)
    x = np.where(rng.uniform(size=count) < 0.4, np.nextafter(x, step_x), x)
    y = np.where(rng.uniform(size=count) < 0.4, np.nextafter(y, step_y), y)
    # The same height as a vertex, but somewhere else.
    along = rng.uniform(edges.x1.min() - 0.0005, edges.x1.max() + 0.0005, count)
    return np.where(rng.uniform(size=count) < 0.2, along, x), y


@pytest.mark.parametrize("name", TABLES)
def test_on_drawn_shapes_points_random_and_adversarial_follow_the_rule(name: str) -> None:
    table, rng = TABLES[name], np.random.default_rng(len(name))
    west, south, east, north = shapely.total_bounds(table.geometries)
    agree(table, rng.uniform(west - 0.0005, east + 0.0005, 800), rng.uniform(south - 0.0005, north + 0.0005, 800))
    agree(table, *adversarial(table, rng, 1500))


def _star(rng: np.random.Generator, x: float, y: float, size: float, corners: int) -> shapely.Polygon:
    angle = np.sort(rng.uniform(0, 2 * np.pi, corners))
    radius = size * rng.uniform(0.2, 1.0, corners)
    return shapely.Polygon(np.column_stack([x + radius * np.cos(angle), y + radius * np.sin(angle)]))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), corners=st.integers(3, 40), areas=st.integers(1, 6), size_deg=st.sampled_from([1e-6, 1e-3, 0.5, 20.0])
)
def test_on_any_valid_polygons_with_holes_and_overlaps_the_rule_is_followed(seed: int, corners: int, areas: int, size_deg: float) -> None:
    rng = np.random.default_rng(seed)
    shapes = []
    for _ in range(areas):
        x, y = 24.0 + rng.uniform(0, 3) * size_deg, 50.0 + rng.uniform(0, 1) * size_deg
        shape = _star(rng, x, y, size_deg, corners)
        hole = _star(rng, x, y, size_deg * 0.3, 5)
        shape = shapely.make_valid(shape).difference(shapely.make_valid(hole))
        shapes.append(shapely.MultiPolygon([part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]))
    table = AreaTable([f"{k:02d}" for k in range(areas)], [""] * areas, [None] * areas, np.array(shapes, dtype=object))
    if not sum(shape.area > 0 for shape in shapes):
        return
    agree(table, *adversarial(table, rng, 200))
    west, south, east, north = shapely.total_bounds(table.geometries)
    agree(table, rng.uniform(west, east, 100), rng.uniform(south, north, 100))


def test_the_smallest_code_wins_whatever_the_order_of_the_areas() -> None:
    order = [3, 0, 4, 2, 1]
    codes = [PARTITION.codes[k] for k in order]
    shuffled = AreaTable(codes, codes, [None] * 5, PARTITION.geometries[order])
    index = AreaIndex(shuffled)
    # The corner that B, C and E share, and the edge of A and C.
    assert [index.refs[n].code for n in index.covering(120.003, 36.002)[0]] == ["B", "C", "E"]
    assert index.refs[int(index.covering_many(np.array([120.001]), np.array([36.0025])).number[0])].code == "A"


def test_four_areas_at_one_corner_are_all_named() -> None:
    index = AreaIndex(drawn("A B\nC D"))
    assert index.covering(120.001, 36.001) == ((0, 1, 2, 3), True)


def test_nobody_is_covered_by_an_area_without_a_shape() -> None:
    shapes = np.array([None, shapely.box(0, 0, 1, 1), shapely.Polygon()], dtype=object)
    index = AreaIndex(AreaTable(["a", "b", "c"], ["", "", ""], [None, None, None], shapes))
    assert index.covering(0.5, 0.5) == ((1,), False)
    assert index.covering(2.0, 2.0) == ((), False)
    assert index.covering_many(np.array([0.5, 2.0]), np.array([0.5, 2.0])).number.tolist() == [1, -1]


def test_a_level_without_areas_covers_nothing() -> None:
    index = AreaIndex(AreaTable([], [], [], np.empty(0, dtype=object)))
    assert index.covering(120.0, 36.0) == ((), False)
    assert index.covering_many(np.array([120.0, np.nan]), np.array([36.0, 1.0])).number.tolist() == [-1, -1]


def test_positions_that_are_none_and_far_away_are_in_no_area() -> None:
    index = AreaIndex(PARTITION)
    lon = np.array([np.nan, 120.001, np.inf, -np.inf, 1e300, -180.0, 0.0])
    lat = np.array([36.001, np.nan, 36.001, 36.001, -1e300, -90.0, 0.0])
    with np.errstate(invalid="ignore", over="ignore"):
        assert index.covering_many(lon, lat).number.tolist() == [-1] * 7
    assert index.covering(float("nan"), 36.001) == ((), False)


@pytest.mark.parametrize("shape", [(0,), (1,), (3, 4), (2, 1, 5)])
def test_the_shape_of_the_points_is_the_shape_of_the_answer(shape: tuple[int, ...]) -> None:
    found = AreaIndex(PARTITION).covering_many(np.full(shape, 120.0005), np.full(shape, 36.0005))
    assert found.number.shape == found.on_edge.shape == shape
    assert (found.number == 3).all()


def test_an_invalid_shape_is_asked_everywhere_as_postgis_asks_it() -> None:
    # A bow tie whose halves wind in opposite ways, and a ring that goes round the same square twice.
    bow = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    twice = shapely.Polygon([(2, 0), (3, 0), (3, 1), (2, 1), (2, 0), (3, 0), (3, 1), (2, 1)])
    table = AreaTable(["a", "b"], ["", ""], [None, None], np.array([bow, twice], dtype=object))
    rng = np.random.default_rng(1)
    agree(table, rng.uniform(-0.2, 3.2, 400), rng.uniform(-0.2, 1.2, 400))


def test_an_edge_too_short_for_postgis_changes_the_answer_along_its_whole_ray() -> None:
    tiny = 4e-13
    shape = shapely.Polygon([(0, 0), (1, 0), (1, 0.5), (1, 0.5 + tiny), (1, 1), (0, 1)])
    table = AreaTable(["a"], [""], [None], np.array([shape], dtype=object))
    within = 0.5 + tiny / 2
    agree(table, np.array([0.1, 0.9, 0.1, 0.9]), np.array([within, within, 0.5, 0.25]))


def test_slivers_thinner_than_a_part_of_a_cell_are_found() -> None:
    west, side = 120.0, 0.01
    edges = np.concatenate([[0.0], np.sort(np.random.default_rng(3).uniform(0, side, 60)), [side]])
    strips = [shapely.box(west + a, 36.0, west + b, 36.01) for a, b in pairwise(edges)]
    strips.append(shapely.box(west + side, 36.0, west + side + 1e-10, 36.01))
    codes = [f"{k:03d}" for k in range(len(strips))]
    table = AreaTable(codes, codes, [None] * len(codes), np.array(strips, dtype=object))
    rng = np.random.default_rng(4)
    agree(table, west + rng.uniform(-1e-4, side + 1e-4, 1000), rng.uniform(35.9995, 36.0105, 1000))
    agree(table, np.full(9, west + side + 5e-11), np.linspace(36.0, 36.01, 9))


def test_a_plain_part_of_the_raster_is_never_near_an_edge() -> None:
    index = AreaIndex(PARTITION)
    frame = index.raster.frame
    rng = np.random.default_rng(9)
    x, y = adversarial(PARTITION, rng, 4000)
    on_edge = index.covering_many(x, y).on_edge
    plain = np.array([index.cell_value(a, b) >= -1 for a, b in zip(x.tolist(), y.tolist(), strict=True)])
    assert not (plain & on_edge).any()
    assert frame.columns * frame.rows * PER_SIDE**2 > 10_000
    # And most of the ground is plain, or the raster would be of no use.
    lon, lat = rng.uniform(120.0, 120.004, 4000), rng.uniform(36.0, 36.004, 4000)
    assert np.mean([index.cell_value(a, b) >= 0 for a, b in zip(lon.tolist(), lat.tolist(), strict=True)]) > 0.98


def test_expand_lists_the_members_of_ranges() -> None:
    owner, member = expand(np.array([5, 0, 9]), np.array([2, 0, 3]))
    assert owner.tolist() == [0, 0, 2, 2, 2]
    assert member.tolist() == [5, 6, 9, 10, 11]
