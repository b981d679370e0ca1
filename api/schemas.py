"""The shapes of answers, for the OpenAPI document; answers themselves are made without a model in between."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from gisgrid.matching.match import MatchStatus
from gisgrid.types import Level, Status

Database = Literal["up", "down"]
State = Literal["sees", "probably_sees", "blocked", "out_of_view", "out_of_range", "unknown"]


class Input(BaseModel):
    """The point as it was asked for; `x`, `y` in place of `lon`, `lat` when it was given so."""

    model_config = ConfigDict(extra="allow")

    crs: str = Field(description="Canonical name of the coordinate system.", examples=["gcj02"])


class Point(BaseModel):
    """A position in WGS 84 degrees."""

    lon: float = Field(examples=[120.374878])
    lat: float = Field(examples=[36.087021])
    crs: Literal["wgs84"]
    conversion_accuracy_m: float | None = Field(
        description="How far off the position may be for having been converted, metres; null where nobody knows.", examples=[0.5]
    )


class Area(BaseModel):
    """An area by code and name."""

    code: str = Field(examples=["370203022003002"])
    name: str


class Candidate(Area):
    """A grid that the point may belong to."""

    distance_m: float = Field(description="Metres on the ground from the point to the grid, 0 inside.")
    share: float | None = Field(default=None, description="How much of the circle of uncertainty lies in the grid, with `accuracy_m`.")


class ResponsibleUnit(Area):
    """Who answers for a place."""

    level: Level = Field(description="Level of area that the unit was named for.")


class Blocker(BaseModel):
    """The building that stands in the way, and where the line from the camera meets it."""

    building_id: int
    building_code: str
    lon: float = Field(description="WGS 84 degrees.")
    lat: float = Field(description="WGS 84 degrees.")
    distance_m: float = Field(description="Metres from the camera.")
    sight_height_m: float = Field(description="How high the line is there, metres above the ground.")
    roof_height_m: float = Field(description="How high the building is, metres.")


class Sight(BaseModel):
    """Whether a camera sees the point, and why."""

    state: State
    share: float | None = Field(description="How much of the azimuth's uncertainty has the point in view, 0 to 1; null if unknown.")
    reason: str
    distance_m: float = Field(description="Metres on the ground from the camera to the point.")
    bearing_deg: float | None = Field(description="Degrees clockwise from true north, seen from the camera.")
    blocked_by: Blocker | None


class Neighbour(BaseModel):
    """A feature near the point."""

    id: int = Field(description="Identifier in PostGIS, and in tiles.")
    code: str
    lon: float = Field(description="WGS 84 degrees.")
    lat: float = Field(description="WGS 84 degrees.")
    distance_m: float = Field(description="Metres on the ground from the point.")
    bearing_deg: float = Field(description="Degrees clockwise from true north, seen from the point.")
    properties: dict[str, object] = Field(description="The fields of the layer.")


class Camera(Neighbour):
    """A camera near the point; `sight` if it was asked for."""

    sight: Sight | None = None


class ScorePart(BaseModel):
    """One thing that speaks for a cover or against it."""

    name: str
    value: float
    why: str


class ScoredCover(Neighbour):
    """A manhole cover with the probability that it is the one concerned."""

    score: float = Field(description="0 to 1.")
    parts: list[ScorePart]


class CoverMatch(BaseModel):
    """Which manhole cover a report concerns."""

    status: MatchStatus = Field(description="One stands out, none does, or it is none of those recorded.")
    reason: str
    kinds_named: list[str]
    none_score: float = Field(description="Probability that it is none of the covers in the data.")
    reach_m: float = Field(description="How far covers were looked for, metres.")
    cover: ScoredCover | None
    candidates: list[ScoredCover]


class _Place(BaseModel):
    input: Input
    point: Point
    status: Status = Field(description="Inside one grid, on an edge, or in no grid.")
    grid: Area | None
    community: Area | None
    street: Area | None
    district: Area | None
    distance_to_edge_m: float | None = Field(description="Metres to the edge of the grid, or to the nearest grid when outside.")
    on_edge: bool
    candidates: list[Candidate] = Field(description="Every grid within the doubt of the position, the chosen one first.")
    outside_share: float | None = Field(
        default=None, description="How much of the circle of uncertainty lies in no grid, with `accuracy_m`."
    )
    nearest: Candidate | None = Field(description="The nearest grid, when the point is in none.")
    responsible_unit: ResponsibleUnit | None = Field(description="Named for the grid, else for its community, street or district.")


class Generation(BaseModel):
    """The generation of areas that a point was looked up in, and the period in which it was served."""

    id: int
    valid_from: str = Field(examples=["2026-11-22T01:00:00Z"])
    valid_to: str | None = Field(description="Null while it is served.")


class _Then(BaseModel):
    as_of: str | None = Field(default=None, description="The instant that was asked for, in UTC.", examples=["2026-11-22T09:00:00Z"])
    generation: Generation | None = Field(default=None, description="What was served then, if `as_of` was asked for.")


class Current(BaseModel):
    """Of which data an answer is, and how current they are."""

    data_version: int = Field(description="Grows with every change of the data.")
    database: Database = Field(description="`down` while answers come from memory only.")
    stale: bool = Field(description="Whether the answer may leave out what has been committed since.")
    age_s: float | None = Field(default=None, description="Seconds since the answer was last known to be current; only when it is stale.")


class LocateAnswer(Current, _Place, _Then):
    """The grid of a point, and what was asked for beside it."""

    cameras: list[Camera] | None = Field(default=None, description="The nearest five, if included.")
    manhole_covers: list[Neighbour] | None = Field(default=None, description="The nearest five, if included.")
    building: dict[str, object] | None = Field(default=None, description="The building at the point, if included.")
    cover: CoverMatch | None = Field(default=None, description="The manhole cover concerned, if included.")


class NearestAnswer(Current, _Then):
    """Features around a point, the nearest first."""

    input: Input
    point: Point
    features: list[Camera]


class Building(BaseModel):
    """A building near the point."""

    model_config = ConfigDict(extra="allow")

    id: int = Field(description="Identifier in PostGIS, and in tiles.")
    code: str
    distance_m: float = Field(description="Metres on the ground from the point to its footprint, 0 inside.")


class NearestBuildings(Current, _Then):
    """Buildings around a point, the nearest first."""

    input: Input
    point: Point
    features: list[Building]


class MatchAnswer(Current, CoverMatch, _Then):
    """The manhole cover that a report about a point concerns."""

    input: Input
    point: Point


class BatchPoint(BaseModel):
    """One point of a batch; `x`, `y` in place of `lon`, `lat` in a projected system."""

    id: str | int | float | None = Field(default=None, description="Comes back with the answer.")
    lon: float | None = None
    lat: float | None = None
    x: float | None = None
    y: float | None = None
    crs: str | None = Field(default=None, description="Coordinate system of this point.")
    accuracy_m: float | None = Field(default=None, description="Radius of this position's uncertainty, metres.")


class BatchRequest(BaseModel):
    """Points to locate."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"crs": "gcj02", "points": [{"id": "a", "lon": 120.3799, "lat": 36.0873}, {"id": "b", "lon": None, "lat": 1}]}]
        }
    )

    crs: str | None = Field(default=None, description="Coordinate system of all points that do not say their own.")
    accuracy_m: float | None = Field(default=None, description="Radius of the uncertainty of all points that do not say their own, metres.")
    as_of: str | None = Field(default=None, description="Look all points up in the areas that were served at this instant.")
    points: list[BatchPoint]


