from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any, LiteralString

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from geoalchemy2 import alembic_helpers
from psycopg import errors, sql
from psycopg.conninfo import make_conninfo

from gisgrid.codes import component_classes
from gisgrid.db import Database
from gisgrid.db.changes import EVERYTHING
from gisgrid.db.migrate import migrate, newest, reset
from gisgrid.db.revision import current
from gisgrid.db.tables import SCHEMA, metadata
from gisgrid.errors import DatabaseError
from gisgrid.layers import LAYERS, Layer

REVISIONS = [f"{number:04}" for number in range(1, 21)]

BOX = "SRID=4326;MULTIPOLYGON(((120 36, 120.1 36, 120.1 36.1, 120 36.1, 120 36)))"
BOW_TIE = "SRID=4326;MULTIPOLYGON(((120 36, 120.1 36.1, 120.1 36, 120 36.1, 120 36)))"
NO_POLYGON = "SRID=4326;MULTIPOLYGON EMPTY"

GENERATION: LiteralString = "INSERT INTO gisgrid.generations (status) VALUES (%s) RETURNING id"
AREA: LiteralString = "INSERT INTO gisgrid.areas (generation_id, level, code, name, geom) VALUES (%s, %s, %s, 'x', %s)"
GRID: LiteralString = "INSERT INTO gisgrid.grids (code, name, geom) VALUES (%s, 'x', %s) RETURNING id"


def one(connection: psycopg.Connection, query: LiteralString, *values: object) -> Any:
    row = connection.execute(query, values).fetchone()
    return row[0] if row else None


@pytest.mark.filterwarnings("ignore:Did not recognize type 'xid8'")
def test_the_tables_declared_in_python_are_the_tables_that_the_migrations_make(database: Database) -> None:
    with database.engine().connect() as connection:
        connection.dialect.supports_comments = False  # the migrations alone hold comments
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "version_table_schema": SCHEMA,
                "include_object": alembic_helpers.include_object,
                "include_name": lambda name, kind, _: name == SCHEMA if kind == "schema" else True,
                "compare_server_default": True,
            },
        )
        assert compare_metadata(context, metadata) == []


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.id)
def test_each_layer_has_a_table_or_view_with_its_fields_and_geometries(connection: psycopg.Connection, layer: Layer) -> None:
    types = {"text": "text", "integer": "integer", "number": "double precision", "date": "date"}
    columns: dict[str, str] = dict(
        connection.execute(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'gisgrid' AND table_name = %s",
            [layer.id],
        ).fetchall()
    )
    geometries = connection.execute(
        "SELECT f_geometry_column, type, srid FROM geometry_columns WHERE f_table_schema = 'gisgrid' AND f_table_name = %s ORDER BY 1",
        [layer.id],
    ).fetchall()
    assert {field.name: columns.get(field.name) for field in layer.fields} == {field.name: types[field.type] for field in layer.fields}
    kinds = [("geom", 4326), ("geom_3857", 3857), ("geom_gcj02", 3857)]
    assert geometries == [(name, layer.geometry.upper(), srid) for name, srid in kinds]


def test_every_index_says_which_query_it_serves(connection: psycopg.Connection) -> None:
    silent = connection.execute(
        """
        SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE c.relnamespace = 'gisgrid'::regnamespace AND NOT i.indisprimary AND obj_description(c.oid, 'pg_class') IS NULL
        """
    ).fetchall()
    assert [name for (name,) in silent] == []


def test_migrating_again_does_nothing(database: Database) -> None:
    assert migrate(database) == []
    assert current(database) == newest()


def test_a_bare_server_is_brought_to_the_newest_revision(empty_database: Database) -> None:
    assert current(empty_database) is None
    assert migrate(empty_database) == REVISIONS
    assert current(empty_database) == newest() == REVISIONS[-1]


def test_the_code_lists_are_filled_and_a_spoilt_one_is_mended(database: Database) -> None:
    with database.connect() as connection:
        connection.execute("UPDATE gisgrid.component_classes SET is_cover = NOT is_cover WHERE code = '0101'")
        connection.execute("DELETE FROM gisgrid.component_classes WHERE code = '0102'")
    migrate(database)
    with database.connect() as connection:
        rows = connection.execute("SELECT scheme, edition, code, major, name, is_cover, kind FROM gisgrid.component_classes").fetchall()
    assert {row[:3]: row for row in rows} == {key: tuple(row) for key, row in component_classes().items()}


def test_reset_leaves_an_empty_schema_and_tells_the_readers(database: Database) -> None:
    with database.connect() as connection:
        connection.execute("INSERT INTO gisgrid.organizations (code, name) VALUES ('1', 'x')")
    assert reset(database) == REVISIONS
    with database.connect() as connection:
        assert one(connection, "SELECT count(*) FROM gisgrid.organizations") == 0
        assert one(connection, "SELECT count(*) FROM gisgrid.changes WHERE west IS NULL") == len(EVERYTHING)


