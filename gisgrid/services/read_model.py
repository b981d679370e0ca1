"""The read model: all that lookups need, in memory, loaded in one snapshot and kept current by the change feed."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Collection, Mapping
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

from gisgrid.addresses.parsers import parser_of
from gisgrid.crs import Crs, check_point, to_wgs84
from gisgrid.db import Database, reading
from gisgrid.db.changes import Batch, ChangeFeed, ChangeReader
from gisgrid.db.standing import StandingReader
from gisgrid.deployment import Deployment, load_deployment
from gisgrid.errors import DatabaseError, NotFoundError
from gisgrid.locator import FootprintIndex, Locator, PointIndex
from gisgrid.services.answers import BUILDING_WITHIN_M, POINT_LAYERS
from gisgrid.services.documents import building_document
from gisgrid.services.freshness import Currency, Freshness
from gisgrid.services.history import AreasThen
from gisgrid.services.snapshot import NOT_HELD, Snapshot, catch_up, read_snapshot, turned
from gisgrid.settings import Settings
from gisgrid.types import Location, Neighbour

_log = logging.getLogger(__name__)

_RETRY_S = 0.5
_TICK_S = 0.5
_SOON_S = 0.3
# The clock of the database, by which units are read, may be behind this much.
_CLOCKS = timedelta(seconds=5)


class ReadModel:
    """Answers lookups from memory. Any thread may ask; ``follow`` replaces the data when the database has changed.

    Make one with ``load``. Whoever asks more than one thing for one answer takes ``snapshot`` once and asks that, so that
    no answer mixes two versions. ``currency`` says how current the answers are: while the database is away they go on from
    what was last read.
    """

    def __init__(self, database: Database, deployment: Deployment, settings: Settings, snapshot: Snapshot, read_at: float) -> None:
        self._database, self._settings = database, settings
        self.deployment = deployment
        self.snapshot = snapshot
        self._freshness = Freshness(read_at)
        self._feed: ChangeFeed | None = None
        self._reader: StandingReader | None = None
        self._reloading = threading.Lock()
        self._wanted = asyncio.Event()
        self._whole: set[str] = set()
        self._soon: asyncio.TimerHandle | None = None

    @classmethod
    def load(cls, database: Database, settings: Settings) -> ReadModel:
        """Return a read model of what ``database`` holds now; raises DatabaseError when it cannot be read."""
        deployment = load_deployment(settings.deployment)
        with reading.snapshot(database) as connection:
            read_at = time.monotonic()
            snapshot = read_snapshot(connection, database, settings.doubt_m, parser_of(deployment))
        return cls(database, deployment, settings, snapshot, read_at)

    @property
    def database_is_up(self) -> bool:
        """Whether the change feed is being heard."""
        return self._freshness.is_up

    def currency(self) -> Currency:
        """Return how current the answers are at this moment."""
        if self._feed is not None and self._feed.looked_at is not None:
            self._freshness.looked(self._feed.looked_at)
        return self._freshness.at(time.monotonic())

    @property
    def version(self) -> int:
        """The version of the data: the number of the last change that it holds."""
        return self.snapshot.version

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

    def areas_at(self, instant: datetime, features: Collection[str] = ()) -> AreasThen:
        """Return what was served at an instant (an aware datetime): areas, responsible units and features of then.

        What is past is read when it is asked for first: the areas here, ``features`` (of FEATURES_THEN, or ``sight``) here too, others
        when they are taken from the answer. Raises ParameterError when nothing was served then, DatabaseError when something
        has to be read and cannot.
        """
        now = self.snapshot
        return now.history.at(instant, now, features)

    def areas_at_hand(self, instant: datetime, features: Collection[str] = ()) -> AreasThen | None:
        """Return what ``areas_at`` does if that takes no reading and no building, else None."""
        now = self.snapshot
        return now.history.at_hand(instant, now, features)

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

    def prepare(self) -> None:
        """Make what requests would else have to wait for when they ask for it first."""
        self._prepare_lookups()
        self.snapshot.gazetteer.prepare()
        self.snapshot.sight.prepare()

    def _prepare_lookups(self) -> None:
        """Make what lookups need; a gazetteer takes longer, and until it is made the one before it answers."""
        self.snapshot.locator.prepare()
        self.snapshot.sights.get()
        for index in self.features.values():
            index.prepare()

    def refresh(self, whole: Collection[str] = ()) -> None:
        """Read what has changed since the last time, and the layers ``whole`` in any case; then answer from that.

        Addresses are answered from the gazetteer of before until ``prepare``, or what follows the feed, has made the new one.
        Raises DatabaseError when the database cannot be read; the answers then stay as they were.
        """
        with self._reloading:
            mark, began = self._freshness.begin(), time.monotonic()
            with self._reader.snapshot() if self._reader else reading.snapshot(self._database) as connection:
                self.snapshot = catch_up(connection, self._database, self._settings.doubt_m, self.snapshot, whole)
            self._freshness.done(mark, began)
            # In this thread and not in that of a request; until it is made, those that ask for it wait.
            self._prepare_lookups()

    async def follow(self, changes: ChangeReader | None = None) -> None:
        """Keep the data current until cancelled: a change is in the answers within a second of its commit.

        When the database is lost, the last data stay; when it comes back, what was missed is read. ``changes`` is what reads the
        change feed for others too.
        """
        self._feed = ChangeFeed(self._database.url, self.snapshot.position, reader=changes)
        self._wanted, self._refreshed = asyncio.Event(), asyncio.Event()
        self._reader = StandingReader(self._database)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._hear(self._feed), name="hearing of changes")
                tasks.create_task(self._keep_up(), name="reading changes")
                tasks.create_task(self._keep_gazetteer(), name="making gazetteers")
                tasks.create_task(self._keep_time(), name="units by the clock")
        finally:
            # A thread may still be reading: whoever stops following waits for it.
            await asyncio.to_thread(self._stop_reading)

    async def _keep_time(self) -> None:
        """Let periods of responsible units begin and end by themselves, within a second; no change tells of it."""
        history, due = None, None
        while True:
            now = datetime.now(UTC)
            if history is not self.snapshot.history:
                history = self.snapshot.history
                due = history.roles_change_after(now - _CLOCKS)
            if due is not None and due <= now:
                await asyncio.to_thread(self._turn, now)
                due = history.roles_change_after(now)
            await asyncio.sleep(_TICK_S)

    def _turn(self, now: datetime) -> None:
        with self._reloading:
            self.snapshot = turned(self.snapshot, now)

    def _stop_reading(self) -> None:
        with self._reloading:
            if self._reader is not None:
                self._reader.close()
                self._reader = None

    async def _hear(self, feed: ChangeFeed) -> None:
        async with aclosing(feed.follow()) as batches:
            async for batch in batches:
                self._heard(feed, batch)

    def _heard(self, feed: ChangeFeed, batch: Batch) -> None:
        """Take note of what the feed has told; wake the reader when there is something to read."""
        state = self._freshness
        if not batch.connected:
            state.lost()
            return
        if batch.changes:
            # What was told before that is all read, or it is being waited for.
            state.looked(feed.looked_before or 0.0)
            state.changed()
            # Changes of another server are in no feed that could be read again.
            self._whole |= {change.layer for change in batch.changes if change.bounds is None}
        state.connected()
        if state.is_waiting:
            self._want(at_once=not batch.changes or any(change.layer not in NOT_HELD for change in batch.changes))

    def _want(self, *, at_once: bool) -> None:
        """Wake the reader; for what changes nothing here but the version, as cases do by the hundred, after a moment and once."""
        if at_once:
            self._wanted.set()
        elif self._soon is None or self._soon.when() <= asyncio.get_running_loop().time():
            self._soon = asyncio.get_running_loop().call_later(_SOON_S, self._wanted.set)

    async def _keep_gazetteer(self) -> None:
        """Make the gazetteer of the latest snapshot whenever there is a new one; other changes do not wait for it."""
        while True:
            await self._refreshed.wait()
            self._refreshed.clear()
            await asyncio.to_thread(self.snapshot.gazetteer.prepare)

    async def _keep_up(self) -> None:
        """Read whenever there is something to read; what comes in meanwhile is read together after it."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            whole, self._whole = self._whole, set()
            try:
                await asyncio.to_thread(self.refresh, whole)
                self._refreshed.set()
            except DatabaseError as error:
                _log.warning("A change cannot be read, answers stay as they are: %s", error.message)
                self._whole |= whole
                await asyncio.sleep(_RETRY_S)
                # While the database is away the feed tells when it is back.
                if self._freshness.is_up:
                    self._wanted.set()
