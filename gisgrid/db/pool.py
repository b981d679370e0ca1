"""A small pool of asynchronous connections that outlives the database's restarts, and says what befell a statement."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from gisgrid.errors import DatabaseError, GisgridError, UnavailableError

_logger = logging.getLogger(__name__)

MOST_WAITING = 256
"""How many requests wait for a connection, unless something else is asked for."""

Args = Mapping[str, Any] | Sequence[Any]
"""The values that are bound to a statement."""

Row = tuple[Any, ...]
"""A row of an answer."""

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
    "connect_timeout": 5,
    "tcp_user_timeout": 5000,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
}

# just-in-time compilation and parallel workers cost more than they save in statements of a few milliseconds.
_SESSION = "SELECT set_config('statement_timeout', %s, false), set_config('jit', 'off', false), \
set_config('max_parallel_workers_per_gather', '0', false)"

_BROKEN = (psycopg.OperationalError, psycopg.InterfaceError)


class Pool:
    """Connections for statements of one purpose; nothing is opened before ``open``.

    ``url`` is a PostgreSQL address, ``purpose`` what is read over it, in one word for messages and the list of sessions,
    ``size`` the most connections, ``statement_timeout_ms`` the longest statement, ``max_waiting`` how many may wait for a
    connection, ``hint`` what to ask instead of what took too long.
    """

    def __init__(
        self, url: str, purpose: str, size: int, statement_timeout_ms: int, *, max_waiting: int = MOST_WAITING, hint: str = ""
    ) -> None:
        self.url = url
        self._purpose = purpose
        self._size = size
        self._timeout_ms = statement_timeout_ms
        self._max_waiting = max_waiting
        self._hint = hint
        self._pool: AsyncConnectionPool[AsyncConnection[Row]] | None = None
        self._down = False
        self._at_work = 0

    async def open(self) -> None:
        """Open the pool; connections are made in the background, so this does not fail when the database is down."""
        self._pool = AsyncConnectionPool(
            self.url,
            kwargs=self._keywords,
            configure=self._configure,
            min_size=1,
            max_size=self._size,
            max_waiting=self._max_waiting,
            # Short, so that answers come back a moment after the database does; each request starts a new attempt.
            reconnect_timeout=_GIVE_UP_AFTER_S,
            open=False,
            name=self._purpose,
        )
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Close all connections; open statements get a moment to end."""
        if self._pool is not None:
            await self._pool.close(timeout=2.0)
            self._pool = None

    async def fetch_row(self, sql: str, args: Args = ()) -> Row | None:
        """Return the first row of a statement, None when it has none.

        Raises DatabaseError when PostGIS is away, UnavailableError when the statement or the wait for it takes too long.
        """
        rows = await self.fetch(sql, args, most=1)
        return rows[0] if rows else None

    async def fetch(self, sql: str, args: Args = (), most: int | None = None, *, prepare: bool | None = None) -> list[Row]:
        """Return the rows of a statement (the first ``most``), read in binary; errors as ``fetch_row``.

        A statement that comes again is prepared, and soon planned without a look at its values; with ``prepare`` False it is
        planned for its values each time.
        """
        with self._told():
            rows = await self._try_twice(sql, args, most, prepare)
        self._down = False
        return rows

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[Row]]:
        """Lend a connection (autocommit) for a block of statements; errors of the driver in it as ``fetch_row``."""
        with self._told():
            async with self._lent() as connection:
                yield connection
        self._down = False

    async def apart(self, sql: str) -> AsyncConnection[Row]:
        """Return a new connection on which a statement has been run, set up as those that are lent but not of their number.

        Whoever asked closes it. Errors as ``fetch_row``.
        """
        with self._told():
            connection = await AsyncConnection.connect(self.url, **self._keywords)
            try:
                await self._configure(connection)
                await connection.execute(sql.encode())
            except BaseException:
                await connection.close()
                raise
            return connection

    async def ping(self) -> None:
        """Return when PostGIS answers; raises DatabaseError when it does not."""
        await self.fetch_row("SELECT 1")

    @property
    def _keywords(self) -> dict[str, Any]:
        return _CONNECTION | {"application_name": f"gisgrid {self._purpose}"}

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (psycopg.Error, PoolTimeout, TooManyRequests) as error:
            known = self._translate(error)
            self._down = isinstance(known, DatabaseError) and not isinstance(error, psycopg.ProgrammingError)
            raise known from error

    async def _configure(self, connection: AsyncConnection[Row]) -> None:
        await connection.execute(_SESSION, (str(self._timeout_ms),))

    async def _try_twice(self, sql: str, args: Args, most: int | None, prepare: bool | None) -> list[Row]:
        """Run a statement; on a connection that died while it was idle, weed the pool out and run it on a fresh one."""
        try:
            async with self._lent() as connection:
                return await _run(connection, sql, args, most, prepare)
        except _BROKEN as error:
            if isinstance(error, (psycopg.errors.QueryCanceled, PoolTimeout)) or self._pool is None:
                raise
            _logger.warning("a database connection for %s was lost, trying another", self._purpose)
            await self._pool.check()
        async with self._lent() as connection:
            return await _run(connection, sql, args, most, prepare)

    @asynccontextmanager
    async def _lent(self) -> AsyncIterator[AsyncConnection[Row]]:
        if self._pool is None:
            raise DatabaseError(f"The pool for {self._purpose} is not open.")
        patience = _PATIENCE_WHILE_DOWN_S if self._down else _PATIENCE_WHILE_BUSY_S if self._at_work else _PATIENCE_S
        try:
            connection = await self._pool.getconn(timeout=patience)
        except PoolTimeout as error:
            # Connections at work are a sign of life: it is the queue that is too long.
            raise (self._busy() if self._at_work else error) from error
        self._at_work += 1
        try:
            yield connection
        finally:
            self._at_work -= 1
            await self._pool.putconn(connection)

    def _busy(self) -> UnavailableError:
        return UnavailableError(f"Too many requests for {self._purpose} are waiting for the database.", "Try again in a moment.")

    def _translate(self, error: Exception) -> GisgridError:
        """Return what a driver's error means to the caller."""
        if isinstance(error, TooManyRequests):
            return self._busy()
        if isinstance(error, psycopg.errors.QueryCanceled):
            return UnavailableError(f"The statement was ended after {time_limit(self._timeout_ms)}.", self._hint)
        if isinstance(error, psycopg.ProgrammingError):
            return DatabaseError(f"The database lacks what {self._purpose} need: {error}", "Run `gisgrid db migrate`.")
        return DatabaseError(f"PostGIS cannot be reached for {self._purpose}: {error}", "See `gisgrid db status`.")


async def _run(connection: AsyncConnection[Row], sql: str, args: Args, most: int | None, prepare: bool | None) -> list[Row]:
    cursor = connection.cursor(binary=True)
    await cursor.execute(sql.encode(), args, prepare=prepare)
    return await (cursor.fetchall() if most is None else cursor.fetchmany(most))


def time_limit(timeout_ms: int) -> str:
    """Return a limit in milliseconds as people say it.

    >>> time_limit(5000)
    '5 s'
    """
    return f"{timeout_ms / 1000:g} s"
