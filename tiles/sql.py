"""The SQL of tiles: one text for a list of layers and a zoom band, made from the catalogue; z, x and y are bound.

Making a query is apart from running it: a ``TileQuery`` can be looked at with no database in sight.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from psycopg.types.numeric import Int4

from gisgrid.layers import Field, Layer
from gisgrid.layers import layer as layer_of
from tiles.tile import TileId

EXTENT = 4096
"""Units along the side of a tile."""

BUFFER = 64
"""Units around a tile in which features are drawn too, so that nothing is cut at its edge."""

# The search box takes the buffer in: without it a symbol just beyond the edge would be missing from this tile and cut in two.
# Both boxes are materialised, so that they are worked out once a tile and not once a row.
_BOXES = f"""WITH boxes AS MATERIALIZED (
  SELECT ST_TileEnvelope(%(z)s, %(x)s, %(y)s) AS tile,
         ST_TileEnvelope(%(z)s, %(x)s, %(y)s, margin => {BUFFER}/{EXTENT}::double precision) AS search
)
"""

# ST_AsMVT takes the rows in the order in which they come: by id, so that the same data always gives the same bytes.
# It leaves out rows whose geometry is null, which is what ST_AsMVTGeom makes of shapes too small to be drawn.
_LAYER = """(SELECT ST_AsMVT(feature, '{id}', {extent}, 'geom', 'id') FROM (
  SELECT {columns},
         {geom} AS geom
  FROM gisgrid.{id}
  WHERE geom_3857 && (SELECT search FROM boxes)
  ORDER BY id
) AS feature)"""

_IN_TILE = f"ST_AsMVTGeom({{geom}}, (SELECT tile FROM boxes), {EXTENT}, {BUFFER}, true)"

# In a layer of any geometries what is too small is the point of it, such as a gap a few centimetres wide: an area that is
# nothing in units of the tile is drawn as its outline, and else as a point. The two sides of a long one fall on each other
# and must be made one line first, or ST_AsMVTGeom finds nothing in them either.
_OUTLINE = f"""CASE WHEN ST_Dimension(geom_3857) = 2 THEN ST_UnaryUnion(ST_SnapToGrid(
           ST_ClipByBox2D(ST_Boundary(ST_CollectionExtract(geom_3857)), (SELECT search FROM boxes)),
           (SELECT ST_XMax(tile) - ST_XMin(tile) FROM boxes) / {EXTENT})) END"""
_SHAPES = {
    "MultiPolygon": ("geom_3857",),
    "Point": ("geom_3857",),
    "Geometry": ("geom_3857", _OUTLINE, "ST_PointOnSurface(geom_3857)"),
}

_COLUMN = {
    "text": "{name}",
    "integer": "{name}",
    "number": "{name}::double precision AS {name}",
    "date": "to_char({name}, 'YYYY-MM-DD') AS {name}",
}


class TileQuery(NamedTuple):
    """A statement and its arguments; it answers with one row of one column, the bytes of the tile."""

    sql: str
    args: dict[str, int]


def tile_query(layers: tuple[Layer, ...], tile: TileId) -> TileQuery | None:
    """Return the query that makes one tile of ``layers``, or None when none of them is drawn at that zoom.

    Layers come in the order given. Layers that are not public, and those whose ``min_zoom`` is deeper, add nothing.
    """
    sql = statement(tuple(layer.id for layer in layers), tile.z)
    if sql is None:
        return None
    # Fixed-width integers: with Python's own the driver would prepare a statement anew for each width of x and y.
    return TileQuery(sql, {"z": Int4(tile.z), "x": Int4(tile.x), "y": Int4(tile.y)})


@lru_cache(maxsize=1024)
def statement(layer_ids: tuple[str, ...], zoom: int) -> str | None:
    """Return the SQL text for tiles of ``layer_ids`` at ``zoom``, the same for all zooms of a band; None when nothing is drawn."""
    drawn = [layer for layer in map(layer_of, layer_ids) if layer.public and layer.min_zoom <= zoom]
    if not drawn:
        return None
    parts = [f"coalesce({layer_sql(layer, layer.tile_fields(zoom))}, ''::bytea)" for layer in drawn]
    # A tile is the concatenation of its layers: all of them cost one round trip.
    return _BOXES + "SELECT " + "\n|| ".join(parts) + " AS tile"


def layer_sql(layer: Layer, fields: tuple[Field, ...]) -> str:
    """Return the sub-select that encodes one layer with ``fields``; it reads the boxes of the tile from ``boxes``."""
    columns = ", ".join(["id", *(_COLUMN[field.type].format(name=field.name) for field in fields)])
    return _LAYER.format(id=layer.id, extent=EXTENT, columns=columns, geom=_drawn(layer))


def _drawn(layer: Layer) -> str:
    """Return the expression for a feature's geometry in units of the tile: the first shape of it that is not too small."""
    shapes = [_IN_TILE.format(geom=geom) for geom in _SHAPES[layer.geometry]]
    return shapes[0] if len(shapes) == 1 else f"coalesce({', '.join(shapes)})"


def zoom_bands(layer: Layer) -> tuple[int, ...]:
    """Return the zooms at which the SQL of ``layer`` changes: where it appears, and where fields join in."""
    joins = (field.min_zoom for field in layer.fields if field.in_tiles and field.min_zoom > layer.min_zoom)
    return tuple(sorted({layer.min_zoom, *joins}))
