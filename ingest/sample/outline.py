"""The outline of the district: a smooth field, low inside, made of the streets' centroids and areas only."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from pyproj import Transformer

from ingest.sample.arrays import Floats
from ingest.sample.plan import Plan


@cache
def _transformer(source: str, target: str) -> Transformer:
    return Transformer.from_crs(source, target, always_xy=True)


def to_metres(lon: Floats, lat: Floats) -> Floats:
    """Return x, y (EPSG:4549 metres, last axis 2) of WGS 84 degrees."""
    return np.stack(_transformer("EPSG:4326", "EPSG:4549").transform(lon, lat), axis=-1)


def to_degrees(xy: Floats) -> Floats:
    """Return lon, lat (WGS 84 degrees, last axis 2) of EPSG:4549 metres."""
    return np.stack(_transformer("EPSG:4549", "EPSG:4326").transform(xy[..., 0], xy[..., 1]), axis=-1)


class Outline(NamedTuple):
    """Where the streets lie: ``centre`` (2,), ``sites`` (streets, 2) and ``radii_m`` (streets,) in EPSG:4549 metres."""

    centre: Floats
    sites: Floats
    radii_m: Floats
    blend_m: float

    def depth(self, xy: Floats) -> Floats:
        """Return a smooth signed distance in metres to the union of the streets' discs, negative inside; ``xy`` (n, 2)."""
        total = np.zeros(len(xy))
        for site, radius in zip(self.sites, self.radii_m, strict=True):
            total += np.exp(-(np.hypot(*(xy - site).T) - radius) / self.blend_m)
        return np.asarray(-self.blend_m * np.log(np.maximum(total, 1e-300)))


def make_outline(plan: Plan) -> Outline:
    """Return the outline: discs of the streets' areas round their real centroids, spread about the centre by the scale."""
    real = to_metres(np.array([row.lon for row in plan.streets]), np.array([row.lat for row in plan.streets]))
    areas = plan.street_areas_m2
    centre = (real * areas[:, None]).sum(axis=0) / areas.sum()
    sites = centre + (real - centre) * plan.growth
    return Outline(centre, sites, np.sqrt(areas / np.pi), 450.0 * plan.growth)
