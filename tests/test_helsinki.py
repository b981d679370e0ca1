"""A real city with other codes: the centre of Helsinki, from its files through PostGIS to answers over HTTP."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gisgrid.db import Database
from gisgrid.deployment import load_deployment
from gisgrid.locator import Locator
from gisgrid.services import ReadModel
from gisgrid.settings import Settings
from ingest.pipeline import run
from tests.bench.locating import exact
from tests.serving import GISGRID, Server, served

ROOT = Path(__file__).resolve().parent.parent
REAL = ROOT.parent / "shared" / "real" / "helsinki"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not REAL.is_dir() and os.environ.get("CI") != "true", reason="the folder ../shared/real is not here"),
]


@pytest.fixture(scope="module")
def helsinki(database_copies: Callable[[], Database]) -> Database:
    database = database_copies()
    run(database, load_deployment("helsinki"), ROOT / "data" / "sources" / "helsinki.toml", root=REAL).raise_failure()
    return database


@pytest.fixture(scope="module")
def locator(helsinki: Database) -> Locator:
    return ReadModel.load(helsinki, Settings(database_url=helsinki.url, deployment="helsinki")).locator


@pytest.fixture(scope="module")
def server(helsinki: Database) -> Iterator[Server]:
    with served([GISGRID, "serve", "--port"], {"GISGRID_DATABASE_URL": helsinki.url, "GISGRID_DEPLOYMENT": "helsinki"}) as running:
        yield running


@pytest.mark.parametrize(("layer", "count"), [("manhole_covers", 776), ("cameras", 396)])
def test_each_feature_lies_in_exactly_the_cell_that_postgis_says(helsinki: Database, server: Server, layer: str, count: int) -> None:
    statement = f"""
        SELECT f.code, ST_X(f.geom), ST_Y(f.geom), array_agg(g.code)
        FROM gisgrid.{layer} f JOIN gisgrid.grids g ON ST_Covers(g.geom, f.geom) GROUP BY f.id, f.code, f.geom ORDER BY f.code
    """
    with helsinki.connect() as connection:
        expected = connection.execute(statement).fetchall()
    points = [{"id": code, "lon": lon, "lat": lat} for code, lon, lat, _ in expected]
    answer = httpx.post(f"{server.url}/locate/batch", json={"crs": "wgs84", "points": points}, timeout=30).raise_for_status().json()
    assert len(expected) == count
    assert all(len(cells) == 1 for *_, cells in expected)
    assert [(result["id"], result["grid"]["code"]) for result in answer["results"]] == [(code, cells[0]) for code, _, _, cells in expected]


@pytest.mark.parametrize(("kind", "count"), [(exact.random_points, 5_000), (exact.hard_points, 3_000)], ids=["random", "hard"])
def test_any_point_gets_the_cell_that_postgis_says(
    helsinki: Database, locator: Locator, kind: Callable[[Any, int], exact.Points], count: int
) -> None:
    assert exact.differences(helsinki, locator, kind(exact.grids(helsinki), count)) == 0


def test_levels_that_a_deployment_does_not_have_are_null(server: Server) -> None:
    answer = httpx.get(f"{server.url}/locate", params={"lon": 24.945, "lat": 60.168, "crs": "wgs84"}).raise_for_status().json()
    assert answer["status"] == "inside"
    assert [answer[level] for level in ("community", "street", "district")] == [None, None, None]


def test_a_point_may_be_given_in_the_projected_system_of_the_city(server: Server) -> None:
    answer = httpx.get(f"{server.url}/locate", params={"x": 386_000, "y": 6_672_000, "crs": "EPSG:3067"}).raise_for_status().json()
    assert answer["point"]["lon"] == pytest.approx(24.944, abs=0.01)
    assert answer["grid"] is not None
