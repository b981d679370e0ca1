"""The ground that areas cover together, for asking of many places whether they lie on it."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from ingest.findings import Mask
from ingest.readers.batch import Geometries

_FEW = 8


class Ground:
    """The union of ``areas``, with places up to ``margin`` outside counted in; the same unit as the areas' coordinates.

    Few areas, with long borders, are made one and prepared; many, with short borders, are looked up one by one.
    """

    def __init__(self, areas: Geometries, margin: float = 0.0) -> None:
        self._margin = margin
        self._tree = shapely.STRtree(areas)
        self._whole: shapely.Geometry | None = None
        if len(areas) <= _FEW:
            whole = areas[0] if len(areas) == 1 else shapely.union_all(areas)
            self._whole = shapely.buffer(whole, margin, quad_segs=4) if margin else whole
            shapely.prepare(self._whole)

    def touches(self, geom: Geometries) -> Mask:
        """Return which geometries lie on the ground with any part of them; those that are None do not."""
        if self._whole is not None:
            return np.asarray(shapely.intersects(self._whole, geom))
        result = np.zeros(len(geom), dtype=bool)
        predicate = {"predicate": "dwithin", "distance": self._margin} if self._margin else {"predicate": "intersects"}
        result[self._tree.query(geom, **predicate)[0]] = True
        return result

    def has(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> Mask:
        """Return which points lie on the ground; those that are NaN do not."""
        if self._whole is not None:
            return np.asarray(shapely.intersects_xy(self._whole, x, y))
        there = np.isfinite(x) & np.isfinite(y)
        there[there] = self.touches(shapely.points(x[there], y[there]))
        return np.asarray(there)

    def distances(self, geom: Geometries) -> NDArray[np.float64]:
        """Return how far geometries, none of them None, lie from the nearest area."""
        (found, _), distances = self._tree.query_nearest(geom, return_distance=True, all_matches=False)
        result = np.full(len(geom), np.nan)
        result[found] = distances
        return result
