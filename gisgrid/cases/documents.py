"""A case as a document: what is kept of a decision, and what HTTP and the command line show; docs/cases.md tells the members."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gisgrid.cases.assignment import Assignment
from gisgrid.cases.categories import Category
from gisgrid.cases.decision import DEGREES, METRES, Concerned, Decision, Review, SeenBy
from gisgrid.cases.positions import Fix
from gisgrid.geocoding.documents import geocoding_document
from gisgrid.matching import cover_match_document
from gisgrid.types import AreaRef, Location
from gisgrid.types import Candidate as Grid

Document = dict[str, Any]


def decision_document(decision: Decision) -> Document:
    """Return all that is kept of a decision: what was reported (without the reporter), what was decided, and why."""
    location, assignment = decision.location, decision.assignment
    draft = decision.draft
    return {
        "source": draft.source,
        "category": category_document(decision.category, draft.category),
        "kind": decision.category.kind,
        "description": draft.description,
        "address": draft.address,
        "reported_at": in_utc(decision.reported_at),
        "position": None if decision.fix is None else _position(decision.fix, decision),
        **_areas(location),
        "grid_candidates": [] if location is None else [_grid(one) for one in location.candidates],
        "geocoding": None if decision.geocoding is None else geocoding_document(decision.geocoding),
        "component": None if decision.component is None else _component(decision.component),
        "cameras": [_camera(one) for one in decision.cameras],
        **assignment_document(assignment),
        "review": None if decision.review is None else _review(decision.review, location),
        "reasons": [said.document() for said in decision.reasons],
        "boundaries": decision.boundaries._asdict(),
        "rules_version": assignment.rules_version,
        "input": draft.as_document(),
    }


def category_document(category: Category, given: str) -> Document:
    """Return what a case is about; ``text`` is what was given."""
    return {
        "text": given,
        "kind": category.kind,
        "scheme": category.scheme or None,
        "edition": category.edition or None,
        "class_code": category.class_code or None,
        "name": category.name,
        "name_en": category.name_en or None,
        "component_kind": category.component_kind or None,
        "how": category.how,
    }


def assignment_document(assignment: Assignment) -> Document:
    """Return who has to act, until when, and why: members of a case."""
    unit, deadline = assignment.unit, assignment.deadline
    why = [step.why.document() for step in assignment.steps]
    return {
        "unit": None if unit is None else {"code": unit.code, "name": unit.name, "rule": assignment.unit_rule, "steps": why},
        "limit": None if assignment.limit is None else {**assignment.limit.document(), "rule": assignment.limit_rule},
        "due_at": None if deadline is None else in_utc(deadline.due_at),
        "deadline": None if deadline is None else deadline.document(),
    }


def area_document(area: AreaRef | None) -> Document | None:
    """Return an area by code and name."""
    return None if area is None else {"code": area.code, "name": area.name}


def in_utc(at: datetime) -> str:
    """Return an instant as RFC 3339 in UTC, to the second or as fine as it is."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _areas(location: Location | None) -> Mapping[str, Document | None]:
    if location is None:
        return dict.fromkeys(("grid", "community", "street", "district"))
    return {name: area_document(getattr(location, name)) for name in ("grid", "community", "street", "district")}


def _position(fix: Fix, decision: Decision) -> Document:
    location = decision.location
    return {
        "lon": round(fix.lon, DEGREES),
        "lat": round(fix.lat, DEGREES),
        "crs": "wgs84",
        "from": fix.origin,
        "uncertainty_m": None if fix.uncertainty_m is None else round(fix.uncertainty_m, METRES),
        "reading": None if fix.reading is None else fix.reading.as_document(),
        "address_distance_m": None if fix.distance_m is None else round(fix.distance_m, METRES),
        "status": None if location is None else location.status,
        "distance_to_edge_m": None
        if location is None or location.distance_to_edge_m is None
        else round(location.distance_to_edge_m, METRES),
    }


def _grid(one: Grid) -> Document:
    share = {} if one.share is None else {"share": round(one.share, 4)}
    return {"code": one.code, "name": one.name, "distance_m": round(one.distance_m, METRES), **share}


def _component(concerned: Concerned) -> Document:
    if concerned.named is not None:
        status = "named"
    elif concerned.match is not None:
        status = concerned.match.status
    else:
        status = "unknown"
    document: Document = {"status": status, "code": concerned.code, "unknown_code": concerned.unknown_code or None}
    if concerned.named is not None:
        named = concerned.named
        return document | {"name": named.name, "lon": named.lon, "lat": named.lat, "reason": None, "candidates": []}
    if concerned.match is None:
        return document | {"reason": None, "candidates": []}
    match: Document = cover_match_document(concerned.match)
    return document | {"reason": match["reason"], "candidates": [_cover(one) for one in match["candidates"]]}


def _cover(found: Document) -> Document:
    kept = ("code", "lon", "lat", "distance_m", "score")
    fields = ("name", "class_name", "kind", "state", "owner_code", "maintainer_code")
    return {name: found[name] for name in kept} | {name: found["properties"].get(name) for name in fields}


def _camera(seen: SeenBy) -> Document:
    return {
        **seen._asdict(),
        "distance_m": round(seen.distance_m, METRES),
        "bearing_deg": None if seen.bearing_deg is None else round(seen.bearing_deg, 2) % 360.0,
    }


def _review(review: Review, location: Location | None) -> Document:
    places = [
        {
            "lon": round(one.lon, DEGREES),
            "lat": round(one.lat, DEGREES),
            "from": one.origin,
            "uncertainty_m": None if one.uncertainty_m is None else round(one.uncertainty_m, METRES),
            "why": one.why.document(),
        }
        for one in review.places
    ]
    grids = [] if location is None else [{"code": one.code, "name": one.name} for one in location.candidates]
    return {"kind": review.kind, "question": review.question.document(), "candidates": places, "grids": grids}
