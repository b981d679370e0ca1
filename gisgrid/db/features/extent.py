"""How far the features of a layer reach, in space and time; kept as long as nothing changes, since documents ask again and again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from datetime import date
from typing import NamedTuple

from gisgrid.db.pool import Pool
from gisgrid.errors import UnavailableError
from gisgrid.layers import Layer
from gisgrid.types import Bounds

# An extent that took long to read is not read again at once after each edit: reading is to take this share of the time at most.
_SHARE = 0.25


class Extent(NamedTuple):
    """The box of all features of a layer in degrees, longitude first, and the first and the last day in their temporal field.

    ``bounds`` is None where no feature has a place, the days where none has a day.
    """

    bounds: Bounds | None
    first: date | None = None
    last: date | None = None


def extent_statement(layer: Layer) -> str:
    """Return the statement of the extent of what a layer's view shows: one row of west, south, east, north, first and last day."""
    days = f'min(f."{layer.temporal}"), max(f."{layer.temporal}")' if layer.temporal else "NULL::date, NULL::date"
    return (
        "SELECT ST_XMin(box), ST_YMin(box), ST_XMax(box), ST_YMax(box), first, last FROM "
        f"(SELECT ST_Extent(f.geom) AS box, {days} FROM gisgrid.{layer.id} f) AS all_of_it (box, first, last)"
    )


async def read_extent(pool: Pool, layer: Layer) -> Extent:
    """Return the extent of a layer. Raises DatabaseError when PostGIS is away, UnavailableError when it takes too long."""
    row = await pool.fetch_row(extent_statement(layer))
    if row is None:
        return Extent(None)
    west, south, east, north, first, last = row
    return Extent(None if west is None else Bounds(west, south, east, north), first, last)


class _Kept(NamedTuple):
    extent: Extent
    version: int
    good_until: float


class Extents:
    """The extent of each layer at the version of the data that ``version`` tells; read over ``pool`` when there is a newer one."""

    def __init__(self, pool: Pool, version: Callable[[], int]) -> None:
        self._pool = pool
        self._version = version
        self._kept: dict[str, _Kept] = {}
        self._reading: dict[str, asyncio.Lock] = {}

    async def of(self, layer: Layer) -> Extent:
        """Return the extent of a layer: an earlier one while the database is away, and one without bounds when there is none."""
        if (kept := self._kept.get(layer.id)) is not None and self._is_good(kept):
            return kept.extent
        # Many ask at once after an edit; one of them reads.
        async with self._reading.setdefault(layer.id, asyncio.Lock()):
            if (kept := self._kept.get(layer.id)) is not None and self._is_good(kept):
                return kept.extent
            return await self._read(layer, kept)

    def _is_good(self, kept: _Kept) -> bool:
        return kept.version == self._version() or time.monotonic() < kept.good_until

    async def _read(self, layer: Layer, kept: _Kept | None) -> Extent:
        version, start = self._version(), time.monotonic()
        try:
            extent = await read_extent(self._pool, layer)
        except UnavailableError:
            return kept.extent if kept is not None else Extent(None)
        end = time.monotonic()
        self._kept[layer.id] = _Kept(extent, version, end + (end - start) / _SHARE)
        return extent

    async def bounds(self, layers: Iterable[Layer]) -> Bounds | None:
        """Return the box that holds several layers; None when none of their features has a place."""
        found = [bounds for layer in layers if (bounds := (await self.of(layer)).bounds) is not None]
        if not found:
            return None
        west, south, east, north = zip(*found, strict=True)
        return Bounds(min(west), min(south), max(east), max(north))
