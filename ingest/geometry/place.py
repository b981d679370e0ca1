"""Where geometries are: from the file's coordinate system to WGS 84, and within the bounds of the deployment."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gisgrid.crs import Crs, to_wgs84
from gisgrid.layers import GeometryType
from gisgrid.types import Bounds
from ingest import checks
from ingest.findings import Findings, Mask
from ingest.geometry.text import first_position
from ingest.readers.batch import Geometries

_NOTHING = 1e-6  # a coordinate that is smaller, in degrees or metres, was never measured


class Place(NamedTuple):
    """What a batch's geometries are judged by: their ``crs``, the type the layer takes, and the deployment's ``bounds``."""

    crs: Crs
    geometry: GeometryType
    bounds: Bounds
    is_geojson: bool = False


def in_wgs84(geom: Geometries, usable: Mask, crs: Crs) -> Geometries:
    """Return the usable geometries in WGS 84; None for the others and for those that ``crs`` has no place for."""
    result = np.full(len(geom), None, dtype=object)
    given = geom[usable]
    coordinates, owner = shapely.get_coordinates(given, return_index=True)
    try:
        moved, possible = _moved(given, owner, coordinates, crs)
    except shapely.GEOSException:
        # The two ends of a ring came out a hair apart; equal positions are moved once, so that they stay equal.
        distinct, where = np.unique(coordinates, axis=0, return_inverse=True)
        moved, possible = _moved(given, owner, distinct, crs, where)
    positions = np.flatnonzero(usable)[possible]
    result[positions] = moved
    return result


def _moved(
    given: Geometries, owner: NDArray[np.int64], coordinates: NDArray[np.float64], crs: Crs, where: NDArray[np.int64] | None = None
) -> tuple[Geometries, Mask]:
    """Return the geometries that have a place in WGS 84, and which of ``given`` they are."""
    there = np.column_stack(to_wgs84(crs, coordinates[:, 0], coordinates[:, 1]))
    if where is not None:
        there = there[where]
    possible = np.ones(len(given), dtype=bool)
    possible[owner[np.isnan(there).any(axis=1)]] = False
    kept = there[possible[owner]]
    return shapely.transform(given[possible], lambda _: kept), possible


def inside(moved: Geometries, given: Geometries, usable: Mask, place: Place, findings: Findings) -> Mask:
    """Reject what is outside the world or the deployment's bounds; return which are left."""
    nowhere = usable & shapely.is_missing(moved)
    outside = usable & ~nowhere & ~_within(shapely.bounds(moved), place.bounds)
    unset = (nowhere | outside) & _at_origin(given)
    box = _box_text(place.bounds)
    findings.reject(checks.NULL_ISLAND, unset, "", lambda _: f"The position is 0, 0, which means unknown; expected {box}.")
    swapped = _swapped(given, (nowhere | outside) & ~unset, place)
    findings.reject(
        checks.SWAPPED_COORDINATES,
        swapped,
        "",
        lambda i: f"{first_position(given[i])} looks swapped: with x and y exchanged it is inside the bounds.",
    )
    findings.reject(
        checks.OUTSIDE_WORLD, nowhere & ~swapped & ~unset, "", lambda i: f"{first_position(given[i])} cannot be a position in {place.crs}."
    )
    findings.reject(
        checks.OUTSIDE_BOUNDS,
        outside & ~swapped & ~unset,
        "",
        lambda i: f"{first_position(given[i])} ({place.crs}) is outside the bounds of the deployment: {box}.",
    )
    return np.asarray(usable & ~nowhere & ~outside)


def _at_origin(given: Geometries) -> Mask:
    return np.asarray((np.abs(shapely.bounds(given)) < _NOTHING).all(axis=1))


def _within(boxes: NDArray[np.float64], bounds: Bounds) -> Mask:
    inside = (boxes[:, 0] >= bounds.west) & (boxes[:, 1] >= bounds.south) & (boxes[:, 2] <= bounds.east) & (boxes[:, 3] <= bounds.north)
    return np.asarray(inside)


def _swapped(given: Geometries, outside: Mask, place: Place) -> Mask:
    """Return which of the rows ``outside`` would be inside with their axes exchanged."""
    result = np.zeros(len(given), dtype=bool)
    if outside.any():
        turned = shapely.transform(given[outside], lambda xy: xy[:, ::-1])
        moved = in_wgs84(turned, np.ones(len(turned), dtype=bool), place.crs)
        result[outside] = _within(shapely.bounds(moved), place.bounds)
    return result


def _box_text(bounds: Bounds) -> str:
    return f"longitude {bounds.west:g} to {bounds.east:g}, latitude {bounds.south:g} to {bounds.north:g}"
