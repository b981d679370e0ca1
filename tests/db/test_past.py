"""What the database tells of the past: how far it reaches, when a layer did not change, and from when on a change counts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, LiteralString

import psycopg
import pytest

from gisgrid.db import Database
from gisgrid.db.changes import position
from gisgrid.db.past import (
    Extent,
    Span,
    Touch,
    read_extent,
    read_footprints_then,
    read_points_then,
    read_roles_then,
    read_span,
    read_touched,
)
from gisgrid.db.reading import read_footprints, read_points
from gisgrid.locator import PointTable

CAMERA: LiteralString = "INSERT INTO gisgrid.cameras (code, name, geom) VALUES (%s, 'old', 'SRID=4326;POINT(120 36)')"
COVER: LiteralString = """INSERT INTO gisgrid.components (code, scheme, edition, class_code, installed_on, spec, geom)
VALUES (%s, 'CJ/T 214', '2007', %s, '2019-03-07', '{"material": "铸铁"}', 'SRID=4326;POINT(120 36)')"""


def do(database: Database, statement: LiteralString, *values: object) -> datetime:
    """Do it in a transaction of its own; return the time of that."""
    with database.connect() as connection:
        row = connection.execute("SELECT now()").fetchone()
        connection.execute(statement, values or None)
    assert row
    began: datetime = row[0]
    return began


def points_then(connection: psycopg.Connection, layer: str, instant: datetime) -> PointTable:
    return read_points_then(connection, layer, instant, read_points(connection, layer))


@pytest.mark.parametrize("layer", ["cameras", "manhole_covers", "buildings"])
def test_of_a_layer_that_never_held_anything_nothing_is_known(connection: psycopg.Connection, layer: str) -> None:
    assert read_extent(connection, layer) is None


def test_a_history_reaches_from_the_first_feature_to_the_last_change(database: Database) -> None:
    first = do(database, CAMERA, "a")
    do(database, CAMERA, "b")
    gone = do(database, "DELETE FROM gisgrid.cameras WHERE code = 'a'")
    with database.connect() as connection:
        assert read_extent(connection, "cameras") == Extent(first, gone)
        assert read_extent(connection, "buildings") is None


def test_lamps_are_no_part_of_the_history_of_covers(database: Database) -> None:
    do(database, COVER, "lamp", "0118")
    with database.connect() as connection:
        assert read_extent(connection, "manhole_covers") is None
    first = do(database, COVER, "cover", "0102")
    do(database, "UPDATE gisgrid.components SET name = 'x' WHERE code = 'lamp'")
    with database.connect() as connection:
        assert read_extent(connection, "manhole_covers") == Extent(first, first)


def test_a_layer_does_not_change_between_two_changes(database: Database) -> None:
    times = [
        do(database, CAMERA, "a"),
        do(database, CAMERA, "b"),
        do(database, "UPDATE gisgrid.cameras SET name = 'new' WHERE code = 'b'"),
        do(database, "UPDATE gisgrid.cameras_all SET retired_at = now() WHERE code = 'a'"),
        do(database, "DELETE FROM gisgrid.cameras WHERE code = 'b'"),
    ]
    tick = timedelta(microseconds=1)
    with database.connect() as connection:
        for since, until in zip(times, [*times[1:], None], strict=True):
            last = (until or since + timedelta(days=9)) - tick
            assert [read_span(connection, "cameras", at) for at in (since, last)] == [Span(since, until)] * 2
        counts = [len(points_then(connection, "cameras", at).ids) for at in times]
        names = [row[1] for at in times for row in points_then(connection, "cameras", at).rows if row[0] == "b"]
    assert counts == [1, 2, 2, 1, 0]
    assert names == ["old", "new", "new"]


def test_several_changes_of_one_transaction_are_one_change(database: Database) -> None:
    put = do(database, CAMERA, "a")
    with database.connect() as connection:
        for name in ("one", "two", "three"):
            connection.execute("UPDATE gisgrid.cameras SET name = %s", [name])
    with database.connect() as connection:
        changed = read_span(connection, "cameras", put).until
        assert changed is not None
        assert [row[1] for row in points_then(connection, "cameras", changed).rows] == ["three"]
        assert [row[1] for row in points_then(connection, "cameras", changed - timedelta(microseconds=1)).rows] == ["old"]


def test_a_version_has_every_field_as_it_is_served(own_town: Database) -> None:
    with own_town.connect() as connection:
        found = connection.execute("SELECT clock_timestamp()").fetchone()
        assert found
        served = {layer: read_points(connection, layer) for layer in ("cameras", "manhole_covers")}
        buildings = read_footprints(connection, "buildings")
    for name in ("cameras_all", "buildings_all", "components"):
        with own_town.connect() as connection:
            connection.execute(f"UPDATE gisgrid.{name} SET name = coalesce(name, '') || '!'".encode())
    with own_town.connect() as connection:
        for layer, table in served.items():
            then = points_then(connection, layer, found[0])
            assert (then.ids, then.codes, then.fields, then.rows) == (table.ids, table.codes, table.fields, table.rows)
            assert [
                (type(one), type(two)) for one, two in zip(then.rows[0], table.rows[0], strict=True) if type(one) is not type(two)
            ] == []
        assert read_footprints_then(connection, "buildings", found[0], read_footprints(connection, "buildings")).rows == buildings.rows


def test_units_of_all_times_come_with_the_names_of_all_times_and_nobodys_telephone(own_town: Database) -> None:
    renamed = do(own_town, "UPDATE gisgrid.organizations SET name = '新' WHERE code = 'U1'")
    with own_town.connect() as connection:
        roles, names = read_roles_then(connection)
    assert {(role.area_code, role.code) for role in roles} == {("370203001", "U1"), ("370203001001001", "U2")}
    assert {(name.name, name.valid_to) for name in names if name.code == "U1"} == {("街道办一", renamed), ("新", None)}
    assert "138" not in repr(roles)
    assert "0532" not in repr(names)


def test_a_change_counts_from_the_beginning_of_its_transaction(database: Database) -> None:
    do(database, CAMERA, "a")
    with database.connect() as reader:
        before = position(reader)
    began = do(database, "SELECT pg_sleep(0.05); UPDATE gisgrid.cameras SET name = 'new'")
    again = do(database, "UPDATE gisgrid.cameras SET name = 'newer'")
    with database.connect() as reader:
        assert read_touched(reader, before) == {"cameras": Touch(began, again)}
        assert read_touched(reader, position(reader)) == {}
        reader.execute("UPDATE gisgrid.changes SET began_at = NULL WHERE began_at = %s", [began])
        assert read_touched(reader, before) == {"cameras": Touch(None, again)}


VERSIONS: LiteralString = """
INSERT INTO gisgrid.asset_versions (layer, asset_id, code, version, valid_from, valid_to, "row")
SELECT CASE WHEN i % 2 = 0 THEN 'cameras' ELSE 'buildings' END, i, i::text, 1, timestamptz '2020-01-01' + i * interval '1 minute',
       timestamptz '2020-01-02' + i * interval '1 minute', '{}'
FROM generate_series(1, 20000) AS i
"""


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("SELECT min(valid_from) FROM gisgrid.asset_versions WHERE layer = 'cameras'", "asset_versions_valid_from"),
        (
            "SELECT max(valid_to) FROM gisgrid.asset_versions WHERE layer = 'cameras' AND valid_to <= '2020-01-05'",
            "asset_versions_valid_to",
        ),
        (
            "SELECT * FROM gisgrid.asset_versions WHERE layer = 'cameras' AND valid_from <= '2020-01-15' AND valid_to > '2020-01-15'",
            "asset_versions_valid_to",
        ),
    ],
)
def test_the_indexes_of_periods_are_used(connection: psycopg.Connection, query: LiteralString, index: str) -> None:
    connection.execute(VERSIONS)
    connection.execute("ANALYZE gisgrid.asset_versions")
    plan: list[Any] = connection.execute(f"EXPLAIN {query}".encode()).fetchall()
    assert index in "\n".join(row[0] for row in plan)
