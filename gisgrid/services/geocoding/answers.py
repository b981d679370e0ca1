"""Answers about addresses, put together from one state of the data: what HTTP sends and the commands print."""

from __future__ import annotations

from typing import Any

from gisgrid.errors import ParameterError
from gisgrid.geocoding import Geocoding
from gisgrid.geocoding.documents import geocoding_document, reversed_document, suggestion_document
from gisgrid.services.snapshot import Snapshot

Document = dict[str, Any]

MAX_ADDRESS = 500
"""Longest address, characters."""

MOST_PLACES = 20
"""Most places that one address is answered with."""


def checked_address(text: str, name: str = "q") -> str:
    """Return an address without blanks around it; raises ParameterError when there is none, or when it is too long."""
    address = text.strip()
    if not address:
        raise ParameterError(name, "is empty.", "an address, a crossing, or the name of a place")
    if len(address) > MAX_ADDRESS:
        raise ParameterError(name, f"is {len(address)} characters long.", f"at most {MAX_ADDRESS} characters")
    return address


def geocode_document(snapshot: Snapshot, address: str, *, explain: bool = False, limit: int = 5) -> Document:
    """Return the places that an address may mean, each with the areas that it lies in; ``explain`` adds the steps in words."""
    return placed_document(snapshot, snapshot.gazetteer.get().geocode(address, explain=explain, limit=limit))


def reverse_document(snapshot: Snapshot, lon: float, lat: float, *, limit: int = 3) -> Document:
    """Return the address that a position (degrees, WGS 84) is at, with the nearest road, and others near it."""
    return reversed_document(snapshot.gazetteer.get().reverse(lon, lat, limit=limit))


def suggest_document(snapshot: Snapshot, text: str, *, limit: int = 8) -> Document:
    """Return the names and addresses that somebody who has typed ``text`` may be about to write."""
    return {"suggestions": [suggestion_document(one) for one in snapshot.gazetteer.get().suggest(text, limit=limit)]}


def placed_document(snapshot: Snapshot, found: Geocoding) -> Document:
    """Return what the geocoder found, each place with the areas that it lies in."""
    document = geocoding_document(found)
    for place in (document["best"], *document["alternatives"]):
        if place is not None:
            place.update(_areas(snapshot, place["lon"], place["lat"]))
    return document


def _areas(snapshot: Snapshot, lon: float, lat: float) -> Document:
    location = snapshot.locator.locate(lon, lat)
    found = {name: getattr(location, name) for name in ("grid", "community", "street", "district")}
    return {name: None if area is None else area._asdict() for name, area in found.items()}
