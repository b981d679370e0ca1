"""Small GeoTIFFs for tests, made of formulas, in the middle of the town."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.transform import from_origin

WEST, NORTH = 533000.0, 3996000.0
"""The north-western corner of every raster here, EPSG:4549."""


def write(path: Path, bands: NDArray[Any], *, cell: float = 2.0, epsg: int | None = 4549, **profile: Any) -> Path:
    """Write bands (bands, rows, columns) as a GeoTIFF with cells of so many metres and return its path."""
    count, height, width = bands.shape
    options = {"transform": from_origin(WEST, NORTH, cell, cell), "crs": CRS.from_epsg(epsg) if epsg else None, **profile}
    with rasterio.open(path, "w", driver="GTiff", width=width, height=height, count=count, dtype=bands.dtype, **options) as file:
        file.write(bands)
    return path


def heights(size: int = 300) -> NDArray[np.float32]:
    """Return a slope that rises to the east by half a metre a cell, from 20 m, with a corner without heights (-9999)."""
    rising = np.broadcast_to(20.0 + 0.5 * np.arange(size), (size, size)).astype(np.float32)[None].copy()
    rising[0, :20, :20] = -9999.0
    return rising


def colours(size: int = 300) -> NDArray[np.uint8]:
    """Return three bands: red by column, green by row, blue the same everywhere."""
    row, column = np.mgrid[0:size, 0:size]
    return np.stack([column % 256, row % 256, np.full_like(row, 77)]).astype(np.uint8)


def centre(row: int, column: int, cell: float = 2.0) -> tuple[float, float]:
    """Return the middle of a cell in EPSG:4549."""
    return WEST + (column + 0.5) * cell, NORTH - (row + 0.5) * cell
