"""A connection kept open for reading again and again: opening one costs more than most of what is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from gisgrid.db.database import Database, explained


class StandingReader:
    """Reads ``database`` in one snapshot after another over one connection; one thread at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: psycopg.Connection | None = None

    @contextmanager
    def snapshot(self) -> Iterator[psycopg.Connection]:
        """Give a connection whose statements all see the database as it is now; nothing can be written.

        Raises DatabaseError when there is no database, or when it is lost meanwhile.
        """
        try:
            connection = self._begun()
            yield connection
            connection.rollback()
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            self.close()
            raise explained(error, self._database.address) from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection, if there is one; it is opened again when it is needed."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _begun(self) -> psycopg.Connection:
        """Return the connection in a transaction that has begun; a new one when the server has ended the old one."""
        if self._connection is not None:
            try:
                self._connection.execute("SELECT 1")
            except psycopg.Error:
                self.close()
            else:
                return self._connection
        self._connection = psycopg.connect(self._database.conninfo())
        self._connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        self._connection.read_only = True
        self._connection.execute("SELECT 1")
        return self._connection
