"""A database of an earlier revision comes to the newest one with all that it holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, LiteralString

import pytest
from alembic import command

from gisgrid.codes import component_classes
from gisgrid.db import Database
from gisgrid.db.generations import generation_at, list_generations, rollback
from gisgrid.db.loading import open_loading
from gisgrid.db.migrate import config, migrate, reset
from gisgrid.db.records import Delivery
from gisgrid.errors import DatabaseError
from tests.conftest import new_database

OLD: LiteralString = """
INSERT INTO gisgrid.generations (id, status, created_at, activated_at, retired_at)
VALUES (1, 'retired', '2026-01-01', '2026-01-02', '2026-02-02'), (2, 'active', '2026-02-01', '2026-02-02', NULL),
       (3, 'draft', '2026-03-01', NULL, NULL);
SELECT setval(pg_get_serial_sequence('gisgrid.generations', 'id'), 3);
INSERT INTO gisgrid.areas (generation_id, level, code, name, geom, source_id)
SELECT g, 'grid', 'g1', 'grid ' || g, ST_Multi(ST_MakeEnvelope(120, 36, 120.1, 36.1, 4326)), 'grids' FROM generate_series(1, 2) AS g;
INSERT INTO gisgrid.cameras (code, name, geom, source_id) VALUES ('c1', 'One', 'SRID=4326;POINT(120 36)', 'cams');
INSERT INTO gisgrid.buildings (code, geom, source_id)
VALUES ('b1', ST_Multi(ST_MakeEnvelope(120, 36, 120.1, 36.1, 4326)), 'houses');
INSERT INTO gisgrid.components (code, scheme, edition, class_code, spec, geom, source_id)
VALUES ('m1', 'CJ/T 214', '2007', '0102', '{"material": "铸铁"}', 'SRID=4326;POINT(120 36)', 'covers');
INSERT INTO gisgrid.organizations (code, name) VALUES ('o1', '水务局');
INSERT INTO gisgrid.ingest_runs (id, source_id, layer, file_hash, source_hash, status, rows_read, rows_loaded, rows_rejected, report)
VALUES (1, 'grids', 'grids', 'f', 's', 'loaded', 1, 1, 0, '{"warned": 0}'), (2, 'grids', 'grids', 'f', 's', 'loaded', 1, 1, 0, '{}'),
       (3, 'cams', 'cameras', 'f', 's', 'loaded', 2, 1, 1, '{}'), (4, 'grids', 'grids', 'f2', 's', 'failed', 0, 0, 0, '{}');
