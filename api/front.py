"""The front door: plain routes for the hot paths, then the OGC API, the console's files, and FastAPI for the rest.

A lookup costs about as much as the framework around it would; so ``/locate``, the nearest-feature routes, tiles and new cases are
answered here, straight from the scope, and everything that is asked less often has the framework's comfort.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

from starlette.requests import ClientDisconnect, Request

from api.asgi import PUBLIC, App, Message, Receive, Reply, Scope, Send, header, send_reply, unless_gone
from api.console import Console
from api.kept import KeptAnswers
from api.negotiation import wants_json
from api.problems import MethodError, new_reference, reply_to, reply_to_bug
from gisgrid.errors import GisgridError

_logger = logging.getLogger(__name__)

Route = Callable[[Scope], Reply | Awaitable[Reply]]
"""A plain route: it answers from memory at once, or gives what has to be waited for."""

Taking = Callable[[Request], Awaitable[Reply]]
"""A plain route that takes what is posted to it."""

Life = Callable[[Receive, Send], Awaitable[None]]
"""What runs between the server's start and stop."""

_READS = ("GET", "HEAD")
_ALLOW_READS = "GET, HEAD, OPTIONS"


class Plain(NamedTuple):
    """The plain routes: ``exact`` by their whole path, ``below`` by what the path begins with; the first prefix that fits answers.

    ``posted`` answer POST alone, by their whole path; whatever else is asked there is not for plain routes.
    """

    exact: Mapping[str, Route]
    below: Sequence[tuple[str, Route]]
    posted: Mapping[str, Taking]

    def route(self, path: str) -> Route | None:
        """Return the route that answers ``path``, None when none of these does."""
        exact = self.exact.get(path)
        if exact is not None:
            return exact
        for prefix, route in self.below:
            if path.startswith(prefix):
                return route
        return None


class Mounted(NamedTuple):
    """An application that answers everything at ``prefix`` and below it, in its own way."""

    prefix: str
    app: App

    def has(self, path: str) -> bool:
        """Say whether a path is at the prefix or below it."""
        return path.startswith(self.prefix) and path[len(self.prefix) : len(self.prefix) + 1] in ("", "/")


class Front:
    """The ASGI application of gisgrid: plain routes, what is ``mounted``, the console, ``rest``; ``life`` runs from start to stop.

    ``hurry`` gives what answers kept tiles: a server that knows of it (``TileProtocol``) need not come here with those. It calls
    ``on_stop`` when it is about to stop and waits for answers, so that those without an end come to one.
    """

    def __init__(
        self,
        life: Life,
        plain: Plain,
        mounted: Mounted,
        console: Console,
        rest: App,
        *,
        hurry: Callable[[], KeptAnswers],
        on_stop: Callable[[], None],
    ) -> None:
        self._life = life
        self._hurry = hurry
        self.on_stop = on_stop
        self._plain = plain
        self._mounted = mounted
        self._console = console
        self._rest = rest

    @property
    def kept(self) -> KeptAnswers:
        """What answers kept tiles; there is none before the start."""
        return self._hurry()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or live from the server's start to its stop."""
        if scope["type"] != "http":
            await self._not_http(scope, receive, send)
            return
        path, method = scope["path"], scope["method"]
        taking = self._plain.posted.get(path) if method == "POST" else None
        route = self._plain.route(path) if taking is None else None
        if route is None and taking is None:
            await self._ordinary(scope, receive, send)
            return
        try:
            if taking is not None:
                reply = await taking(Request(scope, receive))
            elif route is None or method not in _READS:
                reply = _not_a_read(method)
            else:
                answer = route(scope)
                found = answer if isinstance(answer, Reply) else await unless_gone(answer, receive)
                if found is None:
                    return
                reply = found
        except ClientDisconnect:
            return
        except GisgridError as error:
            reply = reply_to(error, path)
        except Exception:
            reference = new_reference()
            _logger.exception("500 at %s, reference %s", path, reference)
            reply = reply_to_bug(reference)
        await send_reply(reply, send, head=method == "HEAD")

    async def _not_http(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._life(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close"})

    async def _ordinary(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._mounted.has(scope["path"]):
            await self._mounted.app(scope, receive, send)
        elif scope["method"] == "OPTIONS":
            await send_reply(_PREFLIGHT, send)
        elif scope["path"] == "/" and wants_json(header(scope, b"accept")):
            await self._mounted.app({**scope, "path": self._mounted.prefix}, receive, send)
        elif self._console.has(scope["path"]):
            if scope["method"] in _READS:
                await self._console(scope, receive, send)
            else:
                await send_reply(reply_to(MethodError(scope["method"], _ALLOW_READS), scope["path"]), send)
        else:
            await self._rest(_as_get(scope), receive, _public(send, head=scope["method"] == "HEAD"))


_PREFLIGHT = Reply(
    204,
    (
        *PUBLIC,
        (b"access-control-allow-methods", b"GET, HEAD, POST, OPTIONS"),
        (b"access-control-allow-headers", b"content-type, if-none-match, range"),
        (b"access-control-max-age", b"86400"),
    ),
    b"",
)


def _not_a_read(method: str) -> Reply:
    if method == "OPTIONS":
        return _PREFLIGHT
    raise MethodError(method, _ALLOW_READS)


def _as_get(scope: Scope) -> Scope:
    """Return the scope of a HEAD request as a GET: whatever answers GET answers HEAD; ``head`` tells those with much to read."""
    return {**scope, "method": "GET", "head": True} if scope["method"] == "HEAD" else scope


def _public(send: Send, *, head: bool) -> Send:
    """Return ``send`` with the headers of every answer added, and without the body for HEAD."""

    async def with_headers(message: Message) -> None:
        """Send ``message`` with what every answer carries."""
        if message["type"] == "http.response.start":
            present = {name for name, _ in message["headers"]}
            message["headers"] = [*message["headers"], *(pair for pair in PUBLIC if pair[0] not in present)]
        elif head and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return with_headers
