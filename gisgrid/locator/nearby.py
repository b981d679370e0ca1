"""Points in cells, so that the few around a place are found without looking at the others."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from gisgrid.locator.ground import LOCAL_M, Floats, straight_slack_m
from gisgrid.locator.straight import Place

# Points in a cell on average; a place is looked for in the cells around its own, so many rings of them at most.
_PER_CELL = 0.7
_MOST_RINGS = 7
# Points in the square of cells for each that is asked for: their nearest are then mostly nearer than its border.
_FOR_EACH = 2.6
# How many points are looked at one by one before the tree is quicker.
_AT_MOST = 150
_MOST_BY_CELLS = 24
_LOCAL_SQUARE = LOCAL_M * LOCAL_M
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
    right, up = axes_at(np.median(places, axis=0))
    u, v = places @ right, places @ up
    (west, east), (south, north) = _span(u), _span(v)
    width, height = east - west, north - south
    cell = max(math.sqrt(width * height * per_cell / len(u)), max(width, height) * per_cell / len(u), 0.01)
    columns, rows = int(width / cell) + 1, int(height / cell) + 1
    return Plane(tuple(right.tolist()), tuple(up.tolist()), west, south, 1.0 / cell, columns, rows)


def axes_at(middle: Floats) -> Floats:
    """Return the axes, as two rows, of a plane that touches the Earth at a place (earth-centred metres): to the east and the north.

    >>> axes_at(np.array([6378137.0, 0.0, 0.0])).tolist()
    [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    right = np.array([-middle[1], middle[0], 0.0])
    length = float(np.linalg.norm(right))
    right = right / length if length > 1.0 else np.array([0.0, 1.0, 0.0])
    up = np.cross(middle / max(float(np.linalg.norm(middle)), 1.0), right)
    return np.array([right, up]) + 0.0


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
        # Points in the cells to the south and west of each corner: four corners say how many a square of cells holds.
        corners = np.zeros((plane.rows + 1, plane.columns + 1), np.int64)
        corners[1:, 1:] = counts.reshape(plane.rows, plane.columns).cumsum(axis=0).cumsum(axis=1)
        self._corners: list[int] = corners.reshape(-1).tolist()
        self._points: list[Place] = list(zip(*places[order].T.tolist(), rows[order].tolist(), strict=True))

    def __len__(self) -> int:
        return self._size

    def few(self, x: float, y: float, z: float, k: int, bound_m: float) -> list[Place] | None:
        """Return the ``k`` points nearest to a place (earth-centred metres) and those as near, by straight distance.

        None when that is not quickly said. Fewer when not so many lie within ``bound_m``; some may lie beyond it.
        """
        if k > _MOST_BY_CELLS:
            return None
        (right_x, right_y, right_z), (up_x, up_y, up_z), u0, v0, per_m, columns, lines = self._plane
        u = (right_x * x + right_y * y + right_z * z - u0) * per_m
        v = (up_x * x + up_y * y + up_z * z - v0) * per_m
        column = 0 if u < 0.0 else int(u) if u < columns else columns - 1
        line = 0 if v < 0.0 else int(v) if v < lines else lines - 1
        corners, wide, enough, bound = self._corners, columns + 1, min(_FOR_EACH * k + 2, self._size), bound_m * per_m
        for reach in range(1 if k < 3 else 2 if k < 12 else 3, _MOST_RINGS + 1):
            west = column - reach if column > reach else 0
            east = column + reach + 1 if column + reach < columns else columns
            south = line - reach if line > reach else 0
            north = line + reach + 1 if line + reach < lines else lines
            low, high = south * wide, north * wide
            count = corners[high + east] - corners[high + west] - corners[low + east] + corners[low + west]
            if count < enough and reach < _MOST_RINGS and reach < bound:
                continue
            if count > _AT_MOST:
                return None
            found = self._nearest_first((west, east), (south, north), x, y, z)
            sure = _sure((u, west, east, columns), (v, south, north, lines))
            close = _as_near(found, k, sure / per_m if sure < bound else math.inf)
            if close is not None:
                # Far away the order of straight distances is not that on the ground.
                return close if not close or found[len(close) - 1][0] <= _LOCAL_SQUARE else None
        return None

    def _nearest_first(self, across: tuple[int, int], along: tuple[int, int], x: float, y: float, z: float) -> list[tuple[float, Place]]:
        """Return the points of a square of cells with the squares of their distances to a place, the nearest first."""
        first, points, columns, (west, east) = self._first, self._points, self._plane.columns, across
        found = [
            ((dx := a - x) * dx + (dy := b - y) * dy + (dz := c - z) * dz, point)
            for at in range(along[0] * columns, along[1] * columns, columns)
            for point in points[first[at + west] : first[at + east]]
            for a, b, c, _ in (point,)
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

    def many_at_once(self, places: Floats, k: int, bound_m: float) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return for each place numbers of points among which its ``k`` nearest within ``bound_m`` are, the size where there are fewer.

        The second array tells the places for which more must be asked: ``few`` or ``many`` know.
        """
        size = self._size
        straight, numbers = self._tree.query(places, k=min(k, size) + _SPARE, distance_upper_bound=bound_m)
        if numbers.shape[1] <= k or size <= k:
            return numbers, np.zeros(len(places), bool)
        sure = np.isfinite(straight[:, k - 1])
        farthest: Any = np.where(sure, straight[:, k - 1], 0.0)
        return numbers, sure & (straight[:, -1] <= farthest + straight_slack_m(farthest))


def _sure(*sides: tuple[float, int, int, int]) -> float:
    """Return how far it is, in cells, to the border of a square of cells; those at the border of all reach to infinity."""
    nearest = math.inf
    for at, low, high, last in sides:
        if low and at - low < nearest:
            nearest = at - low
        if high < last and high - at < nearest:
            nearest = high - at
    return nearest


def _as_near(found: list[tuple[float, Place]], k: int, sure_m: float) -> list[Place] | None:
    """Return the ``k`` nearest of what was found, and those as near, or None when something nearer may not have been found.

    Everything up to ``sure_m`` was; infinite when nothing farther is wanted.
    """
    if len(found) < k:
        return [point for _, point in found] if sure_m == math.inf else None
    limit = math.sqrt(found[k - 1][0])
    limit += straight_slack_m(limit)
    if limit > sure_m:
        return None
    square = limit * limit
    while k < len(found) and found[k][0] <= square:
        k += 1
    return [point for _, point in found[:k]]
