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
    watch = _Watch(receive)
    try:
        return await work
    except asyncio.CancelledError:
        if not watch.is_cause():
            raise
        return None
    finally:
        await watch.end()


class _Watch:
    """Cancels the task that made it when the client goes away; looks for that only once the task takes longer than a moment."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._task = asyncio.current_task()
        self._before = self._task.cancelling() if self._task else 0
        self._look: asyncio.Task[None] | None = None
        self._has_cancelled = self._has_ended = False
        self._timer = asyncio.get_running_loop().call_later(_SOON_S, self._begin)

    def is_cause(self) -> bool:
        """Say whether this was what cancelled the task, and nobody else has; the task can then go on."""
        if self._task is None or not self._has_cancelled:
            return False
        self._has_cancelled = False
        return self._task.uncancel() <= self._before

    async def end(self) -> None:
        """Look no longer."""
        self._has_ended = True
        self._timer.cancel()
        if self._look is not None:
            self._look.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._look
        # Cancelled too late: it was done already.
        self.is_cause()

    def _begin(self) -> None:
        self._look = asyncio.ensure_future(_gone(self._receive))
        self._look.add_done_callback(self._tell)

    def _tell(self, look: asyncio.Task[None]) -> None:
        # It may be called late: a look that has come to its end can no longer be kept from telling, and what would be cancelled
        # then is whatever the task does next.
        if not self._has_ended and self._task is not None and not look.cancelled() and look.exception() is None:
            self._has_cancelled = True
            self._task.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
