"""What both clients do with an answer of the server: read it, raise the error it tells, or try again a little later."""

from __future__ import annotations

import random
from typing import NamedTuple, TypeVar

import httpx

from gisgrid.client.calls import Call
from gisgrid.errors import CrsError, DatabaseError, GisgridError, NotFoundError, ParameterError, TooLargeError, UnavailableError, UsageError

T = TypeVar("T")

DEFAULT_URL = "http://127.0.0.1:8000"
"""Where `gisgrid serve` listens by default."""

_ADDRESS = f"an address such as {DEFAULT_URL}"

# What passes: too many requests, a proxy without its server, a part that is away.
_PASSING = frozenset((429, 502, 503, 504))
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 10.0


class Policy(NamedTuple):
    """How patient a client is: seconds for one answer, and how many more times a request is sent when something passing fails."""

    timeout_s: float = 30.0
    retries: int = 4


def settings(url: str, policy: Policy) -> dict[str, object]:
    """Return the arguments of an httpx client; raises ParameterError for what is no address of a server."""
    try:
        address = httpx.URL(url)
    except (httpx.InvalidURL, TypeError):
        raise ParameterError("url", f"{url!r} is no address.", _ADDRESS) from None
    if address.scheme not in {"http", "https"} or not address.host:
        raise ParameterError("url", f"{url!r} is no address of a server.", _ADDRESS)
    return {"base_url": url, "timeout": policy.timeout_s}


def content(call: Call[T]) -> dict[str, object]:
    """Return the arguments of httpx for a request."""
    headers = {"accept": call.media_type} | ({} if call.body is None else {"content-type": call.media_type})
    headers |= call.headers
    return {"method": call.method, "url": call.path, "params": dict(call.parameters), "content": call.body, "headers": headers}


class Attempts:
    """The attempts at one request: after each says how long to wait for the next, until there is an answer to read."""

    def __init__(self, url: str, policy: Policy) -> None:
        self._url, self._most = url, policy.retries + 1
        self._made = 0

    def pause_after(self, outcome: httpx.Response | httpx.TransportError) -> float | None:
        """Return the seconds to wait before the next attempt, None when ``outcome`` is the answer to read.

        Raises UnavailableError when the server could not be reached and there is no attempt left.
        """
        self._made += 1
        is_last = self._made == self._most
        if isinstance(outcome, httpx.TransportError):
            if is_last:
                reason = str(outcome) or type(outcome).__name__
                message = f"{self._url} gave no answer, in {self._made} attempts: {reason}"
                raise UnavailableError(message, "Is `gisgrid serve` running there?") from outcome
            return self._pause_s("")
        return self._pause_s(outcome.headers.get("retry-after", "")) if outcome.status_code in _PASSING and not is_last else None

    def _pause_s(self, asked: str) -> float:
        """Return what the server asks for, else twice as long each time; spread, so that many clients do not come back at once."""
        if asked.isdecimal():
            return min(float(asked), _LONGEST_PAUSE_S)
        return min(_FIRST_PAUSE_S * 2.0 ** (self._made - 1), _LONGEST_PAUSE_S) * random.uniform(0.8, 1.2)


def read(call: Call[T], response: httpx.Response) -> T:
    """Return the answer; raises the error that the server tells, with its words."""
    if not response.is_success:
        raise _told(response)
    try:
        return call.read(response.content)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        message = f"{response.url.copy_with(query=None)} answered with something else than gisgrid does."
        raise GisgridError(message, "Is it the address of `gisgrid serve`, and of a version that this client knows?") from error


def _told(response: httpx.Response) -> GisgridError:
    """Return the error that a problem document tells."""
    try:
        problem = response.json()
    except ValueError:
        problem = {}
    if not isinstance(problem, dict):
        problem = {}
    detail = str(problem.get("detail") or f"{response.status_code} {response.reason_phrase}")
    reference = problem.get("reference")
    return _error(response.status_code, problem, f"{detail} (reference {reference})" if reference else detail)


def _error(status: int, problem: dict[str, object], detail: str) -> GisgridError:
    kind = str(problem.get("type", "")).rsplit("/", 1)[-1]
    if kind == CrsError.kind:
        return CrsError(*_parts(problem, detail), name=str(problem.get("parameter", "crs")))
    if kind == ParameterError.kind:
        return ParameterError(str(problem.get("parameter", "")), *_parts(problem, detail))
    if status == 413:
        return TooLargeError(detail)
    if status == 404:
        return NotFoundError(detail)
    if status in _PASSING:
        return DatabaseError(detail) if kind == DatabaseError.kind else UnavailableError(detail)
    return UsageError(detail) if 400 <= status < 500 else GisgridError(detail)


def _parts(problem: dict[str, object], detail: str) -> tuple[str, str]:
    """Return what is wrong and what was expected: the error puts the name before and the expectation behind once more."""
    expected = str(problem.get("expected", ""))
    message = detail.removeprefix(f"{problem.get('parameter')}: ")
    return message.removesuffix(f" Expected {expected}.") if expected else message, expected
