"""Readers: any source file becomes batches of rows as the file has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from gisgrid.errors import SourceError
from ingest.description import Source
from ingest.readers.archives import is_archive, unpack
from ingest.readers.batch import Contents, RawBatch, Reader
from ingest.readers.dbf import DbfReader
from ingest.readers.delimited import CsvReader
from ingest.readers.geojson import GeoJsonReader, GeoJsonSeqReader
from ingest.readers.parquet import ParquetReader
from ingest.readers.shapefile import ShapefileReader
from ingest.readers.sheets import SheetReader
from ingest.readers.table import TableReader
from ingest.readers.vector import VectorReader
from ingest.readers.workspace import Workspace

__all__ = ["Contents", "RawBatch", "Reader", "open_source"]


def open_source(source: Source, path: Path) -> Reader:
    """Return the reader for ``source`` in the file at ``path``, or for its table; it has been opened but not read.

    Raises SourceError that names the file when it is missing, empty, not what its ending says, or lacks the member or layer.
    """
    if source.connection is not None and source.table is not None:
        return TableReader(source.connection, source.table)
    workspace = Workspace(path)
    try:
        return _Kept(_opened(source, path, workspace), workspace)
    except SourceError as error:
        workspace.close()
        raise workspace.told(error) from error
    except OSError as error:
        workspace.close()
        raise SourceError(f"{path} cannot be read: {error.strerror or error}.", "Check that the file is there and may be read.") from error


class _Kept:
    """A reader together with the temporary folder that it reads from; messages name the file that the user named."""

    def __init__(self, reader: Reader, workspace: Workspace) -> None:
        self._reader = reader
        self._workspace = workspace
        self.contents = reader.contents

    def batches(self) -> Iterator[RawBatch]:
        """Yield what the reader yields; raises SourceError when the file turns out to be broken."""
        try:
            yield from self._reader.batches()
        except SourceError as error:
            self._workspace.close()
            raise self._workspace.told(error) from error
        except OSError as error:
            self._workspace.close()
            raise SourceError(f"{self._workspace.outer} cannot be read: {error.strerror or error}.", "Try again.") from error


def _opened(source: Source, path: Path, workspace: Workspace) -> Reader:
    if not path.exists():
        raise SourceError(f"There is no file {path} (source {source.id!r}).", "Check `path` in the description, and --root.")
    if is_archive(path):
        path = unpack(path, source.member, workspace)
    elif source.member is not None:
        raise SourceError(f"{path} is not an archive (source {source.id!r}).", "Leave `member` out, or give the .zip or .gz.")
    if path.is_file() and path.stat().st_size == 0:
        raise SourceError(f"{path} is empty.", "Ask for the file again; nothing was loaded from it.")
    return _reader(source, path, workspace)


def _reader(source: Source, path: Path, workspace: Workspace) -> Reader:
    ending = path.suffix.lower()
    make = None if ending == ".json" and _is_other_json(path) else _READERS.get(ending)
    return make(source, path) if make else VectorReader(path, source.inner_layer, source.encoding, workspace)


def _wanted(source: Source) -> frozenset[str]:
    """Return all columns that a description names."""
    names = {column for rules in source.fields.values() for rule in rules for column in rule.columns} | set(source.where)
    return frozenset(names | set(source.coordinates.columns if source.coordinates else ()))


def _is_other_json(path: Path) -> bool:
    """Say whether a .json is of Esri or TopoJSON, which GDAL reads."""
    with path.open("rb") as file:
        head = file.read(4096)
    return any(mark in head for mark in (b'"geometryType"', b'"esriGeometry', b'"spatialReference"', b'"Topology"'))


def _csv(source: Source, path: Path) -> Reader:
    return CsvReader(path, source.encoding, source.delimiter, source.header_row)


def _sheet(source: Source, path: Path) -> Reader:
    return SheetReader(path, source.sheet, source.header_row)


def _geojson(source: Source, path: Path) -> Reader:
    return GeoJsonReader(path, source.encoding, _wanted(source))


def _sequence(source: Source, path: Path) -> Reader:
    return GeoJsonSeqReader(path, source.encoding, _wanted(source))


_READERS: dict[str, Callable[[Source, Path], Reader]] = {
    **dict.fromkeys((".csv", ".tsv", ".txt"), _csv),
    **dict.fromkeys((".xlsx", ".xls", ".xlsm", ".ods"), _sheet),
    **dict.fromkeys((".geojsonl", ".geojsons", ".ndjson", ".jsonl"), _sequence),
    **dict.fromkeys((".geojson", ".json"), _geojson),
    **dict.fromkeys((".parquet", ".geoparquet"), lambda _, path: ParquetReader(path)),
    ".shp": lambda source, path: ShapefileReader(path, source.encoding),
    ".dbf": lambda source, path: DbfReader(path, source.encoding),
}
