"""The ground that things stand on: which block a point lies in, how far the nearest road is, random places along roads."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import shapely

from ingest.sample.arrays import Floats, Geoms, Ints
from ingest.sample.blocks import Blocks
from ingest.sample.roads import Roads

CLEARANCE_M = 1.25
"""Nothing stands nearer to a road's centre line, where borders run, than this: rounding can never change its grid."""


class Spots(NamedTuple):
    """Places near roads: ``xy`` (n, 2) EPSG:4549 metres, the road edge they belong to, and its direction in radians."""

    xy: Floats
    edge: Ints
    heading: Floats
    block: Ints

    def rows(self, index: Ints) -> Spots:
        """Return some of the places, in the order of ``index``."""
        return Spots(self.xy[index], self.edge[index], self.heading[index], self.block[index])


def joined(parts: list[Spots]) -> Spots:
    """Return the places of several lists as one."""
    return Spots(
        np.concatenate([part.xy for part in parts]),
        np.concatenate([part.edge for part in parts]),
        np.concatenate([part.heading for part in parts]),
        np.concatenate([part.block for part in parts]),
    )


class Ground:
    """Spatial indexes over the road edges and blocks of one district, in EPSG:4549 metres."""

    def __init__(self, blocks: Blocks, roads: Roads) -> None:
        self.blocks, self.roads = blocks, roads
        self.edge_lines: Geoms = np.asarray(shapely.linestrings(roads.edge_xy), dtype=np.object_)
        self._edges = shapely.STRtree(self.edge_lines)
        self._blocks = shapely.STRtree(blocks.polygons_m)
        steps = np.diff(roads.edge_xy, axis=1)
        lengths = np.hypot(steps[..., 0], steps[..., 1])
        self._piece_weight = (lengths * np.array([3.0, 1.8, 1.0])[blocks.edge_class][:, None]).ravel()

    def nearest_edge(self, xy: Floats) -> Ints:
        """Return the road edge nearest to each point (n, 2)."""
        points = shapely.points(xy)
        index, edge = self._edges.query_nearest(points, all_matches=False)
        found = np.full(len(xy), -1, dtype=np.int64)
        found[index] = edge
        return found

    def block_at(self, xy: Floats) -> Ints:
        """Return the block that holds each point with room to every road's centre line, -1 where there is none."""
        points = shapely.points(xy)
        index, block = self._blocks.query(points, predicate="within")
        found = np.full(len(xy), -1, dtype=np.int64)
        found[index] = block
        near, _ = self._edges.query(points, predicate="dwithin", distance=CLEARANCE_M)
        found[near] = -1
        return found

    def along_roads(self, rng: np.random.Generator, count: int, low_m: float, high_m: float) -> Spots:
        """Return places beside roads, ``low_m`` to ``high_m`` from the centre line (less on narrow roads), main roads more often."""
        pieces = rng.choice(len(self._piece_weight), count, p=self._piece_weight / self._piece_weight.sum())
        edge, piece = np.divmod(pieces, self.roads.edge_xy.shape[1] - 1)
        start, end = self.roads.edge_xy[edge, piece], self.roads.edge_xy[edge, piece + 1]
        share = rng.random(count)[:, None]
        side = np.where(rng.random(count) < 0.5, -1.0, 1.0)
        high = np.clip(self.roads.half_width_m[edge] + 1.5, low_m, high_m)
        offset = rng.uniform(low_m, high)
        return self._spots(start, end, start + share * (end - start), edge, side * offset)

    def at_crossings(self, rng: np.random.Generator, count: int, low_m: float, high_m: float) -> Spots:
        """Return places round crossings, ``low_m`` to ``high_m`` from where the centre lines meet."""
        crossing = rng.integers(0, len(self.roads.crossing_xy), count)
        edge = self.roads.crossing_edges[crossing, rng.integers(0, 2, count)]
        angle, reach = rng.uniform(0.0, 2.0 * np.pi, count), rng.uniform(low_m, high_m, count)
        xy = self.roads.crossing_xy[crossing] + np.stack([np.cos(angle), np.sin(angle)], axis=1) * reach[:, None]
        ends = self.roads.edge_xy[edge]
        return self._spots(ends[:, 0], ends[:, -1], xy, edge, np.zeros(count))

    def _spots(self, start: Floats, end: Floats, xy: Floats, edge: Ints, offset: Floats) -> Spots:
        run = end - start
        run = run / np.maximum(np.hypot(run[:, 0], run[:, 1]), 1e-9)[:, None]
        placed = xy + np.stack([-run[:, 1], run[:, 0]], axis=1) * offset[:, None]
        return Spots(placed, edge, np.arctan2(run[:, 1], run[:, 0]), self.block_at(placed))


def take(spots: list[Spots], count: int, rng: np.random.Generator) -> Spots:
    """Return ``count`` of the places that lie in a block, in random order; there must be enough of them."""
    merged = joined(spots)
    good = np.nonzero(merged.block >= 0)[0]
    return merged.rows(rng.permutation(good)[:count])
