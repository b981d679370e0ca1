"""What one reading of an address asks for, and the places that it may mean."""

from __future__ import annotations

from typing import NamedTuple

from gisgrid.addresses import ParsedAddress
from gisgrid.geocoding.answers import AddressLevel, MatchType
from gisgrid.geocoding.claims import Manner, claim
from gisgrid.geocoding.ground import Spot

_NEARBY: dict[Manner, AddressLevel] = {"near": "vicinity", "direction": "vicinity", "opposite": "vicinity"}
_THINGS = frozenset({"unit", "building", "door_plate", "place"})
_ORDER: dict[MatchType, int] = {"exact": 0, "alias": 1, "old_name": 2, "fuzzy": 3}


class Said(NamedTuple):
    """The areas that an address names: for each level the codes that it may mean, the smallest first.

    ``is_strange`` says that it names a district that is none of ours.
    """

    codes: tuple[frozenset[str], ...]
    is_strange: bool


class Asked(NamedTuple):
    """One reading of an address with what is said of its areas, and how the place lies to what is named."""

    parsed: ParsedAddress
    said: Said
    manner: Manner


class Hit(NamedTuple):
    """A place that an address may mean: ``sure`` is how probable it is that the place is within ``radius_m`` of the spot."""

    spot: Spot
    level: AddressLevel
    match_type: MatchType
    radius_m: float
    sure: float
    text: str


def hit_at(asked: Asked, spot: Spot, level: AddressLevel, match_type: MatchType, text: str) -> Hit:
    """Return what is at, near or opposite a thing that was found; what is beside it is no door plate."""
    radius_m, sure = claim(spot, level, match_type, asked.manner)
    relation = asked.parsed.relation
    if relation is not None:
        radius_m += relation.distance_m or 0.0  # so far away is the place said to be
        if level in _THINGS:
            level = _NEARBY.get(asked.manner, level)
    return Hit(spot, level, match_type, radius_m, sure, text)


def hit_along(spot: Spot, level: AddressLevel, match_type: MatchType, text: str) -> Hit:
    """Return what is somewhere in something that reaches far: a crossing, a road, a stretch of it, an area."""
    return Hit(spot, level, match_type, *claim(spot, level, match_type, "along"), text)


def worse(one: MatchType, other: MatchType) -> MatchType:
    """Return the less certain of the ways in which two names were found."""
    return max(one, other, key=lambda way: _ORDER.get(way, 4))


def shared_out(hits: list[Hit]) -> list[Hit]:
    """Return hits of which one at most is meant: each as sure as its weight among all allows, the surest first."""
    if len(hits) < 2:
        return hits
    total = sum(hit.sure for hit in hits) or 1.0
    return sorted((hit._replace(sure=hit.sure * hit.sure / total) for hit in hits), key=lambda hit: -hit.sure)
