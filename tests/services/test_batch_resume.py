"""Broken off and gone on with: the output is as if nothing had happened."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from gisgrid.errors import SourceError
from gisgrid.services.batch import Done, Engine, FileOptions, Threads, Work, locate_paths
from gisgrid.services.batch.checkpoint import Pace
from gisgrid.services.batch.formats.base import Piece
from tests.forks import start
from tests.services.blocks import BOX, SIDE, SOUTH, STEP, WEST, areas, engine

ROWS = 40_000
OPTIONS = FileOptions(piece_bytes=100_000, piece_rows=4_000, pace=Pace(0.0, 0.0))


class BreaksOff:
    """Does the work of some pieces, and then no more."""

    def __init__(self, pieces: int, error: BaseException) -> None:
        self._pieces, self._error = pieces, error

    def map(self, work: Work, pieces: Iterator[Piece]) -> Iterator[Done]:
        for number, piece in enumerate(pieces):
            if number == self._pieces:
                raise self._error
            yield work(piece)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the same points in every format."""
    made = tmp_path_factory.mktemp("points")
    rng = np.random.default_rng(5)
    table = pa.table(
        {
            "id": np.arange(ROWS),
            "lon": rng.uniform(WEST - STEP, WEST + (SIDE + 1) * STEP, ROWS).round(7),
            "lat": rng.uniform(SOUTH - STEP, SOUTH + (SIDE + 1) * STEP, ROWS).round(7),
        }
    )
    csv.write_csv(table, made / "in.csv")
    pq.write_table(table, made / "in.parquet", row_group_size=5_000)
    (made / "in.gb.csv").write_bytes(
        ("编号,lon,lat\n" + "".join(f"号{i},{x},{y}\n" for i, x, y in zip(*table.to_pydict().values(), strict=True))).encode("gb18030")
    )
    lines = [f'{{"id": {i}, "lon": {x}, "lat": {y}}}' for i, x, y in zip(*table.to_pydict().values(), strict=True)]
    (made / "in.ndjson").write_text("\n".join(lines), encoding="utf-8")
    (made / "in.json").write_text("[" + ",".join(lines) + "]", encoding="utf-8")
    return made


