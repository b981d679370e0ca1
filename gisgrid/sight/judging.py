"""The verdict on cameras and places: range, view, line, and what remains in doubt, in that order."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pyproj import Geod

from gisgrid.locator.compiled import Loops
from gisgrid.sight import views
from gisgrid.sight.answers import BLOCKED, OUT_OF_RANGE, OUT_OF_VIEW, PROBABLY_SEES, SEES, UNKNOWN
from gisgrid.sight.blocking import SHORT_M, Scene, Sightlines, obstacles
from gisgrid.sight.cells import SLACK_M
from gisgrid.sight.hosts import WALL_M
from gisgrid.sight.views import Cameras
from gisgrid.sight.walls import HALF_WIDTH_M, TINY

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

SAME_PLACE_M = 0.5
"""Nearer than this a place has no bearing from a camera."""

_GEOD = Geod(ellps="WGS84")


class Judged(NamedTuple):
    """What ``Sightings`` holds, and the bits of doubt, as flat arrays."""

    state: NDArray[np.int8]
    share: Floats
    distance_m: Floats
    bearing_deg: Floats
    building: Longs
    met_m: Floats
    doubts: Longs

    def verdicts(self) -> list[Verdict]:
        """Return each in plain numbers."""
        return [Verdict._make(values) for values in zip(*(column.tolist() for column in self), strict=True)]


class Verdict(NamedTuple):
    """What ``Judged`` holds of one camera and one place."""

    state: int
    share: float
    distance_m: float
    bearing_deg: float
    building: int
    met_m: float
    doubts: int


def bearings_and_distances(cameras: Cameras, camera: Longs, lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Return the bearings of places (degrees) from cameras (rows), NaN where both are one, and their distances in metres."""
    bearing, _, distance = _GEOD.inv(cameras.lon[camera], cameras.lat[camera], lon, lat)
    return np.where(distance < SAME_PLACE_M, np.nan, bearing % 360.0), distance


LOOPS = Loops("gisgrid.sight.kernels", 20_000)
"""Cameras and places; counted in pairs, and for each time that some are asked about ``_EACH_TIME`` more."""

_EACH_TIME = 20
_RULES = HALF_WIDTH_M, SHORT_M, WALL_M, views.TRUST, TINY, SLACK_M, SAME_PLACE_M, views.SAME
_BITS = (
    *(views.NO_AZIMUTH, views.NO_BEARING, views.SMALL_SHARE, views.PART_SHARE, views.ASSUMED_FIELD, views.ASSUMED_RANGE),
    *(views.NO_RANGE, views.NO_HEIGHT, views.AT_BUILDING, views.ASSUMED_MOUNT, views.HARD),
)
_STATES = SEES, PROBABLY_SEES, BLOCKED, OUT_OF_VIEW, OUT_OF_RANGE, UNKNOWN


def judge(scene: Scene, camera: Longs, lon: Floats, lat: Floats, height_m: float) -> Judged:
    """Return whether cameras (rows) see places (degrees), one each."""
    count, walls = len(camera), scene.walls
    bearing, distance = bearings_and_distances(scene.cameras, camera, lon, lat)
    fast = LOOPS.of(count + _EACH_TIME)
    if fast is None:
        return _judge(scene, camera, _Places(lon, lat, bearing, distance), height_m)
    share, met_m = np.empty((2, count))
    building, doubts = np.empty((2, count), dtype=np.int64)
    state = np.empty(count, dtype=np.int8)
    arrays = walls.cells.arrays, walls.arrays, scene.hosts.arrays
    asked, found = (camera, lon, lat, float(height_m), bearing, distance), (state, share, building, met_m, doubts)
    fast.judge(asked, scene.cameras.arrays, arrays, (walls.frame, _RULES, _BITS, _STATES), found)
    return Judged(state, share, distance, bearing, building, met_m, doubts)


class _Places(NamedTuple):
    """Places (degrees) as cameras see them: bearings (degrees, NaN where both are one) and distances in metres."""

    lon: Floats
    lat: Floats
    bearing: Floats
    distance: Floats


def _judge(scene: Scene, camera: Longs, places: _Places, height_m: float) -> Judged:
    """Return what ``judge`` does, by NumPy."""
    optics = scene.cameras
    lon, lat, bearing, distance = places
    share, doubts = optics.view(camera, bearing)
    doubts |= np.where(distance > optics.sure_range[camera], views.ASSUMED_RANGE, 0)
    state = np.where(distance > optics.range[camera], OUT_OF_RANGE, np.where(share == 0.0, OUT_OF_VIEW, SEES)).astype(np.int8)
    building, met_m = np.full(len(camera), -1), np.full(len(camera), np.nan)
    looked = np.flatnonzero((state == SEES) & (distance >= SAME_PLACE_M) & (doubts & views.NO_RANGE == 0))
    if looked.size:
        sights = Sightlines(camera[looked], lon[looked], lat[looked], distance[looked], np.full(len(looked), height_m))
        found = obstacles(scene, sights)
        doubts[looked] |= np.where(found.open >= 0, views.NO_HEIGHT, 0) | np.where(found.at_building, views.AT_BUILDING, 0)
        doubts[looked] |= np.where(found.unsure, views.ASSUMED_MOUNT, 0)
        blocked = found.blocker >= 0
        state[looked[blocked]] = BLOCKED
        building[looked] = np.where(blocked, found.blocker, found.open)
        met_m[looked] = np.where(blocked, found.blocker_m, found.open_m)
    clear = state == SEES
    state[clear & (doubts != 0)] = PROBABLY_SEES
    state[clear & (doubts & views.HARD != 0)] = UNKNOWN
    return Judged(state, share, distance, bearing, building, met_m, doubts)
