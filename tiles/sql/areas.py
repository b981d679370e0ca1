"""How areas are drawn: so that two that share a border share it in the tile, vertex by vertex.

ST_AsMVTGeom takes vertices away from each feature for itself, up to half a unit: neighbours part, and slivers show between them.
Here each vertex goes to the unit next to it and stays, and nothing depends on the direction in which a border is walked.
"""

from __future__ import annotations

from tiles.sql.thinning import BUFFER, EXTENT

# A box that is no whole number of units: where a border is cut there, rounding never has to decide between two units, which it
# would do for either neighbour in its own way. Cut ends come out on the edge of the buffer.
_CUT = f"""(SELECT ST_Expand(tile, (ST_XMax(tile) - ST_XMin(tile)) * ({BUFFER} + 0.317) / {EXTENT})::box2d FROM boxes)"""

_ON_UNITS = f"""ST_SnapToGrid(ST_TransScale(
           ST_CollectionExtract(ST_ClipByBox2D(figure, {_CUT}), 3),
           (SELECT -ST_XMin(tile) FROM boxes), (SELECT -ST_YMax(tile) FROM boxes),
           (SELECT {EXTENT} / (ST_XMax(tile) - ST_XMin(tile)) FROM boxes),
           (SELECT {EXTENT} / (ST_YMin(tile) - ST_YMax(tile)) FROM boxes)), 1)"""

# What is narrower than a unit may close up or cross itself there.
_MENDED = "CASE WHEN ST_IsValid(placed) THEN placed ELSE ST_CollectionExtract(ST_MakeValid(placed), 3) END"

# Indexed boxes are of single precision: a metre or two more than the shape.
_FITS = "is_shape AND figure @ (SELECT ST_Expand(shown, -4) FROM boxes)"

AREA_IN_TILE = f"""(SELECT CASE WHEN NOT ST_IsEmpty(placed) THEN ST_ForcePolygonCCW({_MENDED}) END
          FROM (SELECT {_ON_UNITS} AS placed OFFSET 0) AS it)"""
"""The expression for an area in units of the tile, from its ``figure``; null where it is not in the tile or smaller than a unit."""

SHAPE_IN_TILE = f"""(SELECT CASE WHEN NOT ST_IsEmpty(placed) THEN ST_ForcePolygonCCW(CASE WHEN {_FITS} THEN placed ELSE {_MENDED} END) END
          FROM (SELECT {_ON_UNITS} AS placed OFFSET 0) AS it)"""
"""The same where ``is_shape`` says that figures are shapes, whose vertices are on the units of web map tiles in WGS 84 already."""