def hidden(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


PAIRS = [
    ("in.csv", "csv"),
    ("in.csv", "csv.gz"),
    ("in.gb.csv", "csv"),
    ("in.ndjson", "ndjson"),
    ("in.json", "json"),
    ("in.json", "json.gz"),
    ("in.csv", "arrows"),
    ("in.parquet", "arrow"),
    ("in.parquet", "csv"),
    ("in.ndjson", "csv"),
]


@pytest.mark.parametrize(("source", "ending"), PAIRS)
def test_bytes_are_the_same_with_a_break_and_without(folder: Path, tmp_path: Path, source: str, ending: str) -> None:
    whole, broken, said = tmp_path / f"whole.{ending}", tmp_path / f"broken.{ending}", list[str]()
    locate_paths(engine(), folder / source, whole, OPTIONS)
    for pieces in (2, 1):
        with pytest.raises(KeyboardInterrupt):
            locate_paths(engine(), folder / source, broken, OPTIONS, executor=BreaksOff(pieces, KeyboardInterrupt()))
        assert not broken.exists()
    # What was written behind the last note is thrown away.
    part = tmp_path / f".broken.{ending}.gisgrid-batch" / "part"
    if part.exists():
        with part.open("ab") as file:
            file.write(b"torn")
    summary = locate_paths(engine(), folder / source, broken, OPTIONS, tell=said.append)
    assert said == [said[0]]
    assert said[0].startswith("Going on behind row ")
    assert summary.rows == sum(summary.outcomes.values()) == ROWS
    assert broken.read_bytes() == whole.read_bytes()
    assert hidden(tmp_path) == []


def test_parquet_comes_in_segments_that_are_joined(folder: Path, tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole.parquet", tmp_path / "broken.parquet"
    locate_paths(engine(), folder / "in.csv", whole, OPTIONS._replace(pace=Pace()))
    with pytest.raises(KeyboardInterrupt):
        locate_paths(engine(), folder / "in.csv", broken, OPTIONS, executor=BreaksOff(4, KeyboardInterrupt()))
    assert len(list((tmp_path / ".broken.parquet.gisgrid-batch").glob("*.segment"))) == 5
    assert locate_paths(engine(), folder / "in.csv", broken, OPTIONS).rows == ROWS
    assert pq.read_table(broken).equals(pq.read_table(whole))
    assert hidden(tmp_path) == []


@pytest.mark.parametrize(("source", "ending"), [("in.csv", "csv"), ("in.parquet", "parquet"), ("in.ndjson", "ndjson")])
def test_a_process_that_is_killed_is_gone_on_with(folder: Path, tmp_path: Path, source: str, ending: str) -> None:
    whole, target = tmp_path / f"whole.{ending}", tmp_path / f"out.{ending}"
    copy = tmp_path / source
    copy.write_bytes((folder / source).read_bytes())
    locate_paths(engine(), copy, whole, OPTIONS._replace(pace=Pace()))
    note = tmp_path / f".out.{ending}.gisgrid-batch" / "checkpoint.json"
    process = start("tests.services.slowly", [str(copy), str(target)], os.environ)
    deadline = time.monotonic() + 60
    while not note.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert not target.exists()
    said: list[str] = []
    locate_paths(engine(), copy, target, OPTIONS._replace(pace=Pace()), tell=said.append)
    assert said
    assert said[0].startswith("Going on behind row ")
    if ending == "parquet":
        assert pq.read_table(target).equals(pq.read_table(whole))
    else:
        assert target.read_bytes() == whole.read_bytes()


def broken_off(folder: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Return input and output of a run that was broken off."""
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_bytes((folder / "in.csv").read_bytes())
    with pytest.raises(KeyboardInterrupt):
        locate_paths(engine(), source, target, OPTIONS, executor=BreaksOff(3, KeyboardInterrupt()))
    return source, target


def test_nothing_is_gone_on_with_when_something_has_changed(folder: Path, tmp_path: Path) -> None:
    said: list[str] = []
    source, target = broken_off(folder, tmp_path)
    locate_paths(engine("gcj02"), source, target, OPTIONS, tell=said.append)
    assert "the options changed" in said.pop()
    source, target = broken_off(folder, tmp_path)
    source.write_bytes(source.read_bytes() + b"1,120.37,36.08\n")
    assert locate_paths(engine(), source, target, OPTIONS, tell=said.append).rows == ROWS + 1
    assert "the input changed" in said.pop()
    source, target = broken_off(folder, tmp_path)
    other = Engine(areas().with_roles({}), BOX, engine().plan)
    locate_paths(other, source, target, OPTIONS, tell=said.append)
    assert "the data changed" in said.pop()
    assert "U9" not in target.read_text(encoding="utf-8")
    source, target = broken_off(folder, tmp_path)
    locate_paths(engine(), source, target, OPTIONS._replace(restart=True), tell=said.append)
    assert said == []


def test_an_input_at_fault_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes(b"lon,lat\n" + b"120.371,36.081\n" * 20_000 + b"\xff\xff\n")
    with pytest.raises(SourceError, match="not in utf-8"):
        locate_paths(engine(), tmp_path / "in.csv", tmp_path / "out.csv", OPTIONS._replace(encoding="utf-8"))
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_two_runs_do_not_write_the_same_file(folder: Path, tmp_path: Path) -> None:
    class Twice(Threads):
        def map(self, work: Work, pieces: Iterator[Piece]) -> Iterator[Done]:
            with pytest.raises(SourceError, match="being written by another run"):
                locate_paths(engine(), folder / "in.csv", tmp_path / "out.csv", OPTIONS)
            return super().map(work, pieces)

    assert locate_paths(engine(), folder / "in.csv", tmp_path / "out.csv", OPTIONS, executor=Twice()).rows == ROWS


def test_a_run_that_is_over_soon_makes_no_notes(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        locate_paths(
            engine(), folder / "in.csv", tmp_path / "out.csv", OPTIONS._replace(pace=Pace()), executor=BreaksOff(3, KeyboardInterrupt())
        )
    assert list(tmp_path.iterdir()) == []
