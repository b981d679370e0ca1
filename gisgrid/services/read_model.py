"""The read model: all that lookups need, in memory, loaded in one snapshot and kept current by the change feed."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

import psycopg

from gisgrid.crs import Crs, check_point, to_wgs84
from gisgrid.db import Database, reading
from gisgrid.db.changes import ChangeFeed, Position
from gisgrid.db.periods import read_periods
from gisgrid.deployment import Deployment, load_deployment
from gisgrid.errors import DatabaseError, NotFoundError
from gisgrid.layers import AREA_LAYERS
from gisgrid.locator import AreaIndex, FootprintIndex, Locator, PointIndex, Roles
from gisgrid.services.documents import building_document
from gisgrid.services.history import AreasThen, History
from gisgrid.settings import Settings
from gisgrid.types import Level, Location, Neighbour

_log = logging.getLogger(__name__)

POINT_LAYERS = ("cameras", "manhole_covers")
"""The layers whose nearest features can be asked for."""

BUILDING_WITHIN_M = 5.0
"""A point this near to a building counts as at it: positions are that good at best."""

_ROLE_LAYERS = {"organizations", "area_roles"}
_RETRY_S = 0.5


class Snapshot(NamedTuple):
    """Everything at one position of the change feed; never changed, only replaced as a whole."""

    position: Position
    areas: Mapping[Level, AreaIndex]
    roles: Roles
    locator: Locator
    points: Mapping[str, PointIndex]
    footprints: FootprintIndex
    history: History


class ReadModel:
    """Answers lookups from memory. Any thread may ask; ``follow`` replaces the data when the database has changed.

    Make one with ``load``. ``database_is_up`` tells whether the change feed is being heard: while it is not, answers go on
    from what was last read, and may be out of date.
    """

    def __init__(self, database: Database, deployment: Deployment, settings: Settings, snapshot: Snapshot) -> None:
        self._database, self._settings = database, settings
        self.deployment = deployment
        self.snapshot = snapshot
        self.database_is_up = True
        self._reloading = threading.Lock()

    @classmethod
    def load(cls, database: Database, settings: Settings) -> ReadModel:
        """Return a read model of what ``database`` holds now; raises DatabaseError when it cannot be read."""
        deployment = load_deployment(settings.deployment)
        with reading.snapshot(database) as connection:
            snapshot = _read(connection, database, settings.doubt_m, None, ())
        return cls(database, deployment, settings, snapshot)

    @property
    def version(self) -> int:
        """The version of the data: the number of the last change that it holds."""
        return self.snapshot.position.version

    @property
    def default_crs(self) -> str | None:
        """The coordinate system that the settings assume where none is named; None when they assume none."""
        return self._settings.default_crs

    @property
    def locator(self) -> Locator:
        """The index of areas."""
        return self.snapshot.locator

    @property
    def features(self) -> Mapping[str, PointIndex | FootprintIndex]:
        """The indices of features by layer."""
        return {**self.snapshot.points, "buildings": self.snapshot.footprints}

    def to_wgs84(self, first: float, second: float, crs: Crs) -> tuple[float, float]:
        """Return WGS 84 longitude and latitude of a position in ``crs``.

        Raises ParameterError naming the coordinate that cannot be meant, also when the two look exchanged.
        """
        lon, lat = to_wgs84(crs, first, second)
        west, south, east, north = self.deployment.bounds
        if not (west <= lon <= east and south <= lat <= north):
            check_point(crs, first, second, self.deployment.box)
        return lon, lat

    def locate(self, first: float, second: float, crs: Crs, accuracy_m: float | None = None, *, as_of: datetime | None = None) -> Location:
        """Return where a position in ``crs`` lies; ``accuracy_m`` is the radius of its uncertainty in metres.

        With ``as_of`` (an aware datetime) in the areas that were served at that instant; see ``areas_at``.
        Raises ParameterError for a position, an accuracy or an instant that cannot be meant.
        """
        lon, lat = self.to_wgs84(first, second, crs)
        locator = self.snapshot.locator if as_of is None else self.areas_at(as_of).locator
        return locator.locate(lon, lat, accuracy_m)

    def areas_at(self, instant: datetime) -> AreasThen:
        """Return the areas that were served at an instant (an aware datetime).

        Those of the past are read when they are asked for first; the responsible units in them are today's. Raises
        ParameterError when nothing was served then, DatabaseError when they have to be read and cannot.
        """
        now = self.snapshot
        period = now.history.period_at(instant)
        is_now = period.generation == now.history.served
        locator = now.locator if is_now else now.history.locator(period.generation, now.roles)
        return AreasThen(instant, period, locator)

    def areas_at_hand(self, instant: datetime) -> AreasThen | None:
        """Return what ``areas_at`` does if that takes no reading, else None."""
        now = self.snapshot
        period = now.history.period_at(instant)
        is_now = period.generation == now.history.served
        locator = now.locator if is_now else now.history.kept(period.generation, now.roles)
        return None if locator is None else AreasThen(instant, period, locator)

    def nearest(self, layer_id: str, lon: float, lat: float, k: int, radius_m: float | None = None) -> list[Neighbour]:
        """Return the ``k`` features of a point layer nearest to a WGS 84 point, none beyond ``radius_m`` metres if given.

        Raises NotFoundError for a layer that has no nearest features.
        """
        index = self.snapshot.points.get(layer_id)
        if index is None:
            raise NotFoundError(f"There are no nearest features of layer {layer_id!r}.", f"Layers: {', '.join(POINT_LAYERS)}.")
        return index.nearest(lon, lat, k, radius_m)

    def building_at(self, lon: float, lat: float) -> dict[str, object] | None:
        """Return the fields of the building at a WGS 84 point, or of the nearest one if it is only a few metres away."""
        found = self.snapshot.footprints.at(lon, lat, BUILDING_WITHIN_M)
        return None if found is None else building_document(found)

    def refresh(self, layers: Collection[str] = ()) -> None:
        """Read again what has changed since the last time, and ``layers`` in any case; then answer from that.

        Raises DatabaseError when the database cannot be read; the answers then stay as they were.
        """
        with self._reloading, reading.snapshot(self._database) as connection:
            self.snapshot = _read(connection, self._database, self._settings.doubt_m, self.snapshot, layers)

    async def follow(self) -> None:
        """Keep the data current until cancelled: a change is in the answers within a second of its commit.

        When the database is lost, the last data stay; when it comes back, what was missed is read.
        """
        feed = ChangeFeed(self._database.url, self.snapshot.position)
        async for batch in feed.follow():
            self.database_is_up = batch.connected
            if batch.changes:
                await self._catch_up({change.layer for change in batch.changes})

    async def _catch_up(self, layers: set[str]) -> None:
        while True:
            try:
                await asyncio.to_thread(self.refresh, layers)
            except DatabaseError as error:
                self.database_is_up = False
                _log.warning("A change cannot be read, answers stay as they are: %s", error.message)
                await asyncio.sleep(_RETRY_S)
            else:
                self.database_is_up = True
                return


def _read(connection: psycopg.Connection, database: Database, doubt_m: float, before: Snapshot | None, layers: Collection[str]) -> Snapshot:
    """Return the snapshot that ``connection`` sees, taking over from ``before`` what has not changed since."""
    position = reading.read_position(connection)
    changed = None if before is None else reading.read_changed(connection, before.position) | set(layers)
    roles = before.roles if before and changed is not None and not changed & _ROLE_LAYERS else reading.read_roles(connection)
    areas = {level: _area_index(connection, level, before, changed) for level in AREA_LAYERS}
    if before and all(areas[level] is before.areas[level] for level in areas):
        locator = before.locator if roles is before.roles else before.locator.with_roles(roles)
    else:
        locator = Locator.from_indices(areas, roles, doubt_m)
    points = {layer_id: _point_index(connection, layer_id, before, changed) for layer_id in POINT_LAYERS}
    if before and changed is not None and "buildings" not in changed:
        footprints = before.footprints
    else:
        footprints = FootprintIndex(reading.read_footprints(connection, "buildings"))
    if before and changed is not None and "generations" not in changed:
        history = before.history
    else:
        history = History(database, read_periods(connection), doubt_m)
    return Snapshot(position, areas, roles, locator, points, footprints, history)


def _area_index(connection: psycopg.Connection, level: Level, before: Snapshot | None, changed: set[str] | None) -> AreaIndex:
    if before and changed is not None and AREA_LAYERS[level].id not in changed and "generations" not in changed:
        return before.areas[level]
    return AreaIndex(reading.read_areas(connection, level))


def _point_index(connection: psycopg.Connection, layer_id: str, before: Snapshot | None, changed: set[str] | None) -> PointIndex:
    if before and changed is not None and layer_id not in changed:
        return before.points[layer_id]
    return PointIndex(reading.read_points(connection, layer_id))
