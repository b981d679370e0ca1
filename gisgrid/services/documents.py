"""Answers as documents: the dictionaries that the command line prints and HTTP sends, the same in both."""

from __future__ import annotations

from gisgrid.locator import Building
from gisgrid.types import AreaRef, Candidate, Location, Neighbour

_DEGREE_PLACES = 9
_METRE_PLACES = 3
_SHARE_PLACES = 4


def as_document(location: Location) -> dict[str, object]:
    """Return the answer for a point: degrees to nine places (0.1 mm), metres to three, shares of the circle to four.

    The members are those of ``GET /locate`` that depend on the point alone, without the input as it was written.
    """
    nearest, unit, distance_m = location.nearest, location.responsible_unit, location.distance_to_edge_m
    share = location.outside_share
    return {
        "point": {"lon": round(location.lon, _DEGREE_PLACES), "lat": round(location.lat, _DEGREE_PLACES), "crs": "wgs84"},
        "status": location.status,
        "grid": _area(location.grid),
        "community": _area(location.community),
        "street": _area(location.street),
        "district": _area(location.district),
        "distance_to_edge_m": None if distance_m is None else round(distance_m, _METRE_PLACES),
        "on_edge": location.on_edge,
        "candidates": [_candidate(candidate) for candidate in location.candidates],
        **({} if share is None else {"outside_share": round(share, _SHARE_PLACES)}),
        "nearest": None if nearest is None else _candidate(nearest),
        "responsible_unit": None if unit is None else {"code": unit.code, "name": unit.name, "level": unit.level},
    }


def neighbour_document(neighbour: Neighbour) -> dict[str, object]:
    """Return a feature near a point with its distance (metres), bearing (degrees from true north) and fields."""
    return {
        "id": neighbour.id,
        "code": neighbour.properties["code"],
        "lon": neighbour.lon,
        "lat": neighbour.lat,
        "distance_m": round(neighbour.distance_m, _METRE_PLACES),
        "bearing_deg": round(neighbour.bearing_deg, 2),
        "properties": neighbour.properties,
    }


def building_document(building: Building) -> dict[str, object]:
    """Return a building with its fields; ``distance_m`` is 0 where its footprint covers the point."""
    return {"id": building.id, **building.properties, "distance_m": round(building.distance_m, _METRE_PLACES)}


def _area(ref: AreaRef | None) -> dict[str, str] | None:
    return None if ref is None else {"code": ref.code, "name": ref.name}


def _candidate(candidate: Candidate) -> dict[str, object]:
    document: dict[str, object] = {
        "code": candidate.code,
        "name": candidate.name,
        "distance_m": round(candidate.distance_m, _METRE_PLACES),
    }
    if candidate.share is not None:
        document["share"] = round(candidate.share, _SHARE_PLACES)
    return document
