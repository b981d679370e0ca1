"""Small pieces of vectorised geometry on coordinate arrays."""

from __future__ import annotations

import numpy as np
import shapely

from ingest.sample.arrays import Floats, Geoms, Ints


def ring_areas(rings: Floats) -> Floats:
    """Return the signed areas (n,) of closed rings (n, k, 2); positive when counter-clockwise."""
    base = rings - rings[:, :1]
    x, y = base[..., 0], base[..., 1]
    return np.asarray(0.5 * (x[:, :-1] * y[:, 1:] - x[:, 1:] * y[:, :-1]).sum(axis=1))


def rings_to_polygons(rings: Floats) -> Geoms:
    """Return polygons (n,) of closed rings (n, k, 2)."""
    return np.asarray(shapely.polygons(rings), dtype=np.object_)


def dissolve(polygons: Geoms, labels: Ints, count: int) -> Geoms:
    """Return the unions (count,) of the polygons of each label 0..count-1, keeping every vertex of their outlines.

    The polygons must be an exact coverage: shared borders have the same vertices. A label without polygons gives None.
    """
    order = np.argsort(labels, kind="stable")
    ends = np.searchsorted(labels[order], np.arange(count), side="right")
    starts = np.searchsorted(labels[order], np.arange(count), side="left")
    result = np.full(count, None, dtype=np.object_)
    for label, (start, end) in enumerate(zip(starts, ends, strict=True)):
        if end > start:
            result[label] = shapely.coverage_union_all(polygons[order[start:end]]) if end - start > 1 else polygons[order[start]]
    return _single(result)


def _single(geometries: Geoms) -> Geoms:
    """Take the polygon out of collections that hold just one."""
    several = shapely.get_type_id(geometries) > shapely.GeometryType.POLYGON
    several &= shapely.get_num_geometries(geometries) == 1
    geometries[several] = shapely.get_geometry(geometries[several], 0)
    return np.asarray(shapely.orient_polygons(geometries), dtype=np.object_)


def along(vertices: Floats) -> Floats:
    """Return the length (n,) of polylines (n, k, 2)."""
    steps = np.diff(vertices, axis=1)
    return np.asarray(np.hypot(steps[..., 0], steps[..., 1]).sum(axis=1))
