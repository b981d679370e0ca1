"""The benchmark of the tiles runs small with the other tests, and what it proves must hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from gisgrid.settings import Settings
from tests.bench.tiling.run import Sizes, run


@pytest.mark.slow
def test_the_benchmark_of_the_tiles_runs_and_proves(cluster_home: Path) -> None:
    report = run(Settings(home=cluster_home), Sizes.quick(), lambda _: None)
    assert all(result.ours > 0 and result.theirs > 0 for result in report.results)
    assert [proof for proof in report.proofs if not proof.holds] == []
    assert len(report.proofs) >= 3
