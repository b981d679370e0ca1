"""The text of the queries: one for a list of layers, a zoom band and a way of drawing; all values are bound.

Every layer is a sub-select of three floors. The innermost finds the rows of the tile and keeps the most important ones, the next
draws them in units of the tile, ST_AsMVT encodes them. A tile is the concatenation of its layers: all of them cost one round trip.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from gisgrid.cql2 import Filter
from gisgrid.db.filter_sql import where
from gisgrid.layers import Layer
from gisgrid.layers import layer as layer_of
from tiles.matrix import MATRIX_SETS, WEB_MERCATOR_QUAD
from tiles.request import Datum
from tiles.sql.areas import AREA_IN_TILE, SHAPE_IN_TILE
from tiles.sql.thinning import AROUND, BUFFER, EXTENT, Rows, importance, is_thinned, thinned

SHAPES_TO = 13
"""The deepest zoom at which areas are drawn by their simplified shapes."""


class Drawing(NamedTuple):
    """How the layers of a tile are drawn: what of a variant changes the text of its query."""

    matrix_set: str = WEB_MERCATOR_QUAD.id
    datum: Datum = "wgs84"
    filter: Filter | None = None
    then: bool = False

    @property
    def column(self) -> str:
        """The column whose geometry is drawn."""
        if MATRIX_SETS[self.matrix_set].srid == 4326:
            return "geom"
        return "geom_gcj02" if self.datum == "gcj02" else "geom_3857"


PLAIN = Drawing()
"""The web map square in WGS 84, of all features as they are."""

# Materialised, so that the boxes are worked out once a tile and not once a row. ``shown`` takes the buffer in: without it a symbol
# just beyond the edge would be missing from this tile and cut in two. ``cells`` takes the cells in that thinning must see whole.
_BOXES = """WITH boxes AS MATERIALIZED (
  SELECT tile::box2d AS tile, ST_Expand(tile, side * {buffer} / {extent}) AS shown,
         ST_Expand(tile, side * {cells} / {extent}) AS cells{near}
  FROM (SELECT ST_MakeEnvelope(%(west)s, %(south)s, %(east)s, %(north)s, {srid}) AS tile,
               (%(east)s - %(west)s)::double precision AS side) AS it
)
"""
# Where what is drawn is not what is indexed: the box in which it lies in WGS 84.
_NEAR = ",\n         ST_MakeEnvelope(%(near_west)s, %(near_south)s, %(near_east)s, %(near_north)s, 3857) AS near"

# ST_AsMVT takes the rows in the order in which they come: by id, so that the same data always gives the same bytes.
# It leaves out rows whose geometry is null, which is what ST_AsMVTGeom makes of shapes too small to be drawn.
_LAYER = """(SELECT coalesce(ST_AsMVT(feature, '{id}', {extent}, 'geom', 'id'), ''::bytea) FROM (
  SELECT {columns},
         {drawn} AS geom
  FROM ({rows}) AS kept
  ORDER BY id
) AS feature{unless})"""

# To put all rows in the order of their importance costs a tenth of a tile, and hardly any has too many: the quick text does without,
# and answers with null where more than the most came.
_WITHOUT_ORDER = "LIMIT %(most)s + 1"
_IN_ORDER = "ORDER BY {importance} LIMIT %(most)s"
_UNLESS_TOO_MANY = " HAVING count(*) <= %(most)s"

_ALL = """
    SELECT {names}, {column} AS figure FROM {source}
    WHERE {meets}
    {limit}
  """

# Either all areas of a tile are drawn by their simplified shapes or none is: two that share an edge always share it in the tile.
_AREAS = """
    SELECT {names}, CASE WHEN bool_and(simple IS NOT NULL) OVER () THEN simple ELSE {column} END AS figure,
           bool_and(simple IS NOT NULL) OVER () AS is_shape
    FROM (SELECT * FROM {source} WHERE {meets}) AS area
    LEFT JOIN (SELECT area_id, {column} AS simple FROM gisgrid.area_shapes WHERE zoom = %(z)s) AS shapes ON area_id = id
    {limit}
  """

_THEN = "(SELECT * FROM gisgrid.areas WHERE level = '{level}' AND generation_id = (SELECT gisgrid.generation_at(%(as_of)s))) AS past"

# As the view has it, but for how the classes of covers are found: the planner would join the view with the classes, taking a tile
# for a few rows, which costs more than to read them.
SOURCES = {
    "manhole_covers": """(
      SELECT c.*, c.spec ->> 'material' AS material, c.spec ->> 'shape' AS shape, c.spec ->> 'size' AS size
      FROM gisgrid.components c
      WHERE retired_at IS NULL AND scheme || '/' || edition || '/' || class_code = ANY (ARRAY(
        SELECT k.scheme || '/' || k.edition || '/' || k.code FROM gisgrid.component_classes k WHERE k.is_cover
      ))
    ) AS covers"""
}
"""What rows of a layer are read from, where it is not its view."""

_IN_TILE = f"ST_AsMVTGeom({{figure}}, (SELECT tile FROM boxes), {EXTENT}, {BUFFER}, true)"

# In a layer of any geometries what is too small is the point of it, such as a gap a few centimetres wide: an area that is
# nothing in units of the tile is drawn as its outline, and else as a point. The two sides of a long one fall on each other
# and must be made one line first, or ST_AsMVTGeom finds nothing in them either.
_OUTLINE = f"""CASE WHEN ST_Dimension(figure) = 2 THEN ST_UnaryUnion(ST_SnapToGrid(
           ST_ClipByBox2D(ST_Boundary(ST_CollectionExtract(figure)), (SELECT shown FROM boxes)),
           (SELECT ST_XMax(tile) - ST_XMin(tile) FROM boxes) / {EXTENT})) END"""
_SHAPES = {
    **dict.fromkeys(("MultiPolygon", "MultiLineString", "Point"), ("figure",)),
    "Geometry": ("figure", _OUTLINE, "ST_PointOnSurface(figure)"),
}

_COLUMN = {
    "text": "{name}",
    "integer": "{name}",
    "number": "{name}::double precision AS {name}",
    "date": "to_char({name}, 'YYYY-MM-DD') AS {name}",
}


class Statement(NamedTuple):
    """The texts of a query, and those of its arguments that come from the filter.

    ``quick`` answers with null where a layer has more features than may be in a tile, ``careful`` with the most important ones.
    """

    quick: str
    careful: str
    filter_args: dict[str, object]


@lru_cache(maxsize=1024)
def statement(layer_ids: tuple[str, ...], zoom: int, drawing: Drawing = PLAIN) -> Statement | None:
    """Return the query for tiles of ``layer_ids`` at ``zoom``, the same for all zooms of a band; None when nothing is drawn.

    Raises ParameterError for a filter that does not fit one of the layers that are drawn.
    """
    drawn = [layer for layer in map(layer_of, layer_ids) if layer.public and layer.min_zoom <= zoom]
    if not drawn:
        return None
    args: dict[str, object] = {}
    conditions = [_condition(layer, drawing.filter, args) for layer in drawn]
    srid = MATRIX_SETS[drawing.matrix_set].srid
    boxes = _BOXES.format(buffer=BUFFER, extent=EXTENT, cells=AROUND, near=_NEAR if drawing.column == "geom_gcj02" else "", srid=srid)
    quick, careful = (
        boxes
        + "SELECT "
        + "\n|| ".join(_layer(layer, zoom, drawing, condition, careful=careful) for layer, condition in zip(drawn, conditions, strict=True))
        + " AS tile"
        for careful in (False, True)
    )
    return Statement(quick, careful, args)


def _layer(layer: Layer, zoom: int, drawing: Drawing, condition: str, *, careful: bool) -> str:
    """Return the expression for the bytes of one layer."""
    if is_thinned(layer, zoom):
        source = _source(layer, drawing)
        names = ", ".join(_names(layer, zoom))
        rows = thinned(layer, names, Rows(source, drawing.column, _meets(drawing, "cells") + condition), MATRIX_SETS[drawing.matrix_set])
        return _encoded(layer, zoom, drawing, rows)
    if careful:
        return _encoded(layer, zoom, drawing, _rows(layer, zoom, drawing, condition, _IN_ORDER.format(importance=importance(layer))))
    return _encoded(layer, zoom, drawing, _rows(layer, zoom, drawing, condition, _WITHOUT_ORDER), _UNLESS_TOO_MANY)


def _encoded(layer: Layer, zoom: int, drawing: Drawing, rows: str, unless: str = "") -> str:
    """Return the sub-select that encodes rows, which come with ``figure``, the geometry that is drawn."""
    columns = ["id", *(_COLUMN[field.type].format(name=field.name) for field in layer.tile_fields(zoom))]
    if is_thinned(layer, zoom):
        columns.append("feature_count")
    return _LAYER.format(
        id=layer.id, extent=EXTENT, columns=", ".join(columns), drawn=_drawn(layer, zoom, drawing), rows=rows, unless=unless
    )


def _rows(layer: Layer, zoom: int, drawing: Drawing, condition: str, limit: str) -> str:
    names, source, meets = ", ".join(_names(layer, zoom)), _source(layer, drawing), _meets(drawing, "shown") + condition
    template = _AREAS if layer.level is not None and zoom <= SHAPES_TO else _ALL
    return template.format(names=names, column=drawing.column, source=source, meets=meets, limit=limit)


def _names(layer: Layer, zoom: int) -> list[str]:
    return ["id", *(field.name for field in layer.tile_fields(zoom))]


def _source(layer: Layer, drawing: Drawing) -> str:
    """Return where the rows of a layer come from: its view, or what says the same and is read faster."""
    return _THEN.format(level=layer.level) if drawing.then else SOURCES.get(layer.id, f"gisgrid.{layer.id}")


def _meets(drawing: Drawing, box: str) -> str:
    """Return the condition on rows whose box meets one of the boxes of the tile, by an index; shifted geometry has none."""
    if drawing.column == "geom_gcj02":
        return f"geom_3857 && (SELECT near FROM boxes) AND geom_gcj02 && (SELECT {box} FROM boxes)"
    return f"{drawing.column} && (SELECT {box} FROM boxes)"


def _condition(layer: Layer, filter: Filter | None, args: dict[str, object]) -> str:
    """Return the condition of a filter to be added to others; its arguments are put among ``args`` under names of the layer's own."""
    if filter is None:
        return ""
    # One filter may bind other values for another layer, where a field of the same name has another type.
    condition = where(filter, layer, prefix=f"{layer.id}_")
    args.update(condition.args)
    return f" AND {condition.sql}"


def _drawn(layer: Layer, zoom: int, drawing: Drawing) -> str:
    """Return the expression for a feature's geometry in units of the tile: the first shape of it that is not too small."""
    if layer.level is not None:
        return SHAPE_IN_TILE if zoom <= SHAPES_TO and drawing.column == "geom_3857" else AREA_IN_TILE
    shapes = [_IN_TILE.format(figure=figure) for figure in _SHAPES[layer.geometry]]
    return shapes[0] if len(shapes) == 1 else f"coalesce({', '.join(shapes)})"


def zoom_bands(layer: Layer) -> tuple[int, ...]:
    """Return the zooms at which the SQL of ``layer`` changes: where it appears, fields join in, thinning or simplified shapes end."""
    joins = {field.min_zoom for field in layer.fields if field.in_tiles}
    if layer.thinned_below is not None:
        joins.add(layer.thinned_below)
    if layer.level is not None:
        joins.add(SHAPES_TO + 1)
    return tuple(sorted({layer.min_zoom, *(zoom for zoom in joins if zoom > layer.min_zoom)}))
