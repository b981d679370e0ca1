"""Whole files: rows a second from CSV and from Parquet, and the memory that ten times as many rows take."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv
from pyarrow import parquet as pq

from gisgrid.locator import Locator
from gisgrid.services.batch.formats.tables import ParquetWriter
from tests.bench.measure import Result, peak_of, seconds

_PIECE = 500_000
_GROUPS = 8
_SCHEMA = pa.schema([("id", pa.int64()), ("lon", pa.float64()), ("lat", pa.float64())])
# As of the cases of a district: few lie beside it.
_INSIDE = 0.95
_GOALS = {"csv": 300_000.0, "parquet": 2_000_000.0}
_PLAINEST = ["--columns", "grid"]


def against_goals(locator: Path, folder: Path, sizes: tuple[int, int]) -> list[Result]:
    """Return rows per second and memory for each format; 95 of 100 points lie in a grid of ``locator``, the others in the box around them.

    Two sizes are run: the rate is that of the rows by which they differ, so that starting up does not count.
    """
    found, grids = [], Locator.open(locator)
    for ending, goal in _GOALS.items():
        sources = [_points(folder / f"cases-{rows}.{ending}", grids, rows) for rows in sizes]
        target = folder / f"located.{ending}"
        try:
            for columns, options in (("all columns", []), ("the grid's code alone", _PLAINEST)):
                runs = [_run(source, locator, target, options) for source in sources]
                rate = (sizes[1] - sizes[0]) / max(runs[1][0] - runs[0][0], 1e-9)
                batch = f"batch of {ending}, {sizes[1]:,} rows, {_INSIDE:.0%} in grids, {columns}"
                found.append(_result(batch, "the goal", (rate, goal), "rows/s", "at least 1"))
                if not options:
                    short, long = runs[0][1], runs[1][1]
                    work, reference = f"memory, {sizes[1]:,} rows of {ending}", f"{sizes[0]:,} rows"
                    found.append(_result(work, reference, (long, short), "MiB", "about 1"))
                if ending == "parquet":
                    found.append(_result(f"the same, {columns}", "pyarrow: read, written", (rate, _bare(sources[1], target)), "rows/s", ""))
        finally:
            target.unlink(missing_ok=True)
    return found


def _result(work: str, reference: str, measured: tuple[float, float], unit: str, goal: str) -> Result:
    ours, theirs = measured
    ratio = ours / theirs
    return Result(work, reference, ours, theirs, unit, ratio, (ratio, ratio), goal)


def _run(source: Path, locator: Path, target: Path, options: list[str]) -> tuple[float, float]:
    target.unlink(missing_ok=True)
    return peak_of(["batch", str(source), str(target), "--crs", "wgs84", "--locator", str(locator), *options], {})


def _bare(source: Path, located: Path) -> float:
    """Return how many rows a second pyarrow alone, one thread of it, reads from ``source`` and writes as they are in ``located``."""
    schema = pq.ParquetFile(located).schema_arrow
    words = [field.name for field in schema if pa.types.is_dictionary(field.type)]
    read, made = pq.ParquetFile(source, pre_buffer=False), pq.ParquetFile(located, read_dictionary=words)
    took, rows = 0.0, 0
    with tempfile.TemporaryFile(dir=located.parent) as file:
        writer = ParquetWriter(file, schema)
        for group in range(min(made.num_row_groups, _GROUPS)):
            batch = made.read_row_group(group).combine_chunks().to_batches()[0]
            took += seconds(partial(writer.write_batch, batch))
            rows += batch.num_rows
        writer.close()
    reading = seconds(lambda: sum(batch.num_rows for batch in read.iter_batches(_PIECE)))
    return 1.0 / (took / rows + reading / int(read.metadata.num_rows))


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
