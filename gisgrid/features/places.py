"""Positions and boxes in any of the systems that features are asked for in, as places in the stored one: longitude, latitude."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable

import numpy as np
import shapely
from numpy.typing import NDArray

from gisgrid.crs import transformer
from gisgrid.errors import CrsError
from gisgrid.features.query import IN_DEGREES, NORTH_FIRST, SRID, Box
from gisgrid.types import Bounds

Positions = NDArray[np.float64]
"""Coordinates in rows of two."""

_WORLD_3857_M = 20_037_508.342789244

# Where a system has coordinates that mean a place: a box may reach farther, as a map that is zoomed out does. For the belts of three
# degrees that is 1,500 km to both sides of the meridian, and from the equator to 81 degrees north.
_REACH: dict[int, Bounds] = {
    3857: Bounds(-_WORLD_3857_M, -_WORLD_3857_M, _WORLD_3857_M, _WORLD_3857_M),
    4549: Bounds(-1_000_000.0, 0.0, 2_000_000.0, 9_000_000.0),
    4528: Bounds(39_000_000.0, 0.0, 42_000_000.0, 9_000_000.0),
}

# The sides of a box in one system are curves in the other: so many pieces follow them to millimetres in a city.
_PIECES = 32

# Up to this part of the whole it pays to find all that is in a box before it is put in order.
_SMALL = 0.05


def to_lonlat(srid: int, *, register_order: bool) -> Callable[[Positions], Positions]:
    """Return what makes longitude and latitude of positions in the system ``srid``, written as its register orders them or x before y.

    What is no place comes out infinite.
    """
    is_flipped = register_order and srid in NORTH_FIRST

    def convert(positions: Positions) -> Positions:
        """Return rows of longitude and latitude."""
        xy = positions[:, ::-1] if is_flipped else positions
        if srid in IN_DEGREES:
            return xy
        return np.column_stack(transformer(srid, SRID).transform(xy[:, 0], xy[:, 1]))

    return convert


def shapes_of(box: Box, name: str = "bbox") -> list[shapely.Geometry]:
    """Return the shapes that a box is in longitude and latitude: two when it goes across 180 degrees, none when it is nowhere.

    Its sides are straight in its own system. Raises CrsError for the parameter ``name`` when it has no shape there.
    """
    west, south, east, north = box.bounds
    if box.srid in IN_DEGREES:
        if west > east:
            return [_plain(west, south, 180.0, north), _plain(-180.0, south, east, north)]
        return [_plain(west, south, east, north)]
    reach = _REACH[box.srid]
    west, south, east, north = max(west, reach.west), max(south, reach.south), min(east, reach.east), min(north, reach.north)
    if west > east or south > north:
        return []
    return [_curved(Box(Bounds(west, south, east, north), box.srid), name)]


def is_small(box: Box, whole: Bounds) -> bool:
    """Say whether a box is a small part of ``whole`` (degrees, longitude first)."""
    sides = [box.bounds] if box.srid in IN_DEGREES else [Bounds(*shape.bounds) for shape in shapes_of(box)]
    area = math.fsum(_area(_common(bounds, whole)) for bounds in sides)
    return area <= _SMALL * _area(whole) and all(bounds.west <= bounds.east for bounds in sides)


def _common(first: Bounds, second: Bounds) -> Bounds:
    west, south = max(first.west, second.west), max(first.south, second.south)
    return Bounds(west, south, min(first.east, second.east), min(first.north, second.north))


def _area(bounds: Bounds) -> float:
    return max(bounds.east - bounds.west, 0.0) * max(bounds.north - bounds.south, 0.0)


def hex_of(shape: shapely.Geometry) -> str:
    """Return a shape in longitude and latitude as PostGIS reads it: well-known binary with its system, in hexadecimal digits."""
    return str(shapely.to_wkb(shapely.set_srid(shape, SRID), hex=True, include_srid=True))


def hexes_of(box: Box) -> list[str]:
    """Return ``shapes_of`` a box as ``hex_of`` gives them; the most common kind of box a hundred times faster."""
    return [_rectangle(box.bounds)] if is_rectangle(box) else [hex_of(shape) for shape in shapes_of(box)]


def well_inside(box: Box) -> str | None:
    """Return a rectangle a little within a box in degrees, as ``hex_of`` gives it; None where there is none.

    PostGIS keeps the boxes of geometries in single precision, rounded outwards: one that lies in this rectangle by those lies in ``box``.
    """
    west, south, east, north = box.bounds
    inner = Bounds(west + _ROUNDING_DEG, south + _ROUNDING_DEG, east - _ROUNDING_DEG, north - _ROUNDING_DEG)
    return _rectangle(inner) if is_rectangle(box) and inner.west < inner.east and inner.south < inner.north else None


# More than two steps of single precision at 180.
_ROUNDING_DEG = 4e-5


def is_rectangle(box: Box) -> bool:
    """Say whether a box is a rectangle in degrees that has a width and a height and does not go across 180 degrees."""
    return box.srid in IN_DEGREES and box.bounds.west < box.bounds.east and box.bounds.south < box.bounds.north


def _rectangle(bounds: Bounds) -> str:
    west, south, east, north = bounds
    corners = (west, south, west, north, east, north, east, south, west, south)
    return _RECTANGLE.pack(1, _POLYGON_WITH_SRID, SRID, 1, 5, *corners).hex()


_RECTANGLE = struct.Struct("<BIIII10d")
_POLYGON_WITH_SRID = 0x20000003


def _plain(west: float, south: float, east: float, north: float) -> shapely.Geometry:
    # A point or a line where it has no width.
    return shapely.MultiPoint([(west, south), (east, north)]).envelope


def _curved(box: Box, name: str) -> shapely.Geometry:
    plain = _plain(*box.bounds)
    longest = max(box.bounds.east - box.bounds.west, box.bounds.north - box.bounds.south)
    fine = shapely.segmentize(plain, longest / _PIECES) if longest > 0.0 else plain
    shape = shapely.transform(fine, to_lonlat(box.srid, register_order=False))
    if not (all(map(math.isfinite, shape.bounds)) and shape.is_valid):
        raise CrsError(f"the box is no place in EPSG:{box.srid}.", "a box within the area of that system", name)
    return shape
