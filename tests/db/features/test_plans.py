"""How PostgreSQL finds features: along the ids, however deep, and by their place in a small box."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from gisgrid.db import Database
from gisgrid.db.features.keyset import Key
from gisgrid.db.features.statement import page_statement
from gisgrid.features import Box, FeatureQuery
from gisgrid.layers import layer
from gisgrid.types import Bounds
from tests.conftest import new_database

_MANY = """
INSERT INTO gisgrid.cameras_all (code, geom)
SELECT 'C' || n, ST_SetSRID(ST_MakePoint(120.3 + n % 200 * 0.0005, 36.0 + n / 200 * 0.001), 4326) FROM generate_series(1, 20000) AS n;
ANALYZE gisgrid.cameras_all
"""


@pytest.fixture(scope="module")
def many(database_url: str, template_database: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection to a database with 20,000 cameras."""
    with new_database(database_url, template_database) as database, _connected(database) as connection:
        connection.execute(_MANY.encode())
        yield connection


def _connected(database: Database) -> psycopg.Connection[Any]:
    return psycopg.connect(database.url, autocommit=True)


def _plan(connection: psycopg.Connection[Any], query: FeatureQuery, **asked: Any) -> dict[str, Any]:
    statement = page_statement(query, 10, **asked)
    row = connection.execute(b"EXPLAIN (ANALYZE, FORMAT json, TIMING off) " + statement.sql.encode(), statement.args).fetchone()
    assert row is not None
    plan: dict[str, Any] = row[0][0]["Plan"]
    return plan


def _scan(plan: dict[str, Any]) -> dict[str, Any]:
    while "Plans" in plan:
        plan = plan["Plans"][0]
    return plan


def test_a_deep_page_reads_as_few_rows_as_the_first(many: psycopg.Connection[Any]) -> None:
    for after in (None, Key((), 19_000)):
        scan = _scan(_plan(many, FeatureQuery(layer("cameras")), after=after))
        assert scan["Index Name"] == "cameras_pkey"
        assert scan["Actual Rows"] == 11
        assert scan.get("Rows Removed by Filter", 0) == 0


def test_an_offset_reads_what_it_leaves_out(many: psycopg.Connection[Any]) -> None:
    assert _scan(_plan(many, FeatureQuery(layer("cameras")), offset=5000))["Actual Rows"] == 5011


def test_a_small_box_is_found_by_place_however_the_ids_lie(many: psycopg.Connection[Any]) -> None:
    # Far along the ids: whoever walks along them reads nearly all.
    box = Box(Bounds(120.38, 36.09, 120.39, 36.099))
    scan = _scan(_plan(many, FeatureQuery(layer("cameras"), box=box), by_place=True))
    assert scan["Index Name"] == "cameras_geom"
    assert 100 < scan["Actual Rows"] < 1000
