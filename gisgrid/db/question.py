"""A question that is asked so often that the driver's cursors would cost more than its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import psycopg
from psycopg import AsyncConnection, pq

from gisgrid.db.pool import Pool, Row

_ANSWER_S = 5.0
_NAME = b"question"


class Question:
    """A statement whose rows have one value, given as text, over a connection of its own; one asks at a time, in the event loop's thread.

    Make one with ``open``. The answer is read as soon as it comes, by the functions of libpq that psycopg is made of.
    """

    def __init__(self, connection: AsyncConnection[Row]) -> None:
        self._connection = connection
        self._server = connection.pgconn
        self._loop = asyncio.get_running_loop()
        self._answer: asyncio.Future[list[bytes]] | None = None
        self._values: list[bytes] = []
        # Once the connection is lost nobody tells its number any more.
        self._socket: int | None = self._server.socket
        self._loop.add_reader(self._socket, self._readable)

    @classmethod
    async def open(cls, pool: Pool, sql: str) -> Question:
        """Return a question with its statement prepared, over a connection made as those of ``pool``; errors as ``Pool.fetch``.

        ``sql`` has ``$1``, ``$2`` for what is bound.
        """
        return cls(await pool.apart(f"PREPARE {_NAME.decode()} AS {sql}"))

    async def ask(self, values: Sequence[bytes]) -> list[bytes]:
        """Return the answer for ``values``, in text.

        Raises psycopg.Error when there is none, TimeoutError when it does not come; then the question is of no more use.
        """
        self._answer = self._loop.create_future()
        limit = self._loop.call_later(_ANSWER_S, self._fail, TimeoutError("the database does not answer"))
        try:
            self._server.send_query_prepared(_NAME, values)
            if self._server.flush():
                raise psycopg.OperationalError("the connection takes nothing more")
            return await self._answer
        finally:
            limit.cancel()
            self._answer = None

    async def close(self) -> None:
        """Close the connection."""
        self._stop_reading()
        await self._connection.close()

    def _readable(self) -> None:
        try:
            self._server.consume_input()
            while self._answer is not None and not self._server.is_busy():
                result = self._server.get_result()
                if result is None:
                    self._tell()
                    return
                self._values = _values(result)
        except psycopg.Error as error:
            # The connection is lost; the socket would be readable for ever.
            self._stop_reading()
            self._fail(error)

    def _tell(self) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(self._values)

    def _fail(self, error: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)

    def _stop_reading(self) -> None:
        if self._socket is not None:
            self._loop.remove_reader(self._socket)
            self._socket = None


def _values(result: pq.abc.PGresult) -> list[bytes]:
    if result.status != pq.ExecStatus.TUPLES_OK:
        raise psycopg.OperationalError(result.get_error_message())
    return [result.get_value(row, 0) or b"" for row in range(result.ntuples)]
