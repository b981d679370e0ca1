"""``/cases``: taking in, reading, listing and counting."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from api.access import editor, is_editor
from api.asgi import Reply, json_reply
from api.backend import Backend
from api.batch import read_body
from api.cases.params import INTAKE_PARAMETERS, LIST_PARAMETERS, STATISTICS_PARAMETERS, parse_by, parse_filter, parse_limit
from api.media import UnsupportedMediaError, media_type
from api.params import parse_flag, parse_query
from gisgrid.cases.drafts import read_draft
from gisgrid.db.cases.reader import Group
from gisgrid.errors import BodyError, ParameterError
from gisgrid.services.cases.desk import Request as CaseRequest
from gisgrid.services.cases.intake import check_key, hash_of_body
from gisgrid.services.cases.showing import path_of, summary_document

router = APIRouter()

PREFIX = "/cases"
"""Where cases are."""

MAX_CASE_BYTES = 64_000
"""Longest body of one case."""

_FRESH = {"cache-control": "no-store"}


def answer_json(document: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return a document as an answer that no cache keeps."""
    return Response(orjson.dumps(document), status, {**_FRESH, **(headers or {})}, media_type="application/json")


async def json_body(request: Request, most: int) -> Any:
    """Return the JSON that a request sends; raises UnsupportedMediaError, BodyError or TooLargeError."""
    named = media_type(request.headers.get("content-type", ""))
    if named not in ("", "application/json", "application/x-www-form-urlencoded"):
        raise UnsupportedMediaError(f"The type {named[:60]!r} is not taken here.", "Send application/json.")
    body = await read_body(request, most)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BodyError(f"The body is not JSON: {error.msg} (line {error.lineno}, column {error.colno}).") from None


def query_of(request: Request, known: Any) -> dict[str, str]:
    """Return the parameters of a request; raises ParameterError for unknown and repeated ones."""
    return parse_query(request.scope["query_string"], known)


async def receive(backend: Backend, request: Request) -> Reply:
    """Take a case in: 201 with the case, or 200 with that which the same request made before.

    A plain route: cases come by the hundred a second.
    """
    values = query_of(request, INTAKE_PARAMETERS)
    is_dry = parse_flag("dry_run", values["dry_run"]) if "dry_run" in values else False
    given = request.headers.get("idempotency-key")
    key = None if given is None else check_key(given)
    body = await json_body(request, MAX_CASE_BYTES)
    draft = read_draft(body, backend.cases.intake.reading, datetime.now(UTC))
    if is_dry:
        if key is not None:
            raise ParameterError("Idempotency-Key", "goes with what is kept, and a dry run keeps nothing.", "one of the two")
        return json_reply(await backend.cases.preview(draft))
    by = await sender(backend, request)
    made = await backend.cases.receive(draft, CaseRequest(key, hash_of_body(body) if key else b"", by))
    reply = json_reply(made.document, 201 if made.is_new else 200)
    return reply._replace(headers=(*reply.headers, (b"location", path_of(made.document["number"]).encode())))


async def sender(backend: Backend, request: Request) -> str:
    """Return the editor who sends a case; empty where nobody shows a token, which nobody needs for that."""
    authorization = request.headers.get("authorization", "")
    return await editor(backend, authorization) if authorization else ""


@router.get(PREFIX, include_in_schema=False)
async def listed(request: Request) -> Response:
    """Answer a page of cases, the newest first."""
    backend: Backend = request.app.state.backend
    values = query_of(request, LIST_PARAMETERS)
    chosen, limit = parse_filter(values, backend.cases.intake.zone), parse_limit(values)
    page = await backend.cases.reader.page(chosen, limit, values.get("cursor", ""))
    now = datetime.now(UTC)
    return answer_json({"cases": [summary_document(one, now) for one in page.cases], "next": page.next})


@router.get(f"{PREFIX}/statistics", include_in_schema=False)
async def statistics(request: Request) -> Response:
    """Answer how many cases there are, by areas, units, categories, states, hours."""
    backend: Backend = request.app.state.backend
    values = query_of(request, STATISTICS_PARAMETERS)
    chosen, by, zone = parse_filter(values, backend.cases.intake.zone), parse_by(values), backend.cases.intake.zone
    reader = backend.cases.reader
    (whole,), groups = await reader.count(chosen, (), zone), await reader.count(chosen, by, zone) if by else []
    rows = [{**{name: _key(*key) for name, key in zip(by, group.keys, strict=True)}, **_counts(group)} for group in groups]
    return answer_json({"by": by, "zone": zone, "total": _counts(whole), "rows": rows})


@router.get(f"{PREFIX}/{{number}}", include_in_schema=False)
async def shown(request: Request, number: str) -> Response:
    """Answer one case with its history; an editor sees the reporter too."""
    backend: Backend = request.app.state.backend
    query_of(request, {})
    with_reporter = await is_editor(backend, request.headers.get("authorization", ""))
    document = await backend.cases.show(number, with_reporter=with_reporter)
    return answer_json(document, headers={"etag": etag_of(document["version"]), "vary": "authorization"})


def etag_of(version: int) -> str:
    """Return the tag of a version of a case."""
    return f'"{version}"'


def _key(code: str | None, name: str | None) -> object:
    return {"code": code, "name": name} if name is not None else code


def _counts(group: Group) -> dict[str, int]:
    return {"count": group.cases, "open": group.open, "overdue": group.overdue}
