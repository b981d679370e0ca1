"""Keeping the shapes of areas current: after every change of areas, in the background of a server process."""

from __future__ import annotations

import asyncio
import logging
import threading
from contextlib import aclosing

from gisgrid.db import Database
from gisgrid.db.changes import ChangeFeed, ChangeReader
from gisgrid.errors import DatabaseError
from gisgrid.layers import AREA_LAYERS
from tiles.shapes import refresh

_logger = logging.getLogger(__name__)

_WATCHED = {"generations", *(layer.id for layer in AREA_LAYERS.values())}
# Edits seldom come alone: a short wait lets those that follow at once share the work.
_SETTLE_S = 0.2
_FIRST_RETRY_S = 0.5
_LONGEST_RETRY_S = 5.0


class ShapeKeeper:
    """Makes the shapes that areas lack, at the start and whenever areas have changed, a moment later.

    Any number of processes may have one: the database lets one of them work at a time. ``url`` is a PostgreSQL address.
    """

    def __init__(self, url: str) -> None:
        self._database = Database(url)
        self._is_wanted = threading.Event()

    async def run(self, changes: ChangeReader | None = None) -> None:
        """Go on for ever; while the database is away, wait for it. End it by cancelling it.

        ``changes`` is what reads the change feed for others too.
        """
        feed = ChangeFeed(self._database.url, layers=_WATCHED, reader=changes)
        self._is_wanted.set()
        is_heard = False
        try:
            async with aclosing(feed.follow()) as batches:
                async for batch in batches:
                    # What happened while the feed was lost, or before it was first heard, may have been anything.
                    if batch.connected and (not is_heard or batch.changes):
                        await asyncio.sleep(_SETTLE_S)
                        await self._bring_up_to_date()
                    is_heard = batch.connected
        finally:
            self._is_wanted.clear()

    async def _bring_up_to_date(self) -> None:
        """Refresh until no area lacks its shapes."""
        pause = _FIRST_RETRY_S
        while True:
            try:
                if await asyncio.to_thread(self._refresh):
                    return
            except DatabaseError as error:
                _logger.info("The shapes of areas wait: %s", error)
            except Exception:
                # Without shapes areas are drawn in full: no reason to stop, nor to fail again and again before anything changes.
                _logger.exception("The shapes of areas could not be made")
                return
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_RETRY_S)

    def _refresh(self) -> bool:
        with self._database.connect() as connection:
            done = refresh(connection, is_wanted=self._is_wanted.is_set)
        if done.written:
            _logger.info("Shapes of areas for small scales: %d made, %d removed", done.written, done.removed)
        return done.is_complete
