"""``make bench-ingest``: loading against ogr2ogr's plain load, how it grows with the district, and how much memory it takes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import pyarrow as pa
import typer
from pyarrow import csv
from rich.console import Console

from gisgrid.db import Database, open_database
from gisgrid.db.migrate import migrate, reset
from gisgrid.settings import Settings, load_settings
from ingest.sample.generate import DEFAULT_SEED, generate
from tests.bench import ingest
from tests.bench.measure import Result, compare, peak_of
from tests.bench.report import table
from tests.conftest import new_database

_BATCH = 500_000
_CLASSES = np.array(["01", "02", "03", "05", "06", "07", "08", "09", "10", "11", "12", "14", "27", "28", "29", "30"])
_SOURCE = """[[sources]]
id = "many-covers"
layer = "manhole_covers"
path = "covers.csv"
crs = "EPSG:4326"
coordinates = { lon = "lon", lat = "lat" }

[sources.fields]
code = "code"
class_code = { field = "code", slice = [6, 10] }
state = { constant = "intact" }
"""


class Sizes(NamedTuple):
    """How much to measure with: the two scales of the sample that are compared, rounds, and points for the memory."""

    small: float = 1.0
    large: float = 10.0
    rounds: int = 3
    points: int = 10_000_000

    @classmethod
    def quick(cls) -> Sizes:
        """Return sizes that run in seconds; their ratios mean nothing."""
        return cls(small=0.05, large=0.1, rounds=1, points=20_000)


def run(settings: Settings, sizes: Sizes) -> list[Result]:
    """Measure on a database of its own and return the results."""
    with new_database(open_database(settings).url, prefix="bench") as database:
        migrate(database)
        found = [
            ingest.against_ogr2ogr(database, _sample(settings, sizes.small), sizes.rounds),
            _growth(settings, database, sizes),
            _memory(settings, database, sizes.points),
        ]
    return [result for result in found if result is not None]


def _sample(settings: Settings, scale: float) -> Path:
    folder = settings.home / f"sample-bench-{scale:g}"
    generate(folder, DEFAULT_SEED, scale)
    return folder


def _growth(settings: Settings, database: Database, sizes: Sizes) -> Result:
    """Compare the load of a district ten times the size with that of the small one."""
    small, large = _sample(settings, sizes.small), _sample(settings, sizes.large)
    result = compare(lambda: ingest.load(database, large), lambda: ingest.load(database, small), max(1, sizes.rounds - 1))
    work = f"ingest of the sample at scale {sizes.large:g}"
    return Result(work, f"at scale {sizes.small:g}", *result[:2], "s", *result[2:], "at most 11")


def _memory(settings: Settings, database: Database, points: int) -> Result:
    """Load ``points`` covers from one CSV file in a process of its own and compare its peak memory with 1 GiB."""
    folder = settings.home / f"sample-bench-points-{points}"
    _write_points(folder, points)
    reset(database)
    environment = {"GISGRID_DATABASE_URL": database.url, "GISGRID_DEPLOYMENT": "shibei"}
    took, peak = peak_of(["ingest", str(folder / "sources.toml"), "--quiet"], environment)
    work = f"memory for {points:,} points of CSV ({points / took:,.0f} rows/s)"
    return Result(work, "1 GiB", peak, 1024, "MiB", peak / 1024, (peak / 1024, peak / 1024), "below 1")


def _write_points(folder: Path, points: int) -> None:
    """Write ``points`` covers with codes and places of their own, unless they are there already."""
    path = folder / "covers.csv"
    if path.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sources.toml").write_text(_SOURCE, encoding="utf-8")
    random = np.random.default_rng(DEFAULT_SEED)
    schema = pa.schema([("code", pa.string()), ("lon", pa.float64()), ("lat", pa.float64())])
    draft = path.with_suffix(".draft")
    with csv.CSVWriter(draft, schema) as writer:
        for start in range(0, points, _BATCH):
            numbers = np.arange(start, min(start + _BATCH, points))
            minors, sequences = _CLASSES[numbers % len(_CLASSES)], numbers // len(_CLASSES)
            codes = pa.array([f"37020301{minor}{number:06d}" for minor, number in zip(minors, sequences, strict=True)])
            lon, lat = random.uniform(120.31, 120.44, len(numbers)), random.uniform(36.06, 36.18, len(numbers))
            writer.write_table(pa.table([codes, pa.array(lon), pa.array(lat)], schema=schema))
    draft.rename(path)


def main(
    quick: Annotated[bool, typer.Option(help="Small samples and one round: shows that it runs, not how fast.")] = False,
    points: Annotated[int, typer.Option(help="Points for the measurement of memory.")] = Sizes().points,
) -> None:
    """Measure and print the table of ratios."""
    sizes = Sizes.quick() if quick else Sizes(points=points)
    console = Console()
    if not console.is_terminal:
        console.width = 160
    console.print(table(run(load_settings(), sizes)))


if __name__ == "__main__":
    typer.run(main)
