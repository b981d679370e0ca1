"""``/locate`` and the nearest-feature routes: from parameters to an answer out of memory, with no framework in between."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from datetime import datetime

from api.asgi import Reply, Scope, json_reply
from api.backend import Backend
from api.params import Parameter, parse_choices, parse_count, parse_query, parse_ranged
from api.points import POINT_PARAMETERS, AskedPoint, parse_point
from gisgrid.layers import LAYERS
from gisgrid.services import AreasThen, as_document, neighbour_document, parse_instant
from gisgrid.types import Location

NEAREST_LAYERS = tuple(layer for layer in LAYERS if layer.geometry == "Point" and layer.public)
"""The layers that have a nearest-feature route."""

MAX_ACCURACY_M = 10_000.0
"""Largest uncertainty of a position, metres: beyond it the answer would list most of a district."""

_INCLUDES = (*(layer.id for layer in NEAREST_LAYERS), "building")
_INCLUDED_NEIGHBOURS = 5
_DEFAULT_K = 5

AS_OF = Parameter(
    "as_of",
    "Look the point up in the areas that were served at this instant: RFC 3339 with an offset, or a date (its first instant in UTC).",
    {"type": "string", "anyOf": [{"format": "date-time"}, {"format": "date"}]},
    None,
)
LOCATE_PARAMETERS = {
    parameter.name: parameter
    for parameter in (
        *POINT_PARAMETERS,
        Parameter(
            "accuracy_m",
            "Radius of the position's uncertainty, metres: every grid within it becomes a candidate.",
            {"type": "number", "minimum": 0, "maximum": MAX_ACCURACY_M},
            15,
        ),
        AS_OF,
        Parameter(
            "include",
            "What else to answer, with commas: the nearest five features of a layer, the building at the point.",
            {"type": "string", "pattern": f"^({'|'.join(_INCLUDES)})(,({'|'.join(_INCLUDES)}))*$"},
            "cameras,manhole_covers,building",
        ),
    )
}
NEAREST_PARAMETERS = {
    parameter.name: parameter
    for parameter in (
        *POINT_PARAMETERS,
        Parameter("k", "How many features at most.", {"type": "integer", "minimum": 1, "default": _DEFAULT_K}, _DEFAULT_K),
        Parameter("radius_m", "How far away at most, metres on the ground.", {"type": "number", "exclusiveMinimum": 0}, 500),
    )
}


def locate(backend: Backend, scope: Scope) -> Reply | Awaitable[Reply]:
    """Answer ``GET /locate``: the grid, community, street and district of a point, and who is responsible.

    With ``as_of`` the areas of then may have to be read first; then the answer has to be waited for.
    """
    values = parse_query(scope["query_string"], LOCATE_PARAMETERS)
    if "as_of" not in values:
        return _locate(backend, values, None)
    instant = parse_instant(values["as_of"])
    then = backend.model.areas_at_hand(instant)
    return _locate(backend, values, then) if then else _locate_later(backend, values, instant)


async def _locate_later(backend: Backend, values: Mapping[str, str], instant: datetime) -> Reply:
    return _locate(backend, values, await asyncio.to_thread(backend.model.areas_at, instant))


def _locate(backend: Backend, values: Mapping[str, str], then: AreasThen | None) -> Reply:
    asked = parse_point(values, backend.settings.default_crs)
    accuracy_m = _accuracy(values.get("accuracy_m"))
    included = parse_choices("include", values["include"], _INCLUDES) if "include" in values else ()
    model = backend.model
    # Taken first: should the data change meanwhile, the answer is newer than it says, never older.
    version = model.version
    if then is None:
        location = model.locate(asked.first, asked.second, asked.crs, accuracy_m)
    else:
        location = then.locator.locate(*model.to_wgs84(asked.first, asked.second, asked.crs), accuracy_m)
    document = locate_document(asked, location)
    document["data_version"] = version
    document["database"] = "up" if model.database_is_up else "down"
    if then is not None:
        document |= then.as_document()
    for name in included:
        document[name] = _included(backend, name, location)
    return json_reply(document)


def locate_document(asked: AskedPoint, location: Location) -> dict[str, object]:
    """Return the members of an answer that depend on the point alone."""
    return {"input": asked.as_document(), **as_document(location)}


def nearest(backend: Backend, layer_id: str, scope: Scope) -> Reply:
    """Answer ``GET /{layer}/nearest``: the features of a point layer around a point, the nearest on the ground first."""
    values = parse_query(scope["query_string"], NEAREST_PARAMETERS)
    limits = backend.settings.api
    asked = parse_point(values, backend.settings.default_crs)
    k = parse_count("k", values["k"], limits.max_neighbours) if "k" in values else _DEFAULT_K
    radius_m = _radius(values.get("radius_m"), limits.max_radius_m)
    model = backend.model
    version = model.version
    lon, lat = model.to_wgs84(asked.first, asked.second, asked.crs)
    return json_reply(
        {
            "input": asked.as_document(),
            "point": point_document(lon, lat),
            "features": [neighbour_document(found) for found in model.nearest(layer_id, lon, lat, k, radius_m)],
            "data_version": version,
            "database": "up" if model.database_is_up else "down",
        }
    )


def point_document(lon: float, lat: float) -> dict[str, object]:
    """Return a WGS 84 position as answers give it: degrees to nine places, a tenth of a millimetre."""
    return {"lon": round(lon, 9), "lat": round(lat, 9), "crs": "wgs84"}


def _included(backend: Backend, name: str, location: Location) -> object:
    model = backend.model
    if name == "building":
        return model.building_at(location.lon, location.lat)
    found = model.nearest(name, location.lon, location.lat, _INCLUDED_NEIGHBOURS, None)
    return [neighbour_document(neighbour) for neighbour in found]


def _accuracy(text: str | None) -> float | None:
    if text is None:
        return None
    return parse_ranged("accuracy_m", text, 0.0, MAX_ACCURACY_M, f"metres from 0 to {MAX_ACCURACY_M:g}")


def _radius(text: str | None, high: float) -> float | None:
    if text is None:
        return None
    # The smallest radius is a millimetre: 0 would ask for nothing.
    return parse_ranged("radius_m", text, 0.001, high, f"metres, more than 0 and at most {high:g}")
