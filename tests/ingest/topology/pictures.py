"""Areas drawn in the test: a picture of letters becomes polygons, a hundred metres a cell."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import shapely

from gisgrid.deployment import AreaRules, Deployment, TopologyRules
from gisgrid.locator import AreaTable
from gisgrid.locator.ground import metres_per_degree
from gisgrid.types import Level

WEST, SOUTH = 120.37, 36.08
CELL_M = 100.0
PER_LON, PER_LAT = metres_per_degree(SOUTH)


def lonlat(shape: shapely.Geometry) -> shapely.Geometry:
    """Return a geometry given in metres east and north of the south-west corner of the pictures in degrees."""
    return shapely.transform(shape, lambda at: at / (PER_LON, PER_LAT) + (WEST, SOUTH))


def box(west: float, south: float, east: float, north: float) -> shapely.Geometry:
    """Return a box given in cells."""
    return lonlat(shapely.box(west * CELL_M, south * CELL_M, east * CELL_M, north * CELL_M))


def cells(picture: str) -> dict[str, shapely.Geometry]:
    """Return for each letter the cells that it is drawn in; several letters may share a cell, a dot is none. The last line is the south."""
    lines = [line.split() for line in picture.strip().splitlines()]
    found: dict[str, list[shapely.Geometry]] = {}
    for row, line in enumerate(reversed(lines)):
        for column, letters in enumerate(line):
            for letter in letters.replace(".", ""):
                found.setdefault(letter, []).append(box(column, row, column + 1, row + 1))
    return {letter: shapely.coverage_union_all(shapes) for letter, shapes in sorted(found.items())}


def areas(picture: str, parents: str | Mapping[str, str] = "", names: Mapping[str, str] | None = None) -> AreaTable:
    """Return an area for each letter; ``parents`` is one for all, or the parent of some (the others have none)."""
    drawn = cells(picture)
    belongs = parents if isinstance(parents, Mapping) else dict.fromkeys(drawn, parents)
    return table(drawn, belongs, names)


def table(
    shapes: Mapping[str, shapely.Geometry], parents: Mapping[str, str] | None = None, names: Mapping[str, str] | None = None
) -> AreaTable:
    """Return a table of areas by code."""
    array = np.empty(len(shapes), dtype=object)
    # As the database holds them: multipolygons, also of one part.
    array[:] = [shape if shape is None or shape.is_empty else shapely.multipolygons(shapely.get_parts(shape)) for shape in shapes.values()]
    codes = list(shapes)
    return AreaTable(
        codes, [(names or {}).get(code, f"area {code}") for code in codes], [(parents or {}).get(code) or None for code in codes], array
    )


def city(topology: TopologyRules | None = None, **rules: AreaRules) -> Deployment:
    """Return a deployment of districts, streets and grids with codes of any kind, but for ``rules``."""
    plain = {level: AreaRules(code_pattern=".+") for level in ("district", "street", "grid")}
    known: dict[Level, AreaRules] = {**plain, **rules}  # type: ignore[dict-item]
    return Deployment(
        id="city", title_zh="城", title_en="City", bounds=(120.0, 35.0, 121.0, 37.0), areas=known, topology=topology or TopologyRules()
    )
