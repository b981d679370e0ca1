"""Which rows of a delivery lie outside the district, though inside the deployment's bounds."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from ingest import checks
from ingest.findings import Findings, Mask
from ingest.positions.ground import Ground
from ingest.positions.plane import metres
from ingest.positions.surroundings import Surroundings
from ingest.readers.batch import Geometries
from ingest.targets import Target

_SIMPLER_M = 1.0


class District:
    """The ground that the largest areas there are cover together."""

    def __init__(self, areas: list[shapely.Geometry]) -> None:
        self._areas = np.array(areas, dtype=object)
        self._ground = Ground(self._areas)

    def check(self, geom: Geometries, findings: Findings) -> None:
        """Warn of the rows whose geometry (WGS 84, None where a row has none) does not touch the district."""
        outside = self.outside(geom) & ~findings.rejected
        if outside.any():
            away = dict(zip(np.flatnonzero(outside).tolist(), self._distances_m(geom[outside]).tolist(), strict=True))
            findings.warn(
                checks.OUTSIDE_DISTRICT, outside, "", lambda i: f"It lies in the bounds, but {away[i]:,.0f} m outside the district."
            )

    def outside(self, geom: Geometries) -> Mask:
        """Return which of ``geom`` (WGS 84) lie wholly outside; those that are None do not."""
        result = ~shapely.is_missing(geom)
        box = shapely.bounds(geom[result])
        # Most lie inside, which one point of each tells fastest; a few more than lie outside are looked at as a whole.
        result[result] = ~self._ground.has((box[:, 0] + box[:, 2]) / 2.0, (box[:, 1] + box[:, 3]) / 2.0)
        result[result] = ~self._ground.touches(geom[result])
        return np.asarray(result, dtype=bool)

    def _distances_m(self, geom: Geometries) -> NDArray[np.float64]:
        """Return how far ``geom`` lie from the district, good to half a per cent and some metres."""
        west, south, east, north = shapely.total_bounds(self._areas)
        origin = ((west + east) / 2.0, (south + north) / 2.0)
        areas, places = (shapely.transform(one, lambda lonlat: metres(lonlat, origin)) for one in (self._areas, geom))
        return Ground(shapely.simplify(areas, _SIMPLER_M)).distances(places)


def district_of(known: Surroundings, target: Target) -> District | None:
    """Return what rows of a layer are held against; None for areas, which are the district, and where no areas are loaded."""
    if target.geometry is None or target.level is not None:
        return None
    found = known.territory()
    return District(found[1]) if found is not None and found[1] else None
