"""Geometry in GCJ-02: the database shifts every vertex as ``gisgrid.crs`` does."""

from __future__ import annotations

from typing import Any

import numpy as np
import psycopg
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gisgrid.crs import GCJ02, WGS84, convert
from gisgrid.crs.convert import transformer
from gisgrid.db import Database

SHIFT = "SELECT ST_AsEWKB(gisgrid.in_gcj02_mercator(ST_GeomFromEWKB(%s)))"
WHERE = {"West": (72.004, 137.8347), "South": (0.8293, 55.8271)}
METRE = 1e-6


def by_the_project(shape: Any) -> Any:
    """Return a shape in WGS 84 as the project's own arrays put it into GCJ-02 and Web Mercator."""

    def moved(at: NDArray[np.float64]) -> NDArray[np.float64]:
        lon, lat = convert(WGS84, GCJ02, at[:, 0], at[:, 1])
        return np.column_stack(transformer(4326, 3857).transform(lon, lat))

    return shapely.transform(shape, moved)


def by_postgis(connection: psycopg.Connection, shape: Any) -> Any:
    found = connection.execute(SHIFT, [shapely.to_wkb(shapely.set_srid(shape, 4326), include_srid=True)]).fetchone()
    assert found is not None
    return found[0] and shapely.from_wkb(found[0])


def assert_same(found: Any, expected: Any) -> None:
    assert found.geom_type == expected.geom_type
    assert shapely.get_srid(found) == 3857
    assert [shapely.get_num_interior_rings(part) for part in shapely.get_parts(found)] == [
        shapely.get_num_interior_rings(part) for part in shapely.get_parts(expected)
    ]
    np.testing.assert_allclose(shapely.get_coordinates(found), shapely.get_coordinates(expected), rtol=0, atol=METRE)


def test_thousands_of_points_are_shifted_as_by_the_arrays(connection: psycopg.Connection) -> None:
    random = np.random.default_rng(5)
    # Half of them all over the world, half in China; and the corners and edges of the box in which positions are shifted.
    lon = np.concatenate([random.uniform(-180, 180, 2000), random.uniform(72, 138, 2000), [72.004, 137.8347, 72.0039, 105.0, 105.0]])
    lat = np.concatenate([random.uniform(-85, 85, 2000), random.uniform(0.8, 56, 2000), [0.8293, 55.8271, 30.0, 35.0, 0.0]])
    rows = connection.execute(
        "SELECT ST_X(p), ST_Y(p), ST_SRID(p) FROM unnest(%s::float8[], %s::float8[]) AS at (lon, lat) "
        "CROSS JOIN LATERAL gisgrid.in_gcj02_mercator(ST_SetSRID(ST_MakePoint(lon, lat), 4326)) AS p",
        [lon.tolist(), lat.tolist()],
    ).fetchall()
    expected = shapely.get_coordinates(by_the_project(shapely.points(lon, lat)))
    np.testing.assert_allclose(np.array(rows)[:, :2], expected, rtol=0, atol=METRE)
    assert {row[2] for row in rows} == {3857}
    assert np.hypot(*(expected - np.column_stack(transformer(4326, 3857).transform(lon, lat))).T).max() > 300, "some were shifted"


SHAPES: list[tuple[str, str]] = [
    ("a point", "POINT (120.38 36.08)"),
    ("points", "MULTIPOINT ((120.38 36.08), (120.39 36.07))"),
    ("a line", "LINESTRING (120 36, 120.1 36.2, 121 36.3)"),
    ("lines", "MULTILINESTRING ((120 36, 120.1 36.2), (120 36.1, 121 36.3, 121 36.4))"),
    ("an area", "POLYGON ((120 36, 120.1 36, 120.1 36.1, 120 36))"),
    ("an area with a hole", "POLYGON ((120 36, 121 36, 121 37, 120 36), (120.6 36.3, 120.7 36.3, 120.7 36.4, 120.6 36.3))"),
    (
        "areas, one with holes",
        "MULTIPOLYGON (((120 36, 121 36, 121 37, 120 36), (120.6 36.3, 120.7 36.3, 120.7 36.4, 120.6 36.3), "
        "(120.8 36.3, 120.9 36.3, 120.9 36.4, 120.8 36.3)), ((130 36, 131 36, 131 37, 130 36)))",
    ),
    ("an area across the edge of the box", "POLYGON ((71 30, 73 30, 73 31, 71 31, 71 30))"),
    ("an area outside", "POLYGON ((2 48, 3 48, 3 49, 2 48))"),
]


@pytest.mark.parametrize("wkt", [pytest.param(wkt, id=name) for name, wkt in SHAPES])
def test_any_shape_is_shifted_vertex_by_vertex(connection: psycopg.Connection, wkt: str) -> None:
    shape = shapely.from_wkt(wkt)
    assert_same(by_postgis(connection, shape), by_the_project(shape))


