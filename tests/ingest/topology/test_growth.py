"""Four times the areas, buildings and covers take about four times as long, faults and all."""

from __future__ import annotations

import time

import numpy as np
import shapely

from gisgrid.db.records import Issue
from gisgrid.locator import AreaTable
from gisgrid.types import Level
from ingest.topology import Features, check_areas
from tests.ingest.topology.pictures import CELL_M, box, city, lonlat, table


def _town(side: int) -> tuple[list[Issue], float]:
    """Check ``side`` x ``side`` grids, every seventh too large, with ten buildings and a cover on each; the CPU seconds that it took."""
    rng = np.random.default_rng(side)
    places = [(column, row) for row in range(side) for column in range(side)]
    grids = {f"{k:05d}": box(x, y, x + (1.05 if k % 7 == 0 else 1), y + 1) for k, (x, y) in enumerate(places)}
    at = (np.repeat(places, 10, axis=0) + rng.random((10 * len(places), 2))) * CELL_M
    buildings = lonlat(shapely.box(at[:, 0], at[:, 1], at[:, 0] + 10, at[:, 1] + 10))
    covers = lonlat(shapely.points(at[::10]))
    tables: dict[Level, AreaTable] = {"street": table({"S": box(0, 0, side, side)}), "grid": table(grids, dict.fromkeys(grids, "S"))}
    begin = time.process_time()
    issues = check_areas(
        tables, city(), [Features([str(k) for k in range(len(at))], buildings)], [Features([str(k) for k in range(len(covers))], covers)]
    )
    return issues, time.process_time() - begin


def test_the_time_grows_with_the_town_and_not_with_its_square() -> None:
    _town(10)
    few, short = min((_town(20) for _ in range(2)), key=lambda run: run[1])
    many, long = _town(40)
    assert {issue.code for issue in few} >= {"overlap", "cuts_building", "outside_parent"}
    assert len(many) > 3 * len(few)
    # In proportion it would be 4 times, by pairs 16 times.
    assert long < 9 * short
