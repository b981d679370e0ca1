"""PMTiles, version 3: one file of tiles that a web page reads by byte ranges, with no server behind it.

The format is at https://github.com/protomaps/PMTiles/blob/main/spec/v3/spec.md; numbers, headers and directories are packed by the
package ``pmtiles``. Directories are written a leaf at a time and read once: neither needs the whole of a large file in memory.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import orjson
from pmtiles.tile import (
    Compression,
    Entry,
    HeaderDict,
    MagicNumberNotFound,
    SpecVersionUnsupported,
    TileType,
    deserialize_directory,
    deserialize_header,
    find_tile,
    serialize_directory,
    serialize_header,
    zxy_to_tileid,
)

from gisgrid.errors import SourceError
from gisgrid.types import Bounds
from tiles.tile import TileId

_HEADER_BYTES = 127
# Header and root have to lie in the first 16 KiB; an entry for a leaf takes at most ten bytes before it is packed.
_MOST_ROOT_ENTRIES = 1500
_LEAF_ENTRIES = 4096
_LEAVES_KEPT = 64
_MOST_LEVELS = 4
_READABLE = {Compression.NONE, Compression.GZIP}


class Contents(NamedTuple):
    """What a file is made of: entries in ascending order of tiles, the distinct tiles one behind the other, and how many there are."""

    entries: Iterable[Entry]
    data: Iterable[bytes]
    data_bytes: int
    tiles: int
    distinct: int


class Extent(NamedTuple):
    """Where a file's tiles are: zooms, box in degrees, and the middle as lon, lat, zoom."""

    min_zoom: int
    max_zoom: int
    bounds: Bounds
    center: tuple[float, float, int]


def write_pmtiles(file: BinaryIO, contents: Contents, extent: Extent, metadata: dict[str, object]) -> None:
    """Write a whole PMTiles file of gzipped vector tiles; what follows in memory is its directories alone."""
    root, leaves, entry_count = _directories(runs(contents.entries), contents.tiles)
    described = gzip.compress(orjson.dumps(metadata), mtime=0)
    at_metadata = _HEADER_BYTES + len(root)
    at_leaves = at_metadata + len(described)
    header: dict[str, Any] = {
        "root_offset": _HEADER_BYTES,
        "root_length": len(root),
        "metadata_offset": at_metadata,
        "metadata_length": len(described),
        "leaf_directory_offset": at_leaves,
        "leaf_directory_length": len(leaves),
        "tile_data_offset": at_leaves + len(leaves),
        "tile_data_length": contents.data_bytes,
        "addressed_tiles_count": contents.tiles,
        "tile_entries_count": entry_count,
        "tile_contents_count": contents.distinct,
        "clustered": True,
        "internal_compression": Compression.GZIP,
        "tile_compression": Compression.GZIP,
        "tile_type": TileType.MVT,
        "min_zoom": extent.min_zoom,
        "max_zoom": extent.max_zoom,
        "center_zoom": extent.center[2],
        "center_lon_e7": _e7(extent.center[0]),
        "center_lat_e7": _e7(extent.center[1]),
    }
    corners = zip(("min_lon_e7", "min_lat_e7", "max_lon_e7", "max_lat_e7"), extent.bounds, strict=True)
    header |= {name: _e7(value) for name, value in corners}
    file.write(serialize_header(header))  # type: ignore[arg-type]  # it has every key but the version, which is always 3
    for part in (root, described, leaves):
        file.write(part)
    for tile in contents.data:
        file.write(tile)


def _e7(degrees: float) -> int:
    return round(degrees * 1e7)


