"""The OpenAPI document of all routes: the plain ones from their declared parameters, FastAPI's own from FastAPI."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api import schemas
from api.convert import CONVERT_PARAMETERS, ConvertAnswer
from api.lookup_params import LOCATE_PARAMETERS, MATCH_PARAMETERS, NEAREST_PARAMETERS
from api.media import FORMATS
from api.params import Parameter
from api.stream_params import STREAM_PARAMETERS
from api.tileparams import TILE_PARAMETERS
from gisgrid import __version__
from gisgrid.layers import LAYERS, Layer
from gisgrid.services import NEAREST_LAYERS
from tiles.matrix import MATRIX_SETS
from tiles.tile import MAX_ZOOM

_DESCRIPTION = (
    "Where is this point, who answers for it, and what is near: lookups in the responsibility grids of a city district, and vector "
    "tiles of its layers. Longitude comes before latitude, always; the coordinate system of a point is always named."
)

_MODELS: tuple[type[BaseModel], ...] = (
    schemas.LocateAnswer,
    schemas.NearestAnswer,
    schemas.NearestBuildings,
    schemas.MatchAnswer,
    ConvertAnswer,
    schemas.BatchRequest,
    schemas.BatchAnswer,
    schemas.Problem,
    schemas.TileJson,
    schemas.Health,
    schemas.Ready,
)
_ERRORS = {
    400: "A parameter is missing, unknown, repeated, not finite or out of range, or the body is not the JSON asked for.",
    404: "There is no such layer, tile or route.",
    406: "The answer is not given in any of the types that Accept names.",
    413: "The body or the batch is larger than allowed.",
    415: "The body is of a type that is not taken.",
    503: "PostGIS is needed for this answer and cannot be reached, or is too busy.",
}

Document = dict[str, object]

_JSON_DOCUMENT: Document = {"200": {"description": "The document.", "content": {"application/json": {"schema": {"type": "object"}}}}}


def openapi_document() -> Document:
    """Return the OpenAPI 3.1 document."""
    _, definitions = models_json_schema([(model, "serialization") for model in _MODELS], ref_template="#/components/schemas/{model}")
    return {
        "openapi": "3.1.0",
        "info": {"title": "gisgrid", "version": __version__, "description": _DESCRIPTION},
        "paths": _paths(),
        "components": {"schemas": definitions["$defs"]},
    }


def _paths() -> Document:
    paths: Document = {"/locate": {"get": _locate()}}
    paths |= {f"/{layer.id}/nearest": {"get": _nearest(layer)} for layer in NEAREST_LAYERS}
    paths["/manhole_covers/match"] = {"get": _match()}
    paths["/locate/batch"] = {"post": _batch()}
    paths["/convert"] = {"get": _convert()}
    paths["/tiles/{layers}/{z}/{x}/{y}.mvt"] = {"get": _tile()}
    paths["/tiles/{layers}.json"] = {"get": _tilejson()}
    paths["/tileMatrixSets"] = {"get": _operation("tile_matrix_sets", "The tile matrix sets", None) | {"responses": _JSON_DOCUMENT}}
    one = _operation("tile_matrix_set", "One tile matrix set, as OGC TMS 2.0 describes it", None, [_matrix_set_parameter()], errors=(404,))
    paths["/tileMatrixSets/{id}"] = {"get": {**one, "responses": _JSON_DOCUMENT | _errors((404,))}}
    paths["/healthz"] = {"get": _operation("healthz", "Is the process alive?", schemas.Health)}
    paths["/readyz"] = {"get": _operation("readyz", "Are lookups current, and can tiles be made?", schemas.Ready, errors=(503,))}
    return paths


def _locate() -> Document:
    return _operation(
        "locate", "Which grid is this point in, and who answers for it?", schemas.LocateAnswer, _query(LOCATE_PARAMETERS), errors=(400, 503)
    )


def _nearest(layer: Layer) -> Document:
    answer = schemas.NearestAnswer if layer.geometry == "Point" else schemas.NearestBuildings
    summary = f"{layer.title_en} nearest to a point, on the ground"
    return _operation(f"nearest_{layer.id}", summary, answer, _query(NEAREST_PARAMETERS[layer.id]), errors=(400, 503))


def _match() -> Document:
    summary = "Which manhole cover does a report about a point concern?"
    return _operation("match_manhole_covers", summary, schemas.MatchAnswer, _query(MATCH_PARAMETERS), errors=(400, 503))


def _convert() -> Document:
    return _operation("convert", "A position in other coordinate systems", ConvertAnswer, _query(CONVERT_PARAMETERS), errors=(400,))


def _batch() -> Document:
    parameters = [
        {**parameter, "description": f"Of rows: {parameter['description']}", "required": False} for parameter in _query(STREAM_PARAMETERS)
    ]
    # An example would make rows of what is points.
    plain = [{name: value for name, value in parameter.items() if name != "example"} for parameter in parameters]
    summary = "Many points at once, each answered in its place: points in JSON, or rows in any of several formats with parameters"
    operation = _operation("locate_batch", summary, schemas.BatchAnswer, plain, errors=(400, 406, 413, 415, 503))
    rows: Document = {"schema": {"type": "array", "items": {"type": "object"}}}
    other: Document = {media: {"schema": {"type": "string"}} for media in FORMATS if media != "application/json"}
    points, answers = _ref(schemas.BatchRequest), _ref(schemas.BatchAnswer)
    taken = {"application/json": {"schema": {"anyOf": [points, rows["schema"]]}}, **other}
    given = {"application/json": {"schema": {"anyOf": [answers, rows["schema"]]}}, **other}
    what = f"{(schemas.BatchAnswer.__doc__ or '').strip()} Or the rows, with the answers in more columns."
    done = {"description": what, "content": given}
    responses = {"200": done, **_errors((400, 406, 413, 415, 503))}
    return {**operation, "responses": responses, "requestBody": {"required": True, "content": taken}}


def _tile() -> Document:
    last = (1 << MAX_ZOOM) - 1
    parameters = [
        _layers_parameter(),
        _path_parameter("z", "Zoom.", MAX_ZOOM, 14),
        _path_parameter("x", "Column from the west, below 2^z.", last, 13669),
        _path_parameter("y", "Row from the north, below 2^z.", last, 6416),
        *_query(TILE_PARAMETERS),
    ]
    operation = _operation("tile", "A Mapbox Vector Tile of one or more layers", None, parameters, errors=(400, 404, 503))
    tile = {"content": {"application/vnd.mapbox-vector-tile": {"schema": {"type": "string", "format": "binary"}}}}
    responses = {
        "200": {"description": "The tile; gzip where it is accepted and pays. Feature ids are those of PostGIS.", **tile},
        "204": {"description": "Nothing is drawn in this tile."},
        "304": {"description": "The tile is still the one that If-None-Match names."},
    }
    return {**operation, "responses": responses | _errors((400, 404, 503))}


def _tilejson() -> Document:
    parameters = [_layers_parameter(), *_query(TILE_PARAMETERS)]
    return _operation("tilejson", "TileJSON 3 of one or more layers", schemas.TileJson, parameters, errors=(400, 404))


def _operation(
    name: str, summary: str, answer: type[BaseModel] | None, parameters: Iterable[Document] = (), errors: tuple[int, ...] = ()
) -> Document:
    responses: Document = {}
    if answer is not None:
        responses["200"] = {"description": (answer.__doc__ or "").strip(), "content": {"application/json": {"schema": _ref(answer)}}}
    return {"operationId": name, "summary": summary, "parameters": list(parameters), "responses": responses | _errors(errors)}


def _errors(statuses: tuple[int, ...]) -> Document:
    content = {"application/problem+json": {"schema": _ref(schemas.Problem)}}
    return {str(status): {"description": _ERRORS[status], "content": content} for status in statuses}


def _ref(model: type[BaseModel]) -> Document:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _query(parameters: Mapping[str, Parameter]) -> list[Document]:
    return [_query_parameter(parameter) for parameter in parameters.values()]


def _query_parameter(parameter: Parameter) -> Document:
    document: Document = {
        "name": parameter.name,
        "in": "query",
        "required": parameter.required,
        "description": parameter.description,
        "schema": dict(parameter.schema),
    }
    return document if parameter.example is None else {**document, "example": parameter.example}


def _layers_parameter() -> Document:
    ids = "|".join(layer.id for layer in LAYERS if layer.public)
    return {
        "name": "layers",
        "in": "path",
        "required": True,
        "description": "Layers with commas, drawn in that order.",
        "schema": {"type": "string", "pattern": f"^({ids})(,({ids}))*$"},
        "example": "grids,manhole_covers",
    }


def _matrix_set_parameter() -> Document:
    schema = {"type": "string", "enum": list(MATRIX_SETS)}
    document: Document = {"name": "id", "in": "path", "required": True, "description": "The tile matrix set.", "schema": schema}
    return {**document, "example": next(iter(MATRIX_SETS))}


def _path_parameter(name: str, description: str, maximum: int, example: int) -> Document:
    schema = {"type": "integer", "minimum": 0, "maximum": maximum}
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema, "example": example}
