"""Running the queries of tiles: a small pool of connections that outlives the database's restarts."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from gisgrid.errors import DatabaseError, GisgridError, UnavailableError
from gisgrid.layers import Layer
from gisgrid.types import Bounds
from tiles.sql import TileQuery

_logger = logging.getLogger(__name__)

MOST_WAITING = 256
"""How many requests wait for a connection, unless something else is asked for."""

# How long a request waits for a connection: when one must be made first, when the database is known to be down (nobody
# waits long then, or requests would pile up), and when connections are there but all at work.
_PATIENCE_S = 1.5
_PATIENCE_WHILE_DOWN_S = 0.2
_PATIENCE_WHILE_BUSY_S = 10.0
_GIVE_UP_AFTER_S = 2.0
_PREPARE_AFTER = 2

# The last four end a connection whose other end has vanished without a word (a lost network, a machine switched off).
_CONNECTION: dict[str, Any] = {
    "autocommit": True,
    "prepare_threshold": _PREPARE_AFTER,
    "application_name": "gisgrid tiles",
    "connect_timeout": 5,
    "tcp_user_timeout": 5000,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
}

# just-in-time compilation and parallel workers cost more than they save in statements of a few milliseconds.
_SESSION = "SELECT set_config('statement_timeout', %s, false), set_config('jit', 'off', false), \
set_config('max_parallel_workers_per_gather', '0', false)"

# The head of the spatial index knows the extent without reading the table; it is NULL for an empty table without statistics.
_EXTENT = """SELECT ST_XMin(box), ST_YMin(box), ST_XMax(box), ST_YMax(box)
FROM (SELECT ST_EstimatedExtent('gisgrid', %s, 'geom') AS box) AS extent WHERE box IS NOT NULL"""

_BROKEN = (psycopg.OperationalError, psycopg.InterfaceError)


class TileReader:
    """The connections that tiles are read over; nothing is opened before ``open``.

    ``url`` is a PostgreSQL address, ``pool_size`` the most connections, ``statement_timeout_ms`` the longest statement,
    ``max_waiting`` how many may wait for a connection.
    """

    def __init__(self, url: str, pool_size: int, statement_timeout_ms: int, max_waiting: int = MOST_WAITING) -> None:
        self.url = url
        self._pool_size = pool_size
        self._max_waiting = max_waiting
        self._timeout_ms = statement_timeout_ms
        self._pool: AsyncConnectionPool[AsyncConnection[tuple[Any, ...]]] | None = None
        self._down = False
        self._at_work = 0

    async def open(self) -> None:
        """Open the pool; connections are made in the background, so this does not fail when the database is down."""
        self._pool = AsyncConnectionPool(
            self.url,
            kwargs=_CONNECTION,
            configure=self._configure,
            min_size=1,
            max_size=self._pool_size,
            max_waiting=self._max_waiting,
            # Short, so that tiles come back a moment after the database does; each request starts a new attempt.
            reconnect_timeout=_GIVE_UP_AFTER_S,
            open=False,
            name="tiles",
        )
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Close all connections; open statements get a moment to end."""
        if self._pool is not None:
            await self._pool.close(timeout=2.0)
            self._pool = None

    async def fetch(self, query: TileQuery) -> bytes:
        """Return the bytes of a tile. Raises DatabaseError when PostGIS is away, UnavailableError when it takes too long."""
        row = await self._fetch_row(query.sql, query.args)
        if row and row[0] is None:
            row = await self._fetch_row(query.careful, query.args)
        return bytes(row[0]) if row and row[0] is not None else b""

    async def extent(self, layers: tuple[Layer, ...]) -> Bounds | None:
        """Return the extent of the tables of ``layers`` in WGS 84 degrees, None when they are empty; errors as ``fetch``."""
        boxes = [box for table in {layer.table for layer in layers} if (box := await self._fetch_row(_EXTENT, (table,)))]
        if not boxes:
            return None
        west, south, east, north = zip(*boxes, strict=True)
        return Bounds(min(west), min(south), max(east), max(north))

    async def ping(self) -> None:
        """Return when PostGIS answers; raises DatabaseError when it does not."""
        await self._fetch_row("SELECT 1", ())

    async def _configure(self, connection: AsyncConnection[tuple[Any, ...]]) -> None:
        await connection.execute(_SESSION, (str(self._timeout_ms),))

    async def _fetch_row(self, sql: str, args: dict[str, int] | tuple[str, ...]) -> tuple[Any, ...] | None:
        try:
            row = await self._try_twice(sql, args)
        except (psycopg.Error, PoolTimeout, TooManyRequests) as error:
            known = _translate(error, self._timeout_ms)
            self._down = isinstance(known, DatabaseError) and not isinstance(error, psycopg.ProgrammingError)
            raise known from error
        self._down = False
        return row

    async def _try_twice(self, sql: str, args: dict[str, int] | tuple[str, ...]) -> tuple[Any, ...] | None:
        """Run a statement; on a connection that died while it was idle, weed the pool out and run it on a fresh one."""
        try:
            async with self._connection() as connection:
                return await self._run(connection, sql, args)
        except _BROKEN as error:
            if isinstance(error, (psycopg.errors.QueryCanceled, PoolTimeout)) or self._pool is None:
                raise
            _logger.warning("a database connection of the tiles was lost, trying another")
            await self._pool.check()
        async with self._connection() as connection:
            return await self._run(connection, sql, args)

    @staticmethod
    async def _run(
        connection: AsyncConnection[tuple[Any, ...]], sql: str, args: dict[str, int] | tuple[str, ...]
    ) -> tuple[Any, ...] | None:
        cursor = connection.cursor(binary=True)
        await cursor.execute(sql.encode(), args)
        return await cursor.fetchone()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection[tuple[Any, ...]]]:
        if self._pool is None:
            raise DatabaseError("The tile reader is not open.")
        patience = _PATIENCE_WHILE_DOWN_S if self._down else _PATIENCE_WHILE_BUSY_S if self._at_work else _PATIENCE_S
        try:
            connection = await self._pool.getconn(timeout=patience)
        except PoolTimeout as error:
            # Connections at work are a sign of life: it is the queue that is too long.
            raise (_busy() if self._at_work else error) from error
        self._at_work += 1
        try:
            yield connection
        finally:
            self._at_work -= 1
            await self._pool.putconn(connection)


def _busy() -> UnavailableError:
    return UnavailableError("Too many tiles are waiting for the database.", "Try again in a moment.")


def _translate(error: Exception, timeout_ms: int) -> GisgridError:
    """Return what a driver's error means to the caller."""
    if isinstance(error, TooManyRequests):
        return _busy()
    if isinstance(error, psycopg.errors.QueryCanceled):
        return UnavailableError(f"The statement was ended after {time_limit(timeout_ms)}.", "Ask for a deeper zoom or fewer layers.")
    if isinstance(error, psycopg.ProgrammingError):
        return DatabaseError(f"The database lacks what tiles need: {error}", "Run `gisgrid db migrate`.")
    return DatabaseError(f"PostGIS cannot be reached for tiles: {error}", "See `gisgrid db status`.")


def time_limit(timeout_ms: int) -> str:
    """Return a limit in milliseconds as people say it.

    >>> time_limit(5000)
    '5 s'
    """
    return f"{timeout_ms / 1000:g} s"
