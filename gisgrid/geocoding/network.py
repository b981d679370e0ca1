"""All roads of a city together: where they meet, and places along them with the grid of each, found at once for all."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gisgrid.geocoding.ground import Candidates, Floats, Ground

# Roads that all but touch meet too.
_TOUCH_M = 15.0
# Points where two roads meet that lie together are one crossing: of two carriageways.
_ONE_CROSSING_M = 60.0
_STEP_M, _BESIDE_M = 8.0, 6.0


class Crossing(NamedTuple):
    """Where two roads meet: ``x`` and ``y`` in metres, and how far along the first of them."""

    x: float
    y: float
    at_m: float


class Network:
    """Roads by number: their lines in metres. Never changed."""

    def __init__(self, ground: Ground, lines: Sequence[Any]) -> None:
        self._ground = ground
        self.lines: NDArray[Any] = np.empty(len(lines), dtype=object)
        self.lines[:] = lines
        self.lengths: list[float] = shapely.length(self.lines).tolist()
        self._crossings: dict[tuple[int, int], list[Crossing]] = {}
        self.stops: list[list[float]] = [[] for _ in lines]
        self._meet()
        self._sample()

    def on(self, ground: Ground) -> Network:
        """Return the same roads on a ground with other areas and the same plane."""
        if ground is self._ground:
            return self
        found = copy.copy(self)
        found._ground = ground
        found._sides = [places._replace(numbers=ground.grid_numbers(places.degrees)) for places in self._sides]
        return found

    def crossings(self, one: int, other: int) -> Sequence[Crossing]:
        """Return where two roads meet, each meeting once, with measures along the first."""
        return self._crossings.get((one, other), ())

    def _meet(self) -> None:
        if not len(self.lines):
            return
        one, other = shapely.STRtree(self.lines).query(self.lines, predicate="dwithin", distance=_TOUCH_M)
        one, other = one[one < other], other[one < other]
        met = shapely.intersection(self.lines[one], self.lines[other])
        apart = shapely.is_empty(met)
        met[apart] = shapely.centroid(shapely.shortest_line(self.lines[one[apart]], self.lines[other[apart]]))
        parts, pair = shapely.get_parts(met, return_index=True)
        points = shapely.centroid(parts)
        xy = shapely.get_coordinates(points).tolist()
        at = [shapely.line_locate_point(self.lines[ends[pair]], points).tolist() for ends in (one, other)]
        for k, (a, b, (x, y)) in enumerate(zip(one[pair].tolist(), other[pair].tolist(), xy, strict=True)):
            for first, second, along in ((a, b, at[0][k]), (b, a, at[1][k])):
                found = self._crossings.setdefault((first, second), [])
                if all(math.hypot(x - known.x, y - known.y) > _ONE_CROSSING_M for known in found):
                    found.append(Crossing(x, y, along))
                    self.stops[first].append(along)
        for stops in self.stops:
            stops.sort()

    def _sample(self) -> None:
        """Find places a few metres left and right of all roads, with the grid of each."""
        counts = np.maximum(2, (np.array(self.lengths) / _STEP_M).astype(np.int64) + 1)
        self._first = np.concatenate([[0], np.cumsum(counts)])
        owner = np.repeat(np.arange(len(counts)), counts)
        place = np.arange(len(owner)) - self._first[owner]
        self._step = np.array(self.lengths) / np.maximum(counts - 1, 1)
        foot = shapely.get_coordinates(shapely.line_interpolate_point(self.lines[owner], place * self._step[owner])).reshape(-1, 2)
        run = np.zeros_like(foot)
        if len(foot) > 1:
            run[1:], run[0] = foot[1:] - foot[:-1], foot[1] - foot[0]
            starts = self._first[:-1]
            run[starts] = foot[starts + 1] - foot[starts]
        aside = np.stack([-run[:, 1], run[:, 0]], axis=1) / np.maximum(np.hypot(run[:, 0], run[:, 1]), 1e-9)[:, None]
        self._sides = [self._ground.candidates(foot + offset * aside) for offset in (_BESIDE_M, -_BESIDE_M)]

    def along(self, road: int, start_m: float, end_m: float) -> Candidates:
        """Return the places on both sides of a road between two measures; two at least."""
        first, last = int(self._first[road]), int(self._first[road + 1])
        step = max(float(self._step[road]), 1e-9)
        low = min(first + round(max(start_m, 0.0) / step), last - 1)
        high = max(low + 1, min(first + round(end_m / step) + 1, last))
        left, right = self._sides
        return Candidates(*(np.concatenate([a[low:high], b[low:high]]) for a, b in zip(left, right, strict=True)))


def beside(foot: Floats) -> Floats:
    """Return places around a point (metres), a little way off in all directions."""
    return foot + _ROUND


_TURNS = np.linspace(0.0, 2.0 * np.pi, 24, endpoint=False) + 0.1
_ROUND = 9.0 * np.stack([np.cos(_TURNS), np.sin(_TURNS)], axis=1)
