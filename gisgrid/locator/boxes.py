"""Boxes in cells of degrees: those that meet another box, in the order of their rows."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gisgrid.locator.ground import Floats
from gisgrid.types import Bounds

Rows = NDArray[np.int64]

# Boxes in a cell on average: a street's width in a city.
_PER_CELL = 16
# Up to so many are looked at without a thought; of more, one after the other from the first until there are enough.
_MANY = 20_000
_FIRST_BLOCK = 4096


class BoxCells:
    """The boxes of an index by cells; ``sides`` are west, south, east, north in degrees, four rows. Points are boxes too.

    A box lies in the cell of its middle, and cells at the border reach to infinity; those longer than a cell are always looked at.
    """

    def __init__(self, sides: Floats) -> None:
        self._sides, self._size = sides, sides.shape[1]
        if not self._size:
            return
        x, y = (sides[0] + sides[2]) / 2.0, (sides[1] + sides[3]) / 2.0
        # The few outermost have no say in the size of a cell.
        (west, east), (south, north) = np.quantile(x, (0.01, 0.99)).tolist(), np.quantile(y, (0.01, 0.99)).tolist()
        width, height = max(east - west, 1e-9), max(north - south, 1e-9)
        cell = max(math.sqrt(width * height * _PER_CELL / self._size), max(width, height) / self._size)
        self._west, self._south, self._per_deg = west, south, 1.0 / cell
        self._columns, self._lines = int(width / cell) + 1, int(height / cell) + 1
        half = np.maximum(sides[2] - sides[0], sides[3] - sides[1]) / 2.0
        is_small = half <= cell
        self._reach = float(half[is_small].max(initial=0.0)) * (1.0 + 1e-9)
        self._large = np.flatnonzero(~is_small)
        rows = np.flatnonzero(is_small)
        column = np.clip((x[rows] - west) / cell, 0, self._columns - 1).astype(np.int64)
        line = np.clip((y[rows] - south) / cell, 0, self._lines - 1).astype(np.int64)
        cells = line * self._columns + column
        order = np.argsort(cells, kind="stable")
        # With their rows, as numbers of the same kind: what is looked at is then in one piece.
        self._sorted = np.vstack([sides[:, rows[order]], rows[order]])
        self._first: list[int] = np.searchsorted(cells[order], np.arange(self._columns * self._lines + 1)).tolist()

    def meeting(self, bounds: Bounds, start: int, most: int) -> Rows:
        """Return the first ``most`` rows from ``start`` on whose boxes meet ``bounds`` (degrees, borders included), ascending."""
        if start >= self._size or most < 1:
            return np.empty(0, np.int64)
        spans = self._spans(bounds)
        if sum(end - begin for begin, end in spans) > _MANY:
            return self._one_after_the_other(bounds, start, most)
        near = np.concatenate([self._sorted[:, begin:end] for begin, end in spans], axis=1)
        rows: Rows = near[4, _meet(near, bounds)].astype(np.int64)
        if len(self._large):
            rows = np.concatenate([rows, self._large[_meet(self._sides[:, self._large], bounds)]])
        rows.sort()
        first = int(rows.searchsorted(start)) if start else 0
        return rows[first : first + most]

    def _spans(self, bounds: Bounds) -> list[tuple[int, int]]:
        """Return where the boxes that may meet ``bounds`` stand in the order of cells: from where to where, for each line of cells."""
        west, south, east, north = bounds
        reach, per_deg, columns = self._reach, self._per_deg, self._columns
        left, right = (_cell(x, self._west, per_deg, columns) for x in (west - reach, east + reach))
        low, high = (_cell(y, self._south, per_deg, self._lines) for y in (south - reach, north + reach))
        first = self._first
        return [(first[line * columns + left], first[line * columns + right + 1]) for line in range(low, high + 1)]

    def _one_after_the_other(self, bounds: Bounds, start: int, most: int) -> Rows:
        found: list[Rows] = []
        count, block = 0, _FIRST_BLOCK
        while start < self._size and count < most:
            rows = np.flatnonzero(_meet(self._sides[:, start : start + block], bounds)) + start
            found.append(rows)
            count, start, block = count + len(rows), start + block, 2 * block
        return np.concatenate(found)[:most]


def _cell(value: float, origin: float, per_deg: float, count: int) -> int:
    at = (value - origin) * per_deg
    return 0 if at < 0.0 else int(at) if at < count else count - 1


def _meet(sides: Floats, bounds: Bounds) -> NDArray[np.bool_]:
    west, south, east, north = bounds
    meets: NDArray[np.bool_] = (sides[0] <= east) & (sides[2] >= west) & (sides[1] <= north) & (sides[3] >= south)
    return meets
