"""The benchmark of features runs small with the other tests, so that it cannot rot; no figure is asserted, machines are noisy."""

from __future__ import annotations

from pathlib import Path

import pytest

from gisgrid.settings import Settings
from tests.bench.ogc.run import Sizes, run


@pytest.mark.slow
@pytest.mark.xdist_group("bench")
def test_the_benchmark_of_features_runs_and_reports(cluster_home: Path) -> None:
    report = run(Settings(home=cluster_home), Sizes.quick(), lambda _: None)
    assert all(result.ours > 0 and result.theirs > 0 for result in report.results)
    assert "page 100 by cursor beside page 1" in [proof.work for proof in report.proofs]
