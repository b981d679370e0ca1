"""The outlines of buildings as flat arrays, and where straight lines run through them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gisgrid.locator.footprints import FootprintTable
from gisgrid.locator.ground import metres_per_degree
from gisgrid.sight.cells import Cells, Lines, spread

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Bools = NDArray[np.bool_]

FLOOR_M = 3.0
"""The height of a floor where a building has no height."""

HALF_WIDTH_M = 1e-3
"""A line is so wide to both sides: where it only grazes a footprint, one of its edges is outside."""

TINY = 1e-12
"""The least square of a length that is divided by."""

# Shapes that shapely looks at in one go; it lets no other thread work meanwhile.
_AT_ONCE = 4_000


class Passages(NamedTuple):
    """Stretches of lines inside buildings, ordered by line and building and along the line.

    ``enter`` and ``leave`` are shares of the line's length; they may lie before its beginning (below 0) or beyond its end (above 1).
    ``pair`` numbers the pairs of a line and a building; ``at_end`` says that the building covers the line's end or is within
    half a width of it. ``ends_in`` are the lines of which that is true of some building, run through or not.
    """

    line: Longs
    building: Longs
    pair: Longs
    enter: Floats
    leave: Floats
    at_end: Bools
    ends_in: Longs


class Walls:
    """The footprints and roofs of buildings, in a plane of metres around their middle.

    The plane is degrees scaled, so that what is straight in longitude and latitude is straight in it; the scale is right at the
    middle only, for which reason positions on a line are given as shares of it. ``roof`` is NaN where no height is known.
    """

    def __init__(self, table: FootprintTable) -> None:
        self.ids, self.codes = np.asarray(table.ids, dtype=np.int64), table.codes
        self.roof = _roofs(table)
        coordinates, owner, last = _corners(table)
        self._frame(coordinates)
        x, y = self.plane(coordinates[:, 0], coordinates[:, 1])
        edge = np.flatnonzero(~last)
        # Beside each other in memory, for all four are asked together.
        self._ends = np.stack([x[edge], y[edge], x[edge + 1], y[edge + 1]], axis=1)
        self._x0, self._y0, self._x1, self._y1 = self._ends.T
        self._first = np.searchsorted(owner[edge], np.arange(len(table.ids) + 1))
        self.cells = Cells(*self._boxes())

    def __len__(self) -> int:
        return len(self.ids)

    def _frame(self, coordinates: Floats) -> None:
        middle = (coordinates.min(axis=0) + coordinates.max(axis=0)) / 2.0 if len(coordinates) else np.zeros(2)
        self._lon, self._lat = float(middle[0]), float(middle[1])
        self.per_lon, self.per_lat = metres_per_degree(self._lat)

    def _boxes(self) -> tuple[Floats, Floats]:
        """Return the middle of the box around each building and half its width and height, (n, 2) each; NaN without an outline."""
        middle, half = np.full((len(self), 2), np.nan), np.full((len(self), 2), np.nan)
        outlined = np.flatnonzero(np.diff(self._first) > 0)
        for axis, values in enumerate((self._x0, self._y0)):
            if outlined.size:
                starts = self._first[outlined]
                low, high = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
                middle[outlined, axis], half[outlined, axis] = (low + high) / 2.0, (high - low) / 2.0
        return middle, half

    @property
    def frame(self) -> tuple[float, float, float, float]:
        """The middle of the plane in degrees, and metres per degree there."""
        return self._lon, self._lat, self.per_lon, self.per_lat

    def plane(self, lon: Any, lat: Any) -> tuple[Any, Any]:
        """Return positions (degrees, arrays or numbers) in the plane of the walls, metres."""
        return (lon - self._lon) * self.per_lon, (lat - self._lat) * self.per_lat

    def passages(self, lines: Lines) -> Passages:
        """Return where lines run through buildings that lie between their two ends or touch them."""
        line, building = self.cells.near_lines(lines)
        return self._through(lines, line, building)

    @property
    def arrays(self) -> tuple[Floats, Longs, Floats, Longs]:
        """What compiled loops need: the ends of all edges, the first edge of each building and the one after the last, roofs and ids."""
        return self._ends.reshape(-1), self._first, self.roof, self.ids

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
        through, enter, leave = edges.inside()
        far = length[line]
        at_end = edges.reach(far)
        at_end[through[(enter <= far[through]) & (leave >= far[through])]] = True
        found = line[through]
        shares = enter / length[found], leave / length[found]
        return Passages(found, building[through], through, *shares, at_end[through], line[at_end])


class _Edges(NamedTuple):
    """Edges of buildings as seen along lines: ``side`` metres to the left of the line, ``along`` metres on it, at both ends."""

    pair: Longs
    side0: Floats
    side1: Floats
    along0: Floats
    along1: Floats

    def inside(self) -> tuple[Longs, Floats, Floats]:
        """Return where the lines are inside: (pair, enter, leave), ordered, metres along the line.

        The width of a line counts only where a corner lies in it. Elsewhere it makes no difference that is worth the work.
        """
        cornered = np.zeros(int(self.pair[-1]) + 1 if len(self.pair) else 0, dtype=bool)
        cornered[self.pair[np.abs(self.side0) <= HALF_WIDTH_M]] = True
        at, pair = self._crossings(0.0)
        if not cornered.any():
            return _stretches((at, pair))
        clear = ~cornered[pair]
        doubtful = self._only(np.flatnonzero(cornered[self.pair]))
        both_edges = _stretches(doubtful._crossings(HALF_WIDTH_M), doubtful._crossings(-HALF_WIDTH_M))
        parts = zip(_stretches((at[clear], pair[clear])), both_edges, strict=True)
        found, enter, leave = (np.concatenate(columns) for columns in parts)
        order = np.lexsort((enter, found))
        return found[order], enter[order], leave[order]

    def _only(self, which: Longs) -> _Edges:
        return _Edges(self.pair[which], self.side0[which], self.side1[which], self.along0[which], self.along1[which])

    def _crossings(self, shift: float) -> tuple[Floats, Longs]:
        """Return where edges cross the lines, moved ``shift`` metres to the left: (metres along the line, pair).

        A ring has an even number of crossings with an endless line, also where that runs through a corner or along an edge,
        for each corner is either to the left or not.
        """
        crossing = np.flatnonzero((self.side0 > shift) != (self.side1 > shift))
        side0, side1, along0 = self.side0[crossing] - shift, self.side1[crossing] - shift, self.along0[crossing]
        return along0 + (self.along1[crossing] - along0) * (side0 / (side0 - side1)), self.pair[crossing]

    def reach(self, length: Floats) -> Bools:
        """Return which pairs have an edge at the line's end, which is ``length`` metres along it."""
        near = np.flatnonzero((np.minimum(self.side0, self.side1) <= HALF_WIDTH_M) & (np.maximum(self.side0, self.side1) >= -HALF_WIDTH_M))
        pair, side, along = self.pair[near], self.side0[near], self.along0[near] - length[self.pair[near]]
        run, rise = self.along1[near] - self.along0[near], self.side1[near] - side
        share = np.clip(-(along * run + side * rise) / np.maximum(run * run + rise * rise, TINY), 0.0, 1.0)
        at_end = np.zeros(len(length), dtype=bool)
        at_end[pair[np.hypot(along + share * run, side + share * rise) <= HALF_WIDTH_M]] = True
        return at_end


