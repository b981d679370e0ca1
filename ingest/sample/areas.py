"""The four levels of areas: streets, communities and grids as exact partitions of blocks, with codes and names."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import shapely

from gisgrid.types import LEVELS, Level
from ingest.sample.arrays import Bools, Floats, Geoms, Ints, Texts
from ingest.sample.blocks import Blocks
from ingest.sample.graph import Graph, make_graph
from ingest.sample.outline import make_outline
from ingest.sample.partition import Region, divide
from ingest.sample.plan import DISTRICT_CODE, Plan
from ingest.sample.shapes import dissolve


class AreaTable(NamedTuple):
    """The areas of one level: codes, names, parent codes, areas in EPSG:4549 m2, polygons in WGS 84 degrees."""

    codes: Texts
    names: Texts
    parents: Texts
    area_m2: Floats
    polygons: Geoms


class Areas(NamedTuple):
    """All levels; ``street_of_block``, ``community_of_block`` and ``grid_of_block`` are rows in the tables of their level."""

    tables: dict[Level, AreaTable]
    street_of_block: Ints
    community_of_block: Ints
    grid_of_block: Ints

    def codes_of_blocks(self, level: Level, blocks: Ints) -> Texts:
        """Return the code of the area of ``level`` that each block belongs to."""
        rows = {"street": self.street_of_block, "community": self.community_of_block, "grid": self.grid_of_block}
        return self.tables[level].codes[rows[level][blocks]] if level != "district" else np.full(len(blocks), DISTRICT_CODE, dtype=object)


def make_areas(plan: Plan, blocks: Blocks) -> Areas:
    """Divide the district into its streets, these into their communities and these into grids."""
    rng = plan.rng("areas")
    graph = make_graph(len(blocks), blocks.edge_blocks, blocks.edge_length_m)
    whole = Region(blocks.centre, blocks.area_m2, graph)
    outer = np.zeros(len(blocks), dtype=np.bool_)
    outer[blocks.edge_blocks[(blocks.edge_blocks < 0).any(axis=1)].max(axis=1)] = True
    sites = make_outline(plan).sites
    street_of = divide(whole, plan.street_areas_m2, sites, anchor=sites, rounds=240)
    quota = _grid_quota(plan, rng, street_of, blocks.area_m2)
    community_of = np.full(len(blocks), -1, dtype=np.int64)
    grid_of = np.full(len(blocks), -1, dtype=np.int64)
    rows_of_street = _rows_by_parent(plan)
    for street, rows in enumerate(rows_of_street):
        members = np.nonzero(street_of == street)[0]
        labels = _subdivide(whole, outer, members, quota[rows].astype(np.float64), rng)
        places = np.array(rows)[_reading_order(blocks, members, labels, len(rows))]
        community_of[members] = places[labels]
        quota[places] = quota[rows]
    first_grid = np.concatenate([[0], np.cumsum(quota)])
    for community, count in enumerate(quota):
        members = np.nonzero(community_of == community)[0]
        labels = _subdivide(whole, outer, members, np.ones(count), rng)
        grid_of[members] = first_grid[community] + _reading_order(blocks, members, labels, int(count))[labels]
    levels: dict[Level, Ints] = {"street": street_of, "community": community_of, "grid": grid_of}
    return Areas(_tables(plan, blocks, levels, quota), street_of, community_of, grid_of)


def _rows_by_parent(plan: Plan) -> list[list[int]]:
    return [[row for row, entry in enumerate(plan.communities) if entry.parent_code == street.code] for street in plan.streets]


def _grid_quota(plan: Plan, rng: np.random.Generator, street_of: Ints, area: Floats) -> Ints:
    """Return how many grids each community gets: its share of its street's real area, at least one, the right sum in all."""
    wanted = np.zeros(len(plan.communities))
    for street, rows in enumerate(_rows_by_parent(plan)):
        shares = np.exp(rng.normal(0.0, 0.28, len(rows)))
        wanted[rows] = area[street_of == street].sum() / area.sum() * plan.grids * shares / shares.sum()
    quota = np.maximum(np.floor(wanted), 1.0)
    while quota.sum() != plan.grids:
        missing = wanted - quota
        if quota.sum() < plan.grids:
            quota[np.argmax(missing)] += 1
        else:
            quota[np.argmin(np.where(quota > 1, missing, np.inf))] -= 1
    return quota.astype(np.int64)


