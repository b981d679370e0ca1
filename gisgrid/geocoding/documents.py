"""What the geocoder answers, as documents: the members of HTTP answers and of what is kept with a case."""

from __future__ import annotations

from typing import Any

from gisgrid.geocoding.answers import Geocoded, Geocoding, NearAddress, Reversed, Suggestion

Document = dict[str, Any]

_DEGREES = 9
_METRES = 2


def geocoding_document(found: Geocoding) -> Document:
    """Return what an address may mean; ``steps`` are there where they were asked for."""
    document = {
        "normal": found.normal,
        "best": None if found.best is None else geocoded_document(found.best),
        "alternatives": [geocoded_document(one) for one in found.alternatives],
        "hint": found.hint,
        "dropped": list(found.dropped),
        "not_understood": list(found.not_understood),
    }
    return document | {"steps": list(found.steps)} if found.steps else document


def geocoded_document(one: Geocoded) -> Document:
    """Return one place that an address may mean."""
    return {
        **one._asdict(),
        "lon": round(one.lon, _DEGREES),
        "lat": round(one.lat, _DEGREES),
        "uncertainty_m": round(one.uncertainty_m, 1),
        "confidence": round(one.confidence, 3),
    }


def reversed_document(found: Reversed) -> Document:
    """Return the address that a position is at, and others near it."""
    return {
        "address": None if found.best is None else near_document(found.best),
        "alternatives": [near_document(one) for one in found.alternatives],
        "road": None if found.road_distance_m is None else {"name": found.road, "distance_m": round(found.road_distance_m, _METRES)},
    }


def near_document(one: NearAddress) -> Document:
    """Return an address near a position."""
    document = one._asdict() | {"lon": round(one.lon, _DEGREES), "lat": round(one.lat, _DEGREES)}
    return {("text" if name == "address" else name): value for name, value in document.items()} | {
        "distance_m": round(one.distance_m, _METRES)
    }


def suggestion_document(one: Suggestion) -> Document:
    """Return a name or an address that somebody who types may go on with."""
    return one._asdict()
