"""Points outside all areas: which area is nearest and how far it is, from the few edges that can be the nearest there."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from pyproj import Geod

from gisgrid.locator.compiled import POINTS
from gisgrid.locator.edges import Edges, Flags, Floats, Longs, expand
from gisgrid.locator.ground import (
    LOCAL_M,
    earth_centred,
    earth_centred_point,
    metres_per_degree,
    metres_per_degree_many,
    short_distance_m,
    straight_slack_m,
)
from gisgrid.locator.outskirts import DEEPEST, TABLE_DEPTH, Tree

_GEOD = Geod(ellps="WGS84")
_SAME_M = 1e-6
_TINY = 1e-300
# See ``_near_enough``.
_ENOUGH = 1.021, _SAME_M
_WIDE, _SHIFT = 1 << DEEPEST, DEEPEST - TABLE_DEPTH


class Outside:
    """The areas of one level as points outside of them see them: a ``Tree`` and the edges that it names."""

    def __init__(self, edges: Edges, tree: Tree) -> None:
        self._edges, self.tree, self._frame = edges, tree, tree[:4]
        self._child, self._first, self._table = tree.child.data, tree.first.data, tree.table.data

    def nearest(self, lon: float, lat: float) -> list[tuple[int, float]]:
        """Return the areas whose boundary is nearest to a point that is in no area, and how far that is, metres.

        More than one when they are equally far, to a micrometre, in the order of their numbers. Empty where it is not known.
        """
        first, end = self._members(lon, lat)
        if first == end:
            return []
        per_lon, per_lat = metres_per_degree(lat)
        feet = self._feet(range(first, end), lon, lat, (per_lon * per_lon, per_lat * per_lat))
        least = min(feet)[0]
        if least > LOCAL_M * LOCAL_M:
            return self._nearest_afar(first, end, lon, lat)
        enough = _near_enough(least)
        return _ranked([(area, distance_m(lon, lat, x, y)) for square, x, y, area in feet if square <= enough])

    def _members(self, lon: float, lat: float) -> tuple[int, int]:
        """Return from where to where in ``tree.edge`` the edges are that can be nearest to a point; nothing where it is not known."""
        west, south, width, height = self._frame
        u, v = (lon - west) / width, (lat - south) / height
        if not (0.0 <= u < 1.0 and 0.0 <= v < 1.0):
            return 0, 0
        column, row, shift, child = int(u * _WIDE), int(v * _WIDE), _SHIFT, self._child
        node = self._table[(row >> shift << TABLE_DEPTH) + (column >> shift)]
        while (quarters := child[node]) >= 0:
            shift -= 1
            node = quarters + 2 * (row >> shift & 1) + (column >> shift & 1)
        return self._first[node], self._first[node + 1]

    def _feet(self, members: range, lon: float, lat: float, scale: tuple[float, float]) -> list[tuple[float, float, float, int]]:
        """Return for each edge the square of its distance and where its nearest place is: degrees east and north of the point."""
        x1, y1, along_x, along_y, areas = self._views
        scale_x, scale_y = scale
        found = []
        for k in members:
            x, y, ax, ay = x1[k] - lon, y1[k] - lat, along_x[k], along_y[k]
            wx, wy = ax * scale_x, ay * scale_y
            down = -(x * wx + y * wy)
            if down > 0.0:
                length = ax * wx + ay * wy
                share = down / length if down < length else 1.0
                x += share * ax
                y += share * ay
            found.append((x * x * scale_x + y * y * scale_y, x, y, areas[k]))
        return found

    def _nearest_afar(self, first: int, end: int, lon: float, lat: float) -> list[tuple[int, float]]:
        """Return what ``nearest`` does for a point so far away that directions on the plane are not good enough."""
        x1, y1, along_x, along_y, areas = self._views
        px, py, pz = earth_centred_point(lon, lat).tolist()
        sx, sy, sz, wx, wy, wz = self._straight
        found = []
        for k in range(first, end):
            x, y, z, ax, ay, az = sx[k] - px, sy[k] - py, sz[k] - pz, wx[k], wy[k], wz[k]
            share = min(max(-(x * ax + y * ay + z * az) / (ax * ax + ay * ay + az * az + _TINY), 0.0), 1.0)
            x, y, z = x + share * ax, y + share * ay, z + share * az
            found.append((x * x + y * y + z * z, share, k))
        least = math.sqrt(min(found)[0])
        # A metre more, for edges are not quite straight.
        enough = (least + straight_slack_m(least) + 1.0) ** 2
        return _ranked(
            [
                (areas[k], distance_m(lon, lat, x1[k] + share * along_x[k] - lon, y1[k] + share * along_y[k] - lat))
                for square, share, k in found
                if square <= enough
            ]
        )

    @cached_property
    def _ends(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Start and way of the edges that the tree names, degrees."""
        edges, edge = self._edges, self.tree.edge
        x1, y1 = edges.x1[edge], edges.y1[edge]
        return x1, y1, edges.x2[edge] - x1, edges.y2[edge] - y1

    @cached_property
    def _views(self) -> tuple[Any, ...]:
        """The same and the areas of these edges, as memory views."""
        return tuple(part.data for part in (*self._ends, self._edges.area[self.tree.edge]))

    @cached_property
    def _straight(self) -> tuple[Any, ...]:
        """Start and way of the same edges in metres from the centre of the Earth."""
        start, way = _in_space(self._edges, self.tree.edge)
        return tuple(np.ascontiguousarray(part[:, axis]).data for part in (start, way) for axis in range(3))

    def nearest_many(self, lon: Floats, lat: Floats) -> tuple[Longs, Floats]:
        """Return for arrays of points in no area what ``nearest`` names first; -1 and NaN where it is not known."""
        number, distance = np.full(lon.shape, -1), np.full(lon.shape, np.nan)
        first, count = self._members_many(lon, lat)
        rows = np.flatnonzero(count)
        if not rows.size:
            return number, distance
        lon, lat = lon[rows], lat[rows]
        near = self._near_feet(first[rows], count[rows], lon, lat)
        owner, heads = near.owner, np.searchsorted(near.owner, np.arange(len(rows)))
        far = _distances(near, lon.take(owner), lat.take(owner))
        least = np.minimum.reduceat(far, heads)
        area = self._edges.area.take(self.tree.edge.take(near.member))
        area = np.where(far <= least.take(owner) + _SAME_M, area, np.iinfo(np.int32).max)
        number[rows], distance[rows] = np.minimum.reduceat(area, heads), least
        return number, distance

    def _near_feet(self, first: Longs, count: Longs, lon: Floats, lat: Floats) -> _Feet:
        """Return the places on the edges that can be the nearest to points, of the ``count`` from ``first`` on that each has."""
        fast = POINTS.of(len(lon))
        if fast is None:
            return self._near_feet_by_numpy(first, count, lon, lat)
        most = int(count.sum())
        parts: tuple[Any, ...] = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most), np.empty(most)
        is_afar, squares, size = np.zeros(len(lon), bool), np.empty(int(count.max())), np.zeros(1, np.int64)
        scales = metres_per_degree_many(lat)
        limits = LOCAL_M * LOCAL_M, *_ENOUGH, _TINY
        fast.near_feet((lon, lat, *scales), (first, count), self._ends, limits, (*parts, is_afar, squares, size))
        found = _Feet(*(part[: size[0]] for part in parts))
        afar = np.flatnonzero(is_afar)
        if not afar.size:
            return found
        others = self._near_feet_by_numpy(first[afar], count[afar], lon[afar], lat[afar])
        others = others._replace(owner=afar.take(others.owner))
        order = np.argsort(np.concatenate([found.owner, others.owner]), kind="stable")
        pairs: Iterator[tuple[Any, Any]] = zip(found, others, strict=True)
        return _Feet(*(np.concatenate(pair).take(order) for pair in pairs))

    def _near_feet_by_numpy(self, first: Longs, count: Longs, lon: Floats, lat: Floats) -> _Feet:
        edges = self._edges
        owner, member = expand(first, count)
        x, y, along_x, along_y = (part.take(member) for part in self._ends)
        x, y = x - np.repeat(lon, count), y - np.repeat(lat, count)
        scale_x, scale_y = (np.repeat(part, count) for part in metres_per_degree_many(lat))
        wx, wy = along_x * scale_x, along_y * scale_y
        share = np.clip(-(x * scale_x * wx + y * scale_y * wy) / (wx * wx + wy * wy + _TINY), 0.0, 1.0)
        square = ((x + share * along_x) * scale_x) ** 2 + ((y + share * along_y) * scale_y) ** 2
        least = np.minimum.reduceat(square, np.cumsum(count) - count)
        is_afar = least > LOCAL_M * LOCAL_M
        afar = np.flatnonzero(np.repeat(is_afar, count))
        if afar.size:
            start, way = _in_space(edges, self.tree.edge[member[afar]])
            start -= earth_centred(lon.take(owner[afar]), lat.take(owner[afar]))
            share[afar] = np.clip(-(start * way).sum(axis=1) / ((way * way).sum(axis=1) + _TINY), 0.0, 1.0)
        # As for one point: which edges need not be measured. From afar the plane does not tell.
        kept = np.flatnonzero(square <= np.repeat(np.where(is_afar, np.inf, _near_enough(least)), count))
        share = share.take(kept)
        east, north = x.take(kept) + share * along_x.take(kept), y.take(kept) + share * along_y.take(kept)
        return _Feet(owner.take(kept), member.take(kept), east, north)

    def _members_many(self, lon: Floats, lat: Floats) -> tuple[Longs, Longs]:
        fast = POINTS.of(0)
        if fast is not None:
            begin, count = np.empty(len(lon), np.int64), np.empty(len(lon), np.int64)
            fast.members(lon, lat, self._frame, (*self.tree[4:6], self.tree.table, DEEPEST, TABLE_DEPTH), (begin, count))
            return begin, count
        west, south, width, height = self._frame
        u, v = (lon - west) / width, (lat - south) / height
        known: Flags = (u >= 0.0) & (u < 1.0) & (v >= 0.0) & (v < 1.0)
        column = (np.where(known, u, 0.0) * _WIDE).astype(np.int64)
        row = (np.where(known, v, 0.0) * _WIDE).astype(np.int64)
        node = self.tree.table.take((row >> _SHIFT << TABLE_DEPTH) + (column >> _SHIFT))
        for shift in range(_SHIFT - 1, -1, -1):
            quarters = self.tree.child.take(node)
            node = np.where(quarters >= 0, quarters + 2 * (row >> shift & 1) + (column >> shift & 1), node)
        first = self.tree.first.take(node)
        return first, np.where(known, self.tree.first.take(node + 1) - first, 0)


