"""Named roads: runs of edges along the lines of the lattice, and the stretches and crossings that other things stand on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import shapely

from ingest.sample.areas import Areas
from ingest.sample.arrays import Floats, Geoms, Ints, Texts
from ingest.sample.blocks import LOCAL, MAIN, SECONDARY, Blocks
from ingest.sample.lattice import Lattice
from ingest.sample.plan import Plan
from ingest.sample.words import road_names

CLASS_NAMES = ("主干路", "次干路", "支路")
HALF_WIDTH_M = np.array([13.0, 9.0, 6.0])
"""Half of the carriageway by road class."""

_RUN_LENGTH_M = {MAIN: (1900.0, 3000.0), SECONDARY: (1100.0, 2200.0), LOCAL: (550.0, 1300.0)}
_LONGEST_GAP = 2


@dataclass(frozen=True)
class Roads:
    """Roads and their pieces.

    ``names`` and ``classes`` by road. ``edge_road`` and ``edge_start_m`` by road edge (in the order of ``Blocks.edges``): the road and
    the distance along it where the edge begins. ``edge_xy`` (m, 4, 2) metres. ``crossing_edges`` (c, 2): two edges of different roads that
    meet, ``crossing_xy`` (c, 2) where; ``ends_meet`` (m, 2) the roads that cross at the ends of each edge, -1 none.
    """

    names: Texts
    classes: Ints
    edge_road: Ints
    edge_start_m: Floats
    edge_xy: Floats
    edge_lonlat: Floats
    crossing_edges: Ints
    crossing_xy: Floats
    ends_meet: Ints
    half_width_m: Floats

    def lines(self) -> Geoms:
        """Return each road as a MultiLineString in WGS 84 degrees, one part for each edge."""
        order = np.lexsort((self.edge_start_m, self.edge_road))
        lines = shapely.linestrings(self.edge_lonlat[order])
        return np.asarray(shapely.multilinestrings(lines, indices=self.edge_road[order]), dtype=np.object_)


class _Runs(NamedTuple):
    """Roads before they have names: by road edge the road, by road its class."""

    lattice: Lattice
    blocks: Blocks
    edge_road: Ints
    classes: Ints


def make_roads(plan: Plan, lattice: Lattice, blocks: Blocks, areas: Areas) -> Roads:
    """Cut the lines of the lattice into roads of believable length and name them, the areas' own names first."""
    rng = plan.rng("roads")
    edge_road, edge_start = _cut(plan, rng, lattice, blocks)
    classes = np.full(int(edge_road.max()) + 1, LOCAL)
    classes[edge_road] = blocks.edge_class
    names = _name(plan, areas, _Runs(lattice, blocks, edge_road, classes))
    crossings, places, meet = _crossings(lattice, blocks, edge_road)
    half = HALF_WIDTH_M[classes[edge_road]] * plan.shrink
    xy, lonlat = lattice.edge_xy[blocks.edges], lattice.edge_lonlat[blocks.edges]
    return Roads(names, classes, edge_road, edge_start, xy, lonlat, crossings, places, meet, half)


def _cut(plan: Plan, rng: np.random.Generator, lattice: Lattice, blocks: Blocks) -> tuple[Ints, Floats]:
    """Return for each road edge the number of its road and its start along it in metres."""
    kind, line, place = lattice.edge_line[blocks.edges].T
    road = np.empty(len(kind), dtype=np.int64)
    start = np.empty(len(kind))
    number, run, limit = -1, 0.0, 0.0
    last = (-1, -1, -1)
    order = np.lexsort((place, line, kind))
    left = _length_ahead(blocks, kind, line, place, order)
    for edge in order:
        here = (int(kind[edge]), int(line[edge]), int(place[edge]))
        length = float(blocks.edge_length_m[edge])
        low, high = (value * plan.shrink for value in _RUN_LENGTH_M[int(blocks.edge_class[edge])])
        joined = here[:2] == last[:2] and here[2] - last[2] <= 1 + _LONGEST_GAP
        if not joined or (run + length > limit and left[edge] > 0.6 * low):
            number += 1
            run, limit = 0.0, float(rng.uniform(low, high))
        road[edge], start[edge] = number, run
        run += length
        last = here
    return road, start


