"""Following the change feed: every change exactly once, although their numbers do not become visible in order."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any, LiteralString, NamedTuple

import psycopg

from gisgrid.db.database import Database, first_line
from gisgrid.layers import LAYERS
from gisgrid.types import Bounds

logger = logging.getLogger(__name__)

CHANNEL: LiteralString = "gisgrid_changes"
"""The name that triggers NOTIFY under when a transaction with changes commits."""

_TABLES = ("components", "organizations", "area_roles", "place_names", "generations", "assignment_rules")
EVERYTHING = (*(layer.id for layer in LAYERS), *_TABLES)
"""Every name that a change may have as its layer."""

_POLL_S = 1.0
_APART_S = 0.1
_FIRST_RETRY_S = 0.25
_LONGEST_RETRY_S = 5.0
_ANSWER_S = 10.0

# One statement, so that the rows and the oldest transaction still running are seen in the same snapshot.
_POSITION = """
SELECT pg_snapshot_xmin(pg_current_snapshot())::text,
       coalesce((SELECT max(id) FROM gisgrid.changes), 0),
       coalesce((
           SELECT array_agg(ARRAY[c.xid::text, c.id::text]) FROM gisgrid.changes c
           WHERE c.xid >= pg_snapshot_xmin(pg_current_snapshot())
       ), '{}')
"""
_SINCE = """
SELECT pg_snapshot_xmin(pg_current_snapshot())::text, c.xid::text, c.id, c.layer, c.rows, c.west, c.south, c.east, c.north, c.changed_at,
       c.places
