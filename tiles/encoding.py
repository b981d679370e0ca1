"""Bytes as they go over the wire: a tile with its strong ETag, plain and compressed."""

from __future__ import annotations

import asyncio
import gzip
from hashlib import blake2b
from typing import NamedTuple

_WORTH_COMPRESSING = 256
_WORTH_A_THREAD = 16_384
_LEVEL = 6


class EncodedTile(NamedTuple):
    """A tile ready to be sent. ``gzip`` is None where compressing does not pay; ``etag`` names the plain bytes, unquoted."""

    data: bytes
    gzip: bytes | None
    etag: str


async def encode(data: bytes) -> EncodedTile:
    """Return ``data`` with its ETag and compressed form; large tiles are compressed in a thread, the event loop goes on."""
    if len(data) < _WORTH_A_THREAD:
        return encode_now(data)
    return await asyncio.to_thread(encode_now, data)


def encode_now(data: bytes) -> EncodedTile:
    """Return ``data`` with its ETag and compressed form, in this thread.

    >>> encode_now(b"").gzip is None
    True
    """
    etag = blake2b(data, digest_size=12).hexdigest()
    if len(data) < _WORTH_COMPRESSING:
        return EncodedTile(data, None, etag)
    # mtime 0: the same tile must give the same bytes, or its strong ETag would be a lie.
    packed = gzip.compress(data, _LEVEL, mtime=0)
    return EncodedTile(data, packed if len(packed) < len(data) else None, etag)
