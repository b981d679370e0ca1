"""The shapes of cases for the OpenAPI document; answers themselves are made without a model in between."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas import Area, Problem

State = Literal["assigned", "needs_review", "closed", "void"]
Kind = Literal["component", "event"]
Origin = Literal["position", "address", "component", "person"]


class Words(BaseModel):
    """A sentence for people, in Chinese and in English."""

    zh: str
    en: str


class Reporter(BaseModel):
    """Who reported a case: kept apart, shown to editors only."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(default=None, max_length=100)
    phone: str | None = Field(default=None, max_length=100)


class NewCase(BaseModel):
    """A case as it is sent; an address, a position or a component's code says where it is."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    **{"source": "12345热线", "category": "暴露垃圾", "description": "楼下堆放大量生活垃圾"},
                    **{"lon": 120.3725, "lat": 36.082, "crs": "wgs84"},
                }
            ]
        },
    )

    # Control characters count as blanks, and blanks alone are no text.
    source: str = Field(min_length=1, max_length=100, pattern=r"[^\s\x00-\x1f\x7f]", description="Where it came from.")
    category: str | None = Field(
        default=None, max_length=200, description="Code of a class, or what people call it; without it the description has to tell."
    )
    description: str | None = Field(default=None, max_length=4000)
    address: str | None = Field(default=None, max_length=500)
    lon: float | None = None
    lat: float | None = None
    x: float | None = Field(default=None, description="Easting, in place of `lon` when `crs` is projected.")
    y: float | None = None
    crs: str | None = Field(default=None, description="System of the position: `wgs84`, `cgcs2000`, `gcj02`, `bd09`, `EPSG:n`.")
    accuracy_m: float | None = Field(default=None, ge=0, le=10_000, description="Radius of the position's uncertainty, metres.")
    component_code: str | None = Field(default=None, max_length=64)
    reported_at: str | None = Field(default=None, description="RFC 3339; without an offset the time of the city.")
    reporter: Reporter | None = None


class CaseCategory(BaseModel):
    """What a case is about."""

    model_config = ConfigDict(extra="allow")

    text: str = Field(description="What was given.")
    kind: Kind
    scheme: str | None
    edition: str | None
    class_code: str | None
    name: str
    how: str = Field(description="How it was found: by code, name, words, the description, or not at all.")


class PositionReading(BaseModel):
    """What coordinates were said to be in, and what they were read as."""

    said: str | None
    used: str
    swapped: bool = Field(description="Whether longitude and latitude were exchanged.")
    moved_m: float | None = Field(description="Metres between the two; null where what was said cannot be.")


class CasePosition(BaseModel):
    """Where a case is, degrees, WGS 84."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)

    lon: float
    lat: float
    crs: Literal["wgs84"]
    origin: Origin = Field(serialization_alias="from")
    uncertainty_m: float | None
    reading: PositionReading | None


class CaseUnit(Area):
    """Who has to act."""

    rule: int | None = Field(default=None, description="Number of the rule that says so; null where a person did.")
    steps: list[Words] = Field(default=[], description="Where a unit was looked for, in order.")


class Limit(BaseModel):
    """How long a case may take."""

    value: int
    unit: Literal["urgent_hours", "working_hours", "working_days", "calendar_days"]
    text: Words
    rule: int | None = None


class CaseSummary(BaseModel):
    """A case as lists show it."""

    model_config = ConfigDict(extra="allow")

    number: str = Field(examples=["20261122-000001"])
    version: int
    state: State
    source: str
    category: CaseCategory
    kind: Kind
    description: str
    address: str
    reported_at: str
    received_at: str
    position: CasePosition | None
    grid: Area | None
    community: Area | None
    street: Area | None
    district: Area | None
    unit: CaseUnit | None
    limit: Limit | None
    due_at: str | None
    is_overdue: bool
    links: dict[str, str]


class Event(BaseModel):
    """One entry of the history of a case."""

    id: int = Field(description="Grows over all cases; 0 in the answer that made the case.")
    version: int
    at: str
    action: Literal["receive", "settle", "reassign", "close", "void", "reopen"]
    by: str | None = Field(description="Who did it; for editors only.")
    reason: str
    before: dict[str, object] | None
    after: dict[str, object] | None


class Case(CaseSummary):
    """A case with all that was decided, and why; docs/cases.md tells the members."""

    grid_candidates: list[dict[str, object]]
    geocoding: dict[str, object] | None
    component: dict[str, object] | None
    cameras: list[dict[str, object]]
    review: dict[str, object] | None
    reasons: list[Words]
    boundaries: dict[str, object]
    rules_version: int
    history: list[Event]


class CasePage(BaseModel):
    """A page of cases, the newest first."""

    cases: list[CaseSummary]
    next: str | None = Field(description="`cursor` of the next page; null when this is the last.")


class CaseCounts(BaseModel):
    """How many cases there are."""

    model_config = ConfigDict(extra="allow")

    count: int
    open: int
    overdue: int


class CaseStatistics(BaseModel):
    """How many cases there are, by what was asked for; the most first."""

    by: list[str]
    zone: str = Field(description="Time zone of hours and days.")
    total: CaseCounts
    rows: list[CaseCounts]


class CaseRow(BaseModel):
    """What became of one row of a batch: the case, or `error` in its place."""

    model_config = ConfigDict(extra="allow")

    row: int
    key: str | None
    number: str | None = None
    state: State | None = None
    error: Problem | None = None


class CaseBatchAnswer(BaseModel):
    """One result a row, in the order of the rows, and how many there are of each state."""

    results: list[CaseRow]
    counts: dict[str, int]


class _Act(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str | None = Field(default=None, max_length=1000, description="Why; it stays in the history.")
    version: int | None = Field(default=None, description="The version that was seen, as `If-Match`.")


class Settlement(_Act):
    """The answer to the question of a case in review: a candidate, a place, or a unit."""

    candidate: int | None = Field(default=None, description="Its place in `review.candidates`, from 0.")
    lon: float | None = None
    lat: float | None = None
    x: float | None = None
    y: float | None = None
    crs: str | None = None
    unit_code: str | None = Field(default=None, max_length=100)


class Reassignment(_Act):
    """Another unit, or another grid."""

    unit_code: str | None = Field(default=None, max_length=100)
    grid_code: str | None = Field(default=None, max_length=100)


class Ending(_Act):
    """A case that is done, was none, or goes on."""


MODELS: tuple[type[BaseModel], ...] = (*(NewCase, Case, CasePage, CaseStatistics, CaseBatchAnswer, Settlement, Reassignment, Ending),)
"""The models of requests and answers."""
