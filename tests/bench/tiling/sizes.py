"""How large tiles are, uncompressed: every tile of every zoom at which a city is more than one screen, and the fullest ones deeper."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from gisgrid.deployment import load_deployment
from gisgrid.layers import LAYERS, Layer
from tests.bench.tiling.addresses import Box, covering
from tiles import TileId, TileReader, TileRequest, TileService, Variant

_DEEPEST_WHOLE = 14
_DEEPEST = 18
_FULLEST = 12


class Largest(NamedTuple):
    """The largest tile that was found: of which layers, where, and its bytes before compression."""

    layers: str
    address: str
    bytes: int


def largest(url: str, bounds: Box) -> tuple[Largest, int]:
    """Return the largest tile of any layer alone and of all in one tile, and how many tiles were looked at."""
    return asyncio.run(_largest(url, bounds))


async def _largest(url: str, bounds: Box) -> tuple[Largest, int]:
    service = TileService(TileReader(url, 2, 60_000), load_deployment("shibei"))
    await service.open()
    try:
        public = tuple(layer for layer in LAYERS if layer.public)
        found, count = Largest("", "", 0), 0
        for layers in [*((layer,) for layer in public), public]:
            best, looked = await _of(service, layers, bounds)
            found, count = max(found, best, key=lambda each: each.bytes), count + looked
        return found, count
    finally:
        await service.close()


async def _of(service: TileService, layers: tuple[Layer, ...], bounds: Box) -> tuple[Largest, int]:
    variant = Variant(tuple(layer.id for layer in layers))
    found, count, todo = Largest("", "", 0), 0, covering(bounds, 0)
    for zoom in range(_DEEPEST + 1):
        sized = []
        for tile in todo:
            data = (await service.tile(TileRequest(variant, tile))).body("identity")
            sized.append((len(data), tile))
            found = max(found, Largest(",".join(variant.layer_ids), f"{tile.z}/{tile.x}/{tile.y}", len(data)), key=lambda each: each.bytes)
        count += len(sized)
        if zoom < _DEEPEST_WHOLE:
            todo = covering(bounds, zoom + 1)
        else:
            fullest = sorted(sized, key=lambda each: each[0], reverse=True)[:_FULLEST]
            todo = [child for _, tile in fullest for child in _children(tile)]
    return found, count


def _children(tile: TileId) -> list[TileId]:
    return [TileId(tile.z + 1, 2 * tile.x + right, 2 * tile.y + down) for right in (0, 1) for down in (0, 1)]
