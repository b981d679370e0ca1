"""Simplifying areas as a coverage: what two of them share is simplified once, for both, so that neither gap nor sliver comes up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from tiles.tile import MERCATOR_EDGE_M

__all__ = ["Geometries", "fit_together", "in_degrees", "matched", "simplified"]

Geometries = NDArray[np.object_]

_EXTENT = 4096
# Half a pixel of a tile that is drawn 256 pixels wide.
_TOLERANCE_UNITS = 8
# What is this many metres apart in a source is meant to be one border.
_SAME_M = 0.01
# Coordinates are changed under the lock of the interpreter: in parts, so that a server goes on answering meanwhile.
_PART = 500


def matched(shapes: Geometries) -> Geometries:
    """Return areas (EPSG:3857) whose borders match vertex by vertex, as far as adding vertices and moving them a hair can make them.

    Areas that really overlap stay as they are: which of them is right is not for a map to say.
    """
    if shapely.coverage_is_valid(shapes):
        return shapes
    cleaned = shapely.coverage_clean(shapes, snapping_distance=_SAME_M)
    is_same = np.abs(shapely.area(cleaned) - shapely.area(shapes)) <= _SAME_M * shapely.length(shapes)
    return np.where(is_same & _is_sound(cleaned), cleaned, shapes)


def simplified(shapes: Geometries, zoom: int) -> Geometries:
    """Return areas (EPSG:3857, any coverage) as multipolygons for tiles of ``zoom``: vertices on the units of its tiles, none lost.

    Triangles smaller than half a pixel squared go from the borders, the same ones for both neighbours (Visvalingam-Whyatt).
    The order of rings and vertices depends on the shape alone; exterior rings go clockwise.
    """
    unit = 2 * MERCATOR_EDGE_M / (1 << zoom) / _EXTENT
    coarse = shapely.coverage_simplify(shapes, _TOLERANCE_UNITS * unit)
    drawn = shapely.remove_repeated_points(_changed(coarse, lambda at: np.floor(at / unit + 0.5) * unit))
    # What is too narrow for whole units would close up or cross itself.
    for better in (coarse, shapes):
        is_broken = ~_is_sound(drawn)
        drawn[is_broken] = better[is_broken]
    drawn = shapely.normalize(drawn)
    return np.array([shape if shape.geom_type == "MultiPolygon" else shapely.multipolygons([shape]) for shape in drawn], dtype=object)


def in_degrees(shapes: Geometries) -> Geometries:
    """Return shapes of EPSG:3857 in WGS 84 degrees, lon lat."""
    turn = np.pi / MERCATOR_EDGE_M
    return _changed(shapes, lambda at: np.degrees(np.column_stack([at[:, 0] * turn, np.arctan(np.sinh(at[:, 1] * turn))])))


def fit_together(shapes: Geometries, areas: Geometries) -> bool:
    """Say whether shapes fit together as the areas do that they were made of: no overlap, and no gap that those have not."""
    return bool(shapely.coverage_is_valid(shapes)) and _rings(shapes) == _rings(areas)


def _rings(shapes: Geometries) -> int:
    """Return how many rings are around all shapes together: a gap between two that should touch makes one more."""
    parts = shapely.get_parts(shapely.coverage_union_all(shapes))
    return int(len(parts) + shapely.get_num_interior_rings(parts).sum())


def _is_sound(shapes: Geometries) -> NDArray[np.bool_]:
    return np.asarray(shapely.is_valid(shapes) & ~shapely.is_empty(shapes))


def _changed(shapes: Geometries, change: Callable[[NDArray[np.float64]], Any]) -> Geometries:
    """Return shapes with every position changed."""
    parts = [shapely.transform(shapes[start : start + _PART], change) for start in range(0, len(shapes), _PART)]
    return np.concatenate(parts) if parts else shapes.copy()
