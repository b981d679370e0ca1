"""Tiles drawn straight from a database and decoded, for tests that look at what is in them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

import mapbox_vector_tile
import psycopg

from gisgrid.cql2 import Filter
from tiles import TileId, TileRequest, Variant, tile_query
from tiles.matrix import MATRIX_SETS
from tiles.request import Datum
from tiles.sql import MOST_FEATURES

Feature = dict[str, Any]


class Pencil(NamedTuple):
    """Draws tiles of one kind from a database."""

    connection: psycopg.Connection
    matrix_set: str = "WebMercatorQuad"
    datum: Datum = "wgs84"
    filter: Filter | None = None
    as_of: datetime | None = None
    limit: int = MOST_FEATURES

    def bytes(self, ids: str, tile: TileId) -> bytes:
        """Return a tile as it is encoded."""
        variant = Variant(tuple(ids.split(",")), self.matrix_set, self.datum, self.filter, self.as_of)
        query = tile_query(TileRequest(variant, tile), self.limit)
        if query is None:
            return b""
        (data,) = self.connection.execute(query.sql.encode(), query.args).fetchone() or (b"",)
        if data is None:
            (data,) = self.connection.execute(query.careful.encode(), query.args).fetchone() or (b"",)
        return bytes(data)

    def layer(self, id: str, tile: TileId) -> dict[int, Feature]:
        """Return the features of a layer in a tile by id, in units of the tile with y downwards, as they are in the file."""
        data = self.bytes(id, tile)
        decoded = mapbox_vector_tile.decode(data, default_options={"y_coord_down": True}) if data else {}
        features = decoded.get(id, {"features": []})["features"]
        found = {feature["id"]: feature for feature in features}
        assert len(found) == len(features), "an id is there twice"
        return found

    def covering(self, box: tuple[float, float, float, float], zoom: int) -> list[TileId]:
        """Return all tiles of a zoom that a box in degrees touches, with a row and a column more for what GCJ-02 moves."""
        west, south, east, north = box
        one = MATRIX_SETS[self.matrix_set]
        first, last = one.tile_at(west, north, zoom), one.tile_at(east, south, zoom)
        return [TileId(zoom, x, y) for x in range(first.x, last.x + 2) for y in range(first.y - 1, last.y + 1)]


def rings(feature: Feature) -> Iterator[list[list[list[float]]]]:
    """Yield the polygons of a feature, each as its rings, the outer one first."""
    geometry = feature["geometry"]
    if geometry["type"] == "Polygon":
        yield geometry["coordinates"]
    elif geometry["type"] == "MultiPolygon":
        yield from geometry["coordinates"]


def turn(ring: list[list[float]]) -> float:
    """Return twice the area of a ring by the surveyor's formula on coordinates as they are in the file."""
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, ring[1:] + ring[:1], strict=True))


def vertices(coordinates: Any) -> Iterator[tuple[float, float]]:
    """Yield every position in nested GeoJSON coordinates."""
    if coordinates and isinstance(coordinates[0], (int, float)):
        yield coordinates[0], coordinates[1]
    else:
        for part in coordinates:
            yield from vertices(part)
