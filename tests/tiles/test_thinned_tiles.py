"""Thinning: every feature is counted once, what shows stays, neighbours agree, and the most important comes first."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import LiteralString

import psycopg
import pytest
import shapely

from gisgrid.cql2 import parse
from gisgrid.db import Database
from gisgrid.layers import layer
from tests.tiles.drawn import Feature, Pencil
from tiles import TileId, tile_at
from tiles.request import Datum
from tiles.sql import EXTENT, POINT_CELLS

HEAP = (120.355, 36.105)
BOX = (120.30, 36.06, 120.42, 36.15)
THINNED = ("manhole_covers", "cameras", "buildings")
KINDS: list[tuple[str, Datum]] = [("WebMercatorQuad", "wgs84"), ("WebMercatorQuad", "gcj02"), ("CGCS2000Quad", "wgs84")]
ROWS = 1500

_BUILDINGS: LiteralString = "INSERT INTO gisgrid.buildings (code, geom) VALUES (%s, ST_GeomFromWKB(%s, 4326))"
_CAMERAS: LiteralString = "INSERT INTO gisgrid.cameras (code, status, geom) VALUES (%s, %s, ST_SetSRID(ST_MakePoint(%s, %s), 4326))"
_COVERS: LiteralString = """INSERT INTO gisgrid.components (code, scheme, edition, class_code, state, geom)
VALUES (%s, 'CJ/T 214', '2007', %s, %s, ST_SetSRID(ST_MakePoint(%s, %s), 4326))"""


@pytest.fixture(scope="module")
def crowd(database_copies: Callable[[], Database]) -> Iterator[psycopg.Connection]:
    """A database of its own with some thousand features in heaps, and some buildings as large as several cells."""
    rng = random.Random(11)

    def place() -> tuple[float, float]:
        if rng.random() < 0.5:
            return rng.uniform(BOX[0], BOX[2]), rng.uniform(BOX[1], BOX[3])
        return rng.gauss(HEAP[0], 0.001), rng.gauss(HEAP[1], 0.001)

    def building() -> bytes:
        (x, y), size = place(), 0.01 if rng.random() < 0.02 else rng.uniform(1e-4, 6e-4)
        return bytes(shapely.to_wkb(shapely.MultiPolygon([shapely.box(x, y, x + size, y + size * rng.uniform(0.5, 1))])))

    with database_copies().connect() as connection:
        with connection.cursor() as cursor:
            states = ("intact", "intact", "broken", "unknown")
            cursor.executemany(_CAMERAS, [(f"C{n}", rng.choice(("online", "online", "fault")), *place()) for n in range(ROWS)])
            cursor.executemany(_COVERS, [(f"M{n}", rng.choice(("0102", "0118")), rng.choice(states), *place()) for n in range(ROWS)])
            cursor.executemany(_BUILDINGS, [(f"B{n}", building()) for n in range(ROWS)])
        yield connection


def _shown(pencil: Pencil, id: str, zoom: int) -> dict[TileId, dict[int, Feature]]:
    return {tile: pencil.layer(id, tile) for tile in pencil.covering(BOX, zoom)}


def _counts(tiles: dict[TileId, dict[int, Feature]]) -> dict[int, int]:
    """Return the count of each feature; it is the same in every tile that shows it, or this fails."""
    counts: dict[int, int] = {}
    for features in tiles.values():
        for id, feature in features.items():
            assert counts.setdefault(id, feature["properties"]["feature_count"]) == feature["properties"]["feature_count"]
    return counts


@pytest.mark.parametrize(("matrix_set", "datum"), KINDS)
@pytest.mark.parametrize("id", THINNED)
def test_every_row_is_counted_once_and_what_shows_goes_on_showing(
    crowd: psycopg.Connection, id: str, matrix_set: str, datum: Datum
) -> None:
    pencil = Pencil(crowd, matrix_set, datum)
    (rows,) = crowd.execute(f"SELECT count(*) FROM gisgrid.{id}".encode()).fetchone() or (0,)
    before: set[int] = set()
    for zoom in range(layer(id).min_zoom, 14):
        counts = _counts(_shown(pencil, id, zoom))
        assert sum(counts.values()) == rows
        assert before <= set(counts)
        assert len(before) < len(counts) < rows
        before = set(counts)
    everything = {one for features in _shown(pencil, id, 14).values() for one in features}
    assert len(everything) == rows
    assert before <= everything


@pytest.mark.parametrize("id", THINNED)
def test_neighbours_show_the_same_where_they_overlap(crowd: psycopg.Connection, id: str) -> None:
    pencil = Pencil(crowd)
    compared = 0
    for zoom in (12, 13):
        tiles = _shown(pencil, id, zoom)
        for tile, features in tiles.items():
            right = tiles.get(TileId(zoom, tile.x + 1, tile.y))
            for one, feature in features.items():
                box = shapely.geometry.shape(feature["geometry"]).bounds
                if right is not None and box[2] > EXTENT - 60:
                    assert one in right
                    compared += 1
    assert compared


def test_the_first_of_a_cell_is_the_one_that_matters_most_and_counts_all_of_it(crowd: psycopg.Connection) -> None:
    """The cells of one tile are worked out here from the rows of the table."""
    pencil, tile = Pencil(crowd), tile_at(*HEAP, 12)
    rows = crowd.execute("SELECT id, status, ST_X(geom_3857), ST_Y(geom_3857) FROM gisgrid.cameras").fetchall()
    west, south, east, north = tile.bounds_m
    cells: dict[tuple[int, int], list[tuple[bool, int]]] = {}
    for id, status, x, y in rows:
        if west <= x < east and south <= y < north:
            cell = (int((x - west) / (east - west) * POINT_CELLS), int((y - south) / (north - south) * POINT_CELLS))
            cells.setdefault(cell, []).append((status == "online", id))
    assert any(len(cell) > 5 for cell in cells.values())
    expected = {min(cell)[1]: len(cell) for cell in cells.values()}
    inside = {
        id: feature["properties"]["feature_count"]
        for id, feature in pencil.layer("cameras", tile).items()
        if all(0 < value < EXTENT for value in feature["geometry"]["coordinates"])
    }
    assert inside
    assert inside.items() <= expected.items()
    assert len(expected) - len(inside) <= 2, "only those on the very edge may be missing"


def test_filters_count_before_thinning(crowd: psycopg.Connection) -> None:
    pencil = Pencil(crowd, filter=parse("state = 'broken'", "cql2-text"))
    (rows,) = crowd.execute("SELECT count(*) FROM gisgrid.manhole_covers WHERE state = 'broken'").fetchone() or (0,)
    tiles = _shown(pencil, "manhole_covers", 12)
    assert 0 < sum(_counts(tiles).values()) == rows
    assert {feature["properties"]["state"] for features in tiles.values() for feature in features.values()} == {"broken"}


def test_of_too_many_the_most_important_are_drawn(crowd: psycopg.Connection) -> None:
    for zoom in (13, 14, 15):
        tile = tile_at(*HEAP, zoom)
        every = Pencil(crowd).layer("cameras", tile)
        faulty = {id for id, feature in every.items() if feature["properties"]["status"] == "fault"}
        assert 10 < len(faulty) < len(every)
        # Rows in a strip as wide as an index is imprecise, a metre, may take the place of others and are then not drawn.
        few = set(Pencil(crowd, limit=len(faulty)).layer("cameras", tile))
        assert few <= faulty
        assert len(few) >= len(faulty) - 2
        assert 8 <= len(Pencil(crowd, limit=10).layer("cameras", tile)) <= 10
        assert Pencil(crowd, limit=len(every) + 2).bytes("cameras", tile) == Pencil(crowd).bytes("cameras", tile)
    largest = Pencil(crowd, limit=3).layer("buildings", tile)
    areas: dict[int, float] = dict(crowd.execute("SELECT id, ST_Area(geom_3857) FROM gisgrid.buildings").fetchall())
    every = Pencil(crowd).layer("buildings", tile)
    # Sizes are compared in classes, four to a doubling.
    assert min(areas[id] for id in largest) * 2**0.25 >= sorted(areas[id] for id in every)[-3]
