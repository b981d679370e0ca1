"""Reader for a table of another PostGIS database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from gisgrid.db import external
from gisgrid.errors import SourceError
from ingest.readers.arrow_layer import build
from ingest.readers.batch import Contents, RawBatch

_BATCH_ROWS = 20_000
_FROM_ENVIRONMENT = "env:"


def connection_url(connection: str) -> str:
    """Return the connection that a description names: itself, or what the variable in "env:NAME" holds.

    Raises SourceError when there is no such variable.
    """
    if not connection.startswith(_FROM_ENVIRONMENT):
        return connection
    name = connection.removeprefix(_FROM_ENVIRONMENT)
    if not os.environ.get(name):
        raise SourceError(f"The environment variable {name} is not set, and `connection` names it.", "Set it to a PostgreSQL URL.")
    return os.environ[name]


class TableReader:
    """A table or view, read through a server-side cursor in one snapshot; its coordinate system is that of its SRID.

    Raises SourceError when the database cannot be reached or has no such table.
    """

    def __init__(self, connection: str, table: str) -> None:
        self._url = connection_url(connection)
        self._table = table
        with external.opened(self._url) as opened:
            self._described = external.describe(opened, table)
        self.contents = Contents(
            self._described.columns,
            crs=self._described.crs,
            encoding="utf-8",
            total=self._described.rows,
            has_geometry=self._described.geometry is not None,
        )

    def batches(self) -> Iterator[RawBatch]:
        """Yield the rows as the server gives them; raises SourceError when the connection breaks."""
        start = 1
        with external.opened(self._url) as opened:
            described = external.describe(opened, self._table)
            if described.columns != self._described.columns or described.crs != self._described.crs:
                raise SourceError(f"Table {self._table} has just been changed.", "Try again.")
            for rows in external.rows(opened, described, _BATCH_ROWS):
                yield self._raw(rows, start)
                start += len(rows)

    def _raw(self, rows: list[tuple[Any, ...]], start: int) -> RawBatch:
        size, names = len(rows), list(self.contents.columns)
        columns = list(zip(*rows, strict=True))
        numbers, broken = np.arange(start, start + size, dtype=np.int64), np.zeros(size, dtype=bool)
        table = pa.table([pa.array(column, pa.string()) for column in columns[: len(names)]], names=names)
        if not self.contents.has_geometry:
            return RawBatch(numbers, table, None, broken, broken.copy())
        wkb = np.array([*columns[-1], None], dtype=object)[:-1]
        built = build(wkb)
        return RawBatch(numbers, table, built.geom, broken, built.unbuilt, {}, built.reasons, {}, built.closed, built.as_read)


def table_hash(connection: str, table: str) -> str:
    """Return a hash of a table's rows that does not depend on their order, worked out by the server."""
    with external.opened(connection_url(connection)) as opened:
        return external.content_hash(opened, external.describe(opened, table))
