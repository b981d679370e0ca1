"""Everything with an address or a name in one row of arrays: buildings, address points, named places; where each is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gisgrid.addresses import HouseNumber
from gisgrid.geocoding.ground import Floats, Ground, Spot
from gisgrid.geocoding.lines import RoadLine
from gisgrid.geocoding.tables import GazetteerTables
from gisgrid.locator import FootprintTable, PointTable

_DOOR_M = 4.0


class Door(NamedTuple):
    """A feature (its row in ``Features``) with its door plate, and the building and unit that it is: plain numbers, or empty."""

    row: int
    number: HouseNumber
    building: str
    unit: str


class Side(NamedTuple):
    """Where features stand beside their roads, by row: the wall next to the road (n, 2 metres), and which of the roads of a name it is.

    NaN for those that are on no road with a line. ``grid`` and ``edge_m`` as in ``Spot``, of the wall.
    """

    xy: Floats
    grid: Sequence[int]
    edge_m: Sequence[float]
    line: NDArray[np.int64]


class Features:
    """Where features are; rows are those of buildings, then of addresses, then of places."""

    def __init__(self, ground: Ground, tables: GazetteerTables) -> None:
        self.ground = ground
        self.tables: dict[str, FootprintTable | PointTable] = {
            "buildings": tables.buildings,
            "addresses": tables.addresses,
            "places": tables.places,
        }
        self.shapes = ground.plane.shapes(np.concatenate([_shapes(table) for table in self.tables.values()]))
        self.layers = [layer for layer, table in self.tables.items() for _ in table.ids]
        self.ids = [feature for table in self.tables.values() for feature in table.ids]
        self.codes = [code for table in self.tables.values() for code in table.codes]
        self.xy = _centres(self.shapes)
        boxes = shapely.bounds(self.shapes).reshape(-1, 4)
        self.radius_m = (np.hypot(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]) / 2.0).tolist()
        self.degrees = ground.plane.degrees(self.xy)
        self.grid, self.edge_m = ground.grids(self.degrees)
        self.side: Side | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def stand(self, doors: Mapping[str, Sequence[Door]], lines: Mapping[str, Sequence[RoadLine]]) -> None:
        """Find where features stand beside their roads, once, before anybody asks."""
        rows, which, chosen = [], [], []
        for name, members in doors.items():
            parts = lines.get(name, ())
            if not parts:
                continue
            mine = [door.row for door in members]
            rows += mine
            nearest = np.zeros(len(mine), np.int64)
            if len(parts) > 1:
                nearest = np.argmin([shapely.distance(part.line, self.shapes[mine]) for part in parts], axis=0)
            which += nearest.tolist()
            chosen += [parts[part].line for part in nearest.tolist()]
        self.side = self._side(np.array(rows, np.int64), np.array(which, np.int64), np.array(chosen, dtype=object))

    def _side(self, rows: NDArray[np.int64], which: NDArray[np.int64], lines: NDArray[Any]) -> Side:
        count = len(self)
        xy, line = np.full((count, 2), np.nan), np.zeros(count, np.int64)
        if len(rows):
            # In the midst of the wall: of one that runs along the road every point is equally near.
            feet = shapely.get_point(shapely.shortest_line(shapely.points(self.xy[rows]), lines), 1)
            walls = shapely.get_point(shapely.shortest_line(self.shapes[rows], feet), 0)
            xy[rows], line[rows] = shapely.get_coordinates(walls), which
        grid, edge_m = self.ground.grids(self.ground.plane.degrees(xy))
        return Side(xy, grid, edge_m, line)

    def spot(self, row: int) -> Spot:
        """Return where a feature is, all of it."""
        lon, lat = self.degrees[row].tolist()
        return Spot(lon, lat, self.radius_m[row], self.grid[row], self.edge_m[row], 1.0, self.layers[row], self.ids[row], self.codes[row])

    def door_spot(self, row: int) -> Spot:
        """Return where the door of a feature is: on the wall next to its road, where that is known, else in its midst."""
        side = self.side
        if side is None or np.isnan(side.xy[row, 0]):
            return self.spot(row)
        lon, lat = self.ground.plane.degrees(side.xy[row]).tolist()
        return Spot(lon, lat, _DOOR_M, side.grid[row], side.edge_m[row], 1.0, self.layers[row], self.ids[row], self.codes[row])


def _shapes(table: FootprintTable | PointTable) -> NDArray[Any]:
    if isinstance(table, FootprintTable):
        return np.asarray(table.geometries, dtype=object)
    points: NDArray[Any] = np.empty(len(table.ids), dtype=object)
    points[:] = shapely.points(table.lon, table.lat) if len(table.ids) else []
    return points


def _centres(shapes: NDArray[Any]) -> Floats:
    """Return a point in the midst of each shape, on it: its centroid, or where that is beside it some point on it."""
    middle = shapely.centroid(shapes)
    beside = ~shapely.intersects(shapes, middle)
    middle[beside] = shapely.point_on_surface(shapes[beside])
    found: Floats = shapely.get_coordinates(middle).reshape(-1, 2)
    return found


def along(points: Floats, lines: Any) -> tuple[Floats, Floats]:
    """Return how far along lines points (n, 2) are, and how far beside them, to the left positive, metres."""
    spots = shapely.points(points)
    at = shapely.line_locate_point(lines, spots)
    foot = shapely.get_coordinates(shapely.line_interpolate_point(lines, at))
    ahead = shapely.get_coordinates(shapely.line_interpolate_point(lines, at + 1.0))
    back = shapely.get_coordinates(shapely.line_interpolate_point(lines, np.maximum(at - 1.0, 0.0)))
    run, away = ahead - back, points - foot
    side = np.sign(run[:, 0] * away[:, 1] - run[:, 1] * away[:, 0])
    return at, side * np.hypot(away[:, 0], away[:, 1])