FROM (SELECT) AS once LEFT JOIN gisgrid.changes c ON c.xid >= %s::text::xid8
ORDER BY c.id
"""
_LISTEN = f"LISTEN {CHANNEL}"


class Change(NamedTuple):
    """One change: the layer that an edit touched, and where.

    ``bounds`` (degrees, WGS 84) covers the places before and after; None means anywhere. ``rows`` is how many rows came
    out different, ``id`` the number in the feed. ``places`` are the boxes of each row before and after, where few were
    touched; ``boxes`` what is known best of where the change was, and nothing when it may have been anywhere.
    """

    id: int
    layer: str
    bounds: Bounds | None
    changed_at: datetime
    rows: int
    places: tuple[Bounds, ...] = ()

    @property
    def boxes(self) -> tuple[Bounds, ...]:
        """The places one by one, or the box of all of them."""
        return self.places or (() if self.bounds is None else (self.bounds,))

    @property
    def is_of_drawing(self) -> bool:
        """Whether no row is another one, but rows there are drawn in another way than before."""
        return self.rows == 0 and self.bounds is not None


class Position(NamedTuple):
    """How far a reader has come: everything of transactions before ``watermark``, and ``seen`` (transaction, id) beyond it.

    ``version`` is the highest number of a change that was visible.
    """

    watermark: int
    seen: frozenset[tuple[int, int]]
    version: int


class Batch(NamedTuple):
    """What a reader learns at once: ``connected`` says whether the database can be heard; ``changes`` in order of their ids."""

    changes: tuple[Change, ...]
    connected: bool
    version: int


def position(connection: psycopg.Connection[Any]) -> Position:
    """Return the position of ``connection``'s snapshot: what it sees is exactly what a feed from there leaves out.

    Inside a REPEATABLE READ transaction that is the snapshot that all its statements read.
    """
    return _read_position(connection.execute(_POSITION).fetchall())


def changes_since(connection: psycopg.Connection[Any], before: Position) -> tuple[Position, list[Change]] | None:
    """Return the position of ``connection``'s snapshot, and what it shows otherwise than one at ``before`` did.

    None when the server's transactions lie before that position: it is another server, and everything may have changed.
    """
    rows = connection.execute(_SINCE, [str(before.watermark)]).fetchall()
    return None if _is_older(rows, before) else _read_on(rows, before)


class ChangeFeed:
    """The change feed for one who follows it, from ``start`` on, or from the moment of its first look when that is None.

    No change is lost and none comes twice: a feed remembers the oldest transaction that was still running when it
    last looked, reads from there again, and leaves out the rows that it has had. (Remembering the last id would lose
    the changes of a transaction that took its ids early and committed late.) When another server has taken the place of
    the one that was followed, every layer is reported as changed.

    Several share one connection by a ``reader``; without one a feed has its own. ``layers`` are those that are told of, None: all.
    """

    def __init__(
        self, url: str, start: Position | None = None, *, layers: Collection[str] | None = None, reader: ChangeReader | None = None
    ) -> None:
        self._database = Database(url)
        self._reader = reader or ChangeReader(url)
        self._told = _Told(start, None if layers is None else frozenset(layers))
        self.looked_at: float | None = None
        """When the last look that succeeded began (``time.monotonic``): all that was committed before has been told."""
        self.looked_before: float | None = None
        """When the look before that one began."""

    @property
    def position(self) -> Position | None:
        """How far this feed has come; None before the first look."""
        return self._told.position

    def poll(self) -> list[Change]:
        """Return the changes since the last look, in order of their ids; raises DatabaseError when there is no database."""
        before = self._told.position
        with self._database.connect() as connection:
            found = None if before is None else changes_since(connection, before)
            here, changes = found or (position(connection), [])
        self._told.position = here
        return self._told.chosen(_everything(here) if found is None and before is not None else changes)

    async def follow(self) -> AsyncGenerator[Batch]:
        """Yield batches for ever: what has changed, as soon as it is committed, and each loss and return of the database.

        The first batch says whether the feed is being heard. After a loss there is one batch with ``connected`` False,
        the connection is tried again with growing pauses of up to 5 s, and the first batch after brings what was missed. What
        comes while the follower is still at work on a batch comes in one batch after it.
        """
        told = self._told
        told.begin(self._note)
        async with self._reader.telling(told):
            while True:
                began, batch = await told.next()
                if began is not None:
                    self._note(began)
                yield batch

    def _note(self, began: float) -> None:
        self.looked_before, self.looked_at = self.looked_at, began


class _Told:
    """What one follower is told: how far it has come, and the batches that wait for it, each with when its look began."""

    def __init__(self, start: Position | None, layers: frozenset[str] | None) -> None:
        self.position = start
        self._layers = layers
        self._waiting: deque[tuple[float | None, Batch]] = deque()
        self._error: Exception | None = None
        self._is_connected: bool | None = None
        self._asleep: asyncio.Future[None] | None = None
        self._note: Callable[[float], None] | None = None

    def begin(self, note: Callable[[float], None]) -> None:
        """Begin to be told; ``note`` is called with when a look began that had no news, once all that came before has been taken."""
        self._note, self._is_connected, self._error = note, None, None

    def chosen(self, changes: list[Change]) -> list[Change]:
        """Return those of some changes that are told of."""
        return changes if self._layers is None else [change for change in changes if change.layer in self._layers]

    async def next(self) -> tuple[float | None, Batch]:
        """Return the next batch once there is one; raises what has ended the reader."""
        while not self._waiting:
            if self._error is not None:
                raise self._error
            self._asleep = asyncio.get_running_loop().create_future()
            try:
                await self._asleep
            finally:
                self._asleep = None
        return self._waiting.popleft()

    def look(self, here: Position, changes: list[Change], began: float) -> None:
        """Tell of a look that began at ``began`` and came as far as ``here``; nobody is woken for nothing."""
        self.position, new = here, self.chosen(changes)
        if new or not self._is_connected:
            self._is_connected = True
            earlier = self._waiting.pop()[1].changes if self._waiting and self._waiting[-1][1].connected else ()
            self._put(began, Batch((*earlier, *new), True, here.version))
        elif self._note is not None and self._asleep is not None and not self._asleep.done():
            self._note(began)

    def lost(self) -> None:
        """Tell, once, that the database is not heard any more."""
        if self._is_connected is not False:
            self._is_connected = False
            self._put(None, Batch((), False, self.position.version if self.position else 0))

    def failed(self, error: Exception) -> None:
        """Tell that the reader has come to its end."""
        self._error = error
        self._wake()

    def _put(self, began: float | None, batch: Batch) -> None:
        self._waiting.append((began, batch))
        self._wake()

    def _wake(self) -> None:
        if self._asleep is not None and not self._asleep.done():
            self._asleep.set_result(None)


class ChangeReader:
    """Reads the changes for all in a process who follow them: one connection, and one look at the database for all of them.

    It reads while somebody follows, and has no connection before and after. For one event loop at a time.
    """

    def __init__(self, url: str) -> None:
        self._database = Database(url)
        self._told: set[_Told] = set()
        self._task: asyncio.Task[None] | None = None
        self._is_lost = False

    @asynccontextmanager
    async def telling(self, told: _Told) -> AsyncIterator[None]:
        """Tell a follower of every look while the context lasts."""
        self._told.add(told)
        if self._task is None:
            self._is_lost = False
            self._task = asyncio.create_task(self._run(), name="reading the change feed")
        elif self._is_lost:
            told.lost()
        try:
            yield
        finally:
            self._told.discard(told)
            if not self._told and self._task is not None:
                # Whoever stops following last leaves no connection behind.
                task, self._task = self._task, None
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    async def _run(self) -> None:
        try:
            await self._read()
        except Exception as error:  # noqa: BLE001 - it is raised where the changes are followed, and reading begins anew from there
            self._task = None
            for told in self._told:
                told.failed(error)

    async def _read(self) -> None:
        """Look for ever, over any number of connections."""
        pause = _FIRST_RETRY_S
        while True:
            try:
                connection = await psycopg.AsyncConnection.connect(self._database.conninfo(), autocommit=True)
                async with connection:
                    await connection.execute(_LISTEN)
                    while True:
                        began = time.monotonic()
                        # A server that has vanished without a word would be waited for until the system gives up.
                        async with asyncio.timeout(_ANSWER_S):
                            await self._look(connection, began)
                        self._is_lost, pause = False, _FIRST_RETRY_S
                        async for _ in connection.notifies(timeout=_POLL_S, stop_after=1):
                            # What comes one upon the other is looked at together; what comes after a pause, at once.
                            await asyncio.sleep(began + _APART_S - time.monotonic())
            except (psycopg.Error, TimeoutError) as error:
                if not self._is_lost:
                    logger.warning("The change feed at %s is lost: %s", self._database.address, first_line(error))
                self._is_lost = True
                for told in self._told:
                    told.lost()
                await asyncio.sleep(pause * random.uniform(0.8, 1.2))
                pause = min(2 * pause, _LONGEST_RETRY_S)

    async def _look(self, connection: psycopg.AsyncConnection[Any], began: float) -> None:
        """Look for what has happened since each follower's position, in one snapshot, and tell them."""
        # Who comes while the database answers is told of the next look, which has a later snapshot.
        asking = tuple(self._told)
        known = {told.position for told in asking if told.position is not None}
        rows = []
        if known:
            oldest = min(before.watermark for before in known)
            rows = await (await connection.execute(_SINCE, [str(oldest)])).fetchall()
        found = {before: _read_on(rows, before) for before in known if not _is_older(rows, before)}
        # All of them come to the same position, that of the snapshot.
        here = next((reached for reached, _ in found.values()), None)
        if here is None:
            here = _read_position(await (await connection.execute(_POSITION)).fetchall())
        for told in asking:
            if told.position is None:
                told.look(here, [], began)
            else:
                reached, changes = found.get(told.position) or (here, _everything(here))
                told.look(reached, changes, began)


