"""Following cases: what happens to them, told to all who listen, and new rules, taken up; one look at the database for all."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from datetime import UTC, datetime

import orjson

from gisgrid.db.cases import CaseReader, Happened, KeptCase
from gisgrid.db.changes import Batch, ChangeFeed, ChangeReader
from gisgrid.errors import UnavailableError
from gisgrid.services.cases.showing import happened_document, summary_document

_log = logging.getLogger(__name__)

_MOST_BEHIND = 2000
_PAGE = 500
_RETRY_S = 0.5
_ALONE_S = 1.0

Event = tuple[int, str, bytes]
"""Something that happened: its number, what it was, and the JSON that tells of it."""


class CaseFollower:
    """Tells listeners what happens to cases, in its order, whichever server did it.

    ``listen`` gives what comes; ``on_rules`` is called when the rules of assignment have changed.
    """

    def __init__(self, url: str, reader: CaseReader, on_rules: Callable[[], Awaitable[None]]) -> None:
        self._url, self._reader, self._on_rules = url, reader, on_rules
        self._listeners: set[asyncio.Queue[Event | None]] = set()
        self._last: int | None = None
        self._read_at = 0.0

    async def follow(self, changes: ChangeReader | None = None) -> None:
        """Listen to the change feed until cancelled; ``changes`` is what reads it for others too."""
        feed = ChangeFeed(self._url, layers=(CASES, RULES), reader=changes)
        async with aclosing(feed.follow()) as batches:
            async for batch in batches:
                await self._heard(batch)

    async def listen(self, after: int | None) -> AsyncGenerator[Event | None]:
        """Yield what happens from now on, or after entry ``after`` of the history; None at first, and after a while without anything.

        Ends for a listener who is too far behind. Raises DatabaseError when what was missed cannot be read.
        """
        with self._listening() as queue:
            last = await self._reader.last_happened() if after is None else after
            yield None
            if after is not None:
                async for event in self._missed(after):
                    last = event[0]
                    yield event
            while True:
                try:
                    coming = await asyncio.wait_for(queue.get(), HEARTBEAT_S)
                except TimeoutError:
                    yield None
                    continue
                if coming is None:
                    return
                if coming[0] > last:
                    yield coming

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def end(self) -> None:
        """Let all listeners go."""
        for queue in self._listeners:
            _let_go(queue)

    @contextmanager
    def _listening(self) -> Iterator[asyncio.Queue[Event | None]]:
        queue: asyncio.Queue[Event | None] = asyncio.Queue(_MOST_BEHIND)
        self._listeners.add(queue)
        try:
            yield queue
        finally:
            self._listeners.discard(queue)

    async def _missed(self, after: int) -> AsyncIterator[Event]:
        while True:
            page = await self._reader.happened_since(after, _PAGE)
            for happened, case in page:
                after = happened.id
                yield _event(happened, case)
            if len(page) < _PAGE:
                return

    async def _heard(self, batch: Batch) -> None:
        if not batch.connected:
            return
        layers = {change.layer for change in batch.changes}
        if RULES in layers:
            await self._on_rules()
        if self._last is None or CASES in layers:
            while True:
                try:
                    await self._tell()
                except UnavailableError as error:
                    _log.warning("what happened to cases cannot be read, trying again: %s", error.message)
                    await asyncio.sleep(_RETRY_S)
                else:
                    break

    async def _tell(self) -> None:
        """Tell what is new; without listeners there is nobody to tell, and nothing is read but where it ends, now and then."""
        now = time.monotonic()
        if self._last is not None and not self._listeners and now < self._read_at + _ALONE_S:
            # Who comes now is told of that too, and has seen it.
            return
        if self._last is None or not self._listeners:
            self._read_at = now
            last = await self._reader.last_happened()
            if self._last is None:
                # Whoever has come before the first look may have missed something; they come back with what they had.
                self.end()
            if self._last is None or not self._listeners:
                self._last = last
                return
        async for event in self._missed(self._last):
            self._last = event[0]
            for queue in tuple(self._listeners):
                try:
                    queue.put_nowait(event)
                except asyncio.QueueFull:
                    self._listeners.discard(queue)
                    _let_go(queue)


HEARTBEAT_S = 15.0
"""After so long without anything listeners get a sign of life."""

CASES = "cases"
"""What the change feed calls cases."""

RULES = "assignment_rules"
"""What the change feed calls the rules of assignment."""


def _event(happened: Happened, case: KeptCase) -> Event:
    document = happened_document(happened) | {"case": summary_document(case, datetime.now(UTC))}
    return happened.id, happened.action, orjson.dumps(document)


def _let_go(queue: asyncio.Queue[Event | None]) -> None:
    while queue.full():
        queue.get_nowait()
    queue.put_nowait(None)
