"""A raster of area numbers: most points are answered by the cell they fall in, the others ask a few edges.

The raster is conservative by construction. A cell is *plain* only if no edge of any area comes nearer to it than a millionth
of a cell: then every point of it lies in the same areas, and one number answers for all of them. Three roundings could
spoil that, and each is smaller than the margin: a point's cell is computed to about 1e-9 of a cell, an edge's crossing
of a row to about 1e-10, and the sign that PostGIS computes is wrong only within about 1e-14 degrees of the edge's line,
some 1e-9 of a cell. All other cells list the areas that may cover a point in them, and for each area and row of
cells the edges that pass through that row, which are all that point in polygon needs.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from gisgrid.locator.chunks import gathered, pieces_of
from gisgrid.locator.edges import Edges, Ends, Flags, Floats, Ints, Longs, expand

OUTSIDE = -1
"""The value of a cell that no area touches; lower values ``v`` name list ``-2 - v`` of areas to ask."""

_PAD = 1e-6
_CELLS_PER_AREA, _FEWEST_CELLS, _MOST_CELLS = 1024, 1 << 14, 1 << 24
_LONGEST_SIDE = 32_000
EDGES_AT_ONCE = 1 << 13
"""Edges whose cells are looked for in one go: as many as leave what is made of them in the processor's cache."""

# Areas whose runs of cells are looked for in one go, for the same reason.
_AREAS_AT_ONCE = 256
_NONE = np.empty(0, np.int64)


class Frame(NamedTuple):
    """Where the cells are: column ``(lon - x0) * per_x``, row ``(lat - y0) * per_y``; ``columns`` and ``rows`` of them.

    The outermost ring of cells is outside every area, so that a position beyond the raster can be moved into it.
    """

    x0: float
    y0: float
    per_x: float
    per_y: float
    columns: int
    rows: int


class Window(NamedTuple):
    """Some of the cells of a frame: ``columns`` by ``rows`` of them from column ``column`` and row ``row`` on."""

    column: int
    row: int
    columns: int
    rows: int

    def divided(self, per_side: int) -> Window:
        """Return the same ground in cells of which so many make a side of one."""
        return Window(*(per_side * part for part in self))


class Raster(NamedTuple):
    """The cells, row by row from the south-west, and what the cells that are not plain ask.

    List k of areas is ``listed[list_first[k]:list_first[k + 1]]``, ascending; ``slot`` goes with ``listed`` and names the
    area's edges in the cell's row: ``ends[slot_first[s]:slot_first[s + 1]]``, those of one ring together.
    """

    frame: Frame
    cells: Ints
    list_first: Longs
    listed: Ints
    slot: Ints
    slot_first: Longs
    ends: Ends


def frame_for(edges: Edges, areas: int, cells_per_area: int = _CELLS_PER_AREA) -> Frame:
    """Return a frame of square cells (on the ground) around all edges, their number in proportion to the number of areas."""
    if not len(edges.x1):
        return Frame(0.0, 0.0, 1.0, 1.0, 1, 1)
    west, east = float(edges.x1.min()), float(edges.x1.max())
    south, north = float(edges.y1.min()), float(edges.y1.max())
    squeeze = max(math.cos(math.radians((south + north) / 2.0)), 0.01)
    width, height = max((east - west) * squeeze, 1e-7), max(north - south, 1e-7)
    cells = min(max(cells_per_area * areas, _FEWEST_CELLS), _MOST_CELLS)
    side = max(math.sqrt(width * height / cells), max(width, height) / _LONGEST_SIDE)
    columns, rows = math.ceil(width / side) + 3, math.ceil(height / side) + 3
    return Frame(west - 1.5 * side / squeeze, south - 1.5 * side, squeeze / side, 1.0 / side, columns, rows)


def whole(frame: Frame) -> Window:
    """Return the window of all cells of a frame."""
    return Window(0, 0, frame.columns, frame.rows)


