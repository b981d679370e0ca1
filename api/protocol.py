"""The server's protocol: kept tiles are answered as soon as their request has been read, all else goes uvicorn's way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.kept import KeptAnswers


class Joined:
    """A transport that sends the head of an answer together with what follows at once: one call of the system, and one parcel.

    What nothing follows is sent in the loop's next round.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head: bytes | None = None
        self._has_begun = False

    def write(self, data: bytes) -> None:
        """Send ``data``; the first of it is held back until more comes, or until the next round."""
        if not self._has_begun:
            self._has_begun, self._head = True, data
            self._loop.call_soon(self._send_head)
        elif self._head is None:
            self._transport.write(data)
        else:
            head, self._head = self._head, None
            self._transport.writelines((head, data))

    def close(self) -> None:
        """Close the connection when all is sent."""
        self._send_head()
        self._transport.close()

    def is_closing(self) -> bool:
        """Say whether the connection is being closed."""
        return self._transport.is_closing()

    def _send_head(self) -> None:
        if self._head is not None:
            head, self._head = self._head, None
            self._transport.write(head)


class TileProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which before it parses a request asks the application's ``kept`` for the answer.

    It does so only between two requests, when nothing of an earlier one is left to be read or answered: answers keep the order
    of their requests. Neither a task nor a scope is made for such an answer, nor is a timer set: the one that ends idle connections
    gives those that had one meanwhile another turn.
    """

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._kept: KeptAnswers | None = getattr(self.app, "kept", None)
        self._on_stop: Callable[[], None] | None = getattr(self.app, "on_stop", None)
        self._is_between = True
        self._had_answer = False

    def data_received(self, data: bytes) -> None:
        """Answer what is kept; hand on what is not, and remember in what words it was asked."""
        kept, cycle = self._kept, self.cycle
        if kept is None or not self._is_between or not (cycle is None or cycle.response_complete):
            super().data_received(data)
            return
        state = self.server_state
        pieces = kept.answer(data, state.default_headers)
        if pieces is None or self.flow.write_paused or self.transport.is_closing():
            self._the_ordinary_way(data, kept)
            return
        self.transport.writelines(pieces)
        state.total_requests += 1
        self._had_answer = True
        if self.timeout_keep_alive_task is None:
            self._wait_for_more()

    def on_message_begin(self) -> None:
        """Note that a request has begun."""
        self._is_between = False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Let what answers the request send the head together with the body; an answer to HEAD is a head alone."""
        before = self.cycle
        super().on_headers_complete()
        if self.cycle is not None and self.cycle is not before and self.scope["method"] != "HEAD":
            self.cycle.transport = cast(asyncio.Transport, Joined(self.transport, self.loop))

    def on_message_complete(self) -> None:
        """Note that a request has been read to its end."""
        super().on_message_complete()
        self._is_between = True

    def shutdown(self) -> None:
        """End the connection once its answer is sent, for the server stops; an answer that has no end is told to come to one."""
        super().shutdown()
        if self._on_stop is not None:
            self._on_stop()

    def timeout_keep_alive_handler(self) -> None:
        """End a connection that has been idle too long; one that had an answer since the timer was set gets its time again."""
        if self._had_answer:
            self._wait_for_more()
        else:
            super().timeout_keep_alive_handler()

    def _wait_for_more(self) -> None:
        self._had_answer = False
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def _the_ordinary_way(self, data: bytes, kept: KeptAnswers) -> None:
        """Let uvicorn parse and answer, and remember the header lines if ``data`` was one whole request for a tile."""
        super().data_received(data)
        if not self._is_between or not data.startswith(b"GET /tiles/") or not data.endswith(b"\r\n\r\n"):
            return
        line, _, head = data.partition(b"\r\n")
        # A line for each header and the empty one, all ended in the same way: whoever reads them otherwise has no say here.
        lines = len(self.headers) + 1
        if line == b"GET " + self.url + b" HTTP/1.1" and head.count(b"\r\n") == lines == head.count(b"\n") == head.count(b"\r"):
            kept.learn_head(head, self.headers)
