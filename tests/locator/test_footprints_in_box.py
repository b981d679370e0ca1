"""Footprints in a box: compared with shapely over all of them, page after page, for shapes whose own boxes promise more than they keep."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from gisgrid.locator import FootprintIndex, FootprintTable
from gisgrid.types import Bounds

CENTRE, SPREAD = np.array((120.35, 36.07)), 0.02


@pytest.fixture(scope="module")
def shapes() -> NDArray[np.object_]:
    """Triangles and pairs of them: hardly any fills its box."""
    rng = np.random.default_rng(6)
    corners = CENTRE + rng.uniform(-SPREAD, SPREAD, (3000, 1, 1, 2)) + rng.uniform(-0.002, 0.002, (3000, 2, 3, 2))
    corners[:, 1] += 0.005
    made = np.empty(len(corners), dtype=object)
    made[:] = [shapely.MultiPolygon(list(pair[: 1 + row % 2])) for row, pair in enumerate(shapely.polygons(corners))]
    return made


@pytest.mark.parametrize("most", [1, 11, 150, 5000])
@pytest.mark.parametrize("width", [0.0, 0.0005, 0.004, 0.02])
def test_the_pages_of_a_box_are_the_footprints_that_meet_it_in_their_order(shapes: NDArray[np.object_], most: int, width: float) -> None:
    index = _index(shapes)
    rng = np.random.default_rng(int(width * 10_000) + most)
    for west, south in CENTRE + rng.uniform(-SPREAD, SPREAD, (12, 2)):
        bounds = Bounds(west, south, west + width, south + width)
        expected = np.flatnonzero(shapely.intersects(shapes, shapely.box(*bounds))).tolist()
        for start in (0, *expected[:3], 2999, 3000):
            assert index.in_box(bounds, start, most) == [row for row in expected if row >= start][:most]


def test_a_box_that_only_touches_a_corner_or_a_side_meets_the_footprint() -> None:
    index = _index(np.array([shapely.MultiPolygon([shapely.Polygon([(0, 0), (2, 0), (0, 2)])])], dtype=object))
    assert index.in_box(Bounds(2, 0, 3, 1), 0, 5) == [0]
    assert index.in_box(Bounds(1, 1, 2, 2), 0, 5) == [0]
    assert index.in_box(Bounds(1.01, 1, 2, 2), 0, 5) == []
    assert index.in_box(Bounds(0.1, 0.1, 0.2, 0.2), 0, 5) == [0]


def _index(shapes: NDArray[np.object_]) -> FootprintIndex:
    codes = [str(row) for row in range(len(shapes))]
    return FootprintIndex(FootprintTable(list(range(len(shapes))), codes, shapes, ("code",), [(code,) for code in codes]))
