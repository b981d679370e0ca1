"""Tile matrix sets: which squares of which coordinate system are the tiles of a zoom, and how OGC's standard describes them.

``CGCS2000Quad`` has the zooms and rows of Tianditu's ``_c`` service: level 1 is two tiles of 0.703125 degrees a pixel, the first
row begins at 90 degrees north. A level has about the scale of the same zoom of the web map square.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from gisgrid.errors import NotFoundError, ParameterError
from gisgrid.types import Bounds
from tiles.tile import MAX_ZOOM, MERCATOR_EDGE_M, TileId

_OGC = "http://www.opengis.net/def"
_PIXEL_M = 0.00028
"""The side of a pixel by which OGC's scales are counted."""
_PIXELS = 256
_RADIUS_M = 6378137.0
_M_PER_DEGREE = math.radians(_RADIUS_M)


class MatrixSet(NamedTuple):
    """A tile matrix set of square tiles that are halved from zoom to zoom.

    ``srid`` is the coordinate system that geometry is drawn in, ``epsg`` the one that it is called by: CGCS2000 counts as equal to
    WGS 84. ``west``, ``south`` and ``north`` bound it in units of that system, x before y; ``side`` is that of the one tile that
    zoom 0 has or would have, ``unit_m`` the metres of a unit at the equator.
    """

    id: str
    title: str
    epsg: int
    srid: int
    west: float
    south: float
    north: float
    side: float
    unit_m: float
    min_zoom: int
    max_zoom: int

    def check(self, tile: TileId) -> None:
        """Raise NotFoundError when the set has no such tile."""
        if not self.min_zoom <= tile.z <= self.max_zoom:
            raise NotFoundError(f"{self.id} has no zoom {tile.z}.", f"Zooms go from {self.min_zoom} to {self.max_zoom}.")
        if tile.x >= self.columns(tile.z) or tile.y >= self.rows(tile.z):
            raise NotFoundError(
                f"{self.id} has no tile {tile.z}/{tile.x}/{tile.y}.",
                f"At zoom {tile.z}, x goes from 0 to {self.columns(tile.z) - 1} and y from 0 to {self.rows(tile.z) - 1}.",
            )

    def columns(self, z: int) -> int:
        """Return how many tiles of a zoom are side by side."""
        return 1 << z

    def rows(self, z: int) -> int:
        """Return how many rows of tiles a zoom has."""
        return round((self.north - self.south) / self.side * (1 << z))

    def bounds(self, tile: TileId) -> Bounds:
        """Return the box of a tile without its buffer, in units of the set; neighbours have the very same edge."""
        side = self.side / (1 << tile.z)
        return Bounds(
            self.west + tile.x * side, self.north - (tile.y + 1) * side, self.west + (tile.x + 1) * side, self.north - tile.y * side
        )

    def from_degrees(self, lon: float, lat: float) -> tuple[float, float]:
        """Return a position in degrees in units of the set; latitudes that it cannot show become those of its edge."""
        if self.srid == 4326:
            return lon, min(max(lat, self.south), self.north)
        limited = min(max(lat, -_MERCATOR_LAT), _MERCATOR_LAT)
        return math.radians(lon) * _RADIUS_M, math.asinh(math.tan(math.radians(limited))) * _RADIUS_M

    def tile_at(self, lon: float, lat: float, z: int) -> TileId:
        """Return the tile of a zoom that holds a position in degrees; what lies beyond the set is in its outermost tiles."""
        x, y = self.from_degrees(lon, lat)
        column = math.floor((x - self.west) / self.side * (1 << z))
        row = math.floor((self.north - y) / self.side * (1 << z))
        return TileId(z, min(max(column, 0), self.columns(z) - 1), min(max(row, 0), self.rows(z) - 1))

    def document(self) -> dict[str, object]:
        """Return the description of the set as OGC's Two Dimensional Tile Matrix Set standard 2.0 wants it, for JSON."""
        document: dict[str, object] = {"id": self.id, "title": self.title, "crs": f"{_OGC}/crs/EPSG/0/{self.epsg}"}
        if self.id in _REGISTERED:
            document["uri"] = f"{_OGC}/tilematrixset/OGC/1.0/{self.id}"
            document["wellKnownScaleSet"] = f"{_OGC}/wkss/OGC/1.0/{_REGISTERED[self.id]}"
        document["orderedAxes"] = list(_AXES[self.epsg])
        document["tileMatrices"] = [self._matrix(z) for z in range(self.min_zoom, self.max_zoom + 1)]
        return document

    def _matrix(self, z: int) -> dict[str, object]:
        cell = self.side / (1 << z) / _PIXELS
        corner = [self.west, self.north]
        return {
            "id": str(z),
            "scaleDenominator": cell * self.unit_m / _PIXEL_M,
            "cellSize": cell,
            "cornerOfOrigin": "topLeft",
            # In the order of the axes, which for degrees is latitude first.
            "pointOfOrigin": corner if self.srid == 3857 else corner[::-1],
            "tileWidth": _PIXELS,
            "tileHeight": _PIXELS,
            "matrixWidth": self.columns(z),
            "matrixHeight": self.rows(z),
        }


_AXES = {3857: ("X", "Y"), 4490: ("Lat", "Lon")}
_REGISTERED = {"WebMercatorQuad": "GoogleMapsCompatible"}
_MERCATOR_LAT = math.degrees(math.atan(math.sinh(math.pi)))

WEB_MERCATOR_QUAD = MatrixSet(
    "WebMercatorQuad",
    "Web map square (EPSG:3857)",
    3857,
    3857,
    -MERCATOR_EDGE_M,
    -MERCATOR_EDGE_M,
    MERCATOR_EDGE_M,
    2 * MERCATOR_EDGE_M,
    1.0,
    0,
    MAX_ZOOM,
)
CGCS2000_QUAD = MatrixSet(
    "CGCS2000Quad",
    "CGCS2000 longitude and latitude (EPSG:4490), as Tianditu's _c",
    4490,
    4326,
    -180.0,
    -90.0,
    90.0,
    360.0,
    _M_PER_DEGREE,
    1,
    18,
)

MATRIX_SETS: dict[str, MatrixSet] = {one.id: one for one in (WEB_MERCATOR_QUAD, CGCS2000_QUAD)}
"""Every tile matrix set that tiles are served in, by id."""


def matrix_set(id: str) -> MatrixSet:
    """Return the tile matrix set called ``id``; raises ParameterError ``tms`` that lists those there are."""
    try:
        return MATRIX_SETS[id]
    except KeyError:
        raise ParameterError("tms", f"there is no tile matrix set {id[:80]!r}", " or ".join(MATRIX_SETS)) from None
