"""Which areas a position may belong to: those within the doubt of it, and how much of its circle of uncertainty each has."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gisgrid.locator.areas import AreaIndex
from gisgrid.locator.boundary import Boundary
from gisgrid.locator.circle import Circle, pair_shares, shares
from gisgrid.locator.edges import Flags, Floats, Ints, Longs
from gisgrid.locator.others import Others
from gisgrid.types import Candidate

_ROUNDING = 1e-12


class Doubtful(NamedTuple):
    """The candidates of a position, and the share of its circle that is in no area; None without a circle."""

    candidates: tuple[Candidate, ...]
    outside_share: float | None


class Circles(NamedTuple):
    """The candidates of many positions that have circles, as pairs of a position (by its row) and an area.

    By row; in each the area that the position lies in first, then by distance (metres) and number. ``share`` is the area's share of
    the circle. ``outside_share`` has an entry for each position, and so has ``is_sure``: where it is False, areas overlap there, and
    ``Locator.locate`` must be asked.
    """

    row: Longs
    number: Longs
    distance_m: Floats
    share: Floats
    outside_share: Floats
    is_sure: Flags


class Doubt:
    """The areas of one level, asked for the candidates of positions."""

    def __init__(self, index: AreaIndex, boundary: Boundary, reach_deg: Callable[[float], tuple[float, float]]) -> None:
        self._index, self._boundary, self._reach_deg = index, boundary, reach_deg
        self._alone = tuple(Candidate(ref.code, ref.name, 0.0) for ref in index.refs)

    def alone(self, number: int) -> Candidate:
        """Return an area as a candidate at distance 0."""
        return self._alone[number]

    def certain(self, number: int, *, circle: bool) -> Doubtful:
        """Return the answer where a position, and with ``circle`` its whole circle, lies in one area and far from its edge."""
        candidate = self._alone[number]
        return Doubtful((candidate._replace(share=1.0),), 0.0) if circle else Doubtful((candidate,), None)

    def around(self, lon: float, lat: float, covering: tuple[int, ...], reach_m: float, radius_m: float | None) -> Doubtful:
        """Return the areas within ``reach_m`` of a point: those that cover it first, then by distance and code.

        With ``radius_m`` each has its share of the circle of that radius around the point.
        """
        near = self._index.within_box(lon, lat, *self._reach_deg(reach_m))
        if covering:
            near = near[~np.isin(near, covering)]
        distances = zip(self._boundary.distances_to_m(near, lon, lat).tolist(), near.tolist(), strict=True)
        others = sorted((round(distance_m, 6), number) for distance_m, number in distances if distance_m <= reach_m)
        found = [*((0.0, number) for number in covering), *others]
        if radius_m is None:
            return Doubtful(tuple(self._alone[number]._replace(distance_m=far) for far, number in found), None)
        return self._with_shares(found, Circle(lon, lat, radius_m))

    def around_many(self, others: Others, number: Ints, lon: Floats, lat: Floats, radius_m: Floats) -> Circles:
        """Return for points, each in area ``number`` and on no edge, what ``around`` does; ``others`` are the areas within reach."""
        own = np.arange(len(lon))
        row, areas = np.concatenate([own, others.row]), np.concatenate([number, others.number])
        distance = np.concatenate([np.zeros(len(own)), others.distance_m])
        # Stable: the others come in their order, behind the area itself.
        order = np.argsort(row, kind="stable")
        row, areas, distance = row[order], areas[order], distance[order]
        coverage = self._boundary.coverage
        share = pair_shares(self._index.edges, coverage.signs, areas, (lon[row], lat[row], radius_m[row]))
        left = 1.0 - np.bincount(row, share, len(own))
        is_sure = np.bincount(row, coverage.crowded[areas], len(own)) == 0
        return Circles(row, areas, distance, share, np.where(left > _ROUNDING, np.minimum(left, 1.0), 0.0), is_sure)

    def _with_shares(self, found: list[tuple[float, int]], circle: Circle) -> Doubtful:
        coverage, numbers = self._boundary.coverage, np.array([number for _, number in found], dtype=np.int64)
        share = shares(self._index.edges, coverage.signs, numbers, circle)
        return Doubtful(
            tuple(
                self._alone[number]._replace(distance_m=far, share=part) for (far, number), part in zip(found, share.tolist(), strict=True)
            ),
            self._outside(float(share.sum()), numbers, circle),
        )

    def _outside(self, total: float, numbers: Longs, circle: Circle) -> float:
        """Return the share of a circle in no area: what is left of it when ground of several areas is counted once."""
        coverage = self._boundary.coverage
        if coverage.crowded[numbers].any() and coverage.excess is not None:
            total -= coverage.excess.share(circle)
        left = 1.0 - total
        return min(left, 1.0) if left > _ROUNDING else 0.0
