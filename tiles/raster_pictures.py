"""What a raster looks like: heights as relief, counts of cameras in colours, pictures as they are. Arrays in, arrays of colours out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gisgrid.rasters import Kind, Raster

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]

STYLES: dict[Kind, tuple[str, ...]] = {
    "orthophoto": ("plain",),
    "elevation": ("relief", "hillshade", "heights", "terrarium"),
    "coverage": ("cameras",),
    "other": ("plain",),
}
"""The ways to draw each kind, the usual one first."""

BUFFER = 1
"""Cells around a tile that a picture may depend on: the shade of a slope needs its neighbours."""

_SUN_AZIMUTH, _SUN_HEIGHT = np.radians(315.0), np.radians(45.0)
# Green lowlands to white tops, spread over the heights that there are.
_HEIGHT_STOPS = ((0.0, (79, 140, 99)), (0.3, (196, 207, 135)), (0.55, (224, 196, 137)), (0.8, (168, 120, 84)), (1.0, (246, 244, 240)))
# Blind spots stand out; from one camera on the more the darker.
_CAMERAS = np.array(
    [(214, 69, 65, 190), (254, 240, 178, 190), (199, 233, 180, 200), (127, 205, 187, 205), (65, 182, 196, 210), (44, 127, 184, 215)]
    + [(37, 82, 160, 220)] * 3
    + [(12, 44, 110, 225)],
    dtype=np.uint8,
)


class Cells(NamedTuple):
    """The cells of a tile with ``BUFFER`` more on each side: ``values`` (bands, rows, columns), and how much each is there, 0 to 255.

    ``cell_m`` is their size on the ground, metres. ``colours`` is the palette of the file, (256, 4), None where it has none.
    """

    values: NDArray[Any]
    opacity: Bytes
    cell_m: float
    colours: Bytes | None = None


def picture(raster: Raster, style: str, cells: Cells) -> Bytes:
    """Return a tile in colours, (4, rows, columns), red, green, blue and opacity; the buffer is cut off."""
    inside = (slice(None), slice(BUFFER, -BUFFER), slice(BUFFER, -BUFFER))
    drawn = np.ascontiguousarray(_DRAWN[style](raster, cells)[inside])
    drawn[:3] *= drawn[3] > 0  # what nobody sees packs best when it is black
    return drawn


def _plain(raster: Raster, cells: Cells) -> Bytes:
    if cells.colours is not None:
        return _looked_up(cells.colours, cells.values[0], cells.opacity)
    chosen = (0, 1, 2) if len(raster.facts.bands) >= 3 else (0, 0, 0)
    is_ready = cells.values.dtype == np.uint8 and raster.kind == "orthophoto"
    bands = [cells.values[band] if is_ready else _stretched(raster, cells, band) for band in chosen]
    return np.stack([*bands, cells.opacity]).astype(np.uint8)


def _stretched(raster: Raster, cells: Cells, band: int) -> Bytes:
    low, high = raster.facts.bands[band].low, raster.facts.bands[band].high
    share = (cells.values[band].astype(np.float64) - low) / max(high - low, 1e-12)
    return np.asarray(np.clip(np.nan_to_num(share), 0.0, 1.0) * 255.0, dtype=np.uint8)


def _cameras(_: Raster, cells: Cells) -> Bytes:
    return _looked_up(_CAMERAS, np.minimum(cells.values[0], len(_CAMERAS) - 1), cells.opacity)


def _looked_up(colours: Bytes, values: NDArray[Any], opacity: Bytes) -> Bytes:
    found = np.moveaxis(colours[np.clip(values, 0, len(colours) - 1).astype(np.int64)], -1, 0).copy()
    found[3] = np.minimum(found[3], opacity)
    return np.asarray(found)


def _heights(raster: Raster, cells: Cells) -> Bytes:
    band = raster.facts.bands[0]
    share = (_metres(cells) - band.low) / max(band.high - band.low, 1.0)
    at = [stop for stop, _ in _HEIGHT_STOPS]
    drawn = [np.interp(np.nan_to_num(share), at, [colour[channel] for _, colour in _HEIGHT_STOPS]) for channel in range(3)]
    return np.stack([*drawn, cells.opacity]).astype(np.uint8)


def _hillshade(_: Raster, cells: Cells) -> Bytes:
    grey = (_shade(cells) * 255.0).astype(np.uint8)
    return np.stack([grey, grey, grey, cells.opacity])


def _relief(raster: Raster, cells: Cells) -> Bytes:
    drawn = _heights(raster, cells)
    # Level ground keeps its colour.
    light = 0.45 + 0.55 * _shade(cells) / np.sin(_SUN_HEIGHT)
    drawn[:3] = np.clip(drawn[:3] * light, 0.0, 255.0).astype(np.uint8)
    return drawn


def _terrarium(_: Raster, cells: Cells) -> Bytes:
    """Return heights in colours as map libraries decode them: red * 256 + green + blue / 256 - 32768, metres; 0 where there are none."""
    whole = np.clip(np.round((np.nan_to_num(_metres(cells)) + 32768.0) * 256.0), 0.0, 2.0**24 - 1.0).astype(np.int64)
    return np.stack([whole >> 16, (whole >> 8) & 255, whole & 255, np.full_like(whole, 255)]).astype(np.uint8)


def _metres(cells: Cells) -> Floats:
    """Return the heights, NaN where there are none."""
    return np.where(cells.opacity > 0, cells.values[0].astype(np.float64), np.nan)


def _shade(cells: Cells) -> Floats:
    """Return how bright slopes are under a sun in the north-west, 0 to 1; beside cells without a height as level ground."""
    south, east = np.gradient(_metres(cells), cells.cell_m)
    level = np.isnan(south) | np.isnan(east)
    north, east = -np.where(level, 0.0, south), np.where(level, 0.0, east)
    slope = 1.0 / np.sqrt(1.0 + north**2 + east**2)
    # The normal of a slope points away from where it rises.
    lit = np.cos(_SUN_HEIGHT) * (-east * np.sin(_SUN_AZIMUTH) - north * np.cos(_SUN_AZIMUTH)) + np.sin(_SUN_HEIGHT)
    return np.asarray(np.clip(lit * slope, 0.0, 1.0))


_DRAWN: Mapping[str, Callable[[Raster, Cells], Bytes]] = {
    "plain": _plain,
    "cameras": _cameras,
    "heights": _heights,
    "hillshade": _hillshade,
    "relief": _relief,
    "terrarium": _terrarium,
}
