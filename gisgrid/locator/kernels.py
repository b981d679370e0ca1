"""The loops that long arrays spend their time in, compiled by Numba. Only ``compiled`` imports this: it takes a second.

They do what ``AreaIndex._values``, ``building.ask_many``, ``rounds``, ``outside`` and ``others`` do with NumPy, the same operations
in the same order, and give the same bits: without ``fastmath`` nothing is reordered, and no product is fused with a sum. The code is
kept until this file changes, so what may change elsewhere comes as an argument; constants of the Earth do not.
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
    WHOLES,
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


@helper
def _to_edge(place: tuple[float, float], along: tuple[float, float], scale: tuple[float, float], tiny: float) -> tuple[float, float, float]:
    """Return the square of the metres from a place to an edge, and the way there in degrees.

    ``place`` is seen from where the edge begins, ``along`` is the edge, ``scale`` the squares of the metres in a degree.
    """
    # No branches: which edge is the nearest cannot be foretold, nor where on it. A share that is cut off is one of what is cut
    # off before it is divided, to the bit; after the division the compiler makes branches of it.
    (east, north), (along_x, along_y), (scale_x, scale_y) = place, along, scale
    wide, high = along_x * scale_x, along_y * scale_y
    down, length = east * wide + north * high, along_x * wide + along_y * high + tiny
    down = down if down > 0.0 else 0.0
    down = down if down < length else length
    share = down / length
    east, north = along_x * share - east, along_y * share - north
    return east * east * scale_x + north * north * scale_y, east, north


@function
def _least(point: tuple[float, float], edges: tuple[int, int], row: int, ground: Any, ends: Any) -> float:
    """Return the metres from a point, in a row of blocks, to the nearest of the edges from one to before another."""
    (x, y), (middle, sines, cosines, tiny) = point, ground
    per_lon, per_lat = _metres_beside(sines[row], cosines[row], y - middle[row])
    scale_x, scale_y = per_lon * per_lon, per_lat * per_lat
    least, best_east, best_north = math.inf, 0.0, 0.0
    # No number below 0 is unsigned.
    for edge in range(edges[0], edges[1]):
        k = uint64(edge) * uint64(4)
        along_x, along_y = ends[k + uint64(2)], ends[k + uint64(3)]
        east, north = x - ends[k], y - ends[k + uint64(1)]
        square, east, north = _to_edge((east, north), (along_x, along_y), (scale_x, scale_y), tiny)
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


_LANES = 16


@function
def _least_of_lanes(work: Any, width: int, edges: tuple[int, int], beside: tuple[float, float, float, float], ends: Any) -> None:
    """Do what ``_least`` does for ``width`` points of one slot: from x and y in the first lanes of ``work``, into the last ones.

    An edge after the other and the points beside each other, so that the processor computes several at once. All are lanes of one
    array, and old values are read before it is known whether they stay: otherwise the compiler does one point after the other.
    """
    middle, sine, cosine, tiny = beside
    for j in range(width):
        per_lon, per_lat = _metres_beside(sine, cosine, work[_LANES + j] - middle)
        work[2 * _LANES + j], work[3 * _LANES + j] = per_lon * per_lon, per_lat * per_lat
        work[4 * _LANES + j], work[5 * _LANES + j], work[6 * _LANES + j] = math.inf, 0.0, 0.0
    for edge in range(edges[0], edges[1]):
        k = uint64(edge) * uint64(4)
        x1, y1, along_x, along_y = ends[k], ends[k + uint64(1)], ends[k + uint64(2)], ends[k + uint64(3)]
        for j in range(width):
            scale_x, scale_y = work[2 * _LANES + j], work[3 * _LANES + j]
            least, best_east, best_north = work[4 * _LANES + j], work[5 * _LANES + j], work[6 * _LANES + j]
            east, north = work[j] - x1, work[_LANES + j] - y1
            square, east, north = _to_edge((east, north), (along_x, along_y), (scale_x, scale_y), tiny)
            is_nearer = square < least
            work[4 * _LANES + j] = square if is_nearer else least
            work[5 * _LANES + j] = east if is_nearer else best_east
            work[6 * _LANES + j] = north if is_nearer else best_north
    for j in range(width):
        per_lon, per_lat = _metres_beside(sine, cosine, work[_LANES + j] - middle + work[6 * _LANES + j] * 0.5)
        east, north = work[5 * _LANES + j] * per_lon, work[6 * _LANES + j] * per_lat
        distance = math.sqrt(east * east + north * north)
        work[7 * _LANES + j] = distance if work[4 * _LANES + j] < math.inf else math.inf


@function
def _by_slots(points: Any, frame: Any, near: Any) -> tuple[Any, Any]:
    """Return points by slot, in three numbers each: which one it is, x and y; and where each slot ends. What is in no area is last."""
    number, lon, lat = points
    count, nowhere = len(lon), len(near[2]) - 1
    slots, begin = np.empty(count, np.int32), np.zeros(nowhere + 2, np.int32)
    for i in range(count):
        slots[i] = _slot(number[i], lon[i], lat[i], frame, near) if number[i] >= 0 else nowhere
        begin[slots[i] + 1] += 1
    for slot in range(nowhere):
        begin[slot + 1] += begin[slot]
    # Beside each other, for what is far apart costs a wait each; no number of a point is too long for that.
    places = np.empty(3 * count)
    for i in range(count):
        at = begin[slots[i]]
        begin[slots[i]] = at + 1
        places[3 * at], places[3 * at + 1], places[3 * at + 2] = i, lon[i], lat[i]
    # Where a slot began there now ends the one before.
    return places, begin


@compiled(_POINTS, _FRAME, _NEAR, _GROUND, METRES)
def least_distances_by_slots(points: Any, frame: Any, near: Any, ground: Any, out: Any) -> None:
    """Do what ``least_distances`` does, the points of one slot after those of another.

    Sorting them is one step for each, by counting, and edges are then at hand; a point here and the next one there wait for memory.
    """
    (first, ends), (middle, sines, cosines, tiny) = near[2:], ground
    places, end = _by_slots(points, frame, near)
    work, at = np.empty(8 * _LANES), 0
    for slot in range(len(first) - 1):
        edges = first[slot], first[slot + 1]
        while at < end[slot]:
            # A slot has one row.
            row, few = int((places[3 * at + 2] - frame[1]) * frame[3]), min(end[slot] - at, _LANES)
            if few == 1:
                out[int(places[3 * at])] = _least((places[3 * at + 1], places[3 * at + 2]), edges, row, ground, ends)
            else:
                # The processor takes four at once: the last point again and again for what lacks.
                width = (few + 3) & ~3
                for j in range(width):
                    k = 3 * (at + min(j, few - 1))
                    work[j], work[_LANES + j] = places[k + 1], places[k + 2]
                _least_of_lanes(work, width, edges, (middle[row], sines[row], cosines[row], tiny), ends)
                for j in range(few):
                    out[int(places[3 * (at + j)])] = work[7 * _LANES + j]
            at += few
    for k in range(at, len(out)):
        out[int(places[3 * k])] = math.nan


@compiled(FLOATS, FLOATS, _FRAME, together([INTS, LONGS, INTS, WHOLE, WHOLE]), together([WHOLES, WHOLES]))
def members(lon: Any, lat: Any, frame: Any, tree: Any, out: Any) -> None:
    """Fill ``out`` with the first and the count of the edges that can be nearest to points, as ``Outside._members_many`` does."""
    west, south, width, height = frame
    child, first, table, deepest, table_depth = tree
    begin, count = out
    for i in range(len(lon)):
        u, v = (lon[i] - west) / width, (lat[i] - south) / height
        begin[i] = count[i] = 0
        if u >= 0.0 and u < 1.0 and v >= 0.0 and v < 1.0:
            column, row, shift = int(u * (1 << deepest)), int(v * (1 << deepest)), deepest - table_depth
            node = int(table[((row >> shift) << table_depth) + (column >> shift)])
            while child[node] >= 0:
                shift -= 1
                node = child[node] + 2 * ((row >> shift) & 1) + ((column >> shift) & 1)
            begin[i], count[i] = first[node], first[node + 1] - first[node]


@helper
def _foot(point: Any, scale: Any, edge: Any, tiny: float) -> tuple[float, float, float]:
    """Return how far east and north of a point the nearest place on an edge is, degrees, and the square of that, metres."""
    (lon, lat), (scale_x, scale_y), (x1, y1, along_x, along_y) = point, scale, edge
    x, y, wx, wy = x1 - lon, y1 - lat, along_x * scale_x, along_y * scale_y
    down, length = -(x * scale_x * wx + y * scale_y * wy), wx * wx + wy * wy + tiny
    # See ``_least``.
    down = down if down > 0.0 else 0.0
    down = down if down < length else length
    share = down / length
    east, north = x + share * along_x, y + share * along_y
    aside, ahead = east * scale_x, north * scale_y
    return east, north, aside * aside + ahead * ahead


@helper
def _near_enough(least: float, per_lon: float) -> float:
    """Return what ``outside._near_enough`` does, closer by what is known of the latitude and the distance.

    From the point to halfway to a place so many metres off, the scale changes by a share of at most these metres / (2 x 6335 km),
    times the tangent of the latitude (of longitudes) or a hundredth (of latitudes). Three times that for twice, and some micrometres.
    """
    cosine, reach = per_lon / (1.0034 * PER_LON), math.sqrt(least)
    steep = math.sqrt(1.0 - cosine * cosine) / cosine
    bound = reach * (1.0 + 3e-7 * max(steep, 0.011) * reach) + 1e-5
    return bound * bound


_PLACES, _RANGES = together([FLOATS] * 4), together([LONGS, LONGS])


@compiled(_PLACES, _RANGES, together([FLOATS] * 4), _FRAME, together([WHOLES, WHOLES, METRES, METRES, FLAGGED, METRES, WHOLES]))
def near_feet(points: Any, ranges: Any, ends: Any, limits: Any, out: Any) -> None:
    """Find the places that ``Outside._near_feet`` returns and how many they are; points far away are flagged and have none."""
    lon, lat, scale_x, scale_y = points
    (begin, count), (x1, y1, along_x, along_y), (afar, times, more, tiny) = ranges, ends, limits
    owner, member, east, north, is_afar, squares, size = out
    kept = 0
    for i in range(len(lon)):
        point, scale, start, least = (lon[i], lat[i]), (scale_x[i], scale_y[i]), begin[i], math.inf
        for j in range(count[i]):
            k = start + j
            east[kept + j], north[kept + j], squares[j] = _foot(point, scale, (x1[k], y1[k], along_x[k], along_y[k]), tiny)
            least = squares[j] if squares[j] < least else least
        is_afar[i] = least > afar
        enough, first = -1.0 if is_afar[i] else min(times * least + more, _near_enough(least, scale_x[i])), kept
        for j in range(count[i]):
            if squares[j] <= enough:
                # Never ahead of what is still to be read.
                owner[kept], member[kept], east[kept], north[kept] = i, start + j, east[first + j], north[first + j]
                kept += 1
    size[0] = kept


@compiled(_PLACES, _RANGES, together([FLOATS] * 4), NUMBER, together([METRES, METRES]))
def nearest_places(points: Any, ranges: Any, ends: Any, tiny: float, out: Any) -> None:
    """Fill ``out`` with how many degrees east and north of each point the nearest place on its edges is, as ``others`` measures it."""
    lon, lat, scale_x, scale_y = points
    (begin, count), (x1, y1, x2, y2), (best_east, best_north) = ranges, ends, out
    for i in range(len(lon)):
        point, scale, least = (lon[i], lat[i]), (scale_x[i], scale_y[i]), math.inf
        for k in range(begin[i], begin[i] + count[i]):
            east, north, square = _foot(point, scale, (x1[k], y1[k], x2[k] - x1[k], y2[k] - y1[k]), tiny)
            if square < least:
                least, best_east[i], best_north[i] = square, east, north
