"""The SQL of tiles: made from the catalogue, with all values bound; making a query is apart from running it."""

from __future__ import annotations

from tiles.sql.place import shift_back
from tiles.sql.query import MOST_FEATURES, TileQuery, check_variant, tile_query
from tiles.sql.statement import Drawing, statement, zoom_bands
from tiles.sql.thinning import AROUND, BUFFER, EXTENT, POINT_CELLS, SHAPE_CELLS, is_thinned

__all__ = [
    "AROUND",
    "BUFFER",
    "EXTENT",
    "MOST_FEATURES",
    "POINT_CELLS",
    "SHAPE_CELLS",
    "Drawing",
    "TileQuery",
    "check_variant",
    "is_thinned",
    "shift_back",
    "statement",
    "tile_query",
    "zoom_bands",
]
