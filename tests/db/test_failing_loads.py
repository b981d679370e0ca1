"""What a load leaves behind when it is cut short, when another is at work, and when the disk is full."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
import shapely
from psycopg import sql

from gisgrid.db import Database
from gisgrid.db.loading import Loading, open_loading
from gisgrid.db.records import Counts, Delivery
from gisgrid.db.staging import STATEMENTS
from gisgrid.errors import DatabaseError, SourceError

DELIVERY = Delivery("cams", "cameras", "cameras.csv", "f", "s")
INTERRUPTED = ("failed", "The load was interrupted before it ended.", True)
PLACE = shapely.to_wkb(shapely.set_srid(shapely.Point(120, 36), 4326), hex=True, include_srid=True)


def table(*codes: str, name: str = "x") -> pa.Table:
    rows = [{"row_number": n, "code": code, "name": name, "kind": "fixed", "geom": PLACE} for n, code in enumerate(codes, 1)]
    return pa.table({column: pa.array([row.get(column) for row in rows]) for column in STATEMENTS["cameras"].columns})


def load(loading: Loading, rows: pa.Table, before_merge: Callable[[], None] = lambda: None, delivery: Delivery = DELIVERY) -> None:
    with loading.layer(delivery, None) as run:
        run.stage(rows)
        list(run.held_by_others())
        before_merge()
        run.merge()
        run.counts = Counts(rows.num_rows, rows.num_rows, 0, 0, {})


def loaded(database: Database, *codes: str, name: str = "x") -> None:
    with open_loading(database) as loading:
        load(loading, table(*codes, name=name))


def rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    with database.connect() as connection:
        return connection.execute(query.encode()).fetchall()


def runs(database: Database) -> list[tuple[Any, ...]]:
    return rows(database, "SELECT status, report ->> 'error', finished_at IS NULL FROM gisgrid.ingest_runs ORDER BY id")


def cut(database: Database) -> None:
    """End every other connection to the database, as a server that goes down does."""
    rows(database, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")


# --- cut short ---


def test_a_run_is_recorded_as_interrupted_before_it_begins(database: Database) -> None:
    with open_loading(database) as loading, loading.layer(DELIVERY, None):
        assert runs(database) == [INTERRUPTED], "seen from another connection"


def test_a_load_that_is_cut_is_one_clear_error_and_leaves_what_is_served(database: Database) -> None:
    loaded(database, "a", "b")
    before = rows(database, "SELECT * FROM gisgrid.cameras_all ORDER BY id"), rows(database, "SELECT count(*) FROM gisgrid.changes")

    def attempt() -> None:
        with open_loading(database) as loading:
            try:
                load(loading, table("a", "c", name="new"), lambda: cut(database))
            except DatabaseError as error:
                loading.record_failed(DELIVERY, str(error))
                raise

    with pytest.raises(DatabaseError, match=r"The connection to the database at .* failed: terminating connection") as caught:
        attempt()
    assert "Nothing of the load at hand was kept; what is served stays as it was." in caught.value.hint
    assert "Then repeat the command." in caught.value.hint
    assert (
        rows(database, "SELECT * FROM gisgrid.cameras_all ORDER BY id"),
        rows(database, "SELECT count(*) FROM gisgrid.changes"),
    ) == before
    assert runs(database)[1:] == [INTERRUPTED]
    loaded(database, "a", "c", name="new")
    assert rows(database, "SELECT code, name FROM gisgrid.cameras ORDER BY code") == [("a", "new"), ("c", "new")]


def test_areas_that_are_cut_leave_a_draft_that_the_next_ingest_throws_away(database: Database) -> None:
    grids = Delivery("grids", "grids", "grids.shp", "f", "s")

    def attempt() -> None:
        with open_loading(database) as loading:
            with loading.layer(grids, "grid"):
                pass
            cut(database)
            loading.carry_over()

    with pytest.raises(DatabaseError, match="failed"):
        attempt()
    assert rows(database, "SELECT status, completed_at FROM gisgrid.generations") == [("draft", None)]
    assert runs(database) == [("failed", "The load was interrupted before it ended.", False)]
    with open_loading(database) as loading, loading.layer(grids, "grid"):
        assert len(rows(database, "SELECT * FROM gisgrid.generations")) == 1


def test_why_a_run_failed_is_added_to_its_record(database: Database) -> None:
    with open_loading(database) as loading:
        with pytest.raises(SourceError), loading.layer(DELIVERY, None):
            raise SourceError("The file is bad.")
        loading.record_failed(DELIVERY, "The file is bad.")
        loading.record_failed(DELIVERY._replace(source_id="never begun"), "There is no file.")
    assert runs(database) == [("failed", "The file is bad.", False), ("failed", "There is no file.", False)]


def test_what_the_database_refuses_is_one_clear_error(database: Database) -> None:
    with open_loading(database) as loading, pytest.raises(DatabaseError, match="refused: null value in column") as caught:
        load(loading, table("a").set_column(0, "code", pa.array([None], pa.string())))
    assert "Nothing of the load at hand was kept" in caught.value.hint


# --- one at a time ---


def test_a_second_ingest_waits_for_the_first_and_says_so(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    with ThreadPoolExecutor(1) as pool:
        with open_loading(database) as loading:
            waiting = pool.submit(loaded, database, "b")
            blocked = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            while rows(database, blocked) != [(1,)]:
                assert not waiting.done()
            load(loading, table("a"))
            assert rows(database, "SELECT code FROM gisgrid.cameras") == [("a",)]
        waiting.result(timeout=30)
    assert "Another ingest is at work on this database (server process" in caplog.text
    assert "waiting for it to end" in caplog.text


def test_a_second_ingest_that_may_not_wait_is_refused(database: Database) -> None:
    with open_loading(database), pytest.raises(DatabaseError, match=r"Another ingest is at work .*\(server process \d+, connected since"):
        open_loading(database, wait=False).__enter__()
    with open_loading(database, wait=False) as loading:
        load(loading, table("a"))


def test_a_database_of_before_is_told_to_be_migrated(database: Database) -> None:
    with database.connect() as connection:
        connection.execute("ALTER TABLE gisgrid.ingest_runs DROP COLUMN settings")
    with open_loading(database) as loading, pytest.raises(DatabaseError, match="lacks tables or columns") as caught:
        load(loading, table("a"))
    assert "gisgrid db migrate" in caught.value.hint


# --- a disk that is full ---


@contextmanager
def small_disk(size: str) -> Iterator[Path]:
    """Mount a disk of ``size`` that the server may write to; skips the test where that is not allowed."""
    folder = Path(tempfile.mkdtemp(prefix="gisgrid-disk-", dir="/tmp"))  # pytest's own folders are closed to the server
    try:
        if os.getuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=False).returncode:
            pytest.skip("a small disk cannot be mounted here")
        try:
            shutil.chown(folder, "postgres", "postgres")
            yield folder
        finally:
            subprocess.run(["umount", folder], check=True)
    finally:
        folder.rmdir()


@pytest.fixture
def cramped(database: Database, database_url: str) -> Iterator[tuple[Database, Path]]:
    """A database on a disk that it nearly fills, and where that is mounted."""
    if os.environ.get("GISGRID_TEST_DATABASE_URL"):
        pytest.skip("the server's disk is not ours")
    name = sql.Identifier(f"small_{os.getpid()}")
    fresh = sql.Identifier(database.address.split("/")[1])
    with small_disk("26m") as folder, psycopg.connect(database_url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE TABLESPACE {} LOCATION {}").format(name, sql.Literal(str(folder))))
        try:
            server.execute(sql.SQL("ALTER DATABASE {} SET TABLESPACE {}").format(fresh, name))
            yield database, folder
            server.execute(sql.SQL("ALTER DATABASE {} SET TABLESPACE pg_default").format(fresh))
        finally:
            server.execute(sql.SQL("DROP TABLESPACE {}").format(name))


def test_a_full_disk_is_one_clear_error_and_the_load_can_be_repeated_with_more_room(cramped: tuple[Database, Path]) -> None:
    database, folder = cramped
    loaded(database, "a")
    many = table(*(f"camera {number}" for number in range(40_000)))

    def attempt() -> None:
        with open_loading(database) as loading:
            try:
                load(loading, many)
            except DatabaseError as error:
                loading.record_failed(DELIVERY, error.message)
                raise

    with pytest.raises(DatabaseError, match=r"The disk of the database at .* is full: .*No space left on device") as caught:
        attempt()
    assert (
        caught.value.hint
        == "Make room there, then repeat the command. Nothing of the load at hand was kept; what is served stays as it was."
    )
    assert rows(database, "SELECT code FROM gisgrid.cameras") == [("a",)]
    status, error, is_open = runs(database)[-1]
    assert (status, is_open) == ("failed", False)
    assert "is full" in error
    subprocess.run(["mount", "-o", "remount,size=400m", folder], check=True)
    attempt()
    assert rows(database, "SELECT count(*) FROM gisgrid.cameras") == [(40_000,)]


def test_a_full_disk_is_told_from_a_lost_connection(database: Database) -> None:
    with database.connect() as connection:
        connection.execute(
            """
            CREATE FUNCTION gisgrid.full_disk() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
            CREATE TRIGGER full_disk BEFORE INSERT ON gisgrid.cameras_all EXECUTE FUNCTION gisgrid.full_disk();
            """
        )
    with open_loading(database) as loading:
        with pytest.raises(DatabaseError, match=r"The disk of the database at .* is full: could not extend file"):
            load(loading, table("a"))
        loading.record_failed(DELIVERY, "full")
    assert runs(database) == [("failed", "full", False)]
