"""The queries that name an index in its comment do use it, through the views too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, LiteralString

import psycopg
import pytest

from gisgrid.db import Database
from tiles import TileId, TileRequest, Variant, tile_query

TILE = TileId(16, 54681, 25710)

FILL: tuple[LiteralString, ...] = (
    """
    INSERT INTO gisgrid.cameras_all (code, geom, retired_at)
    SELECT i::text, ST_SetSRID(ST_Point(120 + (i % 100) * 0.01, 35.7 + (i / 100) * 0.01), 4326), CASE WHEN i % 10 = 0 THEN now() END
    FROM generate_series(1, 5000) AS i
    """,
    """
    INSERT INTO gisgrid.buildings_all (code, geom, retired_at)
    SELECT code, ST_Multi(ST_Expand(geom, 0.001)), retired_at FROM gisgrid.cameras_all
    """,
    """
    INSERT INTO gisgrid.components (code, scheme, edition, class_code, geom, retired_at)
    SELECT code, 'CJ/T 214', '2007', '0102', geom, retired_at FROM gisgrid.cameras_all
    """,
    """
    INSERT INTO gisgrid.quality_issues (layer, code, severity, message, geom)
    SELECT 'cameras', 'x', 'info', 'x', geom FROM gisgrid.cameras_all
    """,
    "ANALYZE gisgrid.cameras_all, gisgrid.buildings_all, gisgrid.components, gisgrid.quality_issues, gisgrid.component_classes",
)


@pytest.fixture(scope="module")
def filled(database_copies: Callable[[], Database]) -> Iterator[psycopg.Connection]:
    """A connection to a database of its own with some thousand rows in each layer."""
    with database_copies().connect() as connection:
        for statement in FILL:
            connection.execute(statement)
        yield connection


def plan(connection: psycopg.Connection, query: str, values: Any = None) -> str:
    return "\n".join(row[0] for row in connection.execute(f"EXPLAIN {query}".encode(), values).fetchall())


@pytest.mark.parametrize(
    ("layer", "index"),
    [
        ("cameras", "cameras_geom_3857"),
        ("buildings", "buildings_geom_3857"),
        ("manhole_covers", "components_geom_3857"),
        ("quality_issues", "quality_issues_geom_3857"),
    ],
)
def test_a_tile_reads_its_layer_by_the_index_of_what_is_served(filled: psycopg.Connection, layer: str, index: str) -> None:
    query = tile_query(TileRequest(Variant((layer,)), TILE))
    assert query is not None
    assert f"Index Scan using {index}" in plan(filled, query.sql, query.args)


@pytest.mark.parametrize(
    ("layer", "index"), [("cameras", "cameras_geom"), ("buildings", "buildings_geom"), ("manhole_covers", "components_geom")]
)
def test_features_in_a_box_and_the_nearest_ones_are_found_by_the_index(filled: psycopg.Connection, layer: str, index: str) -> None:
    box = plan(filled, f"SELECT * FROM gisgrid.{layer} WHERE geom && ST_MakeEnvelope(120.37, 36.08, 120.38, 36.09, 4326)")
    assert index in box
    assert "Seq Scan on cameras_all" not in box
    nearest = f"SELECT id FROM gisgrid.{layer} ORDER BY geom <-> ST_SetSRID(ST_Point(120.37, 36.08), 4326) LIMIT 5"
    assert f"Index Scan using {index}" in plan(filled, nearest)


def test_a_building_at_a_point_is_found_by_the_index(filled: psycopg.Connection) -> None:
    query = "SELECT code FROM gisgrid.buildings WHERE ST_Covers(geom, ST_SetSRID(ST_Point(120.37, 36.08), 4326))"
    assert "buildings_geom" in plan(filled, query)


def test_the_indexes_of_what_is_served_hold_nothing_that_is_retired(filled: psycopg.Connection) -> None:
    everything = "SELECT count(*) FROM gisgrid.{} WHERE geom && ST_MakeEnvelope(100, 0, 140, 80, 4326)"
    with filled.transaction():
        filled.execute("SET LOCAL enable_seqscan = off")
        assert "cameras_geom" not in plan(filled, everything.format("cameras_all")), "retired rows are not in it"
    assert filled.execute(everything.format("cameras").encode()).fetchone() == (4500,)
