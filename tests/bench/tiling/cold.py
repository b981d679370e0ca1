"""Cold tiles: milliseconds each over a fixed list, asked for one after the other, while no side keeps any."""

from __future__ import annotations

import http.client
from collections.abc import Sequence
from pathlib import Path

from gisgrid.layers import layer
from tests.bench.measure import Result, compare, seconds
from tests.bench.report import Report
from tests.bench.tiling import peers
from tests.bench.tiling.peers import Side
from tests.serving import Server


def measure(url: str, addresses: Sequence[str], rounds: int, folder: Path, report: Report) -> None:
    """Compare with Martin and tipg, where they are: ``addresses`` are z/x/y."""
    if not (peers.martin_program() or peers.tipg_program()):
        report.missing += [peers.MARTIN_MISSING, peers.TIPG_MISSING]
        return
    asked = [
        (name, address) for name in peers.LAYERS_MEASURED for address in addresses if int(address.split("/")[0]) >= layer(name).min_zoom
    ]
    work = f"cold tiles, {len(asked)} of zooms 10 to 17"
    with peers.ours(url, cache_bytes=0) as server:
        ours = Side(server, [peers.our_path(*each) for each in asked])
        with peers.martin(url, folder, cache_mb=0) as other:
            if other is None:
                report.missing.append(peers.MARTIN_MISSING)
            else:
                theirs = Side(other, [peers.martin_path(*each) for each in asked])
                report.measured(Result(work, "Martin, same fields", *_compared(ours, theirs, rounds), "at most 0.8"))
        with peers.tipg(url) as other:
            if other is None:
                report.missing.append(peers.TIPG_MISSING)
            else:
                theirs = Side(other, [peers.tipg_path(*each) for each in asked])
                report.measured(Result(work, "tipg, same fields", *_compared(ours, theirs, rounds), "at most 0.5"))


def _compared(ours: Side, theirs: Side, rounds: int) -> tuple[float, float, str, float, tuple[float, float]]:
    for side in (ours, theirs):
        milliseconds(*side)  # both prepare their statements, and PostgreSQL reads its pages
    mine, other, ratio, spread = compare(lambda: milliseconds(*ours), lambda: milliseconds(*theirs), rounds)
    return mine, other, "ms", ratio, spread


def milliseconds(server: Server, paths: Sequence[str]) -> float:
    """Return the milliseconds a tile takes over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        return 1000 * seconds(lambda: _get_all(connection, paths)) / len(paths)
    finally:
        connection.close()


def _get_all(connection: http.client.HTTPConnection, paths: Sequence[str]) -> None:
    for path in paths:
        connection.request("GET", path, headers={"accept-encoding": "gzip"})
        response = connection.getresponse()
        response.read()
        if response.status not in {200, 204}:
            raise RuntimeError(f"{path}: {response.status}")
