"""Bodies that do not come, and bodies that go on for too long."""

from __future__ import annotations

import asyncio

import pytest

from api.asgi import Message
from api.backend import Backend
from api.ogc.asked import Asked
from gisgrid.errors import TooLargeError, UsageError
from gisgrid.settings import ApiSettings, Settings


def _read(*messages: Message, most_bytes: int = 100) -> bytes:
    """Read a body of these messages, after which nothing comes."""

    async def receive() -> Message:
        return left.pop(0) if left else await asyncio.Event().wait()  # type: ignore[return-value]

    left = list(messages)
    backend = Backend(Settings(api=ApiSettings(stream_idle_s=0.05)))
    asked = Asked(backend, {}, receive, "", "", {}, {}, "json")
    return asyncio.run(asked.body(most_bytes))


def test_a_body_is_all_of_its_parts() -> None:
    assert _read({"body": b"ab", "more_body": True, "type": "http.request"}, {"body": b"c", "type": "http.request"}) == b"abc"


def test_a_body_that_stops_coming_is_told() -> None:
    with pytest.raises(UsageError, match="nothing more of the body came"):
        _read({"body": b"ab", "more_body": True, "type": "http.request"})


def test_a_body_that_is_too_long_is_not_read_to_its_end() -> None:
    with pytest.raises(TooLargeError, match="more than 3 bytes"):
        _read({"body": b"abcd", "more_body": True, "type": "http.request"}, most_bytes=3)
