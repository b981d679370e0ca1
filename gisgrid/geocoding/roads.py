"""Roads by name: their lines, their crossings with others, stretches of them, and the door plates along them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import shapely

from gisgrid.geocoding.doors import Doors
from gisgrid.geocoding.features import Door, Features
from gisgrid.geocoding.ground import Floats, Spot
from gisgrid.geocoding.lines import RoadLine, RoadLines
from gisgrid.geocoding.plates import Plates

_TOUCH_M = 15.0
_ONE_CROSSING_M = 60.0
_STEP_M, _BESIDE_M = 8.0, 6.0
# So far along a road from a crossing is still "near" it, where no other crossing comes before.
_NEAR_M = 150.0
# Places round a crossing, metres from it.
_TURNS = np.linspace(0.0, 2.0 * np.pi, 24, endpoint=False) + 0.1
_ROUND = 9.0 * np.stack([np.cos(_TURNS), np.sin(_TURNS)], axis=1)
# So many spots of a road are kept.
_MOST_KEPT = 2000


class Crossing(NamedTuple):
    """Where two roads meet: ``x`` and ``y`` in metres, and how far along the first of them."""

    x: float
    y: float
    at_m: float


Codes = Sequence[frozenset[str]]
"""Areas in which something is said to be: for each that is named the codes that it may mean, the smallest first."""


class Road:
    """One road with its door plates; ``of`` is its line, None where nothing but door plates is known of it."""

    def __init__(self, features: Features, name: str, of: RoadLine | None, doors: Sequence[Door]) -> None:
        self.name, self.of, self._features, self.doors = name, of, features, doors
        self.line: Any | None = None if of is None else of.line
        self._crossings: dict[int, tuple[Crossing, ...]] = {}
        self._places: dict[tuple[float, float], Floats] = {}
        self._spots: dict[object, Spot] = {}

    @cached_property
    def plates(self) -> Plates:
        """The door plates along it."""
        return Plates(self._features, self.doors, self.line)

    @property
    def has_plates(self) -> bool:
        """Whether any door plate along it is known."""
        return bool(self.doors)

    def crossings(self, other: Road) -> tuple[Crossing, ...]:
        """Return where it meets another road, each meeting once."""
        known = self._crossings.get(id(other))
        if known is None:
            at = [(x, y, float(shapely.line_locate_point(self.line, shapely.points(x, y)))) for x, y in _meetings(self.line, other.line)]
            known = self._crossings[id(other)] = tuple(Crossing(*place) for place in at)
        return known

    def crossing_spot(self, crossing: Crossing, codes: Codes) -> Spot:
        """Return where something at a crossing is: in the grid that has most of the ground around it, in the areas that are said."""
        return self._spot(crossing, codes, lambda: np.array([crossing.x, crossing.y]) + _ROUND)

    def stretch_spot(self, span: tuple[float, float], codes: Codes) -> Spot:
        """Return where something on it between two measures is, as ``crossing_spot`` does."""
        start, end = min(span), max(span)
        count = max(2, int((end - start) / _STEP_M) + 1)
        return self._spot((start, end), codes, lambda: _both_sides(self.line, np.linspace(start, end, count)))

    def whole_spot(self, codes: Codes) -> Spot:
        """Return where something anywhere on it is, as ``crossing_spot`` does."""
        if self.line is not None:
            return self.stretch_spot((0.0, self.line.length), codes)
        return self._spot("whole", codes, lambda: self._features.xy[[door.row for door in self.doors]])

    def _spot(self, what: object, codes: Codes, places: Callable[[], Floats]) -> Spot:
        """Return the likeliest of some places, in the smallest area said that has any of them."""
        key = (what, *codes)
        known = self._spots.get(key)
        if known is None:
            ground, xy = self._features.ground, places()
            found = next(filter(None, (ground.likeliest(xy, each) for each in codes)), None) or ground.likeliest(xy)
            assert found is not None  # without areas nothing limits the choice
            if len(self._spots) > _MOST_KEPT:
                self._spots.clear()
            known = found[0] if self.of is None else found[0]._replace(layer="roads", id=self.of.id, code=self.of.code)
            self._spots[key] = known
        return known

    def span_near(self, crossing: Crossing, stops: Sequence[float]) -> tuple[float, float]:
        """Return the part of it next to a crossing, up to the next of the measures ``stops`` on either side."""
        before = [stop for stop in stops if stop < crossing.at_m - _TOUCH_M]
        after = [stop for stop in stops if stop > crossing.at_m + _TOUCH_M]
        length = 0.0 if self.line is None else self.line.length
        start = before[-1] if before else max(0.0, crossing.at_m - _NEAR_M)
        return start, after[0] if after else min(length, crossing.at_m + _NEAR_M)


def _both_sides(line: Any, at: Floats) -> Floats:
    """Return points a few metres left and right of a line."""
    foot = shapely.get_coordinates(shapely.line_interpolate_point(line, at))
    ahead = shapely.get_coordinates(shapely.line_interpolate_point(line, at + 1.0))
    back = shapely.get_coordinates(shapely.line_interpolate_point(line, np.maximum(at - 1.0, 0.0)))
    run = ahead - back
    aside = np.stack([-run[:, 1], run[:, 0]], axis=1) / np.maximum(np.hypot(run[:, 0], run[:, 1]), 1e-9)[:, None]
    return np.concatenate([foot + _BESIDE_M * aside, foot - _BESIDE_M * aside])


def _meetings(one: Any | None, other: Any | None) -> list[tuple[float, float]]:
    """Return where two lines meet, points that lie together as one; where they all but touch counts too."""
    if one is None or other is None or one is other:
        return []
    points = shapely.get_coordinates(shapely.centroid(shapely.get_parts(shapely.intersection(one, other))))
    if not len(points):
        link = shapely.shortest_line(one, other)
        if link is None or link.length > _TOUCH_M:
            return []
        points = shapely.get_coordinates(link).mean(axis=0, keepdims=True)
    found: list[tuple[float, float]] = []
    for x, y in points.tolist():
        if all(np.hypot(x - a, y - b) > _ONE_CROSSING_M for a, b in found):
            found.append((x, y))
    return found


class Roads:
    """All roads by name; what is asked for is made and kept. Never changed: any thread may ask."""

    def __init__(self, features: Features, lines: RoadLines, doors: Doors) -> None:
        self._features, self.lines, self._doors = features, lines, doors
        self._known: dict[str, tuple[Road, ...]] = {}
        self._stops: dict[int, list[float]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self.lines.by_name or name in self._doors.by_road

    def named(self, name: str) -> tuple[Road, ...]:
        """Return the roads of a name: mostly one, several where the same name is there in several places."""
        known = self._known.get(name)
        if known is None:
            known = self._known.setdefault(name, self._make(name)) if name in self else ()
        return known

    def _make(self, name: str) -> tuple[Road, ...]:
        doors, parts = self._doors.by_road.get(name, []), self.lines.by_name.get(name, ())
        if not parts:
            return (Road(self._features, self._doors.road_names.get(name, name), None, doors),)
        which = self._features.side
        shares = [[door for door in doors if which is None or which.line[door.row] == k] for k in range(len(parts))]
        return tuple(Road(self._features, part.name, part, mine) for part, mine in zip(parts, shares, strict=True))

    def span_near(self, road: Road, crossing: Crossing) -> tuple[float, float]:
        """Return the part of a road next to a crossing, up to the next crossings with any other road."""
        stops = self._stops.get(id(road))
        if stops is None:
            stops = self._stops[id(road)] = self._stops_of(road)
        return road.span_near(crossing, stops)

    def _stops_of(self, road: Road) -> list[float]:
        """Return where along a road others meet it."""
        shapes = self.lines.shapes
        met = shapely.intersection(road.line, shapes[self._tree.query(road.line, predicate="intersects")])
        points = shapely.get_parts(met[np.isin(shapely.get_type_id(met), (shapely.GeometryType.POINT, shapely.GeometryType.MULTIPOINT))])
        return np.unique(shapely.line_locate_point(road.line, points)).tolist() if len(points) else []

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(self.lines.shapes)
