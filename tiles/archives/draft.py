"""The hidden folder beside an archive in which it is drafted; it stays when a run is broken off, for the next to go on."""

from __future__ import annotations

import fcntl
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gisgrid.errors import NotFoundError, SourceError, UsageError

DRAFT = "draft.mbtiles"
"""The name of the draft in its folder."""

_LOCK = "lock"


@contextmanager
def drafting(target: Path, *, restart: bool = False) -> Iterator[Path]:
    """Give the folder of ``target``'s draft for a block; it goes when the block ends well or the request was at fault.

    With ``restart`` what an earlier run left is thrown away. Raises SourceError when the file cannot be written or another run is
    writing it.
    """
    folder = target.with_name(f".{target.name}.gisgrid-export")
    try:
        folder.mkdir(exist_ok=True)
        with (folder / _LOCK).open("w") as lock:
            _hold(lock.fileno(), target)
            if restart:
                for name in (DRAFT, f"{DRAFT}-journal"):
                    (folder / name).unlink(missing_ok=True)
            try:
                yield folder
            except (UsageError, NotFoundError):
                shutil.rmtree(folder, ignore_errors=True)
                raise
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise SourceError(f"{target} cannot be written: {error.strerror}.", "Give a file in a folder that can be written to.") from error
    except sqlite3.Error as error:
        raise SourceError(f"{target} cannot be written: {error}.", "Make room on its disk, then run the same command again.") from error


def _hold(lock: int, target: Path) -> None:
    """Take the lock, against other runs; a run that is killed lets go of it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SourceError(f"{target} is being written by another run.", "Wait for it, or give another file.") from None
