"""The nearest of a few edges for many points at once: the first edges of all the points, then their second ones, and so on.

Points are put in the order of how many edges they have, so that those that still have one are always the first so many: nothing
about a point is copied for each of its edges, and every step works in the same few arrays, which stay in the processor's cache.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gisgrid.locator.edges import Floats, Longs, expand, first_least
from gisgrid.locator.ground import metres_beside

TINY = 1e-300
"""Added to what divides, for edges without a length."""

# When fewer points than this have edges left, or these are that many, all that is left is measured at once.
_FEWEST, _MOST_ROUNDS = 1024, 256

Ends = tuple[Floats, Floats, Floats, Floats]
"""Start and way of edges, degrees: x, y, and how far it goes along both axes."""


class _Points(NamedTuple):
    """Positions, degrees, and the squares of the metres of a degree there."""

    lon: Floats
    lat: Floats
    scale_x: Floats
    scale_y: Floats

    def first(self, size: int) -> _Points:
        return _Points(self.lon[:size], self.lat[:size], self.scale_x[:size], self.scale_y[:size])

    def take(self, rows: Longs) -> _Points:
        return _Points(self.lon.take(rows), self.lat.take(rows), self.scale_x.take(rows), self.scale_y.take(rows))


Beside = tuple[Floats, Floats, Floats]
"""Sine and cosine of a latitude near each point, and how many degrees north of it the point is."""


def least_distances_m(ends: Ends, first: Longs, count: Longs, places: tuple[Floats, Floats], beside: Beside) -> Floats:
    """Return the distance on the ground from each place (degrees) to the nearest of its edges, metres; infinite where it has none.

    Those of point p are ``first[p]`` to before ``first[p] + count[p]`` in ``ends``, and near it. The arithmetic is that of
    ``kernels.least_distances``, to the last bit, and that of ``Boundary.distance_m``, to some of them.
    """
    order = np.argsort(np.minimum(count, _MOST_ROUNDS).astype(np.uint16), kind="stable")[::-1]
    lon, lat = (part.take(order) for part in places)
    first, count = first.take(order), count.take(order)
    sine, cosine, aside = (part.take(order) for part in beside)
    per_lon, per_lat = metres_beside(sine, cosine, aside)
    points = _Points(lon, lat, per_lon * per_lon, per_lat * per_lat)
    found = np.full(len(order), np.inf)
    some = len(order) - int((count == 0).sum())
    if some:
        spare = np.empty((_SPARE, some))
        nearest = _nearest(ends, first[:some], count[:some], points.first(some), spare)
        east, north, _ = _measure(ends, nearest, points.first(some), spare)
        per_lon, per_lat = metres_beside(sine[:some], cosine[:some], aside[:some] + north * 0.5)
        found[order[:some]] = np.sqrt((east * per_lon) ** 2 + (north * per_lat) ** 2)
    return found


def _nearest(ends: Ends, first: Longs, count: Longs, points: _Points, spare: Floats) -> Longs:
    """Return the nearest of the edges of each point, the first one of several; those with the most edges come first, all have some."""
    least, best = np.full(len(first), np.inf), np.zeros(len(first), np.uint16)
    edge, step = first.copy(), np.empty(len(first), np.uint16)
    sizes = (len(count) - np.cumsum(np.bincount(np.minimum(count, _MOST_ROUNDS))))[:-1].tolist()
    rounds = sum(size >= _FEWEST for size in sizes)
    for number, size in enumerate(sizes[:rounds]):
        square = _measure(ends, edge[:size], points.first(size), spare[:, :size])[2]
        np.multiply(square < least[:size], np.uint16(number), out=step[:size])
        np.maximum(best[:size], step[:size], out=best[:size])
        np.minimum(least[:size], square, out=least[:size])
        edge[:size] += 1
    nearest: Longs = first + best
    size = int(np.count_nonzero(count > rounds))
    if size:
        left = count[:size] - rounds
        owner, member = expand(edge[:size], left)
        square = _measure(ends, member, points.take(owner), np.empty((_SPARE, len(member))))[2]
        leader = first_least(square, np.cumsum(left) - left, left)
        nearer = square[leader] < least[:size]
        nearest[:size][nearer] = member[leader][nearer]
    return nearest


_SPARE = 8


def _measure(ends: Ends, edge: Longs, points: _Points, spare: Floats) -> tuple[Floats, Floats, Floats]:
    """Return how far east and north of each point the nearest place on its edge is, degrees, and the square of the distance.

    All that is computed is in ``spare``, arrays as long as the points; the answer too.
    """
    x, y, along_x, along_y, way, down, length, square = spare
    for end, part in zip(ends, spare, strict=False):
        # Nothing is out of range: to clip spares a copy.
        end.take(edge, out=part, mode="clip")
    np.subtract(points.lon, x, out=x)
    np.subtract(points.lat, y, out=y)
    np.multiply(along_x, points.scale_x, out=way)
    np.multiply(x, way, out=down)
    np.multiply(along_x, way, out=length)
    np.multiply(along_y, points.scale_y, out=way)
    np.multiply(y, way, out=square)
    down += square
    way *= along_y
    length += way
    length += TINY
    share = np.divide(down, length, out=down)
    np.clip(share, 0.0, 1.0, out=share)
    along_x *= share
    along_y *= share
    east, north = np.subtract(along_x, x, out=x), np.subtract(along_y, y, out=y)
    np.multiply(east, east, out=square)
    square *= points.scale_x
    np.multiply(north, north, out=way)
    way *= points.scale_y
    square += way
    return east, north, square
