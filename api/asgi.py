"""The little of ASGI that the plain routes need: types, replies, and how they are sent."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

import orjson

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Header = tuple[bytes, bytes]
T = TypeVar("T")

_HOST = re.compile(r"[\w.\-:\[\]]{1,255}", re.ASCII)
# Most work is done before it pays to watch whether the client is still there.
_SOON_S = 0.02

PUBLIC: tuple[Header, ...] = ((b"access-control-allow-origin", b"*"), (b"x-content-type-options", b"nosniff"))
"""Headers of every answer: any web page may read it (nothing here is secret or depends on cookies), as the type it says."""

_JSON: tuple[Header, ...] = (*PUBLIC, (b"content-type", b"application/json"), (b"cache-control", b"no-store"))


class Reply(NamedTuple):
    """An answer of a plain route. ``headers`` leaves out the content length, which ``send_reply`` adds."""

    status: int
    headers: tuple[Header, ...]
    body: bytes


def json_reply(document: object, status: int = 200) -> Reply:
    """Return ``document`` as a JSON answer that no cache keeps."""
    return Reply(status, _JSON, orjson.dumps(document))


def written_reply(body: bytes) -> Reply:
    """Return what is JSON already as an answer that no cache keeps."""
    return Reply(200, _JSON, body)


async def send_reply(reply: Reply, send: Send, *, head: bool = False) -> None:
    """Send a whole answer; for HEAD without its body, with the length that it would have."""
    status, headers, body = reply
    # 204 and 304 have no body, and a length would be wrong in both.
    length = () if status in (204, 304) else ((b"content-length", b"%d" % len(body)),)
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *length]})
    await send({"type": "http.response.body", "body": b"" if head else body})


def header(scope: Scope, name: bytes) -> str:
    """Return the value of a request header (``name`` in lower case), several joined by commas; empty when it is absent."""
    values = [value for key, value in scope["headers"] if key == name]
    return b",".join(values).decode("latin-1") if values else ""


def base_url(scope: Scope) -> str:
    """Return the address of this server as the client wrote it: a proxy that ends TLS says so in X-Forwarded-Proto.

    A client that sends that header itself gets links of that kind, and nobody else does: the answer is not cached.
    """
    host = header(scope, b"host")
    if not _HOST.fullmatch(host):
        name, port = scope.get("server") or ("localhost", None)
        host = f"{name}:{port}" if port else str(name)
    forwarded = header(scope, b"x-forwarded-proto")
    scheme = forwarded if forwarded in ("http", "https") else scope["scheme"]
    return f"{scheme}://{host}{scope.get('root_path', '')}"


async def unless_gone(work: Awaitable[T], receive: Receive) -> T | None:
    """Return what ``work`` comes to, None when the client goes away before; then ``work`` is cancelled."""
    task: asyncio.Future[T] = asyncio.ensure_future(work)
    try:
        await asyncio.wait((task,), timeout=_SOON_S)
    except BaseException:
        await _end(task)
        raise
    if task.done():
        return task.result()
    return await _watched(task, receive)


async def _watched(task: asyncio.Future[T], receive: Receive) -> T | None:
    watch = asyncio.ensure_future(_gone(receive))
    either: tuple[asyncio.Future[Any], ...] = (task, watch)
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        await _end(watch)
        await _end(task)


async def _end(task: asyncio.Future[Any]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError, Exception):
        await task


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
