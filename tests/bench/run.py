"""One run of the benchmarks on a database of its own, so that nothing that is served is touched."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from gisgrid.db import Database, open_database
from gisgrid.db.migrate import migrate
from gisgrid.services import ReadModel
from gisgrid.settings import Settings
from ingest.sample.generate import DEFAULT_SEED, generate
from tests.bench import http, ingest, points
from tests.bench.measure import Result
from tests.bench.report import Report
from tests.bench.tiling import addresses, cold
from tests.conftest import new_database

_NO_OGR2OGR = "ingest against ogr2ogr: there is no ogr2ogr (Debian's package gdal-bin)"


class Sizes(NamedTuple):
    """How much to measure with: the sample's scale, points, requests, and rounds of each comparison."""

    scale: float = 1.0
    points: int = 1_000_000
    stored_points: int = 100_000
    requests: int = 10_000
    tiles: int = 12
    rounds: int = 5

    @classmethod
    def quick(cls) -> Sizes:
        """Return sizes that run in seconds; their ratios mean nothing."""
        return cls(scale=0.05, points=20_000, stored_points=2_000, requests=200, tiles=1, rounds=1)


def run(settings: Settings, sizes: Sizes) -> tuple[list[Result], list[str]]:
    """Measure everything and return the results and what could not be measured, with the reason."""
    sample = settings.home / f"sample-bench-{sizes.scale:g}"
    generate(sample, DEFAULT_SEED, sizes.scale)
    with new_database(open_database(settings).url, prefix="bench") as database:
        migrate(database)
        return _measure(settings.model_copy(update={"database_url": database.url}), database, sample, sizes)


def _measure(settings: Settings, database: Database, sample: Path, sizes: Sizes) -> tuple[list[Result], list[str]]:
    loading = ingest.against_ogr2ogr(database, sample, max(1, sizes.rounds // 2))
    if loading is None:
        ingest.load(database, sample)
    frame = points.grids(database)
    locator = ReadModel.load(database, settings).locator
    west, south, east, north = frame.total_bounds.tolist()
    report = Report(lambda _: None)
    report.measured(
        points.against_geopandas(frame, locator, sizes.points, sizes.rounds),
        points.against_postgis(database, frame, locator, sizes.stored_points, sizes.rounds, indexed=False),
        points.against_postgis(database, frame, locator, sizes.stored_points, sizes.rounds, indexed=True),
        *http.lookups_against_echo(settings, *points.points_inside(frame, locator, sizes.requests), sizes.rounds),
    )
    cold.measure(database.url, addresses.fixed((west, south, east, north), sizes.tiles), sizes.rounds, settings.home, report)
    if loading is None:
        report.missing.append(_NO_OGR2OGR)
    else:
        report.measured(loading)
    return report.results, report.missing
