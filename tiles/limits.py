"""How long a tile may be: of one that is longer, the features that matter least are left out, until it is short enough."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import NamedTuple

from tiles.request import TileRequest
from tiles.sql import MOST_FEATURES, TileQuery, tile_query

_log = logging.getLogger(__name__)

MOST_BYTES = 500_000
"""The longest tile, uncompressed bytes, unless something else is asked for."""

_LAYER = 3
_FEATURE = 2
_BYTES = 2
_SPARE = 0.9


class Limits(NamedTuple):
    """Most features of a layer in one tile, and most bytes of the whole tile, uncompressed."""

    max_features: int = MOST_FEATURES
    max_bytes: int = MOST_BYTES


async def plain_tile(fetch: Callable[[TileQuery], Awaitable[bytes]], request: TileRequest, limits: Limits) -> bytes:
    """Return the bytes of a tile within ``limits``; ``fetch`` runs a query and returns its bytes.

    A tile that comes out too long is made again with fewer features of each layer, in the order of ``Layer.importance``.
    Raises what ``tile_query`` and ``fetch`` raise.
    """
    most = limits.max_features
    while most > 0:
        query = tile_query(request, most)
        data = await fetch(query) if query else b""
        if len(data) <= limits.max_bytes:
            return data
        _log.info("Tile %s has %d bytes with up to %d features a layer; it is made again with fewer.", request.tile, len(data), most)
        there = max(feature_counts(data).values(), default=0)
        most = min(most // 2, int(there * limits.max_bytes / len(data) * _SPARE))
    return b""


def feature_counts(data: bytes) -> dict[int, int]:
    """Return how many features each layer of a tile has, by the place of the layer in it.

    >>> feature_counts(b""), feature_counts(bytes([0x1A, 4, 0x12, 0, 0x12, 0]))
    ({}, {0: 2})
    """
    layers = (part for field, part in _parts(memoryview(data)) if field == _LAYER)
    return {number: sum(field == _FEATURE for field, _ in _parts(layer)) for number, layer in enumerate(layers)}


def _parts(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield the fields of a protobuf message that hold bytes, with their numbers; numbers are skipped."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        value, at = _varint(message, at)
        if tag & 7 == _BYTES:
            yield tag >> 3, message[at : at + value]
            at += value


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
