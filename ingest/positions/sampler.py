"""A sample of a delivery's rows, spread evenly over the whole file, in bounded memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import shapely

from ingest.readers.batch import Geometries

if TYPE_CHECKING:
    import pyarrow as pa

    from ingest.steps import Seen

MOST_ROWS = 2_000
"""Most rows in a sample."""


class Sample(NamedTuple):
    """The rows to judge by: geometries as in the file (x or longitude first), their codes and the areas they name, None if unknown."""

    geom: Geometries
    code: list[str | None]
    named: list[str | None]

    @property
    def size(self) -> int:
        """How many rows there are."""
        return len(self.geom)


class Sampler:
    """Takes every n-th row of what is read and doubles n whenever it holds too many; the same file gives the same sample."""

    def __init__(self, most: int = MOST_ROWS) -> None:
        self._most = most
        self._stride = 1
        self._seen = 0
        self._rows: list[int] = []
        self._geom: list[Any] = []
        self._code: list[str | None] = []
        self._named: list[str | None] = []

    def add(self, seen: Seen | None) -> None:
        """Look at the rows of one batch; None, for a layer without geometry, adds nothing."""
        if seen is None:
            return
        size = len(seen.geom)
        taken = np.arange(-self._seen % self._stride, size, self._stride)
        taken = taken[np.isfinite(shapely.bounds(seen.geom[taken])).all(axis=1)]  # not so where there is no geometry, or nothing in it
        self._rows += (taken + self._seen).tolist()
        self._geom += seen.geom[taken].tolist()
        self._code += _texts(seen.code, taken)
        self._named += _texts(seen.named, taken)
        self._seen += size
        while len(self._rows) > 2 * self._most:
            self._thin()

    def _thin(self) -> None:
        self._stride *= 2
        kept = [position for position, row in enumerate(self._rows) if row % self._stride == 0]
        self._keep(kept)

    def _keep(self, kept: list[int]) -> None:
        self._rows = [self._rows[position] for position in kept]
        self._geom = [self._geom[position] for position in kept]
        self._code = [self._code[position] for position in kept]
        self._named = [self._named[position] for position in kept]

    def sample(self) -> Sample:
        """Return the sample of what has been added: at most ``most`` rows that have a place, in the order of the file."""
        size = len(self._rows)
        kept = np.unique(np.linspace(0, size - 1, min(size, self._most)).astype(np.int64)) if size else np.empty(0, dtype=np.int64)
        geom = np.empty(len(kept), dtype=object)
        geom[:] = [self._geom[position] for position in kept]
        return Sample(geom, [self._code[position] for position in kept], [self._named[position] for position in kept])


def _texts(column: pa.Array | None, taken: np.ndarray[Any, np.dtype[np.int64]]) -> list[str | None]:
    if column is None:
        return [None] * len(taken)
    values: list[str | None] = column.take(taken).to_pylist()
    return values
