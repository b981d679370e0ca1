"""Cases as the server keeps them, as values with types, and what is sent to make one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from gisgrid.client.answers import Document, read_area, read_instant
from gisgrid.types import AreaRef


class CaseUnit(NamedTuple):
    """The unit that has to act, and the number of the rule that says so (None where a person did)."""

    code: str
    name: str
    rule: int | None


class Case(NamedTuple):
    """A case: what is known of it in short; ``document`` has all that the server sent.

    ``lon`` and ``lat`` (degrees, WGS 84) are None while nobody knows the place; a case that waits for a person has its question in
    ``review``, and may be without ``unit`` and ``due_at``. Times are aware.
    """

    number: str
    version: int
    state: str
    kind: str
    category: str
    reported_at: datetime
    due_at: datetime | None
    closed_at: datetime | None
    is_overdue: bool
    lon: float | None
    lat: float | None
    grid: AreaRef | None
    community: AreaRef | None
    street: AreaRef | None
    district: AreaRef | None
    unit: CaseUnit | None
    review: Document | None
    document: Document


class CasePage(NamedTuple):
    """Some cases of a list, and where the next ones begin (None: these are the last)."""

    cases: tuple[Case, ...]
    next: str | None


def read_case(document: Document) -> Case:
    """Return a case, whole or as lists have it."""
    place, unit = document["position"] or {}, document["unit"]
    return Case(
        document["number"],
        document["version"],
        document["state"],
        document["kind"],
        document["category"]["name"],
        read_instant(document["reported_at"]),
        _time(document["due_at"]),
        _time(document["closed_at"]),
        document["is_overdue"],
        place.get("lon"),
        place.get("lat"),
        read_area(document["grid"]),
        read_area(document["community"]),
        read_area(document["street"]),
        read_area(document["district"]),
        None if unit is None else CaseUnit(unit["code"], unit["name"], unit.get("rule")),
        document["review"],
        document,
    )


def read_page(document: Document) -> CasePage:
    """Return a page of ``GET /cases``."""
    return CasePage(tuple(read_case(one) for one in document["cases"]), document["next"])


def written_case(members: Mapping[str, object]) -> dict[str, object]:
    """Return the members of a case as they are sent: those that are None left out, times in RFC 3339."""
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in members.items() if value is not None}


def _time(text: str | None) -> datetime | None:
    return None if text is None else read_instant(text)
