"""From a position to the address that it is at."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import shapely

from gisgrid.geocoding.answers import AddressLevel, NearAddress, Reversed
from gisgrid.geocoding.doors import Doors
from gisgrid.geocoding.features import Door, Features, along
from gisgrid.geocoding.lines import RoadLine, RoadLines
from gisgrid.geocoding.wording import Wording
from gisgrid.locator import FootprintIndex, PointIndex

# Farther away there is nothing that a position is at.
_FARTHEST_M = 300.0
_ROAD_M = 60.0
# An address across the road, or of another one, has to be this much nearer to be the one.
_ACROSS_M = 20.0
_OTHER_ROAD_M = 5.0
# So near to the middle of a road nobody can say on which side a position is.
_MIDDLE_M = 2.0
_LOOKED_AT = 12


class Indices(NamedTuple):
    """What finds the nearest buildings and address points; made of the same tables as the gazetteer."""

    footprints: FootprintIndex
    addresses: PointIndex


class _Road(NamedTuple):
    """The road next to a position: the key of its name, its line, how far away, and the side (1 left, -1 right, 0 in the middle)."""

    key: str
    of: RoadLine
    distance_m: float
    side: float


class Reverser:
    """Finds addresses near positions; never changed, any thread may ask."""

    def __init__(self, features: Features, doors: Doors, lines: RoadLines, indices: Indices, words: Wording) -> None:
        self._features, self._indices, self._words, self._lines = features, indices, words, lines
        self._door_of: dict[int, tuple[str, Door]] = {door.row: (road, door) for road, each in doors.by_road.items() for door in each}
        self._road_names = doors.road_names
        self._parts = [(key, part) for key, parts in lines.by_name.items() for part in parts]
        self._tree = shapely.STRtree([part.line for _, part in self._parts])

    def at(self, lon: float, lat: float, limit: int = 3) -> Reversed:
        """Return the address that a position (degrees, WGS 84) is at, and at most ``limit`` - 1 others near it."""
        (x, y), *_ = self._features.ground.plane.xy([[lon, lat]]).tolist()
        road = self._road(x, y)
        near = sorted(self._near(lon, lat, road), key=lambda found: found[0])[:limit]
        found = tuple(address for _, address in near)
        if road is None:
            return Reversed(found[0] if found else None, found[1:])
        return Reversed(found[0] if found else None, found[1:], road.of.name, round(road.distance_m, 1))

    def _road(self, x: float, y: float) -> _Road | None:
        rows, away = self._tree.query_nearest(shapely.points(x, y), max_distance=_ROAD_M, return_distance=True, all_matches=False)
        if not len(rows):
            return None
        key, part = self._parts[int(rows[0])]
        _, off = along(np.array([[x, y]]), part.line)
        return _Road(key, part, float(away[0]), 0.0 if away[0] < _MIDDLE_M else math.copysign(1.0, float(off[0])))

    def _near(self, lon: float, lat: float, road: _Road | None) -> list[tuple[float, NearAddress]]:
        """Return addresses near a position, each with its distance and what is added for being across the road."""
        buildings = [(row, away) for row, away in self._indices.footprints.nearest_rows(lon, lat, _LOOKED_AT, _FARTHEST_M)]
        first = len(self._features.tables["buildings"].ids)
        points = [(first + row, away) for row, away, _ in self._indices.addresses.nearest_rows(lon, lat, _LOOKED_AT, _FARTHEST_M)]
        known = [(row, away, *self._door_of[row]) for row, away in (*buildings, *points) if row in self._door_of]
        same = self._on_same_side([row for row, _, name, _ in known if road is not None and road.key == name], road)
        found = []
        for row, away, name, door in known:
            is_same = None if road is None else row in same
            is_there = away < 1.0 or is_same in (None, True)
            more = 0.0 if is_there else _ACROSS_M if road is not None and road.key == name else _OTHER_ROAD_M
            found.append((away + more, self._address(name, door, away, is_same)))
        return found

    def _on_same_side(self, rows: list[int], road: _Road | None) -> set[int]:
        """Return which of the features on a road are on the side of it that the position is on; all when that is in the middle."""
        if road is None or not rows or road.side == 0.0:
            return set(rows)
        _, off = along(self._features.xy[rows], road.of.line)
        return {row for row, away in zip(rows, off.tolist(), strict=True) if away * road.side > 0.0}

    def _address(self, name: str, door: Door, away_m: float, is_same: bool | None) -> NearAddress:
        features, row = self._features, door.row
        parts = self._lines.by_name.get(name)
        text = self._words.door(parts[0].name if parts else self._road_names.get(name, name), door.number)
        level: AddressLevel = "unit" if door.unit else "building" if door.building else "door_plate"
        if door.building:
            text = self._words.building(text, door.building, door.unit)
        spot = features.spot(row) if door.building else features.door_spot(row)
        place = (round(spot.lon, 7), round(spot.lat, 7), round(away_m, 1))
        return NearAddress(text, level, *place, is_same, spot.layer, features.ids[row], spot.code)
