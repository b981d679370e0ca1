"""Answers as documents: the dictionaries that the command line prints and HTTP sends, the same in both."""

from __future__ import annotations

from gisgrid.locator import Building
from gisgrid.types import Candidate, Location, Neighbour

_DEGREE_PLACES = 9
_METRE_PLACES = 3
_SHARE_PLACES = 4


def as_document(location: Location, point: dict[str, object] | None = None) -> dict[str, object]:
    """Return the answer for a point: degrees to nine places (0.1 mm), metres to three, shares of the circle to four.

    The members are those of ``GET /locate`` that depend on the point alone, without the input as it was written. ``point`` takes
    the place of the bare position.
    """
    lon, lat, status, district, street, community, grid, distance_m, on_edge, candidates, nearest, unit, share = location
    document: dict[str, object] = {
        "point": point or {"lon": round(lon, _DEGREE_PLACES), "lat": round(lat, _DEGREE_PLACES), "crs": "wgs84"},
        "status": status,
        "grid": grid and {"code": grid.code, "name": grid.name},
        "community": community and {"code": community.code, "name": community.name},
        "street": street and {"code": street.code, "name": street.name},
        "district": district and {"code": district.code, "name": district.name},
        "distance_to_edge_m": None if distance_m is None else round(distance_m, _METRE_PLACES),
        "on_edge": on_edge,
        "candidates": [_candidate(candidate) for candidate in candidates],
        "nearest": None if nearest is None else _candidate(nearest),
        "responsible_unit": unit and {"code": unit.code, "name": unit.name, "level": unit.level},
    }
    if share is not None:
        document["outside_share"] = round(share, _SHARE_PLACES)
    return document


def neighbour_document(neighbour: Neighbour) -> dict[str, object]:
    """Return a feature near a point with its distance (metres), bearing (degrees from true north) and fields."""
    return {
        "id": neighbour.id,
        "code": neighbour.properties["code"],
        "lon": neighbour.lon,
        "lat": neighbour.lat,
        "distance_m": round(neighbour.distance_m, _METRE_PLACES),
        # What is rounded to 360 is north too.
        "bearing_deg": round(neighbour.bearing_deg, 2) % 360.0,
        "properties": neighbour.properties,
    }


def building_document(building: Building) -> dict[str, object]:
    """Return a building with its fields; ``distance_m`` is 0 where its footprint covers the point."""
    return {"id": building.id, **building.properties, "distance_m": round(building.distance_m, _METRE_PLACES)}


def _candidate(candidate: Candidate) -> dict[str, object]:
    document: dict[str, object] = {
        "code": candidate.code,
        "name": candidate.name,
        "distance_m": round(candidate.distance_m, _METRE_PLACES),
    }
    if candidate.share is not None:
        document["share"] = round(candidate.share, _SHARE_PLACES)
    return document
