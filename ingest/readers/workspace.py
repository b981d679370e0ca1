"""A temporary folder for what has to be unpacked or recoded before it can be read."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path

from gisgrid.errors import SourceError

UNPACKED = "files"
"""Folder in a workspace for what comes out of an archive."""
RECODED = "recoded"
"""Folder in a workspace for files written anew in another encoding."""


class Workspace:
    """A temporary folder, made when it is first needed and removed by ``close``, with the object, or at the end of the process.

    ``outer`` is the file that the user named; messages speak of it and not of the folder.
    """

    def __init__(self, outer: Path) -> None:
        self.outer = outer
        self._folder: Path | None = None
        self._remove: weakref.finalize[[Path, bool], Workspace] | None = None

    @property
    def folder(self) -> Path:
        """The folder; it exists."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="gisgrid-"))
            self._remove = weakref.finalize(self, shutil.rmtree, self._folder, True)
        return self._folder

    def free_bytes(self) -> int:
        """Return how many bytes there is room for."""
        return shutil.disk_usage(self.folder).free

    def close(self) -> None:
        """Remove the folder and all in it."""
        if self._remove is not None:
            self._remove()

    def told(self, error: SourceError) -> SourceError:
        """Return ``error`` with places in the folder called by their place in the file that the user named."""
        if self._folder is None:
            return error
        return SourceError(self._named(error.message), self._named(error.hint))

    def _named(self, text: str) -> str:
        text = text.replace(f"{self._folder}/{RECODED}/{self.outer.name}", str(self.outer))
        for part in (UNPACKED, RECODED):
            text = text.replace(f"{self._folder}/{part}/", f"{self.outer}/")
        return text
