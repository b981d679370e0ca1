"""One run of everything that is judged of the locator, on databases of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from gisgrid.db import Database
from gisgrid.db.cluster import Cluster
from gisgrid.db.migrate import migrate
from gisgrid.deployment import load_deployment
from gisgrid.locator.compiled import POINTS
from gisgrid.services import ReadModel
from gisgrid.settings import Settings
from ingest.pipeline import run as ingest
from tests.bench import http, points
from tests.bench.city import loaded, sample
from tests.bench.locating import exact, files, indices, live, seeing
from tests.bench.locating.load import Load, steady
from tests.bench.paced import paced
from tests.bench.report import Report
from tests.conftest import new_database
from tests.serving import GISGRID, Server, served

ROOT = Path(__file__).resolve().parents[3]
HELSINKI = ROOT.parent / "shared" / "real" / "helsinki"
_INCLUDE = "cameras,manhole_covers,building"


class Sizes(NamedTuple):
    """How much to measure with."""

    scale: float = 1.0
    large: float = 10.0
    random: int = 1_000_000
    hard: int = 200_000
    points: int = 1_000_000
    stored_points: int = 100_000
    requests: int = 10_000
    load_s: float = 10.0
    targets: int = 5_000
    file_rows: tuple[int, int] = (1_000_000, 10_000_000)
    edits: int = 5
    rounds: int = 5
    cities: tuple[str, ...] = ("helsinki",)

    @classmethod
    def quick(cls) -> Sizes:
        """Return sizes that run in about a minute; their figures mean nothing. ``tests/test_helsinki.py`` proves the same of Helsinki."""
        return cls(0.05, 0.1, 5_000, 3_000, 20_000, 2_000, 200, 1.0, 40, (2_000, 20_000), 1, 1, ())


def run(settings: Settings, sizes: Sizes, say: Callable[[str], None]) -> Report:
    """Measure everything and return the report."""
    report = Report(say)
    cluster = Cluster(settings.home / "bench-locate-cluster", "gisgrid", shared_buffers="128MB")
    cluster.start()
    try:
        if "helsinki" in sizes.cities:
            _helsinki(cluster, report, sizes)
        city = sample(settings, sizes.scale)
        with loaded(cluster, city) as database:
            own = settings.model_copy(update={"database_url": database.url, "deployment": "shibei"})
            _arrays(own, database, city, report, sizes)
            _http(own, database, cluster, report, sizes)
    finally:
        cluster.stop()
    return report


def _helsinki(cluster: Cluster, report: Report, sizes: Sizes) -> None:
    """Prove the agreement with PostGIS on the 250 m cells of Helsinki, and on its city districts as they were delivered."""
    if not HELSINKI.is_dir():
        report.missing.append("Helsinki: the folder ../shared/real is not here")
        return
    with new_database(cluster.url, prefix="bench") as database:
        migrate(database)
        ingest(database, load_deployment("helsinki"), ROOT / "data" / "sources" / "helsinki.toml", root=HELSINKI).raise_failure()
        _exact(Settings(database_url=database.url, deployment="helsinki"), database, "Helsinki", report, sizes)


def _exact(settings: Settings, database: Database, place: str, report: Report, sizes: Sizes) -> None:
    shapes, locator = exact.grids(database), ReadModel.load(database, settings).locator
    for what, made in (("random", exact.random_points(shapes, sizes.random)), ("hard", exact.hard_points(shapes, sizes.hard))):
        wrong = exact.differences(database, locator, made)
        report.proved(f"{len(made.lon):,} {what} points, {place}", f"{wrong} differ from PostGIS", "none", holds=wrong == 0)


def _arrays(settings: Settings, database: Database, city: Path, report: Report, sizes: Sizes) -> None:
    """Points in arrays, the index, sight and files: all without a server."""
    _exact(settings, database, "sample", report, sizes)
    # Else this would happen by itself, in the midst of a measurement.
    POINTS.load()
    model, frame = ReadModel.load(database, settings), points.grids(database)
    locator = model.locator
    report.measured(
        points.against_geopandas(frame, locator, sizes.points, sizes.rounds),
        points.against_postgis(database, frame, locator, sizes.stored_points, sizes.rounds, indexed=False),
        points.against_postgis(database, frame, locator, sizes.stored_points, sizes.rounds, indexed=True),
        indices.shifted(frame, locator, sizes.points, sizes.rounds),
    )
    small, large = indices.tables(city), indices.tables(sample(settings, sizes.large))
    built, few = indices.building(small, 2.0, "sample", sizes.rounds)
    built_large, many = indices.building(large, 15.0, f"scale {sizes.large:g}", max(1, sizes.rounds // 2))
    boxes = indices.box_of(small), indices.box_of(large)
    report.measured(built, built_large, indices.growth(few, many, boxes, sizes.points, sizes.rounds))
    seeing.measure(model, report, sizes.targets, sizes.rounds)
    path = settings.home / "bench-locator.bin"
    locator.save(path)
    report.measured(*files.against_goals(path, settings.home, sizes.file_rows))


def _http(settings: Settings, database: Database, cluster: Cluster, report: Report, sizes: Sizes) -> None:
    """Lookups over HTTP against the echo; then edits and an outage under half the load that one core could bear."""
    frame, locator = points.grids(database), ReadModel.load(database, settings).locator
    lon, lat = points.points_inside(frame, locator, sizes.requests)
    alone, with_more = http.lookups_against_echo(settings, lon, lat, sizes.rounds, ("", _INCLUDE))
    report.measured(alone, with_more)
    paths = http.locate_paths(lon, lat)
    with served([GISGRID, "serve", "--port"], http.environment(settings)) as server:
        rate = alone.ours / 2.0
        _slowest(server, paths, rate, report, sizes)
    with served([GISGRID, "serve", "--port"], http.environment(settings) | {"GISGRID_API__WORKERS": "2"}) as server:
        load = Load(server.port, paths, rate / 2.0)
        longest, lost = live.edits(database, server, load, sizes.edits, 2)
        for what, waited in longest.items():
            report.proved(f"an edit of {what} under load, 2 workers", f"{waited:.2f} s at the longest", "within 1 s", holds=waited <= 1.0)
        report.proved("requests during the edits", f"{lost} lost", "none", holds=lost == 0)
        sent, lost, said, took = live.outage(cluster, server, load, 2)
        told = f"{sent:,} sent, {lost} lost, stale said: {said}, current again after {took:.1f} s"
        report.proved("PostgreSQL stopped and started under load", told, "none lost", holds=lost == 0 and said)


def _slowest(server: Server, paths: list[bytes], rate: float, report: Report, sizes: Sizes) -> None:
    """Report the 99th percentile at a steady rate; by our own client where there is no wrk, which measures that client too."""
    by_wrk = paced(server.port, paths, rate, round(sizes.load_s))
    if by_wrk is not None:
        rate, slow, lost = by_wrk.per_second, by_wrk.p99_ms, by_wrk.lost
    else:
        report.missing.append("the latency of /locate by wrk: it is not here (Debian's package wrk), so our own client's latency is in it")
        outcome = steady(Load(server.port, paths, rate), sizes.load_s)
        slow, lost = outcome.percentile_ms(99), outcome.lost
    what = f"p99 of /locate at {rate:,.0f} requests/s, one worker"
    report.proved(what, f"{slow:.1f} ms, {lost} lost", "under 20 ms", holds=slow < 20.0)
