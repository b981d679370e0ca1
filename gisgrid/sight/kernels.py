"""The verdict on cameras and places in one loop, compiled by Numba; docs/sight.md has the rules.

It does what ``judging.judge`` does with NumPy, the same operations in the same order for each camera and place, and gives the same
bits. The code is kept until this file changes, so the lengths of the rules, the bits of doubt and the states come as arguments.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gisgrid.locator.compiling import FLAGS, FLOATS, LONGS, METRES, NUMBER, SHORTS, WHOLE, WHOLES, compiled, function, helper, together

_NO_HOST, _WALL_HOST, _DEEP_HOST = 0, 1, 2

_ASKED = together([LONGS, FLOATS, FLOATS, NUMBER, FLOATS, FLOATS])
_OPTICS = together([*[FLOATS] * 7, *[FLAGS] * 4, FLOATS, FLOATS, LONGS])
_CELLS = together([LONGS, LONGS, FLOATS, NUMBER, NUMBER, WHOLE])
_WALLS = together([FLOATS, LONGS, FLOATS, LONGS])
_HOSTS = together([LONGS, LONGS, WHOLE])
_FRAME, _RULES, _BITS, _STATES = (together([kind] * size) for kind, size in ((NUMBER, 4), (NUMBER, 8), (WHOLE, 11), (WHOLE, 6)))
_FOUND = together([SHORTS, METRES, WHOLES, METRES, WHOLES])


@helper
def _first_not_below(values: Any, wanted: int) -> int:
    """Return the place of the first of some ascending numbers that is not below another."""
    low, high = 0, len(values)
    while low < high:
        middle = (low + high) >> 1
        if values[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low


@helper
def _cut(value: float, low: float, high: float) -> float:
    """Return a number that is not below ``low`` and not above ``high``."""
    return low if value < low else high if value > high else value


@function
def _longer(values: Any, count: int) -> Any:
    """Return room for ``count`` numbers: the same, or twice as much with what was in it."""
    if count <= len(values):
        return values
    more = np.empty(2 * count, values.dtype)
    more[: len(values)] = values
    return more


@function
def _near(line: tuple[float, float, float, float], cells: Any, slack: float, near: Any) -> tuple[int, Any]:
    """Return how many boxes a line touches, each once, and the room that they are in; as ``Cells.near_lines``."""
    x, y, dx, dy = line
    key, in_cell, boxes, size, west, last = cells
    count = 0
    low, high = min(y, y + dy) - slack, max(y, y + dy) + slack
    rise = slack * 1e-3 if abs(dy) < slack else dy
    ax, ay = abs(dx), abs(dy)
    for row in range(math.floor(low / size), math.floor(high / size) + 1):
        begin = _cut((row * size - slack - y) / rise, 0.0, 1.0) * dx + x
        end = _cut(((row + 1) * size + slack - y) / rise, 0.0, 1.0) * dx + x
        first = int(_cut(math.floor((min(begin, end) - slack - west) / size), 0.0, last))
        final = int(_cut(math.floor((max(begin, end) + slack - west) / size), 0.0, last))
        base = row * (last + 1)
        k = _first_not_below(key, base + first)
        while k < len(key) and key[k] <= base + final:
            box = in_cell[k]
            k += 1
            mx, my = x + dx / 2.0 - boxes[4 * box], y + dy / 2.0 - boxes[4 * box + 1]
            hx, hy = boxes[4 * box + 2], boxes[4 * box + 3]
            if abs(dx * my - dy * mx) > ax * hy + ay * hx or abs(mx) > ax / 2.0 + hx or abs(my) > ay / 2.0 + hy:
                continue
            is_new = True
            for known in range(count):
                is_new = is_new and near[known] != box
            if is_new:
                near = _longer(near, count + 1)
                near[count] = box
                count += 1
    return count, near


@function
def _crossings(edges: tuple[int, int], line: Any, shift: float, ends: Any, into: tuple[Any, Any, int]) -> int:
    """Put where edges cross a line, moved ``shift`` metres to the left, in ascending order with ``shift``; return the count."""
    x, y, ux, uy = line
    at, which = into[0], into[1]
    count: int = into[2]
    for k in range(edges[0], edges[1]):
        x0, y0, x1, y1 = ends[4 * k] - x, ends[4 * k + 1] - y, ends[4 * k + 2] - x, ends[4 * k + 3] - y
        side0, side1 = ux * y0 - uy * x0, ux * y1 - uy * x1
        if (side0 > shift) == (side1 > shift):
            continue
        along0, along1 = ux * x0 + uy * y0, ux * x1 + uy * y1
        side0, side1 = side0 - shift, side1 - shift
        here = along0 + (along1 - along0) * (side0 / (side0 - side1))
        place = count
        while place > 0 and at[place - 1] > here:
            at[place], which[place] = at[place - 1], which[place - 1]
            place -= 1
        at[place], which[place] = here, shift
        count += 1
    return count


@function
def _corners(edges: tuple[int, int], line: Any, length: float, ends: Any, rules: Any) -> tuple[bool, bool]:
    """Return whether a corner of a building is in the width of a line, and whether an edge is at the line's end; as ``_Edges.reach``."""
    x, y, ux, uy = line
    half_width, tiny = rules[0], rules[4]
    cornered = at_end = False
    for k in range(edges[0], edges[1]):
        x0, y0, x1, y1 = ends[4 * k] - x, ends[4 * k + 1] - y, ends[4 * k + 2] - x, ends[4 * k + 3] - y
        side0, side1 = ux * y0 - uy * x0, ux * y1 - uy * x1
        cornered = cornered or abs(side0) <= half_width
        if min(side0, side1) <= half_width and max(side0, side1) >= -half_width:
            along0, along1 = ux * x0 + uy * y0, ux * x1 + uy * y1
            along, run, up = along0 - length, along1 - along0, side1 - side0
            share = _cut(-(along * run + side0 * up) / max(run * run + up * up, tiny), 0.0, 1.0)
            at_end = at_end or math.hypot(along + share * run, side0 + share * up) <= half_width
    return cornered, at_end


