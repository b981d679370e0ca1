"""Edits and requests at the same time: is any tile older than a second after the commit of what it should show?

Edits are made by a connection of their own, as psql would. A second after the commit of each, the tiles at its old and new places
are asked for, at every zoom and in several variants, and compared with tiles made afresh; so is each of many random tiles that are
asked for all the while. A tile that is not what a fresh one is counts as stale, unless an edit was committed near it within the last
second. At the end, when all is quiet, everything that was ever asked for is compared once more.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import LiteralString, NamedTuple

import psycopg

from gisgrid.cql2 import parse
from gisgrid.types import Bounds
from tiles import TileId, TileRequest, Variant
from tiles.matrix import MATRIX_SETS

Get = Callable[[TileRequest], Awaitable[bytes]]
"""Returns the plain bytes of a tile."""

WITHIN_S = 1.0
"""How old a tile may be."""

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

    async def run(self, edits: int, requests: int, pause_s: float = 0.05, at_a_time: int = 3) -> Outcome:
        """Make ``edits``, with at least ``requests`` all in all, and say what came out."""
        checks: list[asyncio.Task[None]] = []
        askers = [asyncio.create_task(self._ask_on()) for _ in range(at_a_time)]
        async with await psycopg.AsyncConnection.connect(self._url) as connection:
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
        began = time.monotonic()
        served = await self._get(request)
        if served == await self._fresh(request):
            return
        # What an edit did since is in the fresh one, and may be missing in the other.
        if any(edit.ended > began - self._within_s and edit.is_near(request) for edit in self._edits):
            self._unsure += 1
        else:
            self._stale.append(request)

    @staticmethod
    def _at(variant: Variant, lon: float, lat: float, zoom: int) -> TileRequest:
        matrix_set = MATRIX_SETS[variant.matrix_set]
        # GCJ-02 shows a place some hundred metres away.
        shift = (0.005, 0.0005) if variant.datum == "gcj02" else (0.0, 0.0)
        tile: TileId = matrix_set.tile_at(lon + shift[0], lat + shift[1], zoom)
        return TileRequest(variant, tile)
