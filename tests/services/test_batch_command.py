"""``gisgrid batch`` as it is typed: standard streams, a file of a locator, a day of cases, memory."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv as arrow_csv

from tests.forks import gisgrid
from tests.services.blocks import SIDE, SOUTH, STEP, WEST, areas

_MOST_GROWTH_MIB = 60


@pytest.fixture(scope="module")
def locator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("locator") / "blocks.locator"
    areas().save(path)
    return path


def batch(*arguments: str, content: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run the command in a process of its own, with no database to be had."""
    return gisgrid(["batch", *arguments], {"GISGRID_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, content)


def test_standard_streams_and_no_database(locator: Path) -> None:
    line = json.dumps({"lon": WEST + STEP / 2, "lat": SOUTH + STEP / 2}).encode()
    done = batch("-", "-", "--crs", "wgs84", "--input-format", "ndjson", "--locator", str(locator), "--columns", "grid", content=line)
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout)["grid"] == "370203001001000"
    assert b"1 rows in" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("-", "-", "--crs", "wgs84"), "does not say its format"),
        (("-", "-", "--crs", "wgs84", "--input-format", "csv", "--lon", "a", "--x", "b"), "both name a column"),
        (("-", "-", "--crs", "wgs84", "--input-format", "csv", "--columns", "grids"), "no column 'grids' to add"),
        (("-", "-", "--crs", "wgs84", "--input-format", "csv", "--x", "E"), "there is no column 'E'"),
        (("-", "-", "--crs", "wgs84", "--input-format", "csv", "--as-of", "2026-01-01"), "one time only"),
    ],
)
def test_bad_use_ends_with_2(locator: Path, arguments: tuple[str, ...], says: str) -> None:
    done = batch(*arguments, "--locator", str(locator), content=b"lon,lat\n1,2\n")
    assert (done.returncode, done.stdout) == (2, b"")
    assert says in " ".join(done.stderr.decode().split())


PEAKS = """
import resource, sys
from pathlib import Path
from gisgrid.locator.compiled import POINTS
from gisgrid.services.batch import FileOptions, locate_paths
from tests.services.blocks import engine
POINTS.load()  # else this comes with the rows
for source in sys.argv[2:]:
    locate_paths(engine(), Path(source), Path(sys.argv[1]), FileOptions(piece_bytes=1 << 20, piece_rows=1 << 15))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_memory_does_not_grow_with_the_rows(tmp_path: Path, ending: str) -> None:
    """Three times as many rows after the fewer ones, in one process: more than the fewer took is the growth."""
    sources = []
    for rows in (400_000, 1_200_000):
        rng = np.random.default_rng(1)
        lon = rng.uniform(WEST, WEST + SIDE * STEP, rows).round(6)
        table = pa.table({"id": np.arange(rows), "lon": lon, "lat": rng.uniform(SOUTH, SOUTH + SIDE * STEP, rows).round(6)})
        sources.append(tmp_path / f"in{rows}.{ending}")
        if ending == "csv":
            arrow_csv.write_csv(table, sources[-1])
        else:
            pq.write_table(table, sources[-1], row_group_size=1 << 17)
    command = [sys.executable, "-c", PEAKS, str(tmp_path / f"out.{ending}"), *map(str, sources)]
    done = subprocess.run(command, capture_output=True, check=True, cwd=Path(__file__).parents[2])
    few, many = map(int, done.stdout.split())
    assert many - few < _MOST_GROWTH_MIB, (few, many)


def test_a_day_of_cases_comes_to_its_true_grids(locator: Path, tmp_path: Path) -> None:
    """Positions in their own system, doubled words for nothing, a truth for each: written here, for the blocks."""
    rows = [[str(k), WEST + (k % SIDE + 0.5) * STEP, SOUTH + 0.5 * STEP, "wgs84"] for k in range(40)]
    rows[7][1:3] = ["无", ""]
    source, target = tmp_path / "cases.csv", tmp_path / "located.csv"
    with source.open("w", encoding="gb18030", newline="") as file:
        csv.writer(file).writerows([["编号", "lon", "lat", "crs"], *rows])
    done = batch(str(source), str(target), "--crs-col", "crs", "--locator", str(locator))
    assert done.returncode == 0, done.stderr.decode()
    with target.open(encoding="gb18030", newline="") as file:
        found = list(csv.DictReader(file))
    assert [row["grid"] for row in found] == ["" if k == 7 else f"37020300100{1}{k % SIDE:03d}" for k in range(40)]
