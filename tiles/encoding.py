"""Bytes as they go over the wire: a tile with its strong ETag, in each encoding that pays."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Mapping
from hashlib import blake2b
from typing import Literal, NamedTuple

Encoding = Literal["identity", "gzip"]
"""A content coding that tiles are kept in, by its name in HTTP."""

_WORTH_COMPRESSING = 256
_WORTH_A_THREAD = 16_384
# On tiles of the sample (57 kB on average) level 5 takes three quarters of the time of level 6 for half a percent more bytes. Other
# codings do not pay: zstd saves 2 % of the bytes and brotli 9 %, for as much work or twice as much again, and as much memory.
_LEVEL = 5
# What a tile weighs beside its bytes: the objects and the places in dictionaries that hold it.
_OVERHEAD = 1_500


class EncodedTile(NamedTuple):
    """A tile ready to be sent: ``encodings`` are the bytes by content coding, smallest first, of those that are worth sending.

    ``etag`` names the plain bytes, unquoted. The plain bytes are kept only where nothing else is; ``body`` makes what is
    not kept. ``stale`` says that PostGIS could not be asked whether the tile is still so.
    """

    etag: str
    encodings: Mapping[str, bytes]
    stale: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing is drawn in this tile."""
        return self.encodings.get("identity") == b""

    @property
    def weight(self) -> int:
        """How much memory the tile takes, bytes."""
        return _OVERHEAD + sum(map(len, self.encodings.values()))

    def body(self, encoding: Encoding) -> bytes:
        """Return the bytes in a content coding; those that are not kept are made, the same each time."""
        kept = self.encodings.get(encoding)
        if kept is not None:
            return kept
        return gzip.decompress(self.encodings["gzip"]) if encoding == "identity" else _gzip(self.encodings["identity"])


EMPTY = EncodedTile("empty", {"identity": b""})
"""A tile in which nothing is drawn."""


async def encode(data: bytes) -> EncodedTile:
    """Return ``data`` with its ETag and encodings; large tiles are compressed in a thread, the event loop goes on."""
    if len(data) < _WORTH_A_THREAD:
        return encode_now(data)
    return await asyncio.to_thread(encode_now, data)


def encode_now(data: bytes) -> EncodedTile:
    """Return ``data`` with its ETag and encodings, in this thread.

    >>> encode_now(b"").is_empty, list(encode_now(b"short").encodings), list(encode_now(b"long" * 100).encodings)
    (True, ['identity'], ['gzip'])
    """
    if not data:
        return EMPTY
    etag = blake2b(data, digest_size=12).hexdigest()
    if len(data) < _WORTH_COMPRESSING:
        return EncodedTile(etag, {"identity": data})
    packed = _gzip(data)
    return EncodedTile(etag, {"gzip": packed} if len(packed) < len(data) else {"identity": data})


def _gzip(data: bytes) -> bytes:
    # mtime 0: the same tile must give the same bytes, or its strong ETag would be a lie.
    return gzip.compress(data, _LEVEL, mtime=0)
