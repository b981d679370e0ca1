"""Pages deep in a large collection: what page 10,000 costs beside the first one."""

from __future__ import annotations

import http.client
import statistics
import time

import psycopg

from gisgrid.db import Database
from gisgrid.db.features.keyset import Key, write_cursor
from gisgrid.features import FeatureQuery
from gisgrid.layers import layer
from tests.bench.measure import Result
from tests.bench.report import Report
from tests.bench.tiling import peers
from tests.serving import Server

_LAYER = "manhole_covers"

# Every cover again and again under other codes, each time a little farther off, until there are enough.
_MORE = """
INSERT INTO gisgrid.components (code, scheme, edition, class_code, name, state, department_code, owner_code, maintainer_code,
    installed_on, changed_on, data_source, spec, note, geom)
SELECT c.code || '-' || n, c.scheme, c.edition, c.class_code, c.name, c.state, c.department_code, c.owner_code, c.maintainer_code,
    c.installed_on, c.changed_on, c.data_source, c.spec, c.note, ST_Translate(c.geom, 1e-5 * n, 1e-6 * n)
FROM gisgrid.components c CROSS JOIN generate_series(1, %s) AS n
"""


def grow(database: Database, features: int) -> int:
    """Make copies of the covers until there are at least ``features``, and return how many there are."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        row = connection.execute(f"SELECT count(*) FROM gisgrid.{_LAYER}").fetchone()
        there = row[0] if row else 0
        # Rules that look at each row are for editors; these rows are copies of what was checked.
        connection.execute("SET session_replication_role = replica")
        connection.execute(_MORE.encode(), [-(-features // there) - 1])
        connection.execute("RESET session_replication_role")
        connection.execute("VACUUM ANALYZE gisgrid.components")
        row = connection.execute(f"SELECT count(*) FROM gisgrid.{_LAYER}").fetchone()
        return row[0] if row else 0


def measure(database: Database, page: int, asked: int, report: Report) -> None:
    """Compare the first page with number ``page`` by key, and with the same one by offset: each asked ``asked`` times in turn."""
    first = f"/ogc/collections/{_LAYER}/items?limit=10"
    deep = f"{first}&cursor={_cursor(database, (page - 1) * 10)}"
    offset = f"{first}&offset={(page - 1) * 10}"
    with peers.ours(database.url, cache_bytes=0) as server:
        times = _in_turn(server, (first, deep, offset), asked)
    spread = [one / other for one, other in zip(times[1], times[0], strict=True)]
    for path, taken, goal in ((deep, times[1], "within 20 %"), (offset, times[2], "told")):
        ratio = statistics.median(taken) / statistics.median(times[0])
        work = f"page {page:,} by {'cursor' if path == deep else 'offset'}"
        medians = statistics.median(taken) * 1e3, statistics.median(times[0]) * 1e3
        report.measured(Result(work, "page 1", *medians, "ms", ratio, _quartiles(spread), goal))
        if path == deep:
            report.proved(f"{work} beside page 1", f"{ratio:.2f} of its time", "0.8 to 1.2", holds=0.8 <= ratio <= 1.2)


def _quartiles(values: list[float]) -> tuple[float, float]:
    low, _, high = statistics.quantiles(values, n=4)
    return low, high


def _cursor(database: Database, before: int) -> str:
    """Return the cursor of the page that begins behind so many features."""
    with psycopg.connect(database.url) as connection:
        row = connection.execute(f"SELECT id FROM gisgrid.{_LAYER} ORDER BY id OFFSET %s LIMIT 1".encode(), [before - 1]).fetchone()
    if row is None:
        raise RuntimeError("there are not that many features")
    return write_cursor(FeatureQuery(layer(_LAYER)), Key((), row[0]))


def _in_turn(server: Server, paths: tuple[str, ...], asked: int) -> list[list[float]]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    times: list[list[float]] = [[] for _ in paths]
    for turn in range(asked + 10):
        for path, into in zip(paths, times, strict=True):
            start = time.perf_counter()
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
            if response.status != 200 or body.count(b'"type":"Feature",') != 10:
                raise RuntimeError(f"{response.status} at {path}")
            # The first ones plan the statement and count the collection.
            if turn >= 10:
                into.append(time.perf_counter() - start)
    connection.close()
    return times
