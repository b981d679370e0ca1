"""Roads by name: their crossings with others, stretches of them, and the door plates along them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from gisgrid.geocoding.doors import Doors
from gisgrid.geocoding.features import Door, Features
from gisgrid.geocoding.ground import Candidates, Spot
from gisgrid.geocoding.lines import RoadLine, RoadLines
from gisgrid.geocoding.network import Crossing, Network, beside
from gisgrid.geocoding.plates import Plates

Codes = Sequence[frozenset[str]]
"""Areas in which something is said to be: for each that is named the codes that it may mean, the smallest first."""

# Another crossing nearer than this is part of the same one.
_SAME_M = 15.0
# So far along a road from a crossing is still "near" it, where no other crossing comes before.
_NEAR_M = 150.0
# So many spots of a road are kept.
_MOST_KEPT = 2000


class Road:
    """One road with its door plates; ``number`` is its own in the network, -1 where nothing but door plates is known of it."""

    def __init__(self, roads: Roads, name: str, number: int, doors: Sequence[Door]) -> None:
        self.name, self.number, self.doors, self._roads = name, number, doors, roads
        self.of: RoadLine | None = roads.parts[number] if number >= 0 else None
        self._spots: dict[object, Spot] = {}

    @property
    def line(self) -> Any | None:
        """Its line in metres, None where there is none."""
        return None if self.of is None else self.of.line

    @cached_property
    def plates(self) -> Plates:
        """The door plates along it."""
        return Plates(self._roads.features, self.doors, self.line)

    @property
    def has_plates(self) -> bool:
        """Whether any door plate along it is known."""
        return bool(self.doors)

    def crossings(self, other: Road) -> Sequence[Crossing]:
        """Return where it meets another road, each meeting once."""
        return self._roads.network.crossings(self.number, other.number) if self.number >= 0 and other.number >= 0 else ()

    def crossing_spot(self, crossing: Crossing, codes: Codes) -> Spot:
        """Return where something at a crossing is: in the grid that has most of the ground around it, in the areas that are said."""
        ground = self._roads.features.ground
        return self._spot(crossing, codes, lambda: ground.candidates(beside(np.array([crossing.x, crossing.y]))))

    def stretch_spot(self, span: tuple[float, float], codes: Codes) -> Spot:
        """Return where something on it between two measures is, as ``crossing_spot`` does."""
        start, end = min(span), max(span)
        return self._spot((start, end), codes, lambda: self._roads.network.along(self.number, start, end))

    def whole_spot(self, codes: Codes) -> Spot:
        """Return where something anywhere on it is, as ``crossing_spot`` does."""
        if self.number >= 0:
            return self.stretch_spot((0.0, self._roads.network.lengths[self.number]), codes)
        features = self._roads.features
        return self._spot("whole", codes, lambda: features.ground.candidates(features.xy[[door.row for door in self.doors]]))

    def _spot(self, what: object, codes: Codes, places: Callable[[], Candidates]) -> Spot:
        """Return the likeliest of some places, in the smallest area said that has any of them."""
        key = (what, *codes)
        known = self._spots.get(key)
        if known is None:
            ground, every = self._roads.features.ground, places()
            found = next(filter(None, (ground.likeliest(every, each) for each in codes)), None) or ground.likeliest(every)
            assert found is not None  # without areas nothing limits the choice
            if len(self._spots) > _MOST_KEPT:
                self._spots.clear()
            known = found if self.of is None else found._replace(layer="roads", id=self.of.id, code=self.of.code)
            self._spots[key] = known
        return known

    def span_near(self, crossing: Crossing) -> tuple[float, float]:
        """Return the part of it next to a crossing, up to the next crossings with any other road on either side."""
        network = self._roads.network
        stops, length = network.stops[self.number], network.lengths[self.number]
        before = [stop for stop in stops if stop < crossing.at_m - _SAME_M]
        after = [stop for stop in stops if stop > crossing.at_m + _SAME_M]
        start = before[-1] if before else max(0.0, crossing.at_m - _NEAR_M)
        return start, after[0] if after else min(length, crossing.at_m + _NEAR_M)


class Roads:
    """All roads by name; what is asked for is made and kept. Never changed: any thread may ask.

    ``network`` is of the same lines, where there is one already.
    """

    def __init__(self, features: Features, lines: RoadLines, doors: Doors, network: Network | None = None) -> None:
        self.features, self._doors, self._network = features, doors, network
        self.parts = [part for parts in lines.by_name.values() for part in parts]
        self._numbers: dict[str, range] = {}
        first = 0
        for name, parts in lines.by_name.items():
            self._numbers[name] = range(first, first + len(parts))
            first += len(parts)
        self._known: dict[str, tuple[Road, ...]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._numbers or name in self._doors.by_road

    @cached_property
    def network(self) -> Network:
        """All roads that have a line, together."""
        return self._network or Network(self.features.ground, [part.line for part in self.parts])

    def prepare(self) -> None:
        """Make the plates of all roads, which are else made when a road is asked for first."""
        for name in self._doors.by_road:
            for road in self.named(name):
                _ = road.plates

    def named(self, name: str) -> tuple[Road, ...]:
        """Return the roads of a name: mostly one, several where the same name is there in several places."""
        known = self._known.get(name)
        if known is None:
            known = self._known.setdefault(name, self._make(name)) if name in self else ()
        return known

    def _make(self, name: str) -> tuple[Road, ...]:
        doors, numbers = self._doors.by_road.get(name, []), self._numbers.get(name)
        if numbers is None:
            return (Road(self, self._doors.road_names.get(name, name), -1, doors),)
        which = self.features.side
        shares = [[door for door in doors if which is None or which.line[door.row] == k] for k in range(len(numbers))]
        return tuple(Road(self, self.parts[number].name, number, mine) for number, mine in zip(numbers, shares, strict=True))
