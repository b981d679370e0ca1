"""Addresses: house numbers that rise along the roads, odd on the left and even on the right, and numbers of buildings in an estate."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import shapely

from ingest.sample.arrays import Bools, Floats, Ints, Texts
from ingest.sample.blocks import USES, Blocks
from ingest.sample.buildings import Footprints
from ingest.sample.ground import Ground
from ingest.sample.plan import Plan

PREFIX = "山东省青岛市市北区"
_COMPOUNDS = np.array([use in ("estate", "tower", "school", "industry", "park") for use in USES])


class _Doors(NamedTuple):
    """Doors that get a number: their road edge, block, place (n, 2), and whether several buildings may stand behind them."""

    edge: Ints
    block: Ints
    spot: Floats
    shared: Bools


class Addresses(NamedTuple):
    """By building: road, number, the text of the house number, building number (0: none), the door that it shares.

    ``number`` is the plain number, ``suffix`` what follows it (甲, -1 or nothing). Buildings with the same ``door`` stand behind
    one house number.
    """

    road: Ints
    number: Ints
    suffix: Texts
    house: Texts
    building_number: Ints
    door: Ints
    edge: Ints

    def building_text(self) -> Texts:
        """Return 3号楼 or nothing for each building."""
        return np.array([f"{n}号楼" if n else "" for n in self.building_number.tolist()], dtype=object)


def make_addresses(plan: Plan, ground: Ground, footprints: Footprints) -> Addresses:
    """Return the address of every building."""
    blocks, roads = ground.blocks, ground.roads
    rng = plan.rng("addresses")
    compound = _COMPOUNDS[blocks.use]
    gate = _gates(rng, blocks)
    shared = compound[footprints.block]
    edge = np.where(shared, gate[footprints.block], -1)
    edge[~shared] = ground.nearest_edge(footprints.centre[~shared])
    alone = len(blocks) + np.arange(len(shared))
    _, first, door = np.unique(np.where(shared, footprints.block, alone), return_index=True, return_inverse=True)
    spot = np.where(shared[first][:, None], blocks.centre[footprints.block[first]], footprints.centre[first])
    number, suffix = _numbers(rng, ground, _Doors(edge[first], footprints.block[first], spot, shared[first]))
    building = _within(door, footprints.centre, shared)
    house = np.array([f"{n}号{s}" for n, s in zip(number.tolist(), suffix, strict=True)], dtype=object)
    return Addresses(roads.edge_road[edge], number[door], suffix[door], house[door], building, door, edge)


def _gates(rng: np.random.Generator, blocks: Blocks) -> Ints:
    """Return for each block the road edge at which its gate stands; local roads rather than main ones."""
    edges = np.tile(np.arange(len(blocks.edges)), 2)
    owner = blocks.edge_blocks.T.ravel()
    key = -blocks.edge_class[edges] + rng.uniform(0.0, 1.6, len(edges))
    order = np.lexsort((key, owner))
    order = order[owner[order] >= 0]
    number, first = np.unique(owner[order], return_index=True)
    gate = np.full(len(blocks), -1, dtype=np.int64)
    gate[number] = edges[order[first]]
    return gate


def _numbers(rng: np.random.Generator, ground: Ground, doors: _Doors) -> tuple[Ints, Texts]:
    """Return number and suffix of each door: along each side of each road in the order of the places."""
    roads, edge = ground.roads, doors.edge
    right = (ground.blocks.edge_blocks[edge, 0] != doors.block).astype(np.int64)
    place = roads.edge_start_m[edge] + shapely.line_locate_point(ground.edge_lines[edge], shapely.points(doors.spot))
    order = np.lexsort((place, right, roads.edge_road[edge]))
    group = roads.edge_road[edge[order]] * 2 + right[order]
    fresh = np.concatenate([[True], group[1:] != group[:-1]])
    steps = rng.choice(np.array([0, 2, 4, 6]), len(order), p=[0.03, 0.80, 0.13, 0.04])
    same = (steps == 0) & ~fresh
    # At most three extra doors behind one number.
    repeat = _run_lengths(same)
    same &= repeat <= 3
    steps = np.where(same, 0, np.maximum(steps, 2))
    total = np.cumsum(steps)
    start = np.maximum.accumulate(np.where(fresh, np.arange(len(order)), 0))
    value = total - total[start] + 1 + right[order]
    first = np.maximum.accumulate(np.where(~same, np.arange(len(order)), 0))
    # Never a dash before the number of a building: 2号-11号楼 cannot be read.
    dashed = (rng.random(len(order)) < 0.4)[first] & ~doors.shared[order]
    number = np.empty(len(order), dtype=np.int64)
    suffix = np.full(len(order), "", dtype=object)
    number[order] = value
    for at in np.nonzero(same)[0].tolist():
        nth = at - int(first[at])
        suffix[order[at]] = f"-{nth}" if dashed[at] else "甲乙丙"[nth - 1]
    return number, suffix


def _run_lengths(flags: Bools) -> Ints:
    """Return for each place how many flags in a row end there."""
    index = np.arange(len(flags))
    last_off = np.maximum.accumulate(np.where(flags, -1, index))
    return np.where(flags, index - last_off, 0)


def _within(door: Ints, centre: Floats, shared: Bools) -> Ints:
    """Number the buildings behind one door from north to south; a single building has no number."""
    order = np.lexsort((centre[:, 0], -np.round(centre[:, 1] / 15.0), door))
    sizes = np.bincount(door)
    rank = np.empty(len(door), dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    rank[order] = np.arange(len(door)) - np.repeat(starts, sizes) + 1
    return np.where(shared & (sizes[door] > 1), rank, 0)
