"""``POST /locate/batch``: many points in one request, each answered in its place.

A body of ``points`` in JSON is answered here, with a document for each as ``/locate`` has it; rows in any other format, and JSON
with parameters in the query, are for ``api.stream``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from api.asgi import header
from api.backend import Backend
from api.bulk import BulkLocator
from api.lookup_params import MAX_ACCURACY_M
from api.media import media_type
from api.points import AskedPoint, choose_crs, coordinate_names
from api.problems import document_of
from api.stream import StreamedBatch, Streams
from api.stream_params import parse_stream
from gisgrid.crs import WGS84, Crs
from gisgrid.errors import BodyError, GisgridError, ParameterError, TooLargeError, UsageError
from gisgrid.services import AreasThen, parse_instant

router = APIRouter()

_MEMBERS = ("crs", "accuracy_m", "as_of", "points")
_POINT_MEMBERS = ("id", "lon", "lat", "x", "y", "crs", "accuracy_m")
_CHUNK = 2000
_OF_POINTS = ("", "application/json", "application/x-www-form-urlencoded")


class Batch(NamedTuple):
    """The points of a request, as they were written; the instant, if any, of all of them.

    ``crs`` and ``accuracy_m`` are those of the points that do not say their own; ``crs`` is None where every point has to.
    """

    crs: Crs | None
    points: list[object]
    as_of: datetime | None
    accuracy_m: float | None = None


class BatchPoint(NamedTuple):
    """A point of a batch, and the radius of its uncertainty in metres, if any."""

    asked: AskedPoint
    accuracy_m: float | None


@router.post("/locate/batch", include_in_schema=False)
async def locate_batch(request: Request) -> Response:
    """Answer a batch: one result a point, in the same order; a point that cannot be answered has ``error`` in its place."""
    backend: Backend = request.app.state.backend
    # A form is what curl takes a body for whose type it is not told.
    if not request.url.query and media_type(header(request.scope, b"content-type")) in _OF_POINTS:
        return await _points(request, backend)
    streams: Streams = request.app.state.streams
    asked = parse_stream(request.scope, backend.settings.default_crs)
    streams.check()
    then = None if asked.instant is None else await asyncio.to_thread(backend.model.areas_at, asked.instant)
    return StreamedBatch(backend, streams, asked, then)


async def _points(request: Request, backend: Backend) -> StreamingResponse:
    limits = backend.settings.api
    body = await read_body(request, limits.max_body_bytes)
    batch = await asyncio.to_thread(parse_batch, body, limits.max_batch_points, backend.settings.default_crs)
    then = None if batch.as_of is None else await asyncio.to_thread(backend.model.areas_at, batch.as_of)
    return StreamingResponse(_stream(backend, batch, then), media_type="application/json", headers={"cache-control": "no-store"})


async def read_body(request: Request, limit: int) -> bytes:
    """Return the body of a request; raises TooLargeError as soon as it is longer than ``limit`` bytes, announced or not."""
    too_large = TooLargeError(f"The body is longer than {limit} bytes.", "Send it in several parts.")
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise too_large
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise too_large
        chunks.append(chunk)
    return b"".join(chunks)


def parse_batch(body: bytes, max_points: int, default_crs: str | None) -> Batch:
    """Return the batch in a JSON body; the points themselves are not looked at yet.

    Raises BodyError that says where the JSON breaks off or what is not as asked for, TooLargeError for too many points.
    """
    document = load_members(body, '{"crs": ..., "points": [{"id": ..., "lon": ..., "lat": ...}, ...]}', _MEMBERS)
    crs = _crs_text(document)
    points = document.get("points")
    if not isinstance(points, list):
        raise ParameterError("points", "is missing." if points is None else "is not a list.", "a list of points, each with lon and lat")
    if len(points) > max_points:
        raise TooLargeError(f"There are {len(points)} points, and {max_points} are allowed.", "Send them in several requests.")
    # Points that all say their own need none beside them; the first that does not is told that it is missing.
    need_none = crs is None and bool(points) and all(isinstance(point, dict) and point.get("crs") for point in points)
    system = None if need_none else choose_crs(crs, default_crs)
    return Batch(system, points, _instant(document.get("as_of")), _accuracy(document))


def load_members(body: bytes, expected: str, members: Collection[str]) -> dict[str, object]:
    """Return the JSON object of a body that may have these ``members``.

    Raises BodyError that says where the JSON breaks off or what was ``expected``, ParameterError for another member.
    """
    document = _load(body)
    if not isinstance(document, dict):
        raise BodyError("The body is not a JSON object.", f"Expected {expected}.")
    for name in document:
        if name not in members:
            raise ParameterError(name[:60], "there is no such member here.", f"only {', '.join(members)}")
    return document


def _crs_text(members: dict[str, object]) -> str | None:
    crs = members.get("crs")
    if crs is not None and not isinstance(crs, str):
        raise ParameterError("crs", "is not a text.", "a coordinate system such as wgs84, gcj02 or EPSG:4549")
    return crs


def _accuracy(members: dict[str, object]) -> float | None:
    value = members.get("accuracy_m")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.0 <= value <= MAX_ACCURACY_M:
        raise ParameterError("accuracy_m", f"{str(value)[:60]!r} is no such distance.", f"metres from 0 to {MAX_ACCURACY_M:g}")
    return float(value)


def _instant(value: object) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ParameterError("as_of", "is not a text.", "a date, or a time with its offset such as 2026-11-22T09:00:00Z")
    return parse_instant(value)


def _load(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        hint = "Numbers are plain decimals: JSON has no NaN and no Infinity." if b"NaN" in body or b"Infinity" in body else ""
        raise BodyError(f"The body is not JSON: {error.msg} ({place}).", hint) from None


def parse_batch_point(point: object, crs: Crs | None, accuracy_m: float | None = None) -> BatchPoint:
    """Return one point of a batch, for which ``crs`` and ``accuracy_m`` hold unless it says its own.

    Raises ParameterError that says what is wrong with it.
    """
    if not isinstance(point, dict):
        raise UsageError("The point is not a JSON object.", 'Expected {"id": ..., "lon": ..., "lat": ...}.')
    for name in point:
        if name not in _POINT_MEMBERS:
            raise ParameterError(name[:60], "there is no such member in a point.", f"only {', '.join(_POINT_MEMBERS)}")
    own = _crs_text(point)
    system = crs if crs is not None and not own else choose_crs(own, None)
    names = coordinate_names(point, system)
    asked = AskedPoint(read_number(names[0], point), read_number(names[1], point), system, names)
    own_m = _accuracy(point)
    return BatchPoint(asked, accuracy_m if own_m is None else own_m)


def read_number(name: str, point: Mapping[str, object]) -> float:
    """Return the number that a member of a JSON object is; raises ParameterError when it is none."""
    value = point.get(name)
    # True is an int to Python, but no coordinate to anybody.
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    raise ParameterError(name, "is missing." if value is None else f"{str(value)[:60]!r} is not a number.", "a number")


async def _stream(backend: Backend, batch: Batch, then: AreasThen | None) -> AsyncIterator[bytes]:
    """Yield the answer piece by piece, each made in a thread: other requests go on, and memory holds one piece."""
    model = backend.model
    currency, now = model.currency(), model.snapshot
    tail: dict[str, object] = {"data_version": now.version, **currency.as_document()}
    if then is not None:
        tail |= then.as_document()
    bulk = BulkLocator(model, batch.crs or WGS84, then.locator if then else now.locator)
    yield b'{"results":['
    for start in range(0, len(batch.points), _CHUNK):
        piece = await asyncio.to_thread(results, bulk, batch, batch.points[start : start + _CHUNK])
        yield (b"," if start else b"") + orjson.dumps(piece)[1:-1]
    yield b"]," + orjson.dumps(tail)[1:]


def results(bulk: BulkLocator, batch: Batch, points: list[object]) -> list[dict[str, object]]:
    """Return the result of each of some points of a batch, in the same order, with the point's id."""
    ids = [point.get("id") if isinstance(point, dict) else None for point in points]
    parsed = [_parsed(point, batch) for point in points]
    located = iter(bulk.locate([point for point in parsed if isinstance(point, AskedPoint)]))
    return [{"id": id, **_result(bulk, point, located)} for id, point in zip(ids, parsed, strict=True)]


def _result(bulk: BulkLocator, point: AskedPoint | BatchPoint | GisgridError, located: Iterator[dict[str, object]]) -> dict[str, object]:
    if isinstance(point, AskedPoint):
        return next(located)
    return bulk.locate_one(*point) if isinstance(point, BatchPoint) else {"error": document_of(point)}


def _parsed(point: object, batch: Batch) -> AskedPoint | BatchPoint | GisgridError:
    """Return a point: alone where it is like most, in the system of the batch and without an accuracy."""
    try:
        found = parse_batch_point(point, batch.crs, batch.accuracy_m)
        return found.asked if found.accuracy_m is None and found.asked.crs == batch.crs else found
    except GisgridError as error:
        return error
