"""What the geocoder answers."""

from __future__ import annotations

from typing import Literal, NamedTuple

AddressLevel = Literal["unit", "building", "door_plate", "crossing", "place", "vicinity", "road", "community", "street", "district"]
"""How exact a point is: a unit (stairway) of a building, a building, a door plate, a crossing, a named place; what is near, opposite or
in some direction of one of these (the point stays at what is named, the radius is wider); a road or a stretch of it; an area."""

LEVELS_OF_DOORS: tuple[AddressLevel, ...] = ("unit", "building", "door_plate")
"""The levels that claim a door plate or better."""

MatchType = Literal["exact", "alias", "old_name", "fuzzy", "interpolated", "nearest_number", "between_crossings", "fallback"]
"""How it was found: as written; by another or an earlier name; over a typing error; between two door plates of the right side; the plate
nearest in number; the stretch of a road between two crossings; or something larger than what was asked for."""


class Geocoded(NamedTuple):
    """One place that an address may mean.

    ``lon`` and ``lat`` are WGS 84 degrees. ``uncertainty_m`` is the radius in metres within which the place is meant to be;
    ``confidence``, 0 to 1, is how probable that is. ``address`` is the address in its normal form; ``layer``, ``id`` and ``code`` name
    the feature that gave the point.
    """

    lon: float
    lat: float
    level: AddressLevel
    match_type: MatchType
    uncertainty_m: float
    confidence: float
    address: str
    layer: str = ""
    id: int | None = None
    code: str = ""


class Geocoding(NamedTuple):
    """The answer to one address: the best place, None when nothing is known of it, and others that it may mean, the best first.

    ``normal`` is the text that was read. ``dropped`` names kinds of noise that was left out (``phone``, ``courier``), ``hint`` is the
    relation that the text speaks of (东侧50米), ``not_understood`` what nothing was made of. ``steps`` says what was tried and found, in
    words, when asked for.
    """

    normal: str
    best: Geocoded | None
    alternatives: tuple[Geocoded, ...] = ()
    hint: str = ""
    dropped: tuple[str, ...] = ()
    not_understood: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()


class NearAddress(NamedTuple):
    """An address near a position: where it is (degrees, WGS 84), how far from the position, and of which feature it is.

    ``is_same_side`` says that it lies on the same side of the road that is next to the position; None where there is no such road.
    """

    address: str
    level: AddressLevel
    lon: float
    lat: float
    distance_m: float
    is_same_side: bool | None
    layer: str
    id: int
    code: str


class Reversed(NamedTuple):
    """The answer to a position: the address it is at, None when none is near, others, and the nearest road with its distance in metres."""

    best: NearAddress | None
    alternatives: tuple[NearAddress, ...] = ()
    road: str = ""
    road_distance_m: float | None = None


class Suggestion(NamedTuple):
    """What somebody who types may mean: a name or an address to go on with, and what it is."""

    text: str
    kind: Literal["district", "street", "community", "road", "place", "door_plate"]
