"""Whole files: rows a second from CSV and from Parquet, and the memory that ten times as many rows take."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv
from pyarrow import parquet as pq

from gisgrid.locator import Locator
from tests.bench.measure import Result, peak_of

_PIECE = 500_000
_SCHEMA = pa.schema([("id", pa.int64()), ("lon", pa.float64()), ("lat", pa.float64())])
# As of the cases of a district: few lie beside it.
_INSIDE = 0.95
_GOALS = {"csv": 300_000.0, "parquet": 2_000_000.0}


def against_goals(locator: Path, folder: Path, sizes: tuple[int, int]) -> list[Result]:
    """Return rows per second and memory for each format; 95 of 100 points lie in a grid of ``locator``, the others in the box around them.

    Two sizes are run: the rate is that of the rows by which they differ, so that starting up does not count.
    """
    found, grids = [], Locator.open(locator)
    for ending, goal in _GOALS.items():
        runs = [_run(_points(folder / f"cases-{rows}.{ending}", grids, rows), locator, folder / f"located.{ending}") for rows in sizes]
        (short_s, short_mib), (long_s, long_mib) = runs
        rate = (sizes[1] - sizes[0]) / max(long_s - short_s, 1e-9)
        spread = (rate / goal, rate / goal)
        batch = f"batch of {ending}, {sizes[1]:,} rows, {_INSIDE:.0%} in grids"
        found.append(Result(batch, "the goal", rate, goal, "rows/s", rate / goal, spread, "at least 1"))
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


def _points(path: Path, locator: Locator, rows: int) -> Path:
    """Write ``rows`` seeded points in and around the grids to a file, unless it is there already."""
    if path.exists():
        return path
    draft = path.with_suffix(".draft")
    make = pq.ParquetWriter if path.suffix == ".parquet" else csv.CSVWriter
    rng = np.random.default_rng(3)
    with make(draft, _SCHEMA) as writer:
        for start in range(0, rows, _PIECE):
            ids = np.arange(start, min(start + _PIECE, rows))
            writer.write_table(pa.table([ids, *_positions(locator, rng, len(ids))], schema=_SCHEMA))
    draft.rename(path)
    return path


def _positions(locator: Locator, rng: np.random.Generator, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return longitudes and latitudes, drawn evenly from the box of the grids until as many as are wanted lie in one, and outside."""
    box = locator.bounds
    if box is None:
        raise ValueError("the locator has no grids")
    found = np.empty((2, count))
    inside = rng.random(count) < _INSIDE
    missing = np.arange(count)
    while missing.size:
        drawn = np.array([rng.uniform(box.west, box.east, missing.size), rng.uniform(box.south, box.north, missing.size)]).round(6)
        found[:, missing] = drawn
        missing = missing[(locator.grid_indices(*drawn) >= 0) != inside[missing]]
    return found[0], found[1]
