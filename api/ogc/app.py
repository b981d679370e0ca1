"""The OGC API as an ASGI application: from a request to its operation, and from its answer to bytes."""

from __future__ import annotations

import logging

import orjson

from api.asgi import PUBLIC, Receive, Reply, Scope, Send, base_url, header, send_reply, unless_gone
from api.backend import Backend
from api.ogc.asked import Asked, visible_layer
from api.ogc.formats import choose_format, format_parameter
from api.ogc.operations import Answer, Document, Operation, Stream
from api.ogc.pages import html_reply
from api.ogc.table import found
from api.params import parse_query
from api.problems import MethodError, new_reference, reply_to, reply_to_bug
from gisgrid.errors import GisgridError, NotFoundError

_logger = logging.getLogger(__name__)

PREFIX = "/ogc"
"""What the addresses of the OGC API begin with."""


class OgcApp:
    """Answers every request below ``/ogc``."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; every failure is told as a problem document."""
        path, head = scope["path"], scope["method"] == "HEAD"
        try:
            asked, operation = self._asked(scope, receive)
            answer = await self._answered(asked, operation)
            if answer is None:
                return
        except GisgridError as error:
            answer = reply_to(error, path)
        except Exception:
            reference = new_reference()
            _logger.exception("500 at %s, reference %s", path, reference)
            answer = reply_to_bug(reference)
        if isinstance(answer, Stream):
            await _send_stream(answer, send, head=head)
        else:
            await send_reply(answer, send, head=head)

    def _asked(self, scope: Scope, receive: Receive) -> tuple[Asked, Operation]:
        path = scope["path"].removeprefix(PREFIX) or "/"
        names, operation = _operation(path, scope["method"])
        # A collection that does not exist is told before its parameters are looked at.
        layer = visible_layer(names["collection"]) if "collection" in names else None
        known = {"f": format_parameter(operation.formats), **operation.parameters_of(layer)}
        query = parse_query(scope["query_string"], known)
        format_ = choose_format(query.get("f"), header(scope, b"accept"), operation.formats)
        return Asked(self._backend, scope, receive, base_url(scope) + PREFIX, path, names, query, format_), operation

    @staticmethod
    async def _answered(asked: Asked, operation: Operation) -> Reply | Stream | None:
        """Return the answer, None when the client went away before there was one."""
        if asked.scope["method"] in ("GET", "HEAD"):
            done = await unless_gone(operation.answer(asked), asked.receive)
        else:
            done = await operation.answer(asked)
        return None if done is None else _written(asked, operation, done)


def _operation(path: str, method: str) -> tuple[dict[str, str], Operation]:
    match = found(path)
    if match is None:
        raise NotFoundError(f"There is nothing at {PREFIX}{path[:80]}.", f"What there is is linked at {PREFIX}.")
    resource, names = match
    operation = resource.operations.get("GET" if method == "HEAD" else method)
    if operation is None:
        raise MethodError(method, ", ".join([*(["GET", "HEAD"] if "GET" in resource.operations else []), *resource.operations, "OPTIONS"]))
    return names, operation


def _written(asked: Asked, operation: Operation, answer: Answer) -> Reply | Stream:
    if not isinstance(answer, Document):
        return answer
    if asked.format == "html":
        return html_reply(asked, answer)
    content = answer.content if isinstance(answer.content, bytes) else orjson.dumps(answer.content)
    media = operation.formats[asked.format].encode()
    return Reply(answer.status, (*PUBLIC, (b"content-type", media), *answer.headers), content)


async def _send_stream(answer: Stream, send: Send, *, head: bool) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": [*answer.headers]})
    if not head:
        async for chunk in answer.chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
