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
from rio_tiler.errors import PointOutsideBounds
from rio_tiler.io import Reader
from rio_tiler.utils import render
from scipy.ndimage import map_coordinates

from gisgrid.crs import GCJ02, to_wgs84
from gisgrid.rasters import Raster
from gisgrid.types import Bounds
from tiles.raster_pictures import BUFFER, Cells, picture
from tiles.request import Datum
from tiles.tile import TileId

Format = Literal["png", "webp"]
Floats = NDArray[np.float64]

_MERCATOR = CRS.from_epsg(3857)
_RADIUS_M = 6378137.0
_OPEN = 8
_MESH = 17
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
    with rasterio.Env(GDAL_CACHEMAX=128, GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"):
        reader = files.reader(path)
        drawn = picture(raster, order.style, _cells(reader, raster, order))
        # Heights in colours must come out as they went in.
        options = {"lossless": True} if order.format == "webp" and raster.kind != "orthophoto" else _WRITTEN[order.format]
        return bytes(render(drawn[:3], drawn[3], img_format=order.format, **options))


def read_point(files: Files, path: Path, lon: float, lat: float) -> list[float | int | None] | None:
    """Return the value of each band in the cell at a place (degrees, WGS 84): None where it has none, and for a place outside."""
    with rasterio.Env(GDAL_CACHEMAX=128, GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"):
        try:
            found = files.reader(path).point(lon, lat)
        except PointOutsideBounds:
            return None
    values = np.ma.asarray(found.array)
    return [None if np.ma.is_masked(value) or not np.isfinite(value) else value.item() for value in values]


def _cells(reader: Any, raster: Raster, order: Order) -> Cells:
    size = order.size + 2 * BUFFER
    box = _buffered(order.tile, order.size)
    if order.datum == "gcj02":
        values, opacity = _shifted(reader, raster, box, size)
    else:
        values, opacity = _read(reader, raster, box, size, size)
    middle = math.radians((order.tile.bounds.south + order.tile.bounds.north) / 2.0)
    colours = _palette(reader.colormap) if reader.colormap else None
    return Cells(values, opacity, (box.east - box.west) / size * math.cos(middle), colours)


def _read(reader: Any, raster: Raster, box: Bounds, width: int, height: int) -> tuple[NDArray[Any], NDArray[np.uint8]]:
    """Return the values in a box (EPSG:3857), (bands, rows, columns), and their opacity."""
    method = "nearest" if _is_categories(reader, raster) else "bilinear"
    image = reader.part(
        box, dst_crs=_MERCATOR, bounds_crs=_MERCATOR, width=width, height=height, resampling_method=method, reproject_method=method
    )
    there = ~np.ma.getmaskarray(image.array).all(axis=0)
    opacity = np.where(there, 255, 0).astype(np.uint8)
    if image.alpha_mask is not None and image.alpha_mask.dtype == np.uint8:
        opacity = np.minimum(opacity, image.alpha_mask)
    return image.array.data, opacity


def _is_categories(reader: Any, raster: Raster) -> bool:
    """Say whether values between two values would mean nothing."""
    return raster.kind in ("coverage", "other") or bool(reader.colormap)


def _shifted(reader: Any, raster: Raster, box: Bounds, size: int) -> tuple[NDArray[Any], NDArray[np.uint8]]:
    """Return the values in a box of EPSG:3857 on GCJ-02: each pixel from where it is in WGS 84.

    The shift is worked out in a mesh of 17 x 17, between which it bends by less than a hundredth of a pixel.
    """
    x, y = _mesh(box)
    edge_x, edge_y = (box.east - box.west) / size, (box.north - box.south) / size
    source = Bounds(x.min() - 2 * edge_x, y.min() - 2 * edge_y, x.max() + 2 * edge_x, y.max() + 2 * edge_y)
    width, height = (
        math.ceil((high - low) / edge) for low, high, edge in ((source.west, source.east, edge_x), (source.south, source.north, edge_y))
    )
    values, opacity = _read(reader, raster, source, width, height)
    column = (_between(x, size) - source.west) / (source.east - source.west) * width - 0.5
    row = (source.north - _between(y, size)) / (source.north - source.south) * height - 0.5
    order = 0 if _is_categories(reader, raster) else 1
    found = [map_coordinates(band, (row, column), order=order, mode="nearest") for band in values]
    return np.stack(found), map_coordinates(opacity, (row, column), order=0, mode="nearest")


def _mesh(box: Bounds) -> tuple[Floats, Floats]:
    """Return where the nodes of a mesh over a box of EPSG:3857 on GCJ-02 are in EPSG:3857, the first row in the north."""
    x, y = np.meshgrid(np.linspace(box.west, box.east, _MESH), np.linspace(box.north, box.south, _MESH))
    lon, lat = to_wgs84(GCJ02, np.degrees(x / _RADIUS_M), np.degrees(np.arctan(np.sinh(y / _RADIUS_M))))
    return np.radians(lon) * _RADIUS_M, np.arcsinh(np.tan(np.radians(lat))) * _RADIUS_M


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
