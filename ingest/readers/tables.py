"""Readers for tables: CSV and TSV text, and spreadsheets. Every cell becomes text; what it means is decided later."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import python_calamine

from gisgrid.errors import SourceError
from ingest.readers.batch import BATCH_ROWS, Contents, RawBatch

_SNIFF_BYTES = 1 << 20
_BINARY_MARKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"SQLite", b"%PDF", b"\x1f\x8b")
_MAX_CELL_CHARS = 10_000_000

Row = Sequence[str]


class CsvReader:
    """Text with a header line and one row a record; quotes and line breaks inside quotes as in RFC 4180.

    ``encoding`` without a declaration must be UTF-8 (a byte order mark is skipped). Bytes that the encoding does not know
    become U+FFFD, which a check finds. Raises SourceError when the file is not such text.
    """

    def __init__(self, path: Path, encoding: str | None, delimiter: str | None) -> None:
        self.path = path
        self.encoding = _known_encoding(path, encoding)
        self.delimiter = delimiter or ("\t" if path.suffix.lower() == ".tsv" else ",")
        with path.open("rb") as file:
            _refuse_other_formats(path, file.read(_SNIFF_BYTES), None if encoding else self.encoding)
        header = next(self._records(), None)
        if header is None:
            raise SourceError(f"{path} is empty.", "The first line must name the columns.")
        self.contents = Contents(tuple(name.strip() for name in header), encoding=self.encoding, is_recoded=True)

    def _records(self) -> Iterator[Row]:
        csv.field_size_limit(_MAX_CELL_CHARS)
        with self.path.open(encoding=self.encoding, errors="replace", newline="") as file:
            try:
                yield from csv.reader(file, delimiter=self.delimiter)
            except csv.Error as error:
                raise SourceError(f"{self.path} cannot be read as CSV: {error}.", "Check its quotes and the `delimiter`.") from error

    def batches(self) -> Iterator[RawBatch]:
        """Yield the records after the header, without those that are wholly blank."""
        yield from _batches(islice(self._records(), 1, None), self.contents.columns)


class SheetReader:
    """A sheet of an .xlsx, .xls or .ods file; its first row that is not blank names the columns."""

    def __init__(self, path: Path, sheet: str | None) -> None:
        try:
            book = python_calamine.CalamineWorkbook.from_path(path)
            if sheet is not None and sheet not in book.sheet_names:
                raise SourceError(f"{path} has no sheet {sheet!r}.", f"Sheets: {', '.join(book.sheet_names)}.")
            rows = book.get_sheet_by_name(sheet or book.sheet_names[0]).to_python(skip_empty_area=True)
        except (python_calamine.CalamineError, OSError) as error:
            raise SourceError(f"{path} cannot be read as a spreadsheet: {error}.", "Save it as .xlsx and try again.") from error
        filled = (number for number, row in enumerate(rows) if any(cell != "" for cell in row))
        start = next(filled, None)
        if start is None:
            raise SourceError(f"Sheet {sheet or book.sheet_names[0]!r} of {path} is empty.", "Its first row must name the columns.")
        self._rows = rows[start + 1 :]
        self.contents = Contents(tuple(_cell_text(cell).strip() for cell in rows[start]), total=len(self._rows))

    def batches(self) -> Iterator[RawBatch]:
        """Yield the rows below the header, without those that are wholly blank."""
        yield from _batches(([_cell_text(cell) for cell in row] for row in self._rows), self.contents.columns)


def _batches(records: Iterator[Row], names: tuple[str, ...]) -> Iterator[RawBatch]:
    """Group records into batches; a record with too few or too many cells is marked as broken."""
    width = len(names)
    start = 1
    while chunk := list(islice(records, BATCH_ROWS)):
        numbered = [(number, row) for number, row in enumerate(chunk, start) if any(row)]
        start += len(chunk)
        if not numbered:
            continue
        rows = [row for _, row in numbered]
        lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
        broken = lengths != width
        for position in np.flatnonzero(broken).tolist():
            rows[position] = [*rows[position], *[""] * width][:width]
        columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
        numbers = np.array([number for number, _ in numbered], dtype=np.int64)
        yield RawBatch(numbers, pa.table(columns, names=list(names)), None, broken, np.zeros(len(rows), dtype=bool))


def _cell_text(cell: Any) -> str:
    """Return a spreadsheet cell as text: 370203.0 as "370203", a date in ISO form."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, dt.datetime) and cell.time() == dt.time():
        return cell.date().isoformat()
    return cell.isoformat() if isinstance(cell, (dt.date, dt.time)) else str(cell)


def _known_encoding(path: Path, declared: str | None) -> str:
    """Return the codec to read with; raises SourceError when there is no such encoding."""
    try:
        name = declared or "utf-8"
        "".encode(name)
    except LookupError:
        raise SourceError(f"There is no encoding {declared!r} (for {path}).", "Common ones: utf-8, gb18030, big5.") from None
    return "utf-8-sig" if name.lower().replace("_", "-") in {"utf-8", "utf8"} else name


def _refuse_other_formats(path: Path, head: bytes, assumed: str | None) -> None:
    """Raise SourceError for a file that is not text, or not in the encoding that is ``assumed`` without a declaration."""
    if not head.strip():
        raise SourceError(f"{path} is empty.", "The first line must name the columns.")
    if head.startswith(_BINARY_MARKS) or (b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff"))):
        raise SourceError(f"{path} is not a text file.", "Check what it is: a spreadsheet needs its own ending (.xlsx).")
    if assumed is None:
        return
    try:
        (head if len(head) < _SNIFF_BYTES else head[: head.rfind(b"\n") + 1]).decode(assumed)
    except UnicodeDecodeError:
        raise SourceError(
            f"{path} is not UTF-8, and the description does not say what it is.", 'Write encoding = "gb18030", or what it is in.'
        ) from None