def build_raster(edges: Edges, always_ask: Flags, frame: Frame, window: Window) -> Raster:
    """Return the raster of areas given by their edges; areas flagged in ``always_ask`` leave no cell of their box plain.

    It has the cells of ``window`` alone, row by row, and what these ask. Every area that comes into the window must be given.
    """
    areas = len(edges.first) - 1
    scaled = scaled_ends(edges, frame, window)
    edge, row = _rows_of_edges(scaled, window)
    touched = _touched(edges, scaled, window)
    boxes = _boxes(edges, scaled, window, always_ask)
    count, total, spans = _spans(edges, window, scaled)
    special = count > 1
    special[touched // max(areas, 1)] = True
    special[boxes // max(areas, 1)] = True
    pairs = distinct(np.concatenate([touched, boxes, _spans_over(spans, np.flatnonzero(special), areas)]))
    cells = np.where(count == 1, total, OUTSIDE).astype(np.int32)
    cells[special] = OUTSIDE
    cell_of_pair, listed = np.divmod(pairs, max(areas, 1))
    list_first = np.flatnonzero(np.diff(cell_of_pair, prepend=-1))
    cells[cell_of_pair[list_first]] = -2 - np.arange(len(list_first), dtype=np.int32)
    key, edge = _edges_by_row(edges, edge, row, window)
    slot, slot_first = _slots(key, listed * window.rows + cell_of_pair // window.columns)
    x1, y1, x2, y2 = (part[edge] for part in edges[:4])
    ends = Ends(x1, y1, x2, y2, np.minimum(y1, y2), np.maximum(y1, y2), edges.ring[edge])
    return Raster(frame, cells, np.append(list_first, len(pairs)), listed.astype(np.int32), slot, slot_first, ends)


def _touched(edges: Edges, scaled: Scaled, window: Window) -> Longs:
    """Return ``cell * areas + area`` for all cells that edges touch, ascending, each once."""
    areas = len(edges.first) - 1

    def work(piece: slice) -> Longs:
        edge, row, column = touched_cells(scaled.part(piece), window)
        return (row * window.columns + column) * areas + edges.area[piece].take(edge)

    return distinct(np.concatenate([_NONE, *gathered(work, pieces_of(len(scaled.u1), EDGES_AT_ONCE))]))


def distinct(values: Longs) -> Longs:
    """Return the values in order, once each (three times as fast here as ``numpy.unique``, which hashes)."""
    ordered = np.sort(values)
    return ordered[np.flatnonzero(np.diff(ordered, prepend=-1))]


def _slots(key: Longs, wanted: Longs) -> tuple[Ints, Longs]:
    """Return where the runs of equal ``key`` begin, and for each wanted key its run.

    An area that is listed in a row through which none of its edges pass gets the run at the end, which has no edges.
    """
    first = np.flatnonzero(np.diff(key, prepend=-1))
    slots = key[first]
    slot = np.searchsorted(slots, wanted)
    if len(slots):
        slot[slots.take(slot, mode="clip") != wanted] = len(slots)
    return slot.astype(np.int32), np.concatenate([first, [len(key)] * 2])


class Scaled(NamedTuple):
    """The ends of the edges in units of cells, from the corner of the window.

    Whole numbers of cells are taken off, so that these are to the last bit the cells of the frame.
    """

    u1: Floats
    v1: Floats
    u2: Floats
    v2: Floats

    def part(self, piece: slice) -> Scaled:
        """Return those of some edges."""
        return Scaled(*(ends[piece] for ends in self))


def scaled_ends(edges: Edges, frame: Frame, window: Window) -> Scaled:
    """Return the ends of edges in the cells of a window."""
    return Scaled(
        (edges.x1 - frame.x0) * frame.per_x - window.column,
        (edges.y1 - frame.y0) * frame.per_y - window.row,
        (edges.x2 - frame.x0) * frame.per_x - window.column,
        (edges.y2 - frame.y0) * frame.per_y - window.row,
    )


def _rows_of_edges(scaled: Scaled, window: Window) -> tuple[Longs, Longs]:
    """Return pairs of an edge and a row of the window that it comes within the margin of."""
    low, high = np.minimum(scaled.v1, scaled.v2) - _PAD, np.maximum(scaled.v1, scaled.v2) + _PAD
    return _members_within(low, high, window.rows)


def _members_within(low: Floats, high: Floats, count: int) -> tuple[Longs, Longs]:
    """Return the whole numbers from 0 to below ``count`` that ranges go over, and the range of each."""
    first = np.maximum(np.floor(low).astype(np.int64), 0)
    last = np.minimum(np.floor(high).astype(np.int64), count - 1)
    return expand(first, np.maximum(last - first + 1, 0))


def touched_cells(scaled: Scaled, window: Window) -> tuple[Longs, Longs, Longs]:
    """Return edge, row and column of every cell of a window that an edge comes within the margin of, each once for an edge and a row."""
    edge, row = _rows_of_edges(scaled, window)
    u1, v1, u2, v2 = (part.take(edge) for part in scaled)
    run, rise = u2 - u1, v2 - v1
    # An edge that hardly rises is in its rows with all its length.
    flat = np.abs(rise) <= _PAD
    with np.errstate(divide="ignore", invalid="ignore"):
        enter, leave = (row - (_PAD + v1)) / rise, (row + (1 + _PAD - v1)) / rise
    enter[flat], leave[flat] = 0.0, 1.0
    at_enter, at_leave = u1 + np.clip(enter, 0.0, 1.0) * run, u1 + np.clip(leave, 0.0, 1.0) * run
    owner, column = _members_within(np.minimum(at_enter, at_leave) - _PAD, np.maximum(at_enter, at_leave) + _PAD, window.columns)
    return edge.take(owner), row.take(owner), column


def _boxes(edges: Edges, scaled: Scaled, window: Window, always_ask: Flags) -> Longs:
    """Return ``cell * areas + area`` for all cells of the boxes of the areas that must always be asked."""
    areas = len(always_ask)
    found = [np.empty(0, np.int64)]
    for area in np.flatnonzero(always_ask & (np.diff(edges.first) > 0)):
        part = slice(edges.first[area], edges.first[area + 1])
        columns, rows = np.floor(scaled.u1[part]).astype(np.int64), np.floor(scaled.v1[part]).astype(np.int64)
        across, up = np.meshgrid(
            np.arange(max(columns.min() - 1, 0), min(columns.max() + 2, window.columns)),
            np.arange(max(rows.min() - 1, 0), min(rows.max() + 2, window.rows)),
        )
        found.append(((up * window.columns + across) * areas + area).ravel())
    return np.concatenate(found)


class _Spans(NamedTuple):
    """Runs of cells, ``start`` to before ``end`` in the flat raster, whose middles lie in ``area``."""

    area: Longs
    start: Longs
    end: Longs


def _spans(edges: Edges, window: Window, scaled: Scaled) -> tuple[Longs, Longs, _Spans]:
    """Return for each cell how many areas hold its middle and the sum of their numbers, and the runs themselves.

    The cells in which a run begins and ends are touched by an edge, and are left out; so a plain cell is in a run exactly
    when it lies in the area.
    """
    pieces = gathered(lambda piece: _spans_of(edges, window, scaled, piece), pieces_of(len(edges.first) - 1, _AREAS_AT_ONCE))
    spans = _Spans(*(np.concatenate([_NONE, *parts]) for parts in zip(*pieces, strict=True))) if pieces else _Spans(_NONE, _NONE, _NONE)
    size = window.columns * window.rows + 1
    count = np.bincount(spans.start, minlength=size) - np.bincount(spans.end, minlength=size)
    total = np.bincount(spans.start, spans.area, size) - np.bincount(spans.end, spans.area, size)
    return np.cumsum(count)[:-1], np.cumsum(total.astype(np.int64))[:-1], spans


def _spans_of(edges: Edges, window: Window, scaled: Scaled, areas: slice) -> _Spans:
    """Return the runs of some areas."""
    part = slice(int(edges.first[areas.start]), int(edges.first[areas.stop]))
    u1, v1, u2, v2 = scaled.part(part)
    first = np.clip(np.ceil(np.minimum(v1, v2) - 0.5).astype(np.int64), 0, window.rows)
    last = np.clip(np.ceil(np.maximum(v1, v2) - 0.5).astype(np.int64), 0, window.rows)
    edge, row = expand(first, last - first)
    share = (row + 0.5 - v1.take(edge)) / (v2 - v1).take(edge)
    crossing = u1.take(edge) + share * (u2 - u1).take(edge)
    area = edges.area[part].take(edge).astype(np.int64)
    order = np.lexsort((crossing, area * window.rows + row))
    area, row, column = area[order][::2], row[order][::2], np.floor(crossing[order]).astype(np.int64)
    start, end = (np.clip(side, 0, window.columns) + row * window.columns for side in (column[::2] + 1, column[1::2]))
    spans = _Spans(area, start, end)
    return _Spans(*(side[end > start] for side in spans))


def _spans_over(spans: _Spans, special: Longs, areas: int) -> Longs:
    """Return ``cell * areas + area`` for the ``special`` cells (ascending) that runs go over."""
    low, high = np.searchsorted(special, spans.start), np.searchsorted(special, spans.end)
    owner, member = expand(low, high - low)
    return special[member] * areas + spans.area[owner]


def _edges_by_row(edges: Edges, edge: Longs, row: Longs, window: Window) -> tuple[Longs, Longs]:
    """Return ``area * rows + row``, ascending, and the edge, for pairs of an edge and a row; the edges of a ring together."""
    key = edges.area[edge].astype(np.int64) * window.rows + row
    # Stable, and the pairs come in the order of edges, which is that of the rings.
    order = np.argsort(key, kind="stable")
    return key[order], edge[order]
