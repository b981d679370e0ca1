"""What readers hand on: batches of rows as the file has them, and the reader's own face."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np
import pyarrow as pa

from ingest.findings import Mask

BATCH_ROWS = 50_000
"""Most rows in a batch: it bounds memory, and is large enough for work on whole columns."""

_T = TypeVar("_T")

Geometries = np.ndarray[Any, np.dtype[np.object_]]
"""shapely geometries, None where a row has none."""


@dataclass(frozen=True)
class RawBatch:
    """Rows as they are in the file.

    ``numbers`` counts the rows of the file from 1 (a header is not counted). ``table`` holds the columns by the names in the
    file, ``geom`` the geometries in the file's coordinate system (None for a table without any). ``broken`` marks
    rows that could not be read whole, ``unbuilt`` rows whose geometry could not be built, ``closed`` rows whose
    rings the reader had to close. ``broken_reasons`` and ``unbuilt_reasons`` say why, by position; ``extras`` holds
    what a broken row had besides its columns, ``as_read`` the text of geometries that could not be built as they are.
    """

    numbers: np.ndarray[Any, np.dtype[np.int64]]
    table: pa.Table
    geom: Geometries | None
    broken: Mask
    unbuilt: Mask
    broken_reasons: dict[int, str] = field(default_factory=dict)
    unbuilt_reasons: dict[int, str] = field(default_factory=dict)
    extras: dict[int, list[str]] = field(default_factory=dict)
    closed: Mask | None = None
    as_read: dict[int, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many rows there are."""
        return len(self.numbers)

    def filter(self, keep: Mask) -> RawBatch:
        """Return the rows where ``keep`` is true."""
        if keep.all():
            return self
        kept = np.cumsum(keep) - 1

        def moved(by_position: dict[int, _T]) -> dict[int, _T]:
            return {int(kept[at]): value for at, value in by_position.items() if keep[at]}

        return RawBatch(
            self.numbers[keep],
            self.table.filter(pa.array(keep)) if self.table.num_columns else self.table,
            None if self.geom is None else self.geom[keep],
            self.broken[keep],
            self.unbuilt[keep],
            moved(self.broken_reasons),
            moved(self.unbuilt_reasons),
            moved(self.extras),
            None if self.closed is None else self.closed[keep],
            moved(self.as_read),
        )

    def rows(self, positions: list[int]) -> list[dict[str, Any]]:
        """Return the raw values of some rows; a file of mere geometries has rows without values.

        What a broken row had besides its columns is under "_extra", a geometry that cannot be built under "_geometry".
        """
        taken = self.table.take(pa.array(positions, pa.int64())).rename_columns(_distinct(self.table.column_names))
        rows: list[dict[str, Any]] = taken.to_pylist() if self.table.num_columns else [{} for _ in positions]
        for row, position in zip(rows, positions, strict=True):
            if position in self.extras:
                row["_extra"] = self.extras[position]
            if self.unbuilt[position] and position in self.as_read:
                row["_geometry"] = self.as_read[position]
        return rows


def _distinct(names: list[str]) -> list[str]:
    """Return ``names`` with a number after each that was there before, so that a mapping by name loses none."""
    return [name if name not in names[:at] else f"{name} ({names[:at].count(name) + 1})" for at, name in enumerate(names)]


@dataclass
class Contents:
    """What a file says about itself before its rows are read.

    ``total`` is about how many rows there are (for progress), 0 when only reading can tell. ``open_ended`` says that any column
    may be asked for (the tags of OpenStreetMap); ``is_geojson`` that RFC 7946 rules the order of rings, ``is_recoded``
    that text came out of bytes by an encoding that may be wrong. ``notes`` collects what the
    reading library remarked on.
    """

    columns: tuple[str, ...]
    crs: str | None = None
    encoding: str | None = None
    total: int = 0
    has_geometry: bool = False
    open_ended: bool = False
    is_geojson: bool = False
    is_recoded: bool = False
    notes: list[str] = field(default_factory=list)


class Reader(Protocol):
    """One opened source file."""

    contents: Contents

    def batches(self) -> Iterator[RawBatch]:
        """Yield the rows in the order of the file; raises SourceError when the file turns out to be broken."""
        ...
