"""One run of everything that is judged of reading features, on databases of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from gisgrid.db.cluster import Cluster
from gisgrid.settings import Settings
from tests.bench.city import loaded, sample
from tests.bench.ogc import boxes, exports, pages
from tests.bench.report import Report
from tests.bench.tiling.run import bounds_of


class Sizes(NamedTuple):
    """How much to measure with."""

    scale: float = 1.0
    boxes: int = 200
    rounds: int = 5
    features: int = 1_000_000
    page: int = 10_000
    asked: int = 200

    @classmethod
    def quick(cls) -> Sizes:
        """Return sizes that run in seconds; their figures mean nothing."""
        return cls(0.05, 5, 1, 2000, 100, 5)


def run(settings: Settings, size: Sizes, say: Callable[[str], None]) -> Report:
    """Measure everything and return the report."""
    report = Report(say)
    cluster = Cluster(settings.home / "bench-ogc-cluster", "gisgrid", shared_buffers="256MB")
    cluster.start()
    try:
        with loaded(cluster, sample(settings, size.scale)) as database:
            boxes.measure(database.url, bounds_of(database), size.boxes, size.rounds, report)
            say(f"{pages.grow(database, size.features):,} covers")
            pages.measure(database, size.page, size.asked, report)
            exports.measure(database, report)
    finally:
        cluster.stop()
    return report
