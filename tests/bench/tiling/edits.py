"""Edits and requests at the same time: is any tile older than a second after the commit of what it should show?

Edits are made by a connection of their own, as psql would. A second after the commit of each, the tiles at its old and new places
are asked for, at every zoom and in several variants, and compared with tiles made afresh; so is each of many random tiles that are
asked for all the while. A tile that is not what a fresh one is counts as stale, unless an edit was committed near it within the last
second. At the end, when all is quiet, everything that was ever asked for is compared once more.
"""

from __future__ import annotations

import asyncio
import http.client
import math
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import LiteralString, NamedTuple
from urllib.parse import urlencode

import psycopg

from gisgrid.cql2 import parse
from gisgrid.deployment import load_deployment
from gisgrid.types import Bounds
from tests.bench.report import Report
from tests.bench.tiling.addresses import Box
from tests.serving import GISGRID, Server, served
from tiles import TileId, TileReader, TileRequest, TileService, Variant
from tiles.matrix import MATRIX_SETS

Get = Callable[[TileRequest], Awaitable[bytes]]
"""Returns the plain bytes of a tile."""

WITHIN_S = 1.0
"""How old a tile may be."""

_SIMPLIFIED_TO = 13
_WORKERS = 2
_CONNECTIONS = 8
# More comparisons at a time would wait for PostGIS longer than a server lets them.
_AT_A_TIME = 4
_LATELY: LiteralString = """
SELECT EXISTS (
    SELECT FROM gisgrid.changes
    WHERE layer = ANY (%s) AND layer IN ('districts', 'streets', 'communities', 'grids')
        AND changed_at > clock_timestamp() - %s * interval '1 second'
)
"""

_FILTER = parse("status <> 'offline'", "cql2-text")
VARIANTS = (
    Variant(("grids",)),
    Variant(("grids", "manhole_covers", "buildings", "cameras")),
    Variant(("cameras",), filter=_FILTER),
    Variant(("communities", "cameras"), datum="gcj02"),
    Variant(("buildings", "manhole_covers"), matrix_set="CGCS2000Quad"),
)

# What an edit does to one feature that is picked at random; each gives back the box of the old place and of the new one.
_WHICH: LiteralString = "SELECT id, geom AS before FROM gisgrid.{table} OFFSET %(nth)s LIMIT 1"
_EDITS: tuple[tuple[LiteralString, LiteralString], ...] = (
    ("cameras", "geom = ST_Translate(t.geom, %(east)s, %(north)s)"),
    ("cameras", "geom = ST_Translate(t.geom, 30 * %(east)s, 30 * %(north)s)"),
    ("cameras", "status = CASE t.status WHEN 'online' THEN 'fault' ELSE 'online' END"),
    ("manhole_covers", "state = CASE t.state WHEN 'intact' THEN 'broken' ELSE 'intact' END"),
    ("manhole_covers", "geom = ST_Translate(t.geom, %(east)s, %(north)s)"),
    ("buildings", "floors = coalesce(t.floors, 0) + 1"),
    ("buildings", "geom = ST_Translate(t.geom, %(east)s, %(north)s)"),
    ("grids", "name = t.name || '改'"),
    ("grids", "geom = ST_Translate(t.geom, %(east)s, %(north)s)"),
    ("communities", "name = t.name || '改'"),
)
_BOX: LiteralString = "ST_XMin({0}), ST_YMin({0}), ST_XMax({0}), ST_YMax({0})"
_UPDATE: LiteralString = """
WITH which AS ({which}), done AS (
    UPDATE gisgrid.{table} t SET {what} FROM which WHERE t.id = which.id RETURNING which.before, t.geom AS after
)
SELECT {before}, {after} FROM done
"""


@dataclass
class Edit:
    """One edit: its old and new place (degrees), and when its commit had ended (``time.monotonic``)."""

    places: tuple[Bounds, Bounds]
    ended: float = math.inf

    def is_near(self, request: TileRequest) -> bool:
        """Say whether the edit may show in a tile, generously."""
        box = _degrees(request)
        around = 0.1 * (box.east - box.west) + 0.01 * (request.variant.datum == "gcj02") + 1e-6
        return any(
            place.west <= box.east + around
            and place.east >= box.west - around
            and place.south <= box.north + around
            and place.north >= box.south - around
            for place in self.places
        )


