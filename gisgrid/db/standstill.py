"""Whether what was read of a layer is what the database holds now: one short statement for all who ask at the same time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

import psycopg

from gisgrid.db.changes import Position
from gisgrid.db.database import first_line
from gisgrid.db.pool import Pool
from gisgrid.db.question import Question
from gisgrid.errors import DatabaseError

_logger = logging.getLogger(__name__)

# So many changes at once are told as if anything had changed.
_MOST = 1000

# The layers that have changed since. What a transaction wrote is in the same snapshot as its changes.
_SINCE = f"SELECT layer FROM gisgrid.changes WHERE xid >= $1::text::xid8 AND id <> ALL ($2::bigint[]) LIMIT {_MOST}"

# Whether what was read is of this server, and not of one whose place it has taken.
_IS_OF_HERE = """
SELECT pg_snapshot_xmin(pg_current_snapshot()) >= %s::text::xid8 AND (SELECT coalesce(max(id), 0) FROM gisgrid.changes) >= %s::bigint
"""

# Behind a transaction that never ends more and more changes would have to be told apart each time.
_MOST_SEEN = 200
_ANYTHING = frozenset(("*",))
_LOST = (psycopg.Error, OSError)


class Read(Protocol):
    """What was read of the database at one position of the change feed."""

    @property
    def position(self) -> Position:
        """Where that was."""


State = TypeVar("State", bound=Read)


class Standstill(Generic[State]):
    """Gives the state that ``newest`` returns when nothing has changed since; asks over ``pool``, in the thread of the event loop."""

    def __init__(self, pool: Pool, newest: Callable[[], State]) -> None:
        self._pool = pool
        self._newest = newest
        self._waiting: list[asyncio.Future[tuple[State, frozenset[str]]]] = []
        self._asking: asyncio.Task[None] | None = None
        self._question: Question | None = None
        # The position that is known to be of the server that the question is asked of: while the connection lasts it stays that server.
        self._of_here: Position | None = None
        # The position that was asked about last, and what has changed since. (Not the state: that may be large, and be replaced.)
        self._asked: Position | None = None
        self._changed: frozenset[str] = frozenset()

    async def state(self, layer_id: str) -> State | None:
        """Return the newest state if the database holds the same of a layer at a moment after this was called, None if it has gone on.

        Raises DatabaseError when PostGIS is away, UnavailableError when the wait for it takes too long.
        """
        newest = self._newest()
        # What has once gone on does not come back.
        if newest.position is self._asked and _is_in(layer_id, self._changed):
            return None
        if len(newest.position.seen) > _MOST_SEEN:
            return None
        waiter: asyncio.Future[tuple[State, frozenset[str]]] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask_on(), name="asking whether anything has changed")
        state, changed = await waiter
        return None if _is_in(layer_id, changed) else state

    async def close(self) -> None:
        """Close the connection, if there is one; it is opened again when it is needed."""
        question, self._question = self._question, None
        if question is not None:
            await question.close()

    async def _ask_on(self) -> None:
        """Ask once for all who wait, and again for those who have come meanwhile."""
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, []
                await self._ask(waiting)
        finally:
            self._asking = None

    async def _ask(self, waiting: list[asyncio.Future[tuple[State, frozenset[str]]]]) -> None:
        state = self._newest()
        try:
            changed = await self._changed_since(state.position)
        except Exception as error:  # noqa: BLE001 - it is raised to whoever waits
            for waiter in waiting:
                if not waiter.done():
                    waiter.set_exception(error)
            return
        self._asked, self._changed = state.position, changed
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result((state, changed))

    async def _changed_since(self, position: Position) -> frozenset[str]:
        seen = b"{%b}" % b",".join([b"%d" % id_ for _, id_ in position.seen])
        try:
            return await self._asked_of(position, seen)
        except _LOST as error:
            _logger.warning("the connection that asks whether anything has changed was lost: %s", first_line(error))
            await self.close()
        try:
            return await self._asked_of(position, seen)
        except _LOST as error:
            await self.close()
            raise DatabaseError(f"PostGIS does not say whether anything has changed: {first_line(error)}") from error

    async def _asked_of(self, position: Position, seen: bytes) -> frozenset[str]:
        if self._question is None or position is not self._of_here:
            # The pool knows how long to wait, and what to say, while the database is away.
            row = await self._pool.fetch_row(_IS_OF_HERE, (str(position.watermark), position.version))
            if row is None or not row[0]:
                return _ANYTHING
            self._question = self._question or await Question.open(self._pool, _SINCE)
            self._of_here = position
        names = await self._question.ask((b"%d" % position.watermark, seen))
        return frozenset([name.decode() for name in names]) if len(names) < _MOST else _ANYTHING


def _is_in(layer_id: str, changed: frozenset[str]) -> bool:
    return layer_id in changed or "*" in changed
