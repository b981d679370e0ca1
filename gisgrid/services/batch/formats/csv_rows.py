"""CSV text as departments send it, row by row: delimiters, quotation marks, rows that are too short or too long."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from gisgrid.errors import SourceError
from gisgrid.services.batch.formats.encodings import Utf8Stream

DELIMITERS = ",\t;|"
_QUOTE, _LINE_FEED, _RETURN = b'"\n\r'
_END = "\0end of piece"


class Record(NamedTuple):
    """A row as the csv module reads it, with the text that it stands as (no line end); ``line`` counts from 0.

    ``is_closed`` is False where the text ends within quotation marks, which only the last row can have.
    """

    cells: list[str]
    text: str
    line: int
    is_closed: bool


def read_records(text: str, delimiter: str, name: str, first_line: int = 0) -> Iterator[Record]:
    """Yield the rows of CSV text, blank lines left out; raises SourceError naming the line for what is no CSV.

    A quotation mark that opens a cell and is never closed is such; one within a cell that has none around it is a character.
    """
    for record in _records(text, delimiter, name, first_line):
        if not record.is_closed:
            raise SourceError(
                f"{name}, line {first_line + record.line + 1}: a quotation mark in the row that begins here is never closed.",
                "Close it, or write it twice within a pair of them where it belongs to the text.",
            )
        yield record


def _records(text: str, delimiter: str, name: str, first_line: int = 0) -> Iterator[Record]:
    lines = _Lines(io.StringIO(text, newline=""))
    reader = csv.reader(lines, delimiter=delimiter)
    while True:
        line = reader.line_num
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise SourceError(
                f"{name}, line {first_line + reader.line_num}: {error}.", "A quotation mark that is never closed looks like this."
            ) from error
        if cells is None:
            return
        taken = lines.take()
        if cells:
            # The csv module asks for lines until a row is whole, and takes the row as it is where there are no more.
            yield Record(cells, taken.rstrip("\r\n"), line, not lines.have_ended)


class _Lines:
    """Lines that remember which have been asked for since the last time, and whether more were than there are."""

    def __init__(self, text: Iterator[str]) -> None:
        self._text = text
        self._taken: list[str] = []
        self.have_ended = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._text, None)
        if line is None:
            self.have_ended = True
            raise StopIteration
        self._taken.append(line)
        return line

    def take(self) -> str:
        taken, self._taken = "".join(self._taken), []
        return taken


def record_ends(data: NDArray[np.uint8], delimiter: int) -> NDArray[np.int64] | None:
    """Return where the line ends are at which rows end, in text that begins with a row; None when that takes the csv module.

    A line end within quotation marks ends no row. Marks are taken to open and close in turn; that holds when each that
    opens follows a delimiter, a line end or one that has just closed. Where one does not (5" pipe), None.
    """
    ends = np.flatnonzero(data == _LINE_FEED)
    quotes = np.flatnonzero(data == _QUOTE)
    if not quotes.size:
        return ends
    opening = quotes[0::2]
    before = data[np.maximum(opening - 1, 0)]
    fine = (opening == 0) | (before == delimiter) | (before == _LINE_FEED) | (before == _RETURN) | (before == _QUOTE)
    # What follows a closing mark has to be an end as well: "a"b,"c is read in other ways by others.
    closing = quotes[1::2]
    after = data[np.minimum(closing + 1, data.size - 1)]
    ended = (closing == data.size - 1) | (after == delimiter) | (after == _LINE_FEED) | (after == _RETURN) | (after == _QUOTE)
    if not (fine.all() and ended.all()):
        return None
    found: NDArray[np.int64] = ends[np.searchsorted(quotes, ends) % 2 == 0]
    return found


def end_of_records(block: bytes, delimiter: str, name: str) -> int:
    """Return where the last whole row of a block ends that begins with a row; 0 when it holds none."""
    last = block.rfind(b"\n") + 1
    if not last and b"\r" in block[:-1]:
        last = block[:-1].rfind(b"\r") + 1
    if not last or b'"' not in block:
        return last
    ends = record_ends(np.frombuffer(block, np.uint8), ord(delimiter))
    if ends is not None:
        return int(ends[-1]) + 1 if ends.size else 0
    return _end_by_reading(block[:last], delimiter, name)


def _end_by_reading(block: bytes, delimiter: str, name: str) -> int:
    """Return where the last whole row ends, by reading them all; a row that takes in the mark set at the end is not whole."""
    text = block.decode("utf-8", "replace")
    try:
        records = list(_records(text + _END, delimiter, name))
    except SourceError:
        return 0
    if records and records[-1].cells == [_END]:
        return len(block)
    lines = io.StringIO(text, newline="")
    return sum(len(line.encode()) for _, line in zip(range(records[-1].line), lines, strict=False)) if records else 0


def csv_text(cells: Sequence[str], delimiter: str) -> str:
    """Return cells as a row of CSV, without a line end."""
    out = io.StringIO(newline="")
    # Cells that hold a character of the line end are quoted, and only those.
    csv.writer(out, delimiter=delimiter, lineterminator="\r\n").writerow(cells)
    return out.getvalue()[:-2]


class Reading(Protocol):
    """What UTF-8 can be read from."""

    def read(self, size: int) -> bytes:
        """Return ``size`` bytes or all that is left."""
        ...


class CsvSource(NamedTuple):
    """An open CSV file: its columns, and its rows as lists of text as long as they are."""

    columns: list[str]
    rows: Iterator[list[str]]


@contextmanager
def open_csv(path: Path, encoding: str | None = None) -> Iterator[CsvSource]:
    """Open a CSV file for a block, to be read row by row. Without ``encoding`` UTF-8 is tried, then GB18030.

    Blank lines are no rows. Raises SourceError for a file that is missing, empty, in another encoding, or no CSV, and
    ParameterError for an encoding that does not exist.
    """
    try:
        with path.open("rb") as raw:
            rows = _rows(Utf8Stream(raw, str(path), encoding), str(path))
            columns = next(rows, None)
            if columns is None:
                raise SourceError(f"{path} is empty.", "Give a CSV file with a line of column names and rows below it.")
            yield CsvSource(columns, rows)
    except FileNotFoundError:
        raise SourceError(f"There is no file {path}.", "Check the path.") from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}.", "Give a CSV file that can be read.") from error


def _rows(stream: Utf8Stream, name: str) -> Iterator[list[str]]:
    for block, delimiter, line in blocks(stream, name):
        for record in read_records(block.decode(), delimiter, name, line):
            yield record.cells


def blocks(
    stream: Reading, name: str, size: int = 1 << 22, delimiter: str | None = None, line: int = 0
) -> Iterator[tuple[bytes, str, int]]:
    """Yield whole rows of a CSV stream, with its delimiter (found in the first line if not given) and the number of lines before.

    Which rows are together depends on nothing but where reading begins. Raises SourceError for a row that never ends.
    """
    left, is_last = b"", False
    while not is_last:
        asked = max(size - len(left), size // 4)
        part = stream.read(asked)
        block, is_last = left + part, len(part) < asked
        if delimiter is None:
            delimiter = delimiter_of(block)
        end = len(block) if is_last else end_of_records(block, delimiter, name)
        if not end and len(block) > _LONGEST:
            raise SourceError(
                f"{name}, line {line + 1}: a row of more than {_LONGEST >> 20} MiB.",
                "A quotation mark that is never closed looks like this.",
            )
        if end:
            yield block[:end], delimiter, line
            line += block.count(b"\n", 0, end)
        left = block[end:]


_LONGEST = 32 << 20


def delimiter_of(block: bytes) -> str:
    """Return the delimiter that is most frequent in the first line of text that holds any."""
    first = next((line for line in block.splitlines() if line.strip()), b"").decode("utf-8", "replace")
    return max(DELIMITERS, key=first.count)
