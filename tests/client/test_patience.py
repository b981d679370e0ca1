"""What the client does when things go wrong: what passes is tried again, what does not is told in the server's own words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest

from gisgrid.client import AsyncClient, Client, sending
from gisgrid.errors import CrsError, DatabaseError, GisgridError, NotFoundError, ParameterError, TooLargeError, UnavailableError, UsageError

CONVERTED = {"output": {"lon": 1.0, "lat": 2.0, "crs": "wgs84"}, "accuracy_m": 0.0}

Answers = Callable[[httpx.Request], httpx.Response]


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "_FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(sending, "_LONGEST_PAUSE_S", 0.01)


def convert(answer: Answers, retries: int = 3) -> float:
    with Client("http://there", crs="wgs84", retries=retries, transport=httpx.MockTransport(answer)) as client:
        return client.convert(1.0, 2.0, "wgs84").first


def convert_async(answer: Answers, retries: int = 3) -> float:
    async def run() -> float:
        async with AsyncClient("http://there", crs="wgs84", retries=retries, transport=httpx.MockTransport(answer)) as client:
            return (await client.convert(1.0, 2.0, "wgs84")).first

    return asyncio.run(run())


both = pytest.mark.parametrize("ask", [convert, convert_async])


@both
@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_passes_is_asked_again(ask: Callable[..., float], status: int) -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(status, headers={"retry-after": "1"}) if len(asked) < 3 else httpx.Response(200, json=CONVERTED)

    assert ask(answer) == 1.0
    assert asked == ["/convert"] * 3


@both
def test_a_lost_connection_is_tried_again_and_at_last_told(ask: Callable[..., float]) -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        raise httpx.ConnectError("nobody listens", request=request)

    with pytest.raises(UnavailableError, match=r"http://there gave no answer, in 4 attempts: nobody listens"):
        ask(answer)
    assert len(asked) == 4


@both
def test_an_answer_that_keeps_failing_is_told_with_its_reference(ask: Callable[..., float]) -> None:
    problem = {"type": "/problems/database-unavailable", "detail": "The database cannot answer now.", "reference": "abc123"}
    with pytest.raises(DatabaseError, match=r"cannot answer now\. \(reference abc123\)"):
        ask(lambda _: httpx.Response(503, json=problem), 1)


@both
@pytest.mark.parametrize(
    ("status", "problem", "kind", "message"),
    [
        (
            400,
            {"type": "/problems/bad-crs", "parameter": "crs", "detail": "crs: 'x' is unknown. Expected wgs84.", "expected": "wgs84"},
            CrsError,
            "crs: 'x' is unknown. Expected wgs84.",
        ),
        (
            400,
            {"type": "/problems/bad-parameter", "parameter": "k", "detail": "k: 0 is too few.", "expected": ""},
            ParameterError,
            "k: 0 is too few.",
        ),
        (404, {"detail": "There is nothing at /convert."}, NotFoundError, "There is nothing at /convert."),
        (413, {"detail": "The body is longer."}, TooLargeError, "The body is longer."),
        (405, {"detail": "No such method."}, UsageError, "No such method."),
        (500, {"detail": "Something went wrong.", "reference": "r"}, GisgridError, "Something went wrong. (reference r)"),
    ],
)
def test_a_refusal_is_not_asked_again_and_is_the_error_it_would_be_here(
    ask: Callable[..., float], status: int, problem: dict[str, str], kind: type[GisgridError], message: str
) -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(status, json=problem)

    with pytest.raises(kind) as caught:
        ask(answer)
    assert (type(caught.value), str(caught.value), len(asked)) == (kind, message, 1)


@pytest.mark.parametrize("body", [b"<html>Bad gateway</html>", b'["a"]', b""])
def test_an_answer_of_something_else_is_told_by_its_status(body: bytes) -> None:
    with pytest.raises(UsageError, match="418"):
        convert(lambda _: httpx.Response(418, content=body))


@pytest.mark.parametrize("body", [b"<html>Sign in</html>", b"[]", b'{"output": {}}', b"null"])
def test_an_answer_of_another_server_is_told_as_that(body: bytes) -> None:
    with pytest.raises(GisgridError, match=r"http://there/convert answered with something else"):
        convert(lambda _: httpx.Response(200, content=body))


@pytest.mark.parametrize("url", ["localhost:8000", "127.0.0.1", "", "ftp://there", "http://", "http://[::1"])
def test_what_is_no_address_is_refused_at_once(url: str) -> None:
    for kind in (Client, AsyncClient):
        with pytest.raises(ParameterError, match=r"url: .* is no address"):
            kind(url)


def test_a_place_without_a_coordinate_system_is_never_sent() -> None:
    with Client("http://there", transport=httpx.MockTransport(lambda _: httpx.Response(500))) as client:
        with pytest.raises(CrsError, match="none is assumed"):
            client.locate(120.0, 36.0)
        with pytest.raises(CrsError, match="none is assumed"):
            list(client.locate_many([(120.0, 36.0)]))


def test_the_pause_is_what_the_server_asks_for_or_doubles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "_FIRST_PAUSE_S", 1.0)
    monkeypatch.setattr(sending, "_LONGEST_PAUSE_S", 5.0)
    attempts = sending.Attempts("http://there", sending.Policy(retries=9))
    request = httpx.Request("GET", "http://there")
    assert attempts.pause_after(httpx.Response(503, headers={"retry-after": "3"}, request=request)) == 3.0
    pauses = [attempts.pause_after(httpx.ConnectError("", request=request)) or 0.0 for _ in range(4)]
    assert [low <= pause <= high for pause, low, high in zip(pauses, (1.6, 3.2, 4.0, 4.0), (2.4, 4.8, 6.0, 6.0), strict=True)] == [True] * 4
    assert attempts.pause_after(httpx.Response(400, request=request)) is None
