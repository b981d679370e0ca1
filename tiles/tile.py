"""Which square of the map: the address of a tile, checked, and the box that it covers."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gisgrid.errors import NotFoundError
from gisgrid.types import Bounds

MAX_ZOOM = 22
"""The deepest zoom that is served: a tile unit is 2 micrometres there."""

MERCATOR_EDGE_M = math.pi * 6378137.0
"""Where the web map square ends, metres of EPSG:3857 from its middle."""


@dataclass(frozen=True, slots=True)
class TileId:
    """A tile of the web map square (WebMercatorQuad): zoom, column from the west, row from the north.

    Raises NotFoundError when there is no such tile: zoom outside 0 to 22, or a column or row outside 0 to 2^z - 1.

    >>> TileId(14, 13669, 6392).z
    14
    """

    z: int
    x: int
    y: int

    def __post_init__(self) -> None:
        if not 0 <= self.z <= MAX_ZOOM:
            raise NotFoundError(f"There is no zoom {self.z}.", f"Zooms go from 0 to {MAX_ZOOM}.")
        last = (1 << self.z) - 1
        if not (0 <= self.x <= last and 0 <= self.y <= last):
            raise NotFoundError(f"There is no tile {self.z}/{self.x}/{self.y}.", f"At zoom {self.z}, x and y go from 0 to {last}.")

    @property
    def bounds_m(self) -> Bounds:
        """The box of the tile in EPSG:3857 metres, without the buffer."""
        side = 2 * MERCATOR_EDGE_M / (1 << self.z)
        west, north = self.x * side - MERCATOR_EDGE_M, MERCATOR_EDGE_M - self.y * side
        return Bounds(west, north - side, west + side, north)

    @property
    def bounds(self) -> Bounds:
        """The box of the tile in WGS 84 degrees, without the buffer."""
        box = self.bounds_m
        return Bounds(_lon(box.west), _lat(box.south), _lon(box.east), _lat(box.north))


def parse_tile_id(z: str, x: str, y: str) -> TileId:
    """Return the tile whose address is written as three decimal numbers; raises NotFoundError for anything else."""
    for text in (z, x, y):
        # isdecimal alone would let the digits of other scripts through; ten digits hold every column of zoom 22.
        if not (text.isascii() and text.isdecimal() and len(text) <= 10):
            raise NotFoundError(f"There is no tile {z[:20]}/{x[:20]}/{y[:20]}.", "A tile is z/x/y in decimal numbers.")
    return TileId(int(z), int(x), int(y))


def tile_at(lon: float, lat: float, z: int) -> TileId:
    """Return the tile of zoom ``z`` that holds a position in WGS 84 degrees; latitudes beyond the square are cut to it."""
    count = 1 << z
    x = math.floor((lon + 180.0) / 360.0 * count)
    y = math.floor((1.0 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2.0 * count)
    return TileId(z, min(max(x, 0), count - 1), min(max(y, 0), count - 1))


def _lon(x_m: float) -> float:
    return x_m / MERCATOR_EDGE_M * 180.0


def _lat(y_m: float) -> float:
    return math.degrees(math.atan(math.sinh(y_m / MERCATOR_EDGE_M * math.pi)))
