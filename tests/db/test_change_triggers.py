from __future__ import annotations

import time
from typing import LiteralString

import psycopg
import pytest

Row = tuple[str, int, float | None, float | None, float | None, float | None]

CAMERAS: LiteralString = """
INSERT INTO gisgrid.cameras (code, geom)
SELECT i::text, ST_SetSRID(ST_Point(120 + i * 0.000001, 36.1), 4326) FROM generate_series(1, %s) AS i
"""
COMPONENT: LiteralString = """
INSERT INTO gisgrid.components (code, scheme, edition, class_code, geom)
SELECT code || '-1', scheme, edition, code, ST_SetSRID(ST_Point(%s, 36.1), 4326)
FROM gisgrid.component_classes WHERE edition = '2007' AND is_cover = %s ORDER BY code LIMIT 2
"""
GRID: LiteralString = """
INSERT INTO gisgrid.areas (generation_id, level, code, name, geom)
VALUES (%s, 'grid', %s, 'x', ST_Multi(ST_MakeEnvelope(%s, 36, %s, 36.125, 4326)))
"""


class Feed:
    """What an edit wrote into the feed."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection

    def after(self, query: LiteralString, *values: object) -> list[Row]:
        """Carry out an edit and return the changes that it wrote: layer, rows, west, south, east, north."""
        self.connection.execute("TRUNCATE gisgrid.changes")
        self.connection.execute(query, values)
        return self.connection.execute("SELECT layer, rows, west, south, east, north FROM gisgrid.changes ORDER BY id").fetchall()


@pytest.fixture
def feed(connection: psycopg.Connection) -> Feed:
    return Feed(connection)


@pytest.fixture
def generations(feed: Feed) -> tuple[int, int]:
    """A draft and an active generation."""
    rows = feed.connection.execute("INSERT INTO gisgrid.generations (status) VALUES ('draft'), ('active') RETURNING id").fetchall()
    return rows[0][0], rows[1][0]


def test_a_load_of_many_rows_is_one_change_with_their_extent(feed: Feed) -> None:
    assert feed.after(CAMERAS, 1000) == [("cameras", 1000, 120.000001, 36.1, 120.001, 36.1)]


def test_a_copy_is_one_change(feed: Feed) -> None:
    with feed.connection.cursor().copy("COPY gisgrid.buildings_all (code, geom) FROM STDIN") as copy:
        copy.write_row(("1", "SRID=4326;MULTIPOLYGON(((1 2, 3 2, 3 4, 1 2)))"))
        copy.write_row(("2", "SRID=4326;MULTIPOLYGON(((5 2, 7 2, 7 9, 5 2)))"))
    assert feed.connection.execute("SELECT layer, rows, west, south, east, north FROM gisgrid.changes").fetchall() == [
        ("buildings", 2, 1, 2, 7, 9)
    ]


def test_a_move_tells_the_old_place_and_the_new(feed: Feed) -> None:
    feed.after(CAMERAS, 3)
    assert feed.after("UPDATE gisgrid.cameras SET geom = 'SRID=4326;POINT(120.5 36.2)' WHERE code = '1'") == [
        ("cameras", 1, 120.000001, 36.1, 120.5, 36.2)
    ]


@pytest.mark.parametrize(
    "query",
    [
        "UPDATE gisgrid.cameras SET name = 'x' WHERE code = 'none'",
        "UPDATE gisgrid.cameras SET name = name, geom = geom",
        "DELETE FROM gisgrid.cameras WHERE code = 'none'",
        "INSERT INTO gisgrid.cameras (code, geom) SELECT code, geom FROM gisgrid.cameras ON CONFLICT DO NOTHING",
        "TRUNCATE gisgrid.buildings_all",
        "TRUNCATE gisgrid.components",
        "UPDATE gisgrid.organizations SET name = 'x'",
    ],
)
def test_an_edit_that_changes_nothing_writes_nothing(feed: Feed, query: LiteralString) -> None:
    feed.after(CAMERAS, 3)
    assert feed.after(query) == []


def test_only_the_rows_that_came_out_different_count(feed: Feed) -> None:
    feed.after(CAMERAS, 3)
    assert feed.after("UPDATE gisgrid.cameras SET status = CASE code WHEN '2' THEN 'fault' ELSE status END") == [
        ("cameras", 1, 120.000002, 36.1, 120.000002, 36.1)
    ]


def test_an_upsert_tells_what_it_put_in_and_what_it_changed(feed: Feed) -> None:
    feed.after(CAMERAS, 1)
    changes = feed.after(
        """
        INSERT INTO gisgrid.cameras (code, geom) VALUES ('1', 'SRID=4326;POINT(1 1)'), ('new', 'SRID=4326;POINT(2 2)')
        ON CONFLICT (code) DO UPDATE SET geom = excluded.geom
        """
    )
    assert sorted(changes) == [("cameras", 1, 1, 1, 120.000001, 36.1), ("cameras", 1, 2, 2, 2, 2)]


@pytest.mark.parametrize("query", ["DELETE FROM gisgrid.cameras", "TRUNCATE gisgrid.cameras_all"])
def test_removing_everything_tells_where_it_was(feed: Feed, query: LiteralString) -> None:
    feed.after(CAMERAS, 3)
    assert feed.after(query) == [("cameras", 3, 120.000001, 36.1, 120.000003, 36.1)]


@pytest.mark.parametrize("change", ["now()", "NULL"], ids=["retires", "comes back"])
def test_a_row_that_retires_or_comes_back_is_a_change_at_its_place(feed: Feed, change: str) -> None:
    feed.after(CAMERAS, 3)
    feed.after(COMPONENT, 120, True)
    before, after = ("NULL", "now()") if change == "now()" else ("now()", "NULL")
    for table in ("cameras_all", "components"):
        feed.connection.execute(f"UPDATE gisgrid.{table} SET retired_at = {before}".encode())
    place = (120.000002, 36.1, 120.000002, 36.1)
    assert feed.after(f"UPDATE gisgrid.cameras_all SET retired_at = {after} WHERE code = '2'") == [("cameras", 1, *place)]
    assert feed.after(f"UPDATE gisgrid.components SET retired_at = {after} WHERE code = '0101-1'") == [
        ("manhole_covers", 1, 120, 36.1, 120, 36.1)
    ]


@pytest.mark.parametrize("verb", ["UPDATE gisgrid.{} SET note = 'x'", "DELETE FROM gisgrid.{}", "TRUNCATE gisgrid.{}"])
def test_what_is_retired_already_is_nobodys_business(feed: Feed, verb: str) -> None:
    feed.after(CAMERAS, 3)
    feed.after(COMPONENT, 120, True)
    for table, field in (("cameras_all", "name"), ("components", "note")):
        feed.connection.execute(f"UPDATE gisgrid.{table} SET retired_at = now()".encode())
        assert feed.after(verb.format(table).replace("note", field)) == []


def test_issues_are_a_layer_that_changes(feed: Feed) -> None:
    issue: LiteralString = """
        INSERT INTO gisgrid.quality_issues (layer, code, severity, message, geom)
        VALUES ('grids', 'gap', 'error', 'x', 'SRID=4326;LINESTRING(120 36, 121 37)'), ('grids', 'x', 'info', 'x', NULL)
    """
    assert feed.after(issue) == [("quality_issues", 2, 120, 36, 121, 37)]
    assert feed.after("UPDATE gisgrid.quality_issues SET message = message") == []
    assert feed.after("UPDATE gisgrid.quality_issues SET severity = 'info'") == [("quality_issues", 1, 120, 36, 121, 37)]
    assert feed.after("DELETE FROM gisgrid.quality_issues WHERE geom IS NULL") == [("quality_issues", 1, None, None, None, None)]
    assert feed.after("TRUNCATE gisgrid.quality_issues") == [("quality_issues", 1, 120, 36, 121, 37)]


def test_components_are_told_as_covers_or_as_others(feed: Feed) -> None:
    assert feed.after(COMPONENT, 120, True) == [("manhole_covers", 2, 120, 36.1, 120, 36.1)]
    assert feed.after(COMPONENT, 121, False) == [("components", 2, 121, 36.1, 121, 36.1)]
    assert sorted(feed.after("UPDATE gisgrid.components SET note = 'x'")) == [
        ("components", 2, 121, 36.1, 121, 36.1),
        ("manhole_covers", 2, 120, 36.1, 120, 36.1),
    ]
    assert sorted(feed.after("TRUNCATE gisgrid.components")) == [
        ("components", 2, 121, 36.1, 121, 36.1),
        ("manhole_covers", 2, 120, 36.1, 120, 36.1),
    ]


def test_a_component_that_ceases_to_be_a_cover_changes_both_layers(feed: Feed) -> None:
    feed.after(COMPONENT, 120, True)
    # 0116 is equipment of the power supply in the edition of 2007.
    changes = feed.after("UPDATE gisgrid.components SET class_code = '0116' WHERE code = '0101-1' AND edition = '2007'")
    assert feed.connection.execute("SELECT count(*) FROM gisgrid.manhole_covers").fetchone() == (1,)
    assert sorted(changes) == [("components", 1, 120, 36.1, 120, 36.1), ("manhole_covers", 1, 120, 36.1, 120, 36.1)]


def test_an_edit_through_a_view_is_told(feed: Feed) -> None:
    feed.after(COMPONENT, 120, True)
    assert feed.after("DELETE FROM gisgrid.manhole_covers WHERE code = '0101-1'") == [("manhole_covers", 1, 120, 36.1, 120, 36.1)]


def test_editing_a_draft_changes_nothing_that_is_served(feed: Feed, generations: tuple[int, int]) -> None:
    draft, _ = generations
    assert feed.after(GRID, draft, "g1", 120, 121) == []
    assert feed.after("UPDATE gisgrid.areas SET name = 'new'") == []
    assert feed.after("DELETE FROM gisgrid.areas") == []
    assert feed.after("UPDATE gisgrid.generations SET note = 'x' WHERE id = %s", draft) == []
    assert feed.after("DELETE FROM gisgrid.generations WHERE id = %s", draft) == []


def test_editing_the_active_generation_tells_each_level_touched(feed: Feed, generations: tuple[int, int]) -> None:
    _, active = generations
    assert feed.after(GRID, active, "g1", 120, 121) == [("grids", 1, 120, 36, 121, 36.125)]
    feed.connection.execute("INSERT INTO gisgrid.streets (code, name, geom) SELECT 's1', 'x', geom FROM gisgrid.grids")
    assert sorted(feed.after("UPDATE gisgrid.areas SET name = 'new'")) == [
        ("grids", 1, 120, 36, 121, 36.125),
        ("streets", 1, 120, 36, 121, 36.125),
    ]


def test_activating_a_generation_tells_the_whole_of_what_goes_and_comes(feed: Feed, generations: tuple[int, int]) -> None:
    draft, active = generations
    feed.connection.execute(GRID, [active, "old", 120, 121])
    feed.connection.execute(GRID, [draft, "new", 122, 123])
    assert feed.after("UPDATE gisgrid.generations SET status = 'retired' WHERE id = %s", active) == [
        ("generations", 1, None, None, None, None),
        ("grids", 1, 120, 36, 121, 36.125),
    ]
    assert feed.after("UPDATE gisgrid.generations SET status = 'active' WHERE id = %s", draft) == [
        ("generations", 1, None, None, None, None),
        ("grids", 1, 122, 36, 123, 36.125),
    ]


def test_deleting_the_active_generation_changes_every_level_anywhere(feed: Feed, generations: tuple[int, int]) -> None:
    _, active = generations
    feed.connection.execute(GRID, [active, "g1", 120, 121])
    changes = feed.after("DELETE FROM gisgrid.generations WHERE id = %s", active)
    anywhere = {layer for layer, _, west, *_ in changes if west is None}
    assert anywhere == {"generations", "districts", "streets", "communities", "grids"}


@pytest.mark.parametrize(
    ("layer", "query"),
    [
        ("organizations", "INSERT INTO gisgrid.organizations (code, name) VALUES ('1', 'x')"),
        (
            "area_roles",
            "INSERT INTO gisgrid.area_roles (area_level, area_code, role, person_name) VALUES ('grid', 'g', 'grid_leader', '王')",
        ),
    ],
)
def test_tables_without_places_are_told_without_bounds(feed: Feed, layer: str, query: LiteralString) -> None:
    assert feed.after(query) == [(layer, 1, None, None, None, None)]


def test_an_edit_of_all_rows_after_an_edit_of_one_is_still_quick(feed: Feed) -> None:
    feed.after(CAMERAS, 20_000)
    for _ in range(7):  # enough for a plan to be kept
        feed.after("UPDATE gisgrid.cameras SET name = name || 'x' WHERE code = '1'")
    began = time.monotonic()
    assert feed.after("UPDATE gisgrid.cameras SET name = 'y'")[0][:2] == ("cameras", 20_000)
    assert time.monotonic() - began < 15, "comparing each row with each would take minutes"


def test_a_user_who_may_only_edit_a_layer_need_not_reach_the_feed(connection: psycopg.Connection) -> None:
    connection.execute("CREATE ROLE gisgrid_test_editor")
    connection.execute("GRANT USAGE ON SCHEMA gisgrid TO gisgrid_test_editor")
    connection.execute("GRANT INSERT ON gisgrid.cameras TO gisgrid_test_editor")
    connection.execute("SET LOCAL ROLE gisgrid_test_editor")
    connection.execute(CAMERAS, [1])
    connection.execute("RESET ROLE")
    assert connection.execute("SELECT count(*) FROM gisgrid.changes").fetchone() == (1,)
