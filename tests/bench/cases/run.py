"""How many cases a second a server takes in, how long each waits, and what that costs: one real process, a real PostGIS, real decisions.

The figures of a machine on which others are at work say little; processor time for a case says more, and is told beside them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from gisgrid.db import open_database
from gisgrid.settings import Settings
from tests.bench.cases.posting import Posted, bodies_of, post_paced, summary
from tests.serving import GISGRID, served

RATE, P99_MS = 300.0, 100.0
"""What is promised: cases a second on two cores, and the latency of all but one in a hundred, milliseconds."""

_WARM, _WARM_S = 1_000, 12.0
_TICKS = os.sysconf("SC_CLK_TCK")


class Result(NamedTuple):
    """What came of it: the stream, the processor time of the server for a case (milliseconds), and how many cases are in the database."""

    posted: Posted
    cpu_ms: float
    kept: int

    @property
    def holds(self) -> bool:
        """Whether the promise was kept."""
        return self.posted.lost == 0 and self.posted.per_second >= 0.98 * RATE and self.posted.p99_ms < P99_MS


def run(settings: Settings, cases: Sequence[dict[str, object]], per_second: float, workers: int = 1) -> Result:
    """Send cases to a server of its own on the database of ``settings`` and return what came of it."""
    database = open_database(settings)
    bodies = bodies_of(cases)
    environment = {"GISGRID_DATABASE_URL": database.url, "GISGRID_HOME": str(settings.home), "GISGRID_DEPLOYMENT": settings.deployment}
    with served([GISGRID, "serve", "--workers", str(workers), "--port"], environment) as server:
        # A server makes and loads some things when they are asked for first; what is measured is one that has been up for a moment.
        post_paced(server.port, bodies[:_WARM], _WARM / _WARM_S, prefix=f"warm-{server.pid}")
        before = _cpu_s(server.pid)
        sent = post_paced(server.port, bodies, per_second, prefix=f"bench-{server.pid}")
        spent = _cpu_s(server.pid) - before
    numbers = [one.number for one in sent if one.status == 201]
    with database.connect() as connection:
        row = connection.execute("SELECT count(*) FROM gisgrid.cases_all WHERE number = ANY (%s)", [numbers]).fetchone()
    assert row is not None
    return Result(summary(sent, per_second), 1000.0 * spent / max(1, len(numbers)), int(row[0]))


def _cpu_s(pid: int) -> float:
    """Return the processor time of a process and its children so far, seconds."""
    total, waiting = 0, [pid]
    while waiting:
        one = waiting.pop()
        try:
            fields = Path(f"/proc/{one}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
            waiting += [int(child) for child in Path(f"/proc/{one}/task/{one}/children").read_text(encoding="utf-8").split()]
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS
