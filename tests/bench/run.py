"""One run of the benchmarks on a database of its own, so that nothing that is served is touched."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from gisgrid.db import Database, open_database
from gisgrid.db.migrate import migrate
from gisgrid.services import ReadModel
from gisgrid.settings import Settings
from ingest.sample.generate import DEFAULT_SEED, generate
from tests.bench import http, ingest, points, tiles
from tests.bench.measure import Result
from tests.conftest import new_database

_MISSING = (
    "a cold tile against Martin: there is no martin (`cargo install martin`)",
    "ingest against ogr2ogr: there is no ogr2ogr (Debian's package gdal-bin)",
)


class Sizes(NamedTuple):
    """How much to measure with: the sample's scale, points, requests, and rounds of each comparison."""

    scale: float = 1.0
    points: int = 1_000_000
    stored_points: int = 100_000
    requests: int = 10_000
    tiles: int = 150
    rounds: int = 5

    @classmethod
    def quick(cls) -> Sizes:
        """Return sizes that run in seconds; their ratios mean nothing."""
        return cls(scale=0.05, points=20_000, stored_points=2_000, requests=200, tiles=5, rounds=1)


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
    bounds = tuple(frame.total_bounds.tolist())
    cold = tiles.cold_against_martin(settings, bounds, sizes.tiles, sizes.rounds, settings.home)
    results = [
        points.against_geopandas(frame, locator, sizes.points, sizes.rounds),
        points.against_postgis(database, frame, locator, sizes.stored_points, sizes.rounds, indexed=False),
        points.against_postgis(database, frame, locator, sizes.stored_points, sizes.rounds, indexed=True),
        http.lookup_against_echo(settings, *points.points_inside(frame, locator, sizes.requests), sizes.rounds),
        cold,
        loading,
    ]
    return [result for result in results if result], [
        reason for result, reason in zip((cold, loading), _MISSING, strict=True) if not result
    ]
