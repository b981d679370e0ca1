"""Killed at any moment - the loading process or the server - a load leaves every layer whole: as before it, or as after."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from gisgrid.db import Database
from gisgrid.db.cluster import Cluster
from gisgrid.db.migrate import migrate
from ingest.sample.generate import generate
from tests.forks import Forked, start
from tests.postgres import quick_home

pytestmark = pytest.mark.slow

SEED = 20_261_121
MOMENTS = 20
SCALE = 0.05
AREAS = ("districts", "streets", "communities", "grids")
LAYERS = (*AREAS, "manhole_covers", "buildings", "cameras", "organizations", "area_roles")
SERVED = {"area_roles": "valid_to IS NULL", "organizations": "retired_at IS NULL"}
UNLIKE = ["id", "generation_id", "valid_from", "valid_to", "version", "changed_at", "geom_3857", "geom_gcj02"]  # differ from load to load

# As texts of rows, in which a geometry is its bytes: as JSON it would be written out in full, ten times as slowly.
COLUMNS = """
SELECT table_name, string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position) FROM information_schema.columns
WHERE table_schema = 'gisgrid' AND table_name = ANY (%s) AND column_name <> ALL (%s) GROUP BY table_name
"""

State = dict[str, tuple[int, int]]
"""For each layer the number of rows that are served, and a sum over what they hold."""


class World(NamedTuple):
    """A cluster that may be killed, and two districts that take turns in it."""

    cluster: Cluster
    home: Path
    districts: tuple[Path, Path]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    # What is killed are processes: what they have written stays, on a disk as in memory.
    with quick_home() as home:
        cluster = Cluster(home, "gisgrid", shared_buffers="64MB")
        cluster.start()
        districts = (home / "one", home / "two")
        for seed, folder in enumerate(districts, 1):
            generate(folder, seed, SCALE)
        try:
            migrate(Database(cluster.url))
            yield World(cluster, home, districts)
        finally:
            cluster.stop()


class Load(NamedTuple):
    """A load under way, and where its messages go."""

    process: Forked
    messages: Path

    def end(self, seconds: float) -> tuple[int, str]:
        """Wait for its end; return its exit code and what it said."""
        return self.process.wait(seconds), self.messages.read_text(encoding="utf-8")


def begin(world: World, district: Path) -> Load:
    """Start a load of a district: the command as a user calls it, forked, since one that was killed at once would not have begun yet."""
    messages = world.home / "messages.txt"
    messages.write_bytes(b"")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GISGRID_")}
    environment |= {"GISGRID_HOME": str(world.home), "GISGRID_DATABASE_URL": world.cluster.url}
    arguments = ["ingest", str(district / "sources.toml"), "--activate", "--quiet"]
    return Load(start("gisgrid.cli", arguments, environment, {1: messages, 2: messages}), messages)


def load(world: World, district: Path) -> float:
    """Load a district to the end and return the seconds that it took."""
    start = time.perf_counter()
    code, errors = begin(world, district).end(300)
    assert code == 0, errors
    return time.perf_counter() - start


def state(world: World) -> State:
    """Return what is served, as it can be compared."""
    found: State = {}
    with Database(world.cluster.url).connect() as connection:
        columns = dict(connection.execute(COLUMNS, [list(LAYERS), UNLIKE]).fetchall())
        for layer in LAYERS:
            row = connection.execute(
                f"SELECT count(*), coalesce(sum(hashtextextended(row({columns[layer]})::text, 0)), 0)"
                f" FROM gisgrid.{layer} t WHERE {SERVED.get(layer, 'true')}".encode(),
            ).fetchone()
            assert row is not None
            found[layer] = (row[0], int(row[1]))
    return found


def runs(world: World) -> list[tuple[str, bool]]:
    """Return status and whether it ended, of every run."""
    with Database(world.cluster.url).connect() as connection:
        return connection.execute("SELECT status, finished_at IS NOT NULL FROM gisgrid.ingest_runs ORDER BY id").fetchall()


def kill_server(world: World) -> None:
    """Kill the server's first process, and wait until nothing of it is left."""
    pid = int((world.home / "pg" / "data" / "postmaster.pid").read_text(encoding="ascii").split()[0])
    family = [pid, *children(pid)]
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{number}").exists() for number in family):
        assert time.monotonic() < deadline, "the server's processes did not end"
        time.sleep(0.02)


def children(pid: int) -> list[int]:
    """Return the processes that ``pid`` has started."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it may have ended by now
            parent = status.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[1]
            found += [int(status.parent.name)] if int(parent) == pid else []
    return found


def torn(now: State, one: State, two: State) -> list[str]:
    """Return the layers that are neither as in one district nor as in the other; areas must be of one district together."""
    found = [layer for layer in LAYERS if now[layer] not in (one[layer], two[layer])]
    if not any(all(now[layer] == of[layer] for layer in AREAS) for of in (one, two)):
        found.append("the areas together")
    return found


def interrupt(world: World, district: Path, after_s: float, *, server: bool) -> bool:
    """Start a load, kill it or the server after some time; return whether the load was still at work."""
    under_way = begin(world, district)
    time.sleep(after_s)
    if not server:
        under_way.process.kill()
        return under_way.end(60)[0] != 0
    kill_server(world)
    code, errors = under_way.end(60)
    world.cluster.start()
    assert code in {0, 1}, errors
    assert "Traceback" not in errors, errors
    assert code == 0 or errors.startswith("gisgrid: "), errors
    return code != 0


def test_whatever_is_killed_the_served_data_are_whole(world: World) -> None:
    chance = random.Random(SEED)
    first, second = world.districts
    load(world, first)
    one = state(world)
    took = load(world, second)
    two = now = state(world)
    assert all(one[layer] != two[layer] for layer in LAYERS)
    interrupted = 0
    for moment in range(MOMENTS):
        target = first if now == two else second
        interrupted += interrupt(world, target, chance.uniform(0.0, 1.0) * took, server=moment % 2 == 1)
        now = state(world)
        assert torn(now, one, two) == [], f"moment {moment}"
        assert {status for status, has_ended in runs(world) if not has_ended} <= {"failed"}
    assert interrupted > MOMENTS / 3, "hardly a load was still at work when it was killed"
    load(world, first)
    assert state(world) == one
