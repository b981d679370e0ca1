"""Blocks: cells of the lattice, some of them merged, each with a use; and which edges between them are streets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from ingest.sample.arrays import Floats, Geoms, Ints
from ingest.sample.lattice import Lattice
from ingest.sample.outline import make_outline
from ingest.sample.plan import Plan
from ingest.sample.shapes import along, dissolve

MAIN, SECONDARY, LOCAL = 0, 1, 2
"""Classes of road: 主干路, 次干路, 支路."""

USES = ("estate", "tower", "court", "mixed", "school", "industry", "office", "park")
"""What a block is used for; block arrays hold the place in this tuple."""

# Share of each use in the old town, in the estates of the middle and east, and at the waterfront.
_USE_SHARES = {
    "old": (0.16, 0.05, 0.38, 0.27, 0.04, 0.00, 0.06, 0.04),
    "new": (0.52, 0.14, 0.00, 0.17, 0.05, 0.02, 0.06, 0.04),
    "shore": (0.16, 0.06, 0.02, 0.13, 0.02, 0.52, 0.06, 0.03),
}
_OLD_STREETS = ("370203005", "370203008", "370203011", "370203020", "370203021")
_SHORE_STREETS = ("370203019", "370203029", "370203033", "370203034")


@dataclass(frozen=True)
class Blocks:
    """The blocks: ``of_cell`` (cells,), ``first_cell`` (blocks,), ``use`` (blocks,), polygons in degrees and metres, areas.

    ``edges`` are the numbers of the lattice edges that are roads, ``edge_blocks`` (edges, 2) the blocks to their left and
    right (-1 outside), ``edge_class`` their road class and ``edge_length_m`` their length.
    """

    of_cell: Ints
    first_cell: Ints
    use: Ints
    polygons: Geoms
    polygons_m: Geoms
    area_m2: Floats
    centre: Floats
    edges: Ints
    edge_blocks: Ints
    edge_class: Ints
    edge_length_m: Floats

    def __len__(self) -> int:
        return len(self.first_cell)


def make_blocks(plan: Plan, lattice: Lattice) -> Blocks:
    """Merge some cells, choose the uses, and list the edges that are roads."""
    rng = plan.rng("blocks")
    classes = [_line_classes(rng, lattice.shape[1] + 1), _line_classes(rng, lattice.shape[0] + 1)]
    of_cell = _merge(rng, lattice, classes)
    count = int(of_cell.max()) + 1
    first_cell = np.full(count, len(of_cell), dtype=np.int64)
    np.minimum.at(first_cell, of_cell, np.arange(len(of_cell)))
    cells_m = lattice.cell_polygons(degrees=False)
    polygons_m = dissolve(cells_m, of_cell, count)
    area = np.asarray(shapely.area(polygons_m))
    middle = shapely.centroid(polygons_m)
    centre = np.stack([shapely.get_x(middle), shapely.get_y(middle)], axis=1)
    sides = np.where(lattice.edge_cells >= 0, of_cell[lattice.edge_cells], -1)
    edges = np.nonzero(sides[:, 0] != sides[:, 1])[0]
    kind, line = lattice.edge_line[edges, 0], lattice.edge_line[edges, 1]
    edge_class = np.where(kind == 0, classes[0][np.where(kind == 0, line, 0)], classes[1][np.where(kind == 1, line, 0)])
    return Blocks(
        of_cell,
        first_cell,
        _choose_uses(plan, rng, centre, area),
        dissolve(lattice.cell_polygons(degrees=True), of_cell, count),
        polygons_m,
        area,
        centre,
        edges,
        sides[edges],
        edge_class,
        along(lattice.edge_xy[edges]),
    )


def _line_classes(rng: np.random.Generator, lines: int) -> Ints:
    """Return the road class of each line of the lattice: a main road about every eight lines, a secondary one between."""
    classes = np.full(lines, LOCAL)
    place = int(rng.integers(0, 5))
    while place < lines:
        classes[place] = MAIN
        between = place + int(rng.integers(2, 5))
        place += int(rng.integers(6, 10))
        while between < min(place - 1, lines):
            classes[between] = SECONDARY
            between += int(rng.integers(2, 4))
    return classes


def _merge(rng: np.random.Generator, lattice: Lattice, classes: list[Ints]) -> Ints:
    """Return the block of each cell: about a quarter of the cells go with a neighbour across a local road."""
    number = np.full(np.array(lattice.shape) + 1, -1, dtype=np.int64)
    number[tuple(lattice.cell_ij.T)] = np.arange(len(lattice.cell_ij))
    owner = np.arange(len(lattice.cell_ij))
    free = np.ones(len(owner), dtype=np.bool_)
    pattern = rng.choice(4, len(owner), p=[0.845, 0.07, 0.07, 0.015])
    for cell in rng.permutation(np.nonzero(pattern)[0]):
        i, j = lattice.cell_ij[cell]
        wide, high = ((1, 0), (0, 1), (1, 1))[pattern[cell] - 1]
        if (wide and classes[1][i + 1] != LOCAL) or (high and classes[0][j + 1] != LOCAL):
            continue
        group = number[i : i + wide + 1, j : j + high + 1].ravel()
        if (group >= 0).all() and free[group].all():
            owner[group] = cell
            free[group] = False
    return np.unique(owner, return_inverse=True)[1].astype(np.int64)


def _choose_uses(plan: Plan, rng: np.random.Generator, centre: Floats, area: Floats) -> Ints:
    """Give each block a use by the part of the town it lies in; large blocks are more often parks, schools and works."""
    codes = np.array([row.code for row in plan.streets])
    sites = make_outline(plan).sites
    near = np.argmin(((centre[:, None] - sites[None]) ** 2).sum(axis=2), axis=1)
    part = np.where(np.isin(codes, _OLD_STREETS), 0, np.where(np.isin(codes, _SHORE_STREETS), 2, 1))[near]
    # The works lie to the west of their streets' middle, at the water.
    inland = centre[:, 0] > sites[near, 0] + 250.0 * plan.growth
    part = np.where((part == 2) & inland, 1, part)
    shares = np.array([_USE_SHARES["old"], _USE_SHARES["new"], _USE_SHARES["shore"]])[part]
    large = area > 1.55 * np.median(area)
    boost = np.array([1.0, 1.0, 0.4, 0.4, 3.0, 2.0, 0.7, 3.0])
    shares = np.where(large[:, None], shares * boost, shares)
    steps = np.cumsum(shares / shares.sum(axis=1, keepdims=True), axis=1)
    return np.asarray((rng.random(len(centre))[:, None] > steps).sum(axis=1).clip(0, len(USES) - 1), dtype=np.int64)
