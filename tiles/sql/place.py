"""Where a tile is: the numbers that its query is given."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gisgrid.crs import GCJ02, is_shifted, to_wgs84
from gisgrid.types import Bounds
from tiles.matrix import WEB_MERCATOR_QUAD, MatrixSet
from tiles.sql.thinning import AROUND, EXTENT
from tiles.tile import MERCATOR_EDGE_M, TileId

Floats = NDArray[np.float64]

_STEPS = 9
_EDGE_DEG = 0.05
_LEAST_MARGIN_M = 2.0
# Between two positions of the lattice a side bends by less than this part of it, at every zoom that is served.
_BEND = 0.002


def place_args(matrix_set: MatrixSet, tile: TileId) -> dict[str, float]:
    """Return the box of a tile in units of its set, how many tiles a unit is, and its column and row from the south-west corner."""
    west, south, east, north = matrix_set.bounds(tile)
    return {
        "west": west,
        "south": south,
        "east": east,
        "north": north,
        "tiles_per_unit": (1 << tile.z) / matrix_set.side,
        "tile_column": tile.x,
        "tile_row": matrix_set.rows(tile.z) - 1 - tile.y,
    }


def near_args(tile: TileId) -> dict[str, float]:
    """Return the box in WGS 84 of all that a tile for GCJ-02 base maps may show, metres of EPSG:3857."""
    box = WEB_MERCATOR_QUAD.bounds(tile)
    around = (box.east - box.west) * AROUND / EXTENT
    near = shift_back(Bounds(box.west - around, box.south - around, box.east + around, box.north + around))
    return {"near_west": near.west, "near_south": near.south, "near_east": near.east, "near_north": near.north}


@lru_cache(maxsize=4096)
def shift_back(box: Bounds) -> Bounds:
    """Return a box that holds all WGS 84 positions which GCJ-02 puts into ``box``; both in metres of EPSG:3857.

    A lattice over the box is shifted back; the margin around it covers what bends in between. Where the box comes near the edge
    of the part of the world that is shifted, positions beyond that edge are where they were.
    """
    side = max(box.east - box.west, box.north - box.south)
    x, y = np.meshgrid(np.linspace(box.west, box.east, _STEPS), np.linspace(box.south, box.north, _STEPS))
    lon, lat = _degrees(np.clip(x, -MERCATOR_EDGE_M, MERCATOR_EDGE_M), np.clip(y, -MERCATOR_EDGE_M, MERCATOR_EDGE_M))
    back_lon, back_lat = to_wgs84(GCJ02, lon, lat)
    back_x, back_y = _metres(back_lon, back_lat)
    margin = max(_LEAST_MARGIN_M, _BEND * side)
    found = Bounds(float(back_x.min()) - margin, float(back_y.min()) - margin, float(back_x.max()) + margin, float(back_y.max()) + margin)
    west, south = float(lon.min()) - _EDGE_DEG, float(lat.min()) - _EDGE_DEG
    east, north = float(lon.max()) + _EDGE_DEG, float(lat.max()) + _EDGE_DEG
    return found if is_shifted(west, south) and is_shifted(east, north) else _union(found, box)


def _degrees(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return longitude and latitude of positions in EPSG:3857."""
    turn = np.pi / MERCATOR_EDGE_M
    return np.degrees(x * turn), np.degrees(np.arctan(np.sinh(y * turn)))


def _metres(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Return positions in EPSG:3857 of longitudes and latitudes."""
    turn = MERCATOR_EDGE_M / np.pi
    return np.radians(lon) * turn, np.arcsinh(np.tan(np.radians(lat))) * turn


def _union(first: Bounds, second: Bounds) -> Bounds:
    return Bounds(
        min(first.west, second.west), min(first.south, second.south), max(first.east, second.east), max(first.north, second.north)
    )
