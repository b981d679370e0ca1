"""From records of text cells to batches, for delimited text and spreadsheets."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from functools import cache, reduce
from itertools import islice
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from ingest.readers.batch import BATCH_ROWS, RawBatch


class Record(NamedTuple):
    """The cells of one row, and why they cannot be trusted (None when they can)."""

    cells: Sequence[str]
    reason: str | None


def cell_batches(records: Iterator[Record], names: tuple[str, ...], start: int = 1) -> Iterator[RawBatch]:
    """Group records into batches; a record with too few or too many cells is broken, and keeps the cells that are too many.

    Rows are numbered from ``start``, blank ones too, which are left out.
    """
    while chunk := list(islice(records, BATCH_ROWS)):
        numbered = [(number, record) for number, record in enumerate(chunk, start) if any(record.cells)]
        start += len(chunk)
        if numbered:
            yield _batch(numbered, names)


def _batch(numbered: list[tuple[int, Record]], names: tuple[str, ...]) -> RawBatch:
    width = len(names)
    reasons: dict[int, str] = {}
    extras: dict[int, list[str]] = {}
    rows = [record.cells for _, record in numbered]
    for position, (_, record) in enumerate(numbered):
        cells, reason = record
        if reason is not None or len(cells) != width:
            reasons[position] = reason or f"It has {len(cells)} cells, but the header has {width}."
            rows[position] = [*cells, *[""] * width][:width]
            if len(cells) > width:
                extras[position] = list(cells[width:])
    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    broken = np.zeros(len(rows), dtype=bool)
    broken[list(reasons)] = True
    numbers = np.array([number for number, _ in numbered], dtype=np.int64)
    return RawBatch(
        numbers, pa.table(columns, names=list(names)), None, broken, np.zeros(len(rows), dtype=bool), broken_reasons=reasons, extras=extras
    )


def plain_table(lines: list[str], names: tuple[str, ...], delimiter: str) -> pa.Table | None:
    """Return the cells of lines that are one good record each, as text; None when one of them is anything else.

    This is the fast way for nearly all of most files; what it does not take is looked at record by record.
    """
    if any('"' in line and not _good_quotes(delimiter).fullmatch(line) for line in lines):
        return None
    text = "".join(lines).encode()
    options = csv.ConvertOptions(column_types=dict.fromkeys(map(str, range(len(names))), pa.string()), check_utf8=False)
    try:
        table = csv.read_csv(
            io.BytesIO(text),
            csv.ReadOptions(column_names=[str(number) for number in range(len(names))], use_threads=False, block_size=len(text) + 1),
            csv.ParseOptions(delimiter=delimiter, ignore_empty_lines=False),
            options,
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError):
        return None
    return table.rename_columns(list(names)) if table.num_rows == len(lines) else None


@cache
def _good_quotes(delimiter: str) -> re.Pattern[str]:
    """Return the pattern of a line whose quotes are as RFC 4180 has them."""
    other, mark = f'[^"\r\n{re.escape(delimiter)}]*', re.escape(delimiter)
    cell = f'(?:"(?:[^"\r\n]|"")*"|{other})'
    return re.compile(f"{cell}(?:{mark}{cell})*\r?\n?")


def table_batch(table: pa.Table, start: int) -> Iterator[RawBatch]:
    """Yield a batch of a table of text whose rows are numbered from ``start``, without rows that are wholly blank."""
    numbers = np.arange(start, start + table.num_rows, dtype=np.int64)
    blank = reduce(pc.and_, (pc.equal(column, "") for column in table.columns)).to_numpy()
    if blank.any():
        table, numbers = table.filter(pa.array(~blank)), numbers[~blank]
    if table.num_rows:
        none = np.zeros(table.num_rows, dtype=bool)
        yield RawBatch(numbers, table, None, none, none.copy())
