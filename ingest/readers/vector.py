"""Reader for what GDAL opens: GeoPackage, FlatGeobuf, KML, GML, geodatabases, OpenStreetMap extracts and more."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyogrio import raw

from gisgrid.errors import SourceError
from ingest.readers.arrow_layer import ArrowLayer, Piece, build
from ingest.readers.batch import Contents, RawBatch
from ingest.readers.drawing import check_drawing
from ingest.readers.mapinfo import count_records, ready_mapinfo
from ingest.readers.markup import ready_markup
from ingest.readers.osm_blobs import check_extract
from ingest.readers.text import decode
from ingest.readers.workspace import Workspace

_OSM_TAGS = "other_tags"
_GEOJSON_LIKE = {".json"}
_OPTIONS = {".gml": {"WRITE_GFS": "NO", "DOWNLOAD_SCHEMA": "NO"}}
_MARKUP = {".kml", ".gml", ".gpx", ".osm", ".xml"}
_MAPINFO = {".tab", ".mif"}


class VectorReader:
    """One layer of a file that GDAL opens, read as a stream of Arrow batches.

    Text formats that do not say their encoding, or say a wrong one, are made ready in ``workspace`` first. Raises SourceError
    when the file cannot be opened, or has several layers and ``inner_layer`` does not say which.
    """

    def __init__(self, path: Path, inner_layer: str | None, encoding: str | None, workspace: Workspace) -> None:
        ending = path.suffix.lower()
        decided = None
        if ending in _MARKUP:
            path, decided = ready_markup(path, encoding, workspace)
        elif ending in _MAPINFO:
            path, decided = ready_mapinfo(path, encoding, workspace)
        elif ending == ".pbf":
            check_extract(path)
        self.path = path
        self._layer = ArrowLayer(path, inner_layer, _OPTIONS.get(ending, {}))
        if ending == ".dxf":
            self._layer.notes.extend(check_drawing(path))
        if decided is not None and decided.note:
            self._layer.notes.append(decided.note)
        info = self._layer.info
        self._names = tuple(info["fields"])
        self._has_geometry = info["geometry_type"] is not None
        self.contents = Contents(
            self._names,
            crs=info["crs"] if self._has_geometry else None,
            encoding=decided.codec.removesuffix("-sig") if decided else info["encoding"],
            is_recoded=decided is not None,
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
            batch = self._layer.call(partial(self._raw, piece))
            yield batch
            read += batch.size
        promised = max(self.contents.total, count_records(self.path) if self._names and self.path.suffix.lower() in _MAPINFO else 0)
        if read < promised and not (self.path.suffix.lower() == ".gpkg" and self._is_sound()):
            raise SourceError(
                f"{self.path} is damaged: it promises {promised:,} features, but only {read:,} can be read.",
                "Ask for the file again; nothing was loaded from it.",
            )

    def _is_sound(self) -> bool:
        """Say whether SQLite finds no damage in a GeoPackage: then the number of features that it states is an old one."""
        _, _, _, found = self._layer.call(lambda: raw.read(self.path, sql="PRAGMA quick_check", read_geometry=False))
        return [list(column) for column in found] == [["ok"]]

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
