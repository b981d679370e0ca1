"""What the geocoding routes answer, for the OpenAPI documents; what is sent is written by ``gisgrid.geocoding.documents``."""

from __future__ import annotations

from pydantic import BaseModel, Field

from api.schemas import Area, Current
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


class GeocodeAnswer(Current):
    """The place that an address means, and others that it may mean."""

    query: str
    normal: str = Field(description="The text that was read, in simplified characters and without noise.")
    best: GeocodedPlace | None = Field(description="Null when nothing is known of it.")
    alternatives: list[GeocodedPlace]
    hint: str = Field(description="A relation that the text speaks of (对面, 东侧50米); it widens the uncertainty and moves nothing.")
    dropped: list[str] = Field(description="Kinds of noise that was left out and is not kept, such as `phone`.")
    not_understood: list[str]
    steps: list[str] | None = Field(default=None, description="How the text was read and what was found, with `explain`.")
