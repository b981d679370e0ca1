"""The OGC API as an ASGI application: from a request to its operation, and from its answer to bytes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from functools import lru_cache

from api.access import editor
from api.asgi import PUBLIC, Receive, Reply, Scope, Send, base_url, header, send_reply, unless_gone
from api.backend import Backend
from api.ogc.asked import Asked, visible_layer
from api.ogc.formats import choose_format, choose_language
from api.ogc.operations import Document, Operation, Parameters, Resource, Stream, operations_of
from api.ogc.sending import EXPOSED, problem_page, written
from api.ogc.table import found
from api.params import parse_query
from api.problems import MethodError, new_reference, reply_to, reply_to_bug
from gisgrid.errors import GisgridError, NotFoundError

_logger = logging.getLogger(__name__)

PREFIX = "/ogc"
"""What the addresses of the OGC API begin with."""

# More than there are operations of collections.
_MOST_KEPT = 1024
_HEADERS_TAKEN = b"accept, accept-language, authorization, content-crs, content-type, if-match, if-none-match, if-unmodified-since, prefer"

# As part 4 of OGC API - Features wants it: which types POST and PATCH take.
_TAKEN = {"POST": b"application/geo+json, application/json", "PATCH": b"application/merge-patch+json"}


class OgcApp:
    """Answers every request below ``/ogc``."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; every failure is told as a problem document."""
        path, head = scope["path"], scope["method"] == "HEAD"
        try:
            answer = await self._answered(scope, receive)
            if answer is None:
                return
        except GisgridError as error:
            answer = self._told(scope, receive, reply_to(error, path))
        except Exception:
            reference = new_reference()
            _logger.exception("500 at %s, reference %s", path, reference)
            answer = self._told(scope, receive, reply_to_bug(reference))
        headers = (*answer.headers, EXPOSED)
        if isinstance(answer, Stream):
            await _send_stream(answer._replace(headers=headers), send, self._backend.settings.api.stream_idle_s, head=head)
        else:
            await send_reply(Reply(answer.status, headers, answer.body), send, head=head)

    def _told(self, scope: Scope, receive: Receive, problem: Reply) -> Reply:
        """Return a problem as a page where a browser shows it; JSON for everybody else."""
        if scope["method"] != "GET" or "text/html" not in header(scope, b"accept"):
            return problem
        language = choose_language(None, header(scope, b"accept-language"))
        return problem_page(Asked(self._backend, scope, receive, base_url(scope) + PREFIX, "/", {}, {}, "html", language), problem)

    async def _answered(self, scope: Scope, receive: Receive) -> Reply | Stream | None:
        """Return the answer, None when the client went away before there was one."""
        path, method = scope["path"].removeprefix(PREFIX) or "/", scope["method"]
        resource, names = _resource(path)
        if method == "OPTIONS":
            return _options(resource, names)
        # A collection that does not exist is told before its parameters are looked at.
        operation = _operation(resource, names, method)
        asked = self._asked(scope, receive, path, names, operation)
        if "collection" in names and not asked.layer.public:
            await editor(self._backend, asked.header(b"authorization"))
        work = _done(asked, operation)
        return await (unless_gone(work, receive) if asked.is_read else work)

    def _asked(self, scope: Scope, receive: Receive, path: str, names: Mapping[str, str], operation: Operation) -> Asked:
        query = parse_query(scope["query_string"], _parameters(operation, names.get("collection")))
        accept = header(scope, b"accept")
        format_ = choose_format(query.get("f"), accept, operation.formats)
        if format_ == "html" and "text/html" in accept:
            # A form sends its empty fields too; those of a browser's page are fields that nobody filled in.
            query = {name: value for name, value in query.items() if value}
        # Titles of documents do not hang on a header that no one thinks of; people's pages do.
        language = choose_language(query.get("lang"), header(scope, b"accept-language") if format_ == "html" else "")
        return Asked(self._backend, scope, receive, base_url(scope) + PREFIX, path, names, query, format_, language)


def _resource(path: str) -> tuple[Resource, Mapping[str, str]]:
    match = found(path)
    if match is None:
        raise NotFoundError(f"There is nothing at {PREFIX}{path[:80]}.", f"What there is is linked at {PREFIX}.")
    return match


def _operation(resource: Resource, names: Mapping[str, str], method: str) -> Operation:
    operations = _operations(resource, names.get("collection"))
    operation = operations.get("GET" if method == "HEAD" else method)
    if not operations:
        raise NotFoundError(f"There is nothing at {resource.path} for {names.get('collection')}.", f"What there is is linked at {PREFIX}.")
    if operation is None:
        raise MethodError(method, _allowed(operations))
    return operation


@lru_cache(maxsize=_MOST_KEPT)
def _operations(resource: Resource, collection: str | None) -> Mapping[str, Operation]:
    return operations_of(resource, None if collection is None else visible_layer(collection))


@lru_cache(maxsize=_MOST_KEPT)
def _parameters(operation: Operation, collection: str | None) -> Parameters:
    return operation.query_of(None if collection is None else visible_layer(collection))


def _allowed(operations: Mapping[str, Operation]) -> str:
    head = ["HEAD"] if "GET" in operations else []
    return ", ".join([*operations, *head, "OPTIONS"])


def _options(resource: Resource, names: Mapping[str, str]) -> Reply:
    """Return which methods a resource has, to editors that ask before they offer to edit, and to browsers before they send."""
    operations = _operations(resource, names.get("collection"))
    allowed = _allowed(operations).encode()
    taken = tuple((b"accept-" + method.lower().encode(), _TAKEN[method]) for method in operations if method in _TAKEN)
    preflight = (
        (b"allow", allowed),
        (b"access-control-allow-methods", allowed),
        (b"access-control-allow-headers", _HEADERS_TAKEN),
        (b"access-control-max-age", b"86400"),
    )
    return Reply(200, (*PUBLIC, *preflight, *taken), b"")


async def _done(asked: Asked, operation: Operation) -> Reply | Stream:
    answer = await operation.answer(asked)
    return await written(asked, operation, answer) if isinstance(answer, Document) else answer


async def _send_stream(answer: Stream, send: Send, idle_s: float, *, head: bool) -> None:
    """Send an answer as it is made. What fails then is broken off, so that nobody takes what has come for all of it."""
    try:
        await send({"type": "http.response.start", "status": answer.status, "headers": [*answer.headers]})
        if not head:
            async for chunk in answer.chunks:
                async with asyncio.timeout(idle_s):
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    except TimeoutError:
        _logger.info("broken off: the client has not read for %g s", idle_s)
    except GisgridError as error:
        _logger.warning("broken off, reference %s: %s", new_reference(), error)
    finally:
        await answer.chunks.aclose()
