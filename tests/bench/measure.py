"""Timing that can be trusted on a noisy machine: both sides in turn, the ratio pair by pair."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple


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