def runs(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Yield ``entries`` with those made one whose tiles follow each other and are the same."""
    last: Entry | None = None
    for entry in entries:
        if last is not None and entry.offset == last.offset and entry.tile_id == last.tile_id + last.run_length:
            last.run_length += entry.run_length
            continue
        if last is not None:
            yield last
        last = entry
    if last is not None:
        yield last


def _directories(entries: Iterator[Entry], most: int) -> tuple[bytes, bytes, int]:
    """Return the root, the leaves and the number of entries; without leaves where one directory is enough.

    ``most`` is how many entries may come.
    """
    size = max(_LEAF_ENTRIES, -(-most // _MOST_ROOT_ENTRIES))
    first = list(islice(entries, size))
    second = list(islice(entries, size))
    if not second and len(whole := serialize_directory(first)) <= 16384 - _HEADER_BYTES:
        return whole, b"", len(first)
    leaves, root, count = bytearray(), [], 0
    leaf = first
    while leaf:
        packed = serialize_directory(leaf)
        root.append(Entry(leaf[0].tile_id, len(leaves), len(packed), 0))
        leaves += packed
        count += len(leaf)
        leaf, second = second, list(islice(entries, size))
    return serialize_directory(root), bytes(leaves), count


class PmtilesFile:
    """A PMTiles file of vector tiles, open to be read; ``compressed`` says whether its tiles are gzipped.

    Raises SourceError when it is none, is cut short, or holds tiles of another kind.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = -1
        self._file = os.open(path, os.O_RDONLY)
        try:
            self._header = self._read_header()
            self._root = deserialize_directory(self._read(self._header["root_offset"], self._header["root_length"]))
            self.metadata = self._read_metadata()
        except (MagicNumberNotFound, SpecVersionUnsupported, EOFError, ValueError, KeyError, IndexError, zlib.error, OSError) as error:
            self.close()
            raise SourceError(f"{path.name} is no PMTiles file of version 3, or is damaged.", "Write it anew.") from error
        self.compressed = self._header["tile_compression"] == Compression.GZIP
        self._leaf = lru_cache(_LEAVES_KEPT)(self._read_leaf)

    def _read_header(self) -> HeaderDict:
        header = deserialize_header(self._read(0, _HEADER_BYTES))
        if header["tile_data_offset"] + header["tile_data_length"] > os.fstat(self._file).st_size:
            raise EOFError
        packings = {header["tile_compression"], header["internal_compression"]}
        if header["tile_type"] != TileType.MVT or not packings <= _READABLE:
            raise ValueError
        return header

    def _read_metadata(self) -> dict[str, Any]:
        text = self._read(self._header["metadata_offset"], self._header["metadata_length"])
        found = orjson.loads(gzip.decompress(text) if self._header["internal_compression"] == Compression.GZIP else text)
        if not isinstance(found, dict):
            raise TypeError
        return found

    def _read(self, offset: int, length: int) -> bytes:
        data = os.pread(self._file, length, offset)
        if len(data) < length:
            raise EOFError
        return data

    def _read_leaf(self, offset: int, length: int) -> list[Entry]:
        return deserialize_directory(self._read(self._header["leaf_directory_offset"] + offset, length))

    @property
    def extent(self) -> Extent:
        """Where its tiles are."""
        header = self._header
        west, south, east, north, lon, lat = (
            header[name] / 1e7 for name in ("min_lon_e7", "min_lat_e7", "max_lon_e7", "max_lat_e7", "center_lon_e7", "center_lat_e7")
        )
        return Extent(header["min_zoom"], header["max_zoom"], Bounds(west, south, east, north), (lon, lat, header["center_zoom"]))

    def tile(self, tile: TileId) -> bytes | None:
        """Return the bytes of a tile as they are stored, None where there is none; raises SourceError when the file is damaged."""
        id = zxy_to_tileid(tile.z, tile.x, tile.y)
        entries = self._root
        try:
            for _ in range(_MOST_LEVELS):
                found = find_tile(entries, id)
                if found is None:
                    return None
                if found.run_length:
                    return self._read(self._header["tile_data_offset"] + found.offset, found.length)
                entries = self._leaf(found.offset, found.length)
        except (EOFError, OSError, ValueError, zlib.error) as error:
            raise SourceError(f"{self._path.name} is damaged.", "Write it anew.") from error
        return None

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
