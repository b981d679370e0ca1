"""A steady stream of cases over a few connections, each timed from the moment at which it was due: waiting for a turn counts too."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

import numpy as np
import orjson

_PATIENCE_S = 30.0
_ATTEMPTS = 3


class Sent(NamedTuple):
    """One case: the key that it was sent with, the status (0: no answer), the number that it got, and how long it took, seconds."""

    key: str
    status: int
    number: str
    seconds: float


class Posted(NamedTuple):
    """What came of a stream: cases kept, how many a second, how many were not, and latencies in milliseconds."""

    kept: int
    per_second: float
    lost: int
    median_ms: float
    p99_ms: float


def bodies_of(cases: Sequence[dict[str, object]]) -> list[bytes]:
    """Return cases as request bodies."""
    return [orjson.dumps(case) for case in cases]


def post_paced(port: int, bodies: Sequence[bytes], per_second: float, connections: int = 32, prefix: str = "bench") -> list[Sent]:
    """Send each body once, ``per_second`` a second, with a key of its own; whoever is not answered counts as status 0."""
    return asyncio.run(_post(port, bodies, per_second, connections, prefix))


def summary(sent: Sequence[Sent], per_second: float) -> Posted:
    """Return what came of a stream that was to have ``per_second``."""
    kept = [one for one in sent if one.status == 201]
    took = np.array([one.seconds for one in kept] or [np.nan]) * 1000.0
    # The stream lasts until the last case is answered, which may be after it was due.
    lasted = max((place / per_second + one.seconds for place, one in enumerate(sent)), default=0.0)
    return Posted(len(kept), len(kept) / lasted, len(sent) - len(kept), float(np.median(took)), float(np.percentile(took, 99)))


async def _post(port: int, bodies: Sequence[bytes], per_second: float, connections: int, prefix: str) -> list[Sent]:
    due: asyncio.Queue[tuple[int, float]] = asyncio.Queue()
    found: list[Sent | None] = [None] * len(bodies)
    workers = [asyncio.create_task(_connection(port, bodies, due, found, prefix)) for _ in range(connections)]
    begin = time.perf_counter() + 0.2
    for place in range(len(bodies)):
        at = begin + place / per_second
        await asyncio.sleep(max(0.0, at - time.perf_counter()))
        due.put_nowait((place, at))
    with suppress(TimeoutError):
        await asyncio.wait_for(due.join(), _PATIENCE_S)
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    return [one or Sent(f"{prefix}-{place}", 0, "", 0.0) for place, one in enumerate(found)]


async def _connection(
    port: int, bodies: Sequence[bytes], due: asyncio.Queue[tuple[int, float]], found: list[Sent | None], prefix: str
) -> None:
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    try:
        while True:
            place, at = await due.get()
            key = f"{prefix}-{place}"
            status, number = 0, ""
            for _ in range(_ATTEMPTS):
                try:
                    streams = streams or await asyncio.open_connection("127.0.0.1", port)
                    status, number = await _ask(*streams, bodies[place], key)
                except (OSError, EOFError):
                    # The key makes it safe to send it again: an idle connection may have been closed meanwhile.
                    if streams is not None:
                        streams[1].close()
                    streams = None
                else:
                    break
            found[place] = Sent(key, status, number, time.perf_counter() - at)
            due.task_done()
    finally:
        if streams is not None:
            streams[1].close()


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes, key: str) -> tuple[int, str]:
    lines = (
        "POST /cases HTTP/1.1",
        "Host: bench",
        "Content-Type: application/json",
        f"Idempotency-Key: {key}",
        f"Content-Length: {len(body)}",
    )
    writer.write("\r\n".join((*lines, "\r\n")).encode() + body)
    status_line, *told = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(b": ") for line in told)}
    await reader.readexactly(int(headers.get(b"content-length", b"0")))
    return int(status_line.split()[1]), headers.get(b"location", b"").decode().removeprefix("/cases/")
