"""Whole files: rows a second from CSV and from Parquet, and the memory that ten times as many rows take."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv
from pyarrow import parquet as pq

from tests.bench.measure import Result, peak_of

_PIECE = 500_000
_SCHEMA = pa.schema([("id", pa.int64()), ("lon", pa.float64()), ("lat", pa.float64())])
_GOALS = {"csv": 300_000.0, "parquet": 2_000_000.0}


def against_goals(locator: Path, box: tuple[float, float, float, float], folder: Path, sizes: tuple[int, int]) -> list[Result]:
    """Return rows per second and memory for each format.

    Two sizes are run: the rate is that of the rows by which they differ, so that starting up does not count.
    """
    found = []
    for ending, goal in _GOALS.items():
        runs = [_run(_points(folder / f"points-{rows}.{ending}", box, rows), locator, folder / f"located.{ending}") for rows in sizes]
        (short_s, short_mib), (long_s, long_mib) = runs
        rate = (sizes[1] - sizes[0]) / max(long_s - short_s, 1e-9)
        spread = (rate / goal, rate / goal)
        found.append(Result(f"batch of {ending}, {sizes[1]:,} rows", "the goal", rate, goal, "rows/s", rate / goal, spread, "at least 1"))
        grown = long_mib / short_mib
        work, reference = f"memory, {sizes[1]:,} rows of {ending}", f"{sizes[0]:,} rows"
        found.append(Result(work, reference, long_mib, short_mib, "MiB", grown, (grown, grown), "about 1"))
    return found


def _run(source: Path, locator: Path, target: Path) -> tuple[float, float]:
    arguments = ["batch", str(source), str(target), "--crs", "wgs84", "--locator", str(locator)]
    try:
        return peak_of(arguments, {})
    finally:
        target.unlink(missing_ok=True)


def _points(path: Path, box: tuple[float, float, float, float], rows: int) -> Path:
    """Write ``rows`` seeded points of the box to a file, unless it is there already."""
    if path.exists():
        return path
    draft = path.with_suffix(".draft")
    make = pq.ParquetWriter if path.suffix == ".parquet" else csv.CSVWriter
    rng = np.random.default_rng(3)
    with make(draft, _SCHEMA) as writer:
        for start in range(0, rows, _PIECE):
            ids = np.arange(start, min(start + _PIECE, rows))
            lon, lat = rng.uniform(box[0], box[2], len(ids)), rng.uniform(box[1], box[3], len(ids))
            writer.write_table(pa.table([ids, lon.round(6), lat.round(6)], schema=_SCHEMA))
    draft.rename(path)
    return path
