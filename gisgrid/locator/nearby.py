"""Points in cells, so that the few around a place are found without looking at the others."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from gisgrid.locator.ground import Floats, straight_slack_m

Found = list[tuple[float, int]]
"""Squares of straight distances (square metres) with rows."""

# Points in a cell on average, and how many are looked at one by one before the tree is quicker.
_PER_CELL = 2.5
_AT_MOST = 160
# The furthest rings of cells looked at around the cell of a place.
_REACHES = (1, 2, 4)
_MOST_BY_CELLS = 24
# Features fetched from the tree beyond those asked for, so that a tie for the last place is seen.
_SPARE = 4


class Plane(NamedTuple):
    """Cells on a plane that touches the Earth amid the points: axes in earth-centred metres, corner, cells a metre, their numbers.

    Cells at the border reach to infinity.
    """

    right: tuple[float, float, float]
    up: tuple[float, float, float]
    u0: float
    v0: float
    per_m: float
    columns: int
    rows: int


def plane_of(places: Floats, per_cell: float) -> Plane:
    """Return cells for places (earth-centred metres, three columns) with ``per_cell`` of them in each on average.

    The few outermost places have no say in the size, so that one that lies far off does no harm.
    """
    middle = np.median(places, axis=0)
    right = np.array([-middle[1], middle[0], 0.0])
    length = float(np.hypot(middle[0], middle[1]))
    right = right / length if length > 1.0 else np.array([0.0, 1.0, 0.0])
    up = np.cross(middle / max(float(np.linalg.norm(middle)), 1.0), right)
    u, v = places @ right, places @ up
    (west, east), (south, north) = _span(u), _span(v)
    width, height = east - west, north - south
    cell = max(math.sqrt(width * height * per_cell / len(u)), max(width, height) * per_cell / len(u), 0.01)
    columns, rows = int(width / cell) + 1, int(height / cell) + 1
    return Plane(tuple(right.tolist()), tuple(up.tolist()), west, south, 1.0 / cell, columns, rows)


def _span(values: Floats) -> tuple[float, float]:
    low, high = np.quantile(values, (0.01, 0.99)).tolist()
    margin = 0.25 * (high - low)
    return max(low - margin, float(values.min())), min(high + margin, float(values.max()))


class Nearby:
    """Points of an index, or some of them: ``rows`` are their numbers there, ``places`` where they are (earth-centred metres).

    Why nothing is missed: on a plane no two places are farther apart than straight through space. So whatever lies outside
    of the cells that were looked at is at least as far as their border is on the plane; when the last of those found is
    nearer than that, they are the nearest.
    """

    def __init__(self, places: Floats, rows: NDArray[np.int64]) -> None:
        self._rows, self._size = rows, len(rows)
        if not self._size:
            return
        self._tree: Any = cKDTree(places)
        plane = self._plane = plane_of(places, _PER_CELL)
        column = np.clip((places @ plane.right - plane.u0) * plane.per_m, 0, plane.columns - 1).astype(np.int64)
        line = np.clip((places @ plane.up - plane.v0) * plane.per_m, 0, plane.rows - 1).astype(np.int64)
        cell = line * plane.columns + column
        order = np.argsort(cell, kind="stable")
        counts = np.bincount(cell, minlength=plane.columns * plane.rows)
        self._first: list[int] = [0, *np.cumsum(counts).tolist()]
        sorted_places = places[order]
        self._x, self._y, self._z = (sorted_places[:, axis].tolist() for axis in range(3))
        self._row: list[int] = rows[order].tolist()

    def __len__(self) -> int:
        return self._size

    def few(self, x: float, y: float, z: float, k: int, bound_m: float) -> Found | None:
        """Return the ``k`` points nearest to a place (earth-centred metres) and those as near, by straight distance.

        None when that is not quickly said. Fewer when not so many lie within ``bound_m``; some may lie beyond it.
        """
        if k > _MOST_BY_CELLS:
            return None
        plane, first = self._plane, self._first
        (right_x, right_y, right_z), (up_x, up_y, up_z), u0, v0, per_m, columns, lines = plane
        u = (right_x * x + right_y * y + right_z * z - u0) * per_m
        v = (up_x * x + up_y * y + up_z * z - v0) * per_m
        column, line = min(max(int(u), 0), columns - 1), min(max(int(v), 0), lines - 1)
        for reach in _REACHES:
            west, east = max(column - reach, 0), min(column + reach, columns - 1)
            south, north = max(line - reach, 0), min(line + reach, lines - 1)
            spans = [(first[at + west], first[at + east + 1]) for at in range(south * columns, north * columns + 1, columns)]
            count = sum([end - start for start, end in spans])
            if count > _AT_MOST:
                return None
            sure = min(
                u - west if west else math.inf,
                east + 1 - u if east < columns - 1 else math.inf,
                v - south if south else math.inf,
                north + 1 - v if north < lines - 1 else math.inf,
            )
            sure /= per_m
            if count < k and sure < bound_m:
                continue
            found = self._in(spans, x, y, z)
            if count < k:
                return found
            limit = math.sqrt(found[k - 1][0])
            limit += straight_slack_m(limit)
            if limit <= sure or bound_m <= sure:
                square = limit * limit
                end = k
                while end < count and found[end][0] <= square:
                    end += 1
                return found[:end]
        return None

    def _in(self, spans: list[tuple[int, int]], x: float, y: float, z: float) -> Found:
        """Return the points in ranges of cells, the nearest first."""
        found = [
            ((dx := a - x) * dx + (dy := b - y) * dy + (dz := c - z) * dz, row)
            for start, end in spans
            for a, b, c, row in zip(self._x[start:end], self._y[start:end], self._z[start:end], self._row[start:end], strict=True)
        ]
        found.sort()
        return found

    def many(self, place: Floats, k: int, bound_m: float) -> NDArray[np.int64]:
        """Return the rows that can be among the ``k`` nearest to a place and within ``bound_m``: rather too many than one too few."""
        tree, size = self._tree, self._size
        # Never one: for k=1 the tree answers with numbers in the place of arrays. What it does not find is number ``size``.
        straight, numbers = tree.query(place, k=min(k, size) + _SPARE, distance_upper_bound=bound_m)
        found = numbers < size
        straight, numbers = straight[found], numbers[found]
        if len(numbers) > k and len(numbers) < size:
            farthest = float(straight[k - 1])
            farthest += straight_slack_m(farthest)
            if straight[-1] > farthest:
                numbers = numbers[straight <= farthest]
            else:
                # More points share the k-th distance than were asked for, such as many at one place.
                numbers = np.asarray(tree.query_ball_point(place, farthest), dtype=np.int64)
        return np.asarray(self._rows[numbers])
