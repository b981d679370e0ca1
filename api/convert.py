"""``/convert``: a position in other coordinate systems, with how far off it may be there. No data are needed for it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from api.asgi import Reply, Scope, json_reply
from api.backend import Backend
from api.params import Parameter, parse_query
from api.points import POINT_PARAMETERS, parse_point
from gisgrid.crs import EXPECTED
from gisgrid.errors import CrsError
from gisgrid.services.conversions import MAX_TARGETS, conversion_document, parse_targets

CONVERT_PARAMETERS = {
    parameter.name: parameter
    for parameter in (
        *POINT_PARAMETERS,
        Parameter(
            "to",
            f"Coordinate systems to convert to, with commas: `wgs84`, `cgcs2000`, `gcj02`, `bd09` or `EPSG:n`; at most {MAX_TARGETS}.",
            {"type": "string"},
            "wgs84,EPSG:4549",
            required=True,
        ),
    )
}


class Converted(BaseModel):
    """A position: longitude and latitude, or easting and northing in a projected system."""

    model_config = ConfigDict(extra="allow")

    crs: str = Field(examples=["EPSG:4549"])
    unit: str | None = Field(default=None, description="Of the coordinates, where it is neither degrees nor metres.")


class Conversion(BaseModel):
    """A position in another system, and how far off it may be there."""

    output: Converted
    accuracy_m: float | None = Field(description="How far off the position may be, metres; null where nobody states it.")
    accuracy: str = Field(description="Why, in a sentence.")


class ConvertAnswer(BaseModel):
    """A position in other systems: `output` with its accuracy for one, `outputs` for several."""

    input: Converted
    output: Converted | None = None
    accuracy_m: float | None = None
    accuracy: str | None = None
    outputs: list[Conversion] | None = None


def convert(backend: Backend, scope: Scope) -> Reply:
    """Answer ``GET /convert``: a point in other coordinate systems."""
    values = parse_query(scope["query_string"], CONVERT_PARAMETERS)
    point = parse_point(values, backend.settings.default_crs)
    if "to" not in values:
        raise CrsError("no coordinate system is given to convert to.", f"{EXPECTED}; several with commas", "to")
    found = conversion_document(point.crs, point.first, point.second, parse_targets(values["to"]))
    return json_reply({"input": point.as_document(), **found})
