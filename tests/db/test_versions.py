"""Assets keep every earlier version, whoever edits them, and retire instead of going."""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import errors

CAMERA: LiteralString = "INSERT INTO gisgrid.cameras (code, name, geom) VALUES (%s, 'old', 'SRID=4326;POINT(120 36)') RETURNING id"
BUILDING: LiteralString = """
INSERT INTO gisgrid.buildings (code, floors, geom)
VALUES (%s, 3, 'SRID=4326;MULTIPOLYGON(((120 36, 120.1 36, 120.1 36.1, 120 36.1, 120 36)))') RETURNING id
"""
COVER: LiteralString = """
INSERT INTO gisgrid.components (code, scheme, edition, class_code, spec, geom)
VALUES (%s, 'CJ/T 214', '2007', %s, '{"material": "铸铁"}', 'SRID=4326;POINT(120 36)') RETURNING id
"""
ORGANIZATION: LiteralString = "INSERT INTO gisgrid.organizations (code, name) VALUES (%s, 'old') RETURNING id"
TABLES = {
    "cameras": "cameras_all",
    "buildings": "buildings_all",
    "manhole_covers": "components",
    "components": "components",
    "organizations": "organizations",
}


def rows(connection: psycopg.Connection, query: str, *values: object) -> list[tuple[Any, ...]]:
    return connection.execute(query.encode(), values or None).fetchall()


def put(connection: psycopg.Connection, layer: str, code: str) -> int:
    """Put in an asset; return its id."""
    if layer in ("manhole_covers", "components"):
        found = rows(connection, COVER, code, "0102" if layer == "manhole_covers" else "0116")
    else:
        found = rows(connection, {"cameras": CAMERA, "buildings": BUILDING, "organizations": ORGANIZATION}[layer], code)
    return int(found[0][0])


def versions(connection: psycopg.Connection) -> list[tuple[Any, ...]]:
    return rows(connection, "SELECT layer, asset_id, code, version FROM gisgrid.asset_versions ORDER BY id")


@pytest.mark.parametrize("layer", TABLES)
def test_a_change_raises_the_version_and_keeps_the_row_as_it_was(connection: psycopg.Connection, layer: str) -> None:
    id = put(connection, layer, "a")
    put(connection, layer, "b")
    field, new = ("floors", 9) if layer == "buildings" else ("name", "new")
    old = rows(connection, f"SELECT {field} FROM gisgrid.{TABLES[layer]} WHERE code = 'a'")[0][0]
    connection.execute(f"UPDATE gisgrid.{TABLES[layer]} SET {field} = %s WHERE code = 'a'".encode(), [new])
    assert rows(connection, f"SELECT id, version, {field} FROM gisgrid.{TABLES[layer]} ORDER BY code") == [
        (id, 2, new),
        (id + 1, 1, old),
    ]
    assert versions(connection) == [(layer, id, "a", 1)]
    assert rows(connection, f"SELECT \"row\" -> '{field}', \"row\" ? 'geom', \"row\" ? 'geom_3857' FROM gisgrid.asset_versions") == [
        (old, False, False)
    ]


def test_the_place_before_a_move_is_kept(connection: psycopg.Connection) -> None:
    put(connection, "buildings", "a")
    before = rows(connection, "SELECT geom::text FROM gisgrid.buildings")
    connection.execute("UPDATE gisgrid.buildings SET geom = ST_Translate(geom, 0.1, 0)")
    assert rows(connection, "SELECT geom::text FROM gisgrid.asset_versions") == before
    assert rows(connection, "SELECT ST_Equals(geom_3857, ST_Transform(geom, 3857)), version FROM gisgrid.buildings") == [(True, 2)]


@pytest.mark.parametrize("layer", ["cameras", "organizations"])
def test_writing_a_row_back_as_it_was_is_no_change(connection: psycopg.Connection, layer: str) -> None:
    put(connection, layer, "a")
    connection.execute(f"UPDATE gisgrid.{layer} SET name = name, code = code".encode())
    connection.execute(f"UPDATE gisgrid.{TABLES[layer]} SET version = 9, changed_at = 'epoch'".encode())
    assert rows(connection, f"SELECT version, changed_at > now() - interval '1 day' FROM gisgrid.{layer}") == [(1, True)]
    assert versions(connection) == []


def test_an_asset_keeps_its_id_whatever_is_written(connection: psycopg.Connection) -> None:
    id = put(connection, "cameras", "a")
    connection.execute("UPDATE gisgrid.cameras SET id = 999, name = 'new'")
    assert rows(connection, "SELECT id, version FROM gisgrid.cameras") == [(id, 2)]


def test_only_the_rows_that_came_out_different_are_kept(connection: psycopg.Connection) -> None:
    for code in "abc":
        put(connection, "cameras", code)
    connection.execute("UPDATE gisgrid.cameras SET name = CASE code WHEN 'b' THEN 'new' ELSE name END")
    assert [row[2:] for row in versions(connection)] == [("b", 1)]


def test_the_periods_of_versions_follow_one_another(connection: psycopg.Connection) -> None:
    put(connection, "cameras", "a")
    connection.execute("UPDATE gisgrid.cameras_all SET name = 'second'")
    connection.execute("UPDATE gisgrid.cameras_all SET name = 'third'")
    periods = rows(connection, "SELECT valid_from, valid_to FROM gisgrid.asset_versions ORDER BY version")
    periods += rows(connection, "SELECT changed_at, NULL FROM gisgrid.cameras")
    assert [earlier[1] for earlier in periods[:-1]] == [later[0] for later in periods[1:]]


