"""A connection that stays open between readings, and what becomes of it when the server ends it."""

from __future__ import annotations

import psycopg
import pytest

from gisgrid.db import Database
from gisgrid.db.standing import StandingReader
from gisgrid.errors import DatabaseError


def _pid(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    assert row
    return int(row[0])


def test_each_reading_sees_one_state_and_the_next_one_the_next(own_town: Database) -> None:
    reader = StandingReader(own_town)
    count = "SELECT count(*) FROM gisgrid.cameras"
    with reader.snapshot() as connection:
        first = connection.execute(count).fetchone()
        with own_town.connect() as other:
            other.execute("DELETE FROM gisgrid.cameras WHERE code = 'C1'")
        assert connection.execute(count).fetchone() == first
        pid = _pid(connection)
    with reader.snapshot() as connection:
        assert connection.execute(count).fetchone() != first
        assert _pid(connection) == pid
    reader.close()


def test_nothing_can_be_written(town: Database) -> None:
    reader = StandingReader(town)
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), reader.snapshot() as connection:
        connection.execute("DELETE FROM gisgrid.cameras")
    reader.close()


def test_a_connection_that_the_server_has_ended_is_replaced_unnoticed(town: Database) -> None:
    reader = StandingReader(town)
    with reader.snapshot() as connection:
        pid = _pid(connection)
    with town.connect() as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    with reader.snapshot() as connection:
        assert _pid(connection) != pid
    reader.close()


def test_one_that_ends_while_it_reads_is_an_error_that_says_so_and_the_next_reading_works(town: Database) -> None:
    reader = StandingReader(town)

    def read_and_lose() -> None:
        with reader.snapshot() as connection, town.connect() as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [_pid(connection)])
            connection.execute("SELECT 1")

    with pytest.raises(DatabaseError, match="failed"):
        read_and_lose()
    with reader.snapshot() as connection:
        assert _pid(connection)
    reader.close()


def test_no_database_is_an_error_that_says_where() -> None:
    with pytest.raises(DatabaseError, match=r"127\.0\.0\.1:9"), StandingReader(Database("postgresql://u@127.0.0.1:9/none")).snapshot():
        pass
