"""The areas of any level for many points, as ``Hierarchy`` says of one."""

from __future__ import annotations

import numpy as np

from gisgrid.locator.edges import Floats, Ints
from gisgrid.locator.hierarchy import Chain, Hierarchy
from gisgrid.types import AreaRef, Level

_ASK = -2


def area_numbers(hierarchy: Hierarchy, level: Level, grid: Ints, lon: Floats, lat: Floats) -> Ints:
    """Return the number of the area of ``level`` for each point of one-dimensional arrays, -1 for none.

    ``grid`` is the number of each point's grid, -1 for none; positions are degrees, WGS 84.
    """
    if level == "grid":
        return grid
    number = np.append(_numbers_of_grids(hierarchy, level), _ASK).astype(np.int32)[grid]
    number[(number == _ASK) & (grid < 0) & hierarchy.is_in_none_many(lon, lat)] = -1
    parents = (*hierarchy.grids.parent_codes, None)
    for row in np.flatnonzero(number == _ASK).tolist():
        chain = hierarchy.chain_at(float(lon[row]), float(lat[row]), parents[grid[row]])
        number[row] = _number(hierarchy, level, chain)
    return number


def _numbers_of_grids(hierarchy: Hierarchy, level: Level) -> list[int]:
    """Return for each grid the area of a level above it, where that does not depend on the point."""
    chains = (hierarchy.chain_of_grid(number) for number in range(len(hierarchy.grids)))
    return [_ASK if chain is None else _number(hierarchy, level, chain) for chain in chains]


def _number(hierarchy: Hierarchy, level: Level, chain: Chain) -> int:
    ref: AreaRef | None = getattr(chain, level)
    return -1 if ref is None else hierarchy.levels[level].number_of[ref.code]
