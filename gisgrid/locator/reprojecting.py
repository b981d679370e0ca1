"""Shapes from any coordinate system into degrees: long edges get points in between, and what degrees cannot say is found out.

An edge that is straight in a projected system is bent in degrees. One that would be more than ``TOLERANCE_M`` off gets points in
between, by halves, until none of its pieces is; both areas at an edge get the same points, in whichever direction they go along it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gisgrid.locator.edges import Flags, Floats, Longs

TOLERANCE_M = 0.01
_MOST_HALVINGS = 17
_METRES_PER_DEGREE = 111_320.0
# No edge as short as this bends by the tolerance, except around a pole.
_SHORT_M, _POLAR_DEG = 100.0, 85.0
_WIDE_DEG = 45.0
# Conversions are not exact to the last digit: what was cut at 180 degrees may come out a little across.
_ROUNDING_DEG = 1e-7

Convert = Callable[[Floats, Floats], tuple[Floats, Floats]]
"""Returns degrees, WGS 84, of coordinates, NaN where there is no position."""


class Reprojected(NamedTuple):
    """Polygons in degrees, and the rows of those that could not be: ``lost`` have coordinates that are no positions, ``torn`` go
    across the 180th meridian or around a pole."""

    shapes: NDArray[Any]
    lost: Longs
    torn: Longs


class _Rings(NamedTuple):
    """The vertices of all rings of all shapes, in order, and where each belongs."""

    xy: Floats
    ring: Longs
    part_of_ring: Longs
    shape_of_ring: Longs


class _Pieces(NamedTuple):
    """Pieces of edges: number of the vertex that the edge begins with, place along the edge (0 to 1), both ends, both in degrees."""

    edge: Longs
    place: Floats
    start: Floats
    end: Floats
    start_deg: Floats
    end_deg: Floats

    def of(self, rows: Any) -> _Pieces:
        return _Pieces(*(part[rows] for part in self))


class _Between(NamedTuple):
    """Points to put behind vertices, in order, and the vertices at which edges begin that have no position or go through a pole."""

    behind: Longs
    degrees: Floats
    lost: Longs
    polar: Longs


def reprojected(shapes: NDArray[Any], convert: Convert) -> Reprojected:
    """Return polygons and multipolygons, none of them None, converted to degrees, with points added where edges are bent there."""
    rings = _rings_of(shapes)
    degrees = np.column_stack(convert(rings.xy[:, 0], rings.xy[:, 1]))
    none = np.empty(0, np.int64)
    lost = np.flatnonzero(np.isnan(degrees).any(axis=1))
    if lost.size:
        return Reprojected(shapes, np.unique(rings.shape_of_ring[rings.ring[lost]]), none)
    between = _between(rings, degrees, convert)
    if between.lost.size:
        return Reprojected(shapes, np.unique(rings.shape_of_ring[rings.ring[between.lost]]), none)
    longer = np.unique(rings.shape_of_ring[rings.ring[between.behind]])
    degrees = np.insert(degrees, between.behind + 1, between.degrees, axis=0)
    ring = np.insert(rings.ring, between.behind + 1, rings.ring[between.behind])
    lon, torn = _unwound(degrees[:, 0], ring)
    degrees[:, 0] = lon
    torn_rings = np.concatenate([torn, rings.ring[between.polar]])
    if torn_rings.size:
        return Reprojected(shapes, none, np.unique(rings.shape_of_ring[torn_rings]))
    return Reprojected(_rebuilt(shapes, rings._replace(xy=degrees, ring=ring), longer), none, none)


def _rings_of(shapes: NDArray[Any]) -> _Rings:
    parts, shape_of_part = shapely.get_parts(shapes, return_index=True)
    rings, part_of_ring = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    return _Rings(xy, ring, part_of_ring, shape_of_part[part_of_ring])


def _between(rings: _Rings, degrees: Floats, convert: Convert) -> _Between:
    """Return the points that bent edges need in between."""
    pieces, is_backward = _edges(rings, degrees)
    found: list[_Pieces] = []
    lost: list[Longs] = []
    polar = np.empty(0, np.int64)
    for halving in range(_MOST_HALVINGS):
        middle = (pieces.start + pieces.end) / 2.0
        points = ((pieces.start + middle) / 2.0, middle, (middle + pieces.end) / 2.0)
        inner = [np.column_stack(convert(point[:, 0], point[:, 1])) for point in points]
        lost.append(pieces.edge[np.isnan(inner).any(axis=(0, 2))])
        wide, bent = _bends(np.stack([pieces.start_deg, *inner, pieces.end_deg]))
        kept = wide | bent
        if not kept.any():
            polar = polar[:0]
            break
        pieces, middle, middle_deg = pieces.of(kept), middle[kept], inner[1][kept]
        halfway = pieces.place + 0.5 ** (halving + 1)
        second = _Pieces(pieces.edge, halfway, middle, pieces.end, middle_deg, pieces.end_deg)
        found.append(second)
        first = pieces._replace(end=middle, end_deg=middle_deg)
        polar = first.edge[wide[kept]]
        pieces = _Pieces(*(np.concatenate(both) for both in zip(first, second, strict=True)))
    # Pieces are as short as can be by now: those that still turn far go through a pole.
    behind = np.concatenate([np.empty(0, np.int64), *(part.edge for part in found)])
    place = np.concatenate([np.empty(0), *(part.place for part in found)])
    points_deg = np.concatenate([np.empty((0, 2)), *(part.start_deg for part in found)])
    order = np.lexsort((np.where(is_backward[behind], -place, place), behind))
    return _Between(behind[order], points_deg[order], np.concatenate(lost), polar)


def _edges(rings: _Rings, degrees: Floats) -> tuple[_Pieces, Flags]:
    """Return the edges long enough to be looked at, and of each vertex whether its edge is told from its end.

    Both areas at an edge tell it from the same end, so that all that is computed of it is the same to the last bit.
    """
    begin = np.flatnonzero(rings.ring[1:] == rings.ring[:-1])
    away = np.abs(degrees[begin + 1] - degrees[begin]) * _METRES_PER_DEGREE
    begin = begin[(away.max(axis=1) > _SHORT_M) | (np.abs(degrees[begin, 1]) > _POLAR_DEG)]
    one, other = rings.xy[begin], rings.xy[begin + 1]
    is_backward = np.zeros(len(rings.xy), bool)
    is_backward[begin] = (one[:, 0] > other[:, 0]) | ((one[:, 0] == other[:, 0]) & (one[:, 1] > other[:, 1]))
    first, last = np.where(is_backward[begin], begin + 1, begin), np.where(is_backward[begin], begin, begin + 1)
    return _Pieces(begin, np.zeros(len(begin)), rings.xy[first], rings.xy[last], degrees[first], degrees[last]), is_backward


def _bends(points: Floats) -> tuple[Flags, Flags]:
    """Return which edges turn too far around the world to say which way, and which leave the straight line by more than the tolerance.

    ``points`` are five on each edge, from its start to its end, in degrees: an array of 5 x edges x 2.
    """
    steps = np.diff(points[:, :, 0], axis=0)
    steps -= 360.0 * np.round(steps / 360.0)
    whole = points[-1, :, 0] - points[0, :, 0]
    turned = steps.sum(axis=0)
    wide = (np.abs(steps).max(axis=0) > _WIDE_DEG) | (np.abs(turned - (whole - 360.0 * np.round(whole / 360.0))) > 1.0)
    east = np.cumsum(steps, axis=0) * (_METRES_PER_DEGREE * np.cos(np.radians(points[2, :, 1])))
    north = (points[1:, :, 1] - points[0, :, 1]) * _METRES_PER_DEGREE
    length = np.maximum(np.hypot(east[-1], north[-1]), 1e-9)
    aside = np.abs(east[:-1] * north[-1] - north[:-1] * east[-1]) / length
    return wide, aside.max(axis=0) > TOLERANCE_M


def _unwound(lon: Floats, ring: Longs) -> tuple[Floats, Longs]:
    """Return longitudes without jumps at the 180th meridian, and the rings that go across it or around a pole."""
    jumps = np.round(np.diff(lon) / 360.0).astype(np.int64)
    jumps[ring[1:] != ring[:-1]] = 0
    if not jumps.any():
        return lon, np.empty(0, np.int64)
    first = np.flatnonzero(np.diff(ring, prepend=-1))
    turns = -np.concatenate([[0], np.cumsum(jumps)])
    rings, of = np.unique(ring, return_inverse=True)
    turns -= turns[first][of]
    last = np.append(first[1:], len(ring)) - 1
    unwound = lon + 360.0 * turns
    west, east = np.minimum.reduceat(unwound, first), np.maximum.reduceat(unwound, first)
    shift = -360.0 * np.round((west + east) / 720.0)
    torn = (turns[last] != 0) | (west + shift < -180.0 - _ROUNDING_DEG) | (east + shift > 180.0 + _ROUNDING_DEG)
    moved = np.clip(unwound + shift[of], -180.0, 180.0)
    has_jumps = np.maximum.reduceat(np.abs(turns), first) > 0
    return np.where(has_jumps[of], moved, lon), rings[torn]


def _rebuilt(shapes: NDArray[Any], rings: _Rings, longer: Longs) -> NDArray[Any]:
    """Return the shapes with new coordinates; those named in ``longer`` have more of them than before."""
    is_longer = np.zeros(len(shapes), bool)
    is_longer[longer] = True
    shape = rings.shape_of_ring[rings.ring]
    same = rings.xy[~is_longer[shape]]
    built: NDArray[Any] = np.empty(len(shapes), dtype=object)
    built[~is_longer] = shapely.transform(shapes[~is_longer], lambda _: same)
    if not longer.size:
        return built
    vertices = is_longer[shape]
    numbers, ring = np.unique(rings.ring[vertices], return_inverse=True)
    _, first, part = np.unique(rings.part_of_ring[numbers], return_index=True, return_inverse=True)
    polygons = shapely.polygons(shapely.linearrings(rings.xy[vertices], indices=ring), indices=part)
    row = rings.shape_of_ring[numbers[first]]
    is_single = shapely.get_type_id(shapes[row]) == shapely.GeometryType.POLYGON
    built[row[is_single]] = polygons[is_single]
    several, member = np.unique(row[~is_single], return_inverse=True)
    if several.size:
        built[several] = shapely.multipolygons(polygons[~is_single], indices=member)
    return built
