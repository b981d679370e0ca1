"""How far from the truth each kind of answer may be, and how often it is no farther: figures found by trial, see docs/geocoding.md."""

from __future__ import annotations

import math
from typing import NamedTuple

from gisgrid.geocoding.answers import AddressLevel, MatchType


class Claim(NamedTuple):
    """What is claimed of a place: ``reach_m`` is added to how far the thing itself reaches, ``sure`` is how probable that radius is."""

    reach_m: float
    sure: float


_OF_LEVEL: dict[AddressLevel, Claim] = {
    "unit": Claim(12.0, 0.97),
    "building": Claim(12.0, 0.97),
    "door_plate": Claim(20.0, 0.96),
    "crossing": Claim(15.0, 0.93),
    "place": Claim(20.0, 0.93),
    "road": Claim(10.0, 0.9),
    "community": Claim(30.0, 0.9),
    "street": Claim(30.0, 0.9),
    "district": Claim(50.0, 0.9),
}
_OF_MATCH: dict[MatchType, float] = {
    "exact": 1.0,
    "alias": 0.98,
    "old_name": 0.96,
    "fuzzy": 0.85,
    "interpolated": 0.85,
    "nearest_number": 0.6,
    "between_crossings": 1.0,
    "fallback": 0.75,
}
_OF_RELATION: dict[str, Claim] = {
    "": Claim(0.0, 1.0),
    "at": Claim(5.0, 1.0),
    "near": Claim(30.0, 0.97),
    "direction": Claim(30.0, 0.97),
    "opposite": Claim(60.0, 0.9),
    "between": Claim(0.0, 1.0),
}
# How often something this far along a relation lies in another grid than the thing that is named, right at the edge of the grid; and
# within how many metres from the edge that chance falls to a third.
_STRAYS = {
    "": (0.05, 4.0),
    "at": (0.08, 5.0),
    "near": (0.25, 12.0),
    "direction": (0.25, 12.0),
    "opposite": (0.9, 40.0),
    "between": (0.0, 1.0),
}


def claim(level: AddressLevel, match_type: MatchType, relation: str) -> Claim:
    """Return what is claimed of an answer of a level, found in a way, with a relation to what is named."""
    own, beside = _OF_LEVEL[level], _OF_RELATION[relation]
    return Claim(own.reach_m + beside.reach_m, own.sure * _OF_MATCH[match_type] * beside.sure)


def same_grid(relation: str, edge_m: float, share: float) -> float:
    """Return how probable it is that a place lies in the same grid as the point that stands for it."""
    if share < 1.0:
        return share
    most, scale_m = _STRAYS[relation]
    return 1.0 - most * math.exp(-edge_m / scale_m)