@pytest.fixture
def powerless(empty_database: Database) -> Iterator[Database]:
    """A database with PostGIS, seen as a user who may make nothing there."""
    name = f"gisgrid_nobody_{os.getpid()}"
    with empty_database.connect() as connection:
        connection.execute("CREATE EXTENSION postgis")
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'pw-of-nobody'").format(sql.Identifier(name)))
    yield Database(make_conninfo(empty_database.url, user=name, password="pw-of-nobody"))
    with empty_database.connect() as connection:
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def test_a_user_who_may_not_make_the_schema_is_told_so(powerless: Database) -> None:
    with pytest.raises(DatabaseError, match="permission denied") as caught:
        migrate(powerless)
    assert "CREATE privilege" in caught.value.hint
    assert "pw-of-nobody" not in str(caught.value)


def test_only_one_generation_is_active(connection: psycopg.Connection) -> None:
    one(connection, GENERATION, "active")
    one(connection, GENERATION, "draft")
    with pytest.raises(errors.UniqueViolation), connection.transaction():
        one(connection, GENERATION, "active")


def test_a_generation_notes_when_it_was_activated_and_retired(connection: psycopg.Connection) -> None:
    id = one(connection, GENERATION, "draft")
    for status in ("active", "retired", "active"):
        connection.execute("UPDATE gisgrid.generations SET status = %s WHERE id = %s", [status, id])
        row = connection.execute("SELECT activated_at IS NOT NULL, retired_at IS NOT NULL FROM gisgrid.generations").fetchone()
        assert row == (True, status == "retired")


def test_an_area_put_in_through_a_view_gets_level_generation_and_size(connection: psycopg.Connection) -> None:
    id = one(connection, GENERATION, "active")
    one(connection, GRID, "g1", BOX)
    row = connection.execute("SELECT level, generation_id, area_m2, ST_SRID(geom_3857) FROM gisgrid.areas").fetchone()
    assert row is not None
    assert row[:2] == ("grid", id)
    assert row[2] == pytest.approx(99_982_358, abs=1)  # 0.1 by 0.1 degrees at 36 N on the ellipsoid
    assert row[3] == 3857


def test_an_area_cannot_be_put_in_while_no_generation_is_active(connection: psycopg.Connection) -> None:
    one(connection, GENERATION, "draft")
    with pytest.raises(errors.NotNullViolation, match="no active generation") as caught, connection.transaction():
        one(connection, GRID, "g1", BOX)
    assert "gisgrid ingest" in str(caught.value)


def test_areas_are_edited_through_their_views(connection: psycopg.Connection) -> None:
    one(connection, GENERATION, "active")
    one(connection, GRID, "g1", BOX)
    connection.execute("UPDATE gisgrid.grids SET name = 'new', geom = ST_Multi(ST_MakeEnvelope(120, 36, 120.2, 36.1, 4326))")
    row = connection.execute("SELECT name, area_m2 FROM gisgrid.areas").fetchone()
    assert row is not None
    assert row[0] == "new"
    assert row[1] == pytest.approx(2 * 99_982_358, rel=1e-5), "the size follows the shape"
    connection.execute("UPDATE gisgrid.grids SET area_m2 = 5, geom = %s", [BOX])
    assert one(connection, "SELECT area_m2 FROM gisgrid.areas") == 5, "a size that is given is kept"
    connection.execute("DELETE FROM gisgrid.grids")
    assert one(connection, "SELECT count(*) FROM gisgrid.areas") == 0


def test_a_view_of_areas_shows_its_level_of_the_active_generation_only(connection: psycopg.Connection) -> None:
    draft, active = one(connection, GENERATION, "draft"), one(connection, GENERATION, "active")
    for generation in (draft, active):
        for level in ("district", "street", "community", "grid"):
            connection.execute(AREA, [generation, level, f"{level}-{generation}", BOX])
    shown = [
        one(connection, "SELECT string_agg(code, ',') FROM gisgrid." + view) for view in ("districts", "streets", "communities", "grids")
    ]
    assert shown == [f"{level}-{active}" for level in ("district", "street", "community", "grid")]


def test_a_view_of_areas_takes_no_row_that_it_would_not_show(connection: psycopg.Connection) -> None:
    one(connection, GENERATION, "active")
    one(connection, GRID, "g1", BOX)
    with pytest.raises(errors.WithCheckOptionViolation), connection.transaction():
        connection.execute("UPDATE gisgrid.grids SET level = 'street'")


@pytest.mark.parametrize(
    ("level", "code", "geom", "error"),
    [
        ("village", "g", BOX, errors.CheckViolation),
        ("grid", "", BOX, errors.CheckViolation),
        ("grid", "g", BOW_TIE, errors.CheckViolation),
        ("grid", "g", NO_POLYGON, errors.CheckViolation),
        ("grid", "g", BOX.replace("36.1", "86.1"), errors.CheckViolation),
        ("grid", "g", BOX.replace("4326", "4490"), errors.InvalidParameterValue),
        ("grid", "g", "SRID=4326;POINT(120 36)", errors.InvalidParameterValue),
        ("grid", "taken", BOX, errors.UniqueViolation),
    ],
)
def test_an_impossible_area_is_refused(connection: psycopg.Connection, level: str, code: str, geom: str, error: type[Exception]) -> None:
    generation = one(connection, GENERATION, "active")
    connection.execute(AREA, [generation, "grid", "taken", BOX])
    with pytest.raises(error), connection.transaction():
        connection.execute(AREA, [generation, level, code, geom])


