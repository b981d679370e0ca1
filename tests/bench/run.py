"""One run of the benchmarks on a database of its own, so that nothing that is served is touched."""

from __future__ import annotations

from typing import NamedTuple

from ingest.sample.generate import DEFAULT_SEED, generate

from gisgrid.db import open_database
from gisgrid.db.migrate import migrate
from gisgrid.services import ReadModel
from gisgrid.settings import Settings
from tests.bench import http, ingest, points
from tests.bench.measure import Result

DATABASE_NAME = "gisgrid_bench"


class Sizes(NamedTuple):
    """How much to measure with: the sample's scale, points, requests, and rounds of each comparison."""

    scale: float = 1.0
    points: int = 1_000_000
    stored_points: int = 100_000
    requests: int = 10_000
    rounds: int = 5

    @classmethod
    def quick(cls) -> Sizes:
        """Return sizes that run in seconds; their ratios mean nothing."""
        return cls(scale=0.05, points=20_000, stored_points=2_000, requests=200, rounds=1)


def run(settings: Settings, sizes: Sizes) -> tuple[list[Result], list[str]]:
    """Measure everything and return the results and what could not be measured, with the reason."""
    sample = settings.home / f"sample-bench-{sizes.scale:g}"
    generate(sample, DEFAULT_SEED, sizes.scale)
    database = open_database(settings.model_copy(update={"database_name": DATABASE_NAME}))
    migrate(database)
    loading = ingest.against_ogr2ogr(database, sample, max(1, sizes.rounds // 2))
    if loading is None:
        ingest.load(database, sample)
    frame = points.grids(database)
    served = settings.model_copy(update={"database_url": database.url})
    locator = ReadModel.load(database, served).locator
    results = [
        points.against_geopandas(frame, locator, sizes.points, sizes.rounds),
        points.against_postgis(database, frame, locator, sizes.stored_points, sizes.rounds),
        http.lookup_against_echo(served, tuple(frame.total_bounds.tolist()), sizes.requests, sizes.rounds),
        *([loading] if loading else []),
    ]
    missing = [] if loading else ["ingest against ogr2ogr: there is no ogr2ogr (Debian's package gdal-bin)"]
    return results, missing
