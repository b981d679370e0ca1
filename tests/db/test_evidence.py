"""What the database knows about places: of the draft before what is served, what was loaded a moment ago, through the index."""

from __future__ import annotations

from typing import LiteralString

import numpy as np
import psycopg
import pytest
import shapely

from gisgrid.db import Database
from gisgrid.db.evidence import Known

AREA: LiteralString = """
INSERT INTO gisgrid.areas (generation_id, level, code, name, area_m2, geom)
VALUES (%s, %s, %s, 'n', 1, ST_Multi(ST_MakeEnvelope(%s, 36.0, %s, 36.1, 4326)))
"""
BUILDINGS: LiteralString = """
INSERT INTO gisgrid.buildings (code, geom)
SELECT 'B' || n, ST_Multi(ST_MakeEnvelope(x, y, x + 0.0005, y + 0.0005, 4326))
FROM generate_series(0, %s) AS n, LATERAL (SELECT 120.3 + n %% 150 * 0.001 AS x, 36.0 + n / 150 * 0.001 AS y) p
"""
COVER: LiteralString = """
INSERT INTO gisgrid.components (code, scheme, edition, class_code, geom)
VALUES (%s, 'CJ/T 214', '2007', %s, ST_SetSRID(ST_MakePoint(%s, %s), 4326))
"""


@pytest.fixture
def generations(connection: psycopg.Connection) -> psycopg.Connection:
    """Generation 1 is served and has a district and streets; 2 is a draft and has other streets only."""
    connection.execute("INSERT INTO gisgrid.generations (id, status) VALUES (1, 'active'), (2, 'draft')")
    for row in [
        (1, "district", "370203", 120.0, 120.3),
        (1, "street", "370203001", 120.0, 120.1),
        (1, "street", "370203009", 120.1, 120.2),
    ]:
        connection.execute(AREA, row)
    connection.execute(AREA, (2, "street", "370203001", 120.0, 120.2))
    return connection


def test_a_level_comes_from_the_draft_where_it_has_that_level(generations: psycopg.Connection) -> None:
    known = Known(generations, 2)
    assert known.levels() == {"district": None, "street": 2}
    areas = known.areas(["370203", "370203001", "370203009", "nowhere"])
    assert sorted(areas) == ["370203", "370203001"]
    assert areas["370203001"].bounds == pytest.approx((120.0, 36.0, 120.2, 36.1))
    served = Known(generations, None).areas(["370203001", "370203009"])
    assert sorted(served) == ["370203001", "370203009"]
    assert served["370203001"].bounds == pytest.approx((120.0, 36.0, 120.1, 36.1))


def test_the_district_is_the_largest_level_there_is(generations: psycopg.Connection) -> None:
    found = Known(generations, 2).territory()
    assert found is not None
    assert (found[0], [area.bounds for area in found[1]]) == ("district", [pytest.approx((120.0, 36.0, 120.3, 36.1))])
    generations.execute("DELETE FROM gisgrid.areas WHERE level = 'district'")
    found = Known(generations, None).territory()
    assert found is not None
    assert (found[0], len(found[1])) == ("street", 2)


def test_an_empty_database_knows_nothing(connection: psycopg.Connection) -> None:
    known = Known(connection, None)
    assert (known.levels(), known.territory(), known.areas(["370203"]), known.loaded("cameras", ["C1"])) == ({}, None, {}, {})
    nothing = known.in_buildings(np.array([120.3]), np.array([36.0]))
    assert (nothing.hit.tolist(), nothing.near.tolist()) == ([False], [False])
    assert known.hold_covers(np.array([], dtype=object)).hit.shape == (0,)


def test_places_in_beside_and_far_from_buildings(connection: psycopg.Connection) -> None:
    connection.execute(BUILDINGS, [3])
    found = Known(connection, None).in_buildings(np.array([120.3002, 120.3007, 120.31]), np.full(3, 36.0002))
    assert found.hit.tolist() == [True, False, False]
    assert found.near.tolist() == [True, True, False]


def test_buildings_with_a_cover_inside_beside_and_none_near(connection: psycopg.Connection) -> None:
    connection.execute(COVER, ["1", "0102", 120.3001, 36.0001])
    connection.execute(COVER, ["2", "0118", 120.3101, 36.0001])  # a lamp
    shapes = np.array([shapely.box(x, 36.0, x + 0.0005, 36.0005) for x in (120.3, 120.3003, 120.31)], dtype=object)
    found = Known(connection, None).hold_covers(shapes)
    assert found.hit.tolist() == [True, False, False]
    assert found.near.tolist() == [True, True, False]


def test_where_rows_were_loaded_before(generations: psycopg.Connection) -> None:
    generations.execute(BUILDINGS, [3])
    generations.execute(COVER, ["1", "0102", 120.3001, 36.0001])
    generations.execute("UPDATE gisgrid.buildings_all SET retired_at = now() WHERE code = 'B2'")
    known = Known(generations, 2)
    assert known.loaded("manhole_covers", ["1", "7"]) == {"1": (120.3001, 36.0001)}
    buildings = known.loaded("buildings", ["B1", "B2"])
    assert sorted(buildings) == ["B1"]
    assert buildings["B1"] == pytest.approx((120.30125, 36.00025))
    # Of areas it is those being served: the draft's are what is being loaded.
    assert known.loaded("streets", ["370203001"])["370203001"] == pytest.approx((120.05, 36.05))


def test_each_place_is_one_look_into_the_index_also_in_a_table_filled_a_moment_ago(database: Database) -> None:
    with database.connect() as connection:
        connection.execute(BUILDINGS, [14_999])
        before = _rows_looked_at(connection)
        lon = np.linspace(120.3, 120.44, 200)
        found = Known(connection, None).in_buildings(lon, np.full(200, 36.0502))
        assert found.near.all()
        assert _rows_looked_at(connection) - before < 200 * 20
        assert connection.execute("SHOW enable_sort").fetchone() == ("on",)


def _rows_looked_at(connection: psycopg.Connection) -> int:
    row = connection.execute(
        "SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables WHERE relname = 'buildings_all'"
    ).fetchone()
    assert row is not None
    return int(row[0])
