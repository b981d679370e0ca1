"""Reader for Parquet: GeoParquet with WKB or native geometries, and plain tables with columns of coordinates."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyproj
import shapely

from gisgrid.errors import SourceError
from ingest.readers.arrow_layer import build
from ingest.readers.batch import BATCH_ROWS, Contents, Geometries, RawBatch

_T = TypeVar("_T")
_BUFFER = 1 << 20
_WGS84 = "EPSG:4326"
_KEPT = (pa.types.is_string, pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_date, pa.types.is_timestamp)
_CAST = (pa.types.is_large_string, pa.types.is_string_view, pa.types.is_decimal, pa.types.is_time, pa.types.is_null)
_NESTING = {"point": 0, "linestring": 1, "multipoint": 1, "polygon": 2, "multilinestring": 2, "multipolygon": 3}


class ParquetReader:
    """A Parquet file, read a batch at a time. With GeoParquet's metadata its primary geometry column is the place of a row.

    Raises SourceError when the file is not Parquet, or its geometry is encoded in a way that is not known.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._opened() as file:
            self._schema = file.schema_arrow
            total = file.metadata.num_rows
        self._geometry, about = self._primary((self._schema.metadata or {}).get(b"geo"))
        self._encoding = str(about.get("encoding", "WKB")).lower()
        if self._encoding != "wkb" and self._encoding not in _NESTING:
            raise SourceError(f"{path} holds geometry as {self._encoding!r}, which is not known.", "Write it as WKB.")
        self._names = [name for name in self._schema.names if name != self._geometry]
        self.contents = Contents(
            tuple(self._names), crs=_crs(about) if self._geometry else None, total=total, has_geometry=self._geometry is not None
        )

    def _primary(self, metadata: bytes | None) -> tuple[str | None, dict[str, Any]]:
        """Return the name of the geometry column and what is said about it; None without GeoParquet's metadata."""
        if metadata is None:
            return None, {}
        try:
            geo = json.loads(metadata)
            name = geo["primary_column"]
            about = geo["columns"][name]
        except (ValueError, KeyError, TypeError) as error:
            raise SourceError(f"The GeoParquet metadata of {self.path} cannot be read: {error!r}.", "Write the file again.") from error
        if self._schema.names.count(name) != 1 or not isinstance(about, dict):
            raise SourceError(f"{self.path} has no geometry column {name!r}, which its metadata names.", "Write the file again.")
        return name, about

    def _opened(self) -> pq.ParquetFile:
        return self._call(lambda: pq.ParquetFile(self.path, buffer_size=_BUFFER, pre_buffer=False))

    def _call(self, work: Callable[[], _T]) -> _T:
        try:
            return work()
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            message = f"{self.path} cannot be read: {str(error).splitlines()[0].rstrip('.')}."
            raise SourceError(message, "Check that the file is whole; nothing was loaded from it.") from error

    def batches(self) -> Iterator[RawBatch]:
        """Yield the rows in the order of the file; raises SourceError when there are fewer than the file promises."""
        start = 1
        with self._opened() as file:
            stream = file.iter_batches(batch_size=BATCH_ROWS)
            while (batch := self._call(lambda: next(stream, None))) is not None:
                yield self._call(partial(self._raw, batch, start))
                start += batch.num_rows
        if start - 1 < self.contents.total:
            raise SourceError(f"{self.path} is cut off after {start - 1:,} of {self.contents.total:,} rows.", "Ask for the file again.")

    def _raw(self, batch: pa.RecordBatch, start: int) -> RawBatch:
        size = batch.num_rows
        columns = [_plain(batch.column(place)) for place, name in enumerate(batch.schema.names) if name != self._geometry]
        numbers, broken = np.arange(start, start + size, dtype=np.int64), np.zeros(size, dtype=bool)
        table = pa.table(columns, names=self._names)
        if self._geometry is None:
            return RawBatch(numbers, table, None, broken, broken.copy())
        column = batch.column(self._geometry)
        if self._encoding == "wkb":
            built = build(column.cast(pa.binary()).to_numpy(zero_copy_only=False))
            return RawBatch(numbers, table, built.geom, broken, built.unbuilt, {}, built.reasons, {}, built.closed, built.as_read)
        return RawBatch(numbers, table, _native(column, self._encoding), broken, broken.copy())


def _plain(column: pa.Array) -> pa.Array:
    """Return a column in a type that the rest of ingest knows: nested values as JSON, bytes as hexadecimal digits."""
    kind = column.type
    if isinstance(kind, pa.ExtensionType):
        return _plain(column.storage)
    if pa.types.is_dictionary(kind):
        return _plain(column.dictionary_decode())
    if any(known(kind) for known in _KEPT):
        return column
    if any(known(kind) for known in _CAST):
        return pc.cast(column, pa.string())
    return pa.array([None if value is None else _said(value) for value in column.to_pylist()], pa.string())


def _said(value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex()
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, (list, dict)) else str(value)


def _native(column: pa.Array, encoding: str) -> Geometries:
    """Return geometries of GeoArrow's native layout: lists, as deep as the type has, of x and y (and z)."""
    present = column.is_valid().to_numpy(zero_copy_only=False)
    level, offsets = column.filter(pa.array(present)), []
    for _ in range(_NESTING[encoding]):
        offsets.append(level.offsets.to_numpy())
        level = level.values
        level = level.slice(int(offsets[-1][0]), int(offsets[-1][-1] - offsets[-1][0]))
        offsets[-1] = offsets[-1] - offsets[-1][0]
    if pa.types.is_struct(level.type):
        names = [name for name in ("x", "y", "z") if level.type.get_field_index(name) >= 0]
        coords = np.column_stack([level.field(name).to_numpy(zero_copy_only=False) for name in names])
    else:
        width = level.type.list_size
        coords = level.flatten().to_numpy(zero_copy_only=False).reshape(-1, width)[:, :3]
    geom: Geometries = np.full(len(column), None, dtype=object)
    kind = shapely.GeometryType[encoding.upper()]
    geom[present] = shapely.from_ragged_array(kind, np.ascontiguousarray(coords), tuple(reversed(offsets)) or None)
    return geom


def _crs(about: dict[str, Any]) -> str | None:
    """Return the coordinate system that GeoParquet states: PROJJSON, null for unknown, WGS 84 where it is left out."""
    if "crs" not in about:
        return _WGS84
    if about["crs"] is None:
        return None
    try:
        crs = pyproj.CRS.from_user_input(about["crs"])
    except pyproj.exceptions.CRSError:
        return str(about["crs"])[:200]
    authority = crs.to_authority()
    if authority and authority[1] == "CRS84":
        return _WGS84
    return ":".join(authority) if authority else str(crs.to_wkt())
