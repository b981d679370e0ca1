"""A few areas without a database, and an engine on them, for tests of batches."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import shapely

from gisgrid.locator import AreaTable, Locator
from gisgrid.services.batch import Engine, make_plan
from gisgrid.types import Bounds, ResponsibleUnit

WEST, SOUTH, STEP = 120.37, 36.08, 0.002
BOX = Bounds(120.3, 36.0, 120.45, 36.15)
SIDE = 4


@lru_cache(maxsize=1)
def areas() -> Locator:
    """Return sixteen grids in two communities of a street, one grid with a hole, and one of no community that is known."""
    grids = [_block(column, row) for row in range(SIDE) for column in range(SIDE)]
    grids[5] = shapely.difference(grids[5], grids[5].centroid.buffer(STEP / 5))
    codes = [f"37020300100{1 + (number >= 8)}{number:03d}" for number in range(len(grids))]
    parents: list[str | None] = [code[:12] for code in codes]
    parents[15] = None
    halves = [shapely.union_all([*grids[:8], _block(1, 1)]), shapely.union_all(grids[8:])]
    levels = {
        "grid": AreaTable(codes, [f'网格 {number}, "{number}"' for number in range(len(grids))], parents, np.array(grids)),
        "community": AreaTable(["370203001001", "370203001002"], ["南", "北"], ["370203001"] * 2, np.array(halves)),
        "street": AreaTable(["370203001"], ["街道"], ["370203"], np.array([shapely.union_all(halves)])),
        "district": AreaTable(["370203"], ["市北区"], [None], np.array([shapely.union_all(halves)])),
    }
    roles = {("grid", codes[0]): ResponsibleUnit("U1", "站", "grid"), ("street", "370203001"): ResponsibleUnit("U9", "街", "street")}
    return Locator.from_areas(levels, roles)  # type: ignore[arg-type]


def _block(column: int, row: int) -> shapely.Polygon:
    return shapely.box(WEST + column * STEP, SOUTH + row * STEP, WEST + (column + 1) * STEP, SOUTH + (row + 1) * STEP)


def engine(crs: str | None = "wgs84", **options: object) -> Engine:
    """Return an engine on ``areas``."""
    return Engine(areas(), BOX, make_plan(crs, **options))  # type: ignore[arg-type]
