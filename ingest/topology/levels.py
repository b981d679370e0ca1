"""The areas of all levels, ready to be compared: multipolygons in a plane in metres, with who belongs to whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import shapely

from gisgrid.layers import AREA_LAYERS
from gisgrid.locator import AreaTable
from gisgrid.types import LEVELS, Level
from ingest.topology.bends import straightened
from ingest.topology.checks import TopologyCheck
from ingest.topology.plane import Flags, Ints, Plane, Shapes


class Finding(NamedTuple):
    """What a check found: about which area (None where it is about none), in which words, and where, in the plane."""

    check: TopologyCheck
    level: Level
    code: str | None
    message: str
    place: Any


class LevelAreas:
    """The areas of one level in the order of their codes; ``shapes`` are valid and in the plane, empty where there is none."""

    def __init__(self, level: Level, table: AreaTable, plane: Plane) -> None:
        order = sorted(range(len(table.codes)), key=table.codes.__getitem__)
        self.level = level
        self.plane = plane
        self.codes = [table.codes[k] for k in order]
        self.names = [table.names[k] for k in order]
        self.parent_codes = [table.parent_codes[k] for k in order]
        self.number_of = {code: number for number, code in enumerate(self.codes)}
        self.shapes = plane.from_wgs84(_valid(np.asarray(table.geometries, dtype=object)[order]))

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def word(self) -> str:
        """What one of these areas is called."""
        return self.level

    def called(self, number: int) -> str:
        """Return code and name of an area, as messages give them."""
        name = self.names[number]
        return f"{self.codes[number]} ({name})" if name else self.codes[number]

    @cached_property
    def tree(self) -> shapely.STRtree:
        """The tree of the boxes of the areas."""
        return shapely.STRtree(self.shapes)

    @cached_property
    def is_suspect(self) -> Flags:
        """Whether an edge of an area is not exactly its neighbour's, or lies in another area: of two that overlap one is suspect."""
        return np.asarray(~shapely.is_empty(shapely.coverage_invalid_edges(self.shapes)), dtype=bool)

    def union(self, numbers: Ints) -> Any:
        """Return what some of the areas cover together."""
        shapes = self.shapes[numbers]
        return shapely.union_all(shapes) if self.is_suspect[numbers].any() else shapely.coverage_union_all(shapes)


def straighten(levels: Sequence[LevelAreas], plane: Plane, rounding_m: float) -> None:
    """Put the vertices that lay on long edges of areas into these, in place; see ``straightened``."""
    for areas, shapes in zip(levels, straightened(plane, [areas.shapes for areas in levels], rounding_m), strict=True):
        areas.shapes = shapes


class Levels(NamedTuple):
    """Every level that has areas, from the largest to the smallest."""

    plane: Plane
    areas: Mapping[Level, LevelAreas]

    @classmethod
    def of(cls, tables: Mapping[Level, AreaTable], rounding_m: float) -> Levels:
        """Return the levels of a generation: tables with geometries in WGS 84 degrees; a level may be missing or empty.

        Vertices of any level that lay on a long edge before they came to degrees, within ``rounding_m`` metres, are put into it.
        """
        present = [level for level in LEVELS if level in tables and len(tables[level].codes)]
        everything = [np.asarray(tables[level].geometries, dtype=object) for level in present]
        plane = Plane.around(np.concatenate(everything) if everything else np.empty(0, dtype=object))
        areas = {level: LevelAreas(level, tables[level], plane) for level in present}
        straighten(list(areas.values()), plane, rounding_m)
        return cls(plane, areas)

    @property
    def smallest(self) -> LevelAreas | None:
        """The level that divides the ground most finely; None when there are no areas."""
        return list(self.areas.values())[-1] if self.areas else None


def _valid(shapes: Shapes) -> Shapes:
    """Return polygons in the place of invalid ones (an edit in QGIS can make them) and of None."""
    empty = shapely.is_missing(shapes)
    if empty.any():
        shapes = np.where(empty, shapely.MultiPolygon(), shapes)
    wrong = ~shapely.is_valid(shapes)
    if wrong.any():
        shapes = shapes.copy()
        shapes[wrong] = shapely.make_valid(shapes[wrong], method="structure", keep_collapsed=False)
    return as_multi(shapes)


def as_multi(shapes: Shapes) -> Shapes:
    """Return polygons as multipolygons, so that equal ones are equal whatever they came as."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    polygons = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    found = np.full(len(shapes), shapely.MultiPolygon(), dtype=object)
    return np.asarray(shapely.multipolygons(parts[polygons], indices=owner[polygons], out=found), dtype=object)


def layer_of(level: Level) -> str:
    """Return the layer that shows a level."""
    return AREA_LAYERS[level].id


def words_m2(area_m2: float) -> str:
    """Return an area in words: with decimals when it is small.

    >>> words_m2(0.256), words_m2(12345.6)
    ('0.26 m2', '12,346 m2')
    """
    return f"{area_m2:,.2f} m2" if area_m2 < 100.0 else f"{area_m2:,.0f} m2"


def places(count: int) -> str:
    """Return a remark on how many places something is at; nothing for one."""
    return f" in {count} places" if count > 1 else ""
