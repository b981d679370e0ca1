"""Timing that can be trusted on a noisy machine: both sides in turn, the ratio pair by pair."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.forks import start

_PROGRAM = "tests.bench.peak"


class Result(NamedTuple):
    """One line of the report: ours against a reference, in the unit given, with the ratio's spread over the rounds.

    ``ratio`` is the median of the rounds' ratios; whether high or low is good says ``goal``.
    """

    work: str
    reference: str
    ours: float
    theirs: float
    unit: str
    ratio: float
    spread: tuple[float, float]
    goal: str


def seconds(work: Callable[[], object]) -> float:
    """Return how long one call of ``work`` takes, in seconds of wall time."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compare(ours: Callable[[], float], theirs: Callable[[], float], rounds: int) -> tuple[float, float, float, tuple[float, float]]:
    """Measure both sides in turn and return the medians of ours and theirs, the median ratio ours/theirs and its range."""
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    ratios = [mine / other for mine, other in pairs]
    medians = statistics.median(mine for mine, _ in pairs), statistics.median(other for _, other in pairs)
    return *medians, statistics.median(ratios), (min(ratios), max(ratios))


def peak_of(arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[float, float]:
    """Run a ``gisgrid`` command in a process of its own and return its seconds of wall time and its peak of memory in MiB."""
    with tempfile.TemporaryDirectory() as folder:
        noted = Path(folder) / "peak"
        whole = {**os.environ, **environment, "BENCH_PEAK": str(noted)}
        took = seconds(lambda: _run(arguments, whole))
        return took, int(noted.read_text(encoding="ascii")) / 1024


def _run(arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    # In a test no figure counts: there it is forked from a process that has imported all, which costs two seconds less.
    if "PYTEST_VERSION" in environment:
        code = start(_PROGRAM, arguments, environment).wait()
        if code:
            raise subprocess.CalledProcessError(code, list(arguments))
    else:
        subprocess.run([sys.executable, "-m", _PROGRAM, *arguments], env=environment, check=True)
