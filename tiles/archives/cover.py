"""Which tiles an archive holds: those where something may be drawn, in the order of the Hilbert curve that PMTiles number them by."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple

from pmtiles.tile import tileid_to_zxy

from gisgrid.types import Bounds
from tiles.sql import BUFFER, EXTENT
from tiles.tile import MERCATOR_EDGE_M, TileId

IsOccupied = Callable[[TileId, int], Awaitable[bool]]
"""Says whether any tile of a zoom (the second) within a tile may hold something; a yes too many costs time alone."""

# A question costs about what an empty tile does: asked at every second zoom it answers for sixteen tiles and more.
_ASK_EVERY = 2


class Step(NamedTuple):
    """A step along the curve: a tile to make, or none where ``tiles`` of the area are known to be empty or done."""

    tile_id: int
    tile: TileId | None
    tiles: int


class Window(NamedTuple):
    """A rectangle of tiles of one zoom: columns and rows, the last ones included."""

    zoom: int
    west: int
    north: int
    east: int
    south: int

    @property
    def tiles(self) -> int:
        """How many tiles it holds."""
        return (self.east - self.west + 1) * (self.south - self.north + 1)

    def within(self, tile: TileId) -> int:
        """Return how many tiles of this window lie in ``tile`` of the same zoom or a lower one."""
        deeper = self.zoom - tile.z
        last = (1 << deeper) - 1
        west, north = tile.x << deeper, tile.y << deeper
        columns = min(self.east, west + last) - max(self.west, west) + 1
        rows = min(self.south, north + last) - max(self.north, north) + 1
        return max(columns, 0) * max(rows, 0)


def window(box_m: Bounds, zoom: int, buffer: int = BUFFER) -> Window:
    """Return the tiles of ``zoom`` whose box, with a buffer in units of the tile, meets ``box_m`` (EPSG:3857 metres)."""
    count = 1 << zoom
    side = 2 * MERCATOR_EDGE_M / count
    margin = side * buffer / EXTENT

    def place(offset_m: float) -> int:
        return min(max(int((offset_m + MERCATOR_EDGE_M) // side), 0), count - 1)

    return Window(zoom, place(box_m.west - margin), place(-box_m.north - margin), place(box_m.east + margin), place(-box_m.south + margin))


def both(first: Window, second: Window) -> Window:
    """Return the tiles that two windows of one zoom have in common."""
    west, north = max(first.west, second.west), max(first.north, second.north)
    return Window(first.zoom, west, north, min(first.east, second.east), min(first.south, second.south))


def first_id(zoom: int) -> int:
    """Return the number of the first tile of a zoom.

    >>> first_id(0), first_id(1), first_id(2)
    (0, 1, 5)
    """
    return ((1 << 2 * zoom) - 1) // 3


async def steps(area: Window, is_occupied: IsOccupied, after: int = -1) -> AsyncIterator[Step]:
    """Yield the tiles of ``area`` in ascending order of their numbers, without those up to ``after``; their ``tiles`` add up to all.

    What lies together on the map lies together on the curve, so that a quarter of a tile is a quarter of its numbers: whole
    branches in which nothing is drawn are left out at one question.
    """
    waiting = [(0, 0)]
    while waiting:
        level, place = waiting.pop()
        inside = TileId(*tileid_to_zxy(first_id(level) + place))
        count = area.within(inside)
        if not count:
            continue
        deeper = area.zoom - level
        last = first_id(area.zoom) + ((place + 1) << 2 * deeper) - 1
        if last <= after:
            yield Step(last, None, count)
        elif not deeper:
            yield Step(last, inside, 1)
        elif deeper % _ASK_EVERY == 0 and not await is_occupied(inside, area.zoom):
            yield Step(last, None, count)
        else:
            waiting += [(level + 1, 4 * place + quarter) for quarter in (3, 2, 1, 0)]
