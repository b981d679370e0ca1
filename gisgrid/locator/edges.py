"""Polygons as flat arrays of edges, and point in polygon in the very arithmetic of PostGIS.

PostGIS decides whether a polygon covers a point with plain double arithmetic: the side of an edge that the point lies on is
the sign of ``(x2 - x1) * (y - y1) - (x - x1) * (y2 - y1)``, the point is on the ring when that is exactly 0 within the
edge's box, and otherwise in it when the winding number of the half-open crossings is not 0. GEOS takes exact signs,
and so differs for points within some 1e-14 degrees of an edge. The truth is in PostGIS, so the same operations are done here
in the same order, on arrays and on single points, and the answers agree to the last bit.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Flags = NDArray[np.bool_]

SHORTEST_EDGE_DEG = 1e-12
"""PostGIS leaves edges shorter than this out of the winding number."""


class Edges(NamedTuple):
    """The directed edges of all areas, those of one area together; degrees.

    ``ring`` numbers the rings, ``area`` the areas; ``first`` has the first edge of each area and one entry more.
    ``ring_part`` and ``ring_is_shell`` tell, for each ring, which polygon it belongs to and whether it is the outer one.
    """

    x1: Floats
    y1: Floats
    x2: Floats
    y2: Floats
    ring: Ints
    area: Ints
    first: Longs
    ring_part: Ints
    ring_is_shell: Flags


def edges_of(geometries: NDArray[Any]) -> Edges:
    """Return the edges of polygons and multipolygons (shapely, degrees, None for no shape), in the order they are stored in."""
    parts, part_area = shapely.get_parts(geometries, return_index=True)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    coordinates, point_ring = shapely.get_coordinates(rings, return_index=True)
    starts = np.flatnonzero(point_ring[1:] == point_ring[:-1])
    ring = point_ring[starts]
    area = part_area[ring_part[ring]]
    x, y = np.ascontiguousarray(coordinates[:, 0]), np.ascontiguousarray(coordinates[:, 1])
    return Edges(
        x[starts],
        y[starts],
        x[starts + 1],
        y[starts + 1],
        ring.astype(np.int32),
        area.astype(np.int32),
        np.searchsorted(area, np.arange(len(geometries) + 1)),
        ring_part.astype(np.int32),
        np.diff(ring_part, prepend=-1) != 0,
    )


def expand(first: Longs, count: Longs) -> tuple[Longs, Longs]:
    """Return, for ranges given by ``first`` and ``count``, the range that each member belongs to and the member itself.

    >>> [part.tolist() for part in expand(np.array([10, 20]), np.array([2, 1]))]
    [[0, 0, 1], [10, 11, 20]]
    """
    owner = np.repeat(np.arange(len(count)), count)
    before = np.cumsum(count) - count
    return owner, np.arange(len(owner)) - np.repeat(before - first, count)


def some(edges: Edges, areas: NDArray[Any]) -> Edges:
    """Return the edges of some areas, numbered from 0 on; rings keep their numbers."""
    first = edges.first[areas]
    count = edges.first[areas + 1] - first
    owner, edge = expand(first, count)
    x1, y1, x2, y2 = edges.x1.take(edge), edges.y1.take(edge), edges.x2.take(edge), edges.y2.take(edge)
    return Edges(
        x1,
        y1,
        x2,
        y2,
        edges.ring.take(edge),
        owner.astype(np.int32),
        np.concatenate([[0], np.cumsum(count)]),
        edges.ring_part,
        edges.ring_is_shell,
    )


def same_shapes(one: Edges, ones: Longs, other: Edges, others: Longs) -> Flags:
    """Return for pairs of areas (a number in ``one`` and one in ``other``) whether they have the same rings, edge by edge."""
    first_one, first_other = one.first[ones], other.first[others]
    count = one.first[ones + 1] - first_one
    same = count == other.first[others + 1] - first_other
    pair, edge_one = expand(first_one[same], count[same])
    _, edge_other = expand(first_other[same], count[same])
    differs = np.zeros(len(pair), bool)
    for part in range(4):
        differs |= one[part].take(edge_one) != other[part].take(edge_other)
    ring_one, ring_other = one.ring.take(edge_one), other.ring.take(edge_other)
    differs |= one.ring_is_shell.take(ring_one) != other.ring_is_shell.take(ring_other)
    if len(pair) > 1:
        differs[1:] |= (pair[1:] == pair[:-1]) & ((ring_one[1:] != ring_one[:-1]) != (ring_other[1:] != ring_other[:-1]))
    result: Flags = same.copy()
    result[np.flatnonzero(same)[pair[differs]]] = False
    return result


def first_least(value: Floats, heads: Longs, count: Longs) -> Longs:
    """Return the member of each run that has the least value."""
    least = np.minimum.reduceat(value, heads)
    best = np.flatnonzero(value == np.repeat(least, count))
    run = np.repeat(np.arange(len(heads)), count)[best]
    firsts: Longs = best[np.diff(run, prepend=-1) != 0]
    return firsts


class Ends(NamedTuple):
    """Edges by their ends, degrees; ``low`` and ``high`` are their spans of y, ``ring`` is the ring of each."""

    x1: Floats
    y1: Floats
    x2: Floats
    y2: Floats
    low: Floats
    high: Floats
    ring: Ints


def edge_sides(ends: Ends, chosen: Longs, x: Floats, y: Floats) -> tuple[NDArray[np.int8], Flags]:
    """Return for each pair of an edge and a point its step of the winding number (-1, 0, 1) and whether the point is on it.

    The point's y must be within the edge's span of y, ends included.
    """
    x1, y1, x2, y2 = (part.take(chosen) for part in ends[:4])
    dx, dy = x2 - x1, y2 - y1
    side = dx * (y - y1) - (x - x1) * dy
    counts = dx * dx + dy * dy >= SHORTEST_EDGE_DEG * SHORTEST_EDGE_DEG
    rising = (y < y2) & (side > 0) & counts
    falling = (y < y1) & (side < 0) & counts
    on: Flags = (side == 0) & counts
    if on.any():
        on &= (np.minimum(x1, x2) <= x) & (x <= np.maximum(x1, x2))
    return rising.astype(np.int8) - falling.astype(np.int8), on


def covers(edges: Edges, ends: Ends, owner: Longs, chosen: Longs, *, x: Floats, y: Floats) -> tuple[Flags, Flags]:
    """Return which pairs of a point and an area are such that the area covers the point, and that it is on the boundary.

    ``x`` and ``y`` are the points of the pairs. ``chosen`` are members of ``ends`` to ask and ``owner`` their pairs,
    ascending, the members of one ring together. Edges whose span of y does not hold the point may be left out.
    """
    covered, boundary = np.zeros(len(x), bool), np.zeros(len(x), bool)
    height = y.take(owner)
    # Two in three edges of the row do not reach to the height of the point, and have nothing to say.
    hit = np.flatnonzero((ends.low.take(chosen) <= height) & (height <= ends.high.take(chosen)))
    if not hit.size:
        return covered, boundary
    owner, chosen = owner.take(hit), chosen.take(hit)
    step, on = edge_sides(ends, chosen, x.take(owner), height.take(hit))
    ring = ends.ring.take(chosen)
    heads = _heads(owner, ring)
    on = np.logical_or.reduceat(on, heads)
    inside = (np.add.reduceat(step, heads, dtype=np.int32) != 0) & ~on
    owner, ring = owner.take(heads), ring.take(heads)
    part, shell = edges.ring_part.take(ring), edges.ring_is_shell.take(ring)
    # One bit for each of the four things that the rings of a polygon can say, joined over its rings.
    bits = np.where(shell, inside * 1 + on * 2, inside * 4 + on * 8)
    heads = _heads(owner, part)
    bits, owner = np.bitwise_or.reduceat(bits, heads), owner.take(heads)
    # On the shell; or within it, on a hole's ring and in no hole; or within it and in no hole.
    edge = ((bits & 2) != 0) | ((bits & 13) == 9)
    covered[owner[edge | (bits == 1)]] = True
    boundary[owner[edge]] = True
    return covered, boundary


def _heads(first: NDArray[Any], second: NDArray[Any]) -> Longs:
    """Return where a run of equal pairs begins."""
    change = (first[1:] != first[:-1]) | (second[1:] != second[:-1])
    return np.concatenate([[0], np.flatnonzero(change) + 1])
