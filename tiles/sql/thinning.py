"""Thinning: at small scales the most important feature of each cell of a lattice is shown, and says how many it stands for.

The cells of a zoom are whole in the cells of the zoom before it, so that the first of a cell is the first of its part of it one
zoom deeper: what shows at a zoom shows at all deeper ones. The order is a number made of a row alone. What is larger than a cell
is shown as it is and in no cell; so all that a tile shows lies in cells next to it, and those are worked out whole.
"""

from __future__ import annotations

from typing import NamedTuple

from gisgrid.layers import Layer
from tiles.matrix import MatrixSet

EXTENT = 4096
"""Units along the side of a tile."""

BUFFER = 64
"""Units around a tile in which features are drawn too, so that nothing is cut at its edge."""

POINT_CELLS, SHAPE_CELLS = 32, 64
"""Cells along the side of a tile: of points, and of shapes by the middles of their boxes."""

AROUND = EXTENT // POINT_CELLS
"""Units around a tile in which cells are worked out: one cell of points, two of shapes, whose features reach half a cell out."""

_ID_BITS = 56

# The first of each cell, by an aggregate over the key in which the id is; its row is then fetched by the id.
# A cell is one number, column and row in the halves of a bigint. OFFSET 0 keeps the planner from writing the expression for it, and
# those within it, out again in every place where they are named: they would be worked out as often.
_THINNED = """
    SELECT {names}, feature_count, figure FROM (
      SELECT cell, count(*)::integer AS feature_count, min(key) AS key FROM ({cells} OFFSET 0) AS placed GROUP BY cell OFFSET 0
    ) AS cells
    CROSS JOIN LATERAL (SELECT {names}, {column} AS figure FROM {source} WHERE id = cells.key & {mask} OFFSET 0) AS first
    WHERE {within} AND figure && (SELECT shown FROM boxes)
    ORDER BY key LIMIT %(most)s
  """

_POINTS = "SELECT {importance} AS key, {cell} AS cell FROM {source} WHERE {meets}"

# What is larger than a cell is a cell of its own.
_SHAPES = """
        SELECT key, CASE WHEN greatest(ST_XMax(box) - ST_XMin(box), ST_YMax(box) - ST_YMin(box)) * %(tiles_per_unit)s * {count} > 1
                         THEN -id ELSE {cell} END AS cell
        FROM (SELECT id, {importance} AS key, Box3D({column}) AS box FROM {source} WHERE {meets} OFFSET 0) AS boxed"""

# The cells of a tile and those around it, counted from the south-west corner of the set.
_WITHIN = """(cell < 0 OR (
      cell >> 32 BETWEEN %(tile_column)s * {count} - {around} AND (%(tile_column)s + 1) * {count} + {around} - 1
      AND cell & 4294967295 BETWEEN %(tile_row)s * {count} - {around} AND (%(tile_row)s + 1) * {count} + {around} - 1
    ))"""

# Scaled by a power of two from zoom to zoom, so that cells nest to the last bit.
_CELL = """(floor(({x} - ({west})) * %(tiles_per_unit)s * {count})::bigint << 32
          | floor(({y} - ({south})) * %(tiles_per_unit)s * {count})::bigint)"""


def is_thinned(layer: Layer, zoom: int) -> bool:
    """Say whether a layer shows only the first feature of each cell at a zoom."""
    return layer.thinned_below is not None and zoom < layer.thinned_below


def importance(layer: Layer) -> str:
    """Return the expression that puts the rows of a layer in order: a bigint, smallest first, whose lower 56 bits are the id."""
    if layer.importance.field:
        ranks = " ".join(f"WHEN '{value}' THEN {rank}" for rank, value in enumerate(layer.importance.first))
        rank = f"CASE {layer.importance.field} {ranks} ELSE {len(layer.importance.first)} END"
    else:
        # By size in classes, four to a doubling: from 1 m2 to 2^31 m2 they fit into seven bits.
        area = "area_m2" if layer.level is not None else "ST_Area(geom_3857)"
        rank = f"(127 - least(127, floor(4 * ln(greatest({area}, 1)) / ln(2::double precision))))"
    return f"({rank}::bigint << {_ID_BITS} | id)"


class Rows(NamedTuple):
    """Which rows a tile is made of: those of ``source`` that fulfil ``meets``, drawn by the geometry in ``column``."""

    source: str
    column: str
    meets: str


def thinned(layer: Layer, names: str, rows: Rows, drawn_in: MatrixSet) -> str:
    """Return the sub-select of the features of a layer that a thinned tile shows, with ``feature_count`` and ``figure``.

    ``names`` are its columns; the rows are those of the tile and of the cells around it.
    """
    source, column, meets = rows
    is_point = layer.geometry == "Point"
    count = POINT_CELLS if is_point else SHAPE_CELLS
    if is_point:
        x, y = f"ST_X({column})", f"ST_Y({column})"
    else:
        x, y = "(ST_XMin(box) + ST_XMax(box)) / 2", "(ST_YMin(box) + ST_YMax(box)) / 2"
    cell = _CELL.format(x=x, y=y, west=drawn_in.west, south=drawn_in.south, count=count)
    template = _POINTS if is_point else _SHAPES
    cells = template.format(importance=importance(layer), cell=cell, column=column, source=source, meets=meets, count=count)
    within = _WITHIN.format(count=count, around=AROUND * count // EXTENT)
    return _THINNED.format(names=names, column=column, source=source, mask=(1 << _ID_BITS) - 1, cells=cells, within=within)
