"""Everything with an address or a name in one row of arrays: buildings, address points, named places; where each is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gisgrid.addresses import HouseNumber
from gisgrid.geocoding.ground import FAR_M, Floats, Ground, Spot
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
    grid: NDArray[np.int64]
    edge_m: Floats
    line: NDArray[np.int64]

    def on(self, ground: Ground, before: Ground) -> Side:
        """Return the same on another ground than ``before``, in the same plane."""
        return self if ground is before else self._replace(**_grids(ground, ground.plane.degrees(self.xy)))


class Features:
    """Where features are; rows are those of buildings, then of addresses, then of places.

    With ``before``, the features of another time in the same plane, what is known of those that have not changed is taken over.
    """

    _places: _Places

    def __init__(self, ground: Ground, tables: GazetteerTables, before: Features | None = None) -> None:
        self.ground = ground
        self.tables: dict[str, FootprintTable | PointTable] = {
            "buildings": tables.buildings,
            "addresses": tables.addresses,
            "places": tables.places,
        }
        self.layers = [layer for layer, table in self.tables.items() for _ in table.ids]
        self.ids = [feature for table in self.tables.values() for feature in table.ids]
        self.codes = [code for table in self.tables.values() for code in table.codes]
        self._rows = [row for table in self.tables.values() for row in table.rows]
        self._source = source = _source(self._rows, [] if before is None else before._rows)
        fresh = _Places.of(ground, np.concatenate([_shapes(table) for table in self.tables.values()])[source < 0])
        places = fresh if before is None else _Places(*(_merged(source, *both) for both in zip(before._places, fresh, strict=True)))
        if before is not None and before.ground is not ground:
            places = places._replace(**_grids(ground, places.degrees))
        self._places = places
        self.shapes, self.xy, self.degrees = places.shapes, places.xy, places.degrees
        self.radius_m: list[float] = places.radius_m.tolist()
        self.grid: list[int] = places.grid.tolist()
        self.edge_m: list[float] = places.edge_m.tolist()
        self.side: Side | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def is_like(self, other: Features) -> bool:
        """Return whether these are the very same features, wherever they are."""
        return all(mine is theirs for mine, theirs in zip(self.tables.values(), other.tables.values(), strict=True))

    def stand(self, doors: Mapping[str, Sequence[Door]], lines: Mapping[str, Sequence[RoadLine]], before: Features | None = None) -> None:
        """Find where features stand beside their roads, once, before anybody asks; ``before`` stood beside the same roads."""
        rows, which, chosen = [], [], []
        known = None if before is None or before.side is None else before.side.on(self.ground, before.ground)
        source = self._source if known is not None else np.full(len(self), -1, np.int64)
        is_fresh = (source < 0).tolist()
        for name, members in doors.items():
            parts = lines.get(name, ())
            mine = [door.row for door in members if is_fresh[door.row]] if parts else []
            if not mine:
                continue
            rows += mine
            nearest = np.zeros(len(mine), np.int64)
            if len(parts) > 1:
                nearest = np.argmin([shapely.distance(part.line, self.shapes[mine]) for part in parts], axis=0)
            which += nearest.tolist()
            chosen += [parts[part].line for part in nearest.tolist()]
        self.side = self._side(np.array(rows, np.int64), np.array(which, np.int64), np.array(chosen, dtype=object), known)

    def _side(self, rows: NDArray[np.int64], which: NDArray[np.int64], lines: NDArray[Any], known: Side | None) -> Side:
        count = len(self)
        xy, line = np.full((count, 2), np.nan), np.zeros(count, np.int64)
        grid, edge_m = np.full(count, -1, np.int64), np.full(count, FAR_M)
        if known is not None:
            kept = self._source >= 0
            for mine, other in zip((xy, grid, edge_m, line), known, strict=True):
                mine[kept] = other[self._source[kept]]
        if len(rows):
            # In the midst of the wall: of one that runs along the road every point is equally near.
            feet = shapely.get_point(shapely.shortest_line(shapely.points(self.xy[rows]), lines), 1)
            walls = shapely.get_coordinates(shapely.get_point(shapely.shortest_line(self.shapes[rows], feet), 0))
            xy[rows], line[rows] = walls, which
            grid[rows], edge_m[rows] = self.ground.grids(self.ground.plane.degrees(walls))
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
        return Spot(lon, lat, _DOOR_M, int(side.grid[row]), float(side.edge_m[row]), 1.0, self.layers[row], self.ids[row], self.codes[row])


class _Places(NamedTuple):
    """What is known of features by their shapes: these in metres, a point in their midst, how far they reach, and the grid of that."""

    shapes: NDArray[Any]
    xy: Floats
    degrees: Floats
    radius_m: Floats
    grid: NDArray[np.int64]
    edge_m: Floats

    @classmethod
    def of(cls, ground: Ground, shapes: NDArray[Any]) -> _Places:
        """Find it for shapes in degrees."""
        moved = ground.plane.shapes(shapes)
        xy = _centres(moved)
        boxes = shapely.bounds(moved).reshape(-1, 4)
        degrees = ground.plane.degrees(xy)
        reach_m = np.hypot(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]) / 2.0
        return cls(moved, xy, degrees, reach_m, **_grids(ground, degrees))


def _grids(ground: Ground, degrees: Floats) -> dict[str, NDArray[Any]]:
    """Return the numbers of the grids of places and the distances to their edges; those that are nowhere are in none."""
    grid, edge_m = ground.grids(degrees)
    return {"grid": np.array(grid, np.int64), "edge_m": np.array(edge_m, np.float64)}


def _source(rows: Sequence[object], before: Sequence[object]) -> NDArray[np.int64]:
    """Return for each row where it was before, -1 for those that are new: what has not been read again is the same object."""
    known = {id(row): place for place, row in enumerate(before)}
    return np.array([known.get(id(row), -1) for row in rows], np.int64)


def _merged(source: NDArray[np.int64], old: NDArray[Any], fresh: NDArray[Any]) -> NDArray[Any]:
    """Return a column for rows that were somewhere before or are fresh."""
    found = np.empty((len(source), *fresh.shape[1:]), dtype=fresh.dtype)
    kept = source >= 0
    found[kept], found[~kept] = old[source[kept]], fresh
    return found


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
