"""Cells of a raster by tile and by place, read with rio-tiler; and tiles as PNG and WebP."""

from __future__ import annotations

import math
import threading
import warnings
from collections import OrderedDict
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.windows import Window
from rio_tiler.errors import PointOutsideBounds
from rio_tiler.io import Reader
from rio_tiler.utils import render
from scipy.ndimage import map_coordinates

from gisgrid.crs import GCJ02, from_wgs84, parse_crs, to_wgs84
from gisgrid.rasters import Raster
from gisgrid.types import Bounds
from tiles.raster_pictures import BUFFER, Cells, picture
from tiles.request import Datum
from tiles.tile import TileId

Format = Literal["png", "webp"]
Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]

_MERCATOR = CRS.from_epsg(3857)
_RADIUS_M = 6378137.0
_CACHE_BYTES = 128_000_000
_OPEN = 8
_MESH = 17
_BENT_BELOW = 8
_WRITTEN: dict[Format, dict[str, Any]] = {"png": {"zlevel": 6}, "webp": {"quality": 85}}


class Order(NamedTuple):
    """How a tile of a raster is wanted: its place, how it is drawn, on which base maps it fits, how many pixels wide, and as what."""

    tile: TileId
    style: str
    datum: Datum = "wgs84"
    size: int = 256
    format: Format = "png"


class Files(threading.local):
    """The files that a thread has open: a dataset must not be used by two, and opening one takes longer than reading a tile."""

    def __init__(self) -> None:
        self._open: OrderedDict[Path, Any] = OrderedDict()

    def reader(self, path: Path) -> Any:
        """Return the file opened for reading; raises FileNotFoundError when it is gone."""
        found = self._open.pop(path, None)
        if found is None:
            self._close_those_gone()
            if not path.is_file():
                raise FileNotFoundError(path)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # small files need no overviews
                found = Reader(str(path))
        self._open[path] = found
        if len(self._open) > _OPEN:
            self._open.popitem(last=False)[1].close()
        return found

    def _close_those_gone(self) -> None:
        """Close files that were replaced, so that their room on the disk is given back."""
        for path in [path for path in self._open if not path.is_file()]:
            self._open.pop(path).close()


def meets(raster: Raster, order: Order) -> bool:
    """Say whether a tile shows any of the box around a raster."""
    box, there = _place(order), raster.facts.bounds
    return box.west < there.east and there.west < box.east and box.south < there.north and there.south < box.north


