"""Door plates of a road: by number, in the order along the road, and what stands behind each."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gisgrid.addresses import HouseNumber
from gisgrid.geocoding.features import Door, Features, along
from gisgrid.geocoding.ground import Spot

Key = tuple[int, str]
"""A door plate by number and what follows it."""

# Doors of one number or one name that are farther apart are two places.
_APART_M = 150.0
# Most that may be between two plates for a third to be guessed between them.
_GAP_M = 400.0


class Plate(NamedTuple):
    """A door plate, or a place with a name: where it is, how many buildings (``size``) it has, and these by number.

    ``behind`` has buildings by their number (``3``), units by both numbers (``3/2``).
    """

    number: HouseNumber
    spot: Spot
    size: int
    behind: Mapping[str, Spot]


class Between(NamedTuple):
    """A place guessed from the plates around it; ``is_between`` says that there is one on both sides of it."""

    x: float
    y: float
    radius_m: float
    is_between: bool
    is_right_side: bool


class Plates:
    """The door plates of one road; ``line`` is the road in metres, None where it has no geometry. Never changed."""

    def __init__(self, features: Features, doors: Sequence[Door], line: Any | None) -> None:
        self._plane, self._line = features.ground.plane, line
        members: dict[Key, list[Door]] = {}
        for door in doors:
            members.setdefault((door.number.number, door.number.suffix), []).append(door)
        self.by_key: dict[Key, tuple[Plate, ...]] = {
            key: tuple(plate_of(features, group) for group in groups(features, each)) for key, each in members.items()
        }
        self.all = [plate for plates in self.by_key.values() for plate in plates]
        self._add_ranges()
        self._sides = {side: _in_order(self.all, side) for side in (0, 1)}

    def _add_ranges(self) -> None:
        """Let a plate such as 41-45号 be found by each number that it stands for, unless that has its own."""
        for plate in self.all:
            number, suffix, until = plate.number
            for more in range(number + 2, (until or 0) + 1, 2):
                self.by_key.setdefault((more, suffix), (plate,))

    def guess(self, number: int) -> Between | None:
        """Return where a plate that is not there would be: between its neighbours of the same side, else beside the nearest one."""
        for side, is_right in ((number % 2, True), (1 - number % 2, False)):
            order = self._sides[side]
            if len(order) > 1 or (order and (is_right or len(self.all) == len(order))):
                return self._between(order, number, is_right_side=is_right)
        return None

    def _between(self, order: Sequence[Plate], number: int, *, is_right_side: bool) -> Between:
        place = bisect_left(order, number, key=lambda plate: plate.number.number)
        if 0 < place < len(order):
            low, high = order[place - 1], order[place]
            (x1, y1), (x2, y2) = self._xy(low), self._xy(high)
            gap = float(np.hypot(x2 - x1, y2 - y1))
            if gap <= _GAP_M:
                part = (number - low.number.number) / (high.number.number - low.number.number)
                x, y = self._beside(low, high, part) or (x1 + part * (x2 - x1), y1 + part * (y2 - y1))
                return Between(x, y, 0.5 * gap + 15.0, True, is_right_side)
            place = place if high.number.number - number < number - low.number.number else place - 1
        nearest = order[min(place, len(order) - 1)]
        steps = abs(number - nearest.number.number) / 2
        x, y = self._xy(nearest)
        return Between(x, y, nearest.spot.radius_m + 25.0 * steps + 15.0, False, is_right_side)

    def _beside(self, low: Plate, high: Plate, part: float) -> tuple[float, float] | None:
        """Return the place between two plates along the road and as far beside it; None where they are not on one side of one line."""
        if self._line is None or self._line.geom_type != "LineString":
            return None
        at, off = along(np.array([self._xy(low), self._xy(high)]), self._line)
        if not off[0] * off[1] > 0.0:
            return None
        middle, beside = float(at[0] + part * (at[1] - at[0])), float(off[0] + part * (off[1] - off[0]))
        (x1, y1), (x2, y2) = (self._line.interpolate(max(middle + step, 0.0)).coords[0] for step in (-1.0, 1.0))
        length = max(float(np.hypot(x2 - x1, y2 - y1)), 1e-6)
        return (x1 + x2) / 2.0 - (y2 - y1) / length * beside, (y1 + y2) / 2.0 + (x2 - x1) / length * beside

    def _xy(self, plate: Plate) -> tuple[float, float]:
        spot, plane = plate.spot, self._plane
        return (spot.lon - plane.lon) * plane.per_lon, (spot.lat - plane.lat) * plane.per_lat


def _in_order(plates: Sequence[Plate], side: int) -> list[Plate]:
    """Return the plates of odd or even numbers, one for each number, by number."""
    first: dict[int, Plate] = {}
    for plate in plates:
        number = plate.number.number
        if number % 2 == side and (number not in first or not plate.number.suffix):
            first[number] = plate
    return [first[number] for number in sorted(first)]


def groups(features: Features, doors: Sequence[Door]) -> list[list[Door]]:
    """Return doors in groups that lie together: the same number or name may be there twice, far apart."""
    if len(doors) == 1:
        return [list(doors)]
    xy = features.xy[[door.row for door in doors]]
    if (np.ptp(xy, axis=0) < _APART_M).all():
        return [list(doors)]
    left, found, places = list(range(len(doors))), [], xy.tolist()
    while left:
        # From door to door, as long as the next one is near.
        front, members = [left.pop(0)], []
        while front:
            here = front.pop()
            members.append(here)
            near = {k for k in left if math.dist(places[k], places[here]) <= _APART_M}
            left = [k for k in left if k not in near]
            front += near
        found.append([doors[k] for k in sorted(members)])
    return found


def plate_of(features: Features, doors: Sequence[Door]) -> Plate:
    """Return the plate of some doors that lie together.

    Of one building: on the wall that is next to the road. Of several: in the midst of all, for nobody knows where the gate is.
    """
    rows = [door.row for door in doors]
    behind: dict[str, Spot] = {}
    for door in doors:
        if door.building:
            behind.setdefault(f"{door.building}/{door.unit}" if door.unit else door.building, features.spot(door.row))
    if len(rows) == 1:
        return Plate(doors[0].number, features.door_spot(rows[0]), 1, behind)
    xy = features.xy[rows]
    x, y = (xy - (xy.min(axis=0) + xy.max(axis=0)) / 2.0).T
    middle = int(np.hypot(x, y).argmin())
    reach = max(
        math.hypot(east - x[middle], north - y[middle]) + features.radius_m[row]
        for row, east, north in zip(rows, x.tolist(), y.tolist(), strict=True)
    )
    return Plate(doors[0].number, features.spot(rows[middle])._replace(radius_m=float(reach)), len(rows), behind)
