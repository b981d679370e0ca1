"""Names of areas, with what else they are called: which areas an address speaks of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
import shapely

from gisgrid.addresses.alike import differ_by_a_slip
from gisgrid.geocoding.answers import MatchType
from gisgrid.geocoding.ground import Ground, Spot
from gisgrid.geocoding.tables import OtherName
from gisgrid.layers import AREA_LAYERS
from gisgrid.locator import AreaTable
from gisgrid.types import Level

NamedLevel = Literal["community", "street", "district"]

NAMED_LEVELS: tuple[NamedLevel, ...] = ("community", "street", "district")
"""The levels whose names are used in addresses, from the smallest up."""

# What offices are called after, and people leave out.
_TAILS = {
    "street": re.compile("(街道)?(办事处|办)$"),
    "community": re.compile("(社区)?(居民委员会|居委会|村委会|村民委员会)$"),
    "district": re.compile("$^"),
}
_SHORTEST_SLIP = 4
_KEPT = {"street": "街道", "community": "社区", "district": ""}


class NamedArea(NamedTuple):
    """An area by one of its names."""

    level: NamedLevel
    code: str
    name: str
    match_type: MatchType


class AreaNames:
    """The areas of all levels but grids, by name. Never changed."""

    def __init__(self, ground: Ground, tables: Mapping[Level, AreaTable], others: Iterable[OtherName]) -> None:
        self._ground = ground
        self._shapes: dict[str, Any] = {}
        self.by_name: dict[str, tuple[NamedArea, ...]] = {}
        self.name_of: dict[str, str] = {}
        self._spots: dict[str, Spot] = {}
        for level in NAMED_LEVELS:
            table = tables.get(level)
            if table is None:
                continue
            self._shapes |= dict(zip(table.codes, table.geometries, strict=True))
            for code, name in zip(table.codes, table.names, strict=True):
                self.name_of[code] = short_name(level, name)
                for word in spellings(level, name):
                    self._add(word, NamedArea(level, code, self.name_of[code], "exact"))
        levels: dict[str, NamedLevel] = {AREA_LAYERS[level].id: level for level in NAMED_LEVELS}
        for other in others:
            at = levels.get(other.layer)
            if at is not None and other.code in self.name_of:
                match_type: MatchType = "old_name" if other.kind == "old" else "alias"
                for word in spellings(at, other.name):
                    self._add(word, NamedArea(at, other.code, self.name_of[other.code], match_type))

    def _add(self, word: str, area: NamedArea) -> None:
        known = self.by_name.get(word, ())
        if word and all(area.code != other.code for other in known):
            self.by_name[word] = (*known, area)

    def named(self, level: Level, name: str) -> list[NamedArea]:
        """Return the areas of a level that are called so; where none is, those whose name is a slip of the pen away."""
        found = [area for area in self.by_name.get(name, ()) if area.level == level]
        if found or name in self.by_name or len(name) < _SHORTEST_SLIP:
            return found
        return [area for other, areas in self.by_name.items() if differ_by_a_slip(name, other) for area in areas if area.level == level]

    def spot(self, area: NamedArea) -> Spot:
        """Return where an area is: a point in the grid that holds most of it, with a radius that reaches all of it."""
        known = self._spots.get(area.code)
        if known is None:
            known = self._spots.setdefault(area.code, self._spot(area))
        return known

    def _spot(self, area: NamedArea) -> Spot:
        shape: Any = self._ground.plane.shapes(np.array([self._shapes[area.code]], dtype=object))[0]
        west, south, east, north = shape.bounds
        x, y = np.meshgrid(np.linspace(west, east, 24), np.linspace(south, north, 24))
        inside = shapely.contains_xy(shape, x, y)
        xy = np.stack([x[inside], y[inside]], axis=1) if inside.any() else shapely.get_coordinates(shapely.point_on_surface(shape))
        found = self._ground.likeliest(self._ground.candidates(xy))
        assert found is not None  # nothing limits the choice
        return found._replace(layer=AREA_LAYERS[area.level].id, code=area.code)


def short_name(level: Level, name: str) -> str:
    """Return the name of an area without the words for its office.

    >>> short_name("community", "上清路社区居委会"), short_name("street", "辽宁路街道办事处"), short_name("district", "市北区")
    ('上清路社区', '辽宁路街道', '市北区')
    """
    pattern = _TAILS.get(level)
    if pattern is None or not pattern.search(name):
        return name
    return pattern.sub("", name) + _KEPT[level]


def spellings(level: Level, name: str) -> tuple[str, ...]:
    """Return what an area is called in addresses: with and without the words for its office."""
    short = short_name(level, name)
    more = (f"{short}办事处", f"{short}办") if level == "street" and short.endswith("街道") else ()
    more = (f"{short}居委会", f"{short}居民委员会") if level == "community" and short.endswith("社区") else more
    return tuple(dict.fromkeys((name, short, *more)))
