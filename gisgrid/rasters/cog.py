"""A GeoTIFF as a cloud-optimised one: tiled, with overviews, its values unchanged; and what it says of itself."""

from __future__ import annotations

import hashlib
import math
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyproj
import rasterio
from rasterio._err import CPLE_BaseError
from rasterio.enums import ColorInterp, Resampling
from rasterio.errors import RasterioError
from rio_cogeo.cogeo import cog_translate
from rio_cogeo.profiles import cog_profiles

from gisgrid.errors import SourceError
from gisgrid.rasters.facts import Band, Facts, Kind

_BLOCK = 512
_CACHE_BYTES = 128_000_000
_MEMORY_BYTES = 256_000_000
_LARGEST_ZOOM = 22
_SAMPLE = 1024
_RING_POINTS = 21
_METRES_AT_0 = 2.0 * math.pi * 6378137.0 / 256.0
"""Metres of EPSG:3857 that a pixel of the only tile of zoom 0 is wide."""
_GEOD = pyproj.Geod(ellps="WGS84")

# What a cell of an overview is made of: pictures and heights are averaged, classes and counts are not.
_OVERVIEW: dict[Kind, Literal["average", "mode", "nearest"]] = {
    "orthophoto": "average",
    "elevation": "average",
    "coverage": "mode",
    "other": "nearest",
}


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what the library says of a file into a SourceError that names the file and says what to do."""
    try:
        with rasterio.Env(GDAL_CACHEMAX=_CACHE_BYTES):
            yield
    except (RasterioError, OSError, CPLE_BaseError) as error:
        said = str(error.__cause__ or error).splitlines()[0].strip().rstrip(".")
        raise SourceError(
            f"{path} cannot be read as a GeoTIFF: {said}.",
            "The file may be cut short: fetch it again; `gdalinfo -checksum` reads all of it.",
        ) from error


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        with rasterio.Env(GDAL_CACHEMAX=_CACHE_BYTES):
            yield
    except (RasterioError, OSError, CPLE_BaseError) as error:
        said = str(error.__cause__ or error).splitlines()[0].strip().rstrip(".")
        raise SourceError(f"The raster cannot be written to {folder}: {said}.", "Is there room for it twice?") from error


def open_geotiff(path: Path) -> Any:
    """Return the open dataset of a GeoTIFF; no other format is tried, for some of them name other files or servers."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=rasterio.errors.NotGeoreferencedWarning)
        return rasterio.open(path, driver="GTiff")


def write_cog(source: Any, target: Path, kind: Kind, nodata: float | None = None) -> None:
    """Write the open dataset ``source`` as a cloud-optimised GeoTIFF at ``target``, values, cells and system as they are.

    ``nodata`` is what stands for no value, where the file does not say. Compressed without loss, with overviews. Raises SourceError when
    that fails.
    """
    dtype = np.dtype(source.dtypes[0])
    predictor = "3" if dtype.kind == "f" else "2" if dtype.itemsize <= 4 and dtype.kind in "iu" else "1"
    profile = dict(cog_profiles["deflate"])
    profile.update({"predictor": predictor, "blockxsize": _BLOCK, "blockysize": _BLOCK, "BIGTIFF": "IF_SAFER", "num_threads": "1"})
    size = source.width * source.height * source.count * dtype.itemsize
    palette = source.colorinterp[0] == ColorInterp.palette
    with _writing(target.parent), warnings.catch_warnings():
        # A mask beside a nodata value: the value wins, which is what a reader of the file would see too.
        warnings.simplefilter("ignore")
        cog_translate(
            source,
            target,
            profile,
            nodata=nodata,
            overview_resampling="nearest" if palette else _OVERVIEW[kind],
            in_memory=size <= _MEMORY_BYTES,
            allow_intermediate_compression=True,
            forward_band_tags=True,
            forward_ns_tags=False,
            quiet=True,
        )
    with target.open("rb") as file:
        os.fsync(file.fileno())


