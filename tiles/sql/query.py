"""From a request to the query that answers it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from psycopg.types.numeric import Int4, Int8

from gisgrid.db.filter_sql import where
from gisgrid.errors import ParameterError
from gisgrid.layers import layers as layers_of
from tiles.matrix import CGCS2000_QUAD, matrix_set
from tiles.request import TileRequest, Variant
from tiles.sql.place import near_args, place_args
from tiles.sql.statement import Drawing, statement

MOST_FEATURES = 20_000
"""The most features of a layer in one tile, unless something else is asked for."""


class TileQuery(NamedTuple):
    """A statement and its arguments; it answers with one row of one column, the bytes of the tile.

    Where that is null, a layer has more features than may be in the tile, and ``careful`` answers, with the same arguments.
    """

    sql: str
    args: dict[str, Any]
    careful: str


def tile_query(request: TileRequest, limit: int = MOST_FEATURES) -> TileQuery | None:
    """Return the query that makes one tile, or None when none of its layers is drawn at that zoom.

    Layers come in the order given; layers that are not public, and those whose ``min_zoom`` is deeper, add nothing. Of a layer at
    most ``limit`` features are in the tile, the most important ones (see ``Layer.importance``). Raises NotFoundError when the
    tile matrix set has no such tile or there is no such layer, ParameterError for what cannot be asked together and for a filter
    that does not fit one of the layers.
    """
    variant, tile = request
    tiles = matrix_set(variant.matrix_set)
    tiles.check(tile)
    check_variant(variant)
    drawing = Drawing(variant.matrix_set, variant.datum, variant.filter, variant.as_of is not None)
    made = statement(variant.layer_ids, tile.z, drawing)
    if made is None:
        return None
    # Numbers of a fixed width: with Python's own the driver would prepare a statement anew for each width of them.
    args: dict[str, Any] = {name: Int4(value) if isinstance(value, int) else value for name, value in place_args(tiles, tile).items()}
    args |= {"z": Int4(tile.z), "most": Int8(limit), **made.filter_args}
    if variant.datum == "gcj02":
        args |= near_args(tile)
    if variant.as_of is not None:
        args["as_of"] = variant.as_of
    return TileQuery(made.quick, args, made.careful)


@lru_cache(maxsize=1024)
def check_variant(variant: Variant) -> None:
    """Raise ParameterError for what cannot be asked together, and for a filter that does not fit one of the layers."""
    if variant.datum == "gcj02" and variant.matrix_set == CGCS2000_QUAD.id:
        raise ParameterError("datum", f"{CGCS2000_QUAD.id} is in CGCS2000, which gcj02 is not", "wgs84, or gcj02 with WebMercatorQuad")
    if variant.as_of is not None:
        timeless = [layer.id for layer in layers_of(variant.layer_ids) if layer.level is None]
        if timeless:
            raise ParameterError("as_of", f"{', '.join(timeless)} cannot be drawn as of a time", "no as_of, or layers of areas alone")
    if variant.filter is not None:
        for layer in layers_of(variant.layer_ids):
            where(variant.filter, layer)
