"""The second step of the raster: cells that an edge touches are divided again, so that few points are left to ask edges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gisgrid.locator.chunks import gathered, pieces_of
from gisgrid.locator.edges import Edges, Flags, Floats, Ints, Longs
from gisgrid.locator.raster import EDGES_AT_ONCE, OUTSIDE, Frame, Raster, Window, scaled_ends, touched_cells

PER_SIDE = 8
"""Parts along a side of a divided cell."""

NOWHERE, ASKED = 254, 255
"""Values of parts that lie in no area, and of parts in which areas must be asked; less is the place of an area in the cell's list."""

Parts = NDArray[np.uint8]
Masks = NDArray[np.uint64]
"""The parts of cells as bits, row by row from the lowest: 8 by 8 of them are one number."""

_PARTS = PER_SIDE * PER_SIDE
_SHIFT, _WITHIN = 3, PER_SIDE - 1
_MASK = np.dtype("<u8")
_ONE, _ROW = np.uint64(1), np.uint64(PER_SIDE)
_NOT_FIRST, _NOT_LAST = np.uint64(0xFEFEFEFEFEFEFEFE), np.uint64(0x7F7F7F7F7F7F7F7F)
# Lists of cells that are divided in one go: what is made of them stays in the processor's cache.
_LISTS_AT_ONCE = 1 << 13

Ask = Callable[[Floats, Floats, Ints], tuple[Ints, Flags]]
"""Gives the smallest number that covers each point, and whether it is on an edge or in several areas, by their cells' lists."""


def divide(edges: Edges, raster: Raster, window: Window, always_ask: Flags, ask: Ask) -> Parts:
    """Return the values of the parts of all cells that have a list: part p of list k is entry ``k * 64 + p``, row by row.

    ``raster`` has the cells of ``window``.

    A part that no edge touches names its area or none, as a plain cell does, by the same margin; parts that hang
    together without crossing an edge lie in the same areas, so that one point answers for all of them. Areas are named by their
    place in the cell's list, which fits into a byte.
    """
    lists = len(raster.list_first) - 1
    if not lists:
        return np.full(_PARTS, ASKED, np.uint8)
    plain = _untouched_parts(edges, raster, window, always_ask)
    cell_of_list = _cells_of_lists(raster)

    def work(piece: slice) -> Parts:
        """Return the values of the parts of some lists."""
        member, together = _connected(plain[piece])
        part = _lowest(together)
        lon, lat = _middles(raster.frame, window, cell_of_list[piece].take(member), part)
        number, several = ask(lon, lat, (piece.start + member).astype(np.int32))
        place = _places(raster, len(edges.first), piece, member, number)
        # A place beyond what a byte can say is asked for, which is right everywhere.
        value = np.where(several | (place >= NOWHERE), ASKED, np.where(number == OUTSIDE, NOWHERE, place)).astype(np.uint8)
        found = np.full((piece.stop - piece.start) * _PARTS, ASKED, np.uint8)
        which, part = np.divmod(np.flatnonzero(np.unpackbits(together.view(np.uint8), bitorder="little")), _PARTS)
        found[member.take(which) * _PARTS + part] = value.take(which)
        return found

    return np.concatenate(gathered(work, pieces_of(lists, _LISTS_AT_ONCE)))


def _connected(masks: Masks) -> tuple[Longs, Masks]:
    """Return the pieces that hang together across sides of the set parts of each mask: the number of the mask, and the piece."""
    member, left = np.flatnonzero(masks), masks[masks != 0]
    members, pieces = [member[:0]], [left[:0]]
    while member.size:
        piece, before = left & (~left + _ONE), left[:0]
        while not np.array_equal(piece, before):
            before = piece
            beside = (piece & _NOT_LAST) << _ONE | (piece & _NOT_FIRST) >> _ONE
            piece = (piece | beside | piece << _ROW | piece >> _ROW) & left
        members.append(member)
        pieces.append(piece)
        left = left ^ piece
        rest = np.flatnonzero(left)
        member, left = member.take(rest), left.take(rest)
    return np.concatenate(members), np.concatenate(pieces)


def _lowest(masks: Masks) -> Longs:
    """Return the number of the first set part of masks, of which each has one."""
    return np.asarray(np.frexp((masks & (~masks + _ONE)).astype(np.float64))[1] - 1, np.int64)


def _places(raster: Raster, areas: int, piece: slice, member: Longs, number: Ints) -> Longs:
    """Return the place of areas in the lists of their cells, each ``member`` of the ``piece`` of lists; 0 for no area."""
    first = raster.list_first[piece.start : piece.stop + 1]
    # Ascending, for the areas of a list are.
    key = np.repeat(np.arange(len(first) - 1), np.diff(first)) * areas + raster.listed[first[0] : first[-1]]
    place: Longs = np.searchsorted(key, member * areas + number) - (first - first[0]).take(member)
    place[number == OUTSIDE] = 0
    return place


def _untouched_parts(edges: Edges, raster: Raster, window: Window, always_ask: Flags) -> Masks:
    """Return for each list the parts of its cell that no edge touches, a bit each from the lowest on."""
    frame = raster.frame
    parts = Frame(frame.x0, frame.y0, frame.per_x * PER_SIDE, frame.per_y * PER_SIDE, frame.columns * PER_SIDE, frame.rows * PER_SIDE)
    fine = window.divided(PER_SIDE)
    scaled = scaled_ends(edges, parts, fine)
    asked = np.add.reduceat(always_ask[raster.listed].astype(np.int32), raster.list_first[:-1]) > 0
    touched = np.zeros(len(asked) * _PARTS, bool)

    def work(piece: slice) -> None:
        """Flag the parts that some edges touch; several threads may write the same, for none ever takes it back."""
        _, row, column = touched_cells(scaled.part(piece), fine)
        cell_list = -2 - raster.cells.take((row >> _SHIFT) * window.columns + (column >> _SHIFT)).astype(np.int64)
        touched[(cell_list << 2 * _SHIFT) + ((row & _WITHIN) << _SHIFT) + (column & _WITHIN)] = True

    gathered(work, pieces_of(len(edges.x1), EDGES_AT_ONCE // 2))
    masks = ~np.packbits(touched, bitorder="little").view(_MASK)
    masks[asked] = 0
    return masks


def _cells_of_lists(raster: Raster) -> Longs:
    cell_of_list = np.empty(len(raster.list_first) - 1, np.int64)
    divided = np.flatnonzero(raster.cells < OUTSIDE)
    cell_of_list[-2 - raster.cells[divided]] = divided
    return cell_of_list


def _middles(frame: Frame, window: Window, cell: Longs, part: Longs) -> tuple[Any, Any]:
    """Return longitude and latitude of the middles of parts of cells."""
    u = window.column + cell % window.columns + ((part & _WITHIN) + 0.5) / PER_SIDE
    v = window.row + cell // window.columns + ((part >> _SHIFT) + 0.5) / PER_SIDE
    return frame.x0 + u / frame.per_x, frame.y0 + v / frame.per_y
