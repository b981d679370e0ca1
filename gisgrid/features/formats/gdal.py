"""FlatGeobuf and GeoPackage: written by GDAL into a file, batch after batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError

from gisgrid.errors import UnavailableError
from gisgrid.features.formats.arrow import GEOMETRY, ID, Batch, Schema
from gisgrid.layers import Layer

_DRIVERS = {"fgb": "FlatGeobuf", "gpkg": "GPKG"}
_GEOMETRIES = {"MultiPolygon": "MultiPolygon", "MultiLineString": "MultiLineString", "Point": "Point", "Geometry": "Unknown"}


class Target(NamedTuple):
    """A file to be written: its path (nothing is there yet), the word of its format, the coordinate system by its EPSG number.

    With ``is_indexed`` the file gets a spatial index; that of FlatGeobuf takes some 160 bytes of memory a feature while it is
    made.
    """

    path: Path
    word: str
    srid: int
    is_indexed: bool = True


def write_file(batches: Iterable[Batch], schema: Schema, layer: Layer, target: Target) -> None:
    """Write features of ``layer`` into a file; geometries are x before y in every system.

    Raises what ``batches`` raise, and UnavailableError when the file cannot be written.
    """
    given = _Told(batches)
    try:
        _write(given, schema, layer, target)
    except Exception as error:
        if given.fault is not None:
            raise given.fault from None
        if isinstance(error, DataSourceError | DataLayerError | OSError | pa.ArrowException):
            raise UnavailableError(f"The file cannot be written: {error}", "Is there room on the disk?") from error
        raise


class _Told:
    """Gives batches, and remembers what goes wrong with them: on the way through GDAL that is lost."""

    def __init__(self, batches: Iterable[Batch]) -> None:
        self._batches = batches
        self.fault: Exception | None = None

    def __iter__(self) -> Iterator[Batch]:
        try:
            yield from self._batches
        except Exception as error:
            self.fault = error
            raise


def _write(batches: Iterable[Batch], schema: Schema, layer: Layer, target: Target) -> None:
    options = {"SPATIAL_INDEX": "YES" if target.is_indexed and not _lacks_places(layer, target) else "NO"}
    if target.word == "gpkg":
        options |= {"FID": ID, "GEOMETRY_NAME": "geom", "IDENTIFIER": layer.title_zh, "DESCRIPTION": layer.title_en}
    else:
        options |= {"TITLE": layer.title_zh, "DESCRIPTION": layer.title_en}
    pyogrio.write_arrow(
        pa.RecordBatchReader.from_batches(schema, iter(batches)),
        target.path,
        layer=layer.id,
        driver=_DRIVERS[target.word],
        geometry_name=GEOMETRY,
        geometry_type=_GEOMETRIES[layer.geometry],
        crs=f"EPSG:{target.srid}",
        # Older QGIS and GDAL warn of anything newer.
        dataset_options={"VERSION": "1.3"} if target.word == "gpkg" else {},
        layer_options=options,
    )


def _lacks_places(layer: Layer, target: Target) -> bool:
    """Say whether there may be features without a place, which the index of FlatGeobuf does not take."""
    return target.word == "fgb" and layer.geometry == "Geometry"
