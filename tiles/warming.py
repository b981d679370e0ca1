"""Filling the cache of a running server: every tile of a region is asked for once, from each of its workers.

Workers share nothing: each keeps the tiles that it has made. A connection stays with the worker that took it, so that tiles are asked for
over connections to all of them.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from http import HTTPStatus
from typing import Any, NamedTuple

import httpx
import orjson

from gisgrid.errors import UnavailableError, UsageError
from gisgrid.progress import Progress, silent
from gisgrid.types import Bounds
from tiles.archives.extent import common
from tiles.matrix import matrix_set

_IN_FLIGHT = 4
_TIMEOUT = httpx.Timeout(60.0, connect=5.0)
_SEARCH_S = 10.0
_TRIES = 20
_LONGEST_WAIT_S = 10.0
_USUAL_LAST = 14


class WarmOptions(NamedTuple):
    """Which tiles to ask for: layers as in an address, parameters as in a query string, zooms (both included), a box in degrees or all."""

    layers: str
    parameters: dict[str, str]
    zooms: tuple[int, int] | None = None
    bounds: Bounds | None = None


class Warmed(NamedTuple):
    """What came of it: tiles asked for from each worker, how many of them hold nothing, bytes of all as sent, workers found of how many."""

    tiles: int
    empty: int
    size: int
    found: int
    workers: int
    seconds: float


def warm(url: str, options: WarmOptions, *, progress: Progress = silent) -> Warmed:
    """Ask the server at ``url`` for every tile of ``options``, from each of its workers.

    A server that is too busy is given the time that it asks for. Raises UnavailableError when it does not answer, UsageError with its
    words when it refuses.
    """
    try:
        return asyncio.run(_warm(url.rstrip("/"), options, progress))
    except httpx.HTTPError as error:
        raise UnavailableError(
            f"The server at {url} does not answer: {error or type(error).__name__}.", "Start it: `gisgrid serve`."
        ) from error


async def _warm(url: str, options: WarmOptions, progress: Progress) -> Warmed:
    begun = time.perf_counter()
    async with AsyncExitStack() as stack:
        workers, clients = await _connect(url, stack)
        asked = await _patiently(next(iter(clients.values()))[0], f"/tiles/{options.layers}.json", options.parameters)
        document: dict[str, Any] = orjson.loads(asked.content)
        tiles = list(_addresses(document, options))
        rounds = [_Round(tiles) for _ in clients]

        def report() -> None:
            progress("asking for tiles", sum(one.done for one in rounds), len(tiles) * len(rounds))

        work = [
            asyncio.create_task(one.go(client, report))
            for one, connections in zip(rounds, clients.values(), strict=True)
            for client in connections
        ]
        try:
            await asyncio.gather(*work)
        finally:
            for task in work:
                task.cancel()
    first = rounds[0]
    return Warmed(len(tiles), first.empty, first.size, len(clients), workers, time.perf_counter() - begun)


class _Round:
    """All tiles asked for from one worker, over as many connections as take part."""

    def __init__(self, addresses: list[str]) -> None:
        self._waiting = iter(addresses)
        self.done = self.empty = self.size = 0

    async def go(self, client: httpx.AsyncClient, report: Callable[[], None]) -> None:
        """Ask for one tile after the other until there are no more."""
        for address in self._waiting:
            answer = await _patiently(client, address)
            self.done += 1
            self.empty += answer.status_code == HTTPStatus.NO_CONTENT
            self.size += len(answer.content)
            report()


async def _connect(url: str, stack: AsyncExitStack) -> tuple[int, dict[int, list[httpx.AsyncClient]]]:
    """Return how many workers the server has, and connections to each that was reached, by the worker's number.

    Which worker takes a connection is not ours to say: some are opened at a time until there is one to each, or for ten seconds.
    """
    found: dict[int, list[httpx.AsyncClient]] = {}
    certificates = ssl.create_default_context()  # read once: it takes longer than a tile
    workers, end = 1, time.monotonic() + _SEARCH_S
    while not found or (len(found) < workers and time.monotonic() < end):
        clients = [await stack.enter_async_context(_client(url, certificates)) for _ in range(_IN_FLIGHT)]
        for client, answer in zip(clients, await asyncio.gather(*(_patiently(client, "/healthz") for client in clients)), strict=True):
            told = orjson.loads(answer.content)
            workers = told["workers"]
            found.setdefault(told["worker"], []).append(client)
    return workers, {worker: clients[:_IN_FLIGHT] for worker, clients in found.items()}


def _client(url: str, certificates: ssl.SSLContext) -> httpx.AsyncClient:
    """Return a client of exactly one connection, which stays open."""
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=None)
    return httpx.AsyncClient(base_url=url, verify=certificates, limits=limits, timeout=_TIMEOUT, headers={"accept-encoding": "gzip"})


async def _patiently(client: httpx.AsyncClient, address: str, parameters: Mapping[str, str] | None = None) -> httpx.Response:
    """Return the answer to a GET, its body as it was sent; a server that is busy is asked again when it said.

    Raises UsageError with its words when it refuses, UnavailableError when it stays busy or fails.
    """
    for _ in range(_TRIES):
        async with client.stream("GET", address, params=parameters) as answer:
            body = b"".join([part async for part in answer.aiter_raw()])
        if answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
            break
        after = answer.headers.get("retry-after", "1")
        await asyncio.sleep(min(float(after) if after.isdecimal() else 1.0, _LONGEST_WAIT_S))
    if answer.status_code in (HTTPStatus.OK, HTTPStatus.NO_CONTENT):
        return httpx.Response(answer.status_code, content=body)
    if answer.status_code < 500:
        raise UsageError(f"The server refuses {address}: {_detail(body)}")
    raise UnavailableError(f"The server answers {answer.status_code} to {address}.", "Its log says why; try again later.")


def _detail(body: bytes) -> str:
    try:
        return str(orjson.loads(body)["detail"])
    except (ValueError, KeyError, TypeError):
        return "it does not say why."


def _addresses(document: Mapping[str, Any], options: WarmOptions) -> Iterator[str]:
    """Yield the addresses of all tiles that a TileJSON document tells of, as far as they are asked for."""
    template: str = document["tiles"][0]
    first, last = options.zooms or (document["minzoom"], max(document["minzoom"], min(document["maxzoom"], _USUAL_LAST)))
    box: Bounds | None = Bounds(*document["bounds"])
    if box is not None and options.bounds is not None:
        box = common(box, options.bounds)
    if box is None:
        return
    matrix = matrix_set(options.parameters.get("tms", "WebMercatorQuad"))
    for zoom in range(max(first, document["minzoom"]), last + 1):
        north_west, south_east = matrix.tile_at(box.west, box.north, zoom), matrix.tile_at(box.east, box.south, zoom)
        for y in range(north_west.y, south_east.y + 1):
            for x in range(north_west.x, south_east.x + 1):
                yield template.replace("{z}", str(zoom)).replace("{x}", str(x)).replace("{y}", str(y))
