"""Roads by name: their lines, their crossings with others, stretches of them, and the door plates along them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import shapely

from gisgrid.geocoding.doors import Doors
from gisgrid.geocoding.features import Door, Features
from gisgrid.geocoding.ground import Floats, Ground, Spot
from gisgrid.geocoding.lines import RoadLine, RoadLines
from gisgrid.geocoding.plates import Plates

_TOUCH_M = 15.0
_ONE_CROSSING_M = 60.0
_AROUND_M = 10.0
_STEP_M, _BESIDE_M = 8.0, 6.0
# So far along a road from a crossing is still "near" it, where no other crossing comes before.
_NEAR_M = 150.0


class Stretch(NamedTuple):
    """A part of a road as places where something on it may be: ``xy`` (n, 2) metres on both sides of it, and what holds most of them."""

    xy: Floats
    spot: Spot


class Crossing(NamedTuple):
    """Where two roads meet: ``x`` and ``y`` in metres, and how far along the first of them."""

    x: float
    y: float
    at_m: float
    spot: Spot


class Road:
    """One road with its door plates; ``of`` is its line, None where nothing but door plates is known of it."""

    def __init__(self, features: Features, name: str, of: RoadLine | None, doors: Sequence[Door]) -> None:
        self.name, self.of, self._features, self._doors = name, of, features, doors
        self.line: Any | None = None if of is None else of.line
        self._crossings: dict[int, tuple[Crossing, ...]] = {}
        self._stretches: dict[tuple[float, float], Stretch] = {}

    @property
    def _ground(self) -> Ground:
        return self._features.ground

    @cached_property
    def plates(self) -> Plates:
        """The door plates along it."""
        return Plates(self._features, self._doors, self.line)

    @property
    def has_plates(self) -> bool:
        """Whether any door plate along it is known."""
        return bool(self._doors)

    @cached_property
    def whole(self) -> Stretch:
        """All of it."""
        if self.line is not None:
            return self.stretch(0.0, self.line.length)
        return self._stretch(self._features.xy[[door.row for door in self._doors]])

    def crossings(self, other: Road) -> tuple[Crossing, ...]:
        """Return where it meets another road, each meeting once."""
        known = self._crossings.get(id(other))
        if known is None:
            known = self._crossings[id(other)] = tuple(self._crossing(x, y) for x, y in _meetings(self.line, other.line))
        return known

    def _crossing(self, x: float, y: float) -> Crossing:
        turns = np.linspace(0.0, 2.0 * np.pi, 16, endpoint=False) + 0.1
        spot = self._likeliest(np.stack([x + _AROUND_M * np.cos(turns), y + _AROUND_M * np.sin(turns)], axis=1))
        return Crossing(x, y, float(shapely.line_locate_point(self.line, shapely.points(x, y))), spot)

    def _likeliest(self, xy: Floats) -> Spot:
        found = self._ground.likeliest(xy)
        assert found is not None  # nothing limits the choice
        return self._named(found[0])

    def _named(self, spot: Spot) -> Spot:
        return spot if self.of is None else spot._replace(layer="roads", id=self.of.id, code=self.of.code)

    def limited(self, codes: frozenset[str]) -> Spot | None:
        """Return where on it something is that is said to be in one of some areas; None where it leads through none of them."""
        found = self._ground.likeliest(self.whole.xy, codes)
        return None if found is None else self._named(found[0])

    def stretch(self, start_m: float, end_m: float) -> Stretch:
        """Return the part between two measures along it."""
        key = (start_m, end_m) if start_m <= end_m else (end_m, start_m)
        known = self._stretches.get(key)
        if known is None:
            count = max(2, int((key[1] - key[0]) / _STEP_M) + 1)
            known = self._stretches[key] = self._stretch(_both_sides(self.line, np.linspace(*key, count)))
        return known

    def _stretch(self, xy: Floats) -> Stretch:
        return Stretch(xy, self._likeliest(xy))

    def near(self, crossing: Crossing, stops: Sequence[float]) -> Stretch:
        """Return the parts of it next to a crossing, up to the next of the measures ``stops`` on either side."""
        before = [stop for stop in stops if stop < crossing.at_m - _TOUCH_M]
        after = [stop for stop in stops if stop > crossing.at_m + _TOUCH_M]
        length = 0.0 if self.line is None else self.line.length
        start = before[-1] if before else max(0.0, crossing.at_m - _NEAR_M)
        return self.stretch(start, after[0] if after else min(length, crossing.at_m + _NEAR_M))


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

    def near(self, road: Road, crossing: Crossing) -> Stretch:
        """Return the parts of a road next to a crossing, up to the next crossings with any other road."""
        stops = self._stops.get(id(road))
        if stops is None:
            stops = self._stops[id(road)] = self._stops_of(road)
        return road.near(crossing, stops)

    def _stops_of(self, road: Road) -> list[float]:
        """Return where along a road others meet it."""
        shapes = self.lines.shapes
        met = shapely.intersection(road.line, shapes[self._tree.query(road.line, predicate="intersects")])
        points = shapely.get_parts(met[np.isin(shapely.get_type_id(met), (shapely.GeometryType.POINT, shapely.GeometryType.MULTIPOINT))])
        return np.unique(shapely.line_locate_point(road.line, points)).tolist() if len(points) else []

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(self.lines.shapes)