def read_tile(files: Files, path: Path, raster: Raster, order: Order) -> bytes:
    """Return a tile of a raster as a picture; raises FileNotFoundError when its file is gone."""
    with rasterio.Env(GDAL_CACHEMAX=_CACHE_BYTES, GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"):
        reader = files.reader(path)
        drawn = picture(raster, order.style, _cells(reader, raster, order))
        # Heights in colours must come out as they went in.
        options = {"lossless": True} if order.format == "webp" and raster.kind != "orthophoto" else _WRITTEN[order.format]
        return bytes(render(drawn[:3], drawn[3], img_format=order.format, **options))


def read_point(files: Files, path: Path, lon: float, lat: float) -> list[float | int | None] | None:
    """Return the value of each band in the cell at a place (degrees, WGS 84): None where it has none, and for a place outside."""
    with rasterio.Env(GDAL_CACHEMAX=_CACHE_BYTES, GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"):
        try:
            found = files.reader(path).point(lon, lat)
        except PointOutsideBounds:
            return None
    values = np.ma.asarray(found.array)
    return [None if np.ma.is_masked(value) or not np.isfinite(value) else value.item() for value in values]


def _cells(reader: Any, raster: Raster, order: Order) -> Cells:
    box, size = _buffered(order.tile, order.size), order.size + 2 * BUFFER
    if order.tile.z < _BENT_BELOW or not raster.facts.crs.startswith("EPSG:"):
        values, opacity = _warped(reader, raster, box if order.datum == "wgs84" else _moved(box), size)
    else:
        values, opacity = _sampled(reader, raster, box, size, order.datum)
    middle = math.radians((order.tile.bounds.south + order.tile.bounds.north) / 2.0)
    colours = _palette(reader.colormap) if reader.colormap else None
    return Cells(values, opacity, (box.east - box.west) / size * math.cos(middle), colours)


def _warped(reader: Any, raster: Raster, box: Bounds, size: int) -> tuple[NDArray[Any], Bytes]:
    """Return the values in a box of EPSG:3857, (bands, rows, columns), and their opacity: right for any part of the world, and slow."""
    method = "nearest" if _is_categories(reader, raster) else "bilinear"
    image = reader.part(
        box, dst_crs=_MERCATOR, bounds_crs=_MERCATOR, width=size, height=size, resampling_method=method, reproject_method=method
    )
    return image.array.data, _opacity(image)


def _sampled(reader: Any, raster: Raster, box: Bounds, size: int, datum: Datum) -> tuple[NDArray[Any], Bytes]:
    """Return what ``_warped`` does: each pixel from where its middle lies in the raster, worked out in a mesh of 17 x 17.

    Between its nodes projections and the shift of GCJ-02 bend by less than a hundredth of a pixel from zoom 8 on.
    """
    column, row = (_between(nodes, size) for nodes in _mesh(reader.dataset, raster, box, datum))
    width, height = reader.dataset.width, reader.dataset.height
    left, right = (min(max(edge, 0), width) for edge in (math.floor(column.min()) - 2, math.ceil(column.max()) + 2))
    top, bottom = (min(max(edge, 0), height) for edge in (math.floor(row.min()) - 2, math.ceil(row.max()) + 2))
    if left >= right or top >= bottom:
        return np.zeros((reader.dataset.count, size, size), reader.dataset.dtypes[0]), np.zeros((size, size), np.uint8)
    # From far away several cells make a pixel: they are read as one, out of an overview.
    coarser = max(float(np.ptp(column)), float(np.ptp(row))) / size
    columns, rows = (max(1, math.ceil(count / max(coarser, 1.0))) for count in (right - left, bottom - top))
    is_categories = _is_categories(reader, raster)
    window = Window(left, top, right - left, bottom - top)
    image = reader.read(window=window, width=columns, height=rows, resampling_method="nearest" if is_categories else "bilinear")
    at = ((row - top) * (rows / (bottom - top)) - 0.5, (column - left) * (columns / (right - left)) - 0.5)
    opacity = map_coordinates(_opacity(image), at, order=0, mode="nearest")
    inside = (column >= 0.0) & (column <= width) & (row >= 0.0) & (row <= height)
    sample = _nearest if is_categories else _between_cells
    return sample(image, at), np.where(inside, opacity, 0).astype(np.uint8)


def _nearest(image: Any, at: tuple[Floats, Floats]) -> NDArray[Any]:
    return np.stack([map_coordinates(band, at, order=0, mode="nearest") for band in image.array.data])


def _between_cells(image: Any, at: tuple[Floats, Floats]) -> NDArray[Any]:
    """Return values interpolated between those cells that hold one."""
    kind = image.array.data.dtype
    there = (~np.ma.getmaskarray(image.array).any(axis=0)).astype(np.float64)
    share = map_coordinates(there, at, order=1, mode="nearest")
    bands = [map_coordinates(np.where(there > 0, band, 0.0), at, order=1, mode="nearest") for band in image.array.data.astype(np.float64)]
    found = np.stack(bands) / np.where(share > 0.0, share, 1.0)
    return (found if kind.kind == "f" else np.round(found)).astype(kind)


def _opacity(image: Any) -> Bytes:
    there = ~np.ma.getmaskarray(image.array).all(axis=0)
    opacity = np.where(there, 255, 0).astype(np.uint8)
    if image.alpha_mask is not None and image.alpha_mask.dtype == np.uint8:
        opacity = np.minimum(opacity, image.alpha_mask)
    return np.asarray(opacity)


def _is_categories(reader: Any, raster: Raster) -> bool:
    """Say whether values between two values would mean nothing."""
    return raster.kind in ("coverage", "other") or bool(reader.colormap)


def _mesh(dataset: Any, raster: Raster, box: Bounds, datum: Datum) -> tuple[Floats, Floats]:
    """Return where the nodes of a mesh over a box of EPSG:3857 lie in a dataset: columns and rows, the first row in the north."""
    lon, lat = _degrees(box, _MESH)
    if datum == "gcj02":
        lon, lat = to_wgs84(GCJ02, lon, lat)
    x, y = from_wgs84(parse_crs(raster.facts.crs), lon, lat)
    affine = ~dataset.transform
    return affine.a * x + affine.b * y + affine.c, affine.d * x + affine.e * y + affine.f


def _degrees(box: Bounds, count: int) -> tuple[Floats, Floats]:
    """Return the nodes of a mesh over a box of EPSG:3857 as longitude and latitude in the same datum."""
    x, y = np.meshgrid(np.linspace(box.west, box.east, count), np.linspace(box.north, box.south, count))
    return np.degrees(x / _RADIUS_M), np.degrees(np.arctan(np.sinh(y / _RADIUS_M)))


def _moved(box: Bounds) -> Bounds:
    """Return a box of EPSG:3857 on GCJ-02 moved to where its middle is in WGS 84: from far away the shift is a pixel or less."""
    lon, lat = _degrees(box, 3)
    true_lon, true_lat = to_wgs84(GCJ02, lon, lat)
    east = math.radians(float(true_lon[1, 1] - lon[1, 1])) * _RADIUS_M
    north = (math.asinh(math.tan(math.radians(float(true_lat[1, 1])))) - math.asinh(math.tan(math.radians(float(lat[1, 1]))))) * _RADIUS_M
    return Bounds(box.west + east, box.south + north, box.east + east, box.north + north)


def _between(nodes: Floats, size: int) -> Floats:
    """Return values in the middles of ``size`` x ``size`` pixels from those at the nodes of a mesh over them."""
    at = (np.arange(size) + 0.5) / size * (_MESH - 1)
    row, column = np.meshgrid(at, at, indexing="ij")
    return np.asarray(map_coordinates(nodes, (row, column), order=1))


def _buffered(tile: TileId, size: int) -> Bounds:
    box = tile.bounds_m
    edge = (box.east - box.west) / size * BUFFER
    return Bounds(box.west - edge, box.south - edge, box.east + edge, box.north + edge)


def _place(order: Order) -> Bounds:
    """Return the box of a tile in WGS 84 degrees, of one on GCJ-02 where that is in WGS 84."""
    box = order.tile.bounds
    if order.datum == "wgs84":
        return box
    lon, lat = to_wgs84(GCJ02, np.array([box.west, box.east, box.west, box.east]), np.array([box.south, box.south, box.north, box.north]))
    return Bounds(float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max()))


def _palette(colormap: dict[int, tuple[int, ...]]) -> NDArray[np.uint8]:
    colours = np.zeros((256, 4), dtype=np.uint8)
    for value, colour in colormap.items():
        if 0 <= value < 256:
            colours[value, : len(colour)] = colour
    return colours
