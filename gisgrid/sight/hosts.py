"""Which building a camera is mounted on, and whether it hangs on its wall."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gisgrid.locator.ground import metres_per_degree_many
from gisgrid.sight.views import Cameras
from gisgrid.sight.walls import Walls

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

HOST_M = 1.0
"""A footprint this near to a camera is its host: positions and outlines are not better than that."""

WALL_M = 2.0
"""A camera this near to the outline of its host hangs on that wall, and its line may run this far inside."""

NO_HOST, WALL_HOST, DEEP_HOST = 0, 1, 2


class Hosts:
    """The hosts of each camera by position alone; whether the mount is above the roof is for the line to say."""

    def __init__(self, cameras: Cameras, walls: Walls) -> None:
        self._buildings = len(walls)
        camera, building = walls.cells.near_points(*walls.plane(cameras.lon, cameras.lat), 2.0 * HOST_M)
        inside, outline_m = _relation(cameras, walls, camera, building)
        host = inside | (outline_m <= HOST_M)
        self._key = (camera * self._buildings + building)[host]
        self._kind = np.where(outline_m <= WALL_M, WALL_HOST, DEEP_HOST)[host]

    def kinds(self, camera: Longs, building: Longs) -> Longs:
        """Return for pairs of a camera and a building whether it is no host, hangs on the wall, or lies deeper inside."""
        if not self._key.size:
            return np.zeros(len(camera), dtype=np.int64)
        key = camera * self._buildings + building
        at = np.minimum(np.searchsorted(self._key, key), len(self._key) - 1)
        return np.where(self._key[at] == key, self._kind[at], NO_HOST)

    @property
    def arrays(self) -> tuple[Longs, Longs, int]:
        """What compiled loops need: pairs of a camera and its host in order, how it hangs there, and how many buildings there are."""
        return self._key, self._kind, self._buildings


def _relation(cameras: Cameras, walls: Walls, camera: Longs, building: Longs) -> tuple[NDArray[np.bool_], Floats]:
    """Return for pairs whether the footprint covers the camera, and how far its outline is, in metres where the camera is."""
    if not camera.size:
        return np.zeros(0, dtype=bool), np.zeros(0)
    pair, (x0, y0, x1, y1) = walls.edges(building)
    of = camera[pair]
    east, north = walls.plane(cameras.lon[of], cameras.lat[of])
    per_lon, per_lat = metres_per_degree_many(cameras.lat[of])
    wide, high = per_lon / walls.per_lon, per_lat / walls.per_lat
    x0, y0, x1, y1 = (x0 - east) * wide, (y0 - north) * high, (x1 - east) * wide, (y1 - north) * high
    dx, dy = x1 - x0, y1 - y0
    square = dx * dx + dy * dy
    share = np.clip(-(x0 * dx + y0 * dy) / np.where(square > 0.0, square, 1.0), 0.0, 1.0)
    far = np.hypot(x0 + share * dx, y0 + share * dy)
    # Going east from the camera: inside when an odd number of edges is crossed.
    crosses = (y0 > 0.0) != (y1 > 0.0)
    ahead = crosses & (x0 - y0 * dx / np.where(crosses, dy, 1.0) > 0.0)
    starts = np.flatnonzero(np.diff(pair, prepend=-1))
    return np.add.reduceat(ahead.astype(np.int64), starts) % 2 == 1, np.minimum.reduceat(far, starts)
