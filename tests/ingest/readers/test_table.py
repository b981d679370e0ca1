"""A table of another PostGIS database: read in one snapshot, known again by its rows, refused in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import shapely

from gisgrid.db import Database
from gisgrid.errors import SourceError
from ingest.readers import open_source, table
from tests.ingest.readers.reading import Read, source

MAKE = """
CREATE SCHEMA "市政";
CREATE TABLE "市政"."Covers" (id int, "编号" text, cost numeric, at timestamptz, tags jsonb, geom geometry(Point, 4528));
INSERT INTO "市政"."Covers"
SELECT n, '井' || n, n / 4.0, '2020-01-31T00:00:00Z', '{"a": 1}',
    CASE WHEN n <> 7 THEN ST_SetSRID(ST_MakePoint(40494000 + n, 3994000), 4528) END FROM generate_series(1, 50) n;
"""


@pytest.fixture
def covers(database: Database, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def run(statement: str) -> None:
        with database.connect() as connection:
            connection.execute(statement.encode())

    run(MAKE)
    monkeypatch.setenv("OTHER_TOWN", database.url)
    return run


def read_table(name: str = '"市政"."Covers"') -> Read:
    reader = open_source(source(connection="env:OTHER_TOWN", table=name), None)  # type: ignore[arg-type]
    return Read(reader.contents, list(reader.batches()))


def test_rows_come_with_their_columns_places_and_coordinate_system(covers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "_BATCH_ROWS", 20)
    found = read_table()
    assert found.contents.columns == ("id", "编号", "cost", "at", "tags")
    assert (found.contents.crs, found.contents.total, found.size, len(found.batches)) == ("EPSG:4528", 50, 50, 3)
    assert sorted(int(row["id"]) for row in found.rows) == list(range(1, 51))
    by_id = {row["id"]: (row, place) for row, place in zip(found.rows, found.geom, strict=True)}
    row, place = by_id["3"]
    assert (row["编号"], float(row["cost"]), row["tags"]) == ("井3", 0.75, '{"a": 1}')
    assert place == shapely.Point(40494003, 3994000)
    assert by_id["7"][1] is None


def test_the_hash_is_of_the_rows_and_not_of_their_order(covers: Any) -> None:
    def now() -> str:
        return table.table_hash("env:OTHER_TOWN", '"市政"."Covers"')

    first = now()
    covers('CREATE TABLE other AS SELECT * FROM "市政"."Covers" ORDER BY id DESC')
    assert table.table_hash("env:OTHER_TOWN", "public.other") == first
    covers("UPDATE other SET cost = cost + 1 WHERE id = 3")
    assert table.table_hash("env:OTHER_TOWN", "public.other") != first
    covers('INSERT INTO "市政"."Covers" SELECT * FROM "市政"."Covers" WHERE id = 3')
    assert now() != first


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("absent", "There is no table absent"),
        ('bad"name', "is not the name of a table|There is no table"),
        ("two", "several geometry columns"),
        ("mixed", "several coordinate systems"),
        ("public.spatial_ref_sys; DROP TABLE two", "no table|not the name"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(covers: Any, name: str, words: str) -> None:
    covers("CREATE TABLE two (a geometry, b geometry)")
    covers("CREATE TABLE mixed AS SELECT ST_SetSRID(ST_MakePoint(1, 1), s) AS g FROM (VALUES (4326), (4528)) v(s)")
    with pytest.raises(SourceError, match=words):
        read_table(name)


def test_a_connection_that_fails_is_told_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceError, match="OTHER_TOWN is not set"):
        read_table()
    monkeypatch.setenv("OTHER_TOWN", "postgresql://me:secret@127.0.0.1:1/none")
    with pytest.raises(SourceError, match=r"127\.0\.0\.1:1/none cannot be read") as caught:
        read_table()
    assert "secret" not in str(caught.value)
