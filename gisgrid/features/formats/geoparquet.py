"""GeoParquet 1.1: written from its beginning to its end, so that it can be sent meanwhile.

Its geometry is well-known binary, x before y in every system, with a box for each feature by which readers pass over what they do not need.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyproj
import shapely
from numpy.typing import NDArray
from pyarrow import parquet

from gisgrid.features.formats.arrow import GEOMETRY, Batch, Schema

ROW_GROUP_ROWS = 65_536
"""Most features of a row group, and …"""

ROW_GROUP_BYTES = 32 << 20
"""… most bytes of one before compression, unless a single block has more."""

_SIDES = ("xmin", "ymin", "xmax", "ymax")
_BOX = pa.field("bbox", pa.struct([pa.field(side, pa.float64()) for side in _SIDES]))
_CRS84 = "OGC:CRS84"
_WGS84 = 4326


class _Outlet(io.RawIOBase):
    """A file that can only be written to, whose content is taken out as it comes."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []
        self._length = 0

    def write(self, content: Any) -> int:
        """Take up a part."""
        part = bytes(content)
        self._parts.append(part)
        self._length += len(part)
        return len(part)

    def tell(self) -> int:
        """Return how much has been written in all."""
        return self._length

    def writable(self) -> bool:
        """Return that it is to be written to."""
        return True

    def take(self) -> bytes:
        """Return what has come since it was asked last."""
        content = b"".join(self._parts)
        self._parts.clear()
        return content


class _Seen:
    """What the file says of all its geometries: the box around them, and of which types they are."""

    def __init__(self) -> None:
        self._box = np.array([np.inf, np.inf, -np.inf, -np.inf])
        self._types: set[int] = set()

    def add(self, geometries: NDArray[np.object_], bounds: NDArray[np.float64]) -> None:
        """Take account of geometries and the boxes around them, west, south, east, north; NaN where there is no place."""
        self._box[:2] = np.fmin(self._box[:2], np.fmin.reduce(bounds[:, :2], initial=np.inf))
        self._box[2:] = np.fmax(self._box[2:], np.fmax.reduce(bounds[:, 2:], initial=-np.inf))
        self._types |= set(np.unique(shapely.get_type_id(geometries)).tolist()) - {-1}

    def metadata(self, srid: int) -> dict[str, str]:
        """Return the metadata of the file; ``srid`` is the number of its coordinate system."""
        crs = pyproj.CRS.from_user_input(_CRS84 if srid == _WGS84 else srid)
        column: dict[str, object] = {
            "encoding": "WKB",
            "geometry_types": sorted(_NAMES[number] for number in self._types),
            "crs": crs.to_json_dict(),
            "covering": {"bbox": {side: [_BOX.name, side] for side in _SIDES}},
        }
        if np.isfinite(self._box).all():
            column["bbox"] = self._box.tolist()
        return {"geo": json.dumps({"version": "1.1.0", "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}, ensure_ascii=False)}


_NAMES = ("Point", "LineString", "LinearRing", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection")


def geoparquet(batches: Iterable[Batch], schema: Schema, srid: int) -> Iterator[bytes]:
    """Yield a GeoParquet file of the features in ``batches``, whose geometries are in the system ``srid``."""
    outlet, seen = _Outlet(), _Seen()
    full = schema.append(_BOX)
    with parquet.ParquetWriter(outlet, full, compression="zstd") as writer:
        for group in _groups(batches):
            writer.write_table(pa.Table.from_batches([_boxed(batch, full, seen) for batch in group]), ROW_GROUP_ROWS)
            yield outlet.take()
        writer.add_key_value_metadata(seen.metadata(srid))
    yield outlet.take()


def _groups(batches: Iterable[Batch]) -> Iterator[list[Batch]]:
    """Yield batches in groups that make a row group each: small ones cost more than they hold, large ones too much memory."""
    group: list[Batch] = []
    rows = size = 0
    for batch in batches:
        if group and (rows + batch.num_rows > ROW_GROUP_ROWS or size + batch.nbytes > ROW_GROUP_BYTES):
            yield group
            group, rows, size = [], 0, 0
        group.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
    if group:
        yield group


def _boxed(batch: Batch, schema: Schema, seen: _Seen) -> Batch:
    geometries = shapely.from_wkb(batch.column(GEOMETRY).to_numpy(zero_copy_only=False))
    bounds = shapely.bounds(geometries)
    seen.add(geometries, bounds)
    nowhere = np.isnan(bounds[:, 0])
    sides = [pa.array(bounds[:, side]) for side in range(4)]
    boxes = pa.StructArray.from_arrays(sides, fields=list(_BOX.type), mask=pa.array(nowhere))
    return pa.RecordBatch.from_arrays([*batch.columns, boxes], schema=schema)
