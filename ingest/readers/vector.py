"""Reader for what GDAL opens: GeoPackage, FlatGeobuf, KML, GML, geodatabases, OpenStreetMap extracts and more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from gisgrid.errors import SourceError
from ingest.readers.arrow_layer import ArrowLayer, Piece, build
from ingest.readers.batch import Contents, RawBatch
from ingest.readers.text import decode

_OSM_TAGS = "other_tags"
_GEOJSON_LIKE = {".json"}
_OPTIONS = {
    ".gml": {"WRITE_GFS": "NO", "DOWNLOAD_SCHEMA": "NO"},
}
_COUNT_MAY_BE_STALE = {".gpkg", ".sqlite"}


class VectorReader:
    """One layer of a file that GDAL opens, read as a stream of Arrow batches.

    Raises SourceError when the file cannot be opened, or has several layers and ``inner_layer`` does not say which.
    """

    def __init__(self, path: Path, inner_layer: str | None) -> None:
        self.path = path
        self._layer = ArrowLayer(path, inner_layer, _OPTIONS.get(path.suffix.lower(), {}))
        info = self._layer.info
        self._names = tuple(info["fields"])
        self._has_geometry = info["geometry_type"] is not None
        self.contents = Contents(
            self._names,
            crs=info["crs"] if self._has_geometry else None,
            encoding=info["encoding"],
            total=max(0, int(info["features"])),
            has_geometry=self._has_geometry,
            open_ended=_OSM_TAGS in self._names,
            is_geojson=path.suffix.lower() in _GEOJSON_LIKE,
            notes=self._layer.notes,
        )

    def batches(self) -> Iterator[RawBatch]:
        """Yield the features in the order of the file; raises SourceError when there are fewer than the file promises."""
        read = 0
        for piece in self._layer.pieces():
            batch = self._raw(piece)
            yield batch
            read += batch.size
        promised = self.contents.total
        if read < promised and not (self.path.suffix.lower() in _COUNT_MAY_BE_STALE and self._counted() == read):
            raise SourceError(
                f"{self.path} is damaged: it promises {promised:,} features, but only {read:,} can be read.",
                "Ask for the file again; nothing was loaded from it.",
            )

    def _counted(self) -> int:
        """Count the features without reading them: the number that the file states may be an old one."""
        return sum(
            piece.batch.num_rows if piece.batch else 1 for piece in self._layer.pieces(columns=[], read_geometry=False, return_fids=True)
        )

    def _raw(self, piece: Piece) -> RawBatch:
        batch = piece.batch
        if batch is None:
            row = pa.table([pa.nulls(1, pa.string()) for _ in self._names], names=list(self._names))
            geom = np.array([None], dtype=object) if self._has_geometry else None
            one = np.array([True])
            return RawBatch(np.array([piece.start + 1]), row, geom, one, ~one, {0: piece.reason})
        columns = [batch.column(number) for number in range(len(self._names))]
        columns = [decode(column, "utf-8") if pa.types.is_string(column.type) else column for column in columns]
        numbers = np.arange(piece.start + 1, piece.start + 1 + batch.num_rows, dtype=np.int64)
        table = pa.table(columns, names=list(self._names))
        broken = np.zeros(batch.num_rows, dtype=bool)
        if not self._has_geometry or batch.num_columns == len(self._names):
            return RawBatch(numbers, table, None, broken, broken.copy())
        built = build(batch.column(batch.num_columns - 1).to_numpy(zero_copy_only=False))
        return RawBatch(numbers, table, built.geom, broken, built.unbuilt, {}, built.reasons, {}, built.closed, built.as_read)
