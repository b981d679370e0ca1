"""The answer as a document: the same on the command line and over HTTP."""

from __future__ import annotations

from gisgrid.matching.match import CoverMatch, ScoredCover

_PLACES = 4


def cover_match_document(match: CoverMatch) -> dict[str, object]:
    """Return a match as a dictionary: scores to four places, metres to three, bearings to two.

    ``cover`` is a feature with ``score`` and ``parts``, or None; ``candidates`` are features alike.
    """
    return {
        "status": match.status,
        "reason": match.reason,
        "kinds_named": list(match.kinds_named),
        "none_score": round(match.none_score, _PLACES),
        "reach_m": round(match.reach_m, 1),
        "cover": None if match.cover is None else _feature(match.cover),
        "candidates": [_feature(cover) for cover in match.candidates],
    }


def _feature(cover: ScoredCover) -> dict[str, object]:
    neighbour = cover.neighbour
    return {
        "id": neighbour.id,
        "code": neighbour.properties.get("code"),
        "lon": neighbour.lon,
        "lat": neighbour.lat,
        "distance_m": round(neighbour.distance_m, 3),
        "bearing_deg": round(neighbour.bearing_deg, 2) % 360.0,
        "score": round(cover.score, _PLACES),
        "parts": [{"name": part.name, "value": float(f"{part.value:.4g}"), "why": part.why} for part in cover.parts],
        "properties": neighbour.properties,
    }
