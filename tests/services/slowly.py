"""A batch that takes its time, for those who kill it: a program of the forks (``tests/forks.py``)."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from gisgrid.services.batch import FileOptions, Threads, locate_paths
from gisgrid.services.batch.checkpoint import Pace
from tests.services.blocks import engine


def main() -> None:
    """Locate the rows of the first argument into the second."""
    options = FileOptions(piece_bytes=100_000, piece_rows=4_000, pace=Pace(0.0, 0.2))
    locate_paths(engine(), Path(sys.argv[1]), Path(sys.argv[2]), options, executor=Threads(1, 1), progress=_wait)


def _wait(what: str, done: int, total: int | None) -> None:
    time.sleep(0.05)
