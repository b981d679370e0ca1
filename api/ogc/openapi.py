"""The OGC API in the OpenAPI document: made from the table of operations, each collection with paths of its own.

A collection has paths of its own because its parameters are: one for each field that can be asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from api.describing import BINARY, Document, error_answers, parameter_object
from api.ogc.asked import known_layers
from api.ogc.headers import REQUEST_HEADERS, RESPONSE_HEADERS
from api.ogc.operations import Operation, Resource, operations_of
from api.ogc.variables import VARIABLES
from api.params import Parameter
from gisgrid.layers import Layer

SECURITY_SCHEMES: Document = {
    "basic": {"type": "http", "scheme": "basic", "description": "An editor's name and token, as QGIS and browsers send them."},
    "bearer": {"type": "http", "scheme": "bearer", "description": "An editor's token; `gisgrid editors add` makes one."},
}
"""How who may write says who it is."""

_SECURITY: list[Document] = [{"basic": []}, {"bearer": []}]
_WRITES = ("POST", "PUT", "PATCH", "DELETE")
_ALWAYS = (400, 406, 503)


def ogc_paths(prefix: str, names: str = "") -> Document:
    """Return the paths of the OGC API, each with ``prefix`` before it and the operationId with ``names``."""
    # The table knows the route of the definition, which knows this.
    from api.ogc.table import RESOURCES  # noqa: PLC0415

    paths: dict[str, Document] = {}
    for resource in RESOURCES:
        for path, layer in _expanded(resource):
            described = paths.setdefault(f"{prefix}{path}".rstrip("/") or "/", {})
            for method, operation in operations_of(resource, layer).items():
                found = _described(path, method, operation, layer)
                described[method.lower()] = {**found, "operationId": f"{names}{found['operationId']}"}
    return {**paths}


def tags() -> list[Document]:
    """Return what groups the operations: one tag a collection."""
    return [{"name": layer.id, "description": f"{layer.title_zh} · {layer.title_en}"} for layer in known_layers()]


def _expanded(resource: Resource) -> Iterator[tuple[str, Layer | None]]:
    """Return the paths of a resource: one for each collection where there is a variable for it."""
    if "{collection}" not in resource.path:
        yield resource.path, None
        return
    for layer in known_layers():
        yield resource.path.replace("{collection}", layer.id), layer


def _operation_id(operation: Operation, layer: Layer | None) -> str:
    if layer is None:
        return operation.id
    # OGC API - Tiles says how names of its operations end.
    return f"{layer.id}.{operation.id}" if "." in operation.id else f"{operation.id}_{layer.id}"


def _described(path: str, method: str, operation: Operation, layer: Layer | None) -> Document:
    variables = [VARIABLES.get(name) or _unknown(name) for name in _variables(path)]
    parameters = operation.query_of(layer)
    described: Document = {
        "operationId": _operation_id(operation, layer),
        "summary": f"{operation.summary}: {layer.title_en}" if layer else operation.summary,
        "tags": [layer.id] if layer else ["documents"],
        "parameters": [
            *(parameter_object(variable, "path") for variable in variables),
            *(parameter_object(parameter, "query") for parameter in parameters.values()),
            *(_request_header(name) for name in operation.takes),
        ],
    }
    body = operation.body(layer) if callable(operation.body) and layer else operation.body
    if isinstance(body, Mapping):
        described["requestBody"] = {"required": True, "content": {media: {"schema": dict(schema)} for media, schema in body.items()}}
    described["responses"] = _responses(operation, layer, has_variables=bool(variables))
    if method in _WRITES or 401 in operation.statuses or _is_for_editors(layer):
        described["security"] = _SECURITY
    return described


def _is_for_editors(layer: Layer | None) -> bool:
    return layer is not None and not layer.public


def _responses(operation: Operation, layer: Layer | None, *, has_variables: bool) -> Document:
    schema = operation.schema(layer) if callable(operation.schema) and layer else operation.schema
    success: Document = {"description": operation.summary}
    if operation.gives:
        success["headers"] = {name: _response_header(name) for name in operation.gives}
    if operation.success != 204:
        success["content"] = {_key(media): {"schema": _schema_of(media, schema)} for media in operation.formats.values()}
    responses: Document = {str(operation.success): success}
    for status in sorted(status for status in operation.statuses if status < 400):
        responses[str(status)] = {"description": _LESS[status]}
    if "If-None-Match" in operation.takes:
        responses["304"] = {"description": _LESS[304]}
    errors = {
        *_ALWAYS,
        *((401,) if _is_for_editors(layer) else ()),
        *(status for status in operation.statuses if status >= 400),
        *((404,) if has_variables else ()),
    }
    return responses | error_answers(sorted(errors))


_LESS = {
    200: "The new state.",
    201: "It was made.",
    204: "Done, or nothing is there; there is nothing to send.",
    303: "It is elsewhere.",
    304: "It is still the one that If-None-Match names.",
}


def _schema_of(media: str, schema: object) -> Document:
    """Return the schema of an answer in a media type; ``schema`` is that of its JSON."""
    if media.startswith("text/"):
        return {"type": "string"}
    if "json" in media and "seq" not in media:
        return dict(schema) if isinstance(schema, Mapping) else {"type": "object"}
    return dict(BINARY)


def _key(media: str) -> str:
    """Return a media type as a key of ``content``: without the blanks that some tools trip over."""
    return media.replace("; ", ";")


def _variables(path: str) -> Iterator[str]:
    return (part.partition("}")[0] for part in path.split("{")[1:])


def _unknown(name: str) -> Parameter:
    return Parameter(name, f"The {name} in the path.", {"type": "string"}, None)


def _request_header(name: str) -> Document:
    found = REQUEST_HEADERS[name]
    return parameter_object(Parameter(name, found.description, found.schema, found.example), "header")


def _response_header(name: str) -> Document:
    found = RESPONSE_HEADERS[name]
    return {"description": found.description, "schema": dict(found.schema)}
