"""``GET /cases/stream``: what happens to cases, as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

from fastapi import APIRouter, Request
from starlette.responses import StreamingResponse

from api.backend import Backend
from api.cases.routes import PREFIX, query_of
from api.params import Parameter
from gisgrid.errors import ParameterError, UnavailableError

router = APIRouter()

STREAM_PARAMETERS = {
    "after": Parameter(
        "after",
        "Begin after this entry of the history, 0 from the beginning; `Last-Event-ID` goes before it. Without both from now on.",
        {"type": "integer", "minimum": 0},
        None,
    )
}
"""``GET /cases/stream``."""

_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}
_RETRY_MS = 1000
_MOST_LISTENERS = 200


@router.get(f"{PREFIX}/stream", include_in_schema=False)
async def stream(request: Request) -> StreamingResponse:
    """Answer what happens from now on, or what came after the last event that the client had."""
    backend: Backend = request.app.state.backend
    values = query_of(request, STREAM_PARAMETERS)
    given = request.headers.get("last-event-id") or values.get("after")
    after = None if given is None else _number(given)
    if backend.cases.follower.listeners >= _MOST_LISTENERS:
        raise UnavailableError("Too many listen already.", "Try again in a moment.")
    return StreamingResponse(_told(backend, after), media_type="text/event-stream", headers=_HEADERS)


async def _told(backend: Backend, after: int | None) -> AsyncIterator[bytes]:
    yield b"retry: %d\n\n" % _RETRY_MS
    async with aclosing(backend.cases.follower.listen(after)) as events:
        async for event in events:
            yield b": \n\n" if event is None else b"id: %d\nevent: %s\ndata: %s\n\n" % (event[0], event[1].encode(), event[2])


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise ParameterError("after", f"{text[:40]!r} is not the number of an event.", "a whole number from 0 on")
    return int(text)
