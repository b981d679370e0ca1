"""Reader for shapefiles: the shapes through GDAL, the table from its bytes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gisgrid.errors import SourceError
from ingest.readers.arrow_layer import ArrowLayer, build
from ingest.readers.batch import BATCH_ROWS, Contents, RawBatch
from ingest.readers.dbf import Chunk, Dbf, sidecar

_HEADER = 100
_INDEX_ENTRY = 8
_Rows = np.ndarray[Any, np.dtype[np.int64]]


class ShapefileReader:
    """A shapefile with its table, .shx and .prj beside it; without a table its rows are mere shapes.

    Raises SourceError when a part is missing or cut off, or there are not as many shapes as records.
    """

    def __init__(self, path: Path, encoding: str | None) -> None:
        self.path = path
        shapes = _count_shapes(path)
        table = sidecar(path, ".dbf")
        self._dbf = Dbf(table, encoding) if table else None
        if self._dbf is not None and self._dbf.records != shapes:
            raise SourceError(
                f"{path} does not fit its table: {shapes:,} shapes but {self._dbf.records:,} records.",
                "Ask for all parts of the shapefile again (.shp, .shx, .dbf).",
            )
        self._shapes = shapes
        # The table is read from its bytes; GDAL is only kept from failing on the names of its fields.
        self._layer = ArrowLayer(path, None, {"ENCODING": "ISO-8859-1"})
        notes = self._dbf.notes if self._dbf else []
        self.contents = Contents(
            self._dbf.names if self._dbf else (),
            crs=self._layer.info["crs"],
            encoding=self._dbf.encoding if self._dbf else None,
            total=shapes,
            has_geometry=True,
            is_recoded=True,
            notes=notes,
        )

    def batches(self) -> Iterator[RawBatch]:
        """Yield the records with their shapes in the order of the file."""
        geometries = _Shapes(self._layer)
        for chunk in self._chunks():
            if len(chunk.rows):
                yield self._raw(chunk, geometries)
        self.contents.notes.extend(self._layer.notes)

    def _chunks(self) -> Iterator[Chunk]:
        if self._dbf is not None:
            yield from self._dbf.chunks()
            return
        for start in range(0, self._shapes, BATCH_ROWS):
            yield Chunk(np.arange(start, min(start + BATCH_ROWS, self._shapes)), [])

    def _raw(self, chunk: Chunk, shapes: _Shapes) -> RawBatch:
        wkb, broken_reasons = shapes.of(chunk.rows)
        built = build(wkb)
        broken = np.zeros(len(built.geom), dtype=bool)
        broken[list(broken_reasons)] = True
        table = pa.table(chunk.columns, names=list(self.contents.columns))
        return RawBatch(
            chunk.rows + 1, table, built.geom, broken, built.unbuilt, broken_reasons, built.reasons, {}, built.closed, built.as_read
        )


class _Shapes:
    """The shapes of a file by their place in it, read on as they are asked for."""

    def __init__(self, layer: ArrowLayer) -> None:
        self._pieces = layer.pieces(columns=[], return_fids=True)
        self._rows: _Rows = np.empty(0, dtype=np.int64)
        self._wkb: Any = np.empty(0, dtype=object)
        self._failed: dict[int, str] = {}
        self._is_done = False

    def of(self, rows: _Rows) -> tuple[Any, dict[int, str]]:
        """Return the WKB for each of ``rows``, ascending places of the file, and by position why one cannot be read."""
        while not self._is_done and (not len(self._rows) or self._rows[-1] < rows[-1]):
            self._read_on()
        at = np.searchsorted(self._rows, rows)
        found = at < len(self._rows)
        found[found] = self._rows[at[found]] == rows[found]
        wkb = np.full(len(rows), None, dtype=object)
        wkb[found] = self._wkb[at[found]]
        lost = np.flatnonzero(~found).tolist()
        reasons = {position: self._failed.get(int(rows[position]), "Its shape cannot be read.") for position in lost}
        keep = np.searchsorted(self._rows, rows[-1], side="right")
        self._rows, self._wkb = self._rows[keep:], self._wkb[keep:]
        return wkb, reasons

    def _read_on(self) -> None:
        piece = next(self._pieces, None)
        if piece is None:
            self._is_done = True
        elif piece.batch is None:
            self._failed[piece.fid] = piece.reason
        else:
            self._rows = np.concatenate([self._rows, piece.batch.column(0).to_numpy()])
            self._wkb = np.concatenate([self._wkb, piece.batch.column(1).to_numpy(zero_copy_only=False)])


def _count_shapes(path: Path) -> int:
    """Return the number of shapes by the index beside the file; raises SourceError when it or the file is cut off."""
    index = sidecar(path, ".shx")
    if index is None:
        raise SourceError(f"{path} has no .shx beside it, the index of its shapes.", "Ask for all parts of the shapefile.")
    for part in (path, index):
        size = part.stat().st_size
        with part.open("rb") as file:
            head = file.read(_HEADER)
        if len(head) < _HEADER or int.from_bytes(head[:4], "big") != 9994:
            raise SourceError(f"{part} is not a part of a shapefile.", "Check that the file is whole.")
        promised = 2 * int.from_bytes(head[24:28], "big")
        if size < promised:
            raise SourceError(f"{part} is cut off: {size:,} bytes, but its header promises {promised:,}.", "Ask for the file again.")
    return (promised - _HEADER) // _INDEX_ENTRY
