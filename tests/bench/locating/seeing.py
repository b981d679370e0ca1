"""Which cameras can see a place: how many places a second, and agreement with the slow reference."""

from __future__ import annotations

import numpy as np

from gisgrid.services import ReadModel
from tests.bench.measure import Result, seconds
from tests.bench.report import Report
from tests.sight.reference import disagreements

_K = 5
_GOAL = 2_000.0


def measure(model: ReadModel, report: Report, count: int, rounds: int) -> None:
    """Add the rates, one place at a time and in arrays, and the agreement over ``count`` random places."""
    cameras, sight = model.snapshot.points["cameras"], model.snapshot.sight
    rng = np.random.default_rng(5)
    lon = rng.uniform(cameras.table.lon.min(), cameras.table.lon.max(), count)
    lat = rng.uniform(cameras.table.lat.min(), cameras.table.lat.max(), count)

    def one_by_one() -> None:
        """Ask for each place: its nearest cameras, and what each of them sees."""
        for x, y in zip(lon.tolist(), lat.tolist(), strict=True):
            sight.look(x, y, [row for row, *_ in cameras.nearest_rows(x, y, _K)])

    def in_arrays() -> None:
        """Ask for all places at once."""
        sight.look_many(lon, lat, cameras.nearest_many(lon, lat, _K)[0])

    for work, ask in (("one at a time", one_by_one), ("arrays", in_arrays)):
        rates = sorted(count / seconds(ask) for _ in range(rounds))
        middle = rates[len(rates) // 2]
        spread = (rates[0] / _GOAL, rates[-1] / _GOAL)
        report.measured(Result(f"sight, {_K} cameras, {work}", "the goal", middle, _GOAL, "places/s", middle / _GOAL, spread, "at least 1"))
    wrong = disagreements(cameras.table, model.snapshot.footprints.table, np.column_stack([lon, lat]), _K)
    report.proved(f"sight of {count:,} random places", f"{len(wrong)} differ from the slow reference", "none", holds=not wrong)