def _subdivide(whole: Region, outer: Bools, members: Ints, shares: Floats, rng: np.random.Generator) -> Ints:
    """Divide some blocks into parts of the given shares; tries again from other places when a part would enclose another."""
    if len(shares) == 1:
        return np.zeros(len(members), dtype=np.int64)
    graph = whole.graph.part(members)
    region = Region(whole.centre[members], whole.area_m2[members], graph)
    on_rim = outer[members] | np.array([len(graph.around(k)) < len(whole.graph.around(int(b))) for k, b in enumerate(members)])
    best, best_score = np.zeros(len(members), dtype=np.int64), np.inf
    for attempt in range(12):
        labels = divide(region, shares, _spread(region, len(shares), rng))
        score = _faults(graph, labels, shares, region.area_m2, on_rim)
        if score < best_score:
            best, best_score = labels, score
        if best_score < 0.12 + 0.04 * attempt + 0.002 * len(shares):
            break
    return best


def _faults(graph: Graph, labels: Ints, shares: Floats, area: Floats, on_rim: Bools) -> float:
    """Return how bad a division is: the largest error in area, and 10 for each enclosing or broken part."""
    load = np.bincount(labels, area, minlength=len(shares)) / area.sum()
    error = float(np.abs(load / (shares / shares.sum()) - 1.0).max())
    rim_labels = {int(label) for label in np.unique(labels[on_rim])}
    return error + 10.0 * len(graph.enclosed(labels, len(shares), rim_labels))


def _spread(region: Region, count: int, rng: np.random.Generator) -> Floats:
    """Return ``count`` places far from one another among the blocks (k-means++)."""
    sites = [region.centre[rng.integers(len(region.centre))]]
    nearest = np.full(len(region.centre), np.inf)
    for _ in range(count - 1):
        nearest = np.minimum(nearest, ((region.centre - sites[-1]) ** 2).sum(axis=1))
        chance = nearest * region.area_m2
        chance = chance / chance.sum() if chance.sum() > 0 else np.full(len(chance), 1.0 / len(chance))
        sites.append(region.centre[rng.choice(len(chance), p=chance)])
    return np.array(sites)


def _reading_order(blocks: Blocks, members: Ints, labels: Ints, count: int) -> Ints:
    """Return the rank of each label: in bands from north to south, and from west to east in each band."""
    weight = blocks.area_m2[members]
    load = np.maximum(np.bincount(labels, weight, minlength=count), 1e-9)
    x, y = (np.bincount(labels, weight * blocks.centre[members, k], minlength=count) / load for k in (0, 1))
    bands = max(1, round(count**0.5))
    band = np.empty(count, dtype=np.int64)
    band[np.argsort(-y, kind="stable")] = np.arange(count) * bands // count
    rank = np.empty(count, dtype=np.int64)
    rank[np.lexsort((x, band))] = np.arange(count)
    return rank


def short_name(name: str) -> str:
    """Return a community's name without the words for its committee.

    >>> short_name("上清路社区居委会")
    '上清路社区'
    """
    return re.sub("(居民委员会|居委会)$", "", name)


def _tables(plan: Plan, blocks: Blocks, labels: dict[Level, Ints], quota: Ints) -> dict[Level, AreaTable]:
    streets, communities = plan.streets, plan.communities
    street_names = {row.code: row.name for row in streets}
    grid_codes, grid_names, grid_parents = [], [], []
    for row, count in zip(communities, quota, strict=True):
        for number in range(1, int(count) + 1):
            grid_codes.append(f"{row.code}{number:03d}")
            grid_names.append(f"{street_names[row.parent_code]}{short_name(row.name)}第{number}网格")
            grid_parents.append(row.code)
    facts: dict[Level, tuple[list[str], list[str], list[str]]] = {
        "district": ([DISTRICT_CODE], ["市北区"], [""]),
        "street": ([r.code for r in streets], [r.name for r in streets], [DISTRICT_CODE] * len(streets)),
        "community": ([r.code for r in communities], [r.name for r in communities], [r.parent_code for r in communities]),
        "grid": (grid_codes, grid_names, grid_parents),
    }
    whole = np.zeros(len(blocks), dtype=np.int64)
    return {level: _table(blocks, labels.get(level, whole), facts[level]) for level in LEVELS}


def _table(blocks: Blocks, labels: Ints, facts: tuple[list[str], list[str], list[str]]) -> AreaTable:
    codes, names, parents = (np.array(column, dtype=object) for column in facts)
    area = np.bincount(labels, blocks.area_m2, minlength=len(codes)).astype(np.float64)
    polygons = dissolve(blocks.polygons, labels, len(codes))
    return AreaTable(codes, names, parents, area, polygons)


def faults_in(areas: Areas) -> list[Level]:
    """Return the levels whose polygons are not simple: holes, several parts, or no exact coverage."""
    bad: list[Level] = []
    for level, table in areas.tables.items():
        simple = (shapely.get_type_id(table.polygons) == shapely.GeometryType.POLYGON).all()
        holes = shapely.get_num_interior_rings(table.polygons).any()
        if not simple or holes or not shapely.coverage_is_valid(table.polygons):
            bad.append(level)
    return bad
