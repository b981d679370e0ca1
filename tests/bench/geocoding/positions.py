"""Positions under a wrong name of their coordinate system: how many the addresses give away, and how many right ones they spoil."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gisgrid.cases.drafts import SaidPosition
from gisgrid.cases.positions import Anchor, Fix, find_place
from gisgrid.crs import GCJ02, WGS84, Crs, from_wgs84
from gisgrid.geocoding.gazetteer import Gazetteer
from gisgrid.locator import Locator
from gisgrid.types import Bounds
from tests.bench.geocoding.files import Case

MISLABELLED = 0.1
"""The share of positions that are given a wrong name on purpose."""

# As in the sample: the others are in WGS 84.
_IN_GCJ02 = 0.62
# As exact as the sample has them.
_DIGITS = 6


class Labels(NamedTuple):
    """What came of positions with wrong and right names, as shares.

    Of the wrong ones: ``wrong_label_noticed`` in all, of which ``wrong_label_reread`` at once, the others went to a person. Of the right
    ones: ``right_label_kept`` as they were without a question, ``right_label_in_grid`` in the true grid. ``any_label_in_grid`` of all.
    """

    wrong_label_noticed: float
    wrong_label_reread: float
    right_label_kept: float
    right_label_in_grid: float
    any_label_in_grid: float


class _Read(NamedTuple):
    is_wrong: bool
    fix: Fix
    is_right: bool

    @property
    def is_moved(self) -> bool:
        """Whether it was read as something else than it said."""
        return self.fix.reading is not None and bool(self.fix.reading.moved_m)

    @property
    def is_asked(self) -> bool:
        """Whether a person is asked."""
        return self.fix.question is not None


def read_labels(gazetteer: Gazetteer, locator: Locator, cases: Sequence[Case], bounds: Bounds, seed: int = 0) -> Labels:
    """Give every case its true position in GCJ-02 or WGS 84, a tenth under the other's name, and read it with the address."""
    rng = np.random.default_rng(seed)
    is_gcj, is_wrong = rng.random(len(cases)) < _IN_GCJ02, rng.random(len(cases)) < MISLABELLED
    systems: tuple[Crs, Crs] = (WGS84, GCJ02)
    found = []
    for case, gcj, wrong in zip(cases, is_gcj.tolist(), is_wrong.tolist(), strict=True):
        lon, lat = from_wgs84(systems[gcj], case.lon, case.lat)
        said = SaidPosition(round(lon, _DIGITS), round(lat, _DIGITS), systems[gcj != wrong])
        fix = find_place(said, _anchors(gazetteer, case.address), bounds)
        assert fix is not None  # there is a position
        area = locator.locate(fix.lon, fix.lat).grid
        found.append(_Read(wrong, fix, area is not None and area.code == case.grid))
    return _labels(found)


def _anchors(gazetteer: Gazetteer, address: str) -> list[Anchor]:
    """Return what an address says of the place, as ``gisgrid.cases.decision`` hands it on."""
    found = gazetteer.geocode(address)
    places = () if found.best is None else (found.best, *found.alternatives)
    return [Anchor(one.lon, one.lat, one.uncertainty_m, one.confidence, "address", one.address) for one in places]


def _labels(found: Sequence[_Read]) -> Labels:
    wrong = [one for one in found if one.is_wrong]
    right = [one for one in found if not one.is_wrong]
    return Labels(
        float(np.mean([one.is_moved or one.is_asked for one in wrong])),
        float(np.mean([one.is_moved for one in wrong])),
        float(np.mean([not (one.is_moved or one.is_asked) for one in right])),
        float(np.mean([one.is_right for one in right])),
        float(np.mean([one.is_right for one in found])),
    )
