"""What a filter finds in PostGIS, compared with what it means worked out by hand for each row."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import date
from typing import Any

import psycopg
import pytest
import shapely
from hypothesis import given
from hypothesis import settings as hypothesis_settings

from gisgrid.cql2 import parse
from gisgrid.db import Database
from gisgrid.db.filter_sql import where
from gisgrid.errors import ParameterError
from gisgrid.layers import Layer, layer
from tests.cql2 import filters
from tests.cql2.evaluation import holds, written

Rows = dict[int, dict[str, Any]]
_BUILDING = (
    "INSERT INTO gisgrid.buildings (code, name, use, floors, year_built, height_m, geom)"
    " VALUES (%s, %s, %s, %s, %s, %s, ST_Multi(ST_GeomFromWKB(%s, 4326)))"
)
_COVER = (
    "INSERT INTO gisgrid.components (code, scheme, edition, class_code, name, installed_on, geom)"
    " VALUES (%s, 'CJ/T 214', '2007', '0102', %s, %s, ST_GeomFromWKB(%s, 4326))"
)


class Town:
    """A layer of rows with every value that filters ask for, missing ones too: in PostGIS and as rows in memory."""

    def __init__(self, connection: psycopg.Connection, layer: Layer, rows: Rows) -> None:
        self.connection, self.layer, self.rows = connection, layer, rows

    def found(self, text: str, lang: str = "cql2-text", alias: str = "") -> list[int]:
        """Return the ids of what a filter finds."""
        condition = where(parse(text, lang), self.layer, alias)
        query = f"SELECT id FROM gisgrid.{self.layer.id} {alias} WHERE {condition.sql} ORDER BY id"
        return [row[0] for row in self.connection.execute(query.encode(), condition.args).fetchall()]


def _corner(rng: random.Random) -> tuple[float, float]:
    return filters.WEST + rng.randint(0, 8) * filters.STEP, filters.SOUTH + rng.randint(0, 8) * filters.STEP


@pytest.fixture(scope="module")
def buildings(database_copies: Callable[[], Database]) -> Any:
    rng = random.Random(5)
    with database_copies().connect() as connection:
        rows: Rows = {}
        for number in range(120):
            west, south = _corner(rng)
            box = shapely.MultiPolygon([shapely.box(west, south, west + rng.randint(1, 3) * filters.STEP, south + filters.STEP)])
            name, use = (rng.choice((*filters.TEXTS, None)) for _ in range(2))
            floors, year, height = (rng.choice((*values, None)) for values in ((0, 1, 3, 6), (1990, 2010), (0.5, 3.0, 18.5)))
            connection.execute(_BUILDING, (f"B{number}", name, use, floors, year, height, shapely.to_wkb(box)))
            rows[number] = {"name": name, "use": use, "floors": floors, "year_built": year, "height_m": height, "geom": box}
        ids = [row[0] for row in connection.execute("SELECT id FROM gisgrid.buildings ORDER BY substr(code, 2)::int").fetchall()]
        yield Town(connection, layer("buildings"), dict(zip(ids, rows.values(), strict=True)))


@pytest.fixture(scope="module")
def covers(database_copies: Callable[[], Database]) -> Any:
    rng = random.Random(6)
    with database_copies().connect() as connection:
        rows: Rows = {}
        for number in range(60):
            point, name, day = shapely.Point(_corner(rng)), rng.choice((*filters.TEXTS, None)), rng.choice((*filters.DATES, None))
            code = f"3702030102{number:06}"
            connection.execute(_COVER, (code, name, day, shapely.to_wkb(point)))
            rows[number] = {"name": name, "installed_on": date.fromisoformat(day) if day else None, "geom": point}
        ids = [row[0] for row in connection.execute("SELECT id FROM gisgrid.manhole_covers ORDER BY code").fetchall()]
        yield Town(connection, layer("manhole_covers"), dict(zip(ids, rows.values(), strict=True)))


def _check(town: Town, expression: Any) -> None:
    expected = sorted(id for id, row in town.rows.items() if holds(expression, row))
    assert town.found(json.dumps(expression), "cql2-json") == expected
    assert town.found(written(expression), alias="rows") == expected
    assert parse(written(expression)) == parse(json.dumps(expression), "cql2-json")


@hypothesis_settings(max_examples=100)
@given(expression=filters.BUILDING_FILTERS)
def test_a_filter_finds_the_buildings_for_which_it_holds(buildings: Town, expression: Any) -> None:
    _check(buildings, expression)


@hypothesis_settings(max_examples=60)
@given(expression=filters.COVER_FILTERS)
def test_a_filter_finds_the_covers_for_which_it_holds(covers: Town, expression: Any) -> None:
    _check(covers, expression)


@pytest.mark.parametrize("op", filters.SPATIAL)
def test_every_spatial_operator_finds_some_and_not_all(buildings: Town, op: str) -> None:
    shapes = {
        "s_crosses": "LINESTRING(120 36.06299, 121 36.06299)",
        "s_equals": "BBOX({0}, {1}, {2}, {3})",
        "s_within": "BBOX({0}, {1}, {4}, {5})",
    }
    one = next(iter(buildings.rows.values()))["geom"]
    west, south, east, north = one.bounds
    text = shapes.get(op, "BBOX({0}, {1}, {2}, {3})").format(west, south, east, north, east + filters.STEP, north + filters.STEP)
    assert 0 < len(buildings.found(f"{op.upper()}(geom, {text})")) < len(buildings.rows)


@pytest.mark.parametrize(
    "text",
    [
        "floors / 0 = 1 OR floors % 0 = 1 OR floors div 0 = 1",
        "1000000000000000 * 1000000000000000 * (1000000000000000 ^ 8) * (1000000000000000 ^ 8) * (height_m ^ 8) > 1",
        "0.000000000000001 ^ 8 * 0.000000000000001 ^ 8 / 7 / 7 / 7 >= 0",
        "(0 - floors) ^ 3 < 0 AND 0 ^ 0 = 1",
    ],
)
def test_arithmetic_never_fails_while_it_runs(buildings: Town, text: str) -> None:
    buildings.found(text)


def test_a_box_across_180_degrees_is_two_boxes(buildings: Town) -> None:
    assert buildings.found("S_INTERSECTS(geom, BBOX(120, 36, -179, 37))") == sorted(buildings.rows)
    assert buildings.found("S_INTERSECTS(geom, BBOX(170, 36, 120, 37))") == []


def test_a_quote_in_a_literal_stays_in_it(buildings: Town) -> None:
    assert buildings.found("name = 'it''s'") == sorted(id for id, row in buildings.rows.items() if row["name"] == "it's")
    assert buildings.found("name = '''; DROP TABLE gisgrid.areas; --'") == []


@pytest.mark.parametrize(
    ("id", "text", "said"),
    [
        ("buildings", "flors > 3", ["'flors'", "floors"]),
        ("buildings", "residents > 3", ["residents", "floors"]),
        ("buildings", "floors = 'three'", ["floors is a number", "'three' is a text", "a number"]),
        ("buildings", "floors IN (3, 'three')", ["floors is a number", "'three'"]),
        ("buildings", "name > 3", ["name is a text", "3 is a number"]),
        ("buildings", "name + 1 = 2", ["name is a text", "a number"]),
        ("buildings", "floors LIKE '3%'", ["floors is a number", "a text"]),
        ("buildings", "name LIKE 'a\\'", ["the pattern ends with"]),
        ("buildings", "name LIKE use", ["use is no pattern"]),
        ("buildings", "CASEI(floors) = 'a'", ["floors is a number", "CASEI"]),
        ("buildings", "floors", ["floors is no condition"]),
        ("buildings", "floors AND name = 'a'", ["floors is no condition"]),
        ("buildings", "S_INTERSECTS(name, POINT(120 36))", ["name is a text", "a geometry"]),
        ("buildings", "geom = POINT(120 36)", ["geom", "S_EQUALS"]),
        ("buildings", "floors ^ year_built > 3", ["year_built", "0 to 8"]),
        ("buildings", "T_AFTER(name, DATE('2020-01-01'))", ["name is a text", "a date"]),
        ("manhole_covers", "installed_on > '2020-01-01'", ["installed_on is a date", "'2020-01-01' is a text"]),
        ("manhole_covers", "installed_on > TIMESTAMP('2020-01-01T00:00:00Z')", ["an instant", "DATE"]),
        ("manhole_covers", "installed_on = INTERVAL('2020-01-01', '..')", ["an interval", "T_DURING"]),
    ],
)
def test_what_does_not_fit_a_layer_is_refused_with_the_field_and_what_was_expected(id: str, text: str, said: list[str]) -> None:
    with pytest.raises(ParameterError) as caught:
        where(parse(text), layer(id))
    assert caught.value.name == "filter"
    assert all(word in str(caught.value) for word in said)


def test_fields_that_may_be_asked_for_can_be_given() -> None:
    covers = layer("manhole_covers")
    assert where(parse("kind = '雨水'"), covers, "c", [covers.field("kind")], "f").args == {"f_0": "雨水"}
    with pytest.raises(ParameterError, match="kind"):
        where(parse("kind = '雨水'"), covers)


def test_every_literal_is_bound() -> None:
    condition = where(
        parse("name = 'x1' AND floors IN (71, 72) AND height_m * 73 > 74 AND S_WITHIN(geom, BBOX(75, 36, 76, 37))"), layer("buildings")
    )
    assert "x1" not in condition.sql
    assert not any(str(number) in condition.sql for number in range(71, 77))


def test_issues_whose_shape_is_not_valid_are_found_too(connection: psycopg.Connection) -> None:
    overlapping = "MULTIPOLYGON(((0 0,1 0,1 1,0 1,0 0)),((0.5 0,2 0,2 1,0.5 1,0.5 0)))"
    connection.execute(
        "INSERT INTO gisgrid.quality_issues (layer, feature_code, code, severity, message, geom)"
        " VALUES ('grids', 'a', 'overlap', 'error', 'm', ST_GeomFromText(%s, 4326))",
        (overlapping,),
    )
    condition = where(parse("S_INTERSECTS(geom, BBOX(0, 0, 1, 1))"), layer("quality_issues"))
    query = f"SELECT count(*) FROM gisgrid.quality_issues WHERE {condition.sql}"
    assert connection.execute(query.encode(), condition.args).fetchone() == (1,)
