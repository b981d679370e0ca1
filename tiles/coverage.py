"""Where cameras see: how many see each cell of a grid, by the rules of sight asked for the middle of the cell."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyproj
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.transform import from_origin
from rasterio.windows import Window

from gisgrid.crs import Crs, to_wgs84
from gisgrid.errors import ParameterError, UsageError
from gisgrid.locator.ground import metres_per_degree_many
from gisgrid.progress import Progress
from gisgrid.rasters.cog import write_cog
from gisgrid.sight import STATES, SightIndex
from gisgrid.sight.views import HARD, Cameras

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Counts = NDArray[np.uint16]

OUTSIDE = 65_535
"""The value of cells outside the area."""

BANDS = ("cameras that see or probably see it", "cameras that see it for sure")
"""What the two bands of a coverage raster count."""

_BLOCK = 64
_MOST_CELLS = 400_000_000
_PAIRS_AT_ONCE = 2_000_000
_SEES, _PROBABLY_SEES = STATES.index("sees"), STATES.index("probably_sees")
# Which cameras are asked is chosen by distances and bearings in a plane; so much may these be off before the rules look exactly.
_FARTHER, _FARTHER_M, _WIDER_DEG = 1.01, 1.0, 1.0


class Grid(NamedTuple):
    """Square cells of ``cell_m`` metres in a projected system, rows from the north; the corner is a whole multiple of the cell."""

    crs: Crs
    cell_m: float
    west: float
    north: float
    width: int
    height: int

    def middles(self, top: int, rows: int, left: int, columns: int) -> tuple[Floats, Floats]:
        """Return the middles of some cells in degrees, WGS 84, as (rows, columns)."""
        x, y = np.meshgrid(
            self.west + (np.arange(left, left + columns) + 0.5) * self.cell_m, self.north - (np.arange(top, top + rows) + 0.5) * self.cell_m
        )
        lon, lat = to_wgs84(self.crs, x, y)
        return np.asarray(lon), np.asarray(lat)


class Summary(NamedTuple):
    """What a coverage raster shows: cells of the area, how many of them no camera sees, and how many are seen for sure."""

    cells: int
    blind: int
    sure: int


def grid_over(area: shapely.Geometry, crs: Crs, cell_m: float) -> Grid:
    """Return the grid of cells of ``cell_m`` metres that covers an area (degrees, WGS 84).

    Raises UsageError for an empty area, ParameterError for cells that are none or too many.
    """
    if area.is_empty:
        raise UsageError("There is no area to cover: no district is in the data.", "Load areas first.")
    if not 0.1 <= cell_m <= 10_000.0:
        raise ParameterError("cell", f"{cell_m:g} is no size of a cell.", "metres from 0.1 to 10,000")
    ring = shapely.get_coordinates(shapely.segmentize(area, 0.01))
    x, y = pyproj.Transformer.from_crs(4326, crs.epsg, always_xy=True).transform(ring[:, 0], ring[:, 1])
    west, south = (math.floor(min(axis) / cell_m) for axis in (x, y))
    east, north = (math.ceil(max(axis) / cell_m) for axis in (x, y))
    if (east - west) * (north - south) > _MOST_CELLS:
        raise ParameterError("cell", f"{cell_m:g} m makes {(east - west) * (north - south):,} cells.", f"at most {_MOST_CELLS:,} cells")
    return Grid(crs, cell_m, west * cell_m, north * cell_m, east - west, north - south)


def count_cameras(sight: SightIndex, area: shapely.Geometry, grid: Grid, height_m: float = 0.0) -> Iterator[tuple[int, Counts]]:
    """Yield how many cameras see the cells, as (first row, (2, rows, columns)) from the north: the bands of ``BANDS``.

    Cells whose middle the area (degrees, WGS 84) does not cover are ``OUTSIDE``. ``height_m`` is how high above the ground what is to be
    seen is. Raises ParameterError for a height that cannot be meant.
    """
    shapely.prepare(area)
    watch = _Watch(sight, height_m)
    for top in range(0, grid.height, _BLOCK):
        rows = min(_BLOCK, grid.height - top)
        found = np.full((2, rows, grid.width), OUTSIDE, dtype=np.uint16)
        for left in range(0, grid.width, _BLOCK):
            columns = min(_BLOCK, grid.width - left)
            lon, lat = grid.middles(top, rows, left, columns)
            there = shapely.intersects_xy(area, lon, lat)
            if there.any():
                found[:, :, left : left + columns][:, there] = watch.count(lon[there], lat[there])
        yield top, found


class _Watch:
    """The cameras that can see anything at all, and which of them are asked for which places."""

    def __init__(self, sight: SightIndex, height_m: float) -> None:
        self._sight, self._height_m = sight, height_m
        optics = Cameras(sight.cameras)
        # What is wrong with a camera wherever it looks leaves its answer unknown at best.
        self._rows = np.flatnonzero((optics.doubts & HARD) == 0)
        self._lon, self._lat = optics.lon[self._rows], optics.lat[self._rows]
        self._per_lon, self._per_lat = metres_per_degree_many(self._lat)
        self._reach = optics.range[self._rows] * _FARTHER + _FARTHER_M
        self._azimuth = optics.azimuth[self._rows]
        half = optics.field[self._rows] / 2.0 + optics.spread[self._rows] + _WIDER_DEG
        self._half = np.where(optics.any_azimuth[self._rows], 360.0, half)

    def count(self, lon: Floats, lat: Floats) -> Counts:
        """Return how many cameras see or probably see, and how many see, each of some places that lie together: (2, n)."""
        near = self._near(lon, lat)
        counts = np.zeros((2, len(lon)), dtype=np.int64)
        each = max(_PAIRS_AT_ONCE // len(lon), 1)
        for start in range(0, len(near), each):
            place, camera = self._pairs(near[start : start + each], lon, lat)
            if not place.size:
                continue
            seen = self._sight.look_many(lon[place], lat[place], self._rows[camera][:, None], self._height_m).state[:, 0]
            for band, states in enumerate(((_SEES, _PROBABLY_SEES), (_SEES,))):
                counts[band] += np.bincount(place[np.isin(seen, states)], minlength=len(lon))
        return np.minimum(counts, OUTSIDE - 1).astype(np.uint16)

    def _near(self, lon: Floats, lat: Floats) -> Longs:
        """Return the cameras that reach the box around some places."""
        east = np.maximum(np.maximum(lon.min() - self._lon, self._lon - lon.max()), 0.0) * self._per_lon
        north = np.maximum(np.maximum(lat.min() - self._lat, self._lat - lat.max()), 0.0) * self._per_lat
        return np.flatnonzero(np.hypot(east, north) <= self._reach * _FARTHER)

    def _pairs(self, cameras: Longs, lon: Floats, lat: Floats) -> tuple[Longs, Longs]:
        """Return the pairs of a place and a camera of which the rules of sight have to be asked."""
        east = (lon[:, None] - self._lon[cameras]) * self._per_lon[cameras]
        north = (lat[:, None] - self._lat[cameras]) * self._per_lat[cameras]
        far = np.hypot(east, north)
        place, camera = np.nonzero(far <= self._reach[cameras])
        off = np.degrees(np.arctan2(east[place, camera], north[place, camera])) - self._azimuth[cameras[camera]]
        off = np.abs((off + 180.0) % 360.0 - 180.0)
        asked = ~(off > self._half[cameras[camera]]) | (far[place, camera] < _FARTHER_M)
        return place[asked], cameras[camera[asked]]


def write_coverage(
    path: Path,
    sight: SightIndex,
    area: shapely.Geometry,
    grid: Grid,
    height_m: float = 0.0,
    *,
    tags: Mapping[str, str],
    progress: Progress,
) -> Summary:
    """Write how many cameras see each cell as a cloud-optimised GeoTIFF at ``path``, whole or not at all, in bounded memory.

    As ``count_cameras``; ``tags`` go into the file beside the counts of cells. Raises UsageError when it cannot be written.
    """
    rough, part = (path.with_name(f".{path.name}.{os.getpid()}.{ending}") for ending in ("rough.tif", "part.tif"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        summary = _write_rough(rough, count_cameras(sight, area, grid, height_m), grid, tags, progress)
        with rasterio.open(rough) as dataset:
            write_cog(dataset, part, "coverage")
        os.replace(part, path)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror or error}.", "Is there room, and may this user write there?"
        ) from error
    finally:
        rough.unlink(missing_ok=True)
        part.unlink(missing_ok=True)
    return summary


def _write_rough(path: Path, counted: Iterator[tuple[int, Counts]], grid: Grid, tags: Mapping[str, str], progress: Progress) -> Summary:
    total, cells, blind, sure = grid.width * grid.height, 0, 0, 0
    options: dict[str, Any] = {"dtype": "uint16", "nodata": OUTSIDE, "compress": "deflate", "BIGTIFF": "IF_SAFER", "blockysize": _BLOCK}
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=grid.width,
        height=grid.height,
        count=len(BANDS),
        crs=CRS.from_epsg(grid.crs.epsg),
        transform=from_origin(grid.west, grid.north, grid.cell_m, grid.cell_m),
        **options,
    ) as file:
        for number, name in enumerate(BANDS, 1):
            file.set_band_description(number, name)
        for top, found in counted:
            file.write(found, window=Window(0, top, grid.width, found.shape[1]))
            there = found[0] != OUTSIDE
            cells += int(there.sum())
            blind += int((found[0] == 0).sum())
            sure += int((found[1][there] > 0).sum())
            progress("cells", min((top + found.shape[1]) * grid.width, total), total)
        file.update_tags(**tags, CELLS=str(cells), BLIND_CELLS=str(blind), CELLS_SEEN_FOR_SURE=str(sure))
    return Summary(cells, blind, sure)
