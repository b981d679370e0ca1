"""MBTiles, version 1.3: an SQLite database of tiles, which GDAL, QGIS and most tile servers read.

It is also what every archive is drafted in: SQLite keeps what was committed whatever happens to the process, so that an export
that was killed goes on from there. Tiles that are the same are stored once.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson
from pmtiles.tile import Entry

from gisgrid.errors import SourceError
from gisgrid.types import Bounds
from tiles.archives.pmtiles_file import Contents, Extent
from tiles.tile import TileId

# `start` is where a tile lies when the distinct tiles stand one behind the other, which is how PMTiles stores them; tiles come in the
# order of their numbers there.
_SCHEMA = """
CREATE TABLE metadata (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE images (id INTEGER PRIMARY KEY, start INTEGER NOT NULL, digest BLOB NOT NULL UNIQUE, tile_data BLOB NOT NULL);
CREATE TABLE map (tile_id INTEGER PRIMARY KEY, zoom_level INTEGER NOT NULL, tile_column INTEGER NOT NULL, tile_row INTEGER NOT NULL,
                  image INTEGER NOT NULL REFERENCES images);
CREATE UNIQUE INDEX map_place ON map (zoom_level, tile_column, tile_row);
CREATE VIEW tiles AS SELECT zoom_level, tile_column, tile_row, tile_data FROM map JOIN images ON images.id = map.image;
CREATE TABLE progress (id INTEGER PRIMARY KEY CHECK (id = 1), fingerprint TEXT NOT NULL, reached INTEGER NOT NULL);
"""
_ENTRIES = "SELECT tile_id, start, length(tile_data) FROM map JOIN images ON images.id = map.image ORDER BY tile_id"
_COUNTS = "SELECT (SELECT count(*) FROM map), (SELECT count(*) FROM images), (SELECT coalesce(sum(length(tile_data)), 0) FROM images)"


class Draft:
    """An archive while it is written: tiles in ascending order of their numbers, and how far they have come.

    ``fingerprint`` is what was noted by ``begin``, None for a new file; ``reached`` the number of the last tile that is done.
    """

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        # What is committed outlives the process whatever happens to it; only a failing disk or power could take the last second.
        self._database.execute("PRAGMA synchronous = NORMAL")
        if not self._database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            self._database.executescript(f"BEGIN; {_SCHEMA} COMMIT;")
        row = self._database.execute("SELECT fingerprint, reached FROM progress").fetchone()
        self.fingerprint: str | None = row[0] if row else None
        self.reached: int = row[1] if row else -1
        self._next, self._end = self._database.execute("SELECT count(*) + 1, coalesce(sum(length(tile_data)), 0) FROM images").fetchone()
        self._database.execute("BEGIN")

    def begin(self, fingerprint: str) -> None:
        """Note what the archive is made from."""
        self.fingerprint = fingerprint
        self._database.execute("INSERT OR REPLACE INTO progress VALUES (1, ?, ?)", (fingerprint, self.reached))
        self.commit()

    def put(self, tile_id: int, tile: TileId, data: bytes) -> None:
        """Add a tile, gzipped."""
        digest = blake2b(data, digest_size=16).digest()
        row = self._database.execute("SELECT id FROM images WHERE digest = ?", (digest,)).fetchone()
        image = row[0] if row else self._next
        if row is None:
            self._database.execute("INSERT INTO images VALUES (?, ?, ?, ?)", (image, self._end, digest, data))
            self._next, self._end = image + 1, self._end + len(data)
        self._database.execute("INSERT INTO map VALUES (?, ?, ?, ?, ?)", (tile_id, tile.z, tile.x, (1 << tile.z) - 1 - tile.y, image))

    def commit(self, reached: int | None = None) -> None:
        """Make sure of what was put; ``reached`` is the number of the last tile that is done, with something in it or not."""
        if reached is not None:
            self.reached = reached
            self._database.execute("UPDATE progress SET reached = ?", (reached,))
        self._database.execute("COMMIT")
        self._database.execute("BEGIN")

    def contents(self) -> Contents:
        """Return what a PMTiles file of the same tiles is made of; it reads on from the draft as it is used."""
        tiles, distinct, size = self.counts()
        entries = (Entry(id, start, length, 1) for id, start, length in self._database.execute(_ENTRIES))
        data = (row[0] for row in self._database.execute("SELECT tile_data FROM images ORDER BY id"))
        return Contents(entries, data, size, tiles, distinct)

    def counts(self) -> tuple[int, int, int]:
        """Return how many tiles there are, how many different ones, and the bytes of these."""
        tiles, distinct, size = self._database.execute(_COUNTS).fetchone()
        return tiles, distinct, size

    def finish(self, extent: Extent, metadata: dict[str, object]) -> None:
        """Make it an MBTiles file that others read; nothing can be added after."""
        rows = mbtiles_metadata(extent, metadata)
        self._database.executemany("INSERT OR REPLACE INTO metadata VALUES (?, ?)", rows.items())
        self._database.execute("DROP TABLE progress")
        self._database.execute("COMMIT")

    def close(self) -> None:
        """Close the file; what was not committed is lost."""
        self._database.close()


def mbtiles_metadata(extent: Extent, metadata: dict[str, object]) -> dict[str, str]:
    """Return the rows of the table ``metadata``; the layers go into one of JSON, as the format wants it."""
    layers = {"vector_layers": metadata["vector_layers"]}
    texts = {name: value for name, value in metadata.items() if isinstance(value, str)}
    return texts | {
        "format": "pbf",
        "bounds": ",".join(f"{value:g}" if value == int(value) else repr(value) for value in extent.bounds),
        "center": ",".join(map(str, extent.center)),
        "minzoom": str(extent.min_zoom),
        "maxzoom": str(extent.max_zoom),
        "json": orjson.dumps(layers).decode(),
    }


class MbtilesFile:
    """An MBTiles file of gzipped vector tiles, open to be read. Raises SourceError when it is none."""

    compressed = True

    def __init__(self, path: Path) -> None:
        self._path = path
        # Nobody writes to a file that is served: it is replaced whole.
        self._database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False)
        try:
            rows: dict[str, str] = dict(self._database.execute("SELECT name, value FROM metadata"))
            if rows.get("format", "pbf") != "pbf":
                raise ValueError
            self.metadata = self._read_metadata(rows)
            self.extent = self._read_extent(rows)
        except (sqlite3.Error, ValueError, TypeError) as error:
            self.close()
            raise SourceError(f"{path.name} is no MBTiles file of vector tiles, or is damaged.", "Write it anew.") from error

    @staticmethod
    def _read_metadata(rows: dict[str, str]) -> dict[str, Any]:
        told = {name: value for name, value in rows.items() if name not in ("json", "bounds", "center", "minzoom", "maxzoom", "format")}
        return {**told, **orjson.loads(rows.get("json", "{}"))}

    def _read_extent(self, rows: dict[str, str]) -> Extent:
        found = self._database.execute("SELECT min(zoom_level), max(zoom_level) FROM tiles").fetchone()
        zooms = [int(rows.get(name, zoom or 0)) for name, zoom in zip(("minzoom", "maxzoom"), found, strict=True)]
        west, south, east, north = (float(part) for part in rows.get("bounds", "-180,-85,180,85").split(","))
        middle = rows.get("center", f"{(west + east) / 2},{(south + north) / 2},{zooms[0]}").split(",")
        return Extent(zooms[0], zooms[1], Bounds(west, south, east, north), (float(middle[0]), float(middle[1]), int(middle[2])))

    def tile(self, tile: TileId) -> bytes | None:
        """Return the bytes of a tile as they are stored, None where there is none; raises SourceError when the file is damaged."""
        sql = "SELECT tile_data FROM tiles WHERE zoom_level = ? AND tile_column = ? AND tile_row = ?"
        try:
            with closing(self._database.execute(sql, (tile.z, tile.x, (1 << tile.z) - 1 - tile.y))) as found:
                row = found.fetchone()
        except sqlite3.Error as error:
            raise SourceError(f"{self._path.name} is damaged.", "Write it anew.") from error
        return row[0] if row else None

    def close(self) -> None:
        """Close the file."""
        self._database.close()
