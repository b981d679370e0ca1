"""Point features in memory: the nearest k, or those within a radius, by distance on the ground."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pyproj import Geod
from scipy.spatial import cKDTree

from gisgrid.locator.ground import earth_centred, earth_centred_point, straight_slack_m
from gisgrid.types import Neighbour

_GEOD = Geod(ellps="WGS84")
# Features fetched beyond those asked for, so that a tie for the last place is seen.
_SPARE = 4


class PointTable(NamedTuple):
    """Point features: ids, codes, places in degrees, WGS 84, and the values of ``fields`` for each."""

    ids: list[int]
    codes: list[str]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    fields: tuple[str, ...]
    rows: list[tuple[object, ...]]


class PointIndex:
    """The features of one point layer; answers are those of PostGIS geography, in the order of distance, then code."""

    def __init__(self, table: PointTable) -> None:
        self.table = table
        self._lon, self._lat = np.ascontiguousarray(table.lon), np.ascontiguousarray(table.lat)
        self._tree = cKDTree(earth_centred(self._lon, self._lat)) if len(table.ids) else None

    def __len__(self) -> int:
        return len(self.table.ids)

    def nearest(self, lon: float, lat: float, k: int, radius_m: float | None = None) -> list[Neighbour]:
        """Return the ``k`` features nearest to a point (degrees, WGS 84), none farther than ``radius_m`` if given.

        Distances are geodesics on WGS 84 in metres; features equally far come in the order of their codes.
        """
        if self._tree is None or k < 1:
            return []
        rows = self._rows(self._tree, earth_centred_point(lon, lat), k, radius_m)
        if not rows.size:
            return []
        bearing, _, distance = _GEOD.inv(np.full(rows.size, lon), np.full(rows.size, lat), self._lon[rows], self._lat[rows])
        codes = self.table.codes
        ranked = sorted(zip(distance.tolist(), [codes[row] for row in rows.tolist()], rows.tolist(), bearing.tolist(), strict=True))
        limit = math.inf if radius_m is None else radius_m
        return [self._neighbour(row, far, angle) for far, _, row, angle in ranked[:k] if far <= limit]

    def _rows(self, tree: Any, place: NDArray[np.float64], k: int, radius_m: float | None) -> NDArray[Any]:
        """Return the features that can be among the answers: a few too many rather than one too few."""
        size = len(self)
        # Straight through the Earth is never longer than on the ground.
        bound = math.inf if radius_m is None else radius_m + straight_slack_m(0.0)
        # Never one: for k=1 the tree answers with numbers in the place of arrays. What it does not find is row ``size``.
        straight, rows = tree.query(place, k=min(k, size) + _SPARE, distance_upper_bound=bound)
        found = rows < size
        straight, rows = straight[found], rows[found]
        if len(rows) <= k or len(rows) == size:
            return np.asarray(rows)
        farthest = float(straight[k - 1])
        farthest += straight_slack_m(farthest)
        if straight[-1] > farthest:
            return np.asarray(rows[straight <= farthest])
        # More features share the k-th distance than were asked for, such as many at one place.
        return np.asarray(tree.query_ball_point(place, farthest), dtype=np.int64)

    def _neighbour(self, row: int, distance_m: float, bearing_deg: float) -> Neighbour:
        table = self.table
        properties = dict(zip(table.fields, table.rows[row], strict=True))
        return Neighbour(table.ids[row], float(self._lon[row]), float(self._lat[row]), distance_m, bearing_deg % 360.0, properties)
