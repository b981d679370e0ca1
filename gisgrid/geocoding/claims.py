"""How far from the truth each kind of answer may be, and how often it is no farther: figures found by trial, see docs/geocoding.md."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Literal, NamedTuple

from gisgrid.addresses import Relation
from gisgrid.geocoding.answers import AddressLevel, MatchType
from gisgrid.geocoding.ground import Spot

Manner = Literal["plain", "inside", "gate", "near", "direction", "opposite", "along"]
"""How a place lies to what is named: not said, in it, at its gate, near it, in a direction from it, across the road, somewhere along it."""

# What is wider than this is several buildings, and the place is beside one of them.
_WIDE_M = 25.0

_INSIDE = re.compile("楼|院|室|单元|小区|^[里内]")
_ROADSIDE = re.compile("路边|路旁|路上|路面|路侧|路沿|街边|道边|人行道|绿化带|停车场|公交站")


class _Beside(NamedTuple):
    """Metres by which most places lie beyond what is named, narrow or wide, how many do, and how often they are in another grid than it.

    Of narrow things the chance is ``strays`` at the edge of the grid and falls to a third with every ``scale_m`` of distance from
    it beyond the 10 m of half a road; of wide ones it is ``wide_strays`` wherever they lie, since they reach the edge somewhere.
    """

    sure: float
    narrow_m: float
    wide_m: float
    strays: float
    scale_m: float
    wide_strays: float


_BESIDE: dict[Manner, _Beside] = {
    "plain": _Beside(0.97, 15.0, 10.0, 0.02, 5.0, 0.02),
    "inside": _Beside(0.97, 15.0, 10.0, 0.02, 5.0, 0.02),
    "gate": _Beside(0.96, 40.0, 22.0, 0.22, 12.0, 0.14),
    "near": _Beside(0.94, 50.0, 22.0, 0.34, 16.0, 0.14),
    "direction": _Beside(0.93, 55.0, 24.0, 0.45, 14.0, 0.16),
    "opposite": _Beside(0.85, 75.0, 32.0, 0.72, 45.0, 0.50),
    "along": _Beside(0.97, 10.0, 8.0, 0.12, 10.0, 0.12),
}
_OF_LEVEL: dict[AddressLevel, float] = {"crossing": 0.93, "road": 0.95, "community": 0.93, "street": 0.93, "district": 0.93}
_OF_MATCH: dict[MatchType, float] = {
    "exact": 1.0,
    "alias": 0.98,
    "old_name": 0.96,
    "fuzzy": 0.9,
    "interpolated": 0.85,
    "nearest_number": 0.6,
    "between_crossings": 1.0,
    "fallback": 0.45,
}


class Claim(NamedTuple):
    """What is claimed of a place: it is within ``radius_m`` of the spot that stands for it, as probably as ``sure`` says (0 to 1)."""

    radius_m: float
    sure: float


def manner_of(relation: Relation | None) -> Manner:
    """Return how a place lies to what is named, by the words for it.

    >>> from gisgrid.addresses import Relation
    >>> manner_of(None), manner_of(Relation("楼下", "at")), manner_of(Relation("门口", "at")), manner_of(Relation("路边", "at"))
    ('plain', 'inside', 'gate', 'near')
    """
    return "plain" if relation is None else _manner(relation.kind, relation.word)


@lru_cache(maxsize=2048)
def _manner(kind: str, word: str) -> Manner:
    if kind == "between":
        return "along"
    if kind == "opposite":
        return "opposite"
    if kind == "direction":
        return "direction"
    if kind == "near" or _ROADSIDE.search(word):
        return "near"
    return "inside" if _INSIDE.search(word) else "gate"


def claim(spot: Spot, level: AddressLevel, match_type: MatchType, manner: Manner) -> Claim:
    """Return what is claimed of an answer of a level, found in a way, for a place that lies to it in a manner.

    It is no surer than that the place lies in the grid of the spot: who takes the point takes its grid.
    """
    of_manner, narrow_m, wide_m, strays, scale_m, wide_strays = _BESIDE[manner]
    radius_m, share = spot.radius_m, spot.share
    is_wide = radius_m > _WIDE_M
    sure = min(of_manner, _OF_LEVEL.get(level, 1.0)) * _OF_MATCH[match_type]
    if share >= 1.0:
        edge_m = spot.edge_m - 10.0
        share = 1.0 - (wide_strays if is_wide else strays * math.exp(-edge_m / scale_m) if edge_m > 0.0 else strays)
    return Claim(radius_m + (wide_m if is_wide else narrow_m), min(sure, share))
