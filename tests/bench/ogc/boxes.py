"""Features in a box, as a map asks for them: as many answers in a second, and their processor time, against tipg on the same PostGIS."""

from __future__ import annotations

import http.client
import random
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from typing import NamedTuple

import psycopg

from tests.bench.measure import Result, compare
from tests.bench.report import Report
from tests.bench.tiling import peers
from tests.bench.tiling.addresses import Box
from tests.bench.tiling.warm import SCRIPT, Load, cpu_us
from tests.serving import Server

_LAYERS = ("manhole_covers", "buildings")
_GOAL = "at least 10"
_PATIENCE_S = 60
# A server that takes less than this share of a processor over so long has settled.
_QUIET_S, _QUIET = 1.0, 0.1
_CONNECTIONS = 4
_SECONDS = 4


class Window(NamedTuple):
    """What a map shows: so many degrees wide and high, and at most so many features on a page."""

    name: str
    width: float
    height: float
    limit: int


_WINDOWS = (
    Window("a street, 450 m", 0.005, 0.004, 10),
    Window("a quarter, 1.8 km", 0.02, 0.01, 10),
    Window("a quarter, 1.8 km", 0.02, 0.01, 1000),
)


def measure(url: str, bounds: Box, boxes: int, rounds: int, report: Report) -> None:
    """Compare with tipg, where it and wrk are, over ``boxes`` places in ``bounds`` (degrees)."""
    if shutil.which("wrk") is None:
        report.missing.append("features in a box: there is no wrk (Debian's package wrk)")
        return
    with peers.ours(url, cache_bytes=0) as ours, peers.tipg(url) as theirs:
        if theirs is None:
            report.missing.append(peers.TIPG_MISSING.replace("tiles", "features in a box"))
            return
        for layer in _LAYERS:
            for window in _WINDOWS:
                asked = [_asked(window, place) for place in _places(bounds, window, boxes)]
                mine = _Side(ours, [f"/ogc/collections/{layer}/items?{one}" for one in asked], url, "gisgrid features")
                # Its own choice of a geometry is not the one that ours gives.
                other = _Side(theirs, [f"/collections/gisgrid.{layer}/items?geom-column=geom&{one}" for one in asked], url, "")
                report.measured(*_compared(f"{layer}, {window.name}, limit {window.limit}", mine, other, rounds))


class _Side(NamedTuple):
    server: Server
    paths: Sequence[str]
    url: str
    application: str


def _compared(work: str, ours: _Side, theirs: _Side, rounds: int) -> tuple[Result, Result]:
    for side in (ours, theirs):
        _ready(side)
        _settle(side)
    loads: dict[str, list[Load]] = {"ours": [], "theirs": []}

    def rate(side: _Side, into: list[Load]) -> float:
        into.append(_loaded(side))
        return into[-1].per_second

    measured = compare(lambda: rate(ours, loads["ours"]), lambda: rate(theirs, loads["theirs"]), rounds)
    ratios = [other.cpu_us / mine.cpu_us for mine, other in zip(loads["ours"], loads["theirs"], strict=True)]
    per_cpu = [1e6 / statistics.median(one.cpu_us for one in side) for side in loads.values()]
    by_cpu = (per_cpu[0], per_cpu[1], "pages/CPU s", statistics.median(ratios), (min(ratios), max(ratios)))
    return Result(work, "tipg", *measured[:2], "pages/s", *measured[2:], _GOAL), Result(work, "tipg", *by_cpu, _GOAL)


def _loaded(side: _Side) -> Load:
    """Ask for the paths over and over for some seconds; the processor time of a page is that of the server and of PostgreSQL."""
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("\n".join(side.paths))
        file.flush()
        before = cpu_us(side.server.pid) + _database_us(side)
        size = ["-t1", f"-c{_CONNECTIONS}", f"-d{_SECONDS}s", "--timeout", "60s", "-s", str(SCRIPT), side.server.url]
        done = subprocess.run(["wrk", *size, "--", file.name], capture_output=True, check=True, text=True)
        after = cpu_us(side.server.pid) + _database_us(side)
    told = next(line for line in done.stdout.splitlines() if line.startswith("unpaced "))
    requests, microseconds, lost = map(int, told.split()[1:])
    if lost or not requests:
        raise RuntimeError(f"{lost} of {requests} requests failed at {side.server.url}")
    return Load(requests / microseconds * 1e6, (after - before) / requests)


def _database_us(side: _Side) -> float:
    """Return the processor time of a side's sessions so far, microseconds; tipg's have no name."""
    sql = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s AND pid <> pg_backend_pid()"
    with psycopg.connect(side.url, application_name="gisgrid benchmark") as connection:
        pids = [row[0] for row in connection.execute(sql, [side.application])]
    return sum(_schedstat(pid) for pid in pids)


def _schedstat(pid: int) -> float:
    try:
        with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
            return int(file.read().split()[0]) / 1000
    except OSError:  # a session that has ended meanwhile
        return 0.0


def _ready(side: _Side) -> None:
    end = time.monotonic() + _PATIENCE_S
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", side.server.port, timeout=_PATIENCE_S)
        try:
            connection.request("GET", side.paths[0])
            if connection.getresponse().status == 200 or time.monotonic() > end:
                return
        finally:
            connection.close()
        time.sleep(0.2)


def _settle(side: _Side) -> None:
    """Wait until a server has done what it does once after its start: the first measured would bear all of it."""
    end, used = time.monotonic() + _PATIENCE_S, cpu_us(side.server.pid)
    while time.monotonic() < end:
        time.sleep(_QUIET_S)
        before, used = used, cpu_us(side.server.pid)
        if used - before < _QUIET * _QUIET_S * 1e6:
            return


def _asked(window: Window, corner: tuple[float, float]) -> str:
    west, south = corner
    return f"limit={window.limit}&bbox={west:.5f},{south:.5f},{west + window.width:.5f},{south + window.height:.5f}"


def _places(bounds: Box, window: Window, count: int) -> list[tuple[float, float]]:
    """Return corners of windows in ``bounds``, always the same ones."""
    west, south, east, north = bounds
    chance = random.Random(20)
    width, height = max(east - west - window.width, 0.0), max(north - south - window.height, 0.0)
    return [(west + chance.random() * width, south + chance.random() * height) for _ in range(count)]