@pytest.mark.parametrize("statement", ["DELETE FROM gisgrid.cameras", "TRUNCATE gisgrid.cameras_all"])
def test_what_is_deleted_is_kept_too(connection: psycopg.Connection, statement: LiteralString) -> None:
    id = put(connection, "cameras", "a")
    connection.execute(statement)
    assert versions(connection) == [("cameras", id, "a", 1)]
    assert rows(connection, "SELECT count(*) FROM gisgrid.cameras_all") == [(0,)]


def test_a_recoded_asset_is_found_under_both_codes(connection: psycopg.Connection) -> None:
    id = put(connection, "cameras", "a")
    connection.execute("UPDATE gisgrid.cameras SET code = 'b'")
    assert versions(connection) == [("cameras", id, "a", 1)]
    assert rows(connection, "SELECT id, code FROM gisgrid.cameras") == [(id, "b")]


def test_a_change_made_by_an_upsert_is_kept(connection: psycopg.Connection) -> None:
    put(connection, "organizations", "a")
    connection.execute("INSERT INTO gisgrid.organizations (code, name) VALUES ('a', 'new') ON CONFLICT (code) DO UPDATE SET name = 'new'")
    assert rows(connection, "SELECT version FROM gisgrid.organizations") == [(2,)]
    assert len(versions(connection)) == 1


def test_a_later_column_is_kept_as_well(connection: psycopg.Connection) -> None:
    put(connection, "cameras", "a")
    connection.execute("ALTER TABLE gisgrid.cameras_all ADD COLUMN vendor text DEFAULT 'x'")
    connection.execute("UPDATE gisgrid.cameras_all SET vendor = 'y'")
    assert rows(connection, "SELECT \"row\" ->> 'vendor' FROM gisgrid.asset_versions") == [("x",)]


def test_who_may_edit_a_layer_needs_no_right_to_its_history(connection: psycopg.Connection) -> None:
    put(connection, "cameras", "a")
    connection.execute("CREATE ROLE gisgrid_editor_of_cameras")
    connection.execute("GRANT USAGE ON SCHEMA gisgrid TO gisgrid_editor_of_cameras")
    connection.execute("GRANT SELECT, UPDATE ON gisgrid.cameras TO gisgrid_editor_of_cameras")
    connection.execute("SET LOCAL ROLE gisgrid_editor_of_cameras")
    connection.execute("UPDATE gisgrid.cameras SET name = 'new'")
    with pytest.raises(errors.InsufficientPrivilege), connection.transaction():
        connection.execute("SELECT * FROM gisgrid.asset_versions")
    connection.execute("RESET ROLE")
    assert len(versions(connection)) == 1


# --- retirement ---


@pytest.mark.parametrize("layer", ["cameras", "buildings", "manhole_covers"])
def test_a_retired_asset_is_not_served_and_comes_back_under_its_id(connection: psycopg.Connection, layer: str) -> None:
    id = put(connection, layer, "a")
    connection.execute(f"UPDATE gisgrid.{TABLES[layer]} SET retired_at = now()".encode())
    assert rows(connection, f"SELECT id FROM gisgrid.{layer}") == []
    assert rows(connection, f"SELECT id, version FROM gisgrid.{TABLES[layer]}") == [(id, 2)]
    connection.execute(f"UPDATE gisgrid.{TABLES[layer]} SET retired_at = NULL".encode())
    assert rows(connection, f"SELECT id, version FROM gisgrid.{layer}") == [(id, 3)]
    assert rows(connection, "SELECT version, \"row\" -> 'retired_at' <> 'null' FROM gisgrid.asset_versions ORDER BY version") == [
        (1, False),
        (2, True),
    ]


@pytest.mark.parametrize("layer", ["cameras", "buildings"])
def test_rows_are_put_in_changed_and_deleted_through_the_view(connection: psycopg.Connection, layer: str) -> None:
    first, second = put(connection, layer, "a"), put(connection, layer, "b")
    assert second == first + 1
    connection.execute(f"UPDATE gisgrid.{layer} SET code = 'c' WHERE code = 'b'".encode())
    connection.execute(f"DELETE FROM gisgrid.{layer} WHERE code = 'a'".encode())
    assert rows(connection, f"SELECT id, code, version FROM gisgrid.{layer}_all") == [(second, "c", 2)]


@pytest.mark.parametrize("layer", ["cameras", "buildings", "manhole_covers"])
def test_no_edit_through_a_view_reaches_a_retired_row(connection: psycopg.Connection, layer: str) -> None:
    put(connection, layer, "a")
    connection.execute(f"UPDATE gisgrid.{TABLES[layer]} SET retired_at = now()".encode())
    assert connection.execute(f"UPDATE gisgrid.{layer} SET code = 'b'".encode()).rowcount == 0
    assert connection.execute(f"DELETE FROM gisgrid.{layer}".encode()).rowcount == 0


def test_a_view_gives_no_way_to_make_a_row_vanish(connection: psycopg.Connection) -> None:
    put(connection, "manhole_covers", "a")
    with pytest.raises(errors.UndefinedColumn), connection.transaction():
        connection.execute("UPDATE gisgrid.manhole_covers SET retired_at = now()")
    columns = rows(
        connection, "SELECT table_name FROM information_schema.columns WHERE column_name = 'retired_at' AND table_schema = 'gisgrid'"
    )
    assets = {"components", "buildings_all", "cameras_all", "roads_all", "addresses_all", "places_all", "cases_all"}
    assert {name for (name,) in columns} == assets | {"generations", "organizations", "place_names"}