def read_facts(path: Path) -> Facts:
    """Return what the GeoTIFF at ``path`` says of itself; raises SourceError when it cannot be read."""
    with explained(path), open_geotiff(path) as dataset:
        ring = ring_of(dataset)
        lat = sum(lat for _, lat in ring) / len(ring)
        cell_m = _cell_m(dataset)
        widest = max(_GEOD.inv(*ring[0], *ring[2 * _RING_POINTS])[2], cell_m)
        scale = math.cos(math.radians(lat))
        return Facts(
            crs=crs_name(dataset.crs),
            width=dataset.width,
            height=dataset.height,
            dtype=dataset.dtypes[0],
            nodata=None if dataset.nodata is None else float(dataset.nodata),
            bands=tuple(_bands(dataset)),
            cell_m=cell_m,
            min_zoom=_zoom(widest / scale / 64.0, math.floor),
            max_zoom=_zoom(cell_m / scale, math.ceil),
            ring=ring,
        )


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def crs_name(crs: Any) -> str:
    """Return ``EPSG:n`` for a system that has a number, else its WKT."""
    code = crs.to_epsg()
    return f"EPSG:{code}" if code else str(crs.to_wkt())


def _zoom(metres: float, whole: Any) -> int:
    """Return the zoom at which a pixel is ``metres`` of EPSG:3857 wide, made whole by ``whole``."""
    return min(max(int(whole(math.log2(_METRES_AT_0 / metres) - 1e-3)), 0), _LARGEST_ZOOM)


def ring_of(dataset: Any) -> tuple[tuple[float, float], ...]:
    """Return the edges of an open dataset in longitude and latitude (degrees, WGS 84), 20 stretches a side, closed."""
    steps = np.linspace(0.0, 1.0, _RING_POINTS)
    ones, zeros = np.ones(_RING_POINTS), np.zeros(_RING_POINTS)
    column = np.concatenate([steps, ones, steps[::-1], zeros]) * dataset.width
    row = np.concatenate([zeros, steps, ones, steps[::-1]]) * dataset.height
    affine = dataset.transform
    x, y = affine.a * column + affine.b * row + affine.c, affine.d * column + affine.e * row + affine.f
    lon, lat = pyproj.Transformer.from_crs(pyproj.CRS.from_wkt(dataset.crs.to_wkt()), 4326, always_xy=True).transform(x, y)
    return tuple(zip(lon.round(9).tolist(), lat.round(9).tolist(), strict=True))


def _cell_m(dataset: Any) -> float:
    """Return the size of a cell in the middle on the ground, its smaller side."""
    affine = dataset.transform
    column, row = dataset.width / 2.0, dataset.height / 2.0
    left, top = affine.a * column + affine.b * row + affine.c, affine.d * column + affine.e * row + affine.f
    x, y = (left, left + affine.a, left + affine.b), (top, top + affine.d, top + affine.e)
    crs = pyproj.CRS.from_wkt(dataset.crs.to_wkt())
    lon, lat = pyproj.Transformer.from_crs(crs, 4326, always_xy=True).transform(x, y)
    return float(min(_GEOD.inv(lon[0], lat[0], lon[k], lat[k])[2] for k in (1, 2)))


def _bands(dataset: Any) -> Iterator[Band]:
    """Yield the bands but for one of opacity, with the range of their values in about a million cells."""
    share = min(1.0, _SAMPLE / max(dataset.width, dataset.height))
    shape = (max(1, round(dataset.height * share)), max(1, round(dataset.width * share)))
    for index in dataset.indexes:
        if dataset.colorinterp[index - 1] == ColorInterp.alpha:
            continue
        cells = dataset.read(index, out_shape=shape, masked=True, resampling=Resampling.nearest)
        values = cells.compressed().astype(np.float64)
        values = values[np.isfinite(values)]
        name = dataset.descriptions[index - 1] or ""
        if values.size:
            low, high = np.percentile(values, (2.0, 98.0))
            yield Band(name, float(values.min()), float(values.max()), float(low), float(high))
        else:
            yield Band(name, 0.0, 0.0, 0.0, 0.0)
