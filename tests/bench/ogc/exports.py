"""A whole collection as a file: how much memory the server takes for it, and how fast it comes beside ogr2ogr."""

from __future__ import annotations

import http.client
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from gisgrid.db import Database
from gisgrid.features.formats import BY_WORD, FileFormat
from gisgrid.layers import layer
from tests.bench.measure import Result
from tests.bench.report import Report
from tests.bench.tiling import peers
from tests.serving import Server

_LAYER = "manhole_covers"
_DRIVERS = {"geojsonseq": "GeoJSONSeq", "csv": "CSV", "fgb": "FlatGeobuf", "gpkg": "GPKG"}
_MOST_GROWTH_MB = 200.0


def measure(database: Database, report: Report) -> None:
    """Download the collection in every format; each time from a server of its own, so that its highest mark is that of this download."""
    for one in BY_WORD.values():
        with peers.ours(database.url, cache_bytes=0) as server:
            _download(server, one, limit=1)
            before = _forget_highest(server)
            ours, size = _download(server, one)
            growth = _highest_mb(server) - before
        found = f"{growth:,.0f} MB more for a file of {size / 1e6:,.0f} MB"
        goal = f"at most {_MOST_GROWTH_MB:.0f} MB"
        report.proved(f"memory of a download as {one.title}", found, goal, holds=growth <= _MOST_GROWTH_MB)
        theirs = _ogr2ogr(database, one)
        if theirs is not None:
            work, ratio = f"{one.title} of the collection over HTTP", ours / theirs
            report.measured(Result(work, "ogr2ogr from PostGIS", ours, theirs, "s", ratio, (ratio, ratio), "told"))


def _forget_highest(server: Server) -> float:
    """Let the highest mark of memory begin anew, without what starting took, and return where it is."""
    Path(f"/proc/{server.pid}/clear_refs").write_text("5")
    return _highest_mb(server)


def _highest_mb(server: Server) -> float:
    text = Path(f"/proc/{server.pid}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", text)[0]) / 1024


def _download(server: Server, one: FileFormat, limit: int | None = None) -> tuple[float, int]:
    """Return the seconds that a file takes, and its length in bytes."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)
    start, size = time.perf_counter(), 0
    connection.request("GET", f"/ogc/collections/{_LAYER}/items?f={one.word}{f'&limit={limit}' if limit else ''}")
    response = connection.getresponse()
    while chunk := response.read(1 << 20):
        size += len(chunk)
    connection.close()
    if response.status != 200:
        raise RuntimeError(f"{response.status} for {one.word}")
    return time.perf_counter() - start, size


def _ogr2ogr(database: Database, one: FileFormat) -> float | None:
    """Return the seconds that ogr2ogr takes for the same file, None where it cannot write it."""
    program = shutil.which("ogr2ogr")
    if program is None or one.word not in _DRIVERS:
        return None
    columns = ", ".join(["id", *(field.name for field in layer(_LAYER).fields), "geom"])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"{_LAYER}{one.suffix}")
        source = ["PG:", "-sql", f"SELECT {columns} FROM gisgrid.{_LAYER} ORDER BY id"]
        start = time.perf_counter()
        subprocess.run([program, "-f", _DRIVERS[one.word], str(path), *source], check=True, env=database.libpq_environment())
        return time.perf_counter() - start
