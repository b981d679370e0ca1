"""Towns at random for hypothesis: areas with holes, parts, slivers and overlaps, areas without a shape, levels that are not there."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import shapely
from hypothesis import strategies as st

from gisgrid.locator import AreaTable, Roles
from gisgrid.types import LEVELS, Level, ResponsibleUnit

SIDE = 0.001
_WIDTH = 6
_CORNER = 120.0, 36.0
_TEXTS = st.text(st.characters(codec="utf-8"), min_size=0, max_size=4)


class Town(NamedTuple):
    """The areas of some levels, and who answers for some of them."""

    tables: dict[Level, AreaTable]
    roles: Roles


def _box(column: float, row: float, width: float, height: float) -> shapely.Geometry:
    west, south = _CORNER
    return shapely.box(west + column * SIDE, south + row * SIDE, west + (column + width) * SIDE, south + (row + height) * SIDE)


@st.composite
def _shapes(draw: st.DrawFn) -> Any:
    """A shape on the cells of the town: none, an empty one, a box, one with a hole, two parts, a sliver, or a bow tie."""
    kind = draw(st.sampled_from(["box", "box", "box", "hole", "parts", "sliver", "none", "empty", "bow"]))
    column, row = draw(st.integers(0, _WIDTH - 1)), draw(st.integers(0, _WIDTH - 1))
    if kind == "none":
        return None
    if kind == "empty":
        return shapely.Polygon()
    if kind == "sliver":
        return _box(column, row, 3, 1e-6)
    if kind == "bow":
        west, south = _CORNER[0] + column * SIDE, _CORNER[1] + row * SIDE
        return shapely.Polygon([(west, south), (west + SIDE, south + SIDE), (west + SIDE, south), (west, south + SIDE)])
    box = _box(column, row, draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    if kind == "hole":
        return box.difference(_box(column + 0.25, row + 0.25, 0.5, 0.5))
    return box.union(_box(column + 3, row + 3, 1, 1)) if kind == "parts" else box


@st.composite
def towns(draw: st.DrawFn) -> Town:
    """A town of up to a dozen areas of each level, whose codes and names may be any text."""
    tables: dict[Level, AreaTable] = {}
    roles: dict[tuple[Level, str], ResponsibleUnit] = {}
    above: list[str] = []
    chosen = draw(st.sets(st.sampled_from(LEVELS)))
    for level in (level for level in LEVELS if level in chosen):
        codes = draw(st.lists(_TEXTS.filter(str.strip), unique=True, max_size=8))
        shapes = np.empty(len(codes), dtype=object)
        shapes[:] = [draw(_shapes()) for _ in codes]
        names = [draw(_TEXTS) for _ in codes]
        parents = [draw(st.sampled_from([None, "nowhere", *above])) for _ in codes]
        tables[level] = AreaTable(codes, names, parents, shapes)
        for code in codes:
            if draw(st.booleans()):
                roles[level, code] = ResponsibleUnit(draw(_TEXTS), draw(_TEXTS), level)
        above = codes
    return Town(tables, roles)


def places(town: Town, seed: int, count: int) -> tuple[Any, Any]:
    """Return longitude and latitude of points in and around a town: at random, at vertices, and close beside them."""
    rng = np.random.default_rng(seed)
    west, south = _CORNER
    lon = rng.uniform(west - SIDE, west + (_WIDTH + 4) * SIDE, count)
    lat = rng.uniform(south - SIDE, south + (_WIDTH + 4) * SIDE, count)
    corners = [shapely.get_coordinates(table.geometries) for table in town.tables.values()]
    corner = np.concatenate([np.empty((0, 2)), *corners])
    beside = corner + rng.normal(0.0, 3e-6, corner.shape)
    return np.concatenate([lon, corner[:, 0], beside[:, 0]]), np.concatenate([lat, corner[:, 1], beside[:, 1]])
