"""A steady load of HTTP requests: sent when they are due, whether or not the last one was answered, as people send them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from typing import NamedTuple

import numpy as np

_TICK_S = 0.001
_LONGEST_S = 900.0


class Load(NamedTuple):
    """What to ask: GET ``paths`` over and over, at a steady rate over some keep-alive connections to a port of this machine."""

    port: int
    paths: Sequence[bytes]
    per_second: float
    connections: int = 12


class Outcome:
    """What came of a load: seconds from when each request was due to its whole answer, and how many were not answered with 200."""

    def __init__(self) -> None:
        self.latencies_s: list[float] = []
        self.sent = 0
        self.failed = 0

    def percentile_ms(self, percent: float) -> float:
        """Return the latency that ``percent`` of the answered requests stay below, milliseconds."""
        return float(np.percentile(self.latencies_s, percent)) * 1000.0

    @property
    def lost(self) -> int:
        """How many requests were not answered, or not with 200."""
        return self.sent - len(self.latencies_s)


class _Connection(asyncio.Protocol):
    """One keep-alive connection: requests go out in order, answers come back in order."""

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self._due: deque[float] = deque()
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to send."""
        self._transport = transport if isinstance(transport, asyncio.Transport) else None

    def connection_lost(self, _: Exception | None) -> None:
        """Send no more; what waits for an answer stays unanswered."""
        self._transport = None

    def send(self, request: bytes, due: float) -> None:
        """Send a request that was due at ``due`` (``time.perf_counter``)."""
        self._outcome.sent += 1
        if self._transport is not None:
            self._due.append(due)
            self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Take what answers are whole by now."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
            if len(self._buffer) < end + 4 + length:
                return
            due = self._due.popleft()
            if head.startswith(b"http/1.1 200"):
                self._outcome.latencies_s.append(time.perf_counter() - due)
            else:
                self._outcome.failed += 1
            self._buffer = self._buffer[end + 4 + length :]


def steady(load: Load, seconds: float) -> Outcome:
    """Keep up a load for some seconds and return what came of it."""
    outcome = Outcome()
    asyncio.run(_steady(load, outcome, threading.Event(), seconds))
    return outcome


@contextmanager
def under_load(load: Load) -> Iterator[Outcome]:
    """Keep up a load in a thread for a block; what came of it is complete when the block has ended."""
    outcome, stop = Outcome(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_steady(load, outcome, stop, _LONGEST_S)))
    thread.start()
    try:
        yield outcome
    finally:
        stop.set()
        thread.join()


async def _steady(load: Load, outcome: Outcome, stop: threading.Event, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    pairs = [await loop.create_connection(lambda: _Connection(outcome), "127.0.0.1", load.port) for _ in range(load.connections)]
    turn = cycle([protocol for _, protocol in pairs])
    requests = cycle([b"GET " + path + b" HTTP/1.1\r\nhost: bench\r\n\r\n" for path in load.paths])
    start, number = time.perf_counter(), 0
    while not stop.is_set() and time.perf_counter() - start < seconds:
        due = int((time.perf_counter() - start) * load.per_second)
        while number < due:
            next(turn).send(next(requests), start + (number + 1) / load.per_second)
            number += 1
        await asyncio.sleep(_TICK_S)
    end = time.perf_counter() + 5.0
    while outcome.lost - outcome.failed > 0 and time.perf_counter() < end:
        await asyncio.sleep(0.05)
    for transport, _ in pairs:
        transport.close()
    await asyncio.sleep(0)
