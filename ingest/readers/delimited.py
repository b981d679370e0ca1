"""Reader for CSV, TSV and other delimited text. Every cell becomes text; what it means is decided later."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO

from gisgrid.errors import SourceError
from ingest.readers.batch import BATCH_ROWS, Contents, RawBatch
from ingest.readers.cells import Record, cell_batches, plain_table, table_batch
from ingest.readers.survey import survey

_CONTROL = bytes([*range(9), *range(14, 32)])
_MOST_CONTROL = 0.1  # a few come into a text by mistake; a binary file, or UTF-16 without a mark, is full of them
_SNIFF_BYTES = 1 << 20
_BINARY_MARKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"SQLite", b"%PDF", b"\x1f\x8b")
_MAX_CELL_CHARS = 10_000_000
_MAX_LINES = 1_000
"""Most lines that a quoted record may run over; one that runs on longer has a quote that nothing closes."""


class CsvReader:
    """Text with a line that names the columns and one record a row; quotes and line breaks inside quotes as in RFC 4180.

    ``encoding`` is what the description declares; otherwise a byte order mark or the bytes tell. ``header_row`` is the line that
    names the columns, counted from 1. A record whose quotes are wrong costs its first line alone. Raises
    SourceError when the file is not such text.
    """

    def __init__(self, path: Path, encoding: str | None, delimiter: str | None, header_row: int | None = None) -> None:
        self.path = path
        self.delimiter = delimiter or ("\t" if path.suffix.lower() == ".tsv" else ",")
        _refuse_other_formats(path, encoding)
        lines, decided = survey(path, encoding)
        self._encoding = decided.codec
        self._header_row = header_row or 1
        with self._opened() as file:
            header = next(islice(_records(_Lines(file), self.delimiter), self._header_row - 1, None), None)
        if header is None or not any(header.cells):
            raise SourceError(f"Line {self._header_row} of {path} is empty.", "It must name the columns; see `header_row`.")
        self.contents = Contents(
            tuple(name.strip() for name in header.cells),
            encoding=decided.codec.removesuffix("-sig"),
            total=max(0, lines - self._header_row),
            is_recoded=True,
            notes=[decided.note] if decided.note else [],
        )

    def _opened(self) -> IO[str]:
        return self.path.open(encoding=self._encoding, errors="replace", newline="")

    def batches(self) -> Iterator[RawBatch]:
        """Yield the records after the header, without those that are wholly blank."""
        names = self.contents.columns
        with self._opened() as file:
            lines = _Lines(file)
            records = _records(lines, self.delimiter)
            for _ in islice(records, self._header_row):
                pass
            start = 1
            while chunk := lines.take(BATCH_ROWS):
                table = plain_table(chunk, names, self.delimiter)
                if table is None:
                    lines.give_back(chunk)
                    found = list(iter(partial(_next_in_chunk, records, lines), None))
                    yield from cell_batches(iter(found), names, start)
                    start += len(found)
                else:
                    yield from table_batch(table, start)
                    start += len(chunk)


def _records(lines: _Lines, delimiter: str) -> Iterator[Record]:
    """Yield the records; a line that no record can be made of is a broken record of its own."""
    csv.field_size_limit(_MAX_CELL_CHARS)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.record.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, _RunsOnError) as error:
            first, *others = lines.record
            lines.give_back(others)
            yield Record(_split(first, delimiter), _reason(error))
            # After an error the reader may be in the middle of a quoted cell.
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
        else:
            yield Record(cells, None)


def _next_in_chunk(records: Iterator[Record], lines: _Lines) -> Record | None:
    return next(records, None) if lines.waiting else None


class _RunsOnError(Exception):
    """A record runs over more lines than any should."""


class _Lines:
    """The lines of a file, remembering those of the record that is being read, so that they can be given back."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self.record: list[str] = []
        self.waiting: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if len(self.record) >= _MAX_LINES:
            raise _RunsOnError
        line = self.waiting.pop() if self.waiting else next(self._file)
        self.record.append(line)
        return line

    def take(self, count: int) -> list[str]:
        """Return the next lines, at most ``count``."""
        waiting = [self.waiting.pop() for _ in range(min(count, len(self.waiting)))]
        return [*waiting, *islice(self._file, count - len(waiting))]

    def give_back(self, lines: list[str]) -> None:
        """Put lines before those that follow."""
        self.waiting.extend(reversed(lines))


def _reason(error: Exception) -> str:
    if isinstance(error, _RunsOnError):
        return "A quote is opened and never closed."
    text = str(error)
    return "A quote is opened and never closed." if "unexpected end of data" in text else f"Its quotes are wrong: {text}."


def _split(line: str, delimiter: str) -> list[str]:
    """Return the cells of one line without regard to quotes."""
    return [cell.strip('"') for cell in line.rstrip("\r\n").split(delimiter)]


def _refuse_other_formats(path: Path, declared: str | None) -> None:
    """Raise SourceError for a file that is not text."""
    with path.open("rb") as file:
        head = file.read(_SNIFF_BYTES)
    if not head.strip():
        raise SourceError(f"{path} is empty.", "The first line must name the columns.")
    is_wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or (declared or "").lower().startswith(("utf-16", "utf-32"))
    if head.startswith(_BINARY_MARKS) or (_is_binary(head) and not is_wide):
        raise SourceError(f"{path} is not a text file.", "Check what it is: a spreadsheet needs its own ending (.xlsx).")


def _is_binary(head: bytes) -> bool:
    return b"\0" in head and len(head) - len(head.translate(None, _CONTROL)) > _MOST_CONTROL * len(head)
