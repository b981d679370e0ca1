"""The levels above the grid: from a grid to its community, street and district, or from a place where a code does not say."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from gisgrid.locator.areas import AreaIndex
from gisgrid.locator.edges import Flags, Floats
from gisgrid.types import AreaRef, Level

UPPER: tuple[Level, ...] = ("community", "street", "district")
"""The levels above the grid, from the smallest to the largest."""


class Chain(NamedTuple):
    """The areas above a grid, in the order of ``Location``."""

    district: AreaRef | None
    street: AreaRef | None
    community: AreaRef | None


class Hierarchy:
    """The indices of all levels, and how an area of one leads to those above.

    ``trusted`` flags for the grids and each level above them (that has areas) but the last which areas' parent codes hold; it is given when
    it was kept in a file.
    """

    def __init__(self, levels: Mapping[Level, AreaIndex], trusted: Sequence[Flags] | None = None) -> None:
        self.levels, self.grids = levels, levels["grid"]
        self._upper = tuple((level, levels[level]) for level in UPPER if level in levels and len(levels[level]))
        below = (self.grids, *(index for _, index in self._upper))
        pairs = zip(below, self._upper, strict=False)
        self.trusted = tuple(_parents_hold(index, above) for index, (_, above) in pairs) if trusted is None else tuple(trusted)
        self._trusted = tuple(flags.tolist() for flags in self.trusted)

    def chain_of_grid(self, number: int) -> Chain | None:
        """Return the areas above a grid; None when a code leads nowhere or a shape denies it: then ask ``chain_at``."""
        found: dict[Level, AreaRef] = {}
        index = self.grids
        for (level, above), trusted in zip(self._upper, self._trusted, strict=True):
            if not trusted[number]:
                return None
            number = above.number_of[index.parent_codes[number] or ""]
            found[level] = above.refs[number]
            index = above
        return _chain(found)

    def chain_at(self, lon: float, lat: float, parent_code: str | None) -> Chain:
        """Return the areas above a place: level by level the one that a code names, unless another one covers the place."""
        found: dict[Level, AreaRef] = {}
        for level, index in self._upper:
            covering = index.covering(lon, lat)[0]
            number = index.number_of.get(parent_code or "")
            if covering and number not in covering:
                number = covering[0]
            parent_code = None
            if number is not None:
                found[level] = index.refs[number]
                parent_code = index.parent_codes[number]
        return _chain(found)

    def is_in_none_many(self, lon: Floats, lat: Floats) -> Flags:
        """Return for arrays of points whether no area of any level above the grid covers them."""
        nowhere = np.ones(lon.shape, bool)
        for _, index in self._upper:
            nowhere &= index.covering_many(lon, lat).number < 0
        return nowhere


def _chain(found: Mapping[Level, AreaRef]) -> Chain:
    return Chain(found.get("district"), found.get("street"), found.get("community"))


def _parents_hold(index: AreaIndex, above: AreaIndex) -> Flags:
    """Return for each area whether its parent code names an area of the next level, and whose shape holds its inner point."""
    held = []
    for parent_code, lon, lat in zip(index.parent_codes, *index.inner_points(), strict=True):
        parent = above.number_of.get(parent_code or "")
        shapeless = math.isnan(lon) or parent is None or above.edges.first[parent] == above.edges.first[parent + 1]
        held.append(parent is not None and (shapeless or parent in above.covering(lon, lat)[0]))
    return np.array(held, dtype=bool)
