"""Whether a GeoTIFF can be served as what it is said to be: its system, its place, its bands, and every one of its cells."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import rasterio
import rasterio.shutil
from pyproj.exceptions import ProjError
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.windows import Window

from gisgrid.crs import parse_crs
from gisgrid.deployment import Deployment
from gisgrid.errors import SourceError
from gisgrid.rasters import Kind
from gisgrid.rasters.cog import crs_name, explained, open_geotiff, ring_of
from ingest.description import RasterSource

_TYPES = {"uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"}
_PICTURES = {"uint8", "uint16"}
_CELLS_AT_ONCE = 4_000_000
LOWEST_M, HIGHEST_M = -1000.0, 9000.0
"""Between these every height on land lies, metres: what is outside stands for no value, or is in another unit."""


class Survey(NamedTuple):
    """What reading all cells has shown: how many there are, how many hold a value, and the least and the largest value."""

    cells: int
    valid: int
    minimum: float
    maximum: float


@contextmanager
def opened(source: RasterSource, path: Path) -> Iterator[Any]:
    """Open the GeoTIFF at ``path`` for a block, with the system and the value for none that ``source`` declares.

    Raises SourceError when there is no such file, or when it is no GeoTIFF that can be read.
    """
    if not path.is_file():
        raise SourceError(f"There is no file {path} (raster {source.id!r}).", "Paths are relative to the description, or to --root.")
    with explained(path):
        if source.crs is None and source.nodata is None:
            with open_geotiff(path) as dataset:
                yield dataset
            return
        # A file is not changed: a description of it in memory says what was declared.
        name = f"/vsimem/{uuid.uuid4().hex}.vrt"
        with open_geotiff(path.resolve()) as dataset:
            rasterio.shutil.copy(dataset, name, driver="VRT")
        try:
            with rasterio.open(name, "r+") as described:
                _declare(described, source)
            with rasterio.open(name) as described:
                yield described
        finally:
            rasterio.shutil.delete(name)


def _declare(dataset: Any, source: RasterSource) -> None:
    if source.crs is not None:
        dataset.crs = CRS.from_epsg(parse_crs(source.crs).epsg)
    if source.nodata is not None:
        dataset.nodata = source.nodata


def require(source: RasterSource, path: Path, dataset: Any, deployment: Deployment) -> Kind:
    """Make sure, without reading cells, that a raster can be used, and return what it shows.

    Raises SourceError that says what to do: no place, no system, elsewhere, or bands that do not go with its kind.
    """
    if dataset.transform.is_identity:
        # Points on the ground, or the formula of a camera: the picture is yet to be laid on the map.
        how = (
            "`gdalwarp -t_srs EPSG:4326` makes it one" if dataset.gcps[0] or dataset.rpcs else "a world file (.tfw) beside it would do too"
        )
        raise SourceError(f"{path} does not say where its cells lie (raster {source.id!r}).", f"It must be a georeferenced GeoTIFF; {how}.")
    if dataset.crs is None:
        raise SourceError(
            f"{path} does not say its coordinate system, and raster {source.id!r} declares none.",
            f'Ask who made it, and write crs = "EPSG:n"; its corner is at {dataset.transform.c:.10g}, {dataset.transform.f:.10g}.',
        )
    _require_place(source, path, dataset, deployment)
    return _require_bands(source, path, dataset)


def _require_place(source: RasterSource, path: Path, dataset: Any, deployment: Deployment) -> None:
    try:
        ring = ring_of(dataset)
    except ProjError:
        ring = ((math.nan, math.nan),)
    lon, lat = (np.array(axis) for axis in zip(*ring, strict=True))
    if not (np.isfinite(lon).all() and np.isfinite(lat).all()):
        raise SourceError(
            f"{path} has cells where its coordinate system {crs_name(dataset.crs)[:40]} has no place (raster {source.id!r}).",
            'Is it another system? Write crs = "EPSG:n".',
        )
    west, south, east, north = deployment.bounds
    if lon.max() < west or lon.min() > east or lat.max() < south or lat.min() > north:
        raise SourceError(
            f"{path} lies from {lon.min():.4f}, {lat.min():.4f} to {lon.max():.4f}, {lat.max():.4f}, and {deployment.id} from {west:g}, "
            f"{south:g} to {east:g}, {north:g} (longitude, latitude; raster {source.id!r}).",
            f'It is taken for {crs_name(dataset.crs)[:40]}; if that is wrong, write crs = "EPSG:n".',
        )


def _require_bands(source: RasterSource, path: Path, dataset: Any) -> Kind:
    types = set(dataset.dtypes)
    if len(types) > 1 or not types <= _TYPES:
        raise SourceError(
            f"{path} has bands of {', '.join(sorted(types))} (raster {source.id!r}).",
            f"All bands must be of one of {', '.join(sorted(_TYPES))}; `gdal_translate -ot` makes them so.",
        )
    colours = [one for one in dataset.colorinterp if one != ColorInterp.alpha]
    is_picture = types <= _PICTURES and len(colours) in (1, 3, 4)
    is_single = len(colours) == 1 and colours[0] != ColorInterp.palette
    if source.kind == "elevation" and not is_single:
        raise SourceError(f"{path} has {len(colours)} bands of colour (raster {source.id!r}).", "Heights are one band.")
    if source.kind == "orthophoto" and not is_picture:
        raise SourceError(
            f"{path} has {dataset.count} bands of {dataset.dtypes[0]} (raster {source.id!r}).",
            'An orthophoto has one, three or four bands of uint8 or uint16; for anything else write kind = "other".',
        )
    if source.kind is not None:
        return source.kind
    if is_single and not types <= {"uint8", "int8", "uint16"}:
        return "elevation"
    return "orthophoto" if is_picture and len(colours) >= 3 else "other"


def survey(path: Path, dataset: Any, progress: Callable[[int, int], None]) -> Survey:
    """Read every cell, telling ``progress`` how many of how many; raises SourceError for a file that cannot be read to its end."""
    total, done, valid = dataset.width * dataset.height, 0, 0
    low, high = math.inf, -math.inf
    block = max(dataset.block_shapes[0][0], 1)
    rows = max(_CELLS_AT_ONCE // max(dataset.width * dataset.count, 1) // block, 1) * block
    with explained(path):
        for top in range(0, dataset.height, rows):
            window = Window(0, top, dataset.width, min(rows, dataset.height - top))
            there = dataset.dataset_mask(window=window) > 0
            cells = dataset.read(window=window)[:, there]
            cells = cells[:, np.isfinite(cells).all(axis=0)] if cells.dtype.kind == "f" else cells
            if cells.size:
                low, high = min(low, float(cells[0].min())), max(high, float(cells[0].max()))
            valid += cells.shape[1]
            done += int(there.size)
            progress(done, total)
    return Survey(total, valid, low, high)


def require_values(source: RasterSource, kind: Kind, path: Path, nodata: float | None, found: Survey) -> None:
    """Raise SourceError for a raster without any value, and for heights that are none."""
    if not found.valid:
        raise SourceError(f"{path} holds no value at all (raster {source.id!r}).", "Is `nodata` right? Ask for the file again.")
    if kind != "elevation" or (found.minimum >= LOWEST_M and found.maximum <= HIGHEST_M):
        return
    odd = found.minimum if found.minimum < LOWEST_M else found.maximum
    told = f"it says that {nodata:g} stands for no value" if nodata is not None else "it names no value that stands for none"
    raise SourceError(
        f"{path} has heights from {found.minimum:g} to {found.maximum:g} m, and {told} (raster {source.id!r}).",
        f'If {odd:.9g} stands for no value, write nodata = {odd:.9g}. Heights are metres; if these are none, write kind = "other".',
    )
