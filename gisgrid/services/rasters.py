"""Putting a raster into service: its file made beside the others, and in its place at the moment that its record is committed."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from gisgrid.errors import SourceError
from gisgrid.rasters import Kind, Raster, raster_folder
from gisgrid.rasters.cog import read_facts, sha256, write_cog

# Servers look up twice a second what is served; until then they may still open the file.
_GRACE_S = 1.0
_PART = re.compile(r"\.(?P<id>[a-z0-9_-]+)\.(?P<pid>\d+)\.part\.tif")


class About(NamedTuple):
    """What somebody has to say of a raster; the rest the file says itself. As in ``Raster``."""

    id: str
    kind: Kind
    title: str = ""
    attribution: str = ""
    captured_on: date | None = None
    data_version: int | None = None


class Made(NamedTuple):
    """A raster whose file is made, but lies beside its place still."""

    raster: Raster
    part: Path
    home: Path

    def put_in_place(self) -> None:
        """Move the file to its place: the last step before the record is committed."""
        os.replace(self.part, raster_folder(self.home) / self.raster.file)


@contextmanager
def made(home: Path, address: str, about: About, source: Any, nodata: float | None = None) -> Iterator[Made]:
    """Make the file of a raster from an open dataset; what is not in its place at the end of the block is thrown away.

    ``address`` is that of the database that will hold the record: two databases with one home keep their files apart. ``nodata`` stands for
    no value, where the dataset does not say. Raises SourceError when the source cannot be read or the file not be written.
    """
    folder = raster_folder(home)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
    except OSError as error:
        raise _unwritable(folder, error) from error
    part = folder / f".{about.id}.{os.getpid()}.part.tif"
    try:
        write_cog(source, part, about.kind, nodata)
        digest = sha256(part)
        name = hashlib.sha256(f"{address} {digest}".encode()).hexdigest()[:16]
        raster = Raster(*about, f"{about.id}-{name}.tif", digest, part.stat().st_size, read_facts(part))
        yield Made(raster, part, home)
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        part.unlink(missing_ok=True)


def throw_away(home: Path, file: str | None) -> None:
    """Remove the file of a raster that is served no longer, if there is one; servers that have it open go on reading it."""
    if file is not None:
        time.sleep(_GRACE_S)
        (raster_folder(home) / file).unlink(missing_ok=True)


def _sweep(folder: Path) -> None:
    """Remove what makers that were killed have left."""
    for path in folder.glob(".*.part.tif"):
        found = _PART.fullmatch(path.name)
        if found and not _runs(int(found["pid"])):
            path.unlink(missing_ok=True)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def _unwritable(folder: Path, error: OSError) -> SourceError:
    return SourceError(
        f"The raster cannot be written to {folder}: {error.strerror or error}.",
        "Is there room, and may this user write there (GISGRID_HOME)?",
    )
