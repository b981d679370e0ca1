"""What the HTTP API answers, as values with types: read from the documents, nothing added and nothing left out.

Every answer keeps the whole document it was read from, so that a newer server's members can be reached as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from gisgrid.types import AreaRef, Candidate, Location, ResponsibleUnit

Document = Mapping[str, Any]

_NOT_FIELDS = frozenset(("id", "distance_m"))


class Currency(NamedTuple):
    """How current an answer is: the version of the data, and whether the server could be sure that nothing newer exists.

    ``age_s`` is set while ``stale``: the seconds since the server last knew its data to be current.
    """

    data_version: int
    stale: bool
    age_s: float | None


class Then(NamedTuple):
    """The instant of an answer about the past, and the generation of areas that was served then (``valid_to`` None: still)."""

    as_of: datetime
    generation: int
    valid_from: datetime
    valid_to: datetime | None


class Sight(NamedTuple):
    """Whether a camera can see the place: ``state``, and the ``share`` of what its direction may be that sees it.

    ``blocked_by`` describes the building in the way (id, code, where the line meets it), or is None.
    """

    state: str
    share: float | None
    reason: str
    blocked_by: Document | None


class Feature(NamedTuple):
    """A feature near the place asked for: degrees, WGS 84; metres on the ground; bearing clockwise from true north.

    A building has no ``lon``, ``lat`` and ``bearing_deg`` (None), and its distance is 0 inside. ``sight`` is set for cameras
    when it was asked for.
    """

    id: int
    code: str
    lon: float | None
    lat: float | None
    distance_m: float
    bearing_deg: float | None
    properties: Document
    sight: Sight | None


class BuildingAt(NamedTuple):
    """The building at a place; ``distance_m`` is 0 where its footprint covers it."""

    id: int
    code: str
    distance_m: float
    properties: Document


class Cover(NamedTuple):
    """A manhole cover that a case may be about: how likely (0 to 1), and what speaks for and against it."""

    feature: Feature
    score: float
    parts: tuple[Document, ...]


class CoverAnswer(NamedTuple):
    """Which cover a case is about: ``status`` is ``matched``, ``ambiguous`` or ``none``; ``reason`` says why.

    ``none_score`` is the probability that it is none of the covers in the data, ``reach_m`` how far they were looked for.
    ``currency`` and ``then`` are None in a ``LocateAnswer``, which has its own.
    """

    status: str
    reason: str
    kinds_named: tuple[str, ...]
    cover: Cover | None
    candidates: tuple[Cover, ...]
    none_score: float
    reach_m: float
    currency: Currency | None
    then: Then | None
    document: Document


class LocateAnswer(NamedTuple):
    """Where a place is, and what else was asked for there: None for what was not asked for (or a building that is not there).

    ``conversion_accuracy_m`` is how far off the position may be for having been converted to WGS 84, None where nobody knows.
    """

    location: Location
    conversion_accuracy_m: float | None
    currency: Currency
    then: Then | None
    cameras: tuple[Feature, ...] | None
    manhole_covers: tuple[Feature, ...] | None
    building: BuildingAt | None
    cover: CoverAnswer | None
    document: Document


class NotLocated(NamedTuple):
    """A point or an address of a batch that cannot be answered: what is wrong, and with which parameter if one is to blame."""

    message: str
    parameter: str | None
    document: Document


class NearestAnswer(NamedTuple):
    """The features nearest to a place, the nearest first; ``lon`` and ``lat`` are the place in WGS 84 degrees.

    ``conversion_accuracy_m`` is how far off it may be for having been converted, None where nobody knows.
    """

    lon: float
    lat: float
    conversion_accuracy_m: float | None
    features: tuple[Feature, ...]
    currency: Currency
    then: Then | None
    document: Document


class ConvertAnswer(NamedTuple):
    """A position in another coordinate system: longitude and latitude, or x and y; ``accuracy_m`` None where nobody knows it.

    ``accuracy`` says where that comes from.
    """

    first: float
    second: float
    crs: str
    accuracy_m: float | None
    accuracy: str
    document: Document


def read_locate(document: Document) -> LocateAnswer:
    """Return the answer of ``GET /locate``."""
    return LocateAnswer(
        read_location(document),
        document["point"]["conversion_accuracy_m"],
        read_currency(document),
        _then(document),
        _features(document.get("cameras")),
        _features(document.get("manhole_covers")),
        _building(document.get("building")),
        read_cover(document["cover"]) if document.get("cover") else None,
        document,
    )


def read_location(document: Document) -> Location:
    """Return where a point lies, from an answer of ``/locate`` or one result of a batch."""
    point, nearest, unit = document["point"], document["nearest"], document["responsible_unit"]
    return Location(
        point["lon"],
        point["lat"],
        document["status"],
        read_area(document["district"]),
        read_area(document["street"]),
        read_area(document["community"]),
        read_area(document["grid"]),
        document["distance_to_edge_m"],
        document["on_edge"],
        tuple(_candidate(candidate) for candidate in document["candidates"]),
        None if nearest is None else _candidate(nearest),
        None if unit is None else ResponsibleUnit(unit["code"], unit["name"], unit["level"]),
        document.get("outside_share"),
    )


def read_result(document: Document) -> Location | NotLocated:
    """Return one result of a batch."""
    return read_problem(document) if document.get("error") else read_location(document)


def read_problem(document: Document) -> NotLocated:
    """Return what is wrong, from a result of a batch that has ``error``."""
    problem = document["error"]
    return NotLocated(problem.get("detail", ""), problem.get("parameter"), problem)


def read_batch(document: Document) -> list[Location | NotLocated]:
    """Return the answers of ``POST /locate/batch`` for points."""
    return [read_result(result) for result in document["results"]]


def read_nearest(document: Document) -> NearestAnswer:
    """Return the answer of a nearest-feature route."""
    point, features = document["point"], _features(document["features"]) or ()
    off_m = point["conversion_accuracy_m"]
    return NearestAnswer(point["lon"], point["lat"], off_m, features, read_currency(document), _then(document), document)


def read_cover(document: Document) -> CoverAnswer:
    """Return the answer of ``GET /manhole_covers/match``, or the member ``cover`` of another answer."""
    best = document["cover"]
    return CoverAnswer(
        document["status"],
        document["reason"],
        tuple(document["kinds_named"]),
        None if best is None else _cover(best),
        tuple(_cover(candidate) for candidate in document["candidates"]),
        document["none_score"],
        document["reach_m"],
        read_currency(document) if "data_version" in document else None,
        _then(document),
        document,
    )


def read_convert(document: Document) -> ConvertAnswer:
    """Return the answer of ``GET /convert`` for one target."""
    output = document["output"]
    names = ("x", "y") if "x" in output else ("lon", "lat")
    return ConvertAnswer(
        output[names[0]], output[names[1]], output["crs"], document.get("accuracy_m"), document.get("accuracy", ""), document
    )


def read_currency(document: Document) -> Currency:
    """Return how current an answer is."""
    return Currency(document["data_version"], document["stale"], document.get("age_s"))


def _then(document: Document) -> Then | None:
    if "as_of" not in document:
        return None
    period = document["generation"]
    until = period["valid_to"]
    return Then(
        read_instant(document["as_of"]), period["id"], read_instant(period["valid_from"]), None if until is None else read_instant(until)
    )


def read_instant(text: str) -> datetime:
    """Return an instant in RFC 3339 as an aware time."""
    return datetime.fromisoformat(text)


def read_area(document: Document | None) -> AreaRef | None:
    """Return an area, None where there is none."""
    return None if document is None else AreaRef(document["code"], document["name"])


def _candidate(document: Document) -> Candidate:
    return Candidate(document["code"], document["name"], document["distance_m"], document.get("share"))


def _features(documents: list[Document] | None) -> tuple[Feature, ...] | None:
    return None if documents is None else tuple(_feature(document) for document in documents)


def _feature(document: Document) -> Feature:
    return Feature(
        document["id"],
        document["code"],
        document.get("lon"),
        document.get("lat"),
        document["distance_m"],
        document.get("bearing_deg"),
        _fields(document),
        _sight(document.get("sight")),
    )


def _sight(document: Document | None) -> Sight | None:
    if document is None:
        return None
    return Sight(document["state"], document["share"], document["reason"], document["blocked_by"])


def _building(document: Document | None) -> BuildingAt | None:
    if document is None:
        return None
    return BuildingAt(document["id"], document["code"], document["distance_m"], _fields(document))


def _fields(document: Document) -> Document:
    """Return the fields of the layer, which buildings have beside the other members."""
    fields: Document | None = document.get("properties")
    return {name: value for name, value in document.items() if name not in _NOT_FIELDS} if fields is None else fields


def _cover(document: Document) -> Cover:
    return Cover(_feature(document), document["score"], tuple(document["parts"]))
