"""Following the change feed: every change exactly once, although their numbers do not become visible in order."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
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
    """A reader of the change feed that begins at ``start``, or at the moment of its first look when that is None.

    No change is lost and none comes twice: a reader remembers the oldest transaction that was still running when it
    last looked, reads from there again, and leaves out the rows that it has had. (Remembering the last id would lose
    the changes of a transaction that took its ids early and committed late.) When another server has taken the place of
    the one that was followed, every layer is reported as changed.
    """

    def __init__(self, url: str, start: Position | None = None) -> None:
        self._database = Database(url)
        self._position = start
        self.looked_at: float | None = None
        """When the last look that succeeded began (``time.monotonic``): all that was committed before has been told."""
        self.looked_before: float | None = None
        """When the look before that one began."""

    @property
    def position(self) -> Position | None:
        """How far this reader has come; None before the first look."""
        return self._position

    def poll(self) -> list[Change]:
        """Return the changes since the last look, in order of their ids; raises DatabaseError when there is no database."""
        with self._database.connect() as connection:
            if self._position is not None:
                rows = connection.execute(_SINCE, [str(self._position.watermark)]).fetchall()
                if not _is_older(rows, self._position):
                    return self._advance(rows, self._position)
            return self._begin(connection.execute(_POSITION).fetchall())

    async def follow(self) -> AsyncGenerator[Batch]:
        """Yield batches for ever: what has changed, as soon as it is committed, and each loss and return of the database.

        The first batch says whether the feed is being heard. After a loss there is one batch with ``connected`` False,
        the connection is tried again with growing pauses of up to 5 s, and the first batch after brings what was missed.
        """
        pause = _FIRST_RETRY_S
        connected: bool | None = None
        while True:
            try:
                # Closed here and not when the collector comes by: whoever stops following leaves no connection behind.
                async with aclosing(self._listen()) as heard:
                    async for batch in heard:
                        if batch.changes or not connected:
                            connected, pause = True, _FIRST_RETRY_S
                            yield batch
            except (psycopg.Error, TimeoutError) as error:
                if connected is not False:
                    logger.warning("The change feed at %s is lost: %s", self._database.address, first_line(error))
                    connected = False
                    yield Batch((), False, self._version())
                await asyncio.sleep(pause * random.uniform(0.8, 1.2))
                pause = min(2 * pause, _LONGEST_RETRY_S)

    async def _listen(self) -> AsyncGenerator[Batch]:
        """Yield a batch on connecting, on each notification and at least each second, until the connection breaks."""
        connection = await psycopg.AsyncConnection.connect(self._database.conninfo(), autocommit=True)
        async with connection:
            await connection.execute(_LISTEN)
            while True:
                # A server that has vanished without a word would be waited for until the system gives up.
                began = time.monotonic()
                async with asyncio.timeout(_ANSWER_S):
                    changes = await self._look(connection)
                self.looked_before, self.looked_at = self.looked_at, began
                yield Batch(tuple(changes), True, self._version())
                async for _ in connection.notifies(timeout=_POLL_S, stop_after=1):
                    # What comes one upon the other is looked at together; what comes after a pause, at once.
                    await asyncio.sleep(began + _APART_S - time.monotonic())

    async def _look(self, connection: psycopg.AsyncConnection[Any]) -> list[Change]:
        if self._position is not None:
            rows = await (await connection.execute(_SINCE, [str(self._position.watermark)])).fetchall()
            if not _is_older(rows, self._position):
                return self._advance(rows, self._position)
        return self._begin(await (await connection.execute(_POSITION)).fetchall())

    def _version(self) -> int:
        return self._position.version if self._position else 0

    def _begin(self, rows: list[tuple[Any, ...]]) -> list[Change]:
        """Take up a position; with one from another server behind us, everything has changed."""
        is_other_server = self._position is not None
        self._position = _read_position(rows)
        return [Change(self._position.version, name, None, datetime.now(UTC), 0) for name in EVERYTHING] if is_other_server else []

    def _advance(self, rows: list[tuple[Any, ...]], before: Position) -> list[Change]:
        """Take what a look has found; return what is new in it and remember how far we have come."""
        self._position, new = _read_on(rows, before)
        return new


def _read_position(rows: list[tuple[Any, ...]]) -> Position:
    watermark, version, seen = rows[0]
    return Position(int(watermark), frozenset((int(xid), int(id)) for xid, id in seen), version)


def _read_on(rows: list[tuple[Any, ...]], before: Position) -> tuple[Position, list[Change]]:
    """Return the position that a look has come to, and what is new in it since ``before``."""
    watermark = int(rows[0][0])
    found = {(int(row[1]), row[2]): row for row in rows if row[1] is not None}
    new = [_read_change(row) for key, row in found.items() if key not in before.seen]
    seen = frozenset(key for key in found if key[0] >= watermark)
    return Position(watermark, seen, max([before.version, *(change.id for change in new)])), new


def _read_change(row: tuple[Any, ...]) -> Change:
    _, _, id, layer, rows, west, south, east, north, changed_at, places = row
    bounds = None if west is None else Bounds(west, south, east, north)
    return Change(id, layer, bounds, changed_at, rows, tuple(Bounds(*place) for place in places or ()))


def _is_older(rows: list[tuple[Any, ...]], position: Position) -> bool:
    """Say whether the server's transactions lie before a position that we had from it: then it is not the same server."""
    return int(rows[0][0]) < position.watermark
