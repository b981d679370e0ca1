"""What readers hand on: batches of rows as the file has them, and the reader's own face."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from ingest.findings import Mask

BATCH_ROWS = 50_000
"""Most rows in a batch: it bounds memory, and is large enough for work on whole columns."""

Geometries = np.ndarray[Any, np.dtype[np.object_]]
"""shapely geometries, None where a row has none."""


@dataclass(frozen=True)
class RawBatch:
    """Rows as they are in the file.

    ``numbers`` counts the rows of the file from 1 (a header is not counted). ``table`` holds the columns by the names in the
    file, ``geom`` the geometries in the file's coordinate system (None for a table without any). ``broken`` marks
    rows that could not be read whole, ``unbuilt`` rows whose geometry could not be built.
    """

    numbers: np.ndarray[Any, np.dtype[np.int64]]
    table: pa.Table
    geom: Geometries | None
    broken: Mask
    unbuilt: Mask

    @property
    def size(self) -> int:
        """How many rows there are."""
        return len(self.numbers)

    def filter(self, keep: Mask) -> RawBatch:
        """Return the rows where ``keep`` is true."""
        if keep.all():
            return self
        geom = None if self.geom is None else self.geom[keep]
        table = self.table.filter(pa.array(keep)) if self.table.num_columns else self.table
        return RawBatch(self.numbers[keep], table, geom, self.broken[keep], self.unbuilt[keep])

    def rows(self, positions: list[int]) -> list[dict[str, Any]]:
        """Return the raw values of some rows; a file of mere geometries has rows without values."""
        if not self.table.num_columns:
            return [{} for _ in positions]
        rows: list[dict[str, Any]] = self.table.take(pa.array(positions)).to_pylist()
        return rows


@dataclass
class Contents:
    """What a file says about itself before its rows are read.

    ``total`` is the number of rows, 0 when only reading can tell. ``open_ended`` says that any column may be asked for
    (the tags of OpenStreetMap); ``is_geojson`` that RFC 7946 rules the order of rings, ``is_recoded``
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
