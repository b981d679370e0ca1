"""For many points at once, each in one area: which other areas are within the doubt of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import shapely

from gisgrid.locator.areas import AreaIndex
from gisgrid.locator.compiled import POINTS
from gisgrid.locator.edges import Edges, Floats, Ints, Longs, expand
from gisgrid.locator.ground import metres_per_degree_many

_CHUNK = 1 << 12
_EDGES = 1 << 18
_TINY = 1e-300


class Others(NamedTuple):
    """Pairs of a point (by its row) and another area near it, with the distance in metres; by row, then distance, then number."""

    row: Longs
    number: Longs
    distance_m: Floats


class OtherAreas:
    """The areas of one level, found by their boxes."""

    def __init__(self, index: AreaIndex) -> None:
        self._edges = index.edges
        boxes = np.empty(len(index), dtype=object)
        shaped = np.flatnonzero(index.boxes[0] <= index.boxes[2])
        boxes[shaped] = shapely.box(*(side[shaped] for side in index.boxes))
        self._tree = shapely.STRtree(boxes)

    def within(
        self, reach_m: float | Floats, reach_deg: tuple[float | Floats, float | Floats], number: Ints, lon: Floats, lat: Floats
    ) -> Others:
        """Return the areas within ``reach_m`` of points, other than area ``number`` of each; as ``Doubt.around`` says of one point.

        ``reach_deg`` are at least as many degrees east and north; positions are degrees, WGS 84. One reach for all, or one for each.
        """
        found = [Others(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))]
        reach, east, north = (np.broadcast_to(one, lon.shape) for one in (reach_m, *reach_deg))
        for start in range(0, len(lon), _CHUNK):
            part = slice(start, start + _CHUNK)
            row, other, distance = self._within((east[part], north[part]), number[part], lon[part], lat[part])
            near = distance <= reach[part].take(row)
            found.append(Others(row[near] + start, other[near], np.round(distance[near], 6)))
        row, other, distance = (np.concatenate(parts) for parts in zip(*found, strict=True))
        order = np.lexsort((other, distance, row))
        return Others(row[order], other[order], distance[order])

    def _within(self, reach_deg: tuple[Floats, Floats], number: Ints, lon: Floats, lat: Floats) -> Others:
        east, north = reach_deg
        row, other = self._tree.query(shapely.box(lon - east, lat - north, lon + east, lat + north))
        different = number[row] != other
        row, other = row[different], other[different]
        return Others(row, other, _distances(self._edges, other, lon[row], lat[row]))


def _distances(edges: Edges, number: Longs, lon: Floats, lat: Floats) -> Floats:
    """Return the distance on the ground from each point to the boundary of the area beside it, metres; they must be near.

    Does for pairs what ``Boundary.distances_to_m`` does for one point, in the same arithmetic.
    """
    first = edges.first[number]
    count = edges.first[number + 1] - first
    scale = metres_per_degree_many(lat)
    fast = POINTS.of(len(number))
    if fast is not None:
        east, north = np.empty(len(number)), np.empty(len(number))
        fast.nearest_places((lon, lat, *scale), (first, count), edges[:4], _TINY, (east, north))
        return _lengths(lat, east, north)
    ends = np.cumsum(count)
    if len(ends) and ends[-1] > _EDGES and len(number) > 1:
        # In halves, until the edges of a part are some hundred thousand: a wide circle has a town's edges.
        half = min(max(int(np.searchsorted(ends, ends[-1] // 2)), 1), len(number) - 1)
        parts = slice(None, half), slice(half, None)
        return np.concatenate([_distances(edges, number[part], lon[part], lat[part]) for part in parts])
    pair, edge = expand(first, count)
    if not len(edge):
        return np.full(len(number), np.inf)
    scale_x, scale_y = (part.take(pair) for part in scale)
    x1, y1 = edges.x1.take(edge), edges.y1.take(edge)
    along_x, along_y = edges.x2.take(edge) - x1, edges.y2.take(edge) - y1
    east, north = x1 - lon.take(pair), y1 - lat.take(pair)
    down = -(east * scale_x * (along_x * scale_x) + north * scale_y * (along_y * scale_y))
    share = np.clip(down / ((along_x * scale_x) ** 2 + (along_y * scale_y) ** 2 + _TINY), 0.0, 1.0)
    east += share * along_x
    north += share * along_y
    square = (east * scale_x) ** 2 + (north * scale_y) ** 2
    least = np.minimum.reduceat(square, np.cumsum(count) - count)
    best = np.flatnonzero(square == np.repeat(least, count))
    best = best[np.diff(pair[best], prepend=-1) != 0]
    return _lengths(lat, east[best], north[best])


def _lengths(lat: Floats, east: Floats, north: Floats) -> Floats:
    """Return how far places are from points, so many degrees east and north of them, metres; infinite where there is none."""
    halfway_lon, halfway_lat = metres_per_degree_many(lat + north / 2.0)
    distance: Floats = np.hypot(east * halfway_lon, north * halfway_lat)
    return distance