@function
def _stretches(edges: tuple[int, int], line: Any, ends: Any, width: float, room: Any) -> int:
    """Put the stretches of a line inside a building at the beginning of ``room``, (enter, leave) in turn; return how many numbers.

    The line is ``width`` metres wide to both sides; 0 where no corner is so near.
    """
    at, which = room
    count: int = _crossings(edges, line, width, ends, (at, which, 0))
    if width == 0.0:
        return count
    # Inside only where both edges of the line are.
    count = _crossings(edges, line, -width, ends, (at, which, count))
    left = right = False
    kept = 0
    for k in range(count - 1):
        if which[k] > 0.0:
            left = not left
        else:
            right = not right
        if left and right:
            at[kept], at[kept + 1] = at[k], at[k + 1]
            kept += 2
    return kept


@function
def _meets(stretch: tuple[float, float], heights: tuple[float, float, float], length: float) -> tuple[float, float]:
    """Return where a stretch (shares of a line) begins to be below a roof, and how many metres of it are; as ``blocking._below``."""
    begin, end = max(stretch[0], 0.0), min(stretch[1], 1.0)
    base, top, roof = heights
    rise = top - base
    if rise == 0.0:
        begin = end if base >= roof else begin
    else:
        at_roof = (roof - base) / rise
        # What is not known cuts nothing.
        if rise < 0.0 and at_roof > begin:
            begin = at_roof
        elif rise > 0.0 and at_roof < end:
            end = at_roof
    return begin, max(end - begin, 0.0) * length


