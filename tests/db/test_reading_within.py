"""Reading again what lies in the boxes of the change feed: with it an index follows any edit, as if it were built anew."""

from __future__ import annotations

from typing import LiteralString

import psycopg
import pytest
import shapely

from gisgrid.db import Database, reading
from gisgrid.db.changes import Position, changes_since
from gisgrid.locator import FootprintIndex, PointIndex
from gisgrid.types import Bounds

POINTS = ("cameras", "manhole_covers")

EDITS: tuple[LiteralString, ...] = (
    "UPDATE gisgrid.cameras SET status = 'fault' WHERE code = 'C3'",
    "UPDATE gisgrid.cameras SET geom = 'SRID=4326;POINT(120.3791234567891 36.0854321098765)' WHERE code IN ('C1', 'C2')",
    "INSERT INTO gisgrid.cameras (code, geom) SELECT code || 'x', geom FROM gisgrid.cameras WHERE code < 'C4'",
    "DELETE FROM gisgrid.cameras WHERE code = 'C5'",
    "UPDATE gisgrid.cameras_all SET retired_at = now() WHERE code = 'C6'",
    "UPDATE gisgrid.cameras_all SET retired_at = NULL WHERE code IN ('C6', 'C-gone')",
    "UPDATE gisgrid.buildings SET geom = ST_Translate(geom, 0.00031, 0), use = 'x' WHERE code IN ('B7', 'B33')",
    "DELETE FROM gisgrid.buildings WHERE code LIKE 'B1_'",
    "UPDATE gisgrid.buildings SET floors = 12 WHERE code = 'B20'",
    "UPDATE gisgrid.components SET class_code = '0118' WHERE code = '3702030102000007'",
    "UPDATE gisgrid.components SET class_code = '0102' WHERE code = '3702030118000001'",
    "UPDATE gisgrid.manhole_covers SET state = 'broken' WHERE code LIKE '%1'",
    "UPDATE gisgrid.components SET geom = ST_Translate(geom, 1.5, -1.5) WHERE code = '3702030102000009'",
    "TRUNCATE gisgrid.cameras_all CASCADE",
)


def follow(
    connection: psycopg.Connection, before: Position, points: dict[str, PointIndex], buildings: FootprintIndex
) -> tuple[Position, dict[str, PointIndex], FootprintIndex]:
    found = changes_since(connection, before)
    assert found is not None
    after, changes = found
    boxes: dict[str, list[Bounds]] = {}
    for change in changes:
        assert change.bounds is not None
        boxes.setdefault(change.layer, []).append(change.bounds)
    for layer in POINTS:
        points[layer] = points[layer].replaced(boxes.get(layer, []), reading.read_points(connection, layer, boxes.get(layer, [])))
    near = boxes.get("buildings", [])
    return after, points, buildings.replaced(near, reading.read_footprints(connection, "buildings", near))


def test_an_index_that_follows_the_feed_is_the_one_built_anew(own_town: Database) -> None:
    with reading.snapshot(own_town) as connection:
        position = reading.read_position(connection)
        points = {layer: PointIndex(reading.read_points(connection, layer)) for layer in POINTS}
        buildings = FootprintIndex(reading.read_footprints(connection, "buildings"))
    for edit in EDITS:
        with own_town.connect() as connection:
            connection.execute(edit)
        with reading.snapshot(own_town) as connection:
            position, points, buildings = follow(connection, position, points, buildings)
            for layer in POINTS:
                table = reading.read_points(connection, layer)
                assert points[layer].table.ids == table.ids
                assert points[layer].table.rows == table.rows
                assert points[layer].nearest(120.377, 36.084, 30) == PointIndex(table).nearest(120.377, 36.084, 30)
            footprints = reading.read_footprints(connection, "buildings")
            assert buildings.table.rows == footprints.rows
            assert shapely.equals_exact(buildings.table.geometries, footprints.geometries).all()
            assert buildings.nearest(120.377, 36.084, 30) == FootprintIndex(footprints).nearest(120.377, 36.084, 30)


@pytest.mark.parametrize("layer", ["cameras", "manhole_covers"])
def test_what_lies_on_the_border_of_a_box_is_read(town: Database, layer: str) -> None:
    with reading.snapshot(town) as connection:
        everything = reading.read_points(connection, layer)
        for place in range(0, len(everything.ids), 3):
            lon, lat = float(everything.lon[place]), float(everything.lat[place])
            at, above = Bounds(lon, lat, lon, lat), Bounds(lon - 0.001, lat, lon + 0.001, lat + 0.001)
            for boxes in ([at], [above], [at, above, at]):
                found = reading.read_points(connection, layer, boxes).ids
                assert everything.ids[place] in found
                assert found == sorted(set(found))


def test_only_what_is_near_a_box_is_read(town: Database) -> None:
    box = Bounds(120.3711, 36.0807, 120.3715, 36.0813)
    with reading.snapshot(town) as connection:
        near = reading.read_points(connection, "cameras", [box])
        assert near.codes == ["C0"]
        assert near.rows == reading.read_points(connection, "cameras").rows[:1]
        assert len(reading.read_footprints(connection, "buildings", [box]).ids) < 12
        assert reading.read_areas(connection, "grid", [box]).codes == ["370203001001001"]
        assert reading.read_points(connection, "cameras", []).ids == []
        assert reading.read_footprints(connection, "buildings", [Bounds(0.0, 0.0, 1.0, 1.0)]).ids == []
