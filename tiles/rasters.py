"""The rasters of a server: which there are, their tiles, and their values at a place. Read in threads, few at a time."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from gisgrid.db import Database
from gisgrid.db.rasters import list_rasters
from gisgrid.errors import DatabaseError, NotFoundError, UnavailableError
from gisgrid.rasters import Raster, raster_folder
from gisgrid.settings import Settings

if TYPE_CHECKING:
    from tiles.raster_reading import Files, Order

T = TypeVar("T")

_logger = logging.getLogger(__name__)

_LOOK_AGAIN_S = 0.5
_DRAWN_AS = 1
"""Raised when pictures are drawn otherwise, so that no cache keeps the old ones."""


class RasterService:
    """Answers about rasters. What is served is looked up at most twice a second; while the database is away what was last known holds.

    The libraries that read cells are imported when the first are asked for.
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        limits = settings.rasters
        self._database = database
        self._folder = raster_folder(settings.home)
        self._threads = ThreadPoolExecutor(limits.threads, "rasters")
        self._room = limits.threads + limits.max_waiting
        self._at_work = 0
        self._pictures = _Pictures(limits.cache_bytes)
        self._known: dict[str, Raster] | None = None
        self._read_at = 0.0
        self._reading = asyncio.Lock()
        self._files: Files | None = None

    def close(self) -> None:
        """Let go of the threads; what they read is read to its end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def all(self) -> list[Raster]:
        """Return the rasters in the order of their ids; raises DatabaseError when they were never known and cannot be looked up."""
        return list((await self._look()).values())

    async def find(self, raster_id: str) -> Raster:
        """Return a raster; raises NotFoundError that lists those there are."""
        known = await self._look()
        if raster_id not in known:
            there = ", ".join(known) or "none yet"
            raise NotFoundError(f"There is no raster {raster_id[:80]!r}.", f"Rasters: {there}.")
        return known[raster_id]

    def path(self, raster: Raster) -> Path:
        """Return where the file of a raster is; raises UnavailableError when it is not there."""
        path = self._folder / raster.file
        if not path.is_file():
            raise UnavailableError(
                f"The file of raster {raster.id!r} is missing: {path}.", "Load it again, or give this server that folder."
            )
        return path

    async def tile(self, raster: Raster, order: Order) -> bytes:
        """Return a tile as a picture. Raises NotFoundError where the raster has none, UnavailableError when too many are waited for."""
        from tiles.raster_reading import meets, read_tile  # noqa: PLC0415

        z, x, y = order.tile.z, order.tile.x, order.tile.y
        if not meets(raster, order):
            raise NotFoundError(f"Raster {raster.id!r} has no tile {z}/{x}/{y}.", "Its bounds are in its TileJSON.")
        key = (raster.file_hash, order)
        found = self._pictures.get(key)
        if found is None:
            found = await self._run(lambda files: read_tile(files, self.path(raster), raster, order))
            self._pictures.put(key, found)
        return found

    async def values(self, raster: Raster, lon: float, lat: float) -> list[float | int | None]:
        """Return the value of each band at a place (degrees, WGS 84), None where a cell has none.

        Raises NotFoundError for a place outside, UnavailableError when too many are waited for.
        """
        from tiles.raster_reading import read_point  # noqa: PLC0415

        found = await self._run(lambda files: read_point(files, self.path(raster), lon, lat))
        if found is None:
            west, south, east, north = raster.facts.bounds
            raise NotFoundError(
                f"Raster {raster.id!r} does not reach longitude {lon:.6f}, latitude {lat:.6f}.",
                f"It lies between {west:.6f}, {south:.6f} and {east:.6f}, {north:.6f} (WGS 84).",
            )
        return found

    async def _run(self, work: Callable[[Files], T]) -> T:
        if self._at_work >= self._room:
            raise UnavailableError("Too many tiles of rasters are waited for.", "Try again in a moment.")
        self._at_work += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._with_files, work)
        finally:
            self._at_work -= 1

    def _with_files(self, work: Callable[[Any], T]) -> T:
        from tiles.raster_reading import Files  # noqa: PLC0415

        if self._files is None:
            self._files = Files()
        try:
            return work(self._files)
        except FileNotFoundError as error:
            raise UnavailableError(f"The file of a raster has gone: {error}.", "It was replaced a moment ago: try again.") from error

    async def _look(self) -> dict[str, Raster]:
        """Return the rasters by id, looked up now unless that was a moment ago."""
        if self._known is not None and time.monotonic() - self._read_at < _LOOK_AGAIN_S:
            return self._known
        async with self._reading:
            began = time.monotonic()
            if self._known is not None and began - self._read_at < _LOOK_AGAIN_S:
                return self._known
            try:
                self._known = await asyncio.to_thread(self._read)
            except DatabaseError as error:
                if self._known is None:
                    raise
                _logger.warning("The rasters cannot be looked up, those known are served: %s", error.message)
            self._read_at = began
            return self._known

    def _read(self) -> dict[str, Raster]:
        with self._database.connect() as connection:
            return {raster.id: raster for raster in list_rasters(connection)}


class _Pictures:
    """Pictures that were asked for lately, as many as fit in some bytes."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[object, bytes] = OrderedDict()

    def get(self, key: object) -> bytes | None:
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: object, picture: bytes) -> None:
        self._bytes += len(picture) - len(self._kept.pop(key, b""))
        self._kept[key] = picture
        while self._bytes > self._most:
            self._bytes -= len(self._kept.popitem(last=False)[1])


def picture_etag(raster: Raster, order: Order) -> str:
    """Return a strong ETag, unquoted, of a tile that need not be made for that: it hangs on the file and on what is asked alone."""
    return blake2b(f"{_DRAWN_AS} {raster.file_hash} {raster.kind} {order}".encode(), digest_size=12).hexdigest()
