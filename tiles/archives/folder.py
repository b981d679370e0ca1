"""The archives of a deployment: the files in a folder, opened when they are asked for and again when they have been replaced."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from gisgrid.errors import GisgridError, NotFoundError, SourceError
from tiles.archives.mbtiles_file import MbtilesFile
from tiles.archives.pmtiles_file import Extent, PmtilesFile
from tiles.tile import TileId

# A name is part of an address and of a path: no separators, and nothing hidden.
_NAME = re.compile(r"[A-Za-z0-9_\-][A-Za-z0-9_\-.]{0,99}", re.ASCII)


class TileFile(Protocol):
    """A file of vector tiles, open to be read."""

    metadata: dict[str, Any]
    compressed: bool

    @property
    def extent(self) -> Extent:
        """Where its tiles are."""

    def tile(self, tile: TileId) -> bytes | None:
        """Return the bytes of a tile as they are stored, None where there is none."""


_READERS: dict[str, Callable[[Path], TileFile]] = {".pmtiles": PmtilesFile, ".mbtiles": MbtilesFile}


class Archive(NamedTuple):
    """An archive: its name, its file on disk, and that file opened. ``state`` differs when the file has been replaced."""

    name: str
    path: Path
    state: tuple[int, int, int]
    file: TileFile

    def document(self, template: str) -> dict[str, object]:
        """Return its TileJSON 3; ``template`` is the address of a tile with ``{z}/{x}/{y}`` in it."""
        extent, metadata = self.file.extent, self.file.metadata
        told: dict[str, object] = {
            name: metadata[name] for name in ("name", "description", "attribution", "version", "datum", "filter") if name in metadata
        }
        return {
            "tilejson": "3.0.0",
            "name": self.name,
            **told,
            "scheme": "xyz",
            "tiles": [template],
            "vector_layers": metadata.get("vector_layers", []),
            "bounds": list(extent.bounds),
            "center": list(extent.center),
            "minzoom": extent.min_zoom,
            "maxzoom": extent.max_zoom,
        }


class Archives:
    """The archives in ``folder``, a file each: ``name.pmtiles`` or ``name.mbtiles``. Safe to be asked from several threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open: dict[str, Archive] = {}
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        """Return the names of all archives, in alphabetical order."""
        if not self.folder.is_dir():
            return []
        return sorted({path.stem for path in self.folder.iterdir() if path.suffix in _READERS and _NAME.fullmatch(path.stem)})

    def get(self, name: str) -> Archive:
        """Return the archive called ``name`` as it is now.

        Raises NotFoundError when there is none, or when its file cannot be read as an archive.
        """
        found = self._find(name) if _NAME.fullmatch(name) else None
        if found is None:
            raise NotFoundError(
                f"There is no archive {name[:80]!r}.", "Archives are listed at /archives; `gisgrid tiles export` writes them."
            )
        path, state = found
        with self._lock:
            known = self._open.get(name)
            if known is None or known.state != state:
                # A file that was replaced is let go of and not closed: a request may be reading it at this moment.
                known = self._open[name] = Archive(name, path, state, _read(path))
            return known

    def _find(self, name: str) -> tuple[Path, tuple[int, int, int]] | None:
        for suffix in _READERS:
            path = self.folder / f"{name}{suffix}"
            try:
                found = os.stat(path)
            except OSError:
                continue
            return path, (found.st_ino, found.st_mtime_ns, found.st_size)
        return None


def _read(path: Path) -> TileFile:
    try:
        return _READERS[path.suffix](path)
    except (GisgridError, OSError) as error:
        raise NotFoundError(f"The archive {path.stem} cannot be read.", str(error) if isinstance(error, SourceError) else "") from error
