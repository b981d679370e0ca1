"""What editors do to a case: settle, reassign, close, declare void, reopen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.access import editor
from api.backend import Backend
from api.batch import read_number
from api.cases.routes import MAX_CASE_BYTES, PREFIX, answer_json, etag_of, json_body, query_of
from api.points import choose_crs, coordinate_names
from gisgrid.cases.documents import Document
from gisgrid.errors import ParameterError, UsageError
from gisgrid.services.cases.changing import Act, CaseChanges, Place

router = APIRouter()

_POSITION = ("lon", "lat", "x", "y", "crs")
_COMMON = ("reason", "version")
_LONGEST = {"reason": 1000, "unit_code": 100, "grid_code": 100}

Body = Mapping[str, Any]


@router.post(f"{PREFIX}/{{number}}/settle", include_in_schema=False)
async def settle(request: Request, number: str) -> Response:
    """Answer the question of a case in review."""
    act, body, changes = await _asked(request, number, (*_POSITION, "candidate", "unit_code"))
    ways = [bool(body.keys() & set(_POSITION)), "candidate" in body, "unit_code" in body]
    if sum(ways) != 1:
        raise ParameterError("candidate", "one answer is needed.", "candidate, or lon, lat and crs, or unit_code")
    backend: Backend = request.app.state.backend
    place = _place(body, backend.settings.default_crs) if ways[0] else None
    candidate = body.get("candidate")
    if candidate is not None and (isinstance(candidate, bool) or not isinstance(candidate, int)):
        raise ParameterError("candidate", f"{str(candidate)[:40]!r} is not a whole number.", "its place in review.candidates, from 0")
    return _done(await changes.settle(act, place=place, candidate=candidate, unit_code=_text(body, "unit_code") or None))


@router.post(f"{PREFIX}/{{number}}/reassign", include_in_schema=False)
async def reassign(request: Request, number: str) -> Response:
    """Give a case to another unit or grid."""
    act, body, changes = await _asked(request, number, ("unit_code", "grid_code"))
    unit_code, grid_code = _text(body, "unit_code"), _text(body, "grid_code")
    if not unit_code and not grid_code:
        raise ParameterError("unit_code", "is missing.", "unit_code, or grid_code, or both")
    _require_reason(act)
    return _done(await changes.reassign(act, unit_code=unit_code or None, grid_code=grid_code or None))


@router.post(f"{PREFIX}/{{number}}/close", include_in_schema=False)
async def close(request: Request, number: str) -> Response:
    """Note that a case is done."""
    act, _, changes = await _asked(request, number, ())
    return _done(await changes.end(act, "close"))


@router.post(f"{PREFIX}/{{number}}/void", include_in_schema=False)
async def void(request: Request, number: str) -> Response:
    """Note that a case is none."""
    act, _, changes = await _asked(request, number, ())
    _require_reason(act)
    return _done(await changes.end(act, "void"))


@router.post(f"{PREFIX}/{{number}}/reopen", include_in_schema=False)
async def reopen(request: Request, number: str) -> Response:
    """Take a case up again."""
    act, _, changes = await _asked(request, number, ())
    return _done(await changes.end(act, "reopen"))


async def _asked(request: Request, number: str, members: tuple[str, ...]) -> tuple[Act, Body, CaseChanges]:
    """Return what an editor asks to be done; raises AccessError for anybody else, before the body is looked at."""
    backend: Backend = request.app.state.backend
    query_of(request, {})
    name = await editor(backend, request.headers.get("authorization", ""))
    body = await json_body(request, MAX_CASE_BYTES)
    if not isinstance(body, dict):
        raise UsageError("The body is not a JSON object.", f"It has the members {', '.join((*members, *_COMMON))}.")
    for member in body:
        if member not in members and member not in _COMMON:
            raise ParameterError(member[:60], "there is no such member here.", f"only {', '.join((*members, *_COMMON))}")
    return Act(number, name, _text(body, "reason"), _seen(request, body)), body, CaseChanges(backend.cases)


def _seen(request: Request, body: Body) -> int | None:
    """Return the version that was seen: that of If-Match, or of the body; None for any."""
    version = body.get("version")
    if version is not None and (isinstance(version, bool) or not isinstance(version, int)):
        raise ParameterError("version", f"{str(version)[:40]!r} is not a whole number.", "the version of the case that was seen")
    given = request.headers.get("if-match", "").strip()
    if given in ("", "*"):
        return version
    tag = given.removeprefix("W/").strip('"')
    # A tag that is none of a case's is one that does not hold any more.
    return int(tag) if tag.isascii() and tag.isdecimal() and len(tag) < 10 else 0


def _place(body: Body, default_crs: str | None) -> Place:
    crs = choose_crs(_text(body, "crs") or None, default_crs)
    names = coordinate_names(body, crs)
    return Place(read_number(names[0], body), read_number(names[1], body), crs)


def _text(body: Body, name: str) -> str:
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ParameterError(name, f"{str(value)[:40]!r} is not a text.", "a text")
    if len(value) > _LONGEST.get(name, 100):
        raise ParameterError(name, f"has {len(value)} characters.", f"at most {_LONGEST.get(name, 100)}")
    return value.strip()


def _require_reason(act: Act) -> None:
    if not act.reason:
        raise ParameterError("reason", "is missing.", "why, in a sentence: it stays in the history")


def _done(document: Document) -> Response:
    return answer_json(document, headers={"etag": etag_of(document["version"])})
