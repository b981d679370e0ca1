"""Data inside .zip (also nested), .kmz and .gz: unpacked to a temporary folder, within limits, and the one data file found."""

from __future__ import annotations

import gzip
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from gisgrid.errors import SourceError
from ingest.readers.workspace import UNPACKED, Workspace

MAX_BYTES = 20 * 2**30
"""Most bytes that one archive may unpack to, nested ones included."""
MAX_FILES = 10_000
MAX_DEPTH = 4
MAX_RATIO = 200
"""Most bytes that a byte of the archive may become, once more than ``FREE_BYTES`` have come out."""
FREE_BYTES = 256 * 2**20

_ARCHIVES = {".zip", ".kmz", ".gz"}
_DATA = {
    ".shp", ".gpkg", ".geojson", ".json", ".geojsonl", ".geojsons", ".ndjson", ".jsonl", ".fgb", ".kml", ".gml", ".osm", ".pbf",
    ".parquet", ".geoparquet", ".tab", ".mif", ".dxf", ".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xls", ".ods", ".dbf", ".sqlite", ".gdb",
    ".gpx",
}  # fmt: skip
_LESSER = {".txt", ".dbf"}
_CHUNK = 1 << 20
_BROKEN = (zipfile.BadZipFile, zlib.error, gzip.BadGzipFile, EOFError, lzma.LZMAError, NotImplementedError, ValueError, OverflowError)


def is_archive(path: Path) -> bool:
    """Say whether a file has to be unpacked, by its ending."""
    return path.is_file() and path.suffix.lower() in _ARCHIVES


def unpack(path: Path, member: str | None, workspace: Workspace) -> Path:
    """Return the data file in the archive at ``path``, unpacked into ``workspace``.

    ``member`` names one of several, by its path in the archive ("inner.zip/covers.shp"). Raises SourceError when there is no
    such member, when without ``member`` there is not exactly one data file (with the list of those), or when
    the archive is damaged, locked, or unpacks to more than the limits allow.
    """
    names = _unpacked(path, workspace)
    listed = f"It holds: {', '.join(names) or 'no file that is known to hold data'}."
    if member is not None:
        return _member(path, workspace.folder / UNPACKED, member, names, listed)
    chosen = _chief(names)
    if len(chosen) != 1:
        what = "holds several data files" if chosen else "holds no data file"
        raise SourceError(f"{path} {what}.", f'{listed} Write member = "...".' if chosen else "Check that it is the right file.")
    return next(iter(chosen.values()))


def members(path: Path, workspace: Workspace) -> dict[str, Path]:
    """Return the data files in the archive at ``path`` by their member names, unpacked into ``workspace``.

    Small tables beside other files (.txt, .dbf) are left out. Raises SourceError as ``unpack`` does for the archive itself.
    """
    return _chief(_unpacked(path, workspace))


def _unpacked(path: Path, workspace: Workspace) -> dict[str, Path]:
    target = workspace.folder / UNPACKED
    _unpack(path, target, _Budget(path, workspace), depth=1)
    return {str(file.relative_to(target)): file for file in sorted(_data_files(target))}


def _chief(names: dict[str, Path]) -> dict[str, Path]:
    return {name: file for name, file in names.items() if file.suffix.lower() not in _LESSER} or names


def _member(path: Path, target: Path, member: str, names: dict[str, Path], listed: str) -> Path:
    wanted = member.replace("\\", "/").strip("/")
    exact = target / wanted
    if ".." not in PurePosixPath(wanted).parts and exact.exists():
        return exact
    ends = [file for name, file in names.items() if name.endswith(f"/{wanted}")]
    if len(ends) == 1:
        return ends[0]
    raise SourceError(f"{path} has no member {member!r}.", listed)


