"""A steady load by wrk, whose own work is too small to show in the latencies: a client in Python waits for its own core too."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_SCRIPT = Path(__file__).with_name("paced.lua")
_LONGEST_PAUSE_MS = 40
_SEED = 7


class Paced(NamedTuple):
    """What came of a load: requests answered, how many of them a second, how many failed, and latencies in milliseconds."""

    requests: int
    per_second: float
    lost: int
    median_ms: float
    p99_ms: float


def paced(port: int, paths: Sequence[bytes], per_second: float, seconds: int) -> Paced | None:
    """Ask for ``paths`` about ``per_second`` times a second, over as many connections as that takes; None without wrk."""
    program = shutil.which("wrk")
    if program is None:
        return None
    connections = max(1, round(per_second * _LONGEST_PAUSE_MS / 2 / 1000))
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"\n".join(paths))
        file.flush()
        size = ["-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(_SCRIPT), f"http://127.0.0.1:{port}"]
        # wrk has no other way to hand values to its script.
        done = subprocess.run([program, *size, "--", file.name, str(_LONGEST_PAUSE_MS), str(_SEED)], capture_output=True, check=True)
    told = next(line for line in done.stdout.decode().splitlines() if line.startswith("paced "))
    requests, microseconds, lost, median, slow = map(int, told.split()[1:])
    return Paced(requests, requests / microseconds * 1e6, lost, median / 1000, slow / 1000)