def _degrees(request: TileRequest) -> Bounds:
    variant, tile = request
    return tile.bounds if variant.matrix_set == "WebMercatorQuad" else MATRIX_SETS[variant.matrix_set].bounds(tile)


class Outcome(NamedTuple):
    """What came out: how many requests and edits, the tiles that were stale, and how often an edit was too near to tell."""

    edits: int
    requests: int
    stale: list[TileRequest]
    unsure: int


class Race:
    """Random edits and random requests; ``get`` is what is tested, ``fresh`` makes a tile anew."""

    def __init__(
        self, url: str, get: Get, fresh: Get, *, area: Bounds, zooms: tuple[int, int], seed: int = 1, within_s: float = WITHIN_S
    ) -> None:
        self._within_s = within_s
        self._url, self._get, self._fresh = url, get, fresh
        self._area, self._zooms = area, zooms
        self._random = random.Random(seed)
        self._edits: list[Edit] = []
        self._asked: set[TileRequest] = set()
        self._requests = self._unsure = 0
        self._stale: list[TileRequest] = []
        self._over = False
        self._turns = asyncio.Semaphore(_AT_A_TIME)

    async def run(self, edits: int, requests: int, pause_s: float = 0.05, at_a_time: int = 3) -> Outcome:
        """Make ``edits``, with at least ``requests`` all in all, and say what came out."""
        checks: list[asyncio.Task[None]] = []
        askers = [asyncio.create_task(self._ask_on()) for _ in range(at_a_time)]
        # Areas move over their neighbours here, which an edit would be refused for and a load is not.
        async with await psycopg.AsyncConnection.connect(self._url, options="-c gisgrid.loading=on") as connection:
            for _ in range(edits):
                checks.append(asyncio.create_task(self._check_later(await self._edit(connection))))
                await asyncio.sleep(self._random.uniform(0, 2 * pause_s))
        await asyncio.gather(*checks)
        while self._requests < requests:
            await asyncio.sleep(0.05)
        self._over = True
        await asyncio.gather(*askers)
        await asyncio.sleep(self._within_s)
        for request in sorted(self._asked, key=str):
            await self._compare(request)
        return Outcome(len(self._edits), self._requests, self._stale, self._unsure)

    async def _edit(self, connection: psycopg.AsyncConnection) -> Edit:
        """Make one edit, in a transaction that is committed at once or a while later."""
        table, what = self._random.choice(_EDITS)
        count = await (await connection.execute(f"SELECT count(*) FROM gisgrid.{table}".encode())).fetchone()
        statement = _UPDATE.format(
            which=_WHICH.format(table=table), table=table, what=what, before=_BOX.format("before"), after=_BOX.format("after")
        )
        step = 0.0004
        values = {
            "nth": self._random.randrange(count[0] if count else 1),
            "east": self._random.uniform(-step, step),
            "north": self._random.uniform(-step, step),
        }
        row = await (await connection.execute(statement.encode(), values)).fetchone()
        assert row is not None
        if self._random.random() < 0.3:
            await asyncio.sleep(0.1)
        # Told of before the commit: it may be seen before the commit returns.
        edit = Edit((Bounds(*row[:4]), Bounds(*row[4:])))
        self._edits.append(edit)
        await connection.commit()
        edit.ended = time.monotonic()
        return edit

    async def _ask_on(self) -> None:
        while not self._over:
            lon, lat = self._random.uniform(self._area.west, self._area.east), self._random.uniform(self._area.south, self._area.north)
            await self._compare(self._at(self._random.choice(VARIANTS), lon, lat, self._random.randint(*self._zooms)))
            await asyncio.sleep(0)

    async def _check_later(self, edit: Edit) -> None:
        """Compare what shows the places of an edit, a second after its commit."""
        await asyncio.sleep(max(0.0, edit.ended + self._within_s - time.monotonic()))
        variant = self._random.choice(VARIANTS)
        for place in edit.places:
            for zoom in range(self._zooms[0], self._zooms[1] + 1):
                await self._compare(self._at(variant, (place.west + place.east) / 2, (place.south + place.north) / 2, zoom))

    async def _compare(self, request: TileRequest) -> None:
        """Ask for a tile and for a fresh one; what differs although nothing was committed for a second is stale."""
        self._asked.add(request)
        self._requests += 1
        async with self._turns:
            began = time.monotonic()
            if await self._get(request) == await self._fresh(request):
                return
        # What an edit did since is in the fresh one, and may be missing in the other.
        near = any(edit.ended > began - self._within_s and edit.is_near(request) for edit in self._edits)
        if near or await self._simplified_lately(request):
            self._unsure += 1
        else:
            self._stale.append(request)

    async def _simplified_lately(self, request: TileRequest) -> bool:
        """Say whether areas have been simplified anew for the zoom of a tile in the last seconds: nobody's edit, but a commit too."""
        if request.tile.z > _SIMPLIFIED_TO:
            return False
        async with await psycopg.AsyncConnection.connect(self._url) as connection:
            found = await connection.execute(_LATELY, [list(request.variant.layer_ids), self._within_s + 2.0])
            return bool((await found.fetchone() or (False,))[0])

    @staticmethod
    def _at(variant: Variant, lon: float, lat: float, zoom: int) -> TileRequest:
        matrix_set = MATRIX_SETS[variant.matrix_set]
        # GCJ-02 shows a place some hundred metres away.
        shift = (0.005, 0.0005) if variant.datum == "gcj02" else (0.0, 0.0)
        tile: TileId = matrix_set.tile_at(lon + shift[0], lat + shift[1], zoom)
        return TileRequest(variant, tile)


