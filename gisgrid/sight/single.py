"""The rules of ``judging`` and ``blocking`` for one camera and one place, in plain numbers.

A few lines cost less this way than as arrays, by a factor of several. Both ways follow docs/sight.md, and tests hold both to it.
"""

from __future__ import annotations

import math
from itertools import groupby
from typing import NamedTuple

import numpy as np

from gisgrid.sight import views
from gisgrid.sight.answers import BLOCKED, OUT_OF_RANGE, OUT_OF_VIEW, PROBABLY_SEES, SEES, UNKNOWN
from gisgrid.sight.blocking import SHORT_M, Scene
from gisgrid.sight.cells import Lines
from gisgrid.sight.hosts import DEEP_HOST, NO_HOST, WALL_HOST, WALL_M
from gisgrid.sight.judging import SAME_PLACE_M
from gisgrid.sight.views import TRUST, Camera
from gisgrid.sight.walls import HALF_WIDTH_M, Walls


class Place(NamedTuple):
    """A place (degrees, WGS 84) and its height above the ground in metres."""

    lon: float
    lat: float
    height_m: float


class Verdict(NamedTuple):
    """What is found of one camera: number of the state, share, bits of doubt, and the building (-1: none) that blocks or may."""

    state: int
    share: float | None
    doubts: int
    building: int = -1
    met_m: float = math.nan


class _Met(NamedTuple):
    """A building in the line, met so many metres from the camera."""

    at_m: float
    building: int


class _Found(NamedTuple):
    """What is in a line, as ``blocking.Obstacles``."""

    blocker: _Met | None
    open: _Met | None
    at_building: bool
    unsure: bool


def judge_one(scene: Scene, row: int, place: Place, distance_m: float, bearing_deg: float | None) -> Verdict:
    """Return whether a camera (its row) sees a place; the bearing is None where both are one."""
    camera = scene.cameras.one(row)
    share, doubts = camera.view(bearing_deg)
    if camera.range is not None and distance_m > camera.range:
        return Verdict(OUT_OF_RANGE, share, doubts)
    if share == 0.0:
        return Verdict(OUT_OF_VIEW, share, doubts)
    if camera.sure_range is not None and distance_m > camera.sure_range:
        doubts |= views.ASSUMED_RANGE
    met: _Met | None = None
    if camera.range is not None and distance_m >= SAME_PLACE_M:
        found = _obstacles(scene, row, place, distance_m)
        if found.blocker is not None:
            return Verdict(BLOCKED, share, doubts, found.blocker.building, found.blocker.at_m)
        met = found.open
        doubts |= views.NO_HEIGHT if met is not None else 0
        doubts |= (views.AT_BUILDING if found.at_building else 0) | (views.ASSUMED_MOUNT if found.unsure else 0)
    state = UNKNOWN if doubts & views.HARD else PROBABLY_SEES if doubts else SEES
    return Verdict(state, share, doubts) if met is None else Verdict(state, share, doubts, met.building, met.at_m)


def _obstacles(scene: Scene, row: int, place: Place, distance_m: float) -> _Found:
    camera, walls = scene.cameras.one(row), scene.walls
    at_building = unsure = False
    known: list[_Met] = []
    open_: list[_Met] = []
    for building, stretches, at_end in _passages(walls, camera, place):
        at_building = at_building or at_end
        if not stretches:
            continue
        kind = scene.hosts.kind(row, building)
        roof = float(walls.roof[building])
        way = _Way(stretches, distance_m, place.height_m, None if math.isnan(roof) else roof, kind, at_end)
        at_m = way.met_at(camera.mount)
        if at_m is not None:
            (open_ if way.roof is None or camera.mount is None else known).append(_Met(at_m, building))
        elif camera.mount_assumed and camera.mount is not None and way.roof is not None:
            unsure = unsure or way.met_at(TRUST * camera.mount) is not None
    return _Found(_first(walls, known), _first(walls, open_), at_building, unsure and not known)


class _Stretch(NamedTuple):
    enter: float
    leave: float


class _InLine(NamedTuple):
    """A building in a line: the stretches in it, and whether the line's end is in it or at it."""

    building: int
    stretches: list[_Stretch]
    at_end: bool


