"""Edits under load, with two workers: how soon each worker shows them; and what becomes of requests when PostgreSQL stops."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from gisgrid.db import Database
from gisgrid.db.cluster import Cluster
from tests.bench.locating.load import Load, under_load
from tests.serving import Server

_MOST_S = 10.0

Row = dict[str, object]


class Worker(NamedTuple):
    """One worker process of a server, by a connection that it has accepted."""

    pid: int
    connection: http.client.HTTPConnection


def ask(connection: http.client.HTTPConnection, path: str) -> dict[str, object]:
    """Return the document at ``path``; raises RuntimeError for any answer but 200."""
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        raise RuntimeError(f"{response.status} at {path}: {body[:300]!r}")
    document: dict[str, object] = json.loads(body)
    return document


@contextmanager
def workers(server: Server, count: int) -> Iterator[list[Worker]]:
    """Give a connection to each of the ``count`` worker processes of a server."""
    found: dict[int, http.client.HTTPConnection] = {}
    spare = []
    end = time.monotonic() + 30.0
    while len(found) < count and time.monotonic() < end:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        ask(connection, "/healthz")
        pid = _accepted_by(connection.sock.getsockname()[1], server.port, _children(server.pid))
        spare.append(connection)
        if pid is not None:
            found.setdefault(pid, connection)
    try:
        if len(found) < count:
            raise RuntimeError(f"only {len(found)} of {count} workers answer")
        yield [Worker(pid, connection) for pid, connection in found.items()]
    finally:
        for connection in spare:
            connection.close()


def _children(pid: int) -> list[int]:
    """Return a process and all below it."""
    found = [pid]
    for process in found:
        for task in Path(f"/proc/{process}/task").glob("*/children"):
            found += [int(child) for child in task.read_text(encoding="ascii").split()]
    return found


def _accepted_by(client_port: int, server_port: int, pids: list[int]) -> int | None:
    """Return which of the processes holds the server's end of a connection."""
    wanted = (f":{server_port:04X}", f":{client_port:04X}")
    for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        fields = line.split()
        if fields[1].endswith(wanted[0]) and fields[2].endswith(wanted[1]):
            socket = f"socket:[{fields[9]}]"
            return next((pid for pid in pids if _holds(pid, socket)), None)
    return None


def _holds(pid: int, socket: str) -> bool:
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            if str(entry.readlink()) == socket:
                return True
        except FileNotFoundError:
            continue
    return False


_EDITS = {
    "a camera": (
        "UPDATE gisgrid.cameras SET mount_height_m = %s WHERE code = (SELECT min(code) FROM gisgrid.cameras) "
        "RETURNING ST_X(geom), ST_Y(geom)",
        "/cameras/nearest?lon={}&lat={}&crs=wgs84&k=1",
        lambda answer, value: answer["features"][0]["properties"]["mount_height_m"] == value,
    ),
    "a building": (
        "UPDATE gisgrid.buildings SET height_m = %s WHERE code = (SELECT min(code) FROM gisgrid.buildings) "
        "RETURNING ST_X(ST_PointOnSurface(geom)), ST_Y(ST_PointOnSurface(geom))",
        "/locate?lon={}&lat={}&crs=wgs84&include=building",
        lambda answer, value: answer["building"]["height_m"] == value,
    ),
    "a grid": (
        "UPDATE gisgrid.grids SET name = 'edited ' || (%s)::float8 WHERE code = (SELECT min(code) FROM gisgrid.grids) "
        "RETURNING ST_X(ST_PointOnSurface(geom)), ST_Y(ST_PointOnSurface(geom))",
        "/locate?lon={}&lat={}&crs=wgs84",
        lambda answer, value: answer["grid"]["name"] == f"edited {value:g}",
    ),
    "the border of a grid": (
        "UPDATE gisgrid.grids SET geom = ST_Multi(ST_Buffer(geom, -1e-7 * %s)) WHERE code = (SELECT min(code) FROM gisgrid.grids) "
        "RETURNING ST_X(ST_PointOnSurface(geom)), ST_Y(ST_PointOnSurface(geom))",
        "/locate?lon={}&lat={}&crs=wgs84",
        None,
    ),
}


def seconds_until_seen(database: Database, server: Server, what: str, value: float, count: int) -> float:
    """Edit one feature and return how long after the commit the last of ``count`` workers shows it."""
    statement, route, read = _EDITS[what]
    with workers(server, count) as asked:
        with database.connect() as connection:
            version = connection.execute("SELECT coalesce(max(id), 0) FROM gisgrid.changes").fetchone()
            lon, lat = connection.execute(statement, [value]).fetchone()  # type: ignore[misc]
        begin = time.perf_counter()
        path = route.format(lon, lat)
        waiting = list(asked)
        while waiting and time.perf_counter() - begin < _MOST_S:
            answers = [(worker, ask(worker.connection, path)) for worker in waiting]
            waiting = [worker for worker, answer in answers if not _shows(answer, read, value, version[0] if version else 0)]
            time.sleep(0.005)
        return time.perf_counter() - begin if not waiting else float("inf")


def _shows(answer: dict[str, object], read: object, value: float, version: int) -> bool:
    """Say whether an answer holds the edit; a border shows by the version of the data, which answers carry."""
    if callable(read):
        return bool(read(answer, value))
    shown = answer["data_version"]
    return isinstance(shown, int) and shown > version


def edits(database: Database, server: Server, load: Load, rounds: int, count: int) -> tuple[dict[str, float], int]:
    """Make every kind of edit some times under a steady load; return the longest wait of each kind, and the requests lost."""
    longest: dict[str, float] = {}
    with under_load(load) as outcome:
        time.sleep(1.0)
        for number in range(rounds):
            for what in _EDITS:
                longest[what] = max(longest.get(what, 0.0), seconds_until_seen(database, server, what, 3.0 + number, count))
    return longest, outcome.lost


def outage(cluster: Cluster, server: Server, load: Load, count: int) -> tuple[int, int, bool, float]:
    """Stop PostgreSQL under load and start it again.

    Return requests sent and lost, whether every worker said meanwhile that it is stale, and the seconds after the start
    until none says so any more.
    """
    route = load.paths[0].decode()
    with under_load(load) as outcome:
        time.sleep(1.0)
        cluster.stop()
        with workers(server, count) as asked:
            said = _all_say(asked, route, stale=True) < _MOST_S
        time.sleep(2.0)
        cluster.start()
        begin = time.perf_counter()
        with workers(server, count) as asked:
            _all_say(asked, route, stale=False)
        took = time.perf_counter() - begin
    return outcome.sent, outcome.lost, said, took


def _all_say(asked: list[Worker], route: str, *, stale: bool) -> float:
    begin = time.perf_counter()
    while time.perf_counter() - begin < _MOST_S:
        if all(ask(worker.connection, route).get("stale") is stale for worker in asked):
            break
        time.sleep(0.02)
    return time.perf_counter() - begin
