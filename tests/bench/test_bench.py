"""The benchmarks run small with the other tests, so that they cannot rot; no figure is asserted, machines are noisy."""

from __future__ import annotations

import pytest
from rich.console import Console

from gisgrid.settings import Settings
from tests.bench import ingesting
from tests.bench.measure import compare
from tests.bench.report import table
from tests.bench.run import Sizes, run


@pytest.mark.slow
def test_every_benchmark_runs_and_reports(database_url: str, tmp_path: object) -> None:
    results, missing = run(Settings(home=tmp_path, database_url=database_url), Sizes.quick())
    assert len(results) + len(missing) == 7
    assert all(result.ours > 0 and result.theirs > 0 and result.spread[0] <= result.ratio <= result.spread[1] for result in results)
    console = Console(record=True, width=200)
    console.print(table(results))
    text = console.export_text()
    assert all(result.reference in text for result in results)


@pytest.mark.slow
def test_the_benchmark_of_loading_runs_and_reports(database_url: str, tmp_path: object) -> None:
    results = ingesting.run(Settings(home=tmp_path, database_url=database_url), ingesting.Sizes.quick())
    assert [result.goal for result in results] == ["at most 6", "at most 11", "below 1"]
    assert all(result.ours > 0 and result.theirs > 0 for result in results)


def test_the_ratio_is_the_median_of_the_pairs() -> None:
    mine, other = iter([2.0, 9.0, 4.0]), iter([1.0, 3.0, 4.0])
    assert compare(lambda: next(mine), lambda: next(other), 3) == (4.0, 3.0, 2.0, (1.0, 3.0))
