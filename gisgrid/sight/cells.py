"""Boxes in a grid of cells: which of them a line touches, or lie near a point."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

_CELL_M = 32.0
SLACK_M = 1e-3
"""Boxes are larger by this much on each side, and lines longer."""


class Lines(NamedTuple):
    """Straight lines in a plane: where each begins (``x``, ``y``) and what it runs (``dx``, ``dy``), in metres."""

    x: Floats
    y: Floats
    dx: Floats
    dy: Floats


class Cells:
    """Boxes by the cells that they touch. Cells in a row follow each other, so that a stretch of a row is one slice."""

    def __init__(self, middle: Floats, half: Floats) -> None:
        self._boxes = np.hstack([middle, half + SLACK_M])
        self._mx, self._my, self._hx, self._hy = np.ascontiguousarray(self._boxes.T)
        rows = np.flatnonzero(~np.isnan(self._mx))
        mx, my, hx, hy = self._mx[rows], self._my[rows], self._hx[rows], self._hy[rows]
        self._cell = _CELL_M
        limit = 16 * len(rows) + 100_000
        while ((2.0 * hx / self._cell + 2.0) * (2.0 * hy / self._cell + 2.0)).sum() > limit:
            self._cell *= 2.0  # huge buildings must not fill the memory
        self._west = float((mx - hx).min()) if rows.size else 0.0
        west, east = (np.floor((mx + side * hx - self._west) / self._cell).astype(np.int64) for side in (-1.0, 1.0))
        south, north = (np.floor((my + side * hy) / self._cell).astype(np.int64) for side in (-1.0, 1.0))
        self._last = int(east.max()) if rows.size else 0
        item, step = spread(north - south + 1)
        wide, across = spread((east - west + 1)[item])
        key = (south[item] + step)[wide] * (self._last + 1) + west[item][wide] + across
        order = np.argsort(key, kind="stable")
        self._key, self._in_cell = key[order], rows[item][wide][order]

    @property
    def arrays(self) -> tuple[Longs, Longs, Floats, float, float, int]:
        """What compiled loops need: the cells in order with the box in each, all boxes (middle and half), and how cells are numbered."""
        return self._key, self._in_cell, self._boxes.reshape(-1), self._cell, self._west, self._last

    def near_lines(self, lines: Lines) -> tuple[Longs, Longs]:
        """Return the pairs of a line and a box that it touches, each once, ordered by both."""
        x, y, dx, dy = lines
        low, high = np.minimum(y, y + dy) - SLACK_M, np.maximum(y, y + dy) + SLACK_M
        south = np.floor(low / self._cell).astype(np.int64)
        item, step = spread(np.floor(high / self._cell).astype(np.int64) - south + 1)
        row = south[item] + step
        # The stretch of the line in the row of cells; a level line is whole in its row.
        rise = np.where(np.abs(dy) < SLACK_M, SLACK_M * 1e-3, dy)[item]
        at = (row * self._cell - SLACK_M - y[item]) / rise, ((row + 1) * self._cell + SLACK_M - y[item]) / rise
        begin, end = (np.clip(share, 0.0, 1.0) * dx[item] + x[item] for share in at)
        west, east = np.minimum(begin, end) - SLACK_M, np.maximum(begin, end) + SLACK_M
        found, box = self._in_cells(row, west, east)
        line = item[found]
        # Of the boxes in those cells, the ones that the line touches.
        mx, my = x[line] + dx[line] / 2.0 - self._mx[box], y[line] + dy[line] / 2.0 - self._my[box]
        hx, hy = self._hx[box], self._hy[box]
        ax, ay = np.abs(dx[line]), np.abs(dy[line])
        apart = np.abs(dx[line] * my - dy[line] * mx) > ax * hy + ay * hx
        touched = ~apart & (np.abs(mx) <= ax / 2.0 + hx) & (np.abs(my) <= ay / 2.0 + hy)
        return self._once(line[touched], box[touched])

    def near_points(self, x: Floats, y: Floats, reach: float) -> tuple[Longs, Longs]:
        """Return the pairs of a point and a box that is at most ``reach`` metres away, each once, ordered by both."""
        south = np.floor((y - reach) / self._cell).astype(np.int64)
        item, step = spread(np.floor((y + reach) / self._cell).astype(np.int64) - south + 1)
        found, box = self._in_cells(south[item] + step, x[item] - reach, x[item] + reach)
        point = item[found]
        near = np.abs(x[point] - self._mx[box]) <= self._hx[box] + reach
        near &= np.abs(y[point] - self._my[box]) <= self._hy[box] + reach
        return self._once(point[near], box[near])

    def _in_cells(self, row: Longs, west: Floats, east: Floats) -> tuple[Longs, Longs]:
        """Return the boxes in stretches of rows of cells, as (number of the stretch, box)."""
        base = row * (self._last + 1)
        first = np.clip(np.floor((west - self._west) / self._cell), 0, self._last).astype(np.int64)
        last = np.clip(np.floor((east - self._west) / self._cell), 0, self._last).astype(np.int64)
        low, high = np.searchsorted(self._key, base + first), np.searchsorted(self._key, base + last, side="right")
        found, step = spread(high - low)
        return found, self._in_cell[low[found] + step]

    def _once(self, item: Longs, box: Longs) -> tuple[Longs, Longs]:
        key = np.unique(item * len(self._boxes) + box)
        return np.divmod(key, len(self._boxes)) if len(self._boxes) else (item, box)


def spread(counts: Longs) -> tuple[Longs, Longs]:
    """Return for counts (2, 0, 3) the items (0, 0, 2, 2, 2) and the steps within each (0, 1, 0, 1, 2).

    >>> [values.tolist() for values in spread(np.array([2, 0, 3]))]
    [[0, 0, 2, 2, 2], [0, 1, 0, 1, 2]]
    """
    item = np.repeat(np.arange(len(counts)), counts)
    ends = np.cumsum(counts)
    return item, np.arange(len(item)) - (ends - counts)[item]
