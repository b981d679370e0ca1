"""The index itself: how long it takes to build, what it costs in a district ten times the size, and with shifted coordinates."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt

from gisgrid.crs import GCJ02, from_wgs84
from gisgrid.layers import AREA_LAYERS
from gisgrid.locator import AreaTable, Locator
from gisgrid.types import Level
from tests.bench.measure import Result, compare, seconds

Floats = npt.NDArray[np.float64]
Tables = dict[Level, AreaTable]


def tables(sample: Path) -> Tables:
    """Return the areas of a generated sample from its files."""
    return {level: _table(gpd.read_file(sample / "district" / f"{item.id}.geojson")) for level, item in AREA_LAYERS.items()}


def _table(frame: gpd.GeoDataFrame) -> AreaTable:
    good = frame[~frame.geometry.is_empty & frame.geometry.notna() & frame["DM"].notna()].drop_duplicates("DM")
    above = good["SJDM"].tolist() if "SJDM" in good else [None] * len(good)
    return AreaTable(good["DM"].tolist(), good["MC"].fillna("").tolist(), above, good.geometry.to_numpy())


def building(areas: Tables, goal_s: float, work: str, rounds: int) -> tuple[Result, Locator]:
    """Return how many seconds the index of all levels takes to build, against the goal, and the locator."""
    made: list[Locator] = []

    def build() -> None:
        """Build it, and ask it once: what is made at the first question counts too."""
        locator = Locator.from_areas(areas)
        locator.locate(0.0, 0.0)
        made[:] = [locator]

    took = sorted(seconds(build) for _ in range(rounds))
    middle = took[len(took) // 2]
    spread = (took[0] / goal_s, took[-1] / goal_s)
    return Result(f"index built, {work}", f"{goal_s:g} s", middle, goal_s, "s", middle / goal_s, spread, "below 1"), made[0]


def growth(small: Locator, large: Locator, boxes: tuple[Floats, Floats], count: int, rounds: int) -> Result:
    """Compare the cost of a point in the large district with that in the small one, arrays of ``count`` points in each box."""
    few, many = _points(boxes[0], count), _points(boxes[1], count)
    result = compare(
        lambda: seconds(lambda: large.grid_indices(*many)) / count * 1e9,
        lambda: seconds(lambda: small.grid_indices(*few)) / count * 1e9,
        rounds,
    )
    return Result("a point to its grid, arrays, scale 10", "scale 1", *result[:2], "ns", *result[2:], "at most 1.5")


def shifted(frame: gpd.GeoDataFrame, locator: Locator, count: int, rounds: int) -> Result:
    """Compare points given in GCJ-02 with geopandas.sjoin of the same points already in WGS 84."""
    lon, lat = _points(frame.total_bounds, count)
    first, second = from_wgs84(GCJ02, lon, lat)
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(lon, lat), crs=4326)
    result = compare(
        lambda: count / seconds(lambda: locator.grid_indices(first, second, crs="gcj02")),
        lambda: count / seconds(lambda: gpd.sjoin(points, frame, how="left", predicate="within")),
        rounds,
    )
    return Result(
        f"{count:,} GCJ-02 points to grids, arrays", "geopandas.sjoin, WGS 84", *result[:2], "points/s", *result[2:], "at least 5"
    )


def box_of(areas: Tables) -> Floats:
    """Return west, south, east and north of the grids, degrees."""
    return np.asarray(gpd.GeoSeries(areas["grid"].geometries).total_bounds)


def _points(box: Floats, count: int) -> tuple[Floats, Floats]:
    west, south, east, north = box.tolist()
    rng = np.random.default_rng(11)
    return rng.uniform(west, east, count), rng.uniform(south, north, count)
