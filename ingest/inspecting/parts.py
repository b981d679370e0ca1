"""The parts of a file that can each be a source: members of an archive, layers of a database, sheets of a book."""

from __future__ import annotations

import csv
import io
import itertools
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pyogrio
import python_calamine

from gisgrid.errors import SourceError
from ingest.readers.archives import is_archive, members
from ingest.readers.workspace import Workspace

_TEXT_ENDINGS = {".csv", ".tsv", ".txt"}
_SHEET_ENDINGS = {".xlsx", ".xls", ".xlsm", ".ods"}
_ONE_LAYER_ENDINGS = {".shp", ".dbf", ".geojson", ".geojsonl", ".geojsons", ".ndjson", ".jsonl", ".fgb", ".parquet", ".geoparquet"}
_SNIFFED_LINES = 30
_SNIFFED_BYTES = 1 << 18
_DELIMITERS = (",", ";", "\t", "|")
_NOT_LISTED = (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, OSError)


class Part(NamedTuple):
    """One part of a file: where to read it from, and the keys of a source that choose it and say how its text is laid out.

    ``label`` names it for people; ``file`` is the file itself, or what was unpacked from it.
    """

    label: str
    file: Path
    member: str | None = None
    inner_layer: str | None = None
    sheet: str | None = None
    delimiter: str | None = None
    header_row: int | None = None

    def keys(self) -> dict[str, str | int | None]:
        """Return the keys of a source description that this part needs."""
        return {
            "member": self.member,
            "inner_layer": self.inner_layer,
            "sheet": self.sheet,
            "delimiter": self.delimiter,
            "header_row": self.header_row,
        }


class Layout(NamedTuple):
    """How a text table is laid out: what separates its cells, and the line (from 1) that names the columns."""

    delimiter: str
    header_row: int


def text_layout(head: str) -> Layout:
    r"""Return the layout of the table that begins with ``head``: the separator that cuts its lines into equally many cells.

    >>> text_layout("Survey of 2024\n\nid;name\n1;a\n2;b,c\n")
    Layout(delimiter=';', header_row=3)
    """
    counts = {delimiter: _cells(head, delimiter) for delimiter in _DELIMITERS}
    delimiter = max(_DELIMITERS, key=lambda item: _evenness(counts[item]))
    widths = counts[delimiter]
    usual = max(set(widths), key=widths.count) if widths else 1
    first = next((number for number, width in enumerate(widths) if width == usual), 0)
    # Blank lines count as lines, though the csv module passes over them.
    return Layout(delimiter, first + 1 if usual > 1 else 1)


def _cells(head: str, delimiter: str) -> list[int]:
    try:
        return [len(row) for row in itertools.islice(csv.reader(io.StringIO(head, newline=""), delimiter=delimiter), _SNIFFED_LINES)]
    except csv.Error:
        return []


def _evenness(widths: list[int]) -> tuple[float, int]:
    """Return how evenly lines are cut: the share of lines with the commonest width, if that is more than one cell."""
    if not widths:
        return (0, 0)
    usual = max(set(widths), key=widths.count)
    return (widths.count(usual) / len(widths), usual) if usual > 1 else (0, 0)


def header_row(rows: Sequence[Sequence[object]]) -> int:
    """Return the row (from 1) that names the columns: the first that is filled about as far as the rows below it.

    >>> header_row([["Survey 2024", "", ""], ["", "", ""], ["id", "name", "x"], [1.0, "a", 2.5], [2.0, "b", ""]])
    3
    """
    filled = [sum(cell not in ("", None) for cell in row) for row in rows[:_SNIFFED_LINES]]
    if not filled:
        return 1
    wanted = max(2, 0.6 * max(filled))
    return next((number for number, count in enumerate(filled, 1) if count >= wanted), 1)


def parts_of(path: Path, workspace: Workspace) -> list[Part]:
    """Return what a source can be taken from in the file at ``path``, in its own order; archives are unpacked into ``workspace``.

    Raises SourceError when there is no such file, or it is an archive that cannot be unpacked or holds no data.
    """
    if not path.exists():
        raise SourceError(f"There is no file {path}.", "Check the path.")
    if not is_archive(path):
        return _parts(Part(path.name, path))
    found = members(path, workspace)
    if not found:
        raise SourceError(f"{path} holds no file that is known to hold data.", "Check that it is the right file.")
    if len(found) == 1:
        return _parts(Part(path.name, next(iter(found.values()))))
    return [part for name, file in found.items() for part in _parts(Part(f"{path.name}/{name}", file, name))]


def _parts(whole: Part) -> list[Part]:
    """Return the parts of a file that is no archive; one that cannot be looked into stays whole, and reading it says why."""
    ending = whole.file.suffix.lower()
    if whole.file.is_file() and not whole.file.stat().st_size:
        return [whole]
    if ending in _TEXT_ENDINGS:
        return [_text_part(whole)]
    if ending in _SHEET_ENDINGS:
        return _sheet_parts(whole)
    return [whole] if ending in _ONE_LAYER_ENDINGS else _layer_parts(whole)


def _text_part(whole: Part) -> Part:
    """Return the one part of a text table; keys that the usual layout does not need stay out."""
    with whole.file.open("rb") as file:
        head = file.read(_SNIFFED_BYTES)
    layout = text_layout(_as_text(head))
    usual = "\t" if whole.file.suffix.lower() == ".tsv" else ","
    delimiter = None if layout.delimiter == usual else layout.delimiter
    return whole._replace(delimiter=delimiter, header_row=None if layout.header_row == 1 else layout.header_row)


def _as_text(head: bytes) -> str:
    """Return text good enough to count separators in, whatever the encoding."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head.decode("utf-16", "replace")
    return head.decode("iso8859-1")


def _sheet_parts(whole: Part) -> list[Part]:
    """Return one part for each sheet that is not empty of a spreadsheet."""
    try:
        book = python_calamine.CalamineWorkbook.from_path(whole.file)
        sheets = {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names}
    except (python_calamine.CalamineError, OSError):
        return [whole]
    filled = {name: rows for name, rows in sheets.items() if any(cell != "" for row in rows for cell in row)}
    return [_sheet_part(whole, name if len(sheets) > 1 else None, header_row(rows)) for name, rows in filled.items()] or [whole]


def _sheet_part(whole: Part, sheet: str | None, named: int) -> Part:
    label = f"{whole.label}, sheet {sheet}" if sheet else whole.label
    return whole._replace(label=label, sheet=sheet, header_row=None if named == 1 else named)


def _layer_parts(whole: Part) -> list[Part]:
    """Return one part for each layer that GDAL finds in a file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            names = [str(name) for name, _ in pyogrio.list_layers(whole.file)]
    except _NOT_LISTED:
        return [whole]
    if len(names) <= 1:
        return [whole]
    return [whole._replace(label=f"{whole.label}, layer {name}", inner_layer=name) for name in names]
