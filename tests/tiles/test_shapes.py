"""Shapes of areas: borders stay shared at every zoom, and what is shown is never out of date."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any, LiteralString

import mapbox_vector_tile
import numpy as np
import psycopg
import pytest
import shapely
from psycopg import errors
from shapely.geometry import shape as shape_of

from gisgrid.db import Database
from gisgrid.db.changes import ChangeFeed
from gisgrid.layers import layer as layer_of
from gisgrid.types import Bounds
from tests.tiles.patchwork import COLUMNS, HIGH, ROWS, SOUTH, WEST, WIDE, patchwork
from tiles import TileId, TileRequest, Variant, tile_query
from tiles.matrix import MATRIX_SETS
from tiles.shape_keeper import ShapeKeeper
from tiles.shapes import DEEPEST, Refreshed, refresh, zooms_of
from tiles.simplifying import fit_together, matched, simplified

NEW_GRID: LiteralString = """
INSERT INTO gisgrid.areas (generation_id, level, code, name, geom) VALUES (%s, %s, %s, 'x', ST_GeomFromWKB(%s, 4326))
"""


def put(connection: psycopg.Connection, generation: int, level: str, areas: list[Any]) -> None:
    for n, area in enumerate(areas):
        connection.execute(NEW_GRID, [generation, level, f"{level}-{n:03}", shapely.to_wkb(shapely.multipolygons([area]))])


def build_city(database: Database) -> Database:
    """Make a generation of grids and the communities, streets and district that they make up."""
    grids = patchwork()
    columns = [shapely.union_all(grids[x::COLUMNS]) for x in range(COLUMNS)]
    with database.connect() as connection:
        connection.execute("INSERT INTO gisgrid.generations (id, status) VALUES (1, 'active')")
        for level, areas in (
            ("grid", grids),
            ("community", columns),
            ("street", [shapely.union_all(columns[:4]), shapely.union_all(columns[4:])]),
            ("district", [shapely.union_all(columns)]),
        ):
            put(connection, 1, level, areas)
    return database


@pytest.fixture(scope="module")
def city(database_copies: Any) -> Database:
    """A city whose shapes are made; only to be read."""
    database = build_city(database_copies())
    with database.connect() as connection:
        refresh(connection)
    return database


@pytest.fixture
def own_city(database: Database) -> Iterator[psycopg.Connection]:
    """A connection in autocommit mode to a city without shapes, for one test alone."""
    build_city(database)
    with psycopg.connect(database.url, autocommit=True) as connection:
        yield connection


def drawn(connection: psycopg.Connection, variant: Variant, tile: TileId) -> dict[int, Any]:
    """Return what a tile shows of its one layer by id, in units of the tile."""
    query = tile_query(TileRequest(variant, tile))
    assert query is not None
    row = connection.execute(query.sql.encode(), query.args).fetchone()
    assert row is not None
    layers = mapbox_vector_tile.decode(bytes(row[0]), default_options={"y_coord_down": True})
    return {feature["id"]: shape_of(feature["geometry"]) for feature in layers.get(variant.layer_ids[0], {"features": []})["features"]}


def tiles_of(zoom: int, matrix_set: str) -> list[TileId]:
    """Return the tiles in which the city lies, a few of them at deep zooms."""
    tiles = MATRIX_SETS[matrix_set]
    box = Bounds(WEST, SOUTH, WEST + WIDE * COLUMNS + 0.006, SOUTH + HIGH * ROWS)
    first, last = tiles.tile_at(box.west, box.north, zoom), tiles.tile_at(box.east, box.south, zoom)
    found = [TileId(zoom, x, y) for x in range(first.x, last.x + 1) for y in range(first.y, last.y + 1)]
    return found[:: max(1, len(found) // 6)]


def assert_no_seam(shapes: list[Any], inside: Any) -> None:
    """Fail when two shapes overlap, when a border between them is not the same for both, or when there is a gap between them."""
    areas = np.array(shapes, dtype=object)
    assert shapely.is_valid(areas).all()
    assert shapely.coverage_is_valid(areas)
    together = shapely.coverage_union_all(areas)
    assert together.area == pytest.approx(sum(area.area for area in shapes), abs=1e-6)
    holes = [shapely.Polygon(hole) for part in shapely.get_parts(together) for hole in part.interiors]
    assert not any(hole.intersects(inside) for hole in holes)


@pytest.mark.parametrize("layer", ["streets", "communities", "grids"])
@pytest.mark.parametrize(("datum", "matrix_set"), [("wgs84", "WebMercatorQuad"), ("gcj02", "WebMercatorQuad"), ("wgs84", "CGCS2000Quad")])
def test_neighbours_share_their_borders_in_the_tiles_of_every_zoom(city: Database, layer: str, datum: Any, matrix_set: str) -> None:
    variant = Variant((layer,), matrix_set, datum)
    with city.connect() as connection:
        for zoom in range(layer_of(layer).min_zoom, 17):
            seen = 0
            for tile in tiles_of(zoom, matrix_set):
                shapes = list(drawn(connection, variant, tile).values())
                seen += len(shapes)
                if shapes:
                    assert_no_seam(shapes, shapely.box(-64, -64, 4160, 4160))
            assert seen >= 2


def test_shapes_have_far_fewer_vertices_and_stay_within_a_pixel(city: Database) -> None:
    with city.connect() as connection:
        for zoom in zooms_of(layer_of("grids")):
            rows = connection.execute(
                "SELECT ST_AsBinary(a.geom_3857), ST_AsBinary(s.geom_3857) FROM gisgrid.areas a "
                "JOIN gisgrid.area_shapes s ON s.area_id = a.id WHERE a.level = 'grid' AND s.zoom = %s",
                [zoom],
            ).fetchall()
            full, simple = (shapely.from_wkb([row[n] for row in rows]) for n in (0, 1))
            pixel = 40075016.68 / 2**zoom / 256
            assert len(rows) == COLUMNS * ROWS
            assert shapely.get_num_coordinates(simple).sum() < shapely.get_num_coordinates(full).sum() / 2
            assert shapely.hausdorff_distance(full, simple).max() < 2 * pixel


def test_every_level_has_shapes_from_the_first_zoom_at_which_it_is_drawn(city: Database) -> None:
    with city.connect() as connection:
        rows = connection.execute(
            "SELECT gisgrid.area_layer(a.level), min(zoom), max(zoom), count(*) FROM gisgrid.area_shapes s "
            "JOIN gisgrid.areas a ON a.id = s.area_id GROUP BY 1"
        ).fetchall()
    counts = {"districts": 1, "streets": 2, "communities": COLUMNS, "grids": COLUMNS * ROWS}
    assert sorted(rows) == sorted(
        (id, layer_of(id).min_zoom, DEEPEST, count * (DEEPEST + 1 - layer_of(id).min_zoom)) for id, count in counts.items()
    )


def shapes_by_row(connection: psycopg.Connection) -> dict[tuple[int, int], bytes]:
    rows = connection.execute("SELECT area_id, zoom, ST_AsBinary(geom) FROM gisgrid.area_shapes").fetchall()
    return {(area, zoom): bytes(wkb) for area, zoom, wkb in rows}


def grid_ids(connection: psycopg.Connection) -> list[int]:
    return [id for (id,) in connection.execute("SELECT id FROM gisgrid.grids ORDER BY code").fetchall()]


def test_refreshing_again_does_nothing(own_city: psycopg.Connection) -> None:
    first = refresh(own_city)
    before = shapes_by_row(own_city)
    assert first.is_complete
    assert first.written == len(before) > 0
    assert refresh(own_city) == (0, 0, True)
    assert shapes_by_row(own_city) == before


def test_a_few_shapes_that_are_made_again_are_what_the_whole_level_made_of_them(own_city: psycopg.Connection) -> None:
    refresh(own_city)
    before = shapes_by_row(own_city)
    for id in grid_ids(own_city)[::7]:
        own_city.execute("DELETE FROM gisgrid.area_shapes WHERE area_id = %s", [id])
        assert refresh(own_city).written == len(zooms_of(layer_of("grids")))
        assert shapes_by_row(own_city) == before


def test_an_edited_border_is_in_the_next_tile_in_full_and_simplified_after_a_refresh(own_city: psycopg.Connection) -> None:
    """Two neighbours get another border: the tile shows it at once, and has no seam before and after the shapes are made anew."""
    refresh(own_city)
    first, second, third, fourth = grid_ids(own_city)[9:13]
    variant, (tile,) = Variant(("grids",)), [tile for tile in tiles_of(11, "WebMercatorQuad")][:1]
    everywhere = shapely.box(-64, -64, 4160, 4160)
    simple = drawn(own_city, variant, tile)
    with own_city.transaction():
        own_city.execute(
            "UPDATE gisgrid.areas SET geom = (SELECT ST_Multi(ST_Union(geom)) FROM gisgrid.areas WHERE id IN (%s, %s)) WHERE id = %s",
            [first, second, first],
        )
        own_city.execute("DELETE FROM gisgrid.grids WHERE id = %s", [second])
    full = drawn(own_city, variant, tile)
    assert set(full) == set(simple) - {second}
    assert full[first].contains(simple[second].centroid)
    assert shapely.get_num_coordinates(full[fourth]) > 2 * shapely.get_num_coordinates(simple[fourth]), "all are drawn in full"
    assert_no_seam(list(full.values()), everywhere)

    done = refresh(own_city)
    assert done.is_complete
    after = drawn(own_city, variant, tile)
    assert shapely.get_num_coordinates(after[fourth]) == shapely.get_num_coordinates(simple[fourth])
    assert shapely.get_num_coordinates(after[first]) < shapely.get_num_coordinates(full[first]) / 3
    assert shapely.equals(simple[third], after[third])
    assert_no_seam(list(after.values()), everywhere)
    kept = shapes_by_row(own_city)
    own_city.execute("DELETE FROM gisgrid.area_shapes")
    refresh(own_city)
    assert shapes_by_row(own_city) == kept, "the whole level, made anew, is the same"


@pytest.mark.parametrize(
    ("statement", "goes"),
    [
        ("UPDATE gisgrid.areas SET name = 'y' WHERE id = %s", False),
        ("UPDATE gisgrid.areas SET geom = geom WHERE id = %s", False),
        ("UPDATE gisgrid.areas SET geom = ST_Translate(geom, 1e-9, 0) WHERE id = %s", True),
        ("DELETE FROM gisgrid.areas WHERE id = %s", True),
    ],
)
def test_the_shapes_of_an_area_go_with_the_edit_that_outdates_them(
    own_city: psycopg.Connection, statement: LiteralString, goes: bool
) -> None:
    refresh(own_city)
    before = set(shapes_by_row(own_city))
    id = grid_ids(own_city)[3]
    with own_city.transaction(force_rollback=True):
        own_city.execute(statement, [id])
        assert before - set(shapes_by_row(own_city)) == ({key for key in before if key[0] == id} if goes else set())
    assert set(shapes_by_row(own_city)) == before


def test_a_generation_that_is_not_served_any_more_loses_its_shapes(own_city: psycopg.Connection) -> None:
    refresh(own_city)
    own_city.execute("UPDATE gisgrid.generations SET status = 'retired'")
    assert shapes_by_row(own_city) == {}
    assert refresh(own_city) == (0, 0, True)
    own_city.execute("UPDATE gisgrid.generations SET status = 'active'")
    assert refresh(own_city).written > 0
    own_city.execute("TRUNCATE gisgrid.areas")
    assert shapes_by_row(own_city) == {}


def test_an_area_that_changes_while_shapes_are_made_gets_none_of_what_it_was(own_city: psycopg.Connection, database: Database) -> None:
    id = grid_ids(own_city)[3]
    asked: list[bool] = []

    def edit() -> bool:
        # Asked for the first time when the shapes of the districts are worked out, and long before those of the grids are written.
        if len(asked) == 6:
            own_city.execute("UPDATE gisgrid.areas SET geom = ST_Translate(geom, 1e-5, 0) WHERE id = %s", [id])
        asked.append(True)
        return True

    with database.connect() as connection:
        done = refresh(connection, is_wanted=edit)
    assert len(asked) > 6
    assert not done.is_complete
    assert id not in {area for area, _ in shapes_by_row(own_city)}
    assert refresh(own_city).is_complete


def test_an_edit_in_a_transaction_that_cannot_see_new_shapes_fails_rather_than_leave_them(
    own_city: psycopg.Connection, database: Database
) -> None:
    id = grid_ids(own_city)[3]
    with database.connect() as old:
        old.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        old.execute("SELECT 1")
        refresh(own_city)
        with pytest.raises(errors.SerializationFailure):
            old.execute("UPDATE gisgrid.areas SET geom = ST_Translate(geom, 1e-5, 0) WHERE id = %s", [id])
        old.rollback()
        old.execute("UPDATE gisgrid.areas SET geom = ST_Translate(geom, 1e-5, 0) WHERE id = %s", [id])
    assert id not in {area for area, _ in shapes_by_row(own_city)}


def test_an_edit_that_is_not_committed_yet_is_not_waited_for_long(own_city: psycopg.Connection, database: Database) -> None:
    refresh(own_city)
    first, second = grid_ids(own_city)[3:5]
    own_city.execute("DELETE FROM gisgrid.area_shapes WHERE area_id = %s", [second])
    with database.connect() as editor, database.connect() as connection:
        editor.execute("UPDATE gisgrid.areas SET name = 'z' WHERE id = %s", [first])
        began = time.monotonic()
        assert refresh(connection).is_complete, "the area next to the edited one is written"
        assert time.monotonic() - began < 10


def test_only_one_process_refreshes_at_a_time(own_city: psycopg.Connection, database: Database) -> None:
    with database.connect() as other:
        inner: list[Refreshed] = []

        def during() -> bool:
            if not inner:
                inner.append(refresh(other))
            return True

        assert refresh(own_city, is_wanted=during).is_complete
    assert inner == [(0, 0, False)]


def test_readers_are_told_where_shapes_have_changed(own_city: psycopg.Connection, database: Database) -> None:
    refresh(own_city)
    feed = ChangeFeed(database.url)
    feed.poll()
    id = grid_ids(own_city)[3]
    own_city.execute("DELETE FROM gisgrid.area_shapes WHERE area_id = %s", [id])
    refresh(own_city)
    told = feed.poll()
    box = own_city.execute(
        "SELECT ST_XMin(geom), ST_YMin(geom), ST_XMax(geom), ST_YMax(geom) FROM gisgrid.areas WHERE id = %s", [id]
    ).fetchone()
    assert [(change.layer, change.bounds, change.rows, change.is_of_drawing) for change in told] == [("grids", box, 0, True)]
    own_city.execute("UPDATE gisgrid.areas SET name = 'y' WHERE id = %s", [id])
    assert [change.is_of_drawing for change in feed.poll()] == [False]


def test_areas_that_are_no_coverage_are_simplified_all_the_same() -> None:
    """One vertex that a neighbour lacks is put into it; areas that overlap keep their own borders."""
    long = shapely.Polygon([(0, 0), (0, 5000), (-3000, 5000), (-3000, 0)])
    upper = shapely.Polygon([(0, 2500), (0, 5000), (3000, 5000), (3000, 2500)])
    lower = shapely.Polygon([(0, 0), (0, 2500), (3000, 2500), (3000, 0)])
    over = shapely.Polygon([(2000, 1000), (6000, 1000), (6000, 2000), (2000, 2000)])
    shapes = matched(np.array([long, upper, lower, over], dtype=object))
    for zoom in range(8, DEEPEST + 1):
        made = simplified(shapes, zoom)
        assert shapely.is_valid(made).all()
        assert not shapely.is_empty(made).any()
        assert fit_together(made[:3], shapes[:3])
    assert shapely.equals(shapes, [long, upper, lower, over]).all()
    assert (0, 2500) in shapes[0].exterior.coords
    assert not fit_together(shapes, shapes)


def test_a_city_with_overlaps_gets_shapes_too(own_city: psycopg.Connection) -> None:
    own_city.execute("SET gisgrid.loading = 'on'")  # an edit would be refused
    own_city.execute(
        "INSERT INTO gisgrid.grids (code, name, geom) VALUES ('over', 'x', ST_Multi(ST_MakeEnvelope(120.31, 36.06, 120.33, 36.07, 4326)))"
    )
    assert refresh(own_city).is_complete
    assert refresh(own_city) == (0, 0, True)
    own_city.execute("UPDATE gisgrid.grids SET geom = ST_Translate(geom, 1e-4, 0) WHERE code = 'over'")
    assert refresh(own_city).is_complete
    assert refresh(own_city) == (0, 0, True)
    row = own_city.execute("SELECT bool_and(ST_IsValid(geom)) FROM gisgrid.area_shapes").fetchone()
    assert row == (True,)


async def until(condition: Any, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < deadline, "waited too long"
        await asyncio.sleep(0.05)


def test_the_keeper_makes_shapes_at_the_start_and_after_edits_and_outlives_a_lost_connection(
    own_city: psycopg.Connection, database: Database
) -> None:
    own_city.execute("SET gisgrid.loading = 'on'")  # areas are moved over their neighbours, which an edit would be refused for
    id = grid_ids(own_city)[3]

    def has_shapes() -> bool:
        return id in {area for area, _ in shapes_by_row(own_city)}

    async def live() -> None:
        keepers = [asyncio.create_task(ShapeKeeper(database.url).run()) for _ in range(2)]
        await until(has_shapes)
        own_city.execute("UPDATE gisgrid.areas SET geom = ST_Translate(geom, 1e-5, 0) WHERE id = %s", [id])
        assert not has_shapes()
        await until(has_shapes)
        own_city.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        own_city.execute("UPDATE gisgrid.areas SET geom = ST_Translate(geom, 1e-5, 0) WHERE id = %s", [id])
        await until(has_shapes)
        assert not any(keeper.done() for keeper in keepers)
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)

    asyncio.run(live())
