"""Edges that were straight in the projection of a file, and whose neighbours' vertices have left them on the way to degrees.

A vertex in the middle of a long straight edge of a neighbour lies exactly on that edge in the projected system that both were
drawn in. In degrees the edge is straight again, but between its ends only: the vertex now lies beside it, towards the pole, by
15 mm for an edge of 1 km at 36 degrees of latitude, 37 mm at 60 degrees, and with the square of the length. Such vertices are put into
the edge again, so that what fitted in its own system fits here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import shapely

from gisgrid.locator.ground import WGS84_A
from ingest.topology.plane import Flags, Floats, Ints, Plane, Shapes

_OFF_AXIS_M = 500_000.0
"""How far from the middle of its projection a city may lie: there, straight lines bend a little by themselves, to either side."""
_MARGIN = 1.05
_IN_PLACE = 1e-6  # metres: a vertex that is no farther from an end than this is that end


class _Edges(NamedTuple):
    """Edges of rings: where each begins and its vector, metres in the plane, and the number of its first coordinate."""

    start: Floats
    vector: Floats
    first: Ints

    def where(self, chosen: Flags | Ints) -> _Edges:
        return _Edges(self.start[chosen], self.vector[chosen], self.first[chosen])

    @property
    def length(self) -> Floats:
        return np.asarray(np.hypot(self.vector[:, 0], self.vector[:, 1]), dtype=np.float64)


def straightened(plane: Plane, groups: Sequence[Shapes], rounding_m: float) -> list[Shapes]:
    """Return groups of polygons in the plane, with the vertices put into long edges that lay on them before they came to degrees.

    A vertex lay on an edge if it is beside it, poleward, by no more than a line bends that is straight on the ground or in a conformal
    projection, give or take ``rounding_m`` metres. Edges that bend by less than half of that stay as they are, and so does
    a polygon that would become invalid.
    """
    shapes = np.concatenate([*groups, np.empty(0, dtype=object)])
    at = shapely.get_coordinates(shapes)
    edges = _long_edges(plane, shapes, at, rounding_m)
    if len(edges.first):
        shapes = _with_vertices(shapes, at, *_vertices_on(plane, edges, at, rounding_m))
    return np.split(shapes, np.cumsum([len(group) for group in groups]))[:-1]


def _long_edges(plane: Plane, shapes: Shapes, at: Floats, rounding_m: float) -> _Edges:
    """Return the edges whose middle may bend by more than half the rounding."""
    rings = shapely.get_rings(shapely.get_parts(shapes))
    ring = np.repeat(np.arange(len(rings)), shapely.get_num_coordinates(rings))
    first = np.flatnonzero(ring[1:] == ring[:-1])
    edges = _Edges(at[first], at[first + 1] - at[first], first)
    half = edges.length / 2.0
    poleward, aside = _bend(plane, edges, half, half)
    return edges.where(np.abs(poleward) + aside > rounding_m / 2.0)


def _bend(plane: Plane, edges: _Edges, before: Floats, after: Floats) -> tuple[Floats, Floats]:
    """Return by how much a straight line leaves an edge so many metres behind its start and before its end.

    That is to the left of the edge (negative: right) for a geodesic, and to either side for what a projection adds.
    """
    length = edges.length
    east, north = np.divide(edges.vector.T, length, out=np.zeros((2, len(length))), where=length > 0.0)
    latitude = np.radians(plane.lat + (edges.start[:, 1] + edges.vector[:, 1] / 2.0) / plane.per_lat)
    product = before * after / 2.0
    return product * np.tan(latitude) / WGS84_A * east * (1.0 + north**2), product * _OFF_AXIS_M / WGS84_A**2


def _vertices_on(plane: Plane, edges: _Edges, at: Floats, rounding_m: float) -> tuple[Ints, Floats]:
    """Return the vertices that lay on edges, in their order along them: the coordinate that each comes after, and where it is."""
    half = edges.length / 2.0
    poleward, aside = _bend(plane, edges, half, half)
    reach = rounding_m + _MARGIN * np.abs(poleward) + aside
    vertices = np.unique(at, axis=0)
    lines = shapely.linestrings(np.stack([edges.start, edges.start + edges.vector], axis=1))
    edge, vertex = shapely.STRtree(shapely.points(vertices)).query(lines, predicate="dwithin", distance=reach)
    near, to = edges.where(edge), vertices[vertex] - edges.start[edge]
    length = near.length
    along = (to * near.vector).sum(axis=1) / length
    left = (near.vector[:, 0] * to[:, 1] - near.vector[:, 1] * to[:, 0]) / length
    bend, aside = _bend(plane, near, along, length - along)
    lay_on = (left >= np.minimum(_MARGIN * bend, 0.0) - aside - rounding_m) & (left <= np.maximum(_MARGIN * bend, 0.0) + aside + rounding_m)
    # What is nearly an end is another corner, not a vertex on the edge.
    lay_on &= (along > rounding_m + _IN_PLACE) & (along < length - rounding_m - _IN_PLACE)
    order = np.flatnonzero(lay_on)[np.lexsort((along[lay_on], near.first[lay_on]))]
    return near.first[order], vertices[vertex[order]]


def _with_vertices(shapes: Shapes, at: Floats, after: Ints, vertices: Floats) -> Shapes:
    """Return polygons with vertices put in ``after`` coordinates of theirs; the others as they are."""
    owner = np.repeat(np.arange(len(shapes)), shapely.get_num_coordinates(shapes))
    changed = shapes.copy()
    for number in np.unique(owner[after]).tolist():
        begin = int(np.searchsorted(owner, number))
        mine = owner[after] == number
        shape = _inserted(shapes[number], at[begin:], after[mine] - begin, vertices[mine])
        if shapely.is_valid(shape):
            changed[number] = shape
    return changed


def _inserted(shape: object, at: Floats, after: Ints, vertices: Floats) -> object:
    """Return one multipolygon with vertices put in; ``at`` begins with its coordinates."""
    rings, polygon = shapely.get_rings(shapely.get_parts(shape), return_index=True)
    count = shapely.get_num_coordinates(rings)
    ring = np.repeat(np.arange(len(rings)), count)
    filled = np.insert(at[: len(ring)], after + 1, vertices, axis=0)
    return shapely.multipolygons(
        shapely.polygons(shapely.linearrings(filled, indices=np.insert(ring, after + 1, ring[after])), indices=polygon)
    )
