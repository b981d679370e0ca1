"""The fixed list of tiles that is measured: every zoom from 10 to 17, spread over the city."""

from __future__ import annotations

from collections.abc import Iterator

from tiles import TileId, tile_at

ZOOMS = range(10, 18)
"""The zooms that are measured."""

Box = tuple[float, float, float, float]


def covering(bounds: Box, zoom: int) -> list[TileId]:
    """Return all tiles of a zoom that touch a box (west, south, east, north in WGS 84 degrees)."""
    west, south, east, north = bounds
    first, last = tile_at(west, north, zoom), tile_at(east, south, zoom)
    return [TileId(zoom, x, y) for x in range(first.x, last.x + 1) for y in range(first.y, last.y + 1)]


def fixed(bounds: Box, most: int) -> list[str]:
    """Return addresses (z/x/y) of at most ``most`` tiles a zoom, spread evenly over the box."""
    return [f"{tile.z}/{tile.x}/{tile.y}" for tile in _spread(bounds, most)]


def _spread(bounds: Box, most: int) -> Iterator[TileId]:
    for zoom in ZOOMS:
        every = covering(bounds, zoom)
        yield from every[:: max(1, len(every) // most)][:most]
