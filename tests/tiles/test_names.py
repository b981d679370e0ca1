"""Names of areas in tiles: each once, inside its area, on the base map that is asked for."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import mapbox_vector_tile
import prcoords
import pytest
import shapely

from gisgrid.db import Database
from gisgrid.layers import AREA_LAYERS
from gisgrid.locator import AreaIndex
from gisgrid.services import ReadModel
from gisgrid.settings import Settings
from gisgrid.types import Level
from tiles import TileId, tile_at
from tiles.names import LAYER_ID, MAX_ZOOM, names_tile, short_name
from tiles.request import Datum

Areas = dict[Level, AreaIndex]


@pytest.fixture(scope="module")
def areas(town: Database) -> Areas:
    return dict(ReadModel.load(town, Settings(database_url=town.url)).snapshot.areas)


def named(areas: Areas, tile: TileId, datum: Datum = "wgs84") -> list[tuple[str, str, float, float]]:
    """Return layer, code, longitude and latitude of each name in a tile."""
    data = names_tile(areas, tile, datum)
    if not data:
        return []
    decoded = mapbox_vector_tile.decode(data, default_options={"y_coord_down": True})[LAYER_ID]
    assert decoded["extent"] == 4096
    return [_placed(feature, tile) for feature in decoded["features"]]


def _placed(feature: dict[str, Any], tile: TileId) -> tuple[str, str, float, float]:
    x, y = feature["geometry"]["coordinates"]
    assert 0 <= x < 4096
    assert 0 <= y < 4096
    count = 1 << tile.z
    lon = (tile.x + (x + 0.5) / 4096) / count * 360 - 180
    lat = math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * (tile.y + (y + 0.5) / 4096) / count))))
    return feature["properties"]["layer"], feature["properties"]["code"], lon, lat


def over(areas: Areas, zoom: int) -> list[TileId]:
    """Return the tiles of a zoom that the points of all areas are in, and those around."""
    places = [(lon, lat) for index in areas.values() for lon, lat in zip(*index.inner_points(), strict=True)]
    found = {tile_at(lon, lat, zoom) for lon, lat in places}
    return sorted({TileId(zoom, tile.x + dx, tile.y + dy) for tile in found for dx in (-1, 0, 1) for dy in (-1, 0, 1)}, key=str)


def test_every_area_has_its_name_in_one_tile_and_inside_its_shape(areas: Areas, town: Database) -> None:
    with town.connect() as connection:
        rows = connection.execute(
            "SELECT level, code, ST_AsBinary(geom) FROM gisgrid.areas WHERE generation_id IN "
            "(SELECT id FROM gisgrid.generations WHERE status = 'active')"
        ).fetchall()
    shapes = {(AREA_LAYERS[level].id, code): shapely.from_wkb(bytes(wkb)) for level, code, wkb in rows}
    found = [name for tile in over(areas, MAX_ZOOM) for name in named(areas, tile)]
    assert Counter((layer_id, code) for layer_id, code, _, _ in found) == Counter(shapes.keys())
    for layer_id, code, lon, lat in found:
        # A unit of a tile is less than a metre here.
        assert shapes[layer_id, code].distance(shapely.Point(lon, lat)) < 1e-5


def test_there_are_no_more_names_than_there_is_room_for(areas: Areas) -> None:
    levels = {zoom: {name[0] for tile in over(areas, zoom) for name in named(areas, tile)} for zoom in (3, 4, 10, 12, 13)}
    assert levels == {
        3: set(),
        4: {"districts"},
        10: {"districts", "streets"},
        12: {"districts", "streets", "communities"},
        13: {"districts", "streets", "communities", "grids"},
    }


def test_on_shifted_base_maps_names_are_shifted_as_an_independent_formula_says(areas: Areas) -> None:
    there = {name[:2]: name[2:] for tile in over(areas, 13) for name in named(areas, tile)}
    shifted = {name[:2]: name[2:] for tile in over(areas, 13) for name in named(areas, tile, "gcj02")}
    assert there.keys() == shifted.keys()
    for key, (lon, lat) in there.items():
        expected = prcoords.wgs_gcj(prcoords.Coords(lat, lon))
        assert shifted[key] == pytest.approx((expected.lon, expected.lat), abs=2e-5), key


def test_a_name_is_as_short_as_a_map_needs_it() -> None:
    assert short_name("辽宁路街道科技街社区第12网格") == "第12网格"
    assert short_name("云溪社区居民委员会") == "云溪社区"
    assert short_name("科技街社区居委会") == "科技街社区"
    assert short_name("居委会") == "居委会"
    assert short_name("A0312") == "A0312"