def _everything(here: Position) -> list[Change]:
    """Return a change of every layer: what another server's data are to those who had the data of one before."""
    return [Change(here.version, name, None, datetime.now(UTC), 0) for name in EVERYTHING]


def _read_position(rows: list[tuple[Any, ...]]) -> Position:
    watermark, version, seen = rows[0]
    return Position(int(watermark), frozenset((int(xid), int(id)) for xid, id in seen), version)


def _read_on(rows: list[tuple[Any, ...]], before: Position) -> tuple[Position, list[Change]]:
    """Return the position that a look has come to, and what is new in it since ``before``."""
    watermark = int(rows[0][0])
    found = {(int(row[1]), row[2]): row for row in rows if row[1] is not None}
    # Of transactions before the watermark everything had been seen; others who look may ask for them.
    new = [_read_change(row) for key, row in found.items() if key[0] >= before.watermark and key not in before.seen]
    seen = frozenset(key for key in found if key[0] >= watermark)
    return Position(watermark, seen, max([before.version, *(change.id for change in new)])), new


def _read_change(row: tuple[Any, ...]) -> Change:
    _, _, id, layer, rows, west, south, east, north, changed_at, places = row
    bounds = None if west is None else Bounds(west, south, east, north)
    return Change(id, layer, bounds, changed_at, rows, tuple(Bounds(*place) for place in places or ()))


def _is_older(rows: list[tuple[Any, ...]], position: Position) -> bool:
    """Say whether the server's transactions lie before a position that we had from it: then it is not the same server."""
    return int(rows[0][0]) < position.watermark
