from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gisgrid.db import Database
from gisgrid.db.cluster import Cluster
from gisgrid.db.commands import app
from gisgrid.db.migrate import newest
from gisgrid.errors import ClusterError, DatabaseError

Run = Callable[..., Result]


@pytest.fixture
def run(cluster_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """``gisgrid db ...`` with a home of its own; an error that the user is told is raised here."""
    monkeypatch.setenv("GISGRID_HOME", str(cluster_home))

    def call(*arguments: str, **options: str) -> Result:
        result = CliRunner().invoke(app, list(arguments), input=options.get("input"))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    yield call
    Cluster(cluster_home).stop()


def test_the_life_of_a_cluster_on_the_command_line(run: Run, cluster_home: Path) -> None:
    assert run("status").exit_code == 1
    assert "was not running" in run("stop").output
    with pytest.raises(ClusterError, match="no private cluster"):
        run("url")

    assert "was started" in run("start").output
    assert "runs already" in run("start").output
    status = run("status")
    assert status.exit_code == 0
    assert "schema: none" in status.output
    assert run("url").output == Cluster(cluster_home).url + "\n"

    assert "applied 0001, 0002, 0003" in run("migrate").output
    assert f"is at {newest()} already" in run("migrate").output
    assert f"schema: {newest()}" in run("status").output

    assert "was stopped" in run("stop").output
    assert run("status").exit_code == 1


@pytest.fixture
def given(database: Database, run: Run, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A server named by GISGRID_DATABASE_URL."""
    monkeypatch.setenv("GISGRID_DATABASE_URL", database.url)
    return database


def test_a_server_given_by_url_is_neither_started_nor_stopped(given: Database, run: Run, cluster_home: Path) -> None:
    for command in ("start", "stop"):
        result = run(command)
        assert result.exit_code == 0
        assert f"({given.address}) that gisgrid neither starts nor stops" in result.output
    assert run("url").output == given.url + "\n"
    assert run("status").exit_code == 0
    assert list(cluster_home.iterdir()) == []


def test_status_fails_when_the_server_given_is_down(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GISGRID_DATABASE_URL", "postgresql://u:secret@127.0.0.1:1/x")
    with pytest.raises(DatabaseError, match=r"127\.0\.0\.1:1/x cannot be reached"):
        run("status")


def test_reset_asks_before_it_removes_anything(given: Database, run: Run) -> None:
    def count() -> object:
        with given.connect() as connection:
            return connection.execute("SELECT count(*) FROM gisgrid.organizations").fetchone()

    with given.connect() as connection:
        connection.execute("INSERT INTO gisgrid.organizations (code, name) VALUES ('1', 'x')")
    refused = run("reset", input="n\n")
    assert refused.exit_code == 1
    assert given.address in refused.output
    assert count() == (1,)
    assert run("reset", input="y\n").exit_code == 0
    assert count() == (0,)
    with given.connect() as connection:
        connection.execute("INSERT INTO gisgrid.organizations (code, name) VALUES ('1', 'x')")
    assert run("reset", "--yes").exit_code == 0
    assert count() == (0,)


def test_psql_gets_the_database_and_what_follows(given: Database) -> None:
    code = "from gisgrid.db.commands import app; app()"
    done = subprocess.run(
        [sys.executable, "-c", code, "psql", "-Atc", "SELECT current_database(), 'a b'"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{given.address.split('/')[1]}|a b\n"
