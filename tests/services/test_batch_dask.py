"""Batches on a Dask cluster: a scheduler and worker processes of their own, on the loopback."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from distributed import Client
from pyarrow import csv

from gisgrid.db import Database
from gisgrid.errors import SourceError, UnavailableError, UsageError
from gisgrid.services.batch import Done, FileOptions, Work, locate_paths
from gisgrid.services.batch.checkpoint import Pace
from gisgrid.services.batch.dask_cluster import DaskCluster, received
from gisgrid.services.batch.formats.base import Piece
from tests.forks import Forked, start
from tests.services.blocks import SIDE, SOUTH, STEP, WEST, areas, engine
from tests.services.conftest import Run
from tests.serving import free_port

pytestmark = pytest.mark.slow

ROWS = 60_000
OPTIONS = FileOptions(piece_bytes=100_000, piece_rows=3_000)
QUIET = {"DASK_DISTRIBUTED__LOGGING__DISTRIBUTED": "error", "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "20s"}


@contextmanager
def _process(*words: str) -> Iterator[Forked]:
    """Run a process of Dask for a block; it is ended by its id."""
    process = start("distributed.cli." + words[0], words[1:], {**os.environ, **QUIET}, {2: Path(os.devnull)})
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def _worker(address: str, folder: Path, *words: str) -> Iterator[Forked]:
    options = (
        "--no-nanny",
        "--no-dashboard",
        "--nthreads",
        "1",
        "--memory-limit",
        "0",
        "--death-timeout",
        "60",
        "--local-directory",
        str(folder),
    )
    with _process("dask_worker", address, *options, *words) as process:
        yield process


def _client(address: str) -> Any:
    return cast(Any, Client)(address, set_as_default=False)


def _wait_for(address: str, count: int) -> None:
    with _client(address) as client:
        client.wait_for_workers(count, timeout=60)


@contextmanager
def cluster(folder: Path, *workers: tuple[str, ...]) -> Iterator[tuple[str, list[Forked]]]:
    """Run a scheduler and workers, each with more options of its own, for a block."""
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    with ExitStack() as stack:
        stack.enter_context(_process("dask_scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard", "--no-show"))
        _until_open(port)
        processes = [stack.enter_context(_worker(address, folder, *words)) for words in workers]
        if workers:
            _wait_for(address, len(workers))
        yield address, processes


def _until_open(port: int) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < end, "the scheduler did not start"
            time.sleep(0.1)
        else:
            return


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A scheduler with two worker processes that live as long as the tests."""
    with cluster(tmp_path_factory.mktemp("dask"), (), ()) as (found, _):
        yield found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the same points in several formats."""
    made = tmp_path_factory.mktemp("points")
    rng = np.random.default_rng(7)
    table = pa.table(
        {
            "id": np.arange(ROWS),
            "lon": rng.uniform(WEST - STEP, WEST + (SIDE + 1) * STEP, ROWS).round(7),
            "lat": rng.uniform(SOUTH - STEP, SOUTH + (SIDE + 1) * STEP, ROWS).round(7),
        }
    )
    csv.write_csv(table, made / "in.csv")
    pq.write_table(table, made / "in.parquet", row_group_size=10_000)
    lines = [f'{{"id": {i}, "lon": {x}, "lat": {y}}}' for i, x, y in zip(*table.to_pydict().values(), strict=True)]
    (made / "in.ndjson").write_text("\n".join([*lines[:500], "oops", *lines[500:]]), encoding="utf-8")
    return made


class Meddling(DaskCluster):
    """A cluster to which something happens after some pieces."""

    def __init__(self, address: str, after: int, then: Callable[[], object], no_worker_s: float = 60.0) -> None:
        super().__init__(address, no_worker_s=no_worker_s)
        self._after, self._then = after, then

    def map(self, work: Work, pieces: Iterator[Piece]) -> Iterator[Done]:
        for number, done in enumerate(super().map(work, pieces)):
            if number == self._after:
                self._then()
            yield done


@pytest.mark.parametrize(
    ("source", "ending"), [("in.csv", "csv"), ("in.csv", "csv.gz"), ("in.ndjson", "ndjson"), ("in.ndjson", "parquet"), ("in.csv", "arrows")]
)
def test_the_output_is_that_of_a_local_run_to_the_byte(address: str, folder: Path, tmp_path: Path, source: str, ending: str) -> None:
    here, there = tmp_path / f"here.{ending}", tmp_path / f"there.{ending}"
    told: list[int] = []
    local = locate_paths(engine(), folder / source, here, OPTIONS)
    with DaskCluster(address) as executor:
        summary = locate_paths(
            engine(), folder / source, there, OPTIONS, executor=executor, progress=lambda _what, done, _total: told.append(done)
        )
    assert summary._replace(seconds=0.0) == local._replace(seconds=0.0)
    assert there.read_bytes() == here.read_bytes()
    assert len(told) > 10
    assert told == sorted(told)


def test_tables_come_through_as_they_are(address: str, folder: Path, tmp_path: Path) -> None:
    here, there = tmp_path / "here.parquet", tmp_path / "there.parquet"
    locate_paths(engine(), folder / "in.parquet", here, OPTIONS)
    with DaskCluster(address) as executor:
        locate_paths(engine(), folder / "in.parquet", there, OPTIONS, executor=executor)
    assert pq.read_table(there).equals(pq.read_table(here))
    assert there.read_bytes() == here.read_bytes()


def test_the_locator_travels_once_to_each_worker(address: str, folder: Path, tmp_path: Path) -> None:
    size, counts = len(areas().to_bytes()), []

    def count() -> None:
        with _client(address) as client:
            counts.extend(client.run(received).values())

    with Meddling(address, 15, count) as executor:
        locate_paths(engine(), folder / "in.csv", tmp_path / "out.csv", OPTIONS, executor=executor)
    assert [[tuple(run) for run in worker.values()] for worker in counts] == [[(1, size)]] * 2
    # It is given back at the end.
    with _client(address) as client:
        assert list(client.run(received).values()) == [{}, {}]
        assert client.run(lambda dask_worker: [name for name in dask_worker.plugins if "gisgrid" in name]).popitem()[1] == []


def test_a_worker_that_joins_later_gets_it_too_and_one_that_is_killed_costs_nothing(folder: Path, tmp_path: Path) -> None:
    here, there = tmp_path / "here.csv", tmp_path / "there.csv"
    locate_paths(engine(), folder / "in.csv", here, OPTIONS)
    with ExitStack() as stack:
        address, workers = stack.enter_context(cluster(tmp_path, (), ()))
        late: dict[str, dict[str, tuple[int, int]]] = {}

        def kill() -> None:
            os.kill(workers[0].pid, signal.SIGKILL)
            stack.enter_context(_worker(address, tmp_path, "--name", "late"))
            end = time.monotonic() + 60
            with _client(address) as client:
                while "late" not in {str(found["name"]) for found in client.scheduler_info(n_workers=-1)["workers"].values()}:
                    assert time.monotonic() < end
                    time.sleep(0.1)
                late.update(client.run(received))

        executor = stack.enter_context(Meddling(address, 5, kill))
        summary = locate_paths(engine(), folder / "in.csv", there, OPTIONS, executor=executor)
        assert workers[0].wait() == -signal.SIGKILL
        assert [tuple(run) for worker in late.values() for run in worker.values()] == [(1, len(areas().to_bytes()))] * 2
    assert summary.rows == ROWS
    assert there.read_bytes() == here.read_bytes()


def test_a_run_that_was_broken_off_is_gone_on_with_on_a_cluster_or_here(address: str, folder: Path, tmp_path: Path) -> None:
    whole, broken, said = tmp_path / "whole.csv", tmp_path / "broken.csv", list[str]()
    options = OPTIONS._replace(pace=Pace(0.0, 0.0))

    def stop() -> None:
        raise KeyboardInterrupt

    locate_paths(engine(), folder / "in.csv", whole, options)
    for after in (4, 3):
        with Meddling(address, after, stop) as executor, pytest.raises(KeyboardInterrupt):
            locate_paths(engine(), folder / "in.csv", broken, options, executor=executor)
    locate_paths(engine(), folder / "in.csv", broken, options, tell=said.append)
    assert said[0].startswith("Going on behind row ")
    assert broken.read_bytes() == whole.read_bytes()


def test_what_is_wrong_with_the_input_is_told_as_it_is_here(address: str, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes(b"lon,lat\n" + b"120.371,36.081\n" * 90_000 + b"\xff\xff\n")
    with DaskCluster(address) as executor, pytest.raises(SourceError, match="not in utf-8"):
        locate_paths(engine(), tmp_path / "in.csv", tmp_path / "out.csv", OPTIONS._replace(encoding="utf-8"), executor=executor)
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_a_worker_of_another_version_is_told(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "older.py").write_text("import gisgrid.services.batch.dask_cluster as cluster\ncluster.FORMAT = 99\n", encoding="utf-8")
    with (
        cluster(tmp_path, ("--preload", str(tmp_path / "older.py"))) as (address, _),
        DaskCluster(address) as executor,
        pytest.raises(UsageError, match=r"locator format 99.*Install the same version"),
    ):
        locate_paths(engine(), folder / "in.csv", tmp_path / "out.csv", OPTIONS, executor=executor)


def test_a_scheduler_that_is_not_there_or_has_no_workers_is_told(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gisgrid.services.batch.dask_cluster._CONNECT_S", 1.0)
    for wrong in (f"tcp://127.0.0.1:{free_port()}", "nonsense://x"):
        with pytest.raises(UnavailableError, match="no Dask scheduler"):
            DaskCluster(wrong)
    with (
        cluster(tmp_path) as (address, _),
        DaskCluster(address, no_worker_s=1.0) as executor,
        pytest.raises(UnavailableError, match="has had no worker for 1 s"),
    ):
        locate_paths(engine(), folder / "in.csv", tmp_path / "out.csv", OPTIONS, executor=executor)


def test_a_cluster_that_loses_all_its_workers_is_told(folder: Path, tmp_path: Path) -> None:
    with (
        cluster(tmp_path, ()) as (address, workers),
        Meddling(address, 3, lambda: os.kill(workers[0].pid, signal.SIGKILL), 3.0) as executor,
        pytest.raises(UnavailableError, match="has had no worker for 3 s"),
    ):
        locate_paths(engine(), folder / "in.csv", tmp_path / "out.csv", OPTIONS, executor=executor)


def test_the_command_takes_a_scheduler(address: str, folder: Path, tmp_path: Path, run_on: Callable[[Database], Run]) -> None:
    areas().save(tmp_path / "grids.locator")
    run = run_on(Database("postgresql://nobody@127.0.0.1:1/nothing"))
    words = ["--crs", "wgs84", "--locator", str(tmp_path / "grids.locator")]
    for name, more in (("here.csv", []), ("there.csv", ["--scheduler", address])):
        code, _, said = run("batch", str(folder / "in.csv"), str(tmp_path / name), *words, *more)
        assert code == 0, said
        assert f"{ROWS:,} rows" in said
    assert (tmp_path / "there.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()


def test_without_dask_the_command_says_how_to_get_it(
    folder: Path, tmp_path: Path, run_on: Callable[[Database], Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    areas().save(tmp_path / "grids.locator")
    monkeypatch.delitem(sys.modules, "gisgrid.services.batch.dask_cluster")
    monkeypatch.setitem(sys.modules, "distributed", None)
    run = run_on(Database("postgresql://nobody@127.0.0.1:1/nothing"))
    words = ["--crs", "wgs84", "--locator", str(tmp_path / "grids.locator"), "--scheduler", "tcp://127.0.0.1:1"]
    code, _, said = run("batch", str(folder / "in.csv"), str(tmp_path / "out.csv"), *words)
    assert code == 2
    assert "gisgrid[dask]" in said
