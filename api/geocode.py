"""``/geocode``, ``/reverse``, ``/suggest``: addresses to points, points to addresses, and what somebody who types may mean.

All answers come from memory, each from one snapshot.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from api.asgi import Reply, Scope, json_reply
from api.backend import Backend
from api.batch import load_members, read_body
from api.params import TEXT_PATTERN, Parameter, parse_count, parse_flag, parse_query
from api.points import POINT_PARAMETERS, parse_point
from api.problems import document_of
from gisgrid.errors import GisgridError, ParameterError, TooLargeError
from gisgrid.services import Place, Snapshot
from gisgrid.services.geocoding.answers import (
    MAX_ADDRESS,
    MOST_PLACES,
    checked_address,
    geocode_document,
    reverse_document,
    suggest_document,
)

router = APIRouter()

_ADDRESS = "市北区连云港路41号"
_LIMIT = 5
_FEWER = 3
_MORE = 8
_CHUNK = 100
_MEMBERS = ("addresses", "limit")
_OF_ONE = ("id", "address")


def _limit(default: int) -> Parameter:
    schema: dict[str, object] = {"type": "integer", "minimum": 1, "maximum": MOST_PLACES, "default": default}
    return Parameter("limit", "How many at most.", schema, None)


def _text(what: str, example: str) -> Parameter:
    schema: dict[str, object] = {"type": "string", "minLength": 1, "maxLength": MAX_ADDRESS, "pattern": TEXT_PATTERN}
    return Parameter("q", what, schema, example, required=True)


def _named(*parameters: Parameter) -> dict[str, Parameter]:
    return {parameter.name: parameter for parameter in parameters}


GEOCODE_PARAMETERS = _named(
    _text("An address, a crossing of roads, or the name of a place, as people write it.", _ADDRESS),
    _limit(_LIMIT),
    Parameter("explain", "Whether to tell each step: how the text was read, and what was found.", {"type": "boolean"}, None),
)
REVERSE_PARAMETERS = _named(*POINT_PARAMETERS, _limit(_FEWER))
SUGGEST_PARAMETERS = _named(_text("What has been typed so far.", "连云港路4"), _limit(_MORE))


def geocode(backend: Backend, scope: Scope) -> Reply:
    """Answer ``GET /geocode``: the place that an address means, how exact and how sure, and what else it may mean."""
    values = parse_query(scope["query_string"], GEOCODE_PARAMETERS)
    address, limit = _asked(values), _count(values, _LIMIT)
    explain = "explain" in values and parse_flag("explain", values["explain"])
    # Before the snapshot, as for all lookups: the answer may be newer than it says, never older.
    currency = backend.model.currency()
    now = backend.model.snapshot
    version = now.geocoded_version
    found = geocode_document(now, address, explain=explain, limit=limit)
    return json_reply({"query": address, **found, "data_version": version, **currency.as_document()})


def reverse(backend: Backend, scope: Scope) -> Reply:
    """Answer ``GET /reverse``: the address that a point is at."""
    values = parse_query(scope["query_string"], REVERSE_PARAMETERS)
    point = parse_point(values, backend.settings.default_crs)
    limit = _count(values, _FEWER)
    model = backend.model
    currency = model.currency()
    now = model.snapshot
    place = Place(*model.to_wgs84(point.first, point.second, point.crs), point.crs)
    version = now.geocoded_version
    found = reverse_document(now, place.lon, place.lat, limit=limit)
    given = {"input": point.as_document(), "point": place.as_document()}
    return json_reply({**given, **found, "data_version": version, **currency.as_document()})


def suggest(backend: Backend, scope: Scope) -> Reply:
    """Answer ``GET /suggest``: names and addresses that somebody who types may be about to write."""
    values = parse_query(scope["query_string"], SUGGEST_PARAMETERS)
    return json_reply(suggest_document(backend.model.snapshot, _asked(values), limit=_count(values, _MORE)))


@router.post("/geocode/batch", include_in_schema=False)
async def geocode_batch(request: Request) -> Response:
    """Answer many addresses, each in its place as ``GET /geocode`` does; one that cannot be answered has ``error`` in its place."""
    backend: Backend = request.app.state.backend
    limits = backend.settings.api
    body = await read_body(request, limits.max_body_bytes)
    asked = await asyncio.to_thread(_parse_batch, body, limits.max_batch_points)
    return StreamingResponse(_stream(backend, asked), media_type="application/json", headers={"cache-control": "no-store"})


class _Batch(NamedTuple):
    """The addresses of a request as they were written, and how many places each is answered with."""

    addresses: list[object]
    limit: int


def _parse_batch(body: bytes, most: int) -> _Batch:
    document = load_members(body, '{"addresses": ["…", {"id": …, "address": "…"}]}', _MEMBERS)
    addresses = document.get("addresses")
    if not isinstance(addresses, list):
        wrong = "is missing." if addresses is None else "is not a list."
        raise ParameterError("addresses", wrong, "a list of texts, or of objects with address and, if you like, id")
    if len(addresses) > most:
        raise TooLargeError(f"There are {len(addresses)} addresses, and {most} are allowed.", "Send them in several requests.")
    limit = document.get("limit", 1)
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MOST_PLACES:
        raise ParameterError("limit", f"{str(limit)[:60]!r} is no such number.", f"a whole number from 1 to {MOST_PLACES}")
    return _Batch(addresses, limit)


async def _stream(backend: Backend, asked: _Batch) -> AsyncIterator[bytes]:
    """Yield the answer piece by piece: others get a turn between, and all of it comes from one snapshot."""
    currency = backend.model.currency()
    now = backend.model.snapshot
    head = orjson.dumps({"data_version": now.geocoded_version, **currency.as_document()})
    yield head[:-1] + b',"results":['
    for start in range(0, len(asked.addresses), _CHUNK):
        part = asked.addresses[start : start + _CHUNK]
        written = await asyncio.to_thread(_written, now, part, asked.limit)
        yield (b"," if start else b"") + written
    yield b"]}"


def _written(now: Snapshot, addresses: list[object], limit: int) -> bytes:
    return orjson.dumps([_answered(now, one, limit) for one in addresses])[1:-1]


def _answered(now: Snapshot, one: object, limit: int) -> dict[str, object]:
    """Return the answer to one address of a batch, or what is wrong with it."""
    own = {"id": one["id"]} if isinstance(one, dict) and "id" in one else {}
    try:
        address = checked_address(_address_of(one), "address")
        return {**own, "query": address, **geocode_document(now, address, limit=limit)}
    except GisgridError as error:
        return {**own, "error": document_of(error)}


def _address_of(one: object) -> str:
    if isinstance(one, str):
        return one
    expected = "a text, or an object with address and, if you like, id"
    if not isinstance(one, dict):
        raise ParameterError("addresses", "holds what is neither text nor object.", expected)
    for name in one:
        if name not in _OF_ONE:
            raise ParameterError(str(name)[:60], "there is no such member here.", f"only {', '.join(_OF_ONE)}")
    address = one.get("address")
    if not isinstance(address, str):
        raise ParameterError("address", "is missing." if address is None else "is not a text.", "an address")
    return address


def _asked(values: dict[str, str]) -> str:
    if "q" not in values:
        raise ParameterError("q", "is missing.", "an address, a crossing, or the name of a place")
    return checked_address(values["q"])


def _count(values: dict[str, str], default: int) -> int:
    return parse_count("limit", values["limit"], MOST_PLACES) if "limit" in values else default
