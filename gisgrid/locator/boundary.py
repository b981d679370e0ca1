"""How far it is to the edge: of one area, or of the nearest one."""

from __future__ import annotations

import math
from functools import cached_property
from itertools import pairwise

import numpy as np
from pyproj import Geod
from scipy.spatial import cKDTree

from gisgrid.locator.edges import Edges, Floats, Ints, Longs, expand
from gisgrid.locator.ground import LOCAL_M, earth_centred, metres_per_degree, metres_per_degree_many, short_distance_m, straight_slack_m

_GEOD = Geod(ellps="WGS84")
# Edges are sampled at most this far apart to find those that are near a point far away.
_SAMPLE_M = 100.0
_CHUNK = 1 << 12
# So far away the directions to all edges are one, and the straight distance says which is nearest.
_FAR_M = 300_000.0
_TINY = 1e-300


class Boundary:
    """The edges of the areas of one level, asked for distances on the ground."""

    def __init__(self, edges: Edges) -> None:
        self._edges = edges
        along_x, along_y = edges.x2 - edges.x1, edges.y2 - edges.y1
        parts = (edges.x1, edges.y1, along_x, along_y)
        bounds = edges.first.tolist()
        self._of_area = [tuple(part[a:b] for part in parts) for a, b in pairwise(bounds)]
        self._along = along_x, along_y

    def distance_m(self, number: int, lon: float, lat: float) -> float:
        """Return the distance on the ground from a point to the boundary of one area, metres; infinite if it has no shape."""
        x1, y1, along_x, along_y = self._of_area[number]
        if not len(x1):
            return math.inf
        per_lon, per_lat = metres_per_degree(lat)
        from_x, from_y = x1 - lon, y1 - lat
        weight_x, weight_y = along_x * (per_lon * per_lon), along_y * (per_lat * per_lat)
        share = (from_x * weight_x + from_y * weight_y) / -(along_x * weight_x + along_y * weight_y + _TINY)
        np.maximum(share, 0.0, out=share)
        np.minimum(share, 1.0, out=share)
        from_x += share * along_x
        from_y += share * along_y
        east, north = from_x * per_lon, from_y * per_lat
        k = int((east * east + north * north).argmin())
        return _distance_m(lon, lat, float(from_x[k]), float(from_y[k]))

    def distances_m(self, number: Ints, lon: Floats, lat: Floats) -> Floats:
        """Return for arrays of points the distance to the boundary of the area of each; NaN where ``number`` is negative."""
        out = np.full(lon.shape, np.nan)
        wanted = np.flatnonzero(number >= 0)
        # Points of one area together read the same edges.
        wanted = wanted[np.argsort(number[wanted], kind="stable")]
        for start in range(0, len(wanted), _CHUNK):
            rows = wanted[start : start + _CHUNK]
            out[rows] = self._distances_chunk(number[rows], lon[rows], lat[rows])
        return out

    def _distances_chunk(self, number: Ints, lon: Floats, lat: Floats) -> Floats:
        edges = self._edges
        count = edges.first[number + 1] - edges.first[number]
        owner, edge = expand(edges.first[number], count)
        out = np.full(len(lon), np.inf)
        if not len(owner):
            return out
        per_lon, per_lat = metres_per_degree_many(lat)
        scale_x, scale_y = per_lon.take(owner), per_lat.take(owner)
        from_x, from_y = (edges.x1.take(edge) - lon.take(owner)), (edges.y1.take(edge) - lat.take(owner))
        along_x, along_y = self._along[0].take(edge), self._along[1].take(edge)
        weight_x, weight_y = along_x * scale_x * scale_x, along_y * scale_y * scale_y
        share = (from_x * weight_x + from_y * weight_y) / -(along_x * weight_x + along_y * weight_y + _TINY)
        share = np.clip(share, 0.0, 1.0)
        from_x += share * along_x
        from_y += share * along_y
        square = (from_x * scale_x) ** 2 + (from_y * scale_y) ** 2
        here = np.flatnonzero(count)
        heads = (np.cumsum(count) - count)[here]
        least = np.minimum.reduceat(square, heads)
        # The first edge of each point that has the least distance.
        best = np.flatnonzero(square == np.repeat(least, count[here]))
        best = best[np.diff(owner[best], prepend=-1) != 0]
        halfway_lon, halfway_lat = metres_per_degree_many(lat[here] + from_y[best] / 2.0)
        out[here] = np.hypot(from_x[best] * halfway_lon, from_y[best] * halfway_lat)
        return out

    @cached_property
    def _samples(self) -> tuple[cKDTree | None, Longs]:
        """Points on all edges at most ``_SAMPLE_M`` apart, as a tree, and the edge of each; made when first asked for."""
        edges = self._edges
        per_lon, per_lat = metres_per_degree_many((edges.y1 + edges.y2) / 2.0)
        length = np.hypot(self._along[0] * per_lon, self._along[1] * per_lat)
        count = np.ceil(length / _SAMPLE_M).astype(np.int64) + 1
        edge, step = expand(np.zeros(len(count), np.int64), count)
        share = step / np.maximum(count[edge] - 1, 1)
        lon, lat = edges.x1[edge] + share * self._along[0][edge], edges.y1[edge] + share * self._along[1][edge]
        return (cKDTree(earth_centred(lon, lat)) if len(edge) else None), edge

    def nearest(self, lon: float, lat: float) -> list[tuple[int, float]]:
        """Return the areas whose boundary is nearest to a point, and how far that is, metres.

        More than one area when they are equally far, to a micrometre; in the order of their numbers. Empty when there are none.
        """
        tree, edge_of_sample = self._samples
        if tree is None:
            return []
        place = earth_centred(lon, lat)
        reach = float(tree.query(place)[0])
        # The nearest place on an edge has a sample within half their spacing.
        members = tree.query_ball_point(place, reach + _SAMPLE_M / 2.0 + (straight_slack_m(reach) if reach < _FAR_M else 0.0))
        edge = np.unique(edge_of_sample[members])
        east, north = self._feet(edge, lon, lat, reach)
        found: dict[int, float] = {}
        for area, to_east, to_north in zip(self._edges.area[edge].tolist(), east.tolist(), north.tolist(), strict=True):
            found[area] = min(found.get(area, math.inf), _distance_m(lon, lat, to_east, to_north))
        least = min(found.values())
        return [(area, found[area]) for area in sorted(found) if found[area] <= least + 1e-6]

    def _feet(self, edge: Longs, lon: float, lat: float, about_m: float) -> tuple[Floats, Floats]:
        """Return how many degrees east and north of a point the nearest places of some edges are, ``about_m`` away."""
        x, y, along_x, along_y = self._edges.x1[edge], self._edges.y1[edge], self._along[0][edge], self._along[1][edge]
        if about_m <= LOCAL_M:
            start = np.column_stack([x - lon, y - lat]) * metres_per_degree(lat)
            along = np.column_stack([along_x, along_y]) * metres_per_degree(lat)
        else:
            start = earth_centred(x, y) - earth_centred(lon, lat)
            along = earth_centred(x + along_x, y + along_y) - earth_centred(x, y)
        share = np.clip(-(start * along).sum(axis=1) / ((along * along).sum(axis=1) + _TINY), 0.0, 1.0)
        return x + share * along_x - lon, y + share * along_y - lat


def _distance_m(lon: float, lat: float, east_deg: float, north_deg: float) -> float:
    """Return the distance on the ground to a place so many degrees away."""
    distance = short_distance_m(east_deg, north_deg, lat) if abs(east_deg) < 1.0 else math.inf
    if distance <= LOCAL_M:
        return distance
    return float(_GEOD.inv(lon, lat, lon + east_deg, lat + north_deg)[2])
