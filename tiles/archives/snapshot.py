"""One version of the data, read over several connections: every tile of an archive shows the same moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import psycopg
from psycopg import AsyncConnection, sql

from gisgrid.db import Database
from gisgrid.db.database import explained
from tiles.sql import TileQuery

GO_ON = "Run the same command again: it goes on where it was."

# An archive is made once: a tile that takes long is waited for, unlike over HTTP. Nothing must end the transaction meanwhile.
_TIMEOUT_MS = 120_000
_SESSION = f"""SELECT set_config('statement_timeout', '{_TIMEOUT_MS}', true), set_config('idle_in_transaction_session_timeout', '0', true),
set_config('jit', 'off', true), set_config('max_parallel_workers_per_gather', '0', true)"""
_ALONE = sql.SQL("SET TRANSACTION SNAPSHOT {}")
_PREPARE_AFTER = 2


def shared_snapshot(connection: psycopg.Connection[Any]) -> str:
    """Return the name by which others see the database as ``connection`` does, as long as its transaction lasts."""
    connection.execute("SELECT set_config('idle_in_transaction_session_timeout', '0', true)")
    (name,) = connection.execute("SELECT pg_export_snapshot()").fetchone() or ("",)
    return str(name)


class SnapshotReader:
    """Reads tiles as they are in one snapshot of ``database``, over ``count`` connections; use ``reading``."""

    def __init__(self, database: Database, snapshot: str, count: int) -> None:
        self._database = database
        self._snapshot = snapshot
        self._count = count
        self._idle: asyncio.Queue[AsyncConnection[tuple[Any, ...]]] = asyncio.Queue()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """Hold the connections for a block; raises DatabaseError when one cannot be had or the snapshot has gone."""
        async with AsyncExitStack() as stack:
            try:
                for _ in range(self._count):
                    self._idle.put_nowait(await stack.enter_async_context(await self._connect()))
            except psycopg.Error as error:
                raise explained(error, self._database.address, GO_ON) from error
            yield

    async def _connect(self) -> AsyncConnection[tuple[Any, ...]]:
        connection = await AsyncConnection.connect(self._database.conninfo(), prepare_threshold=_PREPARE_AFTER)
        await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        await connection.set_read_only(True)
        await connection.execute(_ALONE.format(sql.Literal(self._snapshot)))
        await connection.execute(_SESSION.encode())
        return connection

    async def fetch(self, query: TileQuery) -> bytes:
        """Return the bytes of a tile; raises DatabaseError when PostGIS is away or refuses."""
        row = await self.row(query.sql, query.args)
        if row and row[0] is None:
            row = await self.row(query.careful, query.args)
        return bytes(row[0]) if row and row[0] is not None else b""

    async def row(self, text: str, args: Any) -> tuple[Any, ...] | None:
        """Return the first row of a statement's answer; errors as ``fetch``."""
        connection = await self._idle.get()
        try:
            cursor = await connection.cursor(binary=True).execute(text.encode(), args)
            return await cursor.fetchone()
        except psycopg.Error as error:
            raise explained(error, self._database.address, GO_ON) from error
        finally:
            self._idle.put_nowait(connection)