@pytest.fixture
def put_camera(connection: psycopg.Connection) -> Callable[..., None]:
    def put(**values: object) -> None:
        row = {"code": "c", "geom": "SRID=4326;POINT(120 36)"} | values
        query = sql.SQL("INSERT INTO gisgrid.cameras ({}) VALUES ({})").format(
            sql.SQL(", ").join(map(sql.Identifier, row)), sql.SQL(", ").join([sql.Placeholder()] * len(row))
        )
        connection.execute(query, list(row.values()))

    return put


@pytest.mark.parametrize(
    "values",
    [
        {"code": ""},
        {"kind": "bullet"},
        {"status": "broken"},
        {"azimuth_deg": 360},
        {"azimuth_deg": -1},
        {"azimuth_deg": float("nan")},
        {"azimuth_uncertainty_deg": 181},
        {"field_of_view_deg": 0},
        {"field_of_view_deg": float("nan")},
        {"range_m": 0},
        {"range_m": float("inf")},
        {"mount_height_m": -1},
        {"azimuth_source": "guess"},
        {"geom": "SRID=4326;POINT EMPTY"},
        {"geom": "SRID=4326;POINT(200 36)"},
        {"geom": "SRID=4326;POINT(120 NaN)"},
    ],
    ids=str,
)
def test_an_impossible_camera_is_refused(put_camera: Callable[..., None], values: dict[str, object]) -> None:
    with pytest.raises(errors.CheckViolation):
        put_camera(**values)


@pytest.mark.parametrize(
    "values", [{"azimuth_deg": 0}, {"azimuth_deg": 359.99}, {"field_of_view_deg": 360}, {"azimuth_source": "8-step"}], ids=str
)
def test_the_ends_of_the_ranges_of_a_camera_are_allowed(put_camera: Callable[..., None], values: dict[str, object]) -> None:
    put_camera(**values)


COMPONENT: LiteralString = """
INSERT INTO gisgrid.components (code, scheme, edition, class_code, state, spec, geom)
VALUES (%s, 'CJ/T 214', '2007', %s, %s, %s, 'SRID=4326;POINT(120 36)')
"""


@pytest.mark.parametrize(
    ("values", "error"),
    [
        (("", "0101", "intact", "{}"), errors.CheckViolation),
        (("1", "9999", "intact", "{}"), errors.ForeignKeyViolation),
        (("1", "0101", "fine", "{}"), errors.CheckViolation),
        (("1", "0101", "intact", "[]"), errors.CheckViolation),
    ],
)
def test_an_impossible_component_is_refused(connection: psycopg.Connection, values: tuple[str, ...], error: type[Exception]) -> None:
    with pytest.raises(error):
        connection.execute(COMPONENT, values)


def test_manhole_covers_are_the_components_of_cover_classes(connection: psycopg.Connection) -> None:
    connection.execute(COMPONENT, ["cover", "0101", "intact", '{"material": "铸铁", "shape": "圆形", "size": "700"}'])
    other = one(connection, "SELECT code FROM gisgrid.component_classes WHERE edition = '2007' AND NOT is_cover LIMIT 1")
    connection.execute(COMPONENT, ["lamp", other, "intact", "{}"])
    assert connection.execute("SELECT code, material, shape, size FROM gisgrid.manhole_covers").fetchall() == [
        ("cover", "铸铁", "圆形", "700")
    ]
    connection.execute("""UPDATE gisgrid.manhole_covers SET state = 'broken', spec = spec || '{"size": "800"}'""")
    assert connection.execute("SELECT code, state, spec ->> 'size' FROM gisgrid.components ORDER BY code").fetchall() == [
        ("cover", "broken", "800"),
        ("lamp", "intact", None),
    ]
    with pytest.raises(errors.WithCheckOptionViolation), connection.transaction():
        connection.execute("UPDATE gisgrid.manhole_covers SET class_code = %s", [other])


def test_nobody_holds_the_same_role_for_an_area_twice(connection: psycopg.Connection) -> None:
    role: LiteralString = """
        INSERT INTO gisgrid.area_roles (area_level, area_code, role, organization_code) VALUES ('grid', 'g', 'responsible_unit', 'o')
    """
    connection.execute(role)
    with pytest.raises(errors.UniqueViolation), connection.transaction():
        connection.execute(role)
    connection.execute("UPDATE gisgrid.area_roles SET valid_to = now() + interval '1 s'")
    connection.execute(role)


def test_codes_sort_by_their_bytes_on_any_server(connection: psycopg.Connection) -> None:
    for code in ("a", "B", "1", "中"):
        connection.execute("INSERT INTO gisgrid.organizations (code, name) VALUES (%s, 'x')", [code])
    codes = connection.execute("SELECT code FROM gisgrid.organizations ORDER BY code").fetchall()
    assert [code for (code,) in codes] == ["1", "B", "a", "中"]
