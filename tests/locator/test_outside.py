"""Points outside all areas: the few edges that can be the nearest there give what all edges give."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from gisgrid.locator import AreaIndex, AreaTable
from gisgrid.locator.boundary import Boundary
from gisgrid.locator.edges import edges_of
from gisgrid.locator.overlaps import Coverage
from tests.locator.drawing import drawn

Floats = NDArray[np.float64]


def table(shapes: list[shapely.Geometry]) -> AreaTable:
    out = np.empty(len(shapes), dtype=object)
    out[:] = shapes
    codes = [f"{k:03d}" for k in range(len(shapes))]
    return AreaTable(codes, codes, [None] * len(shapes), out)


def voronoi(rng: np.random.Generator, west: float, south: float, side: float, count: int) -> AreaTable:
    """Cells within a star: a ragged outline, shared edges, and some cells left out, so that there are holes and islands."""
    seeds = shapely.MultiPoint(np.column_stack([rng.uniform(west, west + side, count), rng.uniform(south, south + side, count)]))
    cells = shapely.get_parts(shapely.voronoi_polygons(seeds, extend_to=shapely.box(west, south, west + side, south + side)))
    cells = [cell for cell in cells.tolist() if shapely.within(cell, shapely.box(west, south, west + side, south + side))]
    return table([cell for cell in cells if rng.uniform() < 0.85])


DRAWN = drawn("""
    A A A . B
    A . A B B
    A A A . C
""")
LONG = table([shapely.box(120.0, 36.0, 120.6, 36.4), shapely.box(120.6, 36.0, 121.5, 36.1)])
NORTHERN = voronoi(np.random.default_rng(1), 24.8, 60.1, 0.1, 80)
TOWN = voronoi(np.random.default_rng(2), 120.3, 36.0, 0.12, 150)
SOUTHERN = voronoi(np.random.default_rng(3), -58.4, -34.7, 0.02, 30)


def around(index: AreaIndex, rng: np.random.Generator, count: int) -> tuple[Floats, Floats]:
    """Return places that are in no area: near rims, between areas, around them, and beyond."""
    edges = index.edges
    west, south, east, north = edges.x1.min(), edges.y1.min(), edges.x1.max(), edges.y1.max()
    chosen = rng.integers(0, len(edges.x1), count)
    share, size = rng.choice([0.0, 0.4, 1.0], count), rng.choice([1e-5, 1e-3, 0.05], count)
    near_lon = edges.x1[chosen] + share * (edges.x2 - edges.x1)[chosen] + size * rng.normal(size=count)
    near_lat = edges.y1[chosen] + share * (edges.y2 - edges.y1)[chosen] + size * rng.normal(size=count)
    lon = np.concatenate([near_lon, rng.uniform(west, east, count), rng.uniform(west - 1.0, east + 1.0, count)])
    lat = np.concatenate([near_lat, rng.uniform(south, north, count), rng.uniform(south - 0.8, north + 0.8, count)])
    clear = index.is_clear_many(lon, lat)
    return lon[clear], lat[clear]


@pytest.mark.parametrize("areas", [DRAWN, LONG, NORTHERN, TOWN, SOUTHERN], ids=["drawn", "long", "north", "town", "south"])
def test_the_edges_of_a_block_give_the_same_areas_and_distances_as_all_edges(areas: AreaTable) -> None:
    index = AreaIndex(areas)
    boundary, rng = Boundary(index), np.random.default_rng(7)
    lon, lat = around(index, rng, 250)
    number, distance = boundary.nearest_many(lon, lat, np.ones(len(lon), bool))
    known = 0
    for k, (x, y) in enumerate(zip(lon.tolist(), lat.tolist(), strict=True)):
        quick, slow = boundary.nearest(x, y, is_clear=True), boundary.nearest(x, y)
        assert [area for area, _ in quick] == [area for area, _ in slow], (x, y)
        assert [far for _, far in quick] == pytest.approx([far for _, far in slow], abs=1e-6), (x, y)
        if not np.isnan(distance[k]):
            known += 1
            assert (number[k], distance[k]) == (quick[0][0], pytest.approx(quick[0][1], abs=1e-6))
    assert known > 0.6 * len(lon)


def test_rims_are_the_edges_that_no_neighbour_has_in_the_other_direction() -> None:
    # Two squares side by side: all edges but the shared one; turned around, the second is the same.
    west, east = shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)
    for other in (east, shapely.reverse(east)):
        edges = edges_of(np.array([west, other]))
        assert len(Coverage(edges, np.zeros(2, bool)).rims) == 6
    # The same square twice: no edge is shared with ground on the other side.
    edges = edges_of(np.array([west, west]))
    assert len(Coverage(edges, np.zeros(2, bool)).rims) == 8
    # Of a shape that may be twisted, nothing is said; nor where three edges are in one place.
    assert len(Coverage(edges_of(np.array([west, east])), np.array([True, False])).rims) == 8
    assert len(Coverage(edges_of(np.array([west, east, shapely.box(1, 0, 3, 1)])), np.zeros(3, bool)).rims) == 12


@pytest.mark.parametrize("seed", range(6))
def test_pairs_that_overlap_are_those_of_shapely(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one = voronoi(rng, 0.0, 0.0, 1.0, 40).geometries.tolist()
    other = voronoi(rng, 0.2 * seed, 0.3, 1.0, 30).geometries.tolist() if seed else []
    areas = table([*one, *other, shapely.box(0.5, 0.5, 0.51, 0.51)] if seed > 2 else [*one, *other])
    expected = [
        [i, j]
        for i in range(len(areas.codes))
        for j in range(i + 1, len(areas.codes))
        if shapely.relate_pattern(areas.geometries[i], areas.geometries[j], "T********")
    ]
    found = Coverage(edges_of(areas.geometries), np.zeros(len(areas.codes), bool)).pairs
    assert found.tolist() == expected
    assert bool(expected) == (seed > 0)


def test_an_area_that_is_no_valid_shape_makes_all_that_touch_its_box_uncertain() -> None:
    bow = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    edges = edges_of(np.array([bow, shapely.box(1, 0, 2, 1), shapely.box(3, 0, 4, 1)]))
    assert Coverage(edges, np.array([True, False, False])).crowded.tolist() == [True, True, False]


def test_a_prepared_boundary_makes_nothing_when_the_first_place_outside_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    index = AreaIndex(table([shapely.box(0.0, 0.0, 0.001, 0.001), shapely.box(0.001, 0.0, 0.002, 0.001)]))
    expected = Boundary(index).nearest(0.0015, 0.0012)
    prepared = Boundary(index)
    prepared.prepare()
    monkeypatch.setattr("gisgrid.locator.boundary.cKDTree", None)
    assert prepared.nearest(0.0015, 0.0012) == expected
