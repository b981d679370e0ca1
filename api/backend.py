"""What stands behind the routes of one server process: the read model, the tiles, and their life from start to stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from api.plain import PlainAnswers
from gisgrid.db import open_database
from gisgrid.deployment import load_deployment
from gisgrid.errors import UnavailableError
from gisgrid.services import ReadModel
from gisgrid.settings import Settings
from tiles import TileReader, TileService

_logger = logging.getLogger(__name__)

_RESTART_AFTER_S = 1.0


class Backend:
    """The parts that answer requests; empty until ``running`` has started them.

    ``model`` answers lookups from memory, ``tiles`` makes tiles from PostGIS. Both go on when the database goes away.
    """

    model: ReadModel
    plain: PlainAnswers
    tiles: TileService

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.deployment = load_deployment(settings.deployment)
        self._follower: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Load the read model and keep it current while the context lasts; raises DatabaseError when PostGIS is not there."""
        database = await asyncio.to_thread(open_database, self.settings)
        self.model = await asyncio.to_thread(ReadModel.load, database, self.settings)
        self.plain = PlainAnswers(self.model)
        await asyncio.to_thread(self.model.prepare)
        limits = self.settings.api
        self.tiles = TileService(TileReader(database.url, limits.pool_size, limits.statement_timeout_ms), self.deployment)
        await self.tiles.open()
        self._follower = asyncio.create_task(self._follow(), name="change feed")
        try:
            yield
        finally:
            self._follower.cancel()
            with suppress(asyncio.CancelledError):
                await self._follower
            await self.tiles.close()

    async def _follow(self) -> None:
        """Keep the read model current; a fault in following must not leave it stale for ever, so it is taken up again."""
        while True:
            try:
                await self.model.follow()
            except Exception:
                _logger.exception("following the change feed failed, starting again")
            await asyncio.sleep(_RESTART_AFTER_S)

    async def reasons_not_ready(self) -> list[str]:
        """Return what keeps this process from answering everything at its best; empty when it is ready."""
        reasons = []
        currency = self.model.currency()
        if not currency.database_is_up:
            reasons.append("The change feed has lost the database: lookups answer from memory and may be out of date.")
        elif currency.is_stale:
            reasons.append("Lookups have not caught up with the database: they answer from memory and may be out of date.")
        if self._follower is None or self._follower.done():
            reasons.append("The change feed is not followed.")
        try:
            await self.tiles.ping()
        except UnavailableError:
            reasons.append("PostGIS does not answer: tiles cannot be made.")
        return reasons
