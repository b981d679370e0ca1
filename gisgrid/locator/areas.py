"""One level of areas in memory: which areas cover a point, one at a time or by the million."""

from __future__ import annotations

import math
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gisgrid.locator.building import AreaState, AreaTable, ask_many, shapes_of, state_of
from gisgrid.locator.chunks import in_pieces
from gisgrid.locator.compiled import COVER, POINTS
from gisgrid.locator.edges import SHORTEST_EDGE_DEG, Flags, Floats, Ints, Longs
from gisgrid.locator.fine import ASKED, NOWHERE, PER_SIDE, Parts
from gisgrid.locator.raster import OUTSIDE
from gisgrid.locator.recut import recut
from gisgrid.locator.replacing import Boxes, each_box
from gisgrid.types import AreaRef

__all__ = ["AreaIndex", "AreaState", "AreaTable", "Covered"]

# Small enough for the half dozen temporaries of a chunk to stay in the processor's cache.
_CHUNK = 1 << 14
_MOST_SAMPLES = 64


class Covered(NamedTuple):
    """The answers for many points: ``number`` of the area (-1: none), and whether the point is on an edge."""

    number: Ints
    on_edge: Flags


class AreaIndex:
    """The areas of one level, numbered in the order of their codes, so that the smallest code is the smallest number."""

    def __init__(self, table: AreaTable) -> None:
        self._take_up(state_of(shapes_of(table)))

    @classmethod
    def from_state(cls, state: AreaState) -> AreaIndex:
        """Return the index whose ``state`` was kept; nothing is computed again, and no array is copied."""
        index = cls.__new__(cls)
        index._take_up(state)
        return index

    def _take_up(self, state: AreaState) -> None:
        """Set every attribute, from nothing but ``state``, so that what is built and what is opened from a file are the same."""
        self.state = state
        self.refs = tuple(map(AreaRef, state.codes, state.names))
        self.parent_codes = state.parent_codes
        self.number_of = {code: number for number, code in enumerate(state.codes)}
        self.edges, self.raster, self.parts, self.boxes = state.edges, state.raster, state.parts, state.boxes
        self._prepare_points()

    def replaced(self, boxes: Boxes, table: AreaTable) -> AreaIndex:
        """Return an index in which the areas that touch ``boxes`` (degrees, WGS 84) give way to those of ``table``.

        The table has every area that now touches one of the boxes, and perhaps others: what the database gives for the same
        boxes, or all areas of the level. An area that is here already under the code of one in the table gives way too.
        All places are answered as by an index of all areas that there are then, at the cost of the ground that is different.
        """
        return AreaIndex.from_state(recut(self.state, each_box(boxes), table))

    def __len__(self) -> int:
        return len(self.refs)

    def _prepare_points(self) -> None:
        """Keep what ``covering`` reads as memory views: an item of one is a Python number, three times as fast to get."""
        raster = self.raster
        self._frame = raster.frame
        self._cells, self._parts = _view(raster.cells), _view(self.parts)
        self._lists = tuple(_view(part) for part in (raster.list_first, raster.listed, raster.slot, raster.slot_first))
        ends = raster.ends
        self._ends = tuple(_view(part) for part in (ends.x1, ends.y1, ends.x2, ends.y2, ends.ring))

    @property
    def farthest_lat(self) -> float:
        """The latitude farthest from the equator, where a degree of longitude is shortest; 0 without areas."""
        ends = np.concatenate([self.edges.y1, [0.0]])
        return float(np.abs(ends).max())

    def inner_points(self) -> tuple[list[float], list[float]]:
        """Return longitude and latitude of a point inside each area; NaN for an area without a shape."""
        lon, lat = self.state.inner
        return lon.tolist(), lat.tolist()

    def cell_value(self, lon: float, lat: float) -> int:
        """Return the number of the area that all of a point's cell lies in, -1 outside all; less where edges must be asked.

        Then -2 - k is returned, with k the cell's list of areas.
        """
        x0, y0, per_x, per_y, columns, rows = self._frame
        u, v = (lon - x0) * per_x, (lat - y0) * per_y
        if not (0.0 <= u < columns and 0.0 <= v < rows):
            return OUTSIDE
        column, row = int(u), int(v)
        value: int = self._cells[row * columns + column]
        if value < OUTSIDE:
            part = self._parts[((-2 - value) * PER_SIDE + int((v - row) * PER_SIDE)) * PER_SIDE + int((u - column) * PER_SIDE)]
            if part < NOWHERE:
                list_first, listed, _, _ = self._lists
                return int(listed[list_first[-2 - value] + part])
            return OUTSIDE if part == NOWHERE else value
        return value

    def covering(self, lon: float, lat: float) -> tuple[tuple[int, ...], bool]:
        """Return the numbers of the areas that cover a point, ascending, and whether it is on an edge.

        On an edge means on the boundary of one of them, or covered by two or more.
        """
        value = self.cell_value(lon, lat)
        if value >= 0:
            return (value,), False
        if value == OUTSIDE:
            return (), False
        list_first, listed, slots, slot_first = self._lists
        found, on_edge = [], False
        for k in range(list_first[-2 - value], list_first[-1 - value]):
            slot = slots[k]
            state = self._ask(slot_first[slot], slot_first[slot + 1], lon, lat)
            if state:
                found.append(listed[k])
                on_edge |= state == 2
        return tuple(found), on_edge or len(found) > 1

    def _ask(self, first: int, end: int, x: float, y: float) -> int:
        """Return 0 when the area of a slot does not cover a point, 1 when it does, 2 when the point is on its boundary.

        Does for one point what ``edges.covers`` does for many, in the same arithmetic.
        """
        xs1, ys1, xs2, ys2, rings = self._ends
        winding: dict[int, int] = {}
        on: set[int] = set()
        for edge in range(first, end):
            y1, y2 = ys1[edge], ys2[edge]
            if not (y1 <= y <= y2 or y2 <= y <= y1):
                continue
            x1, x2 = xs1[edge], xs2[edge]
            dx, dy = x2 - x1, y2 - y1
            if dx * dx + dy * dy < SHORTEST_EDGE_DEG * SHORTEST_EDGE_DEG:
                continue
            side = dx * (y - y1) - (x - x1) * dy
            if side == 0:
                if x1 <= x <= x2 or x2 <= x <= x1:
                    on.add(rings[edge])
            elif (y < y2) if side > 0 else (y < y1):
                winding[rings[edge]] = winding.get(rings[edge], 0) + (1 if side > 0 else -1)
        return self._combine({ring for ring, number in winding.items() if number} - on, on) if on or winding else 0

    def _combine(self, inside: set[int], on: set[int]) -> int:
        """Return what the rings that a point is in, and those that it is on, say of the area."""
        shell, part = self.edges.ring_is_shell, self.edges.ring_part
        if any(shell[ring] for ring in on):
            return 2
        for outer in inside:
            if shell[outer] and not any(not shell[ring] and part[ring] == part[outer] for ring in inside):
                return 2 if any(part[ring] == part[outer] for ring in on) else 1
        return 0

    def covering_many(self, lon: Floats, lat: Floats) -> Covered:
        """Return for arrays of points (any one shape) the smallest number that covers each; NaN gives -1."""
        number, on_edge = np.empty(lon.shape, np.int32), np.zeros(lon.shape, bool)
        x, y, flat_number, flat_edge = _flat(lon), _flat(lat), number.reshape(-1), on_edge.reshape(-1)

        def work(piece: slice) -> None:
            self.cover(x[piece], y[piece], flat_number[piece], flat_edge[piece])

        in_pieces(work, lon.size, parallel=False)
        return Covered(number, on_edge)

    def cover(self, lon: Floats, lat: Floats, number: Ints, on_edge: Flags) -> None:
        """Do for one piece of one-dimensional arrays what ``covering_many`` does, into ``number`` and ``on_edge`` (all False before)."""
        self._values(lon, lat, number)
        fast = POINTS.of(0)
        if fast is not None:
            fast.ask(lon, lat, *self._for_loops[2:], (number, on_edge))
            return
        rows = np.flatnonzero(number < OUTSIDE)
        if rows.size:
            lists = -2 - number.take(rows)
            number[rows], on_edge[rows] = ask_many(self.edges, self.raster, lon.take(rows), lat.take(rows), lists)

    def plain_around_many(self, lon: Floats, lat: Floats, reach_lon: float, reach_lat: float) -> Flags:
        """Return for arrays of points whether all that is within the given degrees of each lies in one area and in no other.

        Says no, to be safe, where an edge is in the same part of a cell, and for reaches of many cells.
        """
        offsets = self._offsets(reach_lon, reach_lat)
        shape, lon, lat = lon.shape, _flat(lon), _flat(lat)
        number, other = np.empty(lon.shape, np.int32), np.empty(lon.shape, np.int32)
        self._values(lon, lat, number)
        plain: Flags = (number >= 0) & bool(offsets)
        for east, north in offsets:
            self._values(lon + east, lat + north, other)
            plain &= other == number
        return plain.reshape(shape)

    def is_clear_many(self, lon: Floats, lat: Floats) -> Flags:
        """Return which of many points are in no area, and on no edge by any arithmetic: all of their part of a cell is in none."""
        value = np.empty(lon.shape, np.int32)
        if lon.size:
            self._values(_flat(lon), _flat(lat), value)
        clear: Flags = value == OUTSIDE
        if POINTS.of(0) is None:
            # NumPy has taken what lies beyond the cells to the outermost ones, whose edges are then asked for nothing.
            frame = self._frame
            u, v = (lon - frame.x0) * frame.per_x, (lat - frame.y0) * frame.per_y
            clear |= ~((u >= 0.0) & (u < frame.columns) & (v >= 0.0) & (v < frame.rows)).reshape(clear.shape)
        return clear

    def _offsets(self, reach_lon: float, reach_lat: float) -> tuple[tuple[float, float], ...]:
        """Return places around a point such that every part of a cell within reach holds one; none if they would be many."""
        frame = self._frame
        across = math.ceil(2.0 * reach_lon * frame.per_x * PER_SIDE) + 1
        up = math.ceil(2.0 * reach_lat * frame.per_y * PER_SIDE) + 1
        if across * up > _MOST_SAMPLES:
            return ()
        return _lattice(reach_lon, reach_lat, across, up)

    def _values(self, lon: Floats, lat: Floats, out: Ints) -> None:
        """Fill ``out`` with what ``cell_value`` returns for each of many points; all are one-dimensional."""
        fast = POINTS.of(lon.size // COVER)
        if fast is not None:
            fast.values(lon, lat, *self._for_loops[:2], out)
            return
        for start in range(0, lon.size, _CHUNK):
            part = slice(start, start + _CHUNK)
            self._values_of_chunk(lon[part], lat[part], out[part])

    @cached_property
    def _for_loops(self) -> tuple[tuple[Any, ...], ...]:
        """The frame, the raster, the lists of its cells, and the edges, as ``kernels`` takes them."""
        raster, edges = self.raster, self.edges
        cells = raster.cells, self.parts, raster.list_first, raster.listed, PER_SIDE, NOWHERE, ASKED
        ends = (*raster.ends[:4], raster.ends.ring, edges.ring_part, edges.ring_is_shell, SHORTEST_EDGE_DEG)
        return tuple(raster.frame), cells, (raster.list_first, raster.listed, raster.slot, raster.slot_first), ends

    def _values_of_chunk(self, lon: Floats, lat: Floats, out: Ints) -> None:
        frame = self._frame
        u, v = _along(lon, frame.x0, frame.per_x, frame.columns), _along(lat, frame.y0, frame.per_y, frame.rows)
        column, row = u.astype(np.int32), v.astype(np.int32)
        flat = row * np.int32(frame.columns)
        flat += column
        self.raster.cells.take(flat, out=out, mode="clip")
        divided = np.flatnonzero(out < OUTSIDE)
        if divided.size:
            in_x = ((u.take(divided) - column.take(divided)) * PER_SIDE).astype(np.int32)
            in_y = ((v.take(divided) - row.take(divided)) * PER_SIDE).astype(np.int32)
            value = out.take(divided)
            lists = -2 - value
            out[divided] = self._in_parts(value, lists, self.parts.take((lists * PER_SIDE + in_y) * PER_SIDE + in_x, mode="clip"))

    def _in_parts(self, value: Ints, lists: Ints, part: Parts) -> Ints:
        """Return the numbers of the areas that parts of cells name; -1 for none, the cell's ``value`` where areas must be asked."""
        place = self.raster.list_first.take(lists, mode="clip")
        place += part
        number = self.raster.listed.take(place, mode="clip")
        number[part == NOWHERE] = OUTSIDE
        asked = part == ASKED
        number[asked] = value[asked]
        return number

    def within_box(self, lon: float, lat: float, reach_lon: float, reach_lat: float) -> Longs:
        """Return the numbers of the areas whose box comes within the given degrees of a point."""
        west, south, east, north = self.boxes
        near = (west <= lon + reach_lon) & (east >= lon - reach_lon) & (south <= lat + reach_lat) & (north >= lat - reach_lat)
        return np.flatnonzero(near)


@lru_cache(maxsize=64)
def _lattice(reach_lon: float, reach_lat: float, across: int, up: int) -> tuple[tuple[float, float], ...]:
    """Return a lattice of offsets that fills the box of the given reach; the middle alone for no reach."""
    east = np.linspace(-reach_lon, reach_lon, across).tolist() if across > 1 else [0.0]
    north = np.linspace(-reach_lat, reach_lat, up).tolist() if up > 1 else [0.0]
    return tuple((x, y) for x in east for y in north)


def _view(array: NDArray[Any]) -> Any:
    return array.data


def _flat(values: Floats) -> Floats:
    """Return an array in one dimension and one piece, as the compiled loops take it; a column of a table is neither."""
    return np.ascontiguousarray(values, np.float64).reshape(-1)


def _along(value: Floats, origin: float, per_unit: float, count: int) -> Floats:
    """Return columns or rows of coordinates with their fractions; what lies beyond, and NaN, goes to the outermost cells."""
    cell = np.subtract(value, origin)
    np.multiply(cell, per_unit, out=cell)
    # Said so that NaN does not pass: looking is cheaper than moving what need not be moved.
    if not (cell.min() >= 0.0 and cell.max() < count):
        np.fmax(cell, 0.0, out=cell)
        np.fmin(cell, count - 0.5, out=cell)
    return cell
