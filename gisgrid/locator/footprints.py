"""Building footprints in memory: the building at a point."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gisgrid.locator.ground import metres_per_degree
from gisgrid.locator.replacing import Boxes, each_box, splice


class FootprintTable(NamedTuple):
    """Buildings: ids, codes, footprints (shapely, WGS 84), and the values of ``fields`` for each."""

    ids: list[int]
    codes: list[str]
    geometries: NDArray[Any]
    fields: tuple[str, ...]
    rows: list[tuple[object, ...]]


class Building(NamedTuple):
    """A building near a point; ``distance_m`` is 0 where its footprint covers the point."""

    id: int
    code: str
    distance_m: float
    properties: dict[str, object]


class FootprintIndex:
    """The footprints of a layer of buildings."""

    def __init__(self, table: FootprintTable) -> None:
        self.table = table
        self._tree = shapely.STRtree(table.geometries)

    def __len__(self) -> int:
        return len(self.table.ids)

    def at(self, lon: float, lat: float, within_m: float) -> Building | None:
        """Return the building that covers a point (degrees, WGS 84), else the nearest at most ``within_m`` metres away.

        Of several that are equally near the one with the smallest code.
        """
        per_lon, per_lat = metres_per_degree(lat)
        reach_lon, reach_lat = within_m / max(per_lon, 1.0), within_m / per_lat
        near = self._tree.query(shapely.box(lon - reach_lon, lat - reach_lat, lon + reach_lon, lat + reach_lat))
        if not near.size:
            return None
        distances = self._distances_m(near, lon, lat, np.array([per_lon, per_lat]))
        codes = self.table.codes
        distance_m, code, row = min(zip(distances.tolist(), [codes[row] for row in near.tolist()], near.tolist(), strict=True))
        if not distance_m <= within_m:
            return None
        return Building(self.table.ids[row], code, distance_m, dict(zip(self.table.fields, self.table.rows[row], strict=True)))

    def _distances_m(self, rows: NDArray[np.int64], lon: float, lat: float, scale: NDArray[np.float64]) -> NDArray[np.float64]:
        shapes = self.table.geometries[rows]
        covered = shapely.intersects_xy(shapes, lon, lat)
        if covered.any():
            return np.where(covered, 0.0, math.inf)
        in_metres = shapely.transform(shapes, lambda coordinates: (coordinates - (lon, lat)) * scale)
        return np.asarray(shapely.distance(in_metres, shapely.Point(0.0, 0.0)))

    def replaced(self, bounds: Boxes, table: FootprintTable) -> FootprintIndex:
        """Return an index in which those of ``table`` have taken the place of the footprints that touch ``bounds`` (degrees).

        A footprint touches where its own box does. ``table`` holds every feature that touches now; it may hold others as
        they are. The answers are those of an index built anew.
        """
        old = self.table
        box_west, box_south, box_east, box_north = shapely.bounds(old.geometries).reshape(-1, 4).T
        touched = np.zeros(len(old.ids), bool)
        for west, south, east, north in each_box(bounds):
            touched |= (west <= box_east) & (box_west <= east) & (south <= box_north) & (box_south <= north)
        change = splice(old.ids, touched, table.ids)
        return FootprintIndex(
            FootprintTable(
                change.of(old.ids, table.ids),
                change.of(old.codes, table.codes),
                change.of_arrays(old.geometries, table.geometries),
                old.fields,
                change.of(old.rows, table.rows),
            )
        )
