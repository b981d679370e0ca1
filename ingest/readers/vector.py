"""Reader for everything that GDAL opens: shapefile, GeoPackage, GeoJSON, OpenStreetMap extracts and more."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyogrio
import shapely
from pyogrio.raw import open_arrow

from gisgrid.errors import SourceError
from ingest.readers.batch import BATCH_ROWS, Contents, Geometries, RawBatch
from ingest.readers.text import dbf_encoding, decode, sound

_T = TypeVar("_T")
_OSM_TAGS = "other_tags"
_MAX_NOTES = 20
_DBF_ENDINGS = {".shp", ".dbf"}
_GEOJSON_ENDINGS = {".geojson", ".json"}
_NOT_OPENED = (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError)
_NOT_READ = (*_NOT_OPENED, pyogrio.errors.FeatureError, pyogrio.errors.GeometryError, pa.ArrowException, UnicodeDecodeError, OSError)


class VectorReader:
    """One layer of a file that GDAL opens, read as a stream of Arrow batches.

    Raises SourceError when the file cannot be opened, or has several layers and ``inner_layer`` does not say which.
    """

    def __init__(self, path: Path, inner_layer: str | None, encoding: str | None) -> None:
        self.path = path
        self._is_dbf = path.suffix.lower() in _DBF_ENDINGS
        self._encoding = dbf_encoding(path, encoding) if self._is_dbf else None
        self.notes: list[str] = []
        self._layer = self._choose(inner_layer)
        info = self._call(lambda: pyogrio.read_info(self.path, layer=self._layer, **self._options()))
        self._names = tuple(self._column_name(name) for name in info["fields"])
        self._has_geometry = info["geometry_type"] is not None
        self.contents = Contents(
            self._names,
            crs=info["crs"] if self._has_geometry else None,
            encoding=self._encoding if self._is_dbf else info["encoding"],
            total=max(0, int(info["features"])),
            has_geometry=self._has_geometry,
            open_ended=_OSM_TAGS in self._names,
            is_recoded=self._is_dbf,
            is_geojson=path.suffix.lower() in _GEOJSON_ENDINGS,
            notes=self.notes,
        )

    def _options(self) -> dict[str, Any]:
        # An empty ENCODING makes GDAL hand over the bytes of a DBF as they are, so that a wrong encoding shows instead of passing.
        return {"ENCODING": ""} if self._is_dbf else {}

    def _column_name(self, name: str) -> str:
        if not self._is_dbf or name.isascii():
            return name
        return name.encode("iso8859-1", "replace").decode(self._encoding or "utf-8", "replace")

    def _choose(self, inner_layer: str | None) -> str:
        names = [str(name) for name, _ in self._call(lambda: pyogrio.list_layers(self.path))]
        if not names:
            raise SourceError(f"{self.path} holds no layer.", "Check that the file is whole.")
        if inner_layer is None and len(names) > 1:
            raise SourceError(f"{self.path} holds several layers.", f"Write inner_layer = one of: {', '.join(names)}.")
        if inner_layer is not None and inner_layer not in names:
            raise SourceError(f"{self.path} has no layer {inner_layer!r}.", f"Layers: {', '.join(names)}.")
        return inner_layer or names[0]

    def _call(self, work: Callable[[], _T]) -> _T:
        """Return ``work()``, keeping the library's remarks as notes; its errors become SourceError."""
        with warnings.catch_warnings(record=True) as remarks:
            warnings.simplefilter("always")
            try:
                return work()
            except _NOT_READ as error:
                raise SourceError(
                    f"{self.path} cannot be read: {_shortened(error)}.", "Check that the file is whole and what its ending says."
                ) from error
            finally:
                self._keep(str(remark.message) for remark in remarks)

    def _keep(self, remarks: Iterator[str]) -> None:
        for remark in remarks:
            if remark not in self.notes and len(self.notes) < _MAX_NOTES:
                self.notes.append(remark)

    def batches(self) -> Iterator[RawBatch]:
        """Yield the features in the order of the file."""
        opened: AbstractContextManager[Any] = open_arrow(
            self.path, layer=self._layer, use_pyarrow=True, batch_size=BATCH_ROWS, **self._options()
        )
        _meta, stream = self._call(opened.__enter__)
        try:
            start = 1
            while (batch := self._call(lambda: _next(stream))) is not None:
                if batch.num_rows:
                    yield self._raw(batch, start)
                    start += batch.num_rows
        finally:
            self._call(lambda: opened.__exit__(None, None, None))

    def _raw(self, batch: pa.RecordBatch, start: int) -> RawBatch:
        columns = [batch.column(number) for number in range(len(self._names))]
        columns = [self._text(column) if pa.types.is_string(column.type) else column for column in columns]
        numbers = np.arange(start, start + batch.num_rows, dtype=np.int64)
        geom, unbuilt = self._geometries(batch)
        table = pa.table(columns, names=list(self._names))
        return RawBatch(numbers, table, geom, np.zeros(batch.num_rows, dtype=bool), unbuilt)

    def _text(self, column: pa.Array) -> pa.Array:
        return decode(column, self._encoding, self.path) if self._is_dbf else sound(column, self.path)

    def _geometries(self, batch: pa.RecordBatch) -> tuple[Geometries | None, np.ndarray[Any, np.dtype[np.bool_]]]:
        if not self._has_geometry or batch.num_columns == len(self._names):
            return None, np.zeros(batch.num_rows, dtype=bool)
        wkb = batch.column(batch.num_columns - 1).to_numpy(zero_copy_only=False)
        geom = self._call(lambda: shapely.from_wkb(wkb, on_invalid="ignore"))
        # None in the file is "no geometry", None after building is "cannot be built".
        return geom, shapely.is_missing(geom) & np.array([value is not None for value in wkb], dtype=bool)


def _next(stream: Any) -> pa.RecordBatch | None:
    try:
        return stream.read_next_batch()
    except StopIteration:
        return None


def _shortened(error: Exception) -> str:
    """Return the library's message on one line, without its advice for programmers."""
    return re.split(r"[;\n]", str(error))[0].strip().rstrip(".")