class Problem(BaseModel):
    """RFC 9457 problem: what is wrong and what to do."""

    type: str = Field(examples=["/problems/bad-parameter"])
    title: str = Field(examples=["Bad parameter"])
    status: int = Field(examples=[400])
    detail: str
    parameter: str | None = Field(default=None, description="The parameter that is wrong.")
    expected: str | None = Field(default=None, description="What it takes.")
    reference: str | None = Field(default=None, description="Joins a failure of the server to its line in the log.")


class Located(_Place):
    """The answer for one point of a batch."""

    id: str | int | float | None


class NotLocated(BaseModel):
    """A point of a batch that cannot be answered, in its place."""

    id: str | int | float | None
    error: Problem


class BatchAnswer(Current, _Then):
    """One result a point, in the order asked for."""

    results: list[Located | NotLocated]


class VectorLayer(BaseModel):
    """A layer of a tile set."""

    id: str
    description: str
    fields: dict[str, str]
    minzoom: int
    maxzoom: int


class TileJson(BaseModel):
    """TileJSON 3.0.0."""

    tilejson: Literal["3.0.0"]
    name: str
    description: str
    attribution: str
    scheme: Literal["xyz"]
    tiles: list[str]
    vector_layers: list[VectorLayer]
    bounds: list[float] = Field(description="West, south, east, north, WGS 84 degrees.")
    center: list[float] | None = Field(default=None, description="Longitude, latitude, zoom.")
    minzoom: int
    maxzoom: int


class Health(BaseModel):
    """The process runs."""

    status: Literal["ok"]
    worker: int = Field(description="Process that answered.")
    workers: int = Field(description="How many processes the server has.")


class Ready(Current):
    """Lookups are current and tiles can be made."""

    status: Literal["ready"]
