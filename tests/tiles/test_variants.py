"""Tiles of a time, of a filter, of another matrix set: what may be asked together, and what comes."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta

import morecantile
import numpy as np
import psycopg
import pytest

from gisgrid.cql2 import parse
from gisgrid.crs import GCJ02, from_wgs84
from gisgrid.db import Database
from gisgrid.errors import NotFoundError, ParameterError
from gisgrid.layers import LAYERS
from tests.tiles.drawn import Pencil
from tiles import TileId, TileRequest, Variant, tile_at, tile_query
from tiles.matrix import CGCS2000_QUAD, MATRIX_SETS, MatrixSet
from tiles.sql import shift_back
from tiles.tile import MERCATOR_EDGE_M

CENTRE = (120.3775, 36.0841)


def _refused(name: str, variant: Variant) -> str:
    with pytest.raises(ParameterError) as caught:
        tile_query(TileRequest(variant, tile_at(*CENTRE, 14)))
    assert caught.value.name == name
    return str(caught.value)


def test_what_cannot_be_asked_together_is_refused() -> None:
    assert "CGCS2000" in _refused("datum", Variant(("grids",), "CGCS2000Quad", "gcj02"))
    now = datetime.now(UTC)
    assert "cameras" in _refused("as_of", Variant(("grids", "cameras"), as_of=now))
    assert "WebMercatorQuad or CGCS2000Quad" in _refused("tms", Variant(("grids",), "Nowhere"))


def test_a_filter_may_name_only_what_tiles_may_show() -> None:
    for text in ("residents > 10", "households > 10", "nothing = 1"):
        _refused("filter", Variant(("buildings",), filter=parse(text, "cql2-text")))
    # All layers are asked: one that lacks the field cannot be filtered by it.
    _refused("filter", Variant(("buildings", "grids"), filter=parse("floors > 3", "cql2-text")))
    assert tile_query(TileRequest(Variant(("buildings",), filter=parse("road = 'x'", "cql2-text")), tile_at(*CENTRE, 14)))


def test_one_filter_holds_for_all_layers_of_a_tile(town: Database) -> None:
    with town.connect() as connection:
        pencil = Pencil(connection, filter=parse("code like '%2'", "cql2-text"))
        tile = tile_at(*CENTRE, 14)
        for id in ("grids", "cameras"):
            every, chosen = Pencil(connection).layer(id, tile), pencil.layer(id, tile)
            assert chosen
            expected = {one for one, feature in every.items() if feature["properties"]["code"].endswith("2")}
            assert set(chosen) == expected < set(every)
        alone = b"".join(pencil.bytes(id, tile) for id in ("grids", "cameras"))
        assert pencil.bytes("grids,cameras", tile) == alone


def test_values_of_a_filter_are_bound() -> None:
    query = tile_query(TileRequest(Variant(("grids",), filter=parse("name = 'x''; DROP TABLE y'", "cql2-text")), tile_at(*CENTRE, 14)))
    assert query is not None
    assert "DROP" not in query.sql + query.careful
    assert "x'; DROP TABLE y" in query.args.values()


def test_areas_are_drawn_as_they_were_served(own_town: Database) -> None:
    """A second generation with one grid takes the place of the first."""
    tile = tile_at(*CENTRE, 14)
    with own_town.connect() as connection:
        before = Pencil(connection).layer("grids", tile)
        first = _now(connection)
        connection.execute("UPDATE gisgrid.generations SET status = 'retired', retired_at = clock_timestamp() WHERE id = 1")
        connection.execute("INSERT INTO gisgrid.generations (id, status, activated_at) VALUES (2, 'active', clock_timestamp())")
        connection.execute("""INSERT INTO gisgrid.areas (generation_id, level, code, name, area_m2, geom)
            SELECT 2, level, code, 'new', area_m2, geom FROM gisgrid.areas WHERE level = 'grid' LIMIT 1""")
        connection.commit()
        second = _now(connection)
        assert len(before) > 1
        for zoom in (11, 14):
            tile = tile_at(*CENTRE, zoom)
            assert len(Pencil(connection).layer("grids", tile)) == 1
            assert Pencil(connection, as_of=second).layer("grids", tile) == Pencil(connection).layer("grids", tile)
            assert set(before) <= set(Pencil(connection, as_of=first).layer("grids", tile))
        assert Pencil(connection, as_of=first).layer("grids", tile) == before
        assert Pencil(connection, as_of=first - timedelta(days=4000)).bytes("grids", tile) == b""


def _now(connection: psycopg.Connection) -> datetime:
    connection.commit()
    (now,) = connection.execute("SELECT clock_timestamp()").fetchone() or (None,)
    connection.commit()
    assert isinstance(now, datetime)
    return now


@pytest.mark.parametrize("mine", MATRIX_SETS.values(), ids=MATRIX_SETS)
def test_a_matrix_set_is_what_its_document_says(mine: MatrixSet) -> None:
    """Read by morecantile, which works the boxes of tiles out from the document."""
    theirs = morecantile.TileMatrixSet.model_validate(mine.document())
    assert theirs.minzoom == mine.min_zoom
    assert theirs.maxzoom == mine.max_zoom
    rng = random.Random(2)
    for zoom in range(mine.min_zoom, mine.max_zoom + 1):
        tile = TileId(zoom, rng.randrange(mine.columns(zoom)), rng.randrange(mine.rows(zoom)))
        box = theirs.xy_bounds(morecantile.Tile(tile.x, tile.y, zoom))
        assert mine.bounds(tile) == pytest.approx((box.left, box.bottom, box.right, box.top), rel=1e-12, abs=1e-6)
    for tile in (TileId(0, 0, 0), TileId(19, 0, 0), TileId(1, 0, 1)):
        with pytest.raises(NotFoundError):
            CGCS2000_QUAD.check(tile)


def test_tianditu_has_the_same_levels() -> None:
    """Its level 1 has two tiles of 0.703125 degrees a pixel, from 90 N and 180 W."""
    document = CGCS2000_QUAD.document()
    matrices = document["tileMatrices"]
    assert isinstance(matrices, list)
    assert [matrix["id"] for matrix in matrices] == [str(level) for level in range(1, 19)]
    first = matrices[0]
    assert (first["cellSize"], first["matrixWidth"], first["matrixHeight"], first["pointOfOrigin"]) == (0.703125, 2, 1, [90.0, -180.0])
    assert document["crs"] == "http://www.opengis.net/def/crs/EPSG/0/4490"
    assert document["orderedAxes"] == ["Lat", "Lon"]
    for lon, lat in (CENTRE, (-179.9, -89.9), (0.1, 0.1)):
        tile = CGCS2000_QUAD.tile_at(lon, lat, 12)
        box = CGCS2000_QUAD.bounds(tile)
        assert box.west <= lon < box.east
        assert box.south < lat <= box.north
        assert box.east - box.west == 0.703125 * 256 / 2**11


def test_the_box_that_is_searched_holds_all_that_is_shifted_into_a_tile() -> None:
    rng = np.random.default_rng(3)
    for zoom in range(19):
        for _ in range(6):
            lon, lat = rng.uniform(71, 138), rng.uniform(1, 56)
            box = tile_at(lon, lat, zoom).bounds_m
            near = shift_back(box)
            # Positions around the box, shifted by the library: those that fall into it must lie in what is searched.
            reach = max(box.east - box.west, 3000.0)
            x, y = rng.uniform(box.west - 1500, box.east + 1500, 4000), rng.uniform(box.south - 1500, box.north + 1500, 4000)
            inside_x, inside_y = _metres(*from_wgs84(GCJ02, *_degrees(x, y)))
            into = (inside_x >= box.west) & (inside_x <= box.east) & (inside_y >= box.south) & (inside_y <= box.north)
            assert np.all((x[into] >= near.west) & (x[into] <= near.east) & (y[into] >= near.south) & (y[into] <= near.north))
            assert (near.east - near.west) <= (box.east - box.west) + 2 * reach


def _degrees(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    turn = math.pi / MERCATOR_EDGE_M
    limited = np.clip(y, -MERCATOR_EDGE_M, MERCATOR_EDGE_M)
    return np.degrees(np.clip(x, -MERCATOR_EDGE_M, MERCATOR_EDGE_M) * turn), np.degrees(np.arctan(np.sinh(limited * turn)))


def _metres(lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    turn = MERCATOR_EDGE_M / math.pi
    return np.radians(lon) * turn, np.arcsinh(np.tan(np.radians(lat))) * turn


def test_every_layer_makes_a_statement_in_every_variant(town: Database) -> None:
    with town.connect() as connection:
        for matrix_set, datum in (("WebMercatorQuad", "wgs84"), ("WebMercatorQuad", "gcj02"), ("CGCS2000Quad", "wgs84")):
            for zoom in range(1, 19):
                tile = MATRIX_SETS[matrix_set].tile_at(*CENTRE, zoom)
                for one in LAYERS:
                    data = Pencil(connection, matrix_set, "gcj02" if datum == "gcj02" else "wgs84").bytes(one.id, tile)
                    # At zoom 18 the tile is so small that there may be nothing; below its first zoom there must be nothing.
                    assert bool(data) == (zoom >= one.min_zoom) or zoom > 14 or zoom < 10, (one.id, zoom)
                    assert not data or zoom >= one.min_zoom
