"""The outlines of buildings as flat arrays in a grid of cells, and where straight lines run through them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gisgrid.locator.footprints import FootprintTable
from gisgrid.locator.ground import metres_per_degree

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Bools = NDArray[np.bool_]

FLOOR_M = 3.0
"""The height of a floor where a building has no height."""

GRAZE_M = 1e-3
"""A line that misses a footprint when it is moved sideways by this much only grazes it."""

_CELL_M = 32.0
_SLACK_M = 1e-3


class Lines(NamedTuple):
    """Straight lines in the plane of ``Walls``: where each begins (``x``, ``y``) and what it runs (``dx``, ``dy``), in metres."""

    x: Floats
    y: Floats
    dx: Floats
    dy: Floats


class Passages(NamedTuple):
    """Stretches of lines inside buildings, ordered by line and building and along the line.

    ``enter`` and ``leave`` are shares of the line's length; they may lie before its beginning (below 0) or beyond its end (above 1).
    ``pair`` numbers the pairs of a line and a building; ``grazing`` says that the line only touches the building.
    """

    line: Longs
    building: Longs
    pair: Longs
    enter: Floats
    leave: Floats
    grazing: Bools


class Walls:
    """The footprints and roofs of buildings, in a plane of metres around their middle.

    The plane is degrees scaled, so that what is straight in longitude and latitude is straight in it; the scale is right at the
    middle only, for which reason positions on a line are given as shares of it. ``roof`` is NaN where no height is known.
    """

    def __init__(self, table: FootprintTable) -> None:
        self.ids, self.codes = np.asarray(table.ids, dtype=np.int64), table.codes
        self.roof = _roofs(table)
        coordinates, ring, owner = _rings(table)
        self._frame(coordinates)
        x, y = self.plane(coordinates[:, 0], coordinates[:, 1])
        edge = np.flatnonzero(ring[1:] == ring[:-1])
        self._x0, self._y0, self._x1, self._y1 = x[edge], y[edge], x[edge + 1], y[edge + 1]
        self._first = np.searchsorted(owner[edge], np.arange(len(table.ids) + 1))
        self._boxes()
        self._fill_cells()

    def __len__(self) -> int:
        return len(self.ids)

    def _frame(self, coordinates: Floats) -> None:
        middle = (coordinates.min(axis=0) + coordinates.max(axis=0)) / 2.0 if len(coordinates) else np.zeros(2)
        self._lon, self._lat = float(middle[0]), float(middle[1])
        self.per_lon, self.per_lat = metres_per_degree(self._lat)

    def _boxes(self) -> None:
        """Set the middle and the half width and height of the box around each building; those without outline have no box."""
        self._mx, self._my = np.full(len(self), np.nan), np.full(len(self), np.nan)
        self._hx, self._hy = np.full(len(self), np.nan), np.full(len(self), np.nan)
        self._outlined = np.flatnonzero(np.diff(self._first) > 0)
        if not self._outlined.size:
            return
        starts = self._first[self._outlined]
        for values, middle, half in ((self._x0, self._mx, self._hx), (self._y0, self._my, self._hy)):
            low, high = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
            middle[self._outlined], half[self._outlined] = (low + high) / 2.0, (high - low) / 2.0

    def _fill_cells(self) -> None:
        """Note each building in every cell that its box touches, in the order of the cells: row by row from the south."""
        rows = self._outlined
        mx, my, hx, hy = self._mx[rows], self._my[rows], self._hx[rows] + _SLACK_M, self._hy[rows] + _SLACK_M
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

    def plane(self, lon: Any, lat: Any) -> tuple[Floats, Floats]:
        """Return positions (degrees) in the plane of the walls, metres."""
        return (np.asarray(lon) - self._lon) * self.per_lon, (np.asarray(lat) - self._lat) * self.per_lat

    def passages(self, lines: Lines) -> Passages:
        """Return where lines run through buildings that lie between their two ends or touch them."""
        line, building = self._near_lines(lines)
        return self._through(lines, line, building)

    def _near_lines(self, lines: Lines) -> tuple[Longs, Longs]:
        """Return the pairs of a line and a building whose box it touches, each once, ordered by both."""
        x, y, dx, dy = lines
        low, high = np.minimum(y, y + dy) - _SLACK_M, np.maximum(y, y + dy) + _SLACK_M
        south = np.floor(low / self._cell).astype(np.int64)
        item, step = spread(np.floor(high / self._cell).astype(np.int64) - south + 1)
        row = south[item] + step
        # The stretch of the line in the row of cells; a level line is whole in its row.
        rise = np.where(np.abs(dy) < _SLACK_M, _SLACK_M * 1e-3, dy)[item]
        at = (row * self._cell - _SLACK_M - y[item]) / rise, ((row + 1) * self._cell + _SLACK_M - y[item]) / rise
        begin, end = (np.clip(share, 0.0, 1.0) * dx[item] + x[item] for share in at)
        west, east = np.minimum(begin, end) - _SLACK_M, np.maximum(begin, end) + _SLACK_M
        found, building = self._in_cells(row, west, east)
        line = item[found]
        # Of the buildings in those cells, the ones whose box the line touches.
        mx, my = x[line] + dx[line] / 2.0 - self._mx[building], y[line] + dy[line] / 2.0 - self._my[building]
        hx, hy = self._hx[building] + _SLACK_M, self._hy[building] + _SLACK_M
        ax, ay = np.abs(dx[line]), np.abs(dy[line])
        apart = np.abs(dx[line] * my - dy[line] * mx) > ax * hy + ay * hx
        touched = ~apart & (np.abs(mx) <= ax / 2.0 + hx) & (np.abs(my) <= ay / 2.0 + hy)
        return self._once(line[touched], building[touched])

    def near_points(self, x: Floats, y: Floats, reach: float) -> tuple[Longs, Longs]:
        """Return the pairs of a point and a building whose box is at most ``reach`` metres away, each once, ordered by both."""
        south = np.floor((y - reach) / self._cell).astype(np.int64)
        item, step = spread(np.floor((y + reach) / self._cell).astype(np.int64) - south + 1)
        found, building = self._in_cells(south[item] + step, x[item] - reach, x[item] + reach)
        point = item[found]
        near = np.abs(x[point] - self._mx[building]) <= self._hx[building] + reach
        near &= np.abs(y[point] - self._my[building]) <= self._hy[building] + reach
        return self._once(point[near], building[near])

    def _in_cells(self, row: Longs, west: Floats, east: Floats) -> tuple[Longs, Longs]:
        """Return the buildings in stretches of rows of cells, as (number of the stretch, building)."""
        base = row * (self._last + 1)
        first = np.clip(np.floor((west - self._west) / self._cell), 0, self._last).astype(np.int64)
        last = np.clip(np.floor((east - self._west) / self._cell), 0, self._last).astype(np.int64)
        low, high = np.searchsorted(self._key, base + first), np.searchsorted(self._key, base + last, side="right")
        found, step = spread(high - low)
        return found, self._in_cell[low[found] + step]

    def _once(self, item: Longs, building: Longs) -> tuple[Longs, Longs]:
        key = np.unique(item * len(self) + building)
        return np.divmod(key, len(self)) if len(self) else (item, building)

    def edges(self, building: Longs) -> tuple[Longs, tuple[Floats, Floats, Floats, Floats]]:
        """Return the edges of buildings, as (number in ``building``, (x0, y0, x1, y1)), in the order of ``building``."""
        pair, step = spread(self._first[building + 1] - self._first[building])
        edge = self._first[building][pair] + step
        return pair, (self._x0[edge], self._y0[edge], self._x1[edge], self._y1[edge])

    def _through(self, lines: Lines, line: Longs, building: Longs) -> Passages:
        pair, (x0, y0, x1, y1) = self.edges(building)
        on = line[pair]
        length = np.hypot(lines.dx, lines.dy)
        ux, uy = (lines.dx / length)[on], (lines.dy / length)[on]
        x0, y0, x1, y1 = x0 - lines.x[on], y0 - lines.y[on], x1 - lines.x[on], y1 - lines.y[on]
        # How far the ends of an edge are to the left of the line, and how far along it.
        edges = _Edges(pair, ux * y0 - uy * x0, ux * y1 - uy * x1, ux * x0 + uy * y0, ux * x1 + uy * y1)
        through, enter, leave = edges.cut(0.0)
        grazing = edges.grazed(through, len(line), length[line])
        found = line[through]
        return Passages(found, building[through], through, enter / length[found], leave / length[found], grazing[through])


class _Edges(NamedTuple):
    """Edges of buildings as seen along lines: ``side`` metres to the left of the line, ``along`` metres on it, at both ends."""

    pair: Longs
    side0: Floats
    side1: Floats
    along0: Floats
    along1: Floats

    def cut(self, shift: float) -> tuple[Longs, Floats, Floats]:
        """Return where the lines, moved ``shift`` metres to the left, are inside: (pair, enter, leave), ordered, metres along the line.

        A ring has an even number of crossings with an endless line, also where that runs through a corner or along an edge,
        for each end of an edge is either to the left or not.
        """
        crossing = np.flatnonzero((self.side0 > shift) != (self.side1 > shift))
        side0, side1, along0 = self.side0[crossing] - shift, self.side1[crossing] - shift, self.along0[crossing]
        at = along0 + (self.along1[crossing] - along0) * (side0 / (side0 - side1))
        pair = self.pair[crossing]
        order = np.lexsort((at, pair))
        at, pair = at[order], pair[order]
        return pair[::2], at[::2], at[1::2]

    def grazed(self, through: Longs, pairs: int, length: Floats) -> Bools:
        """Return which pairs of a line and a building only touch each other."""
        grazing = np.zeros(pairs, dtype=bool)
        passing = np.zeros(pairs, dtype=bool)
        passing[through] = True
        touching = (np.minimum(np.abs(self.side0), np.abs(self.side1)) <= GRAZE_M) & passing[self.pair]
        if not touching.any():
            return grazing
        grazing[self.pair[touching]] = True
        at = np.flatnonzero(grazing[self.pair])
        doubtful = _Edges(self.pair[at], self.side0[at], self.side1[at], self.along0[at], self.along1[at])
        runs_through = np.ones(pairs, dtype=bool)
        for shift in (-GRAZE_M, GRAZE_M):
            pair, enter, leave = doubtful.cut(shift)
            inside = np.minimum(leave, length[pair]) - np.maximum(enter, 0.0) > GRAZE_M
            beside = np.zeros(pairs, dtype=bool)
            beside[pair[inside]] = True
            runs_through &= beside
        return grazing & ~runs_through


def spread(counts: Longs) -> tuple[Longs, Longs]:
    """Return for counts (2, 0, 3) the items (0, 0, 2, 2, 2) and the steps within each (0, 1, 0, 1, 2).

    >>> [values.tolist() for values in spread(np.array([2, 0, 3]))]
    [[0, 0, 2, 2, 2], [0, 1, 0, 1, 2]]
    """
    item = np.repeat(np.arange(len(counts)), counts)
    ends = np.cumsum(counts)
    return item, np.arange(len(item)) - (ends - counts)[item]


def _rings(table: FootprintTable) -> tuple[Floats, Longs, Longs]:
    """Return the corners of all outlines and holes (degrees), and for each the ring and the building that it belongs to."""
    parts, building = shapely.get_parts(np.asarray(table.geometries, dtype=object), return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    coordinates, ring = shapely.get_coordinates(rings, return_index=True)
    return coordinates, ring, building[part[ring]]


def _roofs(table: FootprintTable) -> Floats:
    columns = dict(zip(table.fields, zip(*table.rows, strict=True), strict=True)) if table.rows else {}
    heights, floors = (np.array(columns.get(name) or [None] * len(table.ids), dtype=np.float64) for name in ("height_m", "floors"))
    return np.where(heights > 0.0, heights, np.where(floors > 0.0, floors * FLOOR_M, np.nan))