@function
def _blocked_at(stretches: Any, place: tuple[float, float, float], length: float, kinds: tuple[int, bool], rules: Any) -> float:
    """Return how many metres from a camera a building first blocks a line, in its ``stretches`` (shares); NaN where it does not.

    ``place`` is the height of the mount, of the place and of the roof, ``kinds`` what the building is to the camera, and whether it
    is at the line's end.
    """
    short, wall = rules[1], rules[2]
    host = _NO_HOST if place[0] > place[2] else kinds[0]
    if host == _DEEP_HOST or (kinds[1] and host != _WALL_HOST):
        return math.nan
    inside = 0.0
    for k in range(0, len(stretches), 2):
        begin, run_m = _meets((stretches[k], stretches[k + 1]), place, length)
        inside += run_m
        if run_m > short and (host != _WALL_HOST or inside > wall):
            at_m: float = begin * length
            return at_m
    return math.nan


@helper
def _host(camera: int, building: int, hosts: Any) -> int:
    """Return what a building is to a camera; as ``Hosts.kinds``."""
    key, kind, buildings = hosts
    wanted = camera * buildings + building
    at = _first_not_below(key, wanted)
    return kind[at] if at < len(key) and key[at] == wanted else _NO_HOST


@function
def _first_met(met: Any, is_known: bool, ids: Any, short: float) -> tuple[int, float]:
    """Return the building met first of those whose heights are known (or not), and where; of several at one place the smallest id."""
    met_m, building, known = met
    first = math.inf
    for k in range(len(met_m)):
        if known[k] == is_known and met_m[k] < first:
            first = met_m[k]
    found, found_m = -1, math.nan
    for k in range(len(met_m)):
        if known[k] == is_known and met_m[k] <= first + short and (found < 0 or ids[building[k]] < ids[found]):
            found, found_m = building[k], met_m[k]
    return found, found_m


@function
def _obstacles(line: Any, ends: Any, scene: Any, rules: Any) -> tuple[Any, Any, bool, bool]:
    """Return what stands in a line: what blocks and where, what may, whether the end is in a building, and whether less might block.

    ``line`` is x, y, dx, dy in the plane of the walls, ``ends`` the length on the ground, the heights of the place and of the mount,
    whether that is only assumed, and the row of the camera; as ``blocking.obstacles``.
    """
    cells, (edges_at, first, roof, ids), hosts = scene
    length_m, top_m, mount, assumed, camera = ends
    length = math.hypot(line[2], line[3])
    along = (line[0], line[1], line[2] / length, line[3] / length)
    count, near = _near(line, cells, rules[5], np.empty(64, np.int64))
    at, which = np.empty(128), np.empty(128)
    met_m, known = np.empty(count), np.empty(count, np.bool_)
    is_at_building = would_be = False
    for k in range(count):
        building = near[k]
        edges = (first[building], first[building + 1])
        at, which = _longer(at, 2 * (edges[1] - edges[0])), _longer(which, 2 * (edges[1] - edges[0]))
        cornered, at_end = _corners(edges, along, length, edges_at, rules)
        size = _stretches(edges, along, edges_at, rules[0] if cornered else 0.0, (at, which))
        for begin in range(0, size, 2):
            at_end = at_end or (at[begin] <= length and at[begin + 1] >= length)
            at[begin], at[begin + 1] = at[begin] / length, at[begin + 1] / length
        is_at_building = is_at_building or at_end
        kinds = (_host(camera, building, hosts), at_end)
        known[k] = not math.isnan(mount + roof[building])
        met_m[k] = _blocked_at(at[:size], (mount, top_m, roof[building]), length_m, kinds, rules)
        if assumed and known[k]:
            lower = (rules[3] * mount, top_m, roof[building])
            would_be = would_be or not math.isnan(_blocked_at(at[:size], lower, length_m, kinds, rules))
    met = met_m, near, known
    blocker = _first_met(met, True, ids, rules[1])
    return blocker, _first_met(met, False, ids, rules[1]), is_at_building, would_be and blocker[0] < 0


@function
def _share(off: float, half: float, spread: float, same: float) -> float:
    """Do what ``views._share`` does."""
    if spread <= 0.0:
        return 1.0 if off <= half else 0.0
    if math.isnan(off) or math.isnan(half):
        return math.nan
    direct = min(spread, off + half) - max(-spread, off - half)
    around = min(spread, off - 360.0 + half) + spread
    share = (max(direct, 0.0) + max(around, 0.0)) / max(2.0 * spread, same)
    return 1.0 if share > 1.0 - same else 0.0 if share < same else share


