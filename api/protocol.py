"""The server's protocol: kept tiles are answered as soon as their request has been read, all else goes uvicorn's way."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.kept import KeptAnswers


class TileProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which before it parses a request asks the application's ``kept`` for the answer.

    It does so only between two requests, when nothing of an earlier one is left to be read or answered: answers keep the order
    of their requests. Neither a task nor a scope is made for such an answer, and no timer is set: the one that ends idle
    connections looks at the clock when it rings.
    """

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._kept: KeptAnswers | None = getattr(self.app, "kept", None)
        self._is_between = True
        self._last_answer = 0.0

    def data_received(self, data: bytes) -> None:
        """Answer what is kept; hand on what is not, and remember in what words it was asked."""
        if self._kept is None or not self._is_between or not (self.cycle is None or self.cycle.response_complete):
            super().data_received(data)
            return
        if not self.flow.write_paused and not self.transport.is_closing():
            pieces = self._kept.answer(data, self.server_state.default_headers)
            if pieces is not None:
                self.transport.writelines(pieces)
                self._answered()
                return
        super().data_received(data)
        if self._is_between and data.endswith(b"\r\n\r\n") and data.startswith(b"GET /tiles/"):
            self._learn(data, self._kept)

    def on_message_begin(self) -> None:
        """Note that a request has begun."""
        self._is_between = False
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """Note that a request has been read to its end."""
        super().on_message_complete()
        self._is_between = True

    def timeout_keep_alive_handler(self) -> None:
        """End a connection that has been idle too long; one that has had an answer since the timer was set gets the rest of its time."""
        left = self._last_answer + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self.timeout_keep_alive_task = self.loop.call_later(left, self.timeout_keep_alive_handler)
        else:
            super().timeout_keep_alive_handler()

    def _answered(self) -> None:
        self.server_state.total_requests += 1
        self._last_answer = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def _learn(self, data: bytes, kept: KeptAnswers) -> None:
        """Remember the header lines of a request, if it is the only one in ``data``."""
        line, _, head = data.partition(b"\r\n")
        # A line for each header and the empty one, all ended in the same way: whoever reads them otherwise has no say here.
        lines = len(self.headers) + 1
        if line == b"GET " + self.url + b" HTTP/1.1" and head.count(b"\r\n") == lines == head.count(b"\n") == head.count(b"\r"):
            kept.learn_head(head, self.headers)