class _Budget:
    """What may still come out of an archive."""

    def __init__(self, path: Path, workspace: Workspace) -> None:
        self.path = path
        self.packed = path.stat().st_size
        self.room = workspace.free_bytes()
        self.bytes = 0
        self.files = 0

    def take_file(self) -> None:
        self.files += 1
        if self.files > MAX_FILES:
            raise self._refusal(f"more than {MAX_FILES:,} files")

    def take(self, count: int) -> None:
        self.bytes += count
        if self.bytes > MAX_BYTES:
            raise self._refusal(f"more than {MAX_BYTES >> 30} GiB")
        if self.bytes > max(FREE_BYTES, MAX_RATIO * self.packed):
            raise self._refusal(f"more than {MAX_RATIO} times its size")
        if self.bytes > self.room:
            raise SourceError(f"There is not enough room to unpack {self.path}.", "Free some disk space, or set TMPDIR to a larger disk.")

    def refuse_depth(self) -> SourceError:
        return self._refusal(f"archives in archives more than {MAX_DEPTH} deep")

    def _refusal(self, what: str) -> SourceError:
        return SourceError(f"{self.path} unpacks to {what}; that is not taken.", "Unpack it by hand and give the file in it.")


def _unpack(path: Path, target: Path, budget: _Budget, depth: int) -> None:
    """Unpack an archive into the folder ``target``, and then the archives in it, each into a folder of its name."""
    if depth > MAX_DEPTH:
        raise budget.refuse_depth()
    try:
        if path.suffix.lower() == ".gz":
            with gzip.open(path) as packed:
                _write(packed, target / path.stem, budget)
        else:
            _unpack_zip(path, target, budget)
    except _BROKEN as error:
        raise SourceError(
            f"{path} cannot be unpacked: {str(error).rstrip('.')}.", "Ask for the file again, or unpack it by hand."
        ) from error
    except RuntimeError as error:
        raise SourceError(f"{path} cannot be unpacked: it is locked with a password.", "Ask for it without one.") from error
    for inner in [file for file in target.rglob("*") if is_archive(file) and not _is_hidden(file, target)]:
        unpacked = inner.with_name(f"{inner.name}~")
        _unpack(inner, unpacked, budget, depth + 1)
        inner.unlink()
        unpacked.rename(inner)


def _unpack_zip(path: Path, target: Path, budget: _Budget) -> None:
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            name = PurePosixPath(_name(entry).replace("\\", "/"))
            if entry.is_dir() or str(name).endswith("/"):
                continue
            if name.is_absolute() or ".." in name.parts or ":" in name.parts[0]:
                raise SourceError(f"{path} has a member outside of itself: {str(name)!r}.", "Unpack it by hand, with care.")
            with archive.open(entry) as packed:
                _write(packed, target / name, budget)


def _name(entry: zipfile.ZipInfo) -> str:
    """Return the name of a member; without the UTF-8 flag its bytes may be UTF-8 all the same, or GBK as Windows writes it in China."""
    if entry.flag_bits & 0x800:
        return entry.filename
    try:
        raw = entry.filename.encode("cp437")
    except UnicodeEncodeError:
        return entry.filename
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return entry.filename


def _write(packed: IO[bytes] | gzip.GzipFile, target: Path, budget: _Budget) -> None:
    budget.take_file()
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as file:
        while chunk := packed.read(_CHUNK):
            budget.take(len(chunk))
            file.write(chunk)


def _data_files(folder: Path) -> Iterator[Path]:
    """Yield the data files under ``folder``: a geodatabase is one, and so is a shapefile with all that belongs to it."""
    for path in folder.rglob("*"):
        inside = path.relative_to(folder)
        ending = path.suffix.lower()
        if _is_hidden(path, folder) or any(part.lower().endswith(".gdb") for part in inside.parts[:-1]):
            continue
        if ending not in _DATA or path.is_dir() != (ending == ".gdb"):
            continue
        if ending == ".dbf" and any(path.with_suffix(main).exists() for main in (".shp", ".SHP")):
            continue
        yield path


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in path.relative_to(folder).parts)
