"""Shapes that are nothing in units of a tile: a layer of any geometries shows them all the same, at every zoom."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import mapbox_vector_tile
import pytest
import shapely
from pyproj import Transformer
from shapely.geometry import shape

from gisgrid.db import Database
from gisgrid.deployment import load_deployment
from gisgrid.layers import layer
from tiles import TileId, TileReader, TileRequest, TileService, Variant, tile_at
from tiles.sql import EXTENT

LON, LAT = 120.3775, 36.0841
CM = 1e-7
"""About a centimetre in degrees."""

_SHAPES = {
    "sliver": shapely.box(LON, LAT, LON + 0.003, LAT + 5 * CM),
    "speck": shapely.box(LON, LAT, LON + 5 * CM, LAT + 5 * CM),
    "specks": shapely.MultiPolygon([shapely.box(LON + i * CM, LAT, LON + i * CM + CM / 2, LAT + CM) for i in range(3)]),
    "crossed": shapely.Polygon([(LON, LAT), (LON + 5 * CM, LAT + 5 * CM), (LON + 5 * CM, LAT), (LON, LAT + 5 * CM)]),
    "dash": shapely.LineString([(LON, LAT), (LON + 5 * CM, LAT)]),
    "mixed": shapely.GeometryCollection([shapely.box(LON, LAT, LON + 5 * CM, LAT + 5 * CM), shapely.Point(LON, LAT)]),
    "dot": shapely.Point(LON, LAT),
    "block": shapely.box(LON, LAT, LON + 0.02, LAT + 0.02),
}

Decode = Callable[[TileId], dict[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def decode(database_copies: Callable[[], Database]) -> Iterator[Decode]:
    """Return the features of a tile of quality issues by the name of the shape."""
    database = database_copies()
    with database.connect() as connection, connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO gisgrid.quality_issues (layer, feature_code, code, severity, message, geom)"
            " VALUES ('grids', %s, 'gap', 'error', 'A gap', ST_GeomFromWKB(%s, 4326))",
            [(name, shapely.to_wkb(geometry)) for name, geometry in _SHAPES.items()],
        )
    service = TileService(TileReader(database.url, 1, 5000), load_deployment("shibei"))
    with asyncio.Runner() as runner:
        runner.run(service.open())

        def features(tile: TileId) -> dict[str, dict[str, Any]]:
            data = runner.run(service.tile(TileRequest(Variant(("quality_issues",)), tile))).body("identity")
            decoded = mapbox_vector_tile.decode(data, default_options={"y_coord_down": False}) if data else {}
            return {one["properties"]["feature_code"]: one for one in decoded.get("quality_issues", {"features": []})["features"]}

        yield features
        runner.run(service.close())


@pytest.mark.parametrize("zoom", range(layer("quality_issues").min_zoom, 19))
def test_every_issue_is_drawn_at_every_zoom(decode: Decode, zoom: int) -> None:
    tile = tile_at(LON, LAT, zoom)
    found = decode(tile)
    assert sorted(found) == sorted(_SHAPES)
    x, y = Transformer.from_crs(4326, 3857, always_xy=True).transform(LON, LAT)
    west, south, east, _ = tile.bounds_m
    at = shapely.Point((x - west) / (east - west) * EXTENT, (y - south) / (east - west) * EXTENT)
    for name in set(_SHAPES) - {"sliver"}:
        # Half a unit of rounding in each axis, and the middle of a shape that is not quite a unit wide.
        assert shape(found[name]["geometry"]).distance(at) <= 1.5, name
    east_end = at.x + min(0.003 / 360 * (1 << zoom) * EXTENT, EXTENT)
    assert shape(found["sliver"]["geometry"]).distance(shapely.LineString([at, (east_end, at.y)])) <= 1


def test_what_is_too_small_is_a_point_and_what_is_only_too_narrow_a_line(decode: Decode) -> None:
    found = {name: shape(feature["geometry"]) for name, feature in decode(tile_at(LON, LAT, 14)).items()}
    assert found["block"].geom_type == "Polygon"
    assert found["sliver"].geom_type == "LineString"
    assert found["dot"].geom_type == "Point"
    # Across the border of two units the smallest shape is a line of one.
    assert all(found[name].length <= 1.5 for name in set(_SHAPES) - {"block", "sliver"})


def test_a_long_sliver_is_in_each_tile_that_it_crosses(decode: Decode) -> None:
    first, last = tile_at(LON, LAT, 17), tile_at(LON + 0.003, LAT, 17)
    assert first.x < last.x
    for x in range(first.x, last.x + 1):
        assert "sliver" in decode(TileId(17, x, first.y))
    assert "sliver" not in decode(TileId(17, last.x + 1, first.y))