@settings(max_examples=20)
@given(
    rings=st.lists(st.tuples(st.floats(71, 139), st.floats(0, 57), st.integers(3, 200), st.booleans()), min_size=1, max_size=4),
)
def test_random_areas_with_holes_keep_their_rings(session_database: Database, rings: list[tuple[float, float, int, bool]]) -> None:
    def ring(lon: float, lat: float, count: int, radius: float) -> NDArray[np.float64]:
        turn = np.linspace(0, 2 * np.pi, count, endpoint=False)
        return np.column_stack([lon + radius * np.cos(turn), lat + radius * np.sin(turn)])

    polygons = [
        shapely.Polygon(ring(lon, lat, count, 0.5), [ring(lon, lat, count, 0.2)] if holed else []) for lon, lat, count, holed in rings
    ]
    shape = shapely.multipolygons(polygons)
    with session_database.connect() as connection:
        assert_same(by_postgis(connection, shape), by_the_project(shape))


@pytest.mark.parametrize(
    ("text", "kind", "count"),
    [
        ("GEOMETRYCOLLECTION (POINT (120 36), LINESTRING (120 36, 121 36))", "ST_GeometryCollection", 3),
        ("CIRCULARSTRING (120 36, 120.1 36.1, 120.2 36)", "ST_LineString", None),
        ("CURVEPOLYGON (CIRCULARSTRING (120 36, 120.1 36.1, 120.2 36, 120.1 35.9, 120 36))", "ST_Polygon", None),
        ("TRIANGLE ((120 36, 121 36, 121 37, 120 36))", "ST_Polygon", 4),
        ("TIN (((120 36, 121 36, 121 37, 120 36)), ((120 36, 121 37, 120 37, 120 36)))", "ST_MultiPolygon", 8),
        ("POLYGON EMPTY", "ST_Polygon", 0),
    ],
)
def test_whatever_an_issue_may_have_as_its_place_is_taken(connection: psycopg.Connection, text: str, kind: str, count: int | None) -> None:
    connection.execute(
        "INSERT INTO gisgrid.quality_issues (layer, code, severity, message, geom) VALUES ('grids', 'x', 'info', 'y', %s)",
        ["SRID=4326;" + text],
    )
    row = connection.execute("SELECT ST_GeometryType(geom_gcj02), ST_NPoints(geom_gcj02) FROM gisgrid.quality_issues").fetchone()
    assert row is not None
    assert row[0] == kind
    assert row[1] > 10 if count is None else row[1] == count


def test_beyond_the_latitudes_of_tiles_there_is_no_place(connection: psycopg.Connection) -> None:
    assert by_postgis(connection, shapely.Point(120, 86)) is None
    assert by_postgis(connection, shapely.from_wkt("LINESTRING (120 80, 120 89)")) is None


@pytest.mark.parametrize("table", ["districts", "streets", "communities", "grids", "manhole_covers", "buildings", "cameras"])
def test_every_row_of_a_layer_has_its_place_and_keeps_it_current(town: Database, table: str) -> None:
    with town.connect() as connection:
        rows = connection.execute(f"SELECT ST_AsBinary(geom), ST_AsEWKB(geom_gcj02) FROM gisgrid.{table}".encode()).fetchall()
        assert rows
        for geom, shifted in rows:
            assert_same(shapely.from_wkb(shifted), by_the_project(shapely.from_wkb(geom)))
        with connection.transaction(force_rollback=True):
            connection.execute(f"UPDATE gisgrid.{table} SET geom = ST_Translate(geom, 0.01, 0)".encode())
            row = connection.execute(f"SELECT ST_AsBinary(geom), ST_AsEWKB(geom_gcj02) FROM gisgrid.{table} LIMIT 1".encode()).fetchone()
            assert row is not None
            assert_same(shapely.from_wkb(row[1]), by_the_project(shapely.from_wkb(row[0])))


def test_a_row_that_is_written_back_as_it_was_keeps_its_version(own_town: Database) -> None:
    with own_town.connect() as connection:
        connection.execute("UPDATE gisgrid.cameras SET name = name")
        connection.execute("UPDATE gisgrid.buildings SET geom = geom")
        assert connection.execute("SELECT max(version) FROM gisgrid.cameras").fetchone() == (1,)
        assert connection.execute("SELECT max(version) FROM gisgrid.buildings").fetchone() == (1,)
        connection.execute("UPDATE gisgrid.cameras SET name = 'x' WHERE code = 'C1'")
        kept = connection.execute("SELECT \"row\" ? 'geom_gcj02', \"row\" ->> 'name' FROM gisgrid.asset_versions").fetchall()
        assert kept == [(False, "路口 1")]


def test_a_restored_dump_has_its_places(own_town: Database) -> None:
    # A restore works the columns out with no schema on the search path.
    with own_town.connect() as connection:
        connection.execute("SET search_path = ''")
        connection.execute("UPDATE gisgrid.buildings SET geom = geom")
        row = connection.execute("SELECT count(*) FROM gisgrid.buildings WHERE geom_gcj02 IS NOT NULL").fetchone()
    assert row == (190,)
