"""Cases as the rows of a file: CSV, NDJSON, a JSON array; each read as a case, or told what is wrong with it."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, tzinfo
from typing import NamedTuple

import orjson

from gisgrid.cases.drafts import MEMBERS, CaseDraft, Reading, read_draft
from gisgrid.errors import BodyError, GisgridError, ParameterError, SourceError, UsageError
from gisgrid.services.batch.formats.csv_rows import blocks, read_records
from gisgrid.services.batch.formats.encodings import Utf8Stream
from gisgrid.services.cases.intake import check_key, hash_of_body
from gisgrid.services.coordinates import read_coordinate
from gisgrid.services.history import parse_instant

FORMATS = ("json", "ndjson", "csv", "tsv")
"""The formats of files of cases."""

_KEYS = ("key", "number")
_TIMES = ("reported_at", "time")
_NUMBERS = ("lon", "lat", "x", "y", "accuracy_m")
_REPORTER = {"reporter_name": "name", "reporter_phone": "phone"}


def parse_time(name: str, text: str, zone: tzinfo) -> datetime:
    """Return the instant that a parameter names: RFC 3339 with an offset, or a day, which is its first instant in ``zone``.

    Raises ParameterError for anything else.
    """
    try:
        return datetime.combine(date.fromisoformat(text), time(), zone).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    try:
        return parse_instant(text)
    except ParameterError as error:
        raise ParameterError(name, error.message.removeprefix("as_of: "), error.expected) from None


class Rows(NamedTuple):
    """The rows of a file; ``columns`` are those of its first line where it has one."""

    columns: list[str] | None
    rows: Iterator[object]


class RowDraft(NamedTuple):
    """One row: its number from 1, its key, and the case that it tells of, or what is wrong with it."""

    row: int
    key: str | None
    draft: CaseDraft | GisgridError
    body_hash: bytes


def open_rows(content: bytes, format_: str, encoding: str | None, name: str) -> Rows:
    """Return the rows of a file; raises BodyError, SourceError or ParameterError for one that cannot be read."""
    if format_ in ("csv", "tsv"):
        cells = _cells(content, encoding, name)
        columns = next(cells, None)
        if columns is None:
            raise SourceError(f"{name} is empty.", "A line of column names comes first.")
        columns = [column.strip() for column in columns]
        _check_columns(columns, name)
        return Rows(columns, (_row_of(columns, row) for row in cells))
    if format_ == "ndjson":
        return Rows(None, _lines(content, name))
    document = _loaded(content, name)
    cases = document.get("cases") if isinstance(document, dict) else document
    if not isinstance(cases, list):
        raise BodyError(f"{name} is no JSON array.", 'Expected [{"source": …, "category": …, …}, …], or {"cases": […]}.')
    return Rows(None, iter(cases))


def read_row(row: int, raw: object, reading: Reading, now: datetime) -> RowDraft:
    """Return one row; what is wrong with it stands in the place of its case."""
    key: str | None = None
    try:
        if isinstance(raw, GisgridError):
            raise raw
        if not isinstance(raw, Mapping):
            raise UsageError("The row is not a JSON object.", f"It has the members {', '.join(MEMBERS)}.")
        key = _key(raw)
        document = _document(raw)
        return RowDraft(row, key, read_draft(document, reading, now), hash_of_body(document))
    except GisgridError as error:
        return RowDraft(row, key, error, b"")


def _check_columns(columns: Sequence[str], name: str) -> None:
    if len(set(columns)) < len(columns):
        twice = next(column for column in columns if columns.count(column) > 1)
        raise SourceError(f"{name} has the column {twice[:60]!r} twice.", "Each column has a name of its own.")
    for column in ("source", "category"):
        if column not in columns:
            raise SourceError(f"{name} has no column {column}.", f"The columns are {', '.join(MEMBERS)}; the first line names them.")


def _cells(content: bytes, encoding: str | None, name: str) -> Iterator[list[str]]:
    stream = Utf8Stream(io.BytesIO(content), name, encoding)
    for block, delimiter, line in blocks(stream, name):
        for record in read_records(block.decode(), delimiter, name, line):
            yield record.cells


def _row_of(columns: Sequence[str], cells: Sequence[str]) -> object:
    if len(cells) > len(columns) and any(cell.strip() for cell in cells[len(columns) :]):
        return UsageError(f"The row has {len(cells)} cells, and there are {len(columns)} columns.", "Quote cells that hold the delimiter.")
    return dict(zip(columns, [*cells, *[""] * (len(columns) - len(cells))], strict=False))


def _lines(content: bytes, name: str) -> Iterator[object]:
    for number, line in enumerate(content.splitlines(), 1):
        if line.strip():
            try:
                yield orjson.loads(line)
            except orjson.JSONDecodeError as error:
                yield BodyError(f"{name}, line {number}: not JSON: {error.msg}.")


def _loaded(content: bytes, name: str) -> object:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise BodyError(f"{name} is not JSON: {error.msg} (line {error.lineno}, column {error.colno}).") from None


def _key(raw: Mapping[str, object]) -> str | None:
    given = next((raw[name] for name in _KEYS if raw.get(name) not in (None, "")), None)
    return None if given is None else check_key(str(given))


def _document(raw: Mapping[str, object]) -> dict[str, object]:
    """Return a row with the members of a case: other columns are passed over, and what says that there is nothing is nothing."""
    document = {name: raw[name] for name in MEMBERS if raw.get(name) not in (None, "")}
    at = next((raw[name] for name in _TIMES if raw.get(name)), None)
    if at is not None:
        document["reported_at"] = at
    for name in _NUMBERS:
        if isinstance(document.get(name), str):
            document[name] = _number(name, str(document[name]))
    if document.get("lon") == document.get("lat") == 0.0:
        document = {name: value for name, value in document.items() if name not in ("lon", "lat")}
    reporter = {part: raw[name] for name, part in _REPORTER.items() if raw.get(name)}
    return document | ({"reporter": reporter} if reporter else {})


def _number(name: str, text: str) -> float | None:
    try:
        return read_coordinate(text)
    except ValueError:
        raise ParameterError(name, f"{text[:60]!r} is not a number.", "a plain decimal number") from None