class _Feet(NamedTuple):
    """Places on edges, degrees east and north of points, the numbers of which are ``owner``, ascending; of edge ``tree.edge[member]``."""

    owner: Longs
    member: Longs
    east: Floats
    north: Floats


def _distances(feet: _Feet, lon: Floats, lat: Floats) -> Floats:
    """Return the distances on the ground to the places, from the point of each."""
    _, _, x, y = feet
    per_lon, per_lat = metres_per_degree_many(lat + y / 2.0)
    far: Floats = np.hypot(x * per_lon, y * per_lat)
    afar = np.flatnonzero((far > LOCAL_M) | (np.abs(x) >= 1.0))
    if afar.size:
        far[afar] = _GEOD.inv(lon[afar], lat[afar], (lon + x)[afar], (lat + y)[afar])[2]
    return far


def _near_enough(least: Any) -> Any:
    """Return the square of how far an edge may be to be measured, by that of the nearest one, both at the scale of the point.

    That scale instead of the one halfway is less than a hundredth out.
    """
    return _ENOUGH[0] * least + _ENOUGH[1]


def _in_space(edges: Edges, edge: Any) -> tuple[Floats, Floats]:
    start = earth_centred(edges.x1[edge], edges.y1[edge])
    return start, earth_centred(edges.x2[edge], edges.y2[edge]) - start


def _ranked(distances: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """Return the areas that are nearest, each once, in the order of their numbers."""
    if len(distances) == 1:
        return distances
    least = min(far for _, far in distances)
    found: dict[int, float] = {}
    for area, far in distances:
        if far <= least + _SAME_M:
            found[area] = min(found.get(area, math.inf), far)
    return sorted(found.items())


def distance_m(lon: float, lat: float, east_deg: float, north_deg: float) -> float:
    """Return the distance on the ground to a place so many degrees away."""
    distance = short_distance_m(east_deg, north_deg, lat) if abs(east_deg) < 1.0 else math.inf
    if distance <= LOCAL_M:
        return distance
    return float(_GEOD.inv(lon, lat, lon + east_deg, lat + north_deg)[2])
