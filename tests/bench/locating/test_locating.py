"""The benchmark of the locator runs small with the other tests, and what it proves for certain must hold."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from gisgrid.settings import Settings
from tests.bench.locating.run import Sizes, run
from tests.bench.report import proofs


@pytest.mark.slow
def test_the_benchmark_of_the_locator_runs_and_proves(cluster_home: Path) -> None:
    report = run(Settings(home=cluster_home), Sizes.quick(), lambda _: None)
    assert all(result.ours > 0 and result.theirs > 0 for result in report.results)
    # What depends on how busy the machine is need not hold here; what is right or wrong must.
    certain = [proof for proof in report.proofs if proof.goal.startswith("none")]
    assert [proof for proof in certain if not proof.holds] == []
    assert len(certain) >= 5
    console = Console(record=True, width=200)
    console.print(proofs(report))
    text = console.export_text()
    assert all(proof.found in text for proof in report.proofs)
