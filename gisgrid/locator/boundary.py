"""How far it is to the edge: of one area, or of the nearest one."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property, partial
from itertools import chain
from typing import Any

import numpy as np
from pyproj import Geod
from scipy.spatial import cKDTree

from gisgrid.locator.areas import AreaIndex
from gisgrid.locator.background import Background
from gisgrid.locator.compiled import POINTS
from gisgrid.locator.edges import Edges, Flags, Floats, Ints, Longs, expand
from gisgrid.locator.ground import (
    LOCAL_M,
    Rows,
    earth_centred,
    earth_centred_point,
    metres_per_degree,
    metres_per_degree_many,
    short_distance_m,
    straight_slack_m,
)
from gisgrid.locator.near import BoundaryState, along_of, boundary_state, ends_of, share_along, state_after
from gisgrid.locator.outside import Outside, distance_m
from gisgrid.locator.outskirts import Tree
from gisgrid.locator.overlaps import Coverage
from gisgrid.locator.rounds import TINY, least_distances_m

_GEOD = Geod(ellps="WGS84")
# Edges are sampled at most this far apart to find those that are near a point far away.
_SAMPLE_M = 100.0
# So far away the directions to all edges are one, and the straight distance says which is nearest.
_FAR_M = 300_000.0
_CHUNK = 1 << 13
# More points than this, and than one for so many slots, are measured slot by slot.
_FEW, _FEW_EACH = 1 << 13, 8
# So few can be sorted by sixteen bits, which takes a tenth of the time.
_FEW_SLOTS = 1 << 16
# So many points outside are answered sooner by what has to be made for them first.
_WORTH_A_TREE = 1000
_TINY = 1e-300

__all__ = ["Boundary", "BoundaryState"]


class Boundary:
    """The edges of the areas of one level, asked for distances on the ground."""

    def __init__(self, index: AreaIndex) -> None:
        self._take_up(index.edges, boundary_state(index))

    @classmethod
    def after(cls, before: Boundary, was: AreaIndex, now: AreaIndex) -> Boundary:
        """Return the boundary of ``now``, taking over from that of ``was`` all about areas whose shape is the same in both."""
        if was.edges is now.edges:
            return before
        tree = before._outside.get().tree if before._outside.is_ready else None
        state, make_tree = state_after(before._kept, tree, before.coverage, was, now)
        boundary = cls.__new__(cls)
        boundary._take_up(now.edges, state, make_tree)
        return boundary

    @classmethod
    def from_state(cls, edges: Edges, state: BoundaryState) -> Boundary:
        """Return the boundary of ``edges`` whose ``state`` was kept; nothing is computed again, and no array is copied."""
        boundary = cls.__new__(cls)
        boundary._take_up(edges, state)
        return boundary

    def _take_up(self, edges: Edges, state: BoundaryState, make_tree: Callable[[], Tree] | None = None) -> None:
        """Set every attribute, from nothing but the arguments, so that what is built and what is opened from a file are the same.

        With ``make_tree`` the state lacks its tree, which is made when points outside are asked for; until then the slow way answers.
        """
        self._kept, self._edges = state, edges
        made = Background.ready(Outside(edges, state.tree)) if make_tree is None else Background(partial(_outside, edges, make_tree))
        self._outside: Background[Outside] = made
        self.coverage = Coverage(edges, state.strange, state.overlaps)
        self._frame, self._along, self._near = state.frame, along_of(edges), state.near
        self._rows = Rows.at(state.frame.y0 + (np.arange(state.frame.rows, dtype=np.float64) + 0.5) / state.frame.per_y)
        # Lists of Python numbers: the loop for one point reads some dozen of them.
        near = state.near
        self._ends_of_near = ends_of(edges, self._along, near)
        self._ends = tuple(part.data for part in self._ends_of_near)
        self._blocks = tuple(part.tolist() for part in near[:5])
        self._first = near.first.data

    @property
    def state(self) -> BoundaryState:
        """All that is kept; from it the same boundary can be had again."""
        return self._kept._replace(tree=self._outside.get().tree)

    def distance_m(self, number: int, lon: float, lat: float) -> float:
        """Return the distance on the ground from a point to the boundary of one area, metres; infinite if it has no shape."""
        column, row, columns, rows, base = (part[number] for part in self._blocks)
        frame = self._frame
        across = math.floor((lon - frame.x0) * frame.per_x) - column
        up = math.floor((lat - frame.y0) * frame.per_y) - row
        if not (0 <= across < columns and 0 <= up < rows):
            return self._distance_afar_m(number, lon, lat)
        slot = base + up * columns + across
        return self._least_m(self._first[slot], self._first[slot + 1], lon, lat)

    def _least_m(self, first: int, end: int, lon: float, lat: float) -> float:
        """Return the distance from a point to the nearest of some edges near it."""
        x1, y1, along_x, along_y = self._ends
        per_lon, per_lat = metres_per_degree(lat)
        scale_x, scale_y = per_lon * per_lon, per_lat * per_lat
        least, best_x, best_y = math.inf, 0.0, 0.0
        for k in range(first, end):
            x, y, ax, ay = x1[k] - lon, y1[k] - lat, along_x[k], along_y[k]
            wx, wy = ax * scale_x, ay * scale_y
            down = -(x * wx + y * wy)
            if down > 0.0:
                length = ax * wx + ay * wy
                share = down / length if down < length else 1.0
                x += share * ax
                y += share * ay
            square = x * x * scale_x + y * y * scale_y
            if square < least:
                least, best_x, best_y = square, x, y
        return short_distance_m(best_x, best_y, lat) if least < math.inf else math.inf

    def _distance_afar_m(self, number: int, lon: float, lat: float) -> float:
        """Return the distance from a point that is not within an area's box to its boundary."""
        edge = np.arange(self._edges.first[number], self._edges.first[number + 1])
        if not len(edge):
            return math.inf
        east, north = self._feet(edge, lon, lat, 0.0)
        per_lon, per_lat = metres_per_degree(lat)
        k = int(((east * per_lon) ** 2 + (north * per_lat) ** 2).argmin())
        return distance_m(lon, lat, float(east[k]), float(north[k]))

    def distances_to_m(self, numbers: Longs, lon: float, lat: float) -> Floats:
        """Return the distances on the ground from a point to the boundaries of several areas, as ``distance_m`` does; metres."""
        out = np.full(len(numbers), np.inf)
        first = self._edges.first[numbers]
        owner, edge = expand(first, self._edges.first[numbers + 1] - first)
        if not len(edge):
            return out
        east, north = self._feet(edge, lon, lat, 0.0)
        per_lon, per_lat = metres_per_degree(lat)
        square = (east * per_lon) ** 2 + (north * per_lat) ** 2
        heads = np.flatnonzero(np.diff(owner, prepend=-1))
        best = np.flatnonzero(square == np.minimum.reduceat(square, heads)[np.cumsum(np.diff(owner, prepend=owner[0]) != 0)])
        best = best[np.diff(owner[best], prepend=-1) != 0]
        east, north = east[best], north[best]
        halfway_lon, halfway_lat = metres_per_degree_many(lat + north / 2.0)
        distance = np.hypot(east * halfway_lon, north * halfway_lat)
        far = np.flatnonzero((distance > LOCAL_M) | (np.abs(east) >= 1.0))
        if far.size:
            start = np.full(far.size, lon), np.full(far.size, lat)
            distance[far] = _GEOD.inv(*start, lon + east[far], lat + north[far])[2]
        out[owner[best]] = distance
        return out

    def distances_m(self, number: Ints, lon: Floats, lat: Floats) -> Floats:
        """Return for arrays of points the distance to the boundary of the area that each lies in; NaN where it is negative."""
        out = np.full(lon.shape, np.nan)
        fast = POINTS.of(lon.size)
        if fast is not None:
            near = self._origins, self._near.columns, self._near.first, self._packed
            is_long = _FEW < len(lon) > len(self._near.first) // _FEW_EACH
            measure = fast.least_distances_by_slots if is_long else fast.least_distances
            measure((number, lon, lat), tuple(self._frame[:4]), near, (*self._rows, TINY), out)
            return out
        wanted = np.flatnonzero(number >= 0)
        row, slot = self._slots(number.take(wanted), lon.take(wanted), lat.take(wanted))
        # Points of the same ground together: what is read of one is still at hand for the next.
        order = np.argsort(slot.astype(np.uint16) if len(self._near.first) <= _FEW_SLOTS else slot, kind="stable")
        wanted, slot, row = wanted.take(order), slot.take(order), row.take(order)
        for start in range(0, len(wanted), _CHUNK):
            members, blocks, beside = (part[start : start + _CHUNK] for part in (wanted, slot, row))
            first = self._near.first.take(blocks)
            count = self._near.first.take(blocks + 1) - first
            x, y = lon.take(members), lat.take(members)
            scale = self._rows.sines.take(beside), self._rows.cosines.take(beside), y - self._rows.middle.take(beside)
            out[members] = least_distances_m(self._ends_of_near, first, count, (x, y), scale)
        return out

    def _slots(self, number: Ints, lon: Floats, lat: Floats) -> tuple[Longs, Longs]:
        """Return the row of blocks and the slot in ``near`` of each point, which lies in area ``number``."""
        frame = self._frame
        column = np.floor((lon - frame.x0) * frame.per_x).astype(np.int64)
        row = np.floor((lat - frame.y0) * frame.per_y).astype(np.int64)
        return row, self._origins.take(number) + row * self._near.columns.take(number) + column

    @cached_property
    def _origins(self) -> Longs:
        """The slot that an area would have at block (0, 0): that of (column, row) is so many behind."""
        near = self._near
        return near.base - near.row * near.columns - near.column

    @cached_property
    def _packed(self) -> Floats:
        """Start and way of each edge of ``near`` beside each other, four numbers an edge: one line of the processor's cache or two."""
        return np.stack(self._ends_of_near, axis=1).ravel()

    @cached_property
    def _samples(self) -> tuple[Any, Longs]:
        """Points on all edges at most ``_SAMPLE_M`` apart, as a tree, and the edge of each; made when first asked for."""
        edges = self._edges
        per_lon, per_lat = metres_per_degree_many((edges.y1 + edges.y2) / 2.0)
        length = np.hypot(self._along[0] * per_lon, self._along[1] * per_lat)
        count = np.ceil(length / _SAMPLE_M).astype(np.int64) + 1
        edge, step = expand(np.zeros(len(count), np.int64), count)
        share = step / np.maximum(count[edge] - 1, 1)
        lon, lat = edges.x1[edge] + share * self._along[0][edge], edges.y1[edge] + share * self._along[1][edge]
        return (cKDTree(earth_centred(lon, lat)) if len(edge) else None), edge

    def prepare(self) -> None:
        """Make what the first question outside all areas would have to wait for; the rest of it comes in the background."""
        self._outside.at_hand()
        _ = self._samples

    def nearest(self, lon: float, lat: float, *, is_clear: bool = False) -> list[tuple[int, float]]:
        """Return the areas whose boundary is nearest to a point, and how far that is, metres.

        More than one area when they are equally far, to a micrometre; in the order of their numbers. Empty when there are none.
        With ``is_clear`` the point is known to lie in no area and on no edge, which makes it quick.
        """
        outside = self._outside.at_hand() if is_clear else None
        found = outside.nearest(lon, lat) if outside is not None else []
        if found:
            return found
        return self._nearest_of_all(lon, lat)

    def _nearest_of_all(self, lon: float, lat: float) -> list[tuple[int, float]]:
        tree, edge_of_sample = self._samples
        if tree is None:
            return []
        place = earth_centred_point(lon, lat)
        reach = float(tree.query(place)[0])
        # The nearest place on an edge has a sample within half their spacing.
        members = tree.query_ball_point(place, reach + _SAMPLE_M / 2.0 + (straight_slack_m(reach) if reach < _FAR_M else 0.0))
        edge = np.unique(edge_of_sample[members])
        east, north = self._feet(edge, lon, lat, reach)
        if reach <= LOCAL_M:
            # The scale at the point instead of halfway is less than a hundredth out: it tells which edges need not be measured.
            per_lon, per_lat = metres_per_degree(lat)
            about = np.hypot(east * per_lon, north * per_lat)
            close = about <= 1.01 * about.min() + 1e-6
            edge, east, north = edge[close], east[close], north[close]
        near: dict[int, float] = {}
        for area, to_east, to_north in zip(self._edges.area[edge].tolist(), east.tolist(), north.tolist(), strict=True):
            near[area] = min(near.get(area, math.inf), distance_m(lon, lat, to_east, to_north))
        least = min(near.values())
        return [(area, near[area]) for area in sorted(near) if near[area] <= least + 1e-6]

    def nearest_many(self, lon: Floats, lat: Floats, is_clear: Flags) -> tuple[Longs, Floats]:
        """Return for arrays of points the area that ``nearest`` names first and how far it is, metres.

        ``is_clear`` flags the points that lie in no area and on no edge. For others, and beyond the ground around the areas, there is
        NaN where it is more than 10 km.
        """
        number, distance = np.full(lon.shape, -1), np.full(lon.shape, np.nan)
        clear = np.flatnonzero(is_clear)
        if not len(lon):
            return number, distance
        outside = self._outside.get() if len(clear) > _WORTH_A_TREE else self._outside.at_hand()
        if outside is not None:
            for start in range(0, len(clear), _CHUNK):
                rows = clear[start : start + _CHUNK]
                number[rows], distance[rows] = outside.nearest_many(lon[rows], lat[rows])
        left = np.flatnonzero(number < 0)
        if left.size:
            number[left], distance[left] = self._nearest_of_all_many(lon[left], lat[left])
        return number, distance

    def _nearest_of_all_many(self, lon: Floats, lat: Floats) -> tuple[Longs, Floats]:
        tree, edge_of_sample = self._samples
        number, distance = np.full(lon.shape, -1), np.full(lon.shape, np.nan)
        if tree is None:
            return number, distance
        place = earth_centred(lon, lat)
        reach, _ = tree.query(place)
        rows = np.flatnonzero(reach < LOCAL_M - _SAMPLE_M)
        for start in range(0, len(rows), _CHUNK):
            part = rows[start : start + _CHUNK]
            members = tree.query_ball_point(place[part], reach[part] + (_SAMPLE_M / 2.0 + straight_slack_m(LOCAL_M)))
            count = np.fromiter(map(len, members), np.int64, len(part))
            edge = edge_of_sample[np.fromiter(chain.from_iterable(members), np.int64, int(count.sum()))]
            number[part], distance[part] = self._nearest_chunk(edge, count, lon[part], lat[part])
        return number, distance

    def _nearest_chunk(self, edge: Longs, count: Longs, lon: Floats, lat: Floats) -> tuple[Longs, Floats]:
        """Return area and distance of the nearest of ``count`` edges for each point."""
        owner = np.repeat(np.arange(len(count)), count)
        heads = np.cumsum(count) - count
        east, north = self._feet(edge, lon.take(owner), lat.take(owner), 0.0)
        per_lon, per_lat = metres_per_degree_many(lat.take(owner) + north / 2.0)
        distance = np.hypot(east * per_lon, north * per_lat)
        least = np.minimum.reduceat(distance, heads)
        area = np.where(distance <= least.take(owner) + 1e-6, self._edges.area[edge], np.iinfo(np.int32).max)
        return np.minimum.reduceat(area, heads), least

    def _feet(self, edge: Longs, lon: Any, lat: Any, about_m: float) -> tuple[Floats, Floats]:
        """Return how many degrees east and north of a point (or of each edge's own) the nearest places on edges are.

        ``about_m`` is how far that is, roughly.
        """
        x, y, along_x, along_y = self._edges.x1[edge], self._edges.y1[edge], self._along[0][edge], self._along[1][edge]
        if about_m <= LOCAL_M:
            per_lon, per_lat = metres_per_degree_many(lat)
            share = share_along((x - lon) * per_lon, (y - lat) * per_lat, along_x * per_lon, along_y * per_lat)
        else:
            start, along = earth_centred(x, y), earth_centred(x + along_x, y + along_y)
            along -= start
            start -= earth_centred(lon, lat)
            share = np.clip(-(start * along).sum(axis=1) / ((along * along).sum(axis=1) + _TINY), 0.0, 1.0)
        return x + share * along_x - lon, y + share * along_y - lat


def _outside(edges: Edges, make_tree: Callable[[], Tree]) -> Outside:
    return Outside(edges, make_tree())