def _length_ahead(blocks: Blocks, kind: Ints, line: Ints, place: Ints, order: Ints) -> Floats:
    """Return how much road is left on its line from each edge on, up to the next gap."""
    left = np.zeros(len(kind))
    ahead, last = 0.0, (-1, -1, -1)
    for edge in order[::-1]:
        here = (int(kind[edge]), int(line[edge]), int(place[edge]))
        joined = here[:2] == last[:2] and last[2] - here[2] <= 1 + _LONGEST_GAP
        ahead = (ahead if joined else 0.0) + float(blocks.edge_length_m[edge])
        left[edge], last = ahead, here
    return left


def _name(plan: Plan, areas: Areas, runs: _Runs) -> Texts:
    """Return a unique name for each road: those in the names of streets and communities lie there, families lie together."""
    rng = plan.rng("names")
    _, blocks, edge_road, classes = runs
    names = np.full(len(classes), "", dtype=object)
    inner = np.where(blocks.edge_blocks[:, 0] >= 0, blocks.edge_blocks[:, 0], blocks.edge_blocks[:, 1])
    streets = [(row.name.removesuffix("街道"), number) for number, row in enumerate(plan.streets)]
    communities = [(re.sub("社区.*$", "", row.name), number) for number, row in enumerate(plan.communities)]
    for wanted, area_of_block, class_order in (
        (streets, areas.street_of_block, (SECONDARY, MAIN, LOCAL)),
        (communities, areas.community_of_block, (LOCAL, SECONDARY, MAIN)),
    ):
        for name, area in wanted:
            if name.endswith("路") and name not in names:
                _name_one(names, name, edge_road[area_of_block[inner] == area], classes, class_order)
    taken = {name for name in names if name}
    fresh = road_names(rng, taken)
    for road in _neighbourly(plan, runs):
        if not names[road]:
            names[road] = next(fresh)
    return names


def _name_one(names: Texts, name: str, roads_here: Ints, classes: Ints, class_order: tuple[int, ...]) -> None:
    """Give the name to the road with the most edges here, of the class that comes first."""
    roads, edges = np.unique(roads_here, return_counts=True)
    free = [(class_order.index(int(classes[r])), -int(n), int(r)) for r, n in zip(roads, edges, strict=True) if not names[r]]
    if free:
        names[min(free)[2]] = name


def _neighbourly(plan: Plan, runs: _Runs) -> Ints:
    """Return the roads in an order in which parallel neighbours of one class follow one another."""
    lattice, blocks, edge_road, classes = runs
    count = len(classes)
    edges_of = np.maximum(np.bincount(edge_road, minlength=count), 1)
    middle = lattice.edge_xy[blocks.edges].mean(axis=1)
    x, y = (np.bincount(edge_road, middle[:, k], minlength=count) / edges_of for k in (0, 1))
    tile = 1500.0 * plan.shrink
    kind = np.zeros(count, dtype=np.int64)
    line = np.zeros(count, dtype=np.int64)
    kind[edge_road], line[edge_road] = lattice.edge_line[blocks.edges, 0], lattice.edge_line[blocks.edges, 1]
    return np.lexsort((line, kind, (x // tile).astype(np.int64), (y // tile).astype(np.int64), classes))


def _crossings(lattice: Lattice, blocks: Blocks, edge_road: Ints) -> tuple[Ints, Floats, Ints]:
    """Return the pairs of edges that meet in a node, one pair a node, and where; and the roads across at each edge's ends."""
    kind = lattice.edge_line[blocks.edges, 0]
    ends = lattice.edge_ends[blocks.edges]
    size = int(lattice.edge_ends.max()) + 1
    at_node = np.full((2, size), -1, dtype=np.int64)
    for direction in (0, 1):
        for end in (0, 1):
            chosen = kind == direction
            at_node[direction, ends[chosen, end]] = np.nonzero(chosen)[0]
    nodes = np.nonzero((at_node >= 0).all(axis=0))[0]
    pairs = at_node[:, nodes].T
    first = pairs[:, 0]
    xy = lattice.edge_xy[blocks.edges]
    at_start = ends[first, 0] == nodes
    across = at_node[1 - kind[:, None], ends]
    meet = np.where(across >= 0, edge_road[across], -1)
    return pairs, np.where(at_start[:, None], xy[first, 0], xy[first, -1]), meet
