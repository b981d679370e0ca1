"""One run of everything that is judged of the tiles, on databases of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from gisgrid.db import Database
from gisgrid.db.cluster import Cluster
from gisgrid.settings import Settings
from tests.bench import points
from tests.bench.city import loaded, sample
from tests.bench.report import Report
from tests.bench.tiling import cold, edits, sizes, warm
from tests.bench.tiling.addresses import Box, fixed

_MOST_BYTES = 500_000


class Sizes(NamedTuple):
    """How much to measure with."""

    scale: float = 1.0
    large: float = 10.0
    tiles: int = 12
    rounds: int = 5
    edits: int = 200
    asked: int = 20_000

    @classmethod
    def quick(cls) -> Sizes:
        """Return sizes that run in about a minute; their figures mean nothing."""
        return cls(0.05, 0.1, 1, 1, 3, 50)


def run(settings: Settings, size: Sizes, say: Callable[[str], None]) -> Report:
    """Measure everything and return the report."""
    report = Report(say)
    cluster = Cluster(settings.home / "bench-tiles-cluster", "gisgrid", shared_buffers="256MB")
    cluster.start()
    try:
        with loaded(cluster, sample(settings, size.scale)) as database:
            bounds = bounds_of(database)
            addresses = fixed(bounds, size.tiles)
            cold.measure(database.url, addresses, size.rounds, settings.home, report)
            warm.measure(database.url, addresses, size.rounds, settings.home, report)
            _sizes(database, bounds, size.scale, report)
            edits.measure(database.url, bounds, size.edits, size.asked, report)
        with loaded(cluster, sample(settings, size.large)) as database:
            _sizes(database, bounds_of(database), size.large, report)
    finally:
        cluster.stop()
    return report


def bounds_of(database: Database) -> Box:
    """Return the box of all grids, WGS 84 degrees."""
    west, south, east, north = points.grids(database).total_bounds.tolist()
    return west, south, east, north


def _sizes(database: Database, bounds: Box, scale: float, report: Report) -> None:
    found, count = sizes.largest(database.url, bounds)
    told = f"{found.bytes:,} bytes ({found.layers} {found.address})"
    report.proved(f"the largest of {count:,} tiles, scale {scale:g}", told, "at most 500,000", holds=found.bytes <= _MOST_BYTES)