class _Way(NamedTuple):
    """The stretches of a line in one building; see ``blocking``."""

    stretches: list[_Stretch]
    length_m: float
    top_m: float
    roof: float | None
    kind: int
    of_place: bool

    def met_at(self, mount: float | None) -> float | None:
        """Return how far from a mount so high the building blocks, or may where a height is unknown; None where it does not."""
        kind = NO_HOST if mount is not None and self.roof is not None and mount > self.roof else self.kind
        if kind == DEEP_HOST or (self.of_place and kind != WALL_HOST):
            return None
        inside = 0.0
        for stretch in self.stretches:
            begin, end = max(stretch.enter, 0.0), min(stretch.leave, 1.0)
            if mount is not None and self.roof is not None:
                begin, end = _below(begin, end, (mount, self.top_m), self.roof)
            run_m = max(end - begin, 0.0) * self.length_m
            inside += run_m
            if run_m > SHORT_M and (kind != WALL_HOST or inside > WALL_M):
                return begin * self.length_m
        return None


def _below(begin: float, end: float, heights: tuple[float, float], roof: float) -> tuple[float, float]:
    """Return the part of a stretch in which a line between two heights is lower than the roof."""
    base, rise = heights[0], heights[1] - heights[0]
    if rise == 0.0:
        return begin, begin if base >= roof else end
    at_roof = (roof - base) / rise
    return (max(begin, at_roof), end) if rise < 0.0 else (begin, min(end, at_roof))


def _first(walls: Walls, met: list[_Met]) -> _Met | None:
    """Return the building met first; of several at one place the one with the smallest id."""
    if len(met) < 2:
        return met[0] if met else None
    nearest = min(met).at_m + SHORT_M
    return min((each for each in met if each.at_m <= nearest), key=lambda each: walls.ids[each.building])


def _passages(walls: Walls, camera: Camera, place: Place) -> list[_InLine]:
    """Return the buildings that the line runs through or touches."""
    x, y = walls.plane(camera.lon, camera.lat)
    to_x, to_y = walls.plane(place.lon, place.lat)
    dx, dy = to_x - x, to_y - y
    length = math.hypot(dx, dy)
    ux, uy = dx / length, dy / length
    found: list[_InLine] = []
    for building in walls.cells.near_line(x, y, dx, dy):
        crossings: list[float] = []
        at_end = False
        for x0, y0, x1, y1 in walls.outline(building):
            side0 = ux * (y0 - y) - uy * (x0 - x)
            if -HALF_WIDTH_M <= side0 <= HALF_WIDTH_M:
                return _in_arrays(walls, (x, y, dx, dy))
            side1 = ux * (y1 - y) - uy * (x1 - x)
            if (side0 > 0.0) != (side1 > 0.0):
                along0, along1 = ux * (x0 - x) + uy * (y0 - y), ux * (x1 - x) + uy * (y1 - y)
                at = along0 + (along1 - along0) * (side0 / (side0 - side1))
                crossings.append(at / length)
                # The end of the line is as far from the edge as from the line that the edge lies on.
                across = abs(side1 - side0)
                at_end = at_end or abs(at - length) * across <= HALF_WIDTH_M * math.hypot(along1 - along0, across)
        if crossings:
            crossings.sort()
            stretches = [_Stretch(enter, leave) for enter, leave in zip(crossings[::2], crossings[1::2], strict=True)]
            inside = any(enter <= 1.0 <= leave for enter, leave in stretches)
            found.append(_InLine(building, stretches, at_end or inside))
    return found


def _in_arrays(walls: Walls, line: tuple[float, float, float, float]) -> list[_InLine]:
    """Return what is in a line that has a corner in its width."""
    passages = walls.passages(Lines(*(np.array([value]) for value in line)))
    columns = (passages.building, passages.enter, passages.leave, passages.at_end)
    found = [_InLine(-1, [], True)] if passages.ends_in.size else []
    for building, group in groupby(zip(*(values.tolist() for values in columns), strict=True), key=lambda each: each[0]):
        rows = list(group)
        found.append(_InLine(building, [_Stretch(*row[1:3]) for row in rows], rows[0][3]))
    return found
