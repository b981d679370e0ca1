"""Geometry checks and repairs, on whole columns: from the file's coordinate system to what a layer stores in WGS 84."""

from __future__ import annotations

import numpy as np
import shapely

from ingest import checks
from ingest.findings import Findings
from ingest.geometry.given import as_built, first_places, from_columns, turned
from ingest.geometry.kind import Mixture, of_type
from ingest.geometry.lines import lines
from ingest.geometry.place import Place, in_wgs84, inside
from ingest.geometry.plain import finite, two_dimensional
from ingest.geometry.polygons import areas
from ingest.readers.batch import Geometries, RawBatch

__all__ = ["Mixture", "Place", "as_built", "check", "from_columns", "turned", "with_places"]


def check(geom: Geometries, place: Place, findings: Findings) -> Geometries:
    """Return what the layer stores for each row, in WGS 84; None where the row is rejected without a place.

    ``geom`` is in the coordinate system of ``place``, x or longitude first. The findings gain every reason and repair; before and
    after of a repair are in one system: that of the file for heights and types, WGS 84 for what is done to polygons.
    A row that already has a reason to be rejected and no geometry is left alone.
    """
    missing = shapely.is_missing(geom) & ~findings.rejected
    findings.reject(checks.NO_GEOMETRY, missing, "", lambda _: "There is no geometry.")
    usable = finite(geom, findings)
    plain = two_dimensional(geom, usable, findings)
    plain, usable = of_type(plain, usable, place.geometry, findings)
    moved = in_wgs84(plain, usable, place.crs)
    usable = inside(moved, plain, usable, place, findings)
    if place.geometry == "Point":
        return moved
    if place.geometry == "MultiLineString":
        return lines(moved, usable, findings)
    return areas(moved, usable, findings, is_geojson=place.is_geojson)


def with_places(geom: Geometries, raw: RawBatch, place: Place, *, is_turned: bool) -> Geometries:
    """Return ``geom`` with a point for each rejected row whose geometry could not be built, so that it can be found on a map."""
    points = first_places(raw)
    meant = in_wgs84(turned(points) if is_turned else points, ~shapely.is_missing(points), place.crs)
    return np.where(shapely.is_missing(geom) & ~shapely.is_missing(meant), meant, geom)
