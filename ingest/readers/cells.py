"""From records of text cells to batches, for delimited text and spreadsheets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ingest.readers.batch import BATCH_ROWS, RawBatch


class Record(NamedTuple):
    """The cells of one row, and why they cannot be trusted (None when they can)."""

    cells: Sequence[str]
    reason: str | None


def cell_batches(records: Iterator[Record], names: tuple[str, ...]) -> Iterator[RawBatch]:
    """Group records into batches; a record with too few or too many cells is broken, and keeps the cells that are too many.

    Rows are numbered from 1, blank ones too, which are left out.
    """
    start = 1
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
