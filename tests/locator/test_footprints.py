"""The nearest buildings: compared with every edge measured by geodesics, and with shapely for what covers a point."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import Any

import numpy as np
import orjson
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from gisgrid.locator import FootprintIndex, FootprintTable
from gisgrid.services.documents import building_document

GEOD = pyproj.Geod(ellps="WGS84")
USES = ("home", "shop", None)


def index_of(shapes: list[Any], codes: list[str] | None = None) -> FootprintIndex:
    array = np.empty(len(shapes), dtype=object)
    array[:] = shapes
    codes = codes or [f"b{number:04d}" for number in range(len(shapes))]
    rows: list[tuple[object, ...]] = [(code, USES[number % 3], number) for number, code in enumerate(codes)]
    return FootprintIndex(FootprintTable(list(range(10, 10 + len(shapes))), codes, array, ("code", "use", "floors"), rows))


def on_the_ground(lon: float, lat: float, shape: Any) -> float:
    """Return the distance from a point to a shape: the shortest geodesic to its edges, which are straight in degrees."""
    if shapely.intersects_xy(shape, lon, lat):
        return 0.0
    best = math.inf
    for ring in shapely.get_rings(shapely.get_parts(shape)):
        corners = shapely.get_coordinates(ring)
        for start, end in pairwise(corners):

            def away(part: float, start: Any = start, end: Any = end) -> float:
                x, y = start + part * (end - start)
                return float(GEOD.inv(lon, lat, x, y)[2])

            found = minimize_scalar(away, bounds=(0.0, 1.0), method="bounded", options={"xatol": 1e-9})
            best = min(best, float(found.fun), away(0.0), away(1.0))
    return best


def town(rng: np.random.Generator, count: int, lon: float, lat: float, spread: float) -> list[Any]:
    """Return turned rectangles, some with a court, some in two parts."""
    shapes = []
    for _ in range(count):
        size = rng.uniform(2e-5, 6e-4, 2)
        box = shapely.box(-size[0], -size[1], size[0], size[1])
        kind = rng.integers(0, 4)
        if kind == 0:
            box = box.difference(shapely.box(-size[0] / 2, -size[1] / 2, size[0] / 2, size[1] / 2))
        if kind == 1:
            box = shapely.union_all([box, shapely.affinity.translate(box, 3 * size[0], 0)])
        turned = shapely.affinity.rotate(box, rng.uniform(0, 90), origin=(0, 0))
        shapes.append(shapely.affinity.translate(turned, lon + rng.normal(0, spread), lat + rng.normal(0, spread)))
    return shapes


@pytest.mark.parametrize(("lon", "lat"), [(120.38, 36.08), (24.94, 60.17), (-179.99, -17.0), (10.0, 84.0), (0.0, 0.0)])
@pytest.mark.parametrize("where", [None, {"use": {"shop"}}, {"use": {""}}])
def test_the_nearest_are_those_of_measuring_every_edge(lon: float, lat: float, where: dict[str, set[str]] | None) -> None:
    rng = np.random.default_rng(8)
    shapes = town(rng, 60, lon, lat, 2e-3)
    index = index_of(shapes)
    wanted = None if where is None else [use or "" for use in USES].index(next(iter(where["use"])))
    for query in (rng.normal((lon, lat), 2e-3), rng.normal((lon, lat), 2e-2), (lon + 0.5, lat + 0.2), (lon - 100.0, -lat)):
        x, y = float((query[0] + 180) % 360 - 180), float(query[1])
        exact = {row: on_the_ground(x, y, shape) for row, shape in enumerate(shapes) if wanted is None or row % 3 == wanted}
        expected = sorted((far, index.table.codes[row], row) for row, far in exact.items())
        for k, radius_m in ((1, None), (5, None), (25, None), (5, 150.0), (5, 20.0)):
            near = index.nearest_rows(x, y, k, radius_m, where)
            within = [far for far, _, _ in expected if radius_m is None or far <= radius_m][:k]
            assert [far for _, far in near] == pytest.approx(within, abs=2e-5, rel=1e-8)
            assert [exact[row] for row, _ in near] == pytest.approx(within, abs=2e-5, rel=1e-8)


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_what_covers_a_point_is_what_shapely_says_also_on_edges_and_corners(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shapes = town(rng, 12, 120.38, 36.08, 3e-4)
    index = index_of(shapes)
    corners = shapely.get_coordinates(shapes)
    some = corners[rng.integers(0, len(corners), 6)]
    middles = (corners[:-1] + corners[1:])[rng.integers(0, len(corners) - 1, 6)] / 2
    beside = some + rng.choice([-1e-15, 0.0, 1e-15, 1e-13], some.shape) * 120
    for lon, lat in np.concatenate([some, middles, beside]).tolist():
        covering = {row for row, shape in enumerate(shapes) if shapely.intersects_xy(shape, lon, lat)}
        there = {row for row, far in index.nearest_rows(lon, lat, 12) if far == 0.0}
        assert there == covering
        found = index.at_row(lon, lat, 5.0)
        assert (found[0] if found and found[1] == 0.0 else None) == min(there, default=None)


def test_of_buildings_at_one_place_the_smallest_codes_come() -> None:
    codes = [f"{number:02d}" for number in np.random.default_rng(1).permutation(40)]
    index = index_of([shapely.box(120.38, 36.08, 120.381, 36.081)] * 40, codes)
    for lon in (120.3805, 120.3815):
        assert [found.code for found in index.nearest(lon, 36.0805, 3)] == ["00", "01", "02"]


def test_a_court_is_outside_and_its_wall_is_near() -> None:
    court = shapely.box(120.38, 36.08, 120.39, 36.09).difference(shapely.box(120.384, 36.084, 120.386, 36.086))
    [found] = index_of([court]).nearest(120.385, 36.085, 1)
    assert found.distance_m == pytest.approx(on_the_ground(120.385, 36.085, court), abs=1e-5)
    assert found.distance_m == pytest.approx(90.06, abs=0.1)


def test_a_footprint_as_large_as_the_town_among_small_ones() -> None:
    rng = np.random.default_rng(3)
    shapes = [*town(rng, 200, 120.38, 36.08, 1e-2), shapely.box(120.0, 36.0, 120.3, 36.3)]
    index = index_of(shapes)
    for query in ((120.31, 36.1), (120.2, 36.1), (119.9, 35.9)):
        expected = sorted((on_the_ground(*query, shape), row) for row, shape in enumerate(shapes))
        assert [row for row, _ in index.nearest_rows(*query, 4)] == [row for _, row in expected[:4]]


def test_documents_are_those_of_the_buildings() -> None:
    index = index_of(town(np.random.default_rng(9), 30, 120.38, 36.08, 1e-3))
    plain = [building_document(found) for found in index.nearest(120.38, 36.08, 8)]
    for _ in range(2):
        written = orjson.dumps([index.document(*near) for near in index.nearest_rows(120.38, 36.08, 8)])
        assert json.loads(written) == plain
        assert [list(document) for document in json.loads(written)] == [list(document) for document in plain]


def test_there_is_nothing_near_where_there_are_no_buildings() -> None:
    empty = index_of([])
    assert empty.nearest(120.38, 36.08, 3) == []
    assert empty.at(120.38, 36.08, 5.0) is None
    some: NDArray[Any] = empty.table.geometries
    assert len(some) == 0
    assert index_of([shapely.box(0, 0, 1, 1)]).nearest(120.38, 36.08, 3, 100.0) == []
