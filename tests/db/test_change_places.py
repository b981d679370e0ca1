"""Each place of a small edit is told by itself; of a large one the box of all of them."""

from __future__ import annotations

from typing import LiteralString

import pytest

from gisgrid.db import Database
from gisgrid.db.changes import Change, ChangeFeed
from gisgrid.types import Bounds

CAMERAS: LiteralString = """
    INSERT INTO gisgrid.cameras (code, geom)
    SELECT 'P' || i, ST_SetSRID(ST_Point(121 + i * 0.001, 36.5), 4326) FROM generate_series(1, %s) AS i
"""


def point(lon: float, lat: float) -> Bounds:
    return Bounds(lon, lat, lon, lat)


def heard(database: Database, *queries: tuple[LiteralString, list[object]]) -> list[Change]:
    """Carry out edits in one transaction each, and return what the feed tells of the last."""
    feed = ChangeFeed(database.url)
    found: list[Change] = []
    for query, values in queries:
        feed.poll()
        with database.connect() as connection:
            connection.execute(query, values)
        found = feed.poll()
    return found


def test_rows_that_are_put_in_or_taken_out_are_told_one_by_one(own_town: Database) -> None:
    (change,) = heard(own_town, (CAMERAS, [3]))
    assert set(change.boxes) == {point(121.001, 36.5), point(121.002, 36.5), point(121.003, 36.5)}
    assert change.bounds == Bounds(121.001, 36.5, 121.003, 36.5)
    (change,) = heard(own_town, ("DELETE FROM gisgrid.cameras WHERE code IN ('P1', 'P3')", []))
    assert set(change.boxes) == {point(121.001, 36.5), point(121.003, 36.5)}


def test_a_move_is_told_as_two_places_and_not_as_all_that_lies_between(own_town: Database) -> None:
    (change,) = heard(own_town, (CAMERAS, [1]), ("UPDATE gisgrid.cameras SET geom = 'SRID=4326;POINT(122 37)' WHERE code = 'P1'", []))
    assert set(change.boxes) == {point(121.001, 36.5), point(122, 37)}
    assert change.bounds == Bounds(121.001, 36.5, 122, 37)
    (change,) = heard(own_town, ("UPDATE gisgrid.cameras SET name = 'x' WHERE code = 'P1'", []))
    assert change.boxes == (point(122, 37),)


@pytest.mark.parametrize(("count", "is_told"), [(64, True), (65, False)])
def test_of_many_rows_the_box_of_all_is_told(own_town: Database, count: int, is_told: bool) -> None:
    (change,) = heard(own_town, (CAMERAS, [count]))
    assert len(change.places) == (count if is_told else 0)
    assert len(change.boxes) == (count if is_told else 1)
    (change,) = heard(own_town, ("UPDATE gisgrid.cameras SET geom = ST_Translate(geom, 1, 0) WHERE code LIKE 'P%%'", []))
    assert len(change.places) == (2 * count if is_told else 0)


def test_covers_buildings_issues_and_areas_tell_their_places_too(own_town: Database) -> None:
    edits: list[tuple[str, LiteralString]] = [
        ("manhole_covers", "UPDATE gisgrid.manhole_covers SET state = 'broken' WHERE code LIKE '%%000_' AND code < '3702030102000002'"),
        ("buildings", "UPDATE gisgrid.buildings SET floors = 9 WHERE code IN ('B0', 'B180')"),
        ("quality_issues", "UPDATE gisgrid.quality_issues SET message = 'x' WHERE ST_Dimension(geom) > 0"),
        ("grids", "UPDATE gisgrid.grids SET name = 'x' WHERE code IN ('370203001001001', '370203002001002')"),
    ]
    for layer_id, query in edits:
        (change,) = [one for one in heard(own_town, (query, [])) if one.layer == layer_id]
        assert len(change.places) == 2, layer_id
        with own_town.connect() as connection:
            for box in change.places:
                found = connection.execute(
                    f"SELECT count(*) FROM gisgrid.{layer_id} WHERE geom::box2d = ST_MakeEnvelope(%s, %s, %s, %s, 4326)::box2d".encode(),
                    box,
                ).fetchone()
                assert found is not None
                assert found[0] >= 1, layer_id


def test_a_row_without_a_place_is_told_as_anywhere(own_town: Database) -> None:
    (change,) = heard(own_town, ("UPDATE gisgrid.quality_issues SET message = 'y' WHERE geom IS NULL", []))
    assert (change.bounds, change.boxes) == (None, ())


def test_edits_of_a_generation_that_was_served_are_told_and_those_of_a_draft_are_not(own_town: Database) -> None:
    rename: LiteralString = "UPDATE gisgrid.areas SET name = name || 'x' WHERE generation_id = %s"
    retire: LiteralString = "UPDATE gisgrid.generations SET status = 'retired', retired_at = now() WHERE id = 1"
    with own_town.connect() as connection:
        connection.execute("INSERT INTO gisgrid.generations (id, status) VALUES (8, 'draft')")
        connection.execute(
            "INSERT INTO gisgrid.areas (generation_id, level, code, name, geom) SELECT 8, 'grid', 'd', 'd', geom FROM gisgrid.grids LIMIT 1"
        )
    assert heard(own_town, (rename, [8])) == []
    assert [one.layer for one in heard(own_town, (retire, []), (rename, [1]))] == ["generations"]
    assert heard(own_town, (rename, [8])) == []
    assert "generations" in {one.layer for one in heard(own_town, ("DELETE FROM gisgrid.generations WHERE id = 1", []))}
    assert heard(own_town, ("DELETE FROM gisgrid.generations WHERE id = 8", [])) == []
