"""Answers about addresses, as values with types."""

from __future__ import annotations

from typing import NamedTuple

from gisgrid.client.answers import Currency, Document, NotLocated, read_area, read_currency, read_problem
from gisgrid.types import AreaRef


class GeocodedPlace(NamedTuple):
    """A place that an address may mean: degrees, WGS 84, how exact (``level``), and how it was found (``match_type``).

    The place meant is within ``uncertainty_m`` metres with the probability ``confidence`` (0 to 1). ``address`` is its normal form;
    ``layer``, ``id`` and ``code`` name the feature that gave the point, if one did.
    """

    lon: float
    lat: float
    level: str
    match_type: str
    uncertainty_m: float
    confidence: float
    address: str
    layer: str
    id: int | None
    code: str
    grid: AreaRef | None
    community: AreaRef | None
    street: AreaRef | None
    district: AreaRef | None


class GeocodeAnswer(NamedTuple):
    """What an address means: ``best`` is None when nothing is known of it; ``normal`` is the text that was read.

    ``hint`` is a relation that widens the uncertainty and moves nothing, ``dropped`` are kinds of noise, ``steps`` are empty
    unless they were asked for. ``currency`` is None in a result of a batch.
    """

    query: str
    normal: str
    best: GeocodedPlace | None
    alternatives: tuple[GeocodedPlace, ...]
    hint: str
    dropped: tuple[str, ...]
    not_understood: tuple[str, ...]
    steps: tuple[str, ...]
    currency: Currency | None
    document: Document


class NearAddress(NamedTuple):
    """An address near a point: degrees, WGS 84, and metres from it; ``is_same_side`` of the nearest road, None without one."""

    address: str
    level: str
    lon: float
    lat: float
    distance_m: float
    is_same_side: bool | None
    layer: str
    id: int
    code: str


class NearRoad(NamedTuple):
    """The road nearest to a point, and how many metres away it is."""

    name: str
    distance_m: float


class ReverseAnswer(NamedTuple):
    """The address that a point is at (None: none is near), others near it, and its road; ``lon`` and ``lat`` are the point in WGS 84."""

    lon: float
    lat: float
    address: NearAddress | None
    alternatives: tuple[NearAddress, ...]
    road: NearRoad | None
    currency: Currency
    document: Document


class Suggestion(NamedTuple):
    """A name or an address that somebody who types may go on with."""

    text: str
    kind: str


def read_geocode(document: Document) -> GeocodeAnswer:
    """Return the answer of ``GET /geocode``, or one result of a batch."""
    return GeocodeAnswer(
        document["query"],
        document["normal"],
        None if document["best"] is None else _place(document["best"]),
        tuple(_place(one) for one in document["alternatives"]),
        document["hint"],
        tuple(document["dropped"]),
        tuple(document["not_understood"]),
        tuple(document.get("steps", ())),
        read_currency(document) if "data_version" in document else None,
        document,
    )


def read_geocode_batch(document: Document) -> list[GeocodeAnswer | NotLocated]:
    """Return the answers of ``POST /geocode/batch``."""
    return [read_problem(result) if "error" in result else read_geocode(result) for result in document["results"]]


def read_reverse(document: Document) -> ReverseAnswer:
    """Return the answer of ``GET /reverse``."""
    point, road = document["point"], document["road"]
    return ReverseAnswer(
        point["lon"],
        point["lat"],
        None if document["address"] is None else _near(document["address"]),
        tuple(_near(one) for one in document["alternatives"]),
        None if road is None else NearRoad(road["name"], road["distance_m"]),
        read_currency(document),
        document,
    )


def read_suggest(document: Document) -> tuple[Suggestion, ...]:
    """Return the answer of ``GET /suggest``."""
    return tuple(Suggestion(one["text"], one["kind"]) for one in document["suggestions"])


def _place(document: Document) -> GeocodedPlace:
    areas = [read_area(document[name]) for name in ("grid", "community", "street", "district")]
    return GeocodedPlace(*(document[name] for name in GeocodedPlace._fields[:10]), *areas)


def _near(document: Document) -> NearAddress:
    return NearAddress(document["text"], *(document[name] for name in NearAddress._fields[1:]))
