"""A plane in metres for the areas of one city: degrees scaled by what they measure in its middle.

Scaling keeps straight edges straight and equal coordinates equal, so that areas which fit in degrees, as PostGIS sees them, fit in the
plane; a projection would bend an edge away from a vertex on its middle. Areas measured in the plane are then corrected by the
scale at the place itself, which makes them right on the ground.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gisgrid.locator.ground import metres_per_degree, metres_per_degree_many

Shapes = NDArray[Any]
"""An array of shapely geometries."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Plane(NamedTuple):
    """Where the plane lies: its origin in WGS 84 degrees, and the metres of a degree there."""

    lon: float
    lat: float
    per_lon: float
    per_lat: float

    @classmethod
    def around(cls, shapes: Shapes) -> Plane:
        """Return the plane in the middle of geometries in WGS 84 degrees; at 0, 0 when there are none."""
        at = shapely.get_coordinates(shapes)
        lon, lat = ((at.min(axis=0) + at.max(axis=0)) / 2.0).tolist() if len(at) else (0.0, 0.0)
        return cls(lon, lat, *metres_per_degree(lat))

    def from_wgs84(self, shapes: Shapes) -> Shapes:
        """Return geometries given in WGS 84 degrees in metres of the plane."""
        scale, origin = (self.per_lon, self.per_lat), (self.lon, self.lat)
        return np.asarray(shapely.transform(shapes, lambda at: (at - origin) * scale), dtype=object)

    def to_wgs84(self, shapes: Shapes) -> Shapes:
        """Return geometries of the plane in WGS 84 degrees."""
        scale, origin = (self.per_lon, self.per_lat), (self.lon, self.lat)
        return np.asarray(shapely.transform(shapes, lambda at: at / scale + origin), dtype=object)

    def area_m2(self, shapes: Shapes) -> Floats:
        """Return the area on the ground of each geometry of the plane, square metres; 0 for None and empty ones."""
        area = np.nan_to_num(np.asarray(shapely.area(shapes), dtype=np.float64))
        north_m = np.nan_to_num(np.asarray(shapely.get_y(shapely.centroid(shapes)), dtype=np.float64))
        per_lon, per_lat = metres_per_degree_many(self.lat + north_m / self.per_lat)
        return np.asarray(area * per_lon * per_lat / (self.per_lon * self.per_lat), dtype=np.float64)


class Pieces(NamedTuple):
    """Polygons that came out of an overlay: ``owner`` is the row of the geometry that each is a part of."""

    shapes: Shapes
    owner: Ints
    area_m2: Floats
    width_m: Floats

    def where(self, chosen: Flags) -> Pieces:
        """Return some of the pieces."""
        return Pieces(self.shapes[chosen], self.owner[chosen], self.area_m2[chosen], self.width_m[chosen])


def pieces(plane: Plane, shapes: Shapes, narrowest_m: float) -> Pieces:
    """Return the polygons in ``shapes`` (in the plane) that are at least ``narrowest_m`` wide.

    The width is twice the area by the perimeter: that of a long strip, and half that of a compact piece.
    """
    parts, owner = shapely.get_parts(shapes, return_index=True)
    kept = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    parts, owner = parts[kept], owner[kept]
    perimeter = shapely.length(parts)
    width = np.divide(2.0 * shapely.area(parts), perimeter, out=np.zeros(len(parts)), where=perimeter > 0.0)
    kept = width >= narrowest_m
    parts = parts[kept]
    return Pieces(parts, owner[kept], plane.area_m2(parts), width[kept])


def gathered(shapes: Shapes) -> Any:
    """Return polygons as one multipolygon, or the one that there is."""
    return shapes[0] if len(shapes) == 1 else shapely.multipolygons(shapes)
