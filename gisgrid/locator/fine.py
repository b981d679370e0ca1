"""The second step of the raster: cells that an edge touches are divided again, so that few points are left to ask edges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gisgrid.locator.edges import Edges, Flags, Floats, Ints, Longs
from gisgrid.locator.raster import OUTSIDE, Frame, Raster, Window, touched_cells

PER_SIDE = 8
"""Parts along a side of a divided cell."""

NOWHERE, ASKED = 254, 255
"""Values of parts that lie in no area, and of parts in which areas must be asked; less is the place of an area in the cell's list."""

Parts = NDArray[np.uint8]

_PARTS = PER_SIDE * PER_SIDE
# Parts of one cell are neighbours across their sides; the cells themselves (the first axis) are not connected.
_NEIGHBOURS = np.array([[[0, 0, 0]] * 3, [[0, 1, 0], [1, 1, 1], [0, 1, 0]], [[0, 0, 0]] * 3])

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
    plain = ~_touched_parts(edges, raster, window, always_ask)
    # Brings half of SciPy: whoever opens a file of a locator need not wait for it.
    from scipy import ndimage  # noqa: PLC0415

    labels, count = ndimage.label(plain.reshape(lists, PER_SIDE, PER_SIDE), structure=_NEIGHBOURS, output=np.int32)
    labels = labels.reshape(-1)
    inside = np.flatnonzero(labels)
    member = np.zeros(count + 1, np.int64)
    member[labels[inside]] = inside
    lon, lat = _middles(raster, window, member[1:])
    cell_list = member[1:] // _PARTS
    number, several = ask(lon, lat, cell_list.astype(np.int32))
    place = _places(raster, len(edges.first), cell_list, number)
    value = np.full(count + 1, ASKED, np.uint8)
    # A place beyond what a byte can say is asked for, which is right everywhere.
    value[1:] = np.where(several | (place >= NOWHERE), ASKED, np.where(number == OUTSIDE, NOWHERE, place))
    return np.asarray(value[labels])


def _places(raster: Raster, areas: int, cell_list: Longs, number: Ints) -> Longs:
    """Return the place of areas in the lists of their cells; 0 for no area."""
    first = raster.list_first
    # Ascending, for the areas of a list are.
    key = np.repeat(np.arange(len(first) - 1), np.diff(first)) * areas + raster.listed
    place: Longs = np.searchsorted(key, cell_list * areas + number) - first[cell_list]
    place[number == OUTSIDE] = 0
    return place


def _touched_parts(edges: Edges, raster: Raster, window: Window, always_ask: Flags) -> Flags:
    frame = raster.frame
    parts = Frame(frame.x0, frame.y0, frame.per_x * PER_SIDE, frame.per_y * PER_SIDE, frame.columns * PER_SIDE, frame.rows * PER_SIDE)
    _, row, column = touched_cells(edges, parts, window.divided(PER_SIDE))
    cell = (row // PER_SIDE) * window.columns + column // PER_SIDE
    lists = len(raster.list_first) - 1
    touched = np.zeros((lists, _PARTS), bool)
    touched[-2 - raster.cells[cell], (row % PER_SIDE) * PER_SIDE + column % PER_SIDE] = True
    asked = np.add.reduceat(always_ask[raster.listed].astype(np.int32), raster.list_first[:-1]) > 0
    touched[asked] = True
    return touched


def _middles(raster: Raster, window: Window, member: Longs) -> tuple[Any, Any]:
    """Return longitude and latitude of the middles of parts."""
    frame = raster.frame
    cell_of_list = np.empty(len(raster.list_first) - 1, np.int64)
    divided = np.flatnonzero(raster.cells < OUTSIDE)
    cell_of_list[-2 - raster.cells[divided]] = divided
    cell, part = cell_of_list[member // _PARTS], member % _PARTS
    u = window.column + cell % window.columns + (part % PER_SIDE + 0.5) / PER_SIDE
    v = window.row + cell // window.columns + (part // PER_SIDE + 0.5) / PER_SIDE
    return frame.x0 + u / frame.per_x, frame.y0 + v / frame.per_y
