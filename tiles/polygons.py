"""Polygons in memory as tiles: put on the map as arrays, cut at the tile's buffer, encoded with mapbox-vector-tile."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from typing import Any, NamedTuple

import mapbox_vector_tile
import numpy as np
import shapely
from numpy.typing import NDArray

from gisgrid.crs import GCJ02, from_wgs84
from tiles.encoding import EncodedTile
from tiles.request import Datum
from tiles.sql import BUFFER, EXTENT
from tiles.tile import TileId

Floats = NDArray[np.float64]
Shapes = NDArray[np.object_]

_WITHIN = (-BUFFER, -BUFFER, EXTENT + BUFFER, EXTENT + BUFFER)
_OPTIONS = {"extents": EXTENT, "y_coord_down": True, "on_invalid_geometry": None}


class Feature(NamedTuple):
    """What a polygon says in a tile: a number that stays the same, and its properties."""

    id: int
    properties: dict[str, Any]


def on_the_map(lon: Floats, lat: Floats, datum: Datum) -> tuple[Floats, Floats]:
    """Return WGS 84 degrees as parts of the web map square, 0 to 1, x from the west and y from the north."""
    if datum == "gcj02":
        lon, lat = from_wgs84(GCJ02, lon, lat)
    return (lon + 180.0) / 360.0, (1.0 - np.arcsinh(np.tan(np.radians(lat))) / math.pi) / 2.0


class Polygons:
    """Polygons in parts of the web map square, as ``on_the_map`` gives them; row by row those of an array. Never changed."""

    def __init__(self, shapes: Shapes) -> None:
        self._shapes = shapes
        self._boxes = shapely.bounds(shapes)

    def meeting(self, tile: TileId) -> NDArray[np.int64]:
        """Return the rows of the polygons whose boxes meet a tile with its buffer."""
        count, margin = 1 << tile.z, BUFFER / EXTENT
        west, north, east, south = self._boxes.T * count
        inside = (west <= tile.x + 1 + margin) & (east >= tile.x - margin) & (north <= tile.y + 1 + margin) & (south >= tile.y - margin)
        return np.flatnonzero(inside)

    def drawn(self, rows: NDArray[np.int64], tile: TileId) -> Shapes:
        """Return some polygons in whole units of a tile, cut at its buffer; empty where too small to be drawn.

        Corners are rounded before they are moved to the tile: the same corner falls on the same place in every tile.
        """
        units = float(EXTENT << tile.z)
        origin = np.array([tile.x, tile.y]) * float(EXTENT)
        shapes = shapely.transform(self._shapes[rows], lambda corners: np.round(corners * units) - origin)
        shapes = np.where(shapely.is_valid(shapes), shapes, shapely.make_valid(shapes))
        out = ~shapely.covered_by(shapes, shapely.box(*_WITHIN))
        shapes[out] = shapely.set_precision(shapely.clip_by_rect(shapes[out], *_WITHIN), 1.0)
        return np.asarray(shapes)


def encoded(name: str, features: Iterable[Feature], shapes: Shapes) -> bytes:
    """Return a tile of one layer with ``features`` drawn as ``shapes`` (units of the tile); no bytes when nothing has an area."""
    drawn = [
        {"geometry": part, "properties": feature.properties, "id": feature.id}
        for feature, shape in zip(features, shapes.tolist(), strict=True)
        if (part := _areas_of(shape)) is not None
    ]
    if not drawn:
        return b""
    return bytes(mapbox_vector_tile.encode([{"name": name, "features": drawn}], default_options=_OPTIONS))


def _areas_of(shape: Any) -> Any:
    """Return the part of a shape that has an area, None when there is none."""
    if shape.geom_type in ("Polygon", "MultiPolygon"):
        return shape if shape.area > 0.0 else None
    # What was made valid may be polygons and lines, the polygons as one part.
    parts = [part for part in shapely.get_parts(shapely.get_parts(shape)).tolist() if part.geom_type == "Polygon" and part.area > 0.0]
    return shapely.MultiPolygon(parts) if parts else None


class KeptTiles:
    """The tiles made last, of one state of the data; any thread may ask."""

    def __init__(self, most: int) -> None:
        self._most, self._tiles, self._lock = most, OrderedDict[Hashable, EncodedTile](), threading.Lock()

    def get(self, key: Hashable) -> EncodedTile | None:
        """Return the tile kept under ``key``, if it is."""
        with self._lock:
            found = self._tiles.get(key)
            if found is not None:
                self._tiles.move_to_end(key)
            return found

    def put(self, key: Hashable, tile: EncodedTile) -> None:
        """Keep a tile, and let go of the one that was asked for longest ago when there are too many."""
        with self._lock:
            self._tiles[key] = tile
            if len(self._tiles) > self._most:
                self._tiles.popitem(last=False)
