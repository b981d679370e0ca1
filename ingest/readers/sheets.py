"""Reader for sheets of .xlsx, .xls and .ods files. Every cell becomes text; what it means is decided later."""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import python_calamine

from gisgrid.errors import SourceError
from ingest.readers.batch import Contents, RawBatch
from ingest.readers.cells import Record, cell_batches

_T = TypeVar("_T")
_MAX_UNPACKED = 4 * 2**30


class SheetReader:
    """A sheet, by default the first; ``header_row`` (from 1) names the columns, by default the first row that is not blank.

    Raises SourceError when the file is not a spreadsheet, lacks the sheet, or the sheet is empty.
    """

    def __init__(self, path: Path, sheet: str | None, header_row: int | None = None) -> None:
        self.path = path
        _refuse_bombs(path)
        self._book = self._call(lambda: python_calamine.CalamineWorkbook.from_path(path))
        names = self._book.sheet_names
        if not names or (sheet is not None and sheet not in names):
            raise SourceError(f"{path} has no sheet {sheet or ''!r}.", f"Sheets: {', '.join(names)}.")
        self._name = sheet or names[0]
        self._sheet = self._call(lambda: self._book.get_sheet_by_name(self._name))
        self._skipped, header = self._header(header_row)
        self.contents = Contents(tuple(_cell_text(cell).strip() for cell in header), total=max(0, self._sheet.height - self._skipped))

    def _header(self, header_row: int | None) -> tuple[int, list[Any]]:
        """Return how many rows there are up to the header, and the header."""
        for number, row in enumerate(self._rows(), 1):
            if number == header_row or (header_row is None and any(cell != "" for cell in row)):
                while row and row[-1] == "":
                    row.pop()
                if row:
                    return number, row
        raise SourceError(f"Sheet {self._name!r} of {self.path} is empty.", "Its first row must name the columns; see `header_row`.")

    def _rows(self) -> Iterator[list[Any]]:
        rows = self._call(self._sheet.iter_rows)
        while (row := self._call(lambda: next(rows, None))) is not None:
            yield row

    def batches(self) -> Iterator[RawBatch]:
        """Yield the rows below the header, without those that are wholly blank."""
        width = len(self.contents.columns)
        yield from cell_batches((_record(row, width) for row in islice(self._rows(), self._skipped, None)), self.contents.columns)

    def _call(self, work: Callable[[], _T]) -> _T:
        """Return ``work()``; what the library cannot read becomes SourceError, its panics too, which are no Exception."""
        try:
            return work()
        except BaseException as error:
            if isinstance(error, (python_calamine.CalamineError, OSError)) or type(error).__name__ == "PanicException":
                message = f"{self.path} cannot be read as a spreadsheet: {str(error).splitlines()[0] if str(error) else 'it is damaged'}."
                raise SourceError(message, "Save it as .xlsx and try again.") from error
            raise


def _record(row: list[Any], width: int) -> Record:
    """Return a row as text: a sheet is as wide as its widest row, so blank cells beyond the header mean nothing."""
    cells = [_cell_text(cell) for cell in row]
    while len(cells) > width and not cells[-1]:
        cells.pop()
    return Record([*cells, *[""] * (width - len(cells))], None)


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


def _refuse_bombs(path: Path) -> None:
    """Raise SourceError for a spreadsheet that unpacks to more than any has."""
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            total = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise SourceError(f"{path} cannot be read as a spreadsheet: {error}.", "Save it as .xlsx and try again.") from error
    if total > _MAX_UNPACKED:
        raise SourceError(f"{path} unpacks to {total >> 30} GiB; that is not taken.", "Save the sheet as CSV.")
