"""The loops that long arrays spend their time in, compiled by Numba. Only ``compiled`` imports this: it takes a second.

They do what ``AreaIndex._values``, ``building.ask_many`` and ``rounds`` do with NumPy, the same operations in the same order, and
give the same bits: without ``fastmath`` nothing is reordered, and no product is fused with a sum. The code is kept until this file
changes, so what may change elsewhere comes as an argument; constants of the Earth do not.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import uint64

from gisgrid.locator.compiling import (
    BYTES,
    FLAGGED,
    FLAGS,
    FLOATS,
    INTS,
    LONGS,
    METRES,
    NUMBER,
    NUMBERS,
    WHOLE,
    compiled,
    function,
    helper,
    together,
)
from gisgrid.locator.ground import DEG, PER_LAT, PER_LON, WGS84_E2


@compiled(
    *(FLOATS, FLOATS, together([*[NUMBER] * 4, WHOLE, WHOLE])),
    *(together([INTS, BYTES, LONGS, INTS, WHOLE, WHOLE, WHOLE]), NUMBERS),
)
def values(lon: Any, lat: Any, frame: Any, raster: Any, out: Any) -> None:
    """Fill ``out`` with the number of the area that each point's cell or part of it lies in, -1, or the cell's value where edges decide."""
    x0, y0, per_x, per_y, columns, rows = frame
    cells, parts, first, listed, per_side, nowhere, asked = raster
    for i in range(len(lon)):
        u, v = (lon[i] - x0) * per_x, (lat[i] - y0) * per_y
        value = -1
        # Said so that NaN is outside.
        if u >= 0.0 and u < columns and v >= 0.0 and v < rows:
            column, row = int(u), int(v)
            value = cells[row * columns + column]
            if value < -1:
                part = parts[((-2 - value) * per_side + int((v - row) * per_side)) * per_side + int((u - column) * per_side)]
                if part < nowhere:
                    value = listed[first[-2 - value] + part]
                elif part != asked:
                    value = -1
        out[i] = value


@helper
def _says(is_shell: bool, winding: int, is_on: bool) -> int:
    """Return what a ring says of a point, in bits: within it or on it, and that of a hole times four."""
    bit = 2 if is_on else 1 if winding != 0 else 0
    return bit if is_shell else 4 * bit


@helper
def _joined(bits: int) -> int:
    """Return what all rings of a polygon say together: 0 not covered, 1 covered, 2 on the boundary; as ``edges.covers``."""
    if bits & 2 or bits & 13 == 9:
        return 2
    return 1 if bits == 1 else 0


@function
def _state(start: int, end: int, x: float, y: float, ends: Any) -> int:
    """Return for a point and the edges of an area in its row what ``_joined`` does; the edges of one ring together."""
    x1, y1, x2, y2, rings, part_of, shells, short = ends
    state, bits, part, ring, winding, is_on = 0, 0, -1, -1, 0, False
    for k in range(start, end):
        if not (y1[k] <= y <= y2[k] or y2[k] <= y <= y1[k]):
            continue
        if rings[k] != ring:
            if ring >= 0:
                bits |= _says(shells[ring], winding, is_on)
            ring, winding, is_on = rings[k], 0, False
            if part_of[ring] != part:
                state, bits, part = max(state, _joined(bits)), 0, part_of[ring]
        dx, dy = x2[k] - x1[k], y2[k] - y1[k]
        side = dx * (y - y1[k]) - (x - x1[k]) * dy
        if dx * dx + dy * dy >= short * short:
            winding += (side > 0.0 and y < y2[k]) - (side < 0.0 and y < y1[k])
            is_on |= side == 0.0 and (x1[k] <= x <= x2[k] or x2[k] <= x <= x1[k])
    if ring >= 0:
        bits |= _says(shells[ring], winding, is_on)
    joined: int = max(state, _joined(bits))
    return joined


@compiled(
    *(FLOATS, FLOATS, together([LONGS, INTS, INTS, LONGS])),
    *(together([*[FLOATS] * 4, INTS, INTS, FLAGS, NUMBER]), together([NUMBERS, FLAGGED])),
)
def ask(lon: Any, lat: Any, lists: Any, ends: Any, out: Any) -> None:
    """Replace in ``out`` the numbers that ``values`` has left to the edges, and flag points on edges, as ``building.ask_many`` does."""
    list_first, listed, slot, slot_first = lists
    number, on_edge = out
    for i in range(len(number)):
        if number[i] >= -1:
            continue
        cell_list, found = -2 - number[i], -1
        for k in range(list_first[cell_list], list_first[cell_list + 1]):
            state = _state(slot_first[slot[k]], slot_first[slot[k] + 1], lon[i], lat[i], ends)
            if state > 0:
                # In ascending order: the first one is the smallest, and a second one means an edge.
                on_edge[i] |= state == 2 or found >= 0
                found = listed[k] if found < 0 else found
        number[i] = found


@helper
def _metres_beside(sine: float, cosine: float, north_deg: float) -> tuple[float, float]:
    """Do what ``ground.metres_beside`` does."""
    step = north_deg * DEG
    square = step * step
    aside, ahead = step * (1.0 - square * (1.0 / 6.0) * (1.0 - square * (1.0 / 20.0))), square * (0.5 - square * (1.0 / 24.0))
    sine, cosine = sine + (cosine * aside - sine * ahead), cosine - (sine * aside + cosine * ahead)
    root = 1.0 / math.sqrt(1.0 - WGS84_E2 * sine * sine)
    return PER_LON * cosine * root, PER_LAT * root * root * root


@function
def _slot(number: int, x: float, y: float, frame: Any, near: Any) -> int:
    """Return the slot in ``near`` of a point in area ``number``."""
    x0, y0, per_x, per_y = frame
    slot: int = near[0][number] + int((y - y0) * per_y) * near[1][number] + int((x - x0) * per_x)
    return slot


@function
def _least(point: tuple[float, float], edges: tuple[int, int], row: int, ground: Any, ends: Any) -> float:
    """Return the metres from a point, in a row of blocks, to the nearest of the edges from one to before another."""
    (x, y), (middle, sines, cosines, tiny) = point, ground
    per_lon, per_lat = _metres_beside(sines[row], cosines[row], y - middle[row])
    scale_x, scale_y = per_lon * per_lon, per_lat * per_lat
    least, best_east, best_north = math.inf, 0.0, 0.0
    # No branches: which edge is the nearest cannot be foretold, nor where on it. A share that is cut off is one of what is cut
    # off before it is divided, to the bit; after the division the compiler makes branches of it. No number below 0 is unsigned.
    for edge in range(edges[0], edges[1]):
        k = uint64(edge) * uint64(4)
        along_x, along_y = ends[k + uint64(2)], ends[k + uint64(3)]
        east, north = x - ends[k], y - ends[k + uint64(1)]
        wide, high = along_x * scale_x, along_y * scale_y
        down, length = east * wide + north * high, along_x * wide + along_y * high + tiny
        down = down if down > 0.0 else 0.0
        down = down if down < length else length
        share = down / length
        east, north = along_x * share - east, along_y * share - north
        square = east * east * scale_x + north * north * scale_y
        is_nearer = square < least
        least = square if is_nearer else least
        best_east = east if is_nearer else best_east
        best_north = north if is_nearer else best_north
    per_lon, per_lat = _metres_beside(sines[row], cosines[row], y - middle[row] + best_north * 0.5)
    east, north = best_east * per_lon, best_north * per_lat
    return math.sqrt(east * east + north * north) if least < math.inf else math.inf


_POINTS, _FRAME = together([INTS, FLOATS, FLOATS]), together([NUMBER] * 4)
_NEAR, _GROUND = together([LONGS, LONGS, LONGS, FLOATS]), together([FLOATS, FLOATS, FLOATS, NUMBER])


@compiled(_POINTS, _FRAME, _NEAR, _GROUND, METRES)
def least_distances(points: Any, frame: Any, near: Any, ground: Any, out: Any) -> None:
    """Fill ``out`` with the metres from points to the nearest edge of those that their blocks have for area ``number``; NaN below 0."""
    number, lon, lat = points
    first, ends = near[2], near[3]
    for i in range(len(lon)):
        out[i] = math.nan
        if number[i] >= 0:
            slot = _slot(number[i], lon[i], lat[i], frame, near)
            out[i] = _least((lon[i], lat[i]), (first[slot], first[slot + 1]), int((lat[i] - frame[1]) * frame[3]), ground, ends)


@compiled(_POINTS, _FRAME, _NEAR, _GROUND, METRES)
def least_distances_by_slots(points: Any, frame: Any, near: Any, ground: Any, out: Any) -> None:
    """Do what ``least_distances`` does, the points of one slot after those of another.

    Sorting them is one step for each, by counting, and edges are then at hand; a point here and the next one there wait for memory.
    """
    number, lon, lat = points
    first, ends = near[2], near[3]
    count, nowhere = len(lon), len(first) - 1
    slots, begin = np.empty(count, np.int32), np.zeros(nowhere + 2, np.int64)
    for i in range(count):
        slots[i] = _slot(number[i], lon[i], lat[i], frame, near) if number[i] >= 0 else nowhere
        begin[slots[i] + 1] += 1
    for slot in range(nowhere):
        begin[slot + 1] += begin[slot]
    order, x, y = np.empty(count, np.int32), np.empty(count), np.empty(count)
    for i in range(count):
        at = begin[slots[i]]
        begin[slots[i]] = at + 1
        order[at], x[at], y[at] = i, lon[i], lat[i]
    # Where a slot began there now ends the one before.
    at, found = 0, np.full(count, math.nan)
    for slot in range(nowhere):
        for k in range(at, begin[slot]):
            found[k] = _least((x[k], y[k]), (first[slot], first[slot + 1]), int((y[k] - frame[1]) * frame[3]), ground, ends)
        at = begin[slot]
    for k in range(count):
        out[order[k]] = found[k]
