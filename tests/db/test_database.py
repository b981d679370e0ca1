from __future__ import annotations

import os
import subprocess
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from gisgrid.db import Database, open_database
from gisgrid.errors import ConfigError, DatabaseError
from gisgrid.settings import Settings

NOWHERE = "postgresql://u:top-secret@127.0.0.1:1/x"


def test_making_a_handle_connects_to_nothing() -> None:
    assert Database(NOWHERE).address == "127.0.0.1:1/x"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("postgresql://u:p@db.example.org/city", "db.example.org:5432/city"),
        ("host=db.example.org port=6000 dbname=city user=u", "db.example.org:6000/city"),
        ("postgresql:///city?host=/run/postgresql", "/run/postgresql:5432/city"),
        ("postgresql://someone@localhost", "localhost:5432/someone"),
    ],
)
def test_an_address_names_host_port_and_database(url: str, address: str) -> None:
    assert Database(url).address == address


def test_the_password_is_in_no_text_about_a_handle() -> None:
    database = Database(NOWHERE)
    assert "top-secret" not in f"{database!r} {database} {database.address}"
    assert database.libpq_environment() == {
        "PGUSER": "u",
        "PGPASSWORD": "top-secret",
        "PGHOST": "127.0.0.1",
        "PGPORT": "1",
        "PGDATABASE": "x",
    }


@pytest.mark.parametrize(
    "url",
    ["postgresql://u:top-secret@h:port:7/x", "mysql://u:top-secret@h/x", "postgresql://u:top secret@h/x", "postgresql://u:top/secret@h/x"],
)
def test_an_unreadable_address_is_refused_without_quoting_it(url: str) -> None:
    with pytest.raises(ConfigError, match="address of the database") as caught:
        Database(url)
    assert "GISGRID_DATABASE_URL" in caught.value.hint
    assert "secret" not in str(caught.value)


def test_a_database_that_is_down_is_named_with_host_and_port_and_without_password() -> None:
    with pytest.raises(DatabaseError, match=r"127\.0\.0\.1:1/x cannot be reached") as caught, Database(NOWHERE).connect():
        pass
    assert "top-secret" not in str(caught.value)
    assert "gisgrid db start" in caught.value.hint
    with pytest.raises(DatabaseError, match=r"127\.0\.0\.1:1/x cannot be reached"), Database(NOWHERE).engine().connect():
        pass


@pytest.mark.skipif(bool(os.environ.get("GISGRID_TEST_DATABASE_URL")), reason="the server given may ask for no password")
def test_a_wrong_password_is_named_but_not_told(database: Database) -> None:
    wrong = Database(make_conninfo(database.url, password="wrong-password"))
    with pytest.raises(DatabaseError, match="password authentication failed") as caught, wrong.connect():
        pass
    assert "wrong-password" not in str(caught.value)


def test_a_block_that_ends_well_is_committed_and_one_that_raises_is_not(database: Database) -> None:
    with database.connect() as connection:
        connection.execute("INSERT INTO gisgrid.organizations (code, name) VALUES ('kept', 'x')")

    def fail() -> None:
        with database.connect() as connection:
            connection.execute("INSERT INTO gisgrid.organizations (code, name) VALUES ('lost', 'x')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with database.connect() as connection:
        assert connection.execute("SELECT code FROM gisgrid.organizations").fetchall() == [("kept",)]
    assert connection.closed


def test_a_connection_that_breaks_is_a_database_error(database: Database) -> None:
    with pytest.raises(DatabaseError, match="failed"), database.connect() as connection:
        connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")


def test_a_database_that_was_never_migrated_says_what_to_do(empty_database: Database) -> None:
    with pytest.raises(DatabaseError, match="lacks tables") as caught, empty_database.connect() as connection:
        connection.execute("SELECT * FROM gisgrid.grids")
    assert "gisgrid db migrate" in caught.value.hint


def test_a_mistake_in_a_statement_is_not_taken_for_a_failure_of_the_database(database: Database) -> None:
    with pytest.raises(psycopg.errors.SyntaxError), database.connect() as connection:
        connection.execute("SELEC 1")


def test_the_database_of_the_settings_is_the_one_that_the_url_names(tmp_path: Path) -> None:
    assert open_database(Settings(home=tmp_path, database_url=NOWHERE)).url == NOWHERE
    assert list(tmp_path.iterdir()) == [], "no cluster is made for a server that is there"


def test_postgresqls_own_programs_find_the_database_by_the_environment(database: Database) -> None:
    done = subprocess.run(
        ["psql", "-Atc", "SELECT current_database()"],
        env=database.libpq_environment() | {"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == database.address.split("/")[1]
