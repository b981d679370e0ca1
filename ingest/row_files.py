"""Rows as .csv, .xlsx or .gpkg files, in bounded memory, with every value as it is; whole or not at all."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from types import NoneType
from typing import Any, NamedTuple

import openpyxl
import pyarrow as pa
import pyogrio
import pyogrio.errors
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from gisgrid.errors import SourceError, UsageError
from ingest.readers.encoding import codec

FORMATS = (".csv", ".xlsx", ".gpkg")
"""The endings of files that can be written."""

_BATCH_ROWS = 2_000
_EXACT_DIGITS = 15  # more and a spreadsheet rounds
_XLSX_ROWS = 1_048_576
_XLSX_CHARS = 32_767
_UTF8 = "utf-8-sig"  # the mark is what makes Excel read UTF-8
_GEOMETRY = "geom"

Row = tuple[list[Any], bytes | None]
"""The values of one row in the order of the columns, and its geometry as WKB."""


class Layout(NamedTuple):
    """How a table is laid out: ``header_row`` (from 1) has the names, ``title`` stands in the first line when that is free."""

    delimiter: str = ","
    encoding: str | None = None
    header_row: int = 1
    sheet: str | None = None
    inner_layer: str | None = None
    title: str = ""


class Rows(NamedTuple):
    """What is to be written: columns with their types, and the rows each time that ``rows`` is called. ``crs`` is for geometries."""

    columns: tuple[str, ...]
    types: tuple[pa.DataType, ...]
    rows: Callable[[], Iterator[Row]]
    crs: str | None


def write_rows(table: Rows, path: Path, layout: Layout) -> tuple[str, ...]:
    """Write ``table`` to ``path`` in the format that its ending names; return what should be said about the file.

    Raises UsageError when it cannot be written, or when the format cannot hold a value as it is.
    """
    write = {".csv": _write_csv, ".xlsx": _write_xlsx, ".gpkg": _write_gpkg}[path.suffix.lower()]
    with _whole(path) as part:
        return write(table, part, layout)


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """Give a neighbouring path to write to, which becomes ``path`` at the end of the block; raises UsageError when it cannot."""
    part = path.with_name(f".{path.stem}.part{path.suffix.lower()}")
    try:
        part.unlink(missing_ok=True)
        yield part
        part.replace(path)
    except (OSError, pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, pyogrio.errors.FieldError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise UsageError(f"{path} cannot be written: {why}.", "Give another place, or another ending (.csv, .xlsx, .gpkg).") from error
    finally:
        part.unlink(missing_ok=True)


def _write_csv(table: Rows, path: Path, layout: Layout) -> tuple[str, ...]:
    """Write text: in the source's own declared encoding where that can hold it, else in UTF-8 with a mark."""
    name = _codec(layout.encoding)
    try:
        _write_text(table, path, layout, name)
    except UnicodeEncodeError as error:
        _write_text(table, path, layout, _UTF8)
        return (f"The file is in UTF-8, for {name} cannot hold {error.object[error.start]!r}: leave `encoding` out to load it again.",)
    return ()


def _codec(declared: str | None) -> str:
    try:
        found = codec(declared, "") if declared else _UTF8
    except SourceError:
        return _UTF8
    return _UTF8 if found == "utf-8" else found


def _write_text(table: Rows, path: Path, layout: Layout, encoding: str) -> None:
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=layout.delimiter)
        writer.writerows(_above(layout))
        writer.writerow(table.columns)
        writer.writerows([_text(value) for value in values] for values, _ in table.rows())


def _above(layout: Layout) -> list[list[str]]:
    """Return the lines above the header."""
    return [[layout.title if number == 1 else ""] for number in range(1, layout.header_row)]


def _text(value: Any) -> str:
    if value is None:
        return ""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _write_xlsx(table: Rows, path: Path, layout: Layout) -> tuple[str, ...]:
    """Write a sheet: text stays text, so that no code loses a digit and no text is taken for a formula."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(layout.sheet or "Sheet1")

    def cell(value: Any) -> Any:
        if not isinstance(value, (str, bool, NoneType)) and not _is_exact(value):
            value = str(value)
        if not isinstance(value, str) or not value.startswith(("=", "#")):
            return value
        made = WriteOnlyCell(sheet, value)
        made.data_type = "s"  # it would else be taken for a formula, or for an error such as #N/A
        return made

    try:
        for line in (*_above(layout), table.columns):
            sheet.append([cell(text) for text in line])
        for number, (values, _) in enumerate(table.rows(), layout.header_row + 1):
            _require_xlsx(values, number, table.columns)
            sheet.append([cell(value) for value in values])
    finally:
        sheet.close()  # before saving, and so that its temporary file does not stay open after an error
    book.save(path)
    return ()


def _is_exact(value: float) -> bool:
    """Say whether a number comes back from a sheet as it is: sheets write 16 digits and show 15."""
    return len(str(abs(value))) <= _EXACT_DIGITS if isinstance(value, int) else float(f"{value:.16g}") == value


def _require_xlsx(values: list[Any], number: int, columns: tuple[str, ...]) -> None:
    """Raise UsageError for a row that a sheet cannot hold as it is."""
    if number > _XLSX_ROWS:
        raise UsageError(f"A sheet holds {_XLSX_ROWS:,} rows, and these are more.", "Write a .csv or .gpkg.")
    for name, value in zip(columns, values, strict=True):
        if isinstance(value, str) and (len(value) > _XLSX_CHARS or ILLEGAL_CHARACTERS_RE.search(value)):
            what = f"{len(value):,} characters" if len(value) > _XLSX_CHARS else "a control character"
            raise UsageError(f"{name} in line {number:,} has {what}, which no cell of a sheet can hold.", "Write a .csv or .gpkg.")


def _write_gpkg(table: Rows, path: Path, layout: Layout) -> tuple[str, ...]:
    """Write a layer with geometries of any type, NULL where a row has none."""
    names = {name.lower() for name in table.columns}
    if len(names) < len(table.columns) or "" in names:
        raise UsageError(
            "Two columns have the same name but for upper and lower case, or one has none; a .gpkg needs names.", "Write a .csv."
        )
    geometry = pa.field(_GEOMETRY if _GEOMETRY not in names else f"gisgrid_{_GEOMETRY}", pa.binary())
    schema = pa.schema([*(pa.field(name, kind) for name, kind in zip(table.columns, table.types, strict=True)), geometry])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="'crs' was not provided")
        pyogrio.write_arrow(
            pa.RecordBatchReader.from_batches(schema, _batches(table.rows(), schema)),
            path,
            layer=layout.inner_layer or path.stem.removeprefix(".").removesuffix(".part"),
            driver="GPKG",
            geometry_name=geometry.name,
            geometry_type="Unknown",
            crs=table.crs,
            layer_options={"FID": "gisgrid_fid", "GEOMETRY_NAME": geometry.name},
        )
    return ()


def _batches(rows: Iterator[Row], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    while chunk := list(islice(rows, _BATCH_ROWS)):
        columns = zip(*([*values, wkb] for values, wkb in chunk), strict=True)
        yield pa.record_batch([pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema=schema)
