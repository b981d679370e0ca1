"""Readers: any source file becomes batches of rows as the file has them."""

from __future__ import annotations

from pathlib import Path

from gisgrid.errors import SourceError
from ingest.description import Source
from ingest.readers.batch import Contents, RawBatch, Reader
from ingest.readers.tables import CsvReader, SheetReader
from ingest.readers.vector import VectorReader

__all__ = ["Contents", "RawBatch", "Reader", "open_source"]

_TEXT_TABLES = {".csv", ".tsv", ".txt"}
_SPREADSHEETS = {".xlsx", ".xls", ".xlsm", ".ods"}


def open_source(source: Source, path: Path) -> Reader:
    """Return the reader for ``source`` in the file at ``path``, which has been opened but not read.

    Raises SourceError that names the file when it is missing, empty, not what its ending says, or lacks the inner layer.
    """
    try:
        if path.is_file() and path.stat().st_size == 0:
            raise SourceError(f"{path} is empty.", "Ask for the file again; nothing was loaded from it.")
        if not path.exists():
            raise SourceError(f"There is no file {path} (source {source.id!r}).", "Check `path` in the description, and --root.")
        return _reader(source, path)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}.", "Check that the file is there and may be read.") from error


def _reader(source: Source, path: Path) -> Reader:
    ending = path.suffix.lower()
    if ending in _TEXT_TABLES:
        return CsvReader(path, source.encoding, source.delimiter)
    if ending in _SPREADSHEETS:
        return SheetReader(path, source.sheet)
    return VectorReader(path, source.inner_layer, source.encoding)