def measure(url: str, bounds: Box, edits: int, requests: int, report: Report) -> None:
    """Prove that no tile of a server with several processes is older than a second while edits are made."""
    environment = {"GISGRID_DATABASE_URL": url, "GISGRID_DEPLOYMENT": "shibei", "GISGRID_API__WORKERS": str(_WORKERS)}
    with served([GISGRID, "serve", "--port"], environment) as server:
        outcome = asyncio.run(_race(url, server, Bounds(*bounds), edits, requests))
    told = f"{len(outcome.stale)} stale of {outcome.requests:,} ({outcome.unsure} within a second of an edit)"
    work = f"{outcome.edits} random edits, random tiles of {_WORKERS} workers compared with fresh ones"
    report.proved(work, told, "none older than 1 s", holds=not outcome.stale)


async def _race(url: str, server: Server, area: Bounds, edits: int, requests: int) -> Outcome:
    afresh = TileService(TileReader(url, 2, 30_000), load_deployment("shibei"))
    await afresh.open()
    # As many connections as it takes to have some to each of the processes.
    free: asyncio.Queue[http.client.HTTPConnection] = asyncio.Queue()
    for _ in range(_CONNECTIONS):
        free.put_nowait(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60))

    async def get(request: TileRequest) -> bytes:
        connection = await free.get()
        try:
            return await asyncio.to_thread(_get, connection, path_of(request))
        finally:
            free.put_nowait(connection)

    try:
        return await Race(url, get, afresh.plain, area=area, zooms=(10, 17)).run(edits, requests)
    finally:
        await afresh.close()
        while not free.empty():
            free.get_nowait().close()


def path_of(request: TileRequest) -> str:
    """Return the address of a tile on our server."""
    variant, tile = request
    query = {"tms": variant.matrix_set, "datum": variant.datum}
    if variant.filter is not None:
        query |= {"filter": variant.filter.canonical, "filter-lang": "cql2-json"}
    return f"/tiles/{','.join(variant.layer_ids)}/{tile.z}/{tile.x}/{tile.y}.mvt?{urlencode(query)}"


def _get(connection: http.client.HTTPConnection, path: str) -> bytes:
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read()
    if response.status not in {200, 204}:
        raise RuntimeError(f"{path}: {response.status}")
    return body
