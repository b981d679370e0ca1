"""What the geocoder answers, as documents: the members of HTTP answers and of what is kept with a case."""

from __future__ import annotations

from typing import Any

from gisgrid.geocoding.answers import Geocoded, Geocoding

Document = dict[str, Any]

_DEGREES = 9


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
