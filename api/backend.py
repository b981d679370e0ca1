"""What stands behind the routes of one server process: the read model, the tiles, and their life from start to stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

from api.downloads import Downloads
from api.kept import KeptAnswers
from api.plain import PlainAnswers
from api.tilereply import TileReplies
from gisgrid.db import open_database
from gisgrid.db.changes import ChangeReader
from gisgrid.db.features import FeatureReader
from gisgrid.db.features.counting import Counts
from gisgrid.db.features.extent import Extents
from gisgrid.db.features.writing import FeatureWriter
from gisgrid.deployment import Deployment, load_deployment
from gisgrid.errors import UnavailableError
from gisgrid.services import ReadModel
from gisgrid.services.cases.desk import CaseDesk, open_desk
from gisgrid.services.pages import FeaturePages
from gisgrid.settings import Settings
from tiles import TileReader, TileService
from tiles.camera_views import ViewTiles
from tiles.h3 import H3Tiles
from tiles.limits import Limits
from tiles.rasters import RasterService
from tiles.shape_keeper import ShapeKeeper

_logger = logging.getLogger(__name__)

_RESTART_AFTER_S = 1.0
_EDITS_AT_ONCE = 4

Work = Callable[[], Coroutine[Any, Any, None]]
"""Something that goes on until it is cancelled."""


class Backend:
    """The parts that answer requests; empty until ``running`` has started them.

    ``model`` answers lookups from memory, ``tiles`` makes tiles from PostGIS. Both go on when the database goes away.
    """

    model: ReadModel
    plain: PlainAnswers
    tiles: TileService
    features: FeatureReader
    pages: FeaturePages
    edits: FeatureWriter
    cases: CaseDesk
    downloads: Downloads
    extents: Extents
    counts: Counts
    rasters: RasterService
    h3: H3Tiles
    views: ViewTiles
    kept: KeptAnswers
    """Answers for kept tiles in the words in which they were asked for before."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.deployment = load_deployment(settings.deployment)
        self.tile_replies = TileReplies(settings.tiles.max_age_s)
        self._work: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Load the read model and keep it current while the context lasts; raises DatabaseError when PostGIS is not there."""
        database = await asyncio.to_thread(open_database, self.settings)
        self.model = await asyncio.to_thread(ReadModel.load, database, self.settings)
        self.plain = PlainAnswers(self.model)
        await asyncio.to_thread(self.model.prepare)
        # Before the first requests and not beside them; what an edit leaves of it is taken over, the rest made when it is asked for.
        await asyncio.to_thread(self.model.snapshot.gazetteer.get().prepare_roads)
        self.tiles = _tiles(database.url, self.settings, self.deployment)
        await self.tiles.open()
        self.features = FeatureReader(database.url, self.settings.api.pool_size, self.settings.api.statement_timeout_ms)
        await self.features.open()
        self.pages = FeaturePages(self.features, lambda: self.model.snapshot, self.deployment.box)
        self.edits = FeatureWriter(database.url, _EDITS_AT_ONCE, self.settings.api.statement_timeout_ms)
        await self.edits.open()
        self.cases = open_desk(database, self.model, self.settings.api)
        await self.cases.open()
        self.downloads = Downloads(database, self.settings.api)
        self.counts = Counts(self.features, lambda: self.model.snapshot.position)
        self.extents = Extents(self.features, lambda: self.model.version)
        self.rasters = RasterService(database, self.settings)
        self.h3 = H3Tiles(lambda layer_id: self.model.snapshot.points[layer_id])
        self.views = ViewTiles(lambda: self.model.snapshot.sight)
        self.kept = KeptAnswers(self.tiles.store, self.tile_replies)
        # What goes on beside the requests for as long as the server runs: a line each.
        changes = ChangeReader(database.url)
        background: dict[str, Work] = {
            "following the change feed": partial(self.model.follow, changes),
            "following the change feed for tiles": partial(self.tiles.follow, changes),
            "following cases": partial(self.cases.follower.follow, changes),
            "simplifying areas": partial(ShapeKeeper(database.url).run, changes),
        }
        self._work = [asyncio.create_task(_keep_on(name, work), name=name) for name, work in background.items()]
        try:
            yield
        finally:
            await _end(self._work)
            self.rasters.close()
            await asyncio.to_thread(self.downloads.close)
            await self.cases.close()
            await self.edits.close()
            await self.pages.close()
            await self.features.close()
            await self.tiles.close()

    def let_go(self) -> None:
        """End the answers that would go on for ever: the server is about to stop, and waits for those under way."""
        self.cases.follower.end()

    async def reasons_not_ready(self) -> list[str]:
        """Return what keeps this process from answering everything at its best; empty when it is ready."""
        reasons = []
        currency = self.model.currency()
        if not currency.database_is_up:
            reasons.append("The change feed has lost the database: lookups answer from memory and may be out of date.")
        elif currency.is_stale:
            reasons.append("Lookups have not caught up with the database: they answer from memory and may be out of date.")
        reasons += [f"No longer at work: {task.get_name()}." for task in self._work if task.done()]
        try:
            await self.tiles.ping()
        except UnavailableError:
            reasons.append("PostGIS does not answer: tiles cannot be made.")
        return reasons


def _tiles(url: str, settings: Settings, deployment: Deployment) -> TileService:
    reader = TileReader(url, settings.api.pool_size, settings.api.statement_timeout_ms, settings.tiles.max_waiting)
    limits = Limits(settings.tiles.max_features, settings.tiles.max_bytes)
    return TileService(reader, deployment, settings.tiles.cache_bytes, limits)


async def _keep_on(name: str, work: Work) -> None:
    """Do ``work`` until cancelled; a fault in it must not leave answers stale for ever, so it is taken up again."""
    while True:
        try:
            await work()
        except Exception:
            _logger.exception("%s failed, starting again", name)
        await asyncio.sleep(_RESTART_AFTER_S)


async def _end(tasks: Iterable[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task
