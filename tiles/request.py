"""What is asked of the tile server: a tile, and which variant of it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple

from gisgrid.cql2 import Filter
from tiles.tile import TileId

Datum = Literal["wgs84", "gcj02"]
"""On which base maps a tile fits: those in WGS 84 (and CGCS2000), or those in GCJ-02."""


class Variant(NamedTuple):
    """All of a request but its place: layers from the bottom up, tile matrix set, datum, filter, and the instant whose areas are drawn.

    ``as_of`` is an aware datetime, None for now.
    """

    layer_ids: tuple[str, ...]
    matrix_set: str = "WebMercatorQuad"
    datum: Datum = "wgs84"
    filter: Filter | None = None
    as_of: datetime | None = None


class TileRequest(NamedTuple):
    """One tile of a variant."""

    variant: Variant
    tile: TileId
