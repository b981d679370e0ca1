"""Answers about a place, put together: what ``gisgrid locate`` prints and HTTP sends, all of it from one state of the data."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any, Literal, NamedTuple, Protocol

from gisgrid.crs import Crs, accuracy_at_m
from gisgrid.errors import NotFoundError
from gisgrid.layers import layers
from gisgrid.locator import FootprintIndex, Locator, PointIndex
from gisgrid.matching import DEFAULT_ACCURACY_M, CoverMatch, cover_match_document, match_cover
from gisgrid.services.documents import as_document
from gisgrid.sight import SightIndex, sight_document

NEAREST_LAYERS = tuple(found for found in layers(("manhole_covers", "buildings", "cameras")) if found.public)
"""The layers whose nearest features can be asked for: cameras, covers, buildings."""

POINT_LAYERS = tuple(sorted(found.id for found in NEAREST_LAYERS if found.geometry == "Point"))
"""Those of them that are points."""

INCLUDES = (*POINT_LAYERS, "building", "cover")
"""What an answer about a point can hold beside its areas."""

FILTERS: dict[str, tuple[str, ...]] = {
    "cameras": ("kind", "status", "owner_code"),
    "manhole_covers": ("kind", "state", "owner_code"),
    "buildings": ("use",),
}
"""The fields by which the nearest features of a layer can be chosen."""

BUILDING_WITHIN_M = 5.0
"""A point this near to a building counts as at it: positions are that good at best."""

_SLACK_M = 0.01

NEIGHBOURS = 5
"""How many of the nearest features are included."""

Document = dict[str, object]
SightAsked = Literal["no", "tell", "seeing"]
"""Whether cameras are asked what they see: not at all, to tell of each, or to name only those that see or probably see."""


class Sources(Protocol):
    """One state of the data: what is served now, or was served then."""

    @property
    def locator(self) -> Locator:
        """The index of areas."""

    @property
    def points(self) -> Mapping[str, PointIndex]:
        """The point features by layer."""

    @property
    def footprints(self) -> FootprintIndex:
        """The buildings."""

    @property
    def sight(self) -> SightIndex:
        """What the cameras see among the buildings."""

    @property
    def organizations(self) -> Mapping[str, str]:
        """The codes of the organisations by their names."""


class CoverHints(NamedTuple):
    """What is known of the cover concerned, beside its place: words of the report, kind, state, owner."""

    text: str = ""
    kind: str | None = None
    state: str | None = None
    owner_code: str | None = None


class Beside(NamedTuple):
    """What an answer about a point shall hold beside its areas: ``names`` are of INCLUDES.

    With ``sight`` cameras say whether they see a target ``target_height_m`` metres above the ground.
    """

    names: Collection[str] = ()
    sight: bool = False
    target_height_m: float = 0.0
    hints: CoverHints = CoverHints()

    @property
    def features(self) -> frozenset[str]:
        """What has to be at hand for that: layers, and ``sight``."""
        if not self.names:
            return frozenset()
        needs = {"building": "buildings", "cover": "manhole_covers"}
        return frozenset({needs.get(name, name) for name in self.names} | ({"sight"} if self.sight else set()))


class NearestAsked(NamedTuple):
    """How many of the nearest features of a layer, within which distance in metres, with which values of which fields."""

    k: int = NEIGHBOURS
    radius_m: float | None = None
    where: Mapping[str, Collection[str]] | None = None
    sight: SightAsked = "no"
    target_height_m: float = 0.0


class Place(NamedTuple):
    """A WGS 84 point in degrees that was given in ``crs``; ``accuracy_m`` is the radius of its uncertainty, metres."""

    lon: float
    lat: float
    crs: Crs
    accuracy_m: float | None = None

    def as_document(self) -> Document:
        """Return the point as answers give it: degrees to nine places, a tenth of a millimetre.

        ``conversion_accuracy_m`` is how far off it may be for having been given in its own system, None where nobody knows.
        """
        off_m = accuracy_at_m(self.crs, self.lon, self.lat)
        return {"lon": round(self.lon, 9), "lat": round(self.lat, 9), "crs": "wgs84", "conversion_accuracy_m": off_m}


def locate_document(sources: Sources, place: Place, beside: Beside) -> Document:
    """Return the answer for a point: its areas, who is responsible, and what else was asked for."""
    location = sources.locator.locate(place.lon, place.lat, place.accuracy_m)
    document = as_document(location, place.as_document())
    for name in beside.names:
        document[name] = _beside(sources, name, place, beside)
    return document


def _beside(sources: Sources, name: str, place: Place, beside: Beside) -> object:
    if name == "building":
        building = sources.footprints.at_row(place.lon, place.lat, BUILDING_WITHIN_M)
        return None if building is None else sources.footprints.document(*building)
    if name == "cover":
        return cover_document(sources, place, beside.hints)
    sight: SightAsked = "tell" if beside.sight and name == "cameras" else "no"
    return nearest_documents(sources, name, place, NearestAsked(sight=sight, target_height_m=beside.target_height_m))


def nearest_documents(sources: Sources, layer_id: str, place: Place, asked: NearestAsked) -> list[Any]:
    """Return the features of a layer nearest to a point, the nearest first, as they go into answers: for orjson to write.

    Raises NotFoundError for a layer that does not exist, ParameterError for a field that it cannot be chosen by.
    """
    if layer_id == "buildings":
        buildings = sources.footprints
        return [buildings.document(*near) for near in buildings.nearest_rows(place.lon, place.lat, asked.k, asked.radius_m, asked.where)]
    index = sources.points.get(layer_id)
    if index is None:
        raise NotFoundError(f"There are no nearest features of layer {layer_id!r}.", f"Layers: {', '.join(FILTERS)}.")
    if asked.sight == "seeing":
        return _seeing_documents(sources, place, asked)
    near = index.nearest_rows(place.lon, place.lat, asked.k, asked.radius_m, asked.where)
    if asked.sight == "no":
        return [index.document(*one) for one in near]
    sightings = sources.sight.look(place.lon, place.lat, [row for row, _, _ in near], asked.target_height_m)
    return [index.document(*one) | {"sight": sight_document(seen)} for one, seen in zip(near, sightings, strict=True)]


def _seeing_documents(sources: Sources, place: Place, asked: NearestAsked) -> list[Any]:
    """Return the nearest cameras that see or probably see a target at a point."""
    lon, lat, index = place.lon, place.lat, sources.points["cameras"]
    # Which of those that see it are wanted is for the index to say, so that all must be known.
    is_chosen = asked.where is not None or asked.radius_m is not None
    seen = dict(sources.sight.seeing(lon, lat, len(index) if is_chosen else asked.k, asked.target_height_m))
    if not seen:
        return []
    reach_m = min(max(sighting.distance_m for sighting in seen.values()) + _SLACK_M, asked.radius_m or math.inf)
    near = index.nearest_rows(lon, lat, len(index), reach_m, asked.where)
    wanted = [one for one in near if one[0] in seen][: asked.k]
    return [index.document(*one) | {"sight": sight_document(seen[one[0]])} for one in wanted]


def cover_document(sources: Sources, place: Place, hints: CoverHints) -> Document:
    """Return which manhole cover a report about a point concerns, with the candidates and what speaks for each."""
    return cover_match_document(cover_match(sources, place, hints))


def cover_match(sources: Sources, place: Place, hints: CoverHints, limit: int = NEIGHBOURS) -> CoverMatch:
    """Return what ``cover_document`` says, with at most ``limit`` candidates.

    To the uncertainty of the position comes what its conversion may be off, where that is stated: two errors that know nothing of
    each other, so that their squares add up. Raises ParameterError as ``match_cover`` does.
    """
    given_m = DEFAULT_ACCURACY_M if place.accuracy_m is None else place.accuracy_m
    return match_cover(
        sources.points["manhole_covers"],
        place.lon,
        place.lat,
        accuracy_m=math.hypot(given_m, accuracy_at_m(place.crs, place.lon, place.lat) or 0.0) if given_m >= 0.0 else given_m,
        organizations=sources.organizations,
        limit=limit,
        **hints._asdict(),
    )