@function
def _view(row: int, bearing: float, optics: Any, bits: Any, same: float) -> tuple[float, int]:
    """Return the share of a camera that has a bearing in view, and the bits of doubt; as ``Cameras.view``."""
    _, _, azimuth, spread, field, _, _, field_assumed, _, _, any_azimuth, sure_half, _, doubts_of = optics
    doubts = doubts_of[row]
    off = abs((bearing - azimuth[row] + 180.0) % 360.0 - 180.0)
    nowhere = math.isnan(bearing) and not any_azimuth[row]
    if any_azimuth[row]:
        share = 1.0
    elif nowhere or math.isnan(field[row]):
        share = math.nan
    elif doubts & bits[0]:
        # Without an azimuth every direction is as likely.
        share = field[row] / 360.0
    else:
        share = _share(off, field[row] / 2.0, spread[row], same)
    doubts |= (bits[1] if nowhere else 0) | (bits[2] if share < 0.5 else 0) | (bits[3] if share < 1.0 else 0)
    if field_assumed[row] and sure_half[row] < math.inf and not off + spread[row] <= sure_half[row]:
        doubts |= bits[4]
    return share, doubts


@compiled(_ASKED, _OPTICS, together([_CELLS, _WALLS, _HOSTS]), together([_FRAME, _RULES, _BITS, _STATES]), _FOUND)
def judge(asked: Any, optics: Any, scene: Any, constants: Any, found: Any) -> None:
    """Fill ``found`` with what ``judging.judge`` finds: state, share, building, where it is met, and the bits of doubt.

    ``asked`` are rows of cameras, the places (degrees) and their height in metres, bearings (degrees) and distances (metres);
    ``optics`` the arrays of ``Cameras``. The constants are the frame of the plane, the lengths of the rules (HALF_WIDTH_M, SHORT_M,
    WALL_M, TRUST, the least square of a length, the slack of boxes, SAME_PLACE_M, what is the same share), the bits, and the states.
    """
    camera, lon, lat, height_m, bearing, distance = asked
    frame, rules, bits, states = constants
    camera_lon, camera_lat, ranges, mounts = optics[0], optics[1], optics[5], optics[6]
    mount_assumed, sure_range = optics[9], optics[12]
    state, shares, buildings, met_m, all_doubts = found
    sees, probably, blocked, out_of_view, out_of_range, unknown = states
    for i in range(len(camera)):
        row = camera[i]
        share, doubts = _view(row, bearing[i], optics, bits, rules[7])
        doubts |= bits[5] if distance[i] > sure_range[row] else 0
        outcome, building, at_m = sees, -1, math.nan
        if distance[i] > ranges[row]:
            outcome = out_of_range
        elif share == 0.0:
            outcome = out_of_view
        elif distance[i] >= rules[6] and not doubts & bits[6]:
            x, y = (camera_lon[row] - frame[0]) * frame[2], (camera_lat[row] - frame[1]) * frame[3]
            line = (x, y, (lon[i] - frame[0]) * frame[2] - x, (lat[i] - frame[1]) * frame[3] - y)
            ends = (distance[i], height_m, mounts[row], mount_assumed[row], row)
            blocker, open_, at_building, unsure = _obstacles(line, ends, scene, rules)
            doubts |= (bits[7] if open_[0] >= 0 else 0) | (bits[8] if at_building else 0) | (bits[9] if unsure else 0)
            building, at_m = blocker if blocker[0] >= 0 else open_
            outcome = blocked if blocker[0] >= 0 else sees
        if outcome == sees and doubts != 0:
            outcome = unknown if doubts & bits[10] else probably
        state[i], shares[i], buildings[i], met_m[i], all_doubts[i] = outcome, share, building, at_m, doubts
