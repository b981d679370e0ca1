"""The OpenAPI document of all routes, each from where its parameters are declared."""

from __future__ import annotations

from functools import lru_cache

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api import schemas
from api.cases.openapi import case_paths
from api.cases.schemas import MODELS as CASE_MODELS
from api.convert import CONVERT_PARAMETERS, ConvertAnswer
from api.describing import Document, answer, error_answers, operation, query, reference
from api.geocode import GEOCODE_PARAMETERS, REVERSE_PARAMETERS, SUGGEST_PARAMETERS
from api.geocode_schemas import GeocodeAnswer, GeocodeBatchAnswer, GeocodeBatchRequest, ReverseAnswer, SuggestAnswer
from api.lookup_params import LOCATE_PARAMETERS, MATCH_PARAMETERS, NEAREST_PARAMETERS
from api.media import FORMATS
from api.ogc.openapi import SECURITY_SCHEMES, ogc_paths
from api.openapi_tiles import tile_paths
from api.stream_params import STREAM_PARAMETERS
from gisgrid import __version__
from gisgrid.layers import Layer
from gisgrid.services import NEAREST_LAYERS

_DESCRIPTION = (
    "Where is this point, who answers for it, and what is near: lookups in the responsibility grids of a city district, vector "
    "tiles of its layers, and the layers themselves by OGC API. Longitude comes before latitude, always, but for what `/ogc` gives in "
    "a coordinate reference system that says otherwise; the coordinate system of a point is always named."
)

_MODELS: tuple[type[BaseModel], ...] = (
    schemas.LocateAnswer,
    schemas.NearestAnswer,
    schemas.NearestBuildings,
    schemas.MatchAnswer,
    ConvertAnswer,
    GeocodeAnswer,
    GeocodeBatchRequest,
    GeocodeBatchAnswer,
    ReverseAnswer,
    SuggestAnswer,
    schemas.BatchRequest,
    schemas.BatchAnswer,
    schemas.Problem,
    schemas.TileJson,
    schemas.Health,
    schemas.Ready,
    *CASE_MODELS,
)
_BATCH_ERRORS = (400, 406, 413, 415, 503)


@lru_cache(maxsize=1)
def openapi_document() -> Document:
    """Return the OpenAPI 3.1 document of the whole server; it is not to be changed."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "gisgrid", "version": __version__, "description": _DESCRIPTION},
        "paths": {**_lookup_paths(), **case_paths(), **tile_paths(), **ogc_paths("/ogc", "ogc_"), **_health_paths()},
        "components": {"schemas": model_schemas(), "securitySchemes": SECURITY_SCHEMES},
    }


def model_schemas() -> Document:
    """Return the schemas of the answers that have a model, by name."""
    _, definitions = models_json_schema([(model, "serialization") for model in _MODELS], ref_template="#/components/schemas/{model}")
    found: Document = definitions["$defs"]
    return found


def _lookup_paths() -> Document:
    paths: Document = {"/locate": {"get": _locate()}}
    paths |= {f"/{layer.id}/nearest": {"get": _nearest(layer)} for layer in NEAREST_LAYERS}
    paths["/manhole_covers/match"] = {"get": _match()}
    paths["/locate/batch"] = {"post": _batch()}
    paths["/convert"] = {"get": _convert()}
    paths |= _geocoding_paths()
    return paths


def _health_paths() -> Document:
    ready = operation("readyz", "Are lookups current, and can tiles be made?", (), answer(schemas.Ready), (503,))
    return {
        "/healthz": {"get": operation("healthz", "Is the process alive?", (), answer(schemas.Health))},
        "/readyz": {"get": ready},
    }


def _locate() -> Document:
    summary = "Which grid is this point in, and who answers for it?"
    return operation("locate", summary, query(LOCATE_PARAMETERS), answer(schemas.LocateAnswer), (400, 503))


def _nearest(layer: Layer) -> Document:
    model = schemas.NearestAnswer if layer.geometry == "Point" else schemas.NearestBuildings
    summary = f"{layer.title_en} nearest to a point, on the ground"
    return operation(f"nearest_{layer.id}", summary, query(NEAREST_PARAMETERS[layer.id]), answer(model), (400, 503))


def _match() -> Document:
    summary = "Which manhole cover does a report about a point concern?"
    return operation("match_manhole_covers", summary, query(MATCH_PARAMETERS), answer(schemas.MatchAnswer), (400, 503))


def _convert() -> Document:
    return operation("convert", "A position in other coordinate systems", query(CONVERT_PARAMETERS), answer(ConvertAnswer), (400,))


def _geocoding_paths() -> Document:
    batch = operation("geocode_batch", "Many addresses at once, each answered in its place", (), answer(GeocodeBatchAnswer), (400, 413))
    batch["requestBody"] = {"required": True, "content": {"application/json": {"schema": reference(GeocodeBatchRequest)}}}
    summaries = ("Which place does an address mean?", "Which address is a point at?", "What may somebody who types be about to write?")
    asked = (GEOCODE_PARAMETERS, REVERSE_PARAMETERS, SUGGEST_PARAMETERS)
    answers: tuple[type[BaseModel], ...] = (GeocodeAnswer, ReverseAnswer, SuggestAnswer)
    found: Document = {
        f"/{name}": {"get": operation(name, summary, query(parameters), answer(model), (400,))}
        for name, summary, parameters, model in zip(("geocode", "reverse", "suggest"), summaries, asked, answers, strict=True)
    }
    return {**found, "/geocode/batch": {"post": batch}}


def _batch() -> Document:
    parameters = [
        {**parameter, "description": f"Of rows: {parameter['description']}", "required": False} for parameter in query(STREAM_PARAMETERS)
    ]
    # An example would make rows of what is points.
    plain = [{name: value for name, value in parameter.items() if name != "example"} for parameter in parameters]
    summary = "Many points at once, each answered in its place: points in JSON, or rows in any of several formats with parameters"
    rows: Document = {"schema": {"type": "array", "items": {"type": "object"}}}
    other: Document = {media: {"schema": {"type": "string"}} for media in FORMATS if media != "application/json"}
    points, answers = reference(schemas.BatchRequest), reference(schemas.BatchAnswer)
    taken = {"application/json": {"schema": {"anyOf": [points, rows["schema"]]}}, **other}
    given = {"application/json": {"schema": {"anyOf": [answers, rows["schema"]]}}, **other}
    what = f"{(schemas.BatchAnswer.__doc__ or '').strip()} Or the rows, with the answers in more columns."
    responses = {"200": {"description": what, "content": given}, **error_answers(_BATCH_ERRORS)}
    body = {"required": True, "content": taken}
    return {**operation("locate_batch", summary, plain), "responses": responses, "requestBody": body}