INSERT INTO gisgrid.ingest_rejects (run_id, layer, row_number, code, message, raw)
VALUES (3, 'cameras', 2, 'required', 'No code.', '{"name": "Two", "code": null}');
INSERT INTO gisgrid.quality_issues (run_id, layer, code, severity, message, geom, created_at)
VALUES (3, 'cameras', 'x', 'info', 'y', 'SRID=4326;POINT(120 36)', '2026-02-03 12:00+00');
"""


@pytest.fixture(scope="module")
def old_template(database_url: str) -> Iterator[str]:
    """The name of a database as the second revision made it, with data."""
    with new_database(database_url, prefix="old") as database:
        with database.engine().begin() as connection:
            settings = config()
            settings.attributes["connection"] = connection
            command.upgrade(settings, "0002")
        with database.connect() as connection:
            with connection.cursor() as cursor:
                classes = [tuple(row[:6]) for row in component_classes().values()]
                cursor.executemany("INSERT INTO gisgrid.component_classes VALUES (%s, %s, %s, %s, %s, %s)", classes)
            connection.execute(OLD)
        yield database.address.split("/")[1]


@pytest.fixture
def old_database(database_url: str, old_template: str) -> Iterator[Database]:
    """A database of before, for this test alone."""
    with new_database(database_url, old_template) as database:
        yield database


@pytest.fixture(scope="module")
def migrated(database_url: str, old_template: str) -> Iterator[Database]:
    """A database of before that was brought to the newest revision."""
    with new_database(database_url, old_template) as database:
        assert migrate(database) == [f"{number:04}" for number in range(3, 21)]
        yield database


def rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    with database.connect() as connection:
        return connection.execute(query.encode()).fetchall()


def test_what_was_served_is_served_still_as_version_one(migrated: Database) -> None:
    assert rows(migrated, "SELECT code, name, source_id, version FROM gisgrid.cameras") == [("c1", "One", "cams", 1)]
    assert rows(migrated, "SELECT code, source_id, version FROM gisgrid.buildings") == [("b1", "houses", 1)]
    assert rows(migrated, "SELECT code, material, version FROM gisgrid.manhole_covers") == [("m1", "铸铁", 1)]
    assert rows(migrated, "SELECT code, name, retired_at FROM gisgrid.organizations") == [("o1", "水务局", None)]
    assert rows(migrated, "SELECT name FROM gisgrid.grids") == [("grid 2",)]


def test_the_past_of_the_generations_is_known(migrated: Database) -> None:
    periods = rows(
        migrated, "SELECT generation_id, valid_from::date::text, valid_to::date::text FROM gisgrid.generation_periods ORDER BY id"
    )
    assert periods == [(1, "2026-01-02", "2026-02-02"), (2, "2026-02-02", None)]
    with migrated.connect() as connection:
        assert [found.completed_at is None for found in list_generations(connection)] == [True, False, False]
        row = connection.execute("SELECT '2026-01-15'::timestamptz").fetchone()
        assert row is not None
        assert generation_at(connection, row[0]) == 1
        with connection.transaction(force_rollback=True):
            assert rollback(connection).id == 1


def test_a_file_that_was_loaded_before_is_known_still(migrated: Database) -> None:
    with open_loading(migrated) as loading:
        grids = loading.last_run(Delivery("grids", "grids", "", "f", "s"))
        cameras = loading.last_run(Delivery("cams", "cameras", "", "f", "s"))
    assert grids is not None
    assert grids.id == 2
    assert cameras is not None
    assert (cameras.id, cameras.counts.rejected, cameras.counts.timings) == (3, 1, {})


def test_records_of_ingest_are_kept(migrated: Database) -> None:
    assert rows(migrated, "SELECT row_number, message, raw, geom_file FROM gisgrid.ingest_rejects") == [
        (2, "No code.", {"name": "Two", "code": None}, None)
    ]
    assert rows(migrated, "SELECT created_on::text, geom_3857 IS NOT NULL, generation_id FROM gisgrid.quality_issues") == [
        ("2026-02-03", True, None)
    ]


def test_edits_after_the_migration_are_told_and_kept(migrated: Database) -> None:
    with migrated.connect() as connection, connection.transaction(force_rollback=True):
        before = connection.execute("SELECT id FROM gisgrid.cameras").fetchall()
        connection.execute("UPDATE gisgrid.cameras SET name = 'Uno'")
        connection.execute("UPDATE gisgrid.buildings SET floors = 3")
        told = connection.execute("SELECT layer FROM gisgrid.changes ORDER BY id DESC LIMIT 2").fetchall()
        assert told == [("buildings",), ("cameras",)]
        kept = connection.execute("SELECT layer, code FROM gisgrid.asset_versions ORDER BY id").fetchall()
        assert kept == [("cameras", "c1"), ("buildings", "b1")]
        new = connection.execute(
            "INSERT INTO gisgrid.cameras (code, geom) VALUES ('c2', 'SRID=4326;POINT(120 36)') RETURNING id"
        ).fetchall()
        assert new == [(before[0][0] + 1,)]


def test_an_old_database_can_be_reset(old_database: Database) -> None:
    assert len(reset(old_database)) == 20
    assert rows(old_database, "SELECT * FROM gisgrid.cameras") == []


def test_a_migration_that_breaks_leaves_the_old_database_as_it_was(old_database: Database) -> None:
    with old_database.connect() as connection:
        connection.execute("CREATE TABLE gisgrid.generation_periods ()")  # in the way of the last step
    with pytest.raises(DatabaseError, match="generation_periods"):
        migrate(old_database)
    assert rows(old_database, "SELECT version_num FROM gisgrid.alembic_version") == [("0002",)]
    assert rows(old_database, "SELECT name FROM gisgrid.cameras") == [("One",)]


def test_what_is_decided_of_cases_is_packed_by_lz4_where_the_server_can(town: Database) -> None:
    with town.connect() as connection:
        row = connection.execute(
            """SELECT (SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'default_toast_compression'), attcompression
               FROM pg_attribute WHERE attrelid = 'gisgrid.cases_all'::regclass AND attname = 'decided'"""
        ).fetchone()
    assert row in ((True, "l"), (False, ""))
