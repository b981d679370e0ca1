"""How right the geocoder is on cases whose truth is known, how sure it says it is, and how quick."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from rich.table import Table

from gisgrid.geocoding.answers import LEVELS_OF_DOORS, Geocoded
from gisgrid.geocoding.gazetteer import Gazetteer
from gisgrid.locator import Locator
from gisgrid.locator.ground import short_distance_m
from tests.bench.geocoding.files import Case


class Judged(NamedTuple):
    """One answer: is its point in the true grid, is the true grid one of those that its circle touches, and how far off is it?"""

    case: Case
    best: Geocoded | None
    is_right: bool
    is_touched: bool
    away_m: float

    @property
    def is_within(self) -> bool:
        """Whether the truth is within the radius that was claimed."""
        return self.best is not None and self.away_m <= self.best.uncertainty_m

    @property
    def confidence(self) -> float:
        """What was claimed."""
        return 0.0 if self.best is None else self.best.confidence


class Quality(NamedTuple):
    """Shares of answers: ``doors_right`` among those that claim a door plate or better, ``right`` and ``touched`` of all;

    ``wrong_and_sure`` of all, ``sure_within`` among those that claim 0.9 or more, ``doors`` how many claim a door plate or better.
    """

    doors_right: float
    right: float
    touched: float
    wrong_and_sure: float
    sure_within: float
    doors: float


def judge(gazetteer: Gazetteer, locator: Locator, cases: Sequence[Case]) -> list[Judged]:
    """Ask for every address and compare with the truth."""
    judged = []
    for case in cases:
        best = gazetteer.geocode(case.address).best
        if best is None:
            judged.append(Judged(case, None, False, False, float("inf")))
            continue
        found = locator.locate(best.lon, best.lat, best.uncertainty_m)
        grid = found.grid.code if found.grid else ""
        away_m = short_distance_m(case.lon - best.lon, case.lat - best.lat, best.lat)
        judged.append(Judged(case, best, grid == case.grid, case.grid in {one.code for one in found.candidates}, away_m))
    return judged


def quality(judged: Sequence[Judged]) -> Quality:
    """Return the shares that the geocoder is judged by."""
    doors = [one for one in judged if one.best is not None and one.best.level in LEVELS_OF_DOORS]
    sure = [one for one in judged if one.confidence >= 0.9]
    return Quality(
        float(np.mean([one.is_right for one in doors])),
        float(np.mean([one.is_right for one in judged])),
        float(np.mean([one.is_touched for one in judged])),
        sum(not one.is_right for one in sure) / len(judged),
        float(np.mean([one.is_within for one in sure])),
        len(doors) / len(judged),
    )


def calibration(judged: Sequence[Judged]) -> Table:
    """Return by tenths of what was claimed how many of the answers are within their radius, and how many in the true grid."""
    table = Table("claimed", "answers", "mean claim", "within radius", "true grid", title="Confidence")
    for low in np.arange(0.0, 1.0, 0.1):
        some = [one for one in judged if low <= one.confidence < low + 0.1]
        if some:
            shares = (np.mean([getattr(one, name) for one in some]) for name in ("confidence", "is_within", "is_right"))
            table.add_row(f"{low:.1f} to {low + 0.1:.1f}", f"{len(some):,}", *(f"{share:.3f}" for share in shares))
    return table


def by_kind(judged: Sequence[Judged]) -> Table:
    """Return how right answers of each level and way are, and how far off."""
    table = Table("level", "found", "answers", "true grid", "within radius", "median m", "95 % m", title="Kinds of answers")
    kinds: dict[tuple[str, str], list[Judged]] = {}
    for one in judged:
        kinds.setdefault((one.best.level, one.best.match_type) if one.best else ("none", ""), []).append(one)
    for kind, some in sorted(kinds.items(), key=lambda item: -len(item[1])):
        away = np.percentile([min(one.away_m, 1e6) for one in some], (50, 95))
        shares = (np.mean([getattr(one, name) for one in some]) for name in ("is_right", "is_within"))
        table.add_row(*kind, f"{len(some):,}", *(f"{share:.3f}" for share in shares), *(f"{far:,.0f}" for far in away))
    return table


def rows_per_second(gazetteer: Gazetteer, texts: Sequence[str], rounds: int = 3) -> tuple[float, float]:
    """Return how many addresses one processor answers in a second of its own time, and how many turns of an empty loop it makes in it."""
    rates, turns = [], []
    for _ in range(rounds):
        begin = time.process_time()
        gazetteer.geocode_many(texts)
        rates.append(len(texts) / (time.process_time() - begin))
        begin = time.process_time()
        for _turn in range(1_000_000):
            pass
        turns.append(1e6 / (time.process_time() - begin))
    return float(np.median(rates)), float(np.median(turns))
