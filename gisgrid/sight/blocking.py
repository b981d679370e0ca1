"""What stands in the way: the passages of lines through buildings, cut at the roofs, and the rules for which of them block."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gisgrid.sight.cells import Lines
from gisgrid.sight.hosts import DEEP_HOST, NO_HOST, WALL_HOST, WALL_M, Hosts
from gisgrid.sight.views import TRUST, Cameras
from gisgrid.sight.walls import Passages, Walls

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Bools = NDArray[np.bool_]


SHORT_M = 1e-3
"""A stretch not longer than this does not block, and buildings met no farther apart are met at one place."""


class Scene(NamedTuple):
    """The cameras and the buildings of a town."""

    cameras: Cameras
    walls: Walls
    hosts: Hosts


class Obstacles(NamedTuple):
    """What lines meet, an entry each: ``blocker`` and ``open`` are rows of buildings or -1, met after ``blocker_m`` and ``open_m``.

    ``open`` is a building in the way of which nobody knows whether it blocks, for a height is missing. ``at_building`` says
    that the place is in a building, ``unsure`` that four fifths of an assumed mount height would not be enough.
    """

    blocker: Longs
    blocker_m: Floats
    open: Longs
    open_m: Floats
    at_building: Bools
    unsure: Bools


class _Met(NamedTuple):
    """Stretches below roofs that block, an entry each: the line, the building, metres from the camera, whether heights are known."""

    line: Longs
    building: Longs
    at_m: Floats
    known: Bools


class Sightlines(NamedTuple):
    """Lines from cameras (rows) to places (degrees): ``length_m`` on the ground, the places ``top_m`` above it."""

    camera: Longs
    lon: Floats
    lat: Floats
    length_m: Floats
    top_m: Floats


def obstacles(scene: Scene, sights: Sightlines) -> Obstacles:
    """Return what stands in the lines; docs/sight.md has the rules."""
    count = len(sights.camera)
    cameras, walls = scene.cameras, scene.walls
    x, y = walls.plane(cameras.lon[sights.camera], cameras.lat[sights.camera])
    to_x, to_y = walls.plane(sights.lon, sights.lat)
    passages = walls.passages(Lines(x, y, to_x - x, to_y - y))
    at_building = np.zeros(count, dtype=bool)
    at_building[passages.ends_in] = True
    if not passages.line.size:
        nothing, nowhere = np.full(count, -1), np.full(count, np.nan)
        return Obstacles(nothing, nowhere, nothing, nowhere, at_building, np.zeros(count, dtype=bool))
    kind = scene.hosts.kinds(sights.camera[passages.line], passages.building)
    way = _Way(walls, sights, passages, kind)
    met = way.met(cameras.mount[sights.camera])
    blocker, blocker_m = _first(walls, met, met.known, count)
    open_, open_m = _first(walls, met, ~met.known, count)
    unsure = _from_lower(cameras, way) & (blocker < 0)
    return Obstacles(blocker, blocker_m, open_, open_m, at_building, unsure)


def _from_lower(cameras: Cameras, way: _Way) -> Bools:
    """Return which lines would be blocked from four fifths of a mount height that is only assumed."""
    camera = way.sights.camera
    unsure = np.zeros(len(camera), dtype=bool)
    assumed = cameras.mount_assumed[camera]
    if assumed[way.passages.line].any():
        met = way.met(TRUST * cameras.mount[camera])
        unsure[met.line[met.known & assumed[met.line]]] = True
    return unsure


class _Way(NamedTuple):
    """The passages of lines, and for each whether its building is the camera's host."""

    walls: Walls
    sights: Sightlines
    passages: Passages
    kind: Longs

    def met(self, mount: Floats) -> _Met:
        """Return the stretches that block, with the mount of each line ``mount`` metres high."""
        line, building, sights = self.passages.line, self.passages.building, self.sights
        length, base = sights.length_m[line], mount[line]
        roof = self.walls.roof[building]
        begin, end = np.maximum(self.passages.enter, 0.0), np.minimum(self.passages.leave, 1.0)
        begin, end = _below(begin, end, base, sights.top_m[line], roof)
        run_m = np.maximum(end - begin, 0.0) * length
        kind = np.where(base > roof, NO_HOST, self.kind)
        on_wall = kind == WALL_HOST
        blocks = (run_m > SHORT_M) & (on_wall | ((kind != DEEP_HOST) & ~self.passages.at_end))
        if on_wall.any():
            blocks &= ~on_wall | (_so_far(run_m, self.passages.pair) > WALL_M)
        at = np.flatnonzero(blocks)
        return _Met(line[at], building[at], (begin * length)[at], ~np.isnan(base + roof)[at])


def _below(begin: Floats, end: Floats, base: Floats, top: Floats, roof: Floats) -> tuple[Floats, Floats]:
    """Return the part of stretches of a line in which it is lower than the roof; all of it where a height is unknown."""
    rise = top - base
    level = rise == 0.0
    # A line that hardly rises meets the roof beyond all numbers, and so beyond its ends.
    with np.errstate(over="ignore"):
        at_roof = (roof - base) / np.where(level, 1.0, rise)
    begin = np.where(rise < 0.0, np.fmax(begin, at_roof), begin)
    end = np.where(rise > 0.0, np.fmin(end, at_roof), end)
    return begin, np.where(level & (base >= roof), begin, end)


def _so_far(run_m: Floats, pair: Longs) -> Floats:
    """Return what each stretch and those before it in the same pair come to."""
    total = np.cumsum(run_m)
    first = np.flatnonzero(np.diff(pair, prepend=-1))
    before = total[first] - run_m[first]
    return np.asarray(total - before[np.searchsorted(first, np.arange(len(pair)), side="right") - 1])


def _first(walls: Walls, met: _Met, which: Bools, count: int) -> tuple[Longs, Floats]:
    """Return for each line the building of ``which`` that it meets first, and where; of several at one place the smallest id."""
    found, found_m = np.full(count, -1), np.full(count, np.nan)
    line, building, at_m = met.line[which], met.building[which], met.at_m[which]
    if not line.size:
        return found, found_m
    first = np.full(count, np.inf)
    np.minimum.at(first, line, at_m)
    equal = np.flatnonzero(at_m <= first[line] + SHORT_M)
    # The last one written stays: the smallest id, and where its building is met first.
    order = equal[np.lexsort((-at_m[equal], -walls.ids[building[equal]]))]
    found[line[order]], found_m[line[order]] = building[order], at_m[order]
    return found, found_m
