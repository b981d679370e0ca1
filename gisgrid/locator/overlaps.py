"""Where areas of one level lie over each other, and which of their edges no neighbour shares.

Levels are partitions as a rule: each edge is an edge of the neighbour too, in the opposite direction. How many areas cover
a place changes only across edges for which that is not so, *rims* in short; ground that several areas cover is
therefore surrounded by rims of areas that reach into it. So overlaps are looked for along rims only, and from each overlap
found, in all that touches the areas concerned: a pair deep within two layers of areas has no rim near it, but
is connected to such rims by other pairs that share an area with it.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gisgrid.locator.circle import Circle, ring_signs, shares
from gisgrid.locator.edges import Edges, Flags, Floats, Longs, edges_of
from gisgrid.locator.ground import METRES_PER_DEGREE_LAT_LEAST, metres_per_degree

_MIX = tuple(np.uint64(number) for number in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93))


def rim_edges(edges: Edges, signs: Floats, strange: Flags) -> Longs:
    """Return the edges that are not also an edge of exactly one other area with its ground on the other side.

    ``signs`` are those of ``circle.ring_signs``: whether an edge's area is on its left or on its right. Of ``strange`` areas
    that cannot be said.
    """
    turned = (edges.x1 > edges.x2) | ((edges.x1 == edges.x2) & (edges.y1 > edges.y2))
    # Adding 0 makes -0 and 0 one number to the bits as well.
    ends = [
        np.where(turned, second, first) + 0.0
        for first, second in ((edges.x1, edges.x2), (edges.y1, edges.y2), (edges.x2, edges.x1), (edges.y2, edges.y1))
    ]
    key = np.zeros(len(turned), np.uint64)
    for part, mix in zip(ends, _MIX, strict=True):
        key = (key ^ part.view(np.uint64)) * mix
        key ^= key >> np.uint64(29)
    order = np.argsort(key)
    key = key[order]
    same = key[1:] == key[:-1]
    for part in ends:
        ordered = part[order]
        same &= ordered[1:] == ordered[:-1]
    side = np.where(turned, -signs, signs)[order]
    area = edges.area[order]
    opposite = same & (side[1:] != side[:-1]) & (area[1:] != area[:-1])
    opposite &= ~strange[area[1:]] & ~strange[area[:-1]]
    # A third edge in the same place spoils the pair.
    again = np.concatenate([[False], same, [False]])
    opposite &= ~again[:-2] & ~again[2:]
    shared = np.zeros(len(order), bool)
    shared[order[:-1][opposite]] = True
    shared[order[1:][opposite]] = True
    return np.flatnonzero(~shared)


def polygons_of(edges: Edges, areas: Longs) -> NDArray[Any]:
    """Return the shapes of some areas as shapely geometries, valid ones; None for an area without a shape."""
    out = np.empty(len(areas), dtype=object)
    for k, area in enumerate(areas.tolist()):
        out[k] = _polygon(edges, slice(edges.first[area], edges.first[area + 1]))
    wrong = np.flatnonzero(~shapely.is_valid(out) & ~shapely.is_missing(out))
    out[wrong] = shapely.make_valid(out[wrong])
    return out


def _polygon(edges: Edges, part: slice) -> shapely.Geometry | None:
    ring = edges.ring[part]
    if not len(ring):
        return None
    heads = np.flatnonzero(np.diff(ring, prepend=-1))
    corners = np.column_stack([edges.x1[part], edges.y1[part]])
    shells: list[tuple[Any, list[Any]]] = []
    # A ring needs four places, the first one again at the end.
    for places, number in zip(np.split(corners, heads[1:]), ring[heads].tolist(), strict=True):
        closed = np.concatenate([places, places[:1]]) if len(places) > 2 else np.concatenate([places, places[:1], places[:1]])
        if edges.ring_is_shell[number]:
            shells.append((closed, []))
        else:
            shells[-1][1].append(closed)
    polygons = [shapely.Polygon(shell, holes) for shell, holes in shells]
    return polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)


def overlapping_pairs(edges: Edges, rims: Longs) -> Longs:
    """Return the pairs of areas that have ground in common, in order: two columns of numbers, the smaller one first."""
    if not len(rims):
        return np.empty((0, 2), np.int64)
    shapes = _Shapes(edges)
    starts, ends = np.stack([edges.x1[rims], edges.y1[rims]], 1), np.stack([edges.x2[rims], edges.y2[rims]], 1)
    lines = shapely.linestrings(np.stack([starts, ends], 1))
    line, other = shapes.tree.query(lines)
    foreign = edges.area[rims][line] != other
    line, other = line[foreign], other[foreign]
    meets = shapely.intersects(shapes.of(other), lines[line])
    asked: set[tuple[int, int]] = set()
    found: set[tuple[int, int]] = set()
    pairs = _ordered(edges.area[rims][line[meets]], other[meets])
    while pairs:
        asked |= pairs
        new = _with_common_ground(shapes, sorted(pairs))
        found |= new
        reached = np.array(sorted({area for pair in new for area in pair}), dtype=np.int64)
        owner, other = shapes.tree.query(shapes.of(reached)) if len(reached) else (reached, reached)
        pairs = _ordered(reached[owner], other) - asked
    return _rows(found)


def pairs_with(edges: Edges, areas: Longs) -> Longs:
    """Return those of the overlapping pairs in which one of some ``areas`` is: all that touch their boxes are looked at."""
    shapes = _Shapes(edges)
    owner, other = shapes.tree.query(shapes.of(areas)) if len(areas) else (areas, areas)
    return _rows(_with_common_ground(shapes, sorted(_ordered(areas[owner], other))))


def _rows(pairs: set[tuple[int, int]]) -> Longs:
    return np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)


class _Shapes:
    """The areas as shapely geometries, made when they are asked for, and a tree of the boxes of all."""

    def __init__(self, edges: Edges) -> None:
        self._edges = edges
        self._made = np.empty(len(edges.first) - 1, dtype=object)
        self._is_made = np.diff(edges.first) == 0
        heads = np.flatnonzero(~self._is_made)
        starts = edges.first[heads]
        boxes = np.empty(len(self._made), dtype=object)
        if len(heads):
            lows = [np.minimum.reduceat(part, starts) for part in (edges.x1, edges.y1)]
            highs = [np.maximum.reduceat(part, starts) for part in (edges.x1, edges.y1)]
            boxes[heads] = shapely.box(*lows, *highs)
        self.tree = shapely.STRtree(boxes)

    def of(self, areas: NDArray[Any]) -> NDArray[Any]:
        missing = np.unique(areas)
        missing = missing[~self._is_made[missing]]
        if len(missing):
            self._made[missing] = polygons_of(self._edges, missing)
            self._is_made[missing] = True
            shapely.prepare(self._made[missing])
        return np.asarray(self._made[areas])


def _near_flagged(edges: Edges, rims: Longs, among: Flags) -> Flags:
    """Return which rims can touch a flagged area, by the box of these areas."""
    part = among[edges.area]
    if not part.any():
        return np.zeros(len(rims), bool)
    x, y = edges.x1[part], edges.y1[part]
    low_x, low_y, high_x, high_y = x.min(), y.min(), x.max(), y.max()
    x1, y1, x2, y2 = (ends[rims] for ends in edges[:4])
    near: Flags = (
        (np.minimum(x1, x2) <= high_x) & (np.maximum(x1, x2) >= low_x) & (np.minimum(y1, y2) <= high_y) & (np.maximum(y1, y2) >= low_y)
    )
    return near


def _ordered(one: NDArray[Any], other: NDArray[Any]) -> set[tuple[int, int]]:
    different = one != other
    low, high = np.minimum(one, other)[different], np.maximum(one, other)[different]
    return set(zip(low.tolist(), high.tolist(), strict=True))


def _with_common_ground(shapes: _Shapes, pairs: list[tuple[int, int]]) -> set[tuple[int, int]]:
    one, other = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    common = shapely.relate_pattern(shapes.of(one), shapes.of(other), "T********")
    return {pair for pair, has in zip(pairs, common.tolist(), strict=True) if has}


class Coverage:
    """What is known of how the areas of one level lie together; each part is found out when it is first asked for.

    ``strange`` flags areas that are no valid shape, of which nothing can be concluded from their edges. ``pairs`` are those
    that overlap, where they are known.
    """

    def __init__(self, edges: Edges, strange: Flags, pairs: Longs | None = None) -> None:
        self._edges, self._strange = edges, strange
        if pairs is not None:
            self.pairs = pairs

    @cached_property
    def signs(self) -> Floats:
        """For each edge, whether its area is on its left (1) or on its right (-1)."""
        return ring_signs(self._edges)

    @cached_property
    def rims(self) -> Longs:
        """The edges that no other area shares, ascending."""
        return rim_edges(self._edges, self.signs, self._strange)

    @cached_property
    def pairs(self) -> Longs:
        """The pairs of areas that have ground in common, two columns, the smaller number first, in order."""
        return overlapping_pairs(self._edges, self.rims)

    @cached_property
    def crowded(self) -> Flags:
        """Flags the areas within which, not only at whose edges, there may be another area."""
        flags = self._strange.copy()
        flags[self.pairs.ravel()] = True
        if self._strange.any():
            tree = _Shapes(self._edges).tree
            flags[tree.query(tree.geometries[self._strange])[1]] = True
        return flags

    @cached_property
    def excess(self) -> Excess | None:
        """What sums over areas count too often; None where nothing is."""
        return excess_of(self._edges, self.pairs)


class Excess(NamedTuple):
    """What a sum over areas counts too often: the ground that several cover, with how often, less one.

    Shapes as edges: those by which areas reach into such ground count (``weight`` 1), and that ground itself is taken off (-1).
    """

    edges: Edges
    signs: Floats
    weight: Floats
    boxes: tuple[Floats, Floats, Floats, Floats]

    def share(self, circle: Circle) -> float:
        """Return how much more than once areas cover a circle, as a share of it."""
        per_lon, _ = metres_per_degree(circle.lat)
        east, north = 1.01 * circle.radius_m / per_lon, 1.01 * circle.radius_m / METRES_PER_DEGREE_LAT_LEAST
        west, south, right, top = self.boxes
        near = (west <= circle.lon + east) & (right >= circle.lon - east) & (south <= circle.lat + north) & (top >= circle.lat - north)
        chosen = np.flatnonzero(near)
        return float(shares(self.edges, self.signs, chosen, circle) @ self.weight[chosen]) if len(chosen) else 0.0


def excess_of(edges: Edges, pairs: Longs) -> Excess | None:
    """Return the ground that pairs of areas have in common; None without such pairs."""
    if not len(pairs):
        return None
    areas, place = np.unique(pairs, return_inverse=True)
    shapes = polygons_of(edges, areas)
    one, other = place.reshape(-1, 2).T
    ground = shapely.union_all(_polygonal(shapely.intersection(shapes[one], shapes[other])))
    pieces = _polygonal(shapely.get_parts(ground))
    tree = shapely.STRtree(pieces)
    owner, piece = tree.query(shapes, predicate="intersects")
    reaching = _polygonal(shapely.intersection(shapes[owner], pieces[piece]))
    every = np.concatenate([pieces, reaching])
    flat = edges_of(every)
    west, south, east, north = shapely.bounds(every).T
    weight = np.concatenate([np.full(len(pieces), -1.0), np.ones(len(reaching))])
    return Excess(flat, ring_signs(flat), weight, (west, south, east, north))


def _polygonal(shapes: NDArray[Any]) -> NDArray[Any]:
    """Return what of shapes is polygons: points and lines where areas touch are no ground."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    # A collection within a collection does not come out of an intersection of two valid shapes.
    is_ground = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    out = np.empty(len(shapes), dtype=object)
    for k in np.unique(owner[is_ground]).tolist():
        out[k] = shapely.MultiPolygon(parts[is_ground & (owner == k)].tolist())
    ground: NDArray[Any] = out[~shapely.is_missing(out)]
    return ground
