"""PostGIS to vector tiles."""

from __future__ import annotations

from tiles.encoding import EncodedTile
from tiles.reader import TileReader
from tiles.request import TileRequest, Variant
from tiles.service import TileService, parse_layers
from tiles.sql import TileQuery, tile_query
from tiles.tile import TileId, parse_tile_id, tile_at

__all__ = [
    "EncodedTile",
    "TileId",
    "TileQuery",
    "TileReader",
    "TileRequest",
    "TileService",
    "Variant",
    "parse_layers",
    "parse_tile_id",
    "tile_at",
    "tile_query",
]
