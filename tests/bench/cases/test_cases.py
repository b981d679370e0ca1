"""The benchmark of cases runs small with the other tests, so that it cannot rot; no speed is asserted, machines are noisy."""

from __future__ import annotations

from pathlib import Path

import pytest

from gisgrid.db import Database
from gisgrid.settings import Settings
from tests.bench.cases.run import run

CASE = {"source": "x", "category": "暴露垃圾", "description": "楼下", "lon": 120.3725, "lat": 36.082, "crs": "wgs84"}


@pytest.mark.slow
def test_cases_are_posted_kept_and_timed(own_town: Database, tmp_path: Path) -> None:
    result = run(Settings(home=tmp_path, database_url=own_town.url), [CASE] * 60, 60.0)
    assert result.posted.kept == result.kept == 60
    assert result.posted.lost == 0
    assert 0 < result.posted.median_ms <= result.posted.p99_ms
    assert result.cpu_ms > 0
