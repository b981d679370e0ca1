"""Every tile of zooms 12 to 16 over a city holds what PostGIS says is there, no more and no less, on every base map."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import LiteralString

import numpy as np
import psycopg
import pytest
import shapely

from gisgrid.crs import GCJ02, from_wgs84, to_wgs84
from gisgrid.db import Database
from gisgrid.layers import LAYERS, Layer
from tests.conftest import build_town
from tests.tiles.drawn import Pencil, rings, turn, vertices
from tiles import TileId
from tiles.matrix import MATRIX_SETS
from tiles.request import Datum
from tiles.sql import BUFFER, EXTENT, is_thinned
from tiles.tile import MERCATOR_EDGE_M

KINDS: list[tuple[str, Datum]] = [("WebMercatorQuad", "wgs84"), ("WebMercatorQuad", "gcj02"), ("CGCS2000Quad", "wgs84")]
BOX = (120.369, 36.0795, 120.386, 36.0885)
THREE_PIXELS = 48
"""Units of a tile."""

_BUILDINGS: LiteralString = "INSERT INTO gisgrid.buildings (code, geom) VALUES (%s, ST_GeomFromWKB(%s, 4326))"
_CAMERAS: LiteralString = "INSERT INTO gisgrid.cameras (code, geom) VALUES (%s, ST_SetSRID(ST_MakePoint(%s, %s), 4326))"


@pytest.fixture(scope="module")
def city(database_copies: Callable[[], Database]) -> Iterator[psycopg.Connection]:
    """The town, with more cameras and with buildings of any shape, some with courts, some large."""
    rng = random.Random(5)
    with build_town(database_copies()).connect() as connection:
        with connection.cursor() as cursor:
            cursor.executemany(_BUILDINGS, [(f"R{number}", _building(rng, number)) for number in range(200)])
            cursor.executemany(_CAMERAS, [(f"R{number}", *_somewhere(rng)) for number in range(200)])
        yield connection


def _somewhere(rng: random.Random) -> tuple[float, float]:
    return rng.uniform(BOX[0], BOX[2]), rng.uniform(BOX[1], BOX[3])


def _building(rng: random.Random, number: int) -> bytes:
    """Return a building somewhere in the box, turned, every third with a court; written in one direction or the other."""
    (x, y), size = _somewhere(rng), rng.choice((1e-4, 3e-4, 3e-3))
    walls = shapely.box(x, y, x + size, y + size * rng.uniform(0.3, 1))
    if number % 3 == 0:
        walls = walls.difference(walls.buffer(-size / 10, join_style="mitre"))
    turned = shapely.affinity.rotate(walls, rng.uniform(0, 90))
    walls = shapely.geometry.polygon.orient(turned, rng.choice((-1, 1)))
    return bytes(shapely.to_wkb(shapely.MultiPolygon([walls])))


def _expected(connection: psycopg.Connection, layer: Layer, pencil: Pencil, tiles: list[TileId], around: float) -> list[set[int]]:
    """Return the ids of what meets each of the tiles with ``around`` units around it, by PostGIS.

    The geometry on base maps in GCJ-02 is worked out here, vertex by vertex.
    """
    one = MATRIX_SETS[pencil.matrix_set]
    boxes = []
    for tile in tiles:
        west, south, east, north = one.bounds(tile)
        margin = around * (east - west) / EXTENT
        boxes.append(shapely.box(west - margin, south - margin, east + margin, north + margin))
    found: list[set[int]] = [set() for _ in tiles]
    if pencil.datum == "gcj02":
        rows = connection.execute(f"SELECT id, ST_AsBinary(geom) FROM gisgrid.{layer.id} WHERE geom IS NOT NULL".encode()).fetchall()
        shapes = shapely.transform(shapely.from_wkb([row[1] for row in rows]), _shifted)
        pairs = [(number, rows[row][0]) for number, row in shapely.STRtree(shapes).query(boxes, "intersects").T.tolist()]
    else:
        column = "geom" if one.srid == 4326 else "geom_3857"
        sql = f"""SELECT number - 1, id FROM unnest(%s::bytea[]) WITH ORDINALITY AS box (wkb, number)
        JOIN gisgrid.{layer.id} ON ST_Intersects({column}, ST_GeomFromWKB(wkb, {one.srid}))"""
        pairs = connection.execute(sql.encode(), [[shapely.to_wkb(box) for box in boxes]]).fetchall()
    for number, id in pairs:
        found[number].add(id)
    return found


def _shifted(degrees: np.ndarray) -> np.ndarray:
    lon, lat = from_wgs84(GCJ02, degrees[:, 0], degrees[:, 1])
    return np.column_stack((np.radians(lon), np.arcsinh(np.tan(np.radians(lat))))) * (MERCATOR_EDGE_M / np.pi)


@pytest.mark.parametrize(("matrix_set", "datum"), KINDS)
@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.id)
def test_every_tile_holds_exactly_what_postgis_says(city: psycopg.Connection, layer: Layer, matrix_set: str, datum: Datum) -> None:
    pencil = Pencil(city, matrix_set, datum)
    seen = 0
    for zoom in range(max(12, layer.min_zoom), 17):
        if is_thinned(layer, zoom):
            continue
        tiles = pencil.covering(BOX, zoom)
        # What only just meets the edge of the buffer may be there or not: half a unit is lost by rounding.
        both = (_expected(city, layer, pencil, tiles, BUFFER + extra) for extra in (-0.8, 0.8))
        for tile, certain, possible in zip(tiles, *both, strict=True):
            features = pencil.layer(layer.id, tile)
            assert certain <= set(features) <= possible, (tile, certain ^ set(features))
            seen += len(features)
            for feature in features.values():
                for x, y in vertices(feature["geometry"]["coordinates"]):
                    assert -BUFFER <= x <= EXTENT + BUFFER
                    assert -BUFFER <= y <= EXTENT + BUFFER
                for outer, *holes in rings(feature):
                    assert turn(outer) > 0
                    assert all(turn(hole) < 0 for hole in holes)
                    assert shapely.Polygon(outer, holes).is_valid
    assert seen


@pytest.mark.parametrize(("matrix_set", "datum"), KINDS)
@pytest.mark.parametrize("zoom", [14, 16, 18])
def test_a_point_three_pixels_outside_an_edge_is_in_both_tiles(city: psycopg.Connection, matrix_set: str, datum: Datum, zoom: int) -> None:
    pencil, one = Pencil(city, matrix_set, datum), MATRIX_SETS[matrix_set]
    tile = one.tile_at(120.38, 36.085, zoom)
    box = one.bounds(tile)
    beyond = (box.east - box.west) / EXTENT * THREE_PIXELS
    middle = ((box.west + box.east) / 2, (box.south + box.north) / 2)
    places = {
        (-1, 0): (box.west - beyond, middle[1]),
        (1, 0): (box.east + beyond, middle[1]),
        (0, -1): (middle[0], box.north + beyond),
        (0, 1): (middle[0], box.south - beyond),
        (1, 1): (box.east + beyond, box.south - beyond),
    }
    with city.transaction(force_rollback=True):
        for (dx, dy), place in places.items():
            code = f"edge {dx} {dy}"
            city.execute(_CAMERAS, (code, *_degrees(matrix_set, datum, *place)))
            for drawn in (tile, TileId(zoom, tile.x + dx, tile.y + dy)):
                (at,) = [
                    feature["geometry"]["coordinates"]
                    for feature in pencil.layer("cameras", drawn).values()
                    if feature["properties"]["code"] == code
                ]
                side = one.bounds(drawn)
                unit = (side.east - side.west) / EXTENT
                assert at == pytest.approx(((place[0] - side.west) / unit, (side.north - place[1]) / unit), abs=1.01)


def _degrees(matrix_set: str, datum: Datum, x: float, y: float) -> tuple[float, float]:
    """Return the WGS 84 position that is drawn at ``x``, ``y`` in units of the matrix set."""
    if MATRIX_SETS[matrix_set].srid == 4326:
        return x, y
    lon, lat = np.degrees(x / MERCATOR_EDGE_M * np.pi), np.degrees(np.arctan(np.sinh(y / MERCATOR_EDGE_M * np.pi)))
    return to_wgs84(GCJ02, float(lon), float(lat)) if datum == "gcj02" else (float(lon), float(lat))
