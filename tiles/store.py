"""Tiles that are kept and never stale: the cache, what is on its way to it, and the change feed that both follow.

Why a tile that is served from here shows everything that was committed when the change feed was last looked at:

- A tile is made by one statement, so by one snapshot Q of the database, taken after its flight began.
- What Q does not see becomes visible later, so a look of the feed that tells of it has a snapshot after Q, and is heard after
  the flight began: while the flight is under way, or after its tile was kept.
- What is heard is applied, without a pause between hearing and applying, to the tiles that are kept, which go, and to the flights
  under way, whose tiles are not kept and which nobody joins any more. So of a tile that is kept no change was heard since its
  flight began that touches it; hence nothing is visible to the last look that Q did not see.
- That holds for as long as the feed goes on from where it was, also over a loss of the connection. A flight that began before the
  feed had its first look, or under a feed before the present one, is not kept, and with a new feed everything goes.
- What is kept is served only while the last look is younger than ``LATE_S``. While it is older, tiles are made afresh (and kept:
  what was missed will be told and applied); when PostGIS cannot make one either, the kept one is served, marked ``stale``.

Every process has a store of its own; nothing is shared between processes but PostGIS.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from typing import Any, NamedTuple

from gisgrid.db.changes import Batch, ChangeFeed, ChangeReader
from gisgrid.errors import UnavailableError
from gisgrid.services.freshness import LATE_S
from tiles.cache import KeptTile, TileCache
from tiles.encoding import EncodedTile
from tiles.flights import Flight, Flights
from tiles.request import TileRequest

_log = logging.getLogger(__name__)

# How many changes are applied before requests get a turn again.
_AT_A_TIME = 64


class Counts(NamedTuple):
    """What a store has done since its process began.

    ``hits`` were served from memory, ``joined`` shared a tile that was on its way, ``made`` were made, ``stale`` served although
    PostGIS was away. ``touched`` have gone because a change touched them, ``evicted`` to make room; ``tiles`` and ``bytes`` are
    kept now. ``changes`` is how many were heard of.
    """

    hits: int
    joined: int
    made: int
    stale: int
    touched: int
    evicted: int
    tiles: int
    bytes: int
    changes: int


class TileStore:
    """Serves tiles from memory, and lets ``make`` make those that are not there; ``most_bytes`` is what may be kept. For one event loop.

    Nothing is kept unless ``follow`` is running.
    """

    def __init__(self, make: Callable[[TileRequest], Coroutine[Any, Any, EncodedTile]], most_bytes: int) -> None:
        self._make = make
        self._cache = TileCache(most_bytes)
        self._get = self._cache.get
        self._flights = Flights(self._fly)
        self._feed: ChangeFeed | None = None
        self._is_connected = False
        # Begun when the present feed had its first look; which flights began since then is told by identity.
        self._epoch: object | None = None
        self.hits = 0
        """How many tiles were served from memory."""
        self._made = self._stale = self._changes = 0

    @property
    def is_current(self) -> bool:
        """Whether what is kept is known to be right at this moment."""
        feed = self._feed
        return self._is_connected and feed is not None and feed.looked_at is not None and time.monotonic() - feed.looked_at < LATE_S

    @property
    def counts(self) -> Counts:
        """What has been done so far."""
        cache = self._cache
        return Counts(
            self.hits,
            self._flights.joined,
            self._made,
            self._stale,
            cache.touched,
            cache.evicted,
            len(cache),
            cache.bytes,
            self._changes,
        )

    def kept(self, request: TileRequest) -> EncodedTile | None:
        """Return a tile that is kept and right at this moment, else None; costs a look into a dictionary."""
        kept = self._get(request)
        if kept is None or not self.is_current:
            return None
        kept.used = True
        self.hits += 1
        return kept.tile

    def entry(self, request: TileRequest) -> KeptTile | None:
        """Return what is kept for a request, right or not, to be held on to.

        Its ``tile`` may be served while it is there and ``is_current`` holds at that moment; then ``used`` is set, and ``hits`` counted up.
        """
        return self._get(request)

    async def tile(self, request: TileRequest) -> EncodedTile:
        """Return a tile: the one that is kept, one that is on its way, or a new one.

        Whoever stops waiting ends the making of it when nobody else waits. When it cannot be made because PostGIS is away or busy,
        the kept one is returned, marked as stale, and the error raised where there is none.
        """
        kept = self.kept(request)
        if kept is not None:
            return kept
        try:
            return await self._flights.tile(request, is_heard=self.is_current)
        except UnavailableError:
            old = self._get(request)
            if old is None or old.tile is None:
                raise
            self._stale += 1
            return old.tile._replace(stale=True)

    async def follow(self, url: str, changes: ChangeReader | None = None) -> None:
        """Follow the change feed of the database at ``url`` until cancelled; tiles are kept meanwhile.

        ``changes`` is what reads the feed for others too.
        """
        feed = ChangeFeed(url, reader=changes)
        self._forget(feed)
        try:
            async with aclosing(feed.follow()) as batches:
                async for batch in batches:
                    await self._heard(batch)
        finally:
            self._forget(None)

    async def _heard(self, batch: Batch) -> None:
        """Apply what the feed has told.

        Between pieces of a long batch requests get a turn: they may be served what was right a moment ago, and what they make
        meanwhile is newer than the changes that are still to be applied, or is touched by them.
        """
        if batch.connected and self._epoch is None:
            self._epoch = object()
        for number, change in enumerate(batch.changes, 1):
            self._changes += 1
            self._flights.touch(change)
            self._cache.drop(change)
            if number % _AT_A_TIME == 0:
                await asyncio.sleep(0)
        if self._is_connected and not batch.connected:
            _log.warning("The change feed of the tiles is lost: each tile is made afresh.")
        self._is_connected = batch.connected

    def _forget(self, feed: ChangeFeed | None) -> None:
        """Begin anew with a feed: nothing that was kept or begun before is told of by it."""
        self._feed, self._is_connected, self._epoch = feed, False, None
        self._flights.touch_all()
        self._cache.clear()

    async def _fly(self, flight: Flight) -> EncodedTile:
        epoch = self._epoch
        tile = await self._make(flight.request)
        self._made += 1
        if epoch is not None and epoch is self._epoch and not flight.touched:
            self._cache.put(flight.request, tile)
        return tile
