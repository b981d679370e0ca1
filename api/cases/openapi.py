"""The routes of cases in the OpenAPI document, from where their parameters are declared."""

from __future__ import annotations

from pydantic import BaseModel

from api.cases import schemas
from api.cases.batch import BATCH_PARAMETERS
from api.cases.params import INTAKE_PARAMETERS, LIST_PARAMETERS, STATISTICS_PARAMETERS
from api.cases.stream import STREAM_PARAMETERS
from api.describing import Document, answer, given, operation, parameter_object, query, reference
from api.params import Parameter

_JSON = "application/json"
_TEXT: Document = {"type": "string"}
_KEY = Parameter(
    "Idempotency-Key",
    "Stands for the request: the same key with the same body is answered with the case that it made. Not with `dry_run`.",
    {"type": "string", "pattern": "^[!-~]{1,200}$"},
    None,
)
_SEEN = Parameter(
    "If-Match", 'The `ETag` of the case that was seen, as `"3"`; else it counts whatever the case is now.', {"type": "string"}, None
)
_LAST = Parameter("Last-Event-ID", "The last event that the client has had.", {"type": "integer", "minimum": 0}, None)
_NUMBER = Parameter("number", "Number of the case.", {"type": "string", "maxLength": 40}, "20261122-000001")
_EDITORS: Document = {"security": [{"basic": []}, {"bearer": []}]}
_ACTS: tuple[tuple[str, str, type[BaseModel]], ...] = (
    ("settle", "Answer the question of a case in review", schemas.Settlement),
    ("reassign", "Give a case to another unit or grid", schemas.Reassignment),
    ("close", "Note that a case is done", schemas.Ending),
    ("void", "Note that a case is none", schemas.Ending),
    ("reopen", "Take a case up again", schemas.Ending),
)


def case_paths() -> Document:
    """Return the paths of cases."""
    paths: Document = {
        "/cases": {"get": _list(), "post": _receive()},
        "/cases/batch": {"post": _batch()},
        "/cases/statistics": {"get": _statistics()},
        "/cases/stream": {"get": _stream()},
        "/cases/{number}": {"get": _one()},
    }
    paths |= {f"/cases/{{number}}/{name}": {"post": _act(name, summary, model)} for name, summary, model in _ACTS}
    return paths


def _list() -> Document:
    return operation("cases", "Cases, the newest first", query(LIST_PARAMETERS), answer(schemas.CasePage), (400, 503))


def _statistics() -> Document:
    summary = "How many cases there are, by area, unit, category, state, source, hour or day"
    return operation("case_statistics", summary, query(STATISTICS_PARAMETERS), answer(schemas.CaseStatistics), (400, 503))


def _one() -> Document:
    summary = "A case with its reasons and its history; the reporter for editors"
    return operation("case", summary, [parameter_object(_NUMBER, "path")], answer(schemas.Case), (400, 401, 404, 503))


def _receive() -> Document:
    parameters = [*query(INTAKE_PARAMETERS), parameter_object(_KEY, "header")]
    content: dict[str, Document] = {_JSON: reference(schemas.Case)}
    responses = given("The case is kept.", content, 201) | given("What was made before with the same key, or would be made.", content)
    summary = "Take a case in: where it is, who has to act, until when, and why"
    errors = (400, 401, 413, 415, 422, 503)
    return {**operation("receive_case", summary, parameters, responses, errors), "requestBody": _body(schemas.NewCase)}


def _batch() -> Document:
    rows: Document = {"type": "array", "items": {"type": "object"}}
    files: dict[str, Document] = {"application/x-ndjson": _TEXT, "text/csv": _TEXT, "text/tab-separated-values": _TEXT}
    responses = given("One result a row, in the order of the rows.", {_JSON: reference(schemas.CaseBatchAnswer), **files})
    taken = {media: {"schema": schema} for media, schema in {_JSON: rows, **files}.items()}
    document = operation(
        "receive_cases", "Take a file of cases in, row by row", query(BATCH_PARAMETERS), responses, (400, 401, 406, 413, 415, 503)
    )
    return {**document, "requestBody": {"required": True, "content": taken}}


def _stream() -> Document:
    parameters = [*query(STREAM_PARAMETERS), parameter_object(_LAST, "header")]
    responses = given("Server-sent events, one for each entry of the history of any case.", {"text/event-stream": _TEXT})
    return operation("case_stream", "What happens to cases, as it happens", parameters, responses, (400, 503))


def _act(name: str, summary: str, model: type[BaseModel]) -> Document:
    parameters = [parameter_object(_NUMBER, "path"), parameter_object(_SEEN, "header")]
    errors = (400, 401, 404, 409, 412, 413, 415, 422, 503)
    return {**operation(f"{name}_case", summary, parameters, answer(schemas.Case), errors), "requestBody": _body(model), **_EDITORS}


def _body(model: type[BaseModel]) -> Document:
    return {"required": True, "content": {_JSON: {"schema": reference(model)}}}