def _stretches(*crossings: tuple[Floats, Longs]) -> tuple[Longs, Floats, Floats]:
    """Return the stretches that are inside after every one of some sets of crossings (at, pair): (pair, enter, leave), ordered."""
    at, pair = (np.concatenate(columns) for columns in zip(*crossings, strict=True))
    order = np.lexsort((at, pair))
    at, pair = at[order], pair[order]
    if len(crossings) == 1:
        return pair[::2], at[::2], at[1::2]
    which = np.repeat(np.arange(len(crossings)), [len(each) for each, _ in crossings])[order]
    # Inside after an odd number of crossings; the count of a pair is even in the end, so that the next one begins outside.
    inside = np.all([np.cumsum(which == number) % 2 == 1 for number in range(len(crossings))], axis=0)
    begin = np.flatnonzero(inside)
    return pair[begin], at[begin], at[begin + 1]


def _corners(table: FootprintTable) -> tuple[Floats, Longs, Bools]:
    """Return the corners of all outlines and holes (degrees), the building of each, and which of them are the last of a ring.

    Most buildings are one ring, which shows in their corners alone: the first comes back once, at the end. Only the others
    are taken to pieces, which is slow.
    """
    shapes = np.asarray(table.geometries, dtype=object)
    coordinates, building = _coordinates(shapes)
    if not len(building):
        return coordinates, building, np.zeros(0, dtype=bool)
    last = np.append(building[1:] != building[:-1], True)
    first = np.flatnonzero(np.append(True, last[:-1]))
    back = (coordinates == np.repeat(coordinates[first], np.diff(first, append=len(building)), axis=0)).all(axis=1)
    one_ring = (np.add.reduceat(back.astype(np.int64), first) == 2) & back[last]
    last[_ring_ends(shapes[building[first[~one_ring]]], first[~one_ring])] = True
    return coordinates, building, last


def _coordinates(shapes: NDArray[Any]) -> tuple[Floats, Longs]:
    """Return the coordinates of shapes with the number of the shape of each, so that no other thread has to wait for all of them."""
    found = [
        (start, *shapely.get_coordinates(shapes[start : start + _AT_ONCE], return_index=True))
        for start in range(0, max(len(shapes), 1), _AT_ONCE)
    ]
    return np.concatenate([part for _, part, _ in found]), np.concatenate([whose + start for start, _, whose in found])


def _ring_ends(shapes: NDArray[Any], first: Longs) -> Longs:
    """Return the numbers of the corners that end the rings of shapes, the corners of each being numbered from ``first`` on."""
    parts, shape = shapely.get_parts(shapes, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    owner = shape[part]
    ends = np.cumsum(shapely.get_num_coordinates(rings))
    before = np.append(0, ends)[np.searchsorted(owner, np.arange(len(shapes)))]
    return np.asarray(first[owner] + ends - before[owner] - 1)


def _roofs(table: FootprintTable) -> Floats:
    heights, floors = (_column(table, name) for name in ("height_m", "floors"))
    return np.where(heights > 0.0, heights, np.where(floors > 0.0, floors * FLOOR_M, np.nan))


def _column(table: FootprintTable, name: str) -> Floats:
    if name not in table.fields:
        return np.full(len(table.ids), np.nan)
    at = table.fields.index(name)
    return np.array([row[at] for row in table.rows], dtype=np.float64)
