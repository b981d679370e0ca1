"""Which cameras see a place: the rules of docs/sight.md, for one place or for many."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from gisgrid.errors import ParameterError
from gisgrid.locator.footprints import FootprintTable
from gisgrid.locator.ground import earth_centred, earth_centred_point
from gisgrid.locator.points import PointTable
from gisgrid.sight.answers import BLOCKED, NO_CAMERA, PROBABLY_SEES, SEES, STATES, Blocker, Sighting, Sightings
from gisgrid.sight.blocking import Scene
from gisgrid.sight.hosts import NO_HOST, Hosts
from gisgrid.sight.judging import LOOPS, SAME_PLACE_M, Judged, Verdict, judge
from gisgrid.sight.reasons import Case, reason
from gisgrid.sight.views import Camera, Cameras
from gisgrid.sight.walls import Walls

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

HIGHEST_M = 1000.0
"""The greatest height of a place."""

_PIECE = 16_384
# Where no camera looks farther, all that are as near are taken at once: that is quicker than ranking them.
_ALL_WITHIN_M = 500.0
# Those of a district rather than of a test: somebody is going to ask for them.
_MANY_CAMERAS = 1000


class Place(NamedTuple):
    """A place (degrees, WGS 84) and its height above the ground in metres."""

    lon: float
    lat: float
    height_m: float


class SightIndex:
    """The cameras and the buildings of a town, ready to be asked who sees a place. Never changed: any thread may ask."""

    def __init__(self, cameras: PointTable, buildings: FootprintTable) -> None:
        self._set(Cameras(cameras), Walls(buildings), cameras, buildings)

    def _set(self, optics: Cameras, walls: Walls, cameras: PointTable, buildings: FootprintTable) -> None:
        self.cameras, self.buildings = cameras, buildings
        self._scene = Scene(optics, walls, Hosts(optics, walls))
        self._places = earth_centred(optics.lon, optics.lat)
        self._tree = cKDTree(self._places) if len(cameras.ids) else None
        # What is not found has the row after the last one.
        self._reach = np.append(optics.range + SAME_PLACE_M, np.nan)
        self._farthest = float(np.nanmax(optics.range, initial=0.0))
        self._floors = buildings.fields.index("floors") if "floors" in buildings.fields else None
        self._height = buildings.fields.index("height_m") if "height_m" in buildings.fields else None

    def replaced(self, *, cameras: PointTable | None = None, buildings: FootprintTable | None = None) -> SightIndex:
        """Return an index of other tables; what hangs on the one that is not given is kept, which saves most of the work."""
        new = object.__new__(SightIndex)
        optics = self._scene.cameras if cameras is None else Cameras(cameras)
        walls = self._scene.walls if buildings is None else Walls(buildings)
        new._set(optics, walls, self.cameras if cameras is None else cameras, self.buildings if buildings is None else buildings)
        return new

    def prepare(self) -> None:
        """See to it that the compiled loop is loaded before the first questions, for so many cameras that there will be a lot of them."""
        if len(self.cameras.ids) >= _MANY_CAMERAS:
            LOOPS.want()

    def look(self, lon: float, lat: float, rows: Sequence[int], target_height_m: float = 0.0) -> list[Sighting]:
        """Return whether each of some cameras sees a place (degrees, WGS 84), ``target_height_m`` metres above the ground.

        ``rows`` are rows of the table of cameras, such as those of the nearest; the answers come in their order. Raises
        ParameterError for a position, a row or a height that cannot be meant.
        """
        _check_place(lon, lat, target_height_m)
        cameras = np.asarray(rows, dtype=np.int64)
        if len(cameras) and not 0 <= cameras.min() <= cameras.max() < len(self.cameras.ids):
            raise ParameterError("rows", "there is no camera in one of the rows.", f"0 to {len(self.cameras.ids) - 1}")
        place = Place(lon, lat, target_height_m)
        found = zip(cameras.tolist(), self._judged(cameras, place).verdicts(), strict=True)
        return [self._sighting(row, verdict, place) for row, verdict in found]

    def look_many(self, lon: Floats, lat: Floats, rows: Longs, target_height_m: float = 0.0) -> Sightings:
        """Return whether cameras see places: degrees of shape (n,), rows of cameras of shape (n, k), -1 where there are fewer.

        A place that is NaN or nowhere gets no answer (state -1). Works in pieces: beyond the answer it needs some tens of megabytes. Raises
        ParameterError for shapes, rows or a height that cannot be meant.
        """
        _check_height(target_height_m)
        lon, lat, rows = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64), np.asarray(rows, dtype=np.int64)
        if lon.ndim != 1 or lat.shape != lon.shape or rows.ndim != 2 or len(rows) != len(lon):
            raise ParameterError("rows", f"shapes {lon.shape}, {lat.shape} and {rows.shape} do not fit.", "(n,), (n,) and (n, k)")
        if rows.size and rows.max() >= len(self.cameras.ids):
            raise ParameterError("rows", "there is no camera in one of the rows.", f"-1 to {len(self.cameras.ids) - 1}")
        result = _no_sightings(rows.shape)
        asked = np.flatnonzero((rows >= 0) & (np.isfinite(lon) & (np.abs(lat) <= 90.0))[:, None])
        flat: list[NDArray[Any]] = [values.reshape(-1) for values in result]
        for begin in range(0, len(asked), _PIECE):
            at = asked[begin : begin + _PIECE]
            place = at // rows.shape[1]
            judged = judge(self._scene, rows.reshape(-1)[at], lon[place], lat[place], target_height_m)
            for whole, piece in zip(flat, judged, strict=False):  # the last, doubts, is for reasons only
                whole[at] = piece
        return result

    def seeing(self, lon: float, lat: float, k: int, target_height_m: float = 0.0) -> list[tuple[int, Sighting]]:
        """Return the ``k`` cameras (rows) nearest to a place (degrees, WGS 84) that see or probably see it, nearest first, and how.

        Cameras equally far come in the order of their codes. Raises ParameterError for a position or a height that cannot be meant.
        """
        _check_place(lon, lat, target_height_m)
        place = Place(lon, lat, target_height_m)
        return [(row, self._sighting(row, verdict, place)) for row, verdict in self._seeing(place, k)]

    def _seeing(self, place: Place, k: int) -> list[tuple[int, Verdict]]:
        if self._tree is None or k < 1:
            return []
        centre, reach = earth_centred_point(place.lon, place.lat), self._farthest + SAME_PLACE_M
        if reach < _ALL_WITHIN_M:
            around = np.array(self._tree.query_ball_point(centre, reach), dtype=np.int64)
            away = self._places[around] - centre
            return self._seeing_of(around[np.sqrt(np.einsum("ij,ij->i", away, away)) <= self._reach[around]], place, k, math.inf)
        size, wanted = len(self.cameras.ids), max(8 * k, 2)
        while True:
            straight, row = self._tree.query(centre, k=wanted, distance_upper_bound=reach)
            near = straight <= self._reach[row]
            # Those not fetched are not nearer than the last that was.
            whole = row[-1] == size
            limit_m = math.inf if whole else float(straight[-1]) - SAME_PLACE_M
            found = self._seeing_of(row[near], place, k, limit_m)
            if whole or len(found) == k:
                return found
            wanted *= 4

    def _seeing_of(self, rows: Longs, place: Place, k: int, limit_m: float) -> list[tuple[int, Verdict]]:
        """Return the ``k`` nearest of some cameras that see or probably see a place, none beyond ``limit_m``."""
        verdicts, codes = self._judged(rows, place).verdicts(), self.cameras.codes
        found = [
            (verdict.distance_m, codes[row], row, verdict)
            for row, verdict in zip(rows.tolist(), verdicts, strict=True)
            if verdict.state in (SEES, PROBABLY_SEES) and verdict.distance_m <= limit_m
        ]
        return [(row, verdict) for _, _, row, verdict in sorted(found)[:k]]

    def _judged(self, rows: Longs, place: Place) -> Judged:
        return judge(self._scene, rows, np.full(len(rows), place.lon), np.full(len(rows), place.lat), place.height_m)

    def _sighting(self, row: int, verdict: Verdict, place: Place) -> Sighting:
        camera, building = self._scene.cameras.one(row), verdict.building
        state, distance_m = STATES[verdict.state], verdict.distance_m
        share, bearing = (None if math.isnan(value) else value for value in (verdict.share, verdict.bearing_deg))
        open_code, blocker, floors, host = None, None, None, False
        if building >= 0:
            open_code = self.buildings.codes[building]
            if verdict.state == BLOCKED:
                blocker, floors = self._blocker(camera, place, verdict), self._floors_of(building)
                host = self._scene.hosts.kinds(np.array([row]), np.array([building]))[0] != NO_HOST
        case = Case(state, verdict.doubts, distance_m, share, camera.off(bearing), camera, open_code, blocker, floors, bool(host))
        return Sighting(self.cameras.ids[row], state, share, distance_m, bearing, reason(case), blocker)

    def _blocker(self, camera: Camera, place: Place, verdict: Verdict) -> Blocker:
        building = verdict.building
        share, mount = verdict.met_m / verdict.distance_m, camera.mount or 0.0
        return Blocker(
            self.buildings.ids[building],
            self.buildings.codes[building],
            camera.lon + share * (place.lon - camera.lon),
            camera.lat + share * (place.lat - camera.lat),
            verdict.met_m,
            mount + share * (place.height_m - mount),
            float(self._scene.walls.roof[building]),
        )

    def _floors_of(self, building: int) -> float | None:
        """Return the number of floors that the height of a roof was reckoned from; None if the height is recorded."""
        row = self.buildings.rows[building]
        height = None if self._height is None else row[self._height]
        recorded = isinstance(height, (int, float)) and height > 0.0
        return None if recorded or self._floors is None else row[self._floors]  # type: ignore[return-value]


def _no_sightings(shape: tuple[int, ...]) -> Sightings:
    share, distance, bearing, met = (np.full(shape, np.nan) for _ in range(4))
    return Sightings(np.full(shape, NO_CAMERA, dtype=np.int8), share, distance, bearing, np.full(shape, -1, dtype=np.int64), met)


def _check_place(lon: float, lat: float, height_m: float) -> None:
    _check_height(height_m)
    if not (math.isfinite(lon) and -90.0 <= lat <= 90.0):
        raise ParameterError("lon, lat", f"({lon:g}, {lat:g}) is no position.", "degrees, WGS 84")


def _check_height(height_m: float) -> None:
    if not 0.0 <= height_m <= HIGHEST_M:
        raise ParameterError("target_height_m", f"{height_m:g} is no height of a place.", f"metres from 0 to {HIGHEST_M:g}")
