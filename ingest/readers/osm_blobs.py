"""OpenStreetMap extracts (.pbf) looked through before GDAL reads them, for it stops at damage without a word.

The format: https://wiki.openstreetmap.org/wiki/PBF_Format - blocks, each with its length, a header and a blob, mostly zlib's.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from gisgrid.errors import SourceError

_MAX_HEADER = 64 * 1024
_MAX_BLOB = 32 * 1024 * 1024
_DATA_SIZE, _RAW_SIZE, _ZLIB_DATA = 3, 2, 3


def check_extract(path: Path) -> None:
    """Raise SourceError with the place when an extract is cut off or a block of it is damaged."""
    with path.open("rb") as file:
        number, start = 0, 0
        while True:
            try:
                if not _block(file):
                    break
            except (ValueError, zlib.error) as error:
                message = f"{path} is damaged or cut off: block {number + 1:,}, at byte {start:,}, {error}."
                raise SourceError(message, "Ask for the file again; nothing was loaded from it.") from error
            number, start = number + 1, file.tell()
    if number == 0:
        raise SourceError(f"{path} is empty.", "Ask for the file again; nothing was loaded from it.")


def _block(file: IO[bytes]) -> bool:
    """Read one block; return False at the end of the file. Raises ValueError or zlib.error when it is damaged."""
    length = file.read(4)
    if not length:
        return False
    header = _exactly(file, int.from_bytes(length, "big"), _MAX_HEADER)
    size = dict(_fields(header)).get(_DATA_SIZE)
    if not isinstance(size, int):
        raise ValueError("has no size")
    blob = dict(_fields(_exactly(file, size, _MAX_BLOB)))
    packed = blob.get(_ZLIB_DATA)
    if isinstance(packed, bytes):
        unpacker = zlib.decompressobj()
        if len(unpacker.decompress(packed, _MAX_BLOB)) != blob.get(_RAW_SIZE) or not unpacker.eof:
            raise ValueError("does not unpack to its size")
    return True


def _exactly(file: IO[bytes], size: int, limit: int) -> bytes:
    data = file.read(size) if size <= limit else b""
    if len(data) != size:
        raise ValueError("is not as long as it says")
    return data


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the fields of a protobuf message: numbers, and bytes for what has a length."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        value, at = _varint(message, at)
        if key & 7 == 2:
            if at + value > len(message):
                raise ValueError("has a field that is cut off")
            yield key >> 3, message[at : at + value]
            at += value
        elif key & 7 == 0:
            yield key >> 3, value
        else:
            raise ValueError("has a field of an unknown kind")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message) and shift < 64:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at
    raise ValueError("has a number that is cut off")
