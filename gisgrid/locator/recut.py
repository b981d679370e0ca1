"""An index after an edit: the ground that is different is built anew, everything else is taken over.

Only cells that an area of before or after the edit comes near can be different, where its shape is not the same in both: their windows
are rastered as the whole raster is, by the same code and to the same bit of every cell, from all areas that come into them. The cells
of a window then name lists, slots and edges that are put at the end of those of before; what nothing names any more stays
until it is half of all, when the raster is built anew as a whole. Numbers of areas and rings move up or down as codes
come and go, which is a look-up for each cell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from gisgrid.locator.building import AreaBoxes, AreaState, AreaTable, Shapes, boxes_of, rastered, shapes_of, state_of
from gisgrid.locator.edges import Edges, Ends, Flags, Ints, Longs, expand, same_shapes, some
from gisgrid.locator.fine import PER_SIDE, Parts
from gisgrid.locator.raster import OUTSIDE, Frame, Raster, Window
from gisgrid.types import Bounds

_MARGIN_CELLS = 2
_MOST_GROUND = 0.35
_MOST_WINDOWS = 64
_PAD = 1e-6

Name = TypeVar("Name")


class _Merged(NamedTuple):
    """The areas after an edit; ``number`` and ``ring`` lead from those of before, -1 where they are gone, ``is_new`` flags other shapes."""

    shapes: Shapes
    number: Ints
    ring: Ints
    is_new: Flags


def recut(before: AreaState, boxes: Sequence[Bounds], table: AreaTable) -> AreaState:
    """Return the index in which the areas that touch ``boxes`` give way to those of ``table``; see ``AreaIndex.replaced``."""
    merged = _merge(before, boxes, shapes_of(table))
    after, shapes = boxes_of(merged.shapes.edges), merged.shapes
    frame, gone = before.raster.frame, merged.number < 0
    ground = [np.concatenate([old[gone], new[merged.is_new]]) for old, new in zip(before.boxes, after, strict=True)]
    windows = _windows(frame, (ground[0], ground[1], ground[2], ground[3]))
    if windows is None:
        return state_of(shapes)
    raster, parts = _renumbered(before, merged)
    for window in windows:
        raster, parts = _with_window(raster, parts, shapes, after, window)
    if 2 * int((raster.cells < OUTSIDE).sum()) < len(raster.list_first) - 1:
        return state_of(shapes)
    names = shapes.codes, shapes.names, shapes.parent_codes
    return AreaState(*names, shapes.edges, raster, parts, after, shapes.inner, shapes.strange)


def _merge(before: AreaState, boxes: Sequence[Bounds], new: Shapes) -> _Merged:
    number_of = {code: number for number, code in enumerate(before.codes)}
    kept = ~_touched(before.boxes, boxes)
    again = np.array([number_of.get(code, -1) for code in new.codes], dtype=np.int64)
    known = np.flatnonzero(again >= 0)
    kept[again[known]] = False
    stays = same_shapes(before.edges, again[known], new.edges, known) & (before.strange[again[known]] == new.strange[known])
    origin = len(before.codes) + np.arange(len(new.codes))
    origin[known[stays]] = again[known[stays]]
    # Names come from where a code is read last, shapes from where they are for the longest time.
    old = np.flatnonzero(kept)
    codes = [*(before.codes[i] for i in old.tolist()), *new.codes]
    order = sorted(range(len(codes)), key=codes.__getitem__)
    source, shape = np.concatenate([old, len(before.codes) + np.arange(len(new.codes))])[order], np.concatenate([old, origin])[order]
    edges, ring = _pick(before.edges, new.edges, shape)
    lon, lat = (np.concatenate([one, other])[shape] for one, other in zip(before.inner, new.inner, strict=True))
    shapes = Shapes(
        tuple(codes[i] for i in order),
        _pick_names(before.names, new.names, source),
        _pick_names(before.parent_codes, new.parent_codes, source),
        edges,
        (lon, lat),
        np.concatenate([before.strange, new.strange])[shape],
    )
    number = np.full(len(before.codes), -1, np.int32)
    from_before = np.flatnonzero(shape < len(before.codes))
    number[shape[from_before]] = from_before
    return _Merged(shapes, number, ring, shape >= len(before.codes))


def _touched(areas: AreaBoxes, boxes: Sequence[Bounds]) -> Flags:
    west, south, east, north = areas
    touched = np.zeros(len(west), bool)
    for box in boxes:
        touched |= (west <= box.east) & (east >= box.west) & (south <= box.north) & (north >= box.south)
    return touched


def _pick_names(old: tuple[Name, ...], new: tuple[Name, ...], source: Longs) -> tuple[Name, ...]:
    both = (*old, *new)
    return tuple(both[i] for i in source.tolist())


def _pick(old: Edges, new: Edges, areas: Longs) -> tuple[Edges, Ints]:
    """Return the edges of some areas of two tables, those of the second one numbered on, and where the rings of the first are then."""
    rings = len(old.ring_part)
    first = np.concatenate([old.first[:-1], new.first[:-1] + len(old.x1)])[areas]
    count = np.concatenate([np.diff(old.first), np.diff(new.first)])[areas]
    owner, edge = expand(first, count)
    x1, y1, x2, y2 = (np.concatenate([old[part], new[part]]).take(edge) for part in range(4))
    picked = np.concatenate([old.ring, new.ring + np.int32(rings)]).take(edge)
    is_head = np.diff(picked, prepend=-1) != 0
    heads = picked[is_head]
    is_shell = np.concatenate([old.ring_is_shell, new.ring_is_shell])[heads]
    where = np.full(rings + len(new.ring_part), -1, np.int32)
    where[heads] = np.arange(len(heads))
    ring = (np.cumsum(is_head) - 1).astype(np.int32)
    edge_first = np.concatenate([[0], np.cumsum(count)])
    return Edges(x1, y1, x2, y2, ring, owner.astype(np.int32), edge_first, (np.cumsum(is_shell) - 1).astype(np.int32), is_shell), where[
        :rings
    ]


def _windows(frame: Frame, ground: AreaBoxes) -> list[Window] | None:
    """Return windows that hold all cells that boxes of areas come near; None when it is better to build all of the raster."""
    filled = ground[0] <= ground[2]
    west, south, east, north = (part[filled] for part in ground)
    low = [(west - frame.x0) * frame.per_x - _PAD, (south - frame.y0) * frame.per_y - _PAD]
    high = [(east - frame.x0) * frame.per_x + _PAD, (north - frame.y0) * frame.per_y + _PAD]
    sizes = (frame.columns, frame.rows)
    # The outermost cells stay outside all areas.
    if any(len(part) and not (part.min() >= 1.0 and end.max() < size - 1) for part, end, size in zip(low, high, sizes, strict=True)):
        return None
    rectangles = [
        (
            math.floor(x1) - _MARGIN_CELLS,
            math.floor(y1) - _MARGIN_CELLS,
            math.floor(x2) + _MARGIN_CELLS + 1,
            math.floor(y2) + _MARGIN_CELLS + 1,
        )
        for x1, y1, x2, y2 in zip(low[0].tolist(), low[1].tolist(), high[0].tolist(), high[1].tolist(), strict=True)
    ]
    if len(rectangles) > _MOST_WINDOWS:
        return None
    windows = [
        Window(max(x1, 0), max(y1, 0), min(x2, frame.columns) - max(x1, 0), min(y2, frame.rows) - max(y1, 0))
        for x1, y1, x2, y2 in _apart(rectangles)
    ]
    cells = sum(window.columns * window.rows for window in windows)
    return windows if cells <= _MOST_GROUND * frame.columns * frame.rows else None


_Rectangle = tuple[int, int, int, int]


def _apart(rectangles: list[_Rectangle]) -> list[_Rectangle]:
    """Return rectangles that hold the given ones and do not overlap."""
    done: list[_Rectangle] = []
    for rectangle in rectangles:
        now = rectangle
        while True:
            meeting = [one for one in done if one[0] < now[2] and now[0] < one[2] and one[1] < now[3] and now[1] < one[3]]
            if not meeting:
                break
            done = [one for one in done if one not in meeting]
            both = (now, *meeting)
            now = (min(r[0] for r in both), min(r[1] for r in both), max(r[2] for r in both), max(r[3] for r in both))
        done.append(now)
    return done


def _renumbered(before: AreaState, merged: _Merged) -> tuple[Raster, Parts]:
    """Return raster and parts of before with the numbers that areas and rings have now; the cells are a copy.

    Parts name areas by their places in lists, which stay.
    """
    raster, lists = before.raster, len(before.raster.list_first) - 1
    cells, parts, listed = raster.cells, before.parts[: lists * PER_SIDE * PER_SIDE], raster.listed
    # What is gone is named in windows alone, which are made anew, and in lists that nothing names any more.
    if ((merged.number == np.arange(len(merged.number))) | (merged.number < 0)).all():
        cells = cells.copy()
    else:
        cells = _moved(cells, merged.number)
        # Lists that nothing names any more may hold numbers of long ago: any will do there.
        listed = merged.number.take(listed, mode="clip")
    ring = merged.ring.take(raster.ends.ring)
    return raster._replace(cells=cells, listed=listed, ends=raster.ends._replace(ring=ring)), parts


def _moved(values: Ints, number: Ints) -> Ints:
    if not len(number):
        return values.copy()
    moved: Ints = np.where(values >= 0, number.take(values, mode="clip"), values)
    return moved


def _with_window(raster: Raster, parts: Parts, shapes: Shapes, boxes: AreaBoxes, window: Window) -> tuple[Raster, Parts]:
    """Return raster and parts with the cells of a window made anew; writes into ``raster.cells``."""
    frame = raster.frame
    chosen = np.flatnonzero(_in_window(frame, boxes, window)).astype(np.int32)
    fresh, fresh_parts = rastered(some(shapes.edges, chosen), shapes.strange[chosen], frame, window)
    lists = len(fresh.list_first) - 1
    cells = raster.cells.reshape(frame.rows, frame.columns)
    part = cells[window.row : window.row + window.rows, window.column : window.column + window.columns]
    named = np.where(fresh.cells < OUTSIDE, fresh.cells - np.int32(len(raster.list_first) - 1), _moved(fresh.cells, chosen))
    part[...] = named.reshape(window.rows, window.columns)
    ends = Ends(*(np.concatenate([old, new]) for old, new in zip(raster.ends, fresh.ends, strict=True)))
    joined = Raster(
        frame,
        raster.cells,
        np.concatenate([raster.list_first, fresh.list_first[1:] + raster.list_first[-1]]),
        np.concatenate([raster.listed, chosen.take(fresh.listed)]),
        np.concatenate([raster.slot, fresh.slot + np.int32(len(raster.slot_first) - 1)]),
        np.concatenate([raster.slot_first, fresh.slot_first[1:] + raster.slot_first[-1]]),
        ends,
    )
    return joined, np.concatenate([parts, fresh_parts[: lists * PER_SIDE * PER_SIDE]])


def _in_window(frame: Frame, boxes: AreaBoxes, window: Window) -> Flags:
    """Return the areas whose box comes into a window."""
    west, south, east, north = boxes
    inside: Flags = ((west - frame.x0) * frame.per_x <= window.column + window.columns + 1) & (
        (east - frame.x0) * frame.per_x >= window.column - 1
    )
    inside &= ((south - frame.y0) * frame.per_y <= window.row + window.rows + 1) & ((north - frame.y0) * frame.per_y >= window.row - 1)
    return inside
