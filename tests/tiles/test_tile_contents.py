"""Tiles decoded with mapbox-vector-tile, compared with what PostGIS holds."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterator
from typing import Any

import mapbox_vector_tile
import pytest
import shapely
from shapely.geometry import shape

from gisgrid.db import Database
from gisgrid.deployment import load_deployment
from gisgrid.layers import LAYERS, Layer
from gisgrid.types import Bounds
from tiles import EncodedTile, TileId, TileReader, TileRequest, TileService, Variant, tile_at
from tiles.shapes import DEEPEST
from tiles.sql import BUFFER, EXTENT, is_thinned

CENTRE = (120.3775, 36.0841)
SIMPLIFIED = 8
"""By how many units of a tile areas are simplified."""


class Tiles:
    """A tile service that is asked from ordinary tests."""

    def __init__(self, runner: asyncio.Runner, service: TileService) -> None:
        self.runner = runner
        self.service = service

    def get(self, ids: str, tile: TileId) -> EncodedTile:
        return self.runner.run(self.service.tile(TileRequest(Variant(tuple(ids.split(","))), tile)))

    def decode(self, ids: str, tile: TileId) -> dict[str, Any]:
        data = self.get(ids, tile).body("identity")
        # y upwards, as in geometry and unlike in the file.
        return mapbox_vector_tile.decode(data, default_options={"y_coord_down": False}) if data else {}


@pytest.fixture(scope="module")
def tiles(town: Database) -> Iterator[Tiles]:
    service = TileService(TileReader(town.url, 2, 5000), load_deployment("shibei"))
    with asyncio.Runner() as runner:
        runner.run(service.open())
        yield Tiles(runner, service)
        runner.run(service.close())


def _expected(database: Database, layer: Layer, tile: TileId) -> dict[int, tuple[dict[str, Any], Any]]:
    """Return by id the attributes and the geometry in tile units of what PostGIS holds within the tile and its buffer."""
    side = tile.bounds_m.east - tile.bounds_m.west
    fields = layer.tile_fields(tile.z)
    columns = ", ".join(f"{field.name}::text" if field.type == "date" else field.name for field in fields)
    margin = side * BUFFER / EXTENT
    sql = f"""SELECT id, ST_AsBinary(geom_3857), {columns} FROM gisgrid.{layer.id}
    WHERE ST_Intersects(geom_3857, ST_MakeEnvelope(%s, %s, %s, %s, 3857))"""
    west, south, east, north = tile.bounds_m
    box = (west - margin, south - margin, east + margin, north + margin)
    with database.connect() as connection:
        rows = connection.execute(sql.encode(), box).fetchall()
    found = {}
    clip = shapely.box(-BUFFER, -BUFFER, EXTENT + BUFFER, EXTENT + BUFFER)
    for id, wkb, *values in rows:
        geometry = shapely.transform(shapely.from_wkb(wkb), lambda xy: (xy - (west, south)) / side * EXTENT)
        attributes = {field.name: value for field, value in zip(fields, values, strict=True) if value is not None}
        found[id] = (attributes, shapely.intersection(geometry, clip))
    return found


@pytest.mark.parametrize("zoom", [4, 8, 11, 12, 14, 15, 16, 18, 20])
@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.id)
def test_a_tile_holds_what_postgis_holds(town: Database, tiles: Tiles, layer: Layer, zoom: int) -> None:
    tile = tile_at(*CENTRE, zoom)
    decoded = tiles.decode(layer.id, tile).get(layer.id, {"extent": EXTENT, "features": []})
    if zoom < layer.min_zoom:
        assert decoded["features"] == []
        return
    expected = _expected(town, layer, tile)
    assert decoded["extent"] == EXTENT
    features = decoded["features"]
    ids = [feature["id"] for feature in features]
    assert ids == sorted(set(ids) if is_thinned(layer, zoom) else expected)
    for feature in features:
        attributes, geometry = expected[feature["id"]]
        assert feature["properties"].pop("feature_count", 0) >= is_thinned(layer, zoom)
        assert feature["properties"] == pytest.approx(attributes)
        # Half a unit of rounding in each axis; areas may have been simplified by a server that served the town before.
        within = 1.0 if layer.level is None or zoom > DEEPEST else 1.0 + SIMPLIFIED
        assert shapely.hausdorff_distance(shape(feature["geometry"]), geometry) <= within
    if layer.geometry == "MultiPolygon":
        assert all(feature["geometry"]["type"] in ("Polygon", "MultiPolygon") for feature in features)


def test_a_point_just_beyond_the_edge_is_in_both_tiles(tiles: Tiles) -> None:
    east = tile_at(120.37723, 36.0835, 16)
    assert east.x == 54682
    for tile in (east, TileId(16, east.x - 1, east.y)):
        features = tiles.decode("manhole_covers", tile)["manhole_covers"]["features"]
        at = {feature["properties"]["code"]: feature["geometry"]["coordinates"] for feature in features}
        x, _ = at["3702030114000002"]
        # Three metres are 20 units here: inside the buffer of the western tile, beyond its extent.
        assert x == pytest.approx(22 if tile == east else EXTENT + 22, abs=1)
    assert "3702030114000002" not in str(tiles.decode("manhole_covers", TileId(16, east.x - 2, east.y)))


def test_several_layers_come_in_one_tile_as_they_come_alone(tiles: Tiles) -> None:
    tile = tile_at(*CENTRE, 15)
    together = tiles.get("grids,cameras,manhole_covers", tile).body("identity")
    alone = b"".join(tiles.get(id, tile).body("identity") for id in ("grids", "cameras", "manhole_covers"))
    assert together == alone
    assert list(mapbox_vector_tile.decode(together)) == ["grids", "cameras", "manhole_covers"]


def test_dates_are_iso_text(tiles: Tiles) -> None:
    features = tiles.decode("manhole_covers", tile_at(120.3705, 36.0805, 16))["manhole_covers"]["features"]
    assert "2019-03-07" in {feature["properties"].get("installed_on") for feature in features}


def test_a_lamp_is_no_cover_and_persons_are_in_no_tile(tiles: Tiles) -> None:
    tile = tile_at(120.3770, 36.0872, 16)
    data = tiles.get(",".join(layer.id for layer in LAYERS), tile).body("identity")
    assert b"3702030114000001" in data
    assert b"3702030118000001" not in data
    everything = ",".join(layer.id for layer in LAYERS)
    whole = b"".join(tiles.get(everything, tile_at(120.372, 36.082, z)).body("identity") for z in range(4, 19))
    assert "张三".encode() not in whole
    assert b"13800000000" not in whole


def test_an_empty_place_gives_an_empty_tile(tiles: Tiles) -> None:
    assert tiles.get("grids,cameras", TileId(16, 0, 0)).is_empty
    assert tiles.get("grids", TileId(0, 0, 0)).is_empty


def test_the_same_tile_has_the_same_bytes_and_etag(tiles: Tiles) -> None:
    tile = tile_at(*CENTRE, 14)
    first, second = tiles.get("buildings,grids", tile), tiles.get("buildings,grids", tile)
    assert first == second
    assert gzip.decompress(first.encodings["gzip"]) == first.body("identity")
    assert first.etag != tiles.get("buildings", tile).etag


def test_tilejson_tells_layers_fields_bounds_and_zooms(tiles: Tiles) -> None:
    bounds = Bounds(120.37, 36.08, 120.385, 36.088)
    document = tiles.service.document(Variant(("grids", "manhole_covers")), "http://h/tiles/a/{z}/{x}/{y}.mvt", bounds)
    assert document["tilejson"] == "3.0.0"
    assert document["tiles"] == ["http://h/tiles/a/{z}/{x}/{y}.mvt"]
    assert (document["minzoom"], document["maxzoom"]) == (10, 18)
    assert document["bounds"] == pytest.approx([120.37, 36.08, 120.385, 36.088], abs=1e-4)
    center = document["center"]
    assert isinstance(center, list)
    assert center[:2] == pytest.approx([120.3775, 36.084], abs=1e-4)
    layers = document["vector_layers"]
    assert isinstance(layers, list)
    assert [one["id"] for one in layers] == ["grids", "manhole_covers"]
    assert layers[0]["description"] == "责任网格"
    assert layers[0]["fields"]["area_m2"] == "面积 · Area (m2)"
    assert "note" not in layers[1]["fields"]
    assert "feature_count" in layers[1]["fields"]
    assert "feature_count" not in layers[0]["fields"]


def test_bounds_that_are_not_known_are_those_of_the_deployment() -> None:
    service = TileService(TileReader("postgresql://", 1, 5000), load_deployment("helsinki"))
    document = service.document(Variant(("grids",)), "t", None)
    assert document["bounds"] == [24.4, 59.9, 25.4, 60.5]
    assert document["attribution"] == "© OpenStreetMap contributors, ODbL"
