"""Warm tiles: as many as are answered in a second, and the processor time of each, against nginx with the same bytes in files."""

from __future__ import annotations

import gzip
import http.client
import os
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from gisgrid.layers import layer
from tests.bench.measure import Result, compare
from tests.bench.report import Report
from tests.bench.tiling import peers
from tests.bench.tiling.peers import Side
from tests.serving import Server, served

SCRIPT = Path(__file__).parent.with_name("unpaced.lua")
"""What makes wrk ask for the paths in a file."""

_CONNECTIONS = 16
_SECONDS = 2

# The usual way to serve files fast: one process, no log, compressed files as they lie there, connections that last.
_NGINX = """daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log crit; {user}
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; gzip_static on; keepalive_requests 1000000000; etag on;
  types {{ application/vnd.mapbox-vector-tile mvt; }}
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port} backlog=2048; root {folder}/root; }}
}}
"""


class Load(NamedTuple):
    """What came of a load: requests a second of wall time, and microseconds of the server's processor time for each."""

    per_second: float
    cpu_us: float


def measure(url: str, addresses: Sequence[str], rounds: int, folder: Path, report: Report) -> None:
    """Compare with nginx, Martin and tipg, where they and wrk are; ``addresses`` are z/x/y."""
    if shutil.which("wrk") is None:
        report.missing.append("warm tiles: there is no wrk (Debian's package wrk)")
        return
    asked = [
        (name, address) for name in peers.LAYERS_MEASURED for address in addresses if int(address.split("/")[0]) >= layer(name).min_zoom
    ]
    with peers.ours(url, cache_bytes=256_000_000) as ours, tempfile.TemporaryDirectory(dir=folder) as place:
        # Only tiles in which something is: a file that is not there is no match for an empty answer.
        full = [each for each in asked if _save(Path(place) / "root", ours, peers.our_path(*each))]
        mine = Side(ours, [peers.our_path(*each) for each in full])
        with _nginx(Path(place)) as other:
            if other is None:
                report.missing.append("warm tiles against nginx: there is no nginx")
            else:
                files = Reference("nginx, same bytes in files", "at least 1")
                report.measured(*compared(mine, Side(other, mine.paths), rounds, files))
        with peers.martin(url, folder, cache_mb=256) as other:
            if other is not None:
                theirs = Side(other, [peers.martin_path(*each) for each in full])
                report.measured(*compared(mine, theirs, rounds, Reference("Martin with its cache", "at least 1")))
        with peers.tipg(url) as other:
            if other is not None:
                theirs = Side(other, [peers.tipg_path(*each) for each in full])
                report.measured(*compared(mine, theirs, rounds, Reference("tipg", "at least 20")))


class Reference(NamedTuple):
    """Who ours is compared with, and what is to be reached."""

    name: str
    goal: str


def compared(ours: Side, theirs: Side, rounds: int, reference: Reference) -> tuple[Result, Result]:
    """Return the comparison in wall time and in processor time."""
    for side in (ours, theirs):
        load(*side)
    mine: list[Load] = []
    other: list[Load] = []

    def rate(side: Side, loads: list[Load]) -> float:
        loads.append(load(*side))
        return loads[-1].per_second

    measured = compare(lambda: rate(ours, mine), lambda: rate(theirs, other), rounds)
    ratios = [one.cpu_us / each.cpu_us for each, one in zip(mine, other, strict=True)]
    ours_per_s, theirs_per_s = (1e6 / statistics.median(one.cpu_us for one in loads) for loads in (mine, other))
    by_cpu = ours_per_s, theirs_per_s, "tiles/CPU s", statistics.median(ratios), (min(ratios), max(ratios))
    work = f"warm tiles, {len(ours.paths)} of zooms 10 to 17"
    by_wall = Result(work, reference.name, *measured[:2], "tiles/s", *measured[2:], reference.goal)
    return by_wall, Result(work, reference.name, *by_cpu, reference.goal)


def load(server: Server, paths: Sequence[str]) -> Load:
    """Ask a server for ``paths`` over and over again for so long; raises RuntimeError when an answer is none."""
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("\n".join(paths))
        file.flush()
        before = cpu_us(server.pid)
        size = ["-t1", f"-c{_CONNECTIONS}", f"-d{_SECONDS}s", "-s", str(SCRIPT), server.url]
        done = subprocess.run(["wrk", *size, "--", file.name], capture_output=True, check=True, text=True)
        after = cpu_us(server.pid)
    told = next(line for line in done.stdout.splitlines() if line.startswith("unpaced "))
    requests, microseconds, lost = map(int, told.split()[1:])
    if lost:
        raise RuntimeError(f"{lost} of {requests} requests failed at {server.url}")
    return Load(requests / microseconds * 1e6, (after - before) / requests)


def cpu_us(pid: int) -> float:
    """Return the processor time of a process and its children so far, microseconds."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    own = sum(int(thread.read_text(encoding="ascii").split()[0]) for thread in threads) / 1000
    return own + sum(cpu_us(int(child)) for child in children)


def _save(root: Path, server: Server, path: str) -> bool:
    """Save what the server answers as the files that nginx serves, plain and compressed; say whether there is anything."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        connection.request("GET", path, headers={"accept-encoding": "gzip"})
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    if response.status != 200:
        return False
    file = root / path.removeprefix("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    if response.getheader("content-encoding") == "gzip":
        file.with_name(f"{file.name}.gz").write_bytes(body)
        body = gzip.decompress(body)
    file.write_bytes(body)
    return True


@contextmanager
def _nginx(folder: Path) -> Iterator[Server | None]:
    """Serve ``folder``/root by nginx in one process; None without the program."""
    program = shutil.which("nginx")
    if program is None:
        yield None
        return
    folder.chmod(0o755)
    # A master that is root would give the work to a user who may not read the folder.
    user = "user root;" if os.geteuid() == 0 else ""
    config = _NGINX.format(folder=folder, port="PORT", user=user)
    command = ["sh", "-c", f'sed "s/PORT/$2/" "$1" > "$1.done" && exec "$0" -p {folder} -c "$1.done"', program, str(folder / "nginx.conf")]
    (folder / "nginx.conf").write_text(config, encoding="utf-8")
    with served(command, {}) as server:
        yield server
