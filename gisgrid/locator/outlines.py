"""Footprints as plain numbers: their corners, and where to look for those around a place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gisgrid.locator.edges import expand
from gisgrid.locator.ground import WGS84_A, Floats, earth_centred
from gisgrid.locator.replacing import Splice

Rows = NDArray[np.int64]

# A sign worked out in floating point is right when it is larger than this times what went into it (Shewchuk 1997).
_SIGN_DOUBT = 3.4e-16


class Outlines(NamedTuple):
    """The rings of all footprints: corners (degrees), each ring closed.

    ``first`` is where the corners of each footprint begin, ``ends_ring`` says which corners are the last of a ring.
    ``boxes`` are west, south, east, north in degrees. ``middle`` (earth-centred metres) and ``radius_m`` are a ball around
    each; ``slack_m`` is how far its edges, straight in degrees, may be off the straight lines between its corners.
    ``flat`` are boxes on a plane in metres: left, bottom, right, top.
    """

    corners: Floats
    ends_ring: NDArray[np.bool_]
    first: Rows
    boxes: Floats
    middle: Floats
    radius_m: Floats
    slack_m: Floats
    flat: Floats

    def spliced(self, new: Outlines, change: Splice) -> Outlines:
        """Return the outlines of a table that comes of this one's, which is not empty, and a new one's."""
        counts = change.of_arrays(np.diff(self.first), np.diff(new.first))
        first = np.concatenate([[0], np.cumsum(counts)])
        _, corner = expand(self.first[change.source], counts)
        corners, ends_ring = self.corners.take(corner, axis=0, mode="clip"), self.ends_ring.take(corner, mode="clip")
        for place, which in zip(*(part.tolist() for part in change.places), strict=True):
            there, here = slice(first[place], first[place + 1]), slice(new.first[which], new.first[which + 1])
            corners[there], ends_ring[there] = new.corners[here], new.ends_ring[here]
        return Outlines(corners, ends_ring, first, *map(change.of_arrays, self[3:], new[3:]))


def outlines_of(geometries: NDArray[Any], axes: Floats) -> Outlines:
    """Return the outlines of polygons and multipolygons (shapely, degrees); ``axes`` are those of the plane, as two rows."""
    count = len(geometries)
    rings, footprint = _rings(geometries)
    corners, ring = shapely.get_coordinates(rings, return_index=True)
    ends_ring = np.append(ring[1:] != ring[:-1], True)[: len(ring)]
    owner = footprint[ring]
    first = np.searchsorted(owner, np.arange(count + 1))
    boxes = shapely.bounds(geometries).reshape(count, 4)
    if not count:
        return Outlines(corners, ends_ring, first, boxes, np.empty((0, 3)), np.empty(0), np.empty(0), boxes)
    places = earth_centred(corners[:, 0], corners[:, 1])
    middle = earth_centred((boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2)
    radius_m = np.maximum.reduceat(np.linalg.norm(places - middle[owner], axis=1), first[:-1])
    step = np.linalg.norm(np.diff(places, axis=0, append=places[-1:]), axis=1)
    step[ends_ring] = 0.0
    longest = np.maximum.reduceat(step, first[:-1])
    # A parallel bends from the straight line by its length squared, over eight radii, times the tangent of the latitude;
    # the ground by the same without the tangent. This is twice both.
    bent = 1.0 + np.tan(np.radians(np.minimum(np.abs(boxes[:, [1, 3]]).max(axis=1), 89.0)))
    slack_m = longest * longest * bent / (4.0 * WGS84_A) + 1e-6
    on_plane = places @ axes.T
    low, high = np.minimum.reduceat(on_plane, first[:-1]), np.maximum.reduceat(on_plane, first[:-1])
    flat = np.hstack([low - slack_m[:, None], high + slack_m[:, None]])
    return Outlines(corners, ends_ring, first, boxes, middle, radius_m + slack_m, slack_m, flat)


def _rings(geometries: NDArray[Any]) -> tuple[NDArray[Any], Rows]:
    """Return all rings, and whose they are."""
    parts, footprint = shapely.get_parts(geometries, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    return rings, footprint[part]


def covers(corners: Sequence[Sequence[float]], ends_ring: Sequence[bool], lon: float, lat: float) -> bool | None:
    """Say whether the rings cover a point (all in degrees), a point on them included; None where rounding could decide."""
    inside = False
    for number, ((x1, y1), (x2, y2)) in enumerate(pairwise(corners)):
        if (y1 > lat and y2 > lat) or (y1 < lat and y2 < lat) or ends_ring[number]:
            continue
        if x1 < lon and x2 < lon:
            continue
        left, right = (x2 - x1) * (lat - y1), (lon - x1) * (y2 - y1)
        side = left - right
        if abs(side) <= _SIGN_DOUBT * (abs(left) + abs(right)):
            return None
        if (y1 > lat) != (y2 > lat) and (side > 0) == (y2 > y1):
            inside = not inside
    return inside


def near_feet(
    corners: Sequence[Sequence[float]], ends_ring: Sequence[bool], here: Sequence[float], slack_m: float
) -> list[tuple[float, float]]:
    """Return the points of a footprint (degrees) that may be the nearest to a place at most some kilometres away.

    ``here`` are longitude and latitude of the place, the metres of a degree of each there, and how many metres fewer a degree of
    longitude has for each degree farther north. ``slack_m`` is how much farther a point may seem than it is.
    """
    lon, lat, per_lon, per_lat, less = here
    flat = [((x - lon) * (per_lon - less * (y - lat)), (y - lat) * per_lat) for x, y in corners]
    best, found = math.inf, []
    for number, ((ax, ay), (bx, by)) in enumerate(pairwise(flat)):
        if ends_ring[number]:
            continue
        ex, ey = bx - ax, by - ay
        length = ex * ex + ey * ey
        part = -(ax * ex + ay * ey) / length if length else 0.0
        part = 0.0 if part < 0.0 else 1.0 if part > 1.0 else part
        x, y = ax + part * ex, ay + part * ey
        away = x * x + y * y
        if away <= best:
            found.append((away, number, part))
            if away < best:
                best = math.sqrt(away)
                best = (best * (1.0 + 1e-5) + slack_m) ** 2
    return [
        (x1 + part * (x2 - x1), y1 + part * (y2 - y1))
        for away, number, part in found
        if away <= best
        for (x1, y1), (x2, y2) in (corners[number : number + 2],)
    ]


def feet(outlines: Outlines, rows: Rows, place: Floats) -> tuple[Rows, Floats, Floats]:
    """Return the points of footprints that may be the nearest to a place (earth-centred metres): whose, longitude, latitude.

    ``whose`` counts in ``rows``, ascending; each has at least one. The nearest point of an edge is taken from the straight line
    between its corners: along edges of 100 m that finds the distance to a micrometre.
    """
    first = outlines.first[rows]
    whose, corner = expand(first, outlines.first[rows + 1] - first)
    edges = ~outlines.ends_ring[corner]
    whose, corner = whose[edges], corner[edges]
    start, end = outlines.corners[corner], outlines.corners[corner + 1]
    one, other = earth_centred(start[:, 0], start[:, 1]), earth_centred(end[:, 0], end[:, 1])
    along, out = other - one, place - one
    length = np.einsum("ij,ij->i", along, along)
    part = np.clip(np.einsum("ij,ij->i", along, out) / np.where(length > 0.0, length, 1.0), 0.0, 1.0)[:, None]
    straight = np.linalg.norm(out - part * along, axis=1)
    heads = np.searchsorted(whose, np.arange(len(rows)))
    slack = outlines.slack_m[rows]
    best = np.minimum.reduceat(straight, heads)
    chosen = straight <= (best + 2.0 * slack + 1e-6 * best)[whose]
    foot = (start + part * (end - start))[chosen]
    return whose[chosen], foot[:, 0], foot[:, 1]


class Cells:
    """Footprints by cells of a plane, all of an index or some of them: ``rows`` are their numbers there.

    ``boxes`` are west, south, east, north on the plane in metres. A footprint is listed in every cell that its box touches,
    so that what is not listed in a square of cells around a place is farther than the border of that square; see ``Nearby``.
    """

    def __init__(self, boxes: Floats, rows: Rows) -> None:
        self.rows, self._size = rows, len(rows)
        if not self._size:
            return
        west, south = np.quantile(boxes[:, :2], 0.01, axis=0).tolist()
        east, north = np.quantile(boxes[:, 2:], 0.99, axis=0).tolist()
        width, height = max(east - west, 1.0), max(north - south, 1.0)
        cell = max(math.sqrt(width * height / self._size), max(width, height) / self._size, 1.0)
        while True:
            self.columns, self.lines = int(width / cell) + 1, int(height / cell) + 1
            low = np.clip((boxes[:, :2] - (west, south)) / cell, 0, (self.columns - 1, self.lines - 1)).astype(np.int64)
            high = np.clip((boxes[:, 2:] - (west, south)) / cell, 0, (self.columns - 1, self.lines - 1)).astype(np.int64)
            across, up = (high - low + 1).T
            # Footprints that are many cells long must not fill the memory.
            if int((across * up).sum()) <= 8 * self._size + 1000:
                break
            cell *= 1.5
        self.u0, self.v0, self.per_m = west, south, 1.0 / cell
        owner, at = expand(np.zeros(self._size, np.int64), across * up)
        cells = (low[owner, 1] + at // across[owner]) * self.columns + low[owner, 0] + at % across[owner]
        order = np.argsort(cells, kind="stable")
        self._listed = rows[owner[order]].astype(np.int32)
        self._first: list[int] = np.searchsorted(cells[order], np.arange(self.columns * self.lines + 1)).tolist()

    def __len__(self) -> int:
        return self._size

    def within(self, u: float, v: float, reach: float) -> tuple[list[int], float]:
        """Return the rows listed up to ``reach`` cells around a place on the plane (in cells), and how far all are listed (in cells).

        A row may come more than once.
        """
        columns, lines, first = self.columns, self.lines, self._first
        west, east = min(max(int(u - reach), 0), columns - 1), min(max(int(u + reach), 0), columns - 1) + 1
        south, north = min(max(int(v - reach), 0), lines - 1), min(max(int(v + reach), 0), lines - 1) + 1
        found: list[int] = []
        for at in range(south * columns, north * columns, columns):
            start, end = first[at + west], first[at + east]
            if start < end:
                found += self._listed[start:end].tolist()
        sure = math.inf
        for here, low, high, last in ((u, west, east, columns), (v, south, north, lines)):
            if low:
                sure = min(sure, here - low)
            if high < last:
                sure = min(sure, high - here)
        return found, sure
