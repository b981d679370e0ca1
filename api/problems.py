"""Errors as HTTP tells them: RFC 9457 ``application/problem+json``, one table from exception to answer."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from uuid import uuid4

import orjson

from api.asgi import PUBLIC, Header, Reply
from gisgrid.errors import DatabaseError, GisgridError, ParameterError, UnavailableError

_logger = logging.getLogger(__name__)

_PROBLEM: tuple[Header, ...] = (*PUBLIC, (b"content-type", b"application/problem+json"), (b"cache-control", b"no-store"))
_RETRY_AFTER_S = b"2"
_CHALLENGE = b'Basic realm="gisgrid", charset="UTF-8", Bearer realm="gisgrid"'

# What may be told of a failure of ours; the rest goes to the log.
_SAFE_DETAILS: tuple[tuple[type[Exception], str], ...] = (
    (DatabaseError, "The database cannot answer now. Lookups go on from memory; tiles come back when it does."),
    (UnavailableError, "A part that this answer needs is busy or away. Try again in a moment."),
)
_BUG = "Something went wrong in the server. The log has more under the reference."


class MethodError(GisgridError):
    """A route was asked with a method that it does not have; ``allow`` lists those it has."""

    status = 405
    kind = "method-not-allowed"
    title = "Method not allowed"

    def __init__(self, method: str, allow: str) -> None:
        super().__init__(f"This route has no {method}.", f"It has {allow}.")
        self.allow = allow


class AccessError(GisgridError):
    """The request does not show who is allowed to do this."""

    status = 401
    kind = "unauthorized"
    title = "Unauthorized"


def document_of(error: GisgridError) -> dict[str, object]:
    """Return the problem document of an error that is the caller's: what is wrong, which parameter, what was expected."""
    document: dict[str, object] = {
        "type": f"/problems/{error.kind}",
        "title": error.title,
        "status": error.status,
        "detail": str(error),
    }
    if isinstance(error, ParameterError):
        document["parameter"] = error.name
        if error.expected:
            document["expected"] = error.expected
    return document


def reply_to(error: GisgridError, path: str) -> Reply:
    """Return the answer for an error that was raised on purpose at ``path``.

    A failure of ours is logged whole under a reference, and told in a sentence that gives nothing away.
    """
    if error.status < 500:
        return problem_reply(document_of(error), _headers_of(error))
    reference = new_reference()
    _logger.warning("%d at %s, reference %s: %s", error.status, path, reference, error)
    detail = next((text for kind, text in _SAFE_DETAILS if isinstance(error, kind)), _BUG)
    document = {
        "type": f"/problems/{error.kind}",
        "title": error.title,
        "status": error.status,
        "detail": detail,
        "reference": reference,
    }
    return problem_reply(document, ((b"retry-after", _RETRY_AFTER_S),) if error.status == 503 else ())


def _headers_of(error: GisgridError) -> tuple[Header, ...]:
    if isinstance(error, MethodError):
        return ((b"allow", error.allow.encode()),)
    return ((b"www-authenticate", _CHALLENGE),) if isinstance(error, AccessError) else ()


def reply_to_bug(reference: str) -> Reply:
    """Return the answer for a fault that nobody foresaw; what it was has been logged under ``reference``."""
    document = {"type": "/problems/internal", "title": "Internal error", "status": 500, "detail": _BUG, "reference": reference}
    return problem_reply(document)


def new_reference() -> str:
    """Return a word that joins an answer to its line in the log."""
    return uuid4().hex[:12]


def status_problem(status: int, detail: str) -> dict[str, object]:
    """Return the problem document of a bare HTTP status."""
    return {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}


def problem_reply(document: Mapping[str, object], extra: tuple[Header, ...] = ()) -> Reply:
    """Return a problem document as an answer with its own status."""
    status = document["status"]
    return Reply(status if isinstance(status, int) else 500, (*_PROBLEM, *extra), orjson.dumps(document))
