"""What the geocoding routes answer, for the OpenAPI documents; what is sent is written by ``gisgrid.geocoding.documents``."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas import Area, Current, Input, Point, Problem
from gisgrid.geocoding import AddressLevel, MatchType


class GeocodedPlace(BaseModel):
    """A place that an address may mean."""

    lon: float = Field(description="WGS 84 degrees.")
    lat: float = Field(description="WGS 84 degrees.")
    level: AddressLevel = Field(description="How exact the point is.")
    match_type: MatchType = Field(description="How it was found.")
    uncertainty_m: float = Field(description="The place meant is within so many metres, as probably as `confidence` says.")
    confidence: float = Field(ge=0, le=1, description="How probable that is.")
    address: str = Field(description="The address in its normal form.")
    layer: str = Field(description="Layer of the feature that gave the point; empty where it was worked out from several.")
    id: int | None
    code: str
    grid: Area | None
    community: Area | None
    street: Area | None
    district: Area | None


class _Geocoding(BaseModel):
    query: str
    normal: str = Field(description="The text that was read, in simplified characters and without noise.")
    best: GeocodedPlace | None = Field(description="Null when nothing is known of it.")
    alternatives: list[GeocodedPlace]
    hint: str = Field(description="A relation that the text speaks of (对面, 东侧50米); it widens the uncertainty and moves nothing.")
    dropped: list[str] = Field(description="Kinds of noise that was left out and is not kept, such as `phone`.")
    not_understood: list[str]
    steps: list[str] | None = Field(default=None, description="How the text was read and what was found, with `explain`.")


class GeocodeAnswer(Current, _Geocoding):
    """The place that an address means, and others that it may mean."""


class GeocodeResult(_Geocoding):
    """The answer to one address of a batch."""

    id: object = Field(default=None, description="As it was given.")


class GeocodeError(BaseModel):
    """What is wrong with one address of a batch."""

    id: object = Field(default=None, description="As it was given.")
    error: Problem


class AddressToFind(BaseModel):
    """An address of a batch."""

    address: str
    id: object = Field(default=None, description="Comes back with the answer.")


class GeocodeBatchRequest(BaseModel):
    """Addresses to be found."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"addresses": ["市北区连云港路41号", {"id": 7, "address": "敦化路与连云港路路口"}]}]}
    )

    addresses: list[str | AddressToFind]
    limit: int = Field(default=1, ge=1, le=20, description="How many places each is answered with at most.")


class GeocodeBatchAnswer(Current):
    """One result an address, in the same order."""

    results: list[GeocodeResult | GeocodeError]


class NearAddress(BaseModel):
    """An address near a point."""

    text: str
    level: AddressLevel
    lon: float = Field(description="WGS 84 degrees.")
    lat: float = Field(description="WGS 84 degrees.")
    distance_m: float = Field(description="Metres from the point.")
    is_same_side: bool | None = Field(description="Whether it is on the point's side of the nearest road; null where there is none.")
    layer: str
    id: int
    code: str


class NearRoad(BaseModel):
    """The road nearest to a point."""

    name: str
    distance_m: float


class ReverseAnswer(Current):
    """The address that a point is at, others near it, and the road beside it."""

    input: Input
    point: Point
    address: NearAddress | None = Field(description="Null when none is within 300 m.")
    alternatives: list[NearAddress]
    road: NearRoad | None


class Suggested(BaseModel):
    """A name or an address to go on with."""

    text: str
    kind: Literal["district", "street", "community", "road", "place", "door_plate"]


class SuggestAnswer(BaseModel):
    """What somebody who types may be about to write, the likeliest first."""

    suggestions: list[Suggested]
