"""The benchmarks run small with the other tests, so that they cannot rot; no figure is asserted, machines are noisy."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from gisgrid.settings import Settings
from tests.bench import ingesting
from tests.bench.locating import run as locating
from tests.bench.measure import compare
from tests.bench.report import proofs, table
from tests.bench.run import Sizes, run
from tests.bench.tiling import run as tiling


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


@pytest.mark.slow
@pytest.mark.xdist_group("bench")
def test_the_benchmark_of_the_locator_runs_and_proves(tmp_path: Path) -> None:
    report = locating.run(Settings(home=tmp_path), locating.Sizes.quick(), lambda _: None)
    assert all(result.ours > 0 and result.theirs > 0 for result in report.results)
    # What depends on how busy the machine is need not hold here; what is right or wrong must.
    certain = [proof for proof in report.proofs if proof.goal.startswith("none")]
    assert [proof for proof in certain if not proof.holds] == []
    assert len(certain) >= 5
    console = Console(record=True, width=200)
    console.print(proofs(report))
    text = console.export_text()
    assert all(proof.found in text for proof in report.proofs)


@pytest.mark.slow
@pytest.mark.xdist_group("bench")
def test_the_benchmark_of_the_tiles_runs_and_proves(tmp_path: Path) -> None:
    report = tiling.run(Settings(home=tmp_path), tiling.Sizes.quick(), lambda _: None)
    assert all(result.ours > 0 and result.theirs > 0 for result in report.results)
    assert [proof for proof in report.proofs if not proof.holds] == []
    assert len(report.proofs) >= 3


def test_the_ratio_is_the_median_of_the_pairs() -> None:
    mine, other = iter([2.0, 9.0, 4.0]), iter([1.0, 3.0, 4.0])
    assert compare(lambda: next(mine), lambda: next(other), 3) == (4.0, 3.0, 2.0, (1.0, 3.0))
