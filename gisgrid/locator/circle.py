"""How much of a circle of uncertainty lies in which area: the area of a disc and a polygon in common, in closed form.

Around the point, degrees are scaled to metres, as everywhere in this package (``ground``): edges stay straight and the circle is
a circle. The area that a disc has in common with a polygon is then a sum over the polygon's edges: each edge gives the signed area
of the disc within the triangle of the edge and the middle, which is made of a triangle where the edge is in the disc and
of sectors where it is not. Nothing is approximated by a polygon of many corners, so that the error is rounding alone, some
1e-14 of the disc; against the ground itself the one scale is out by as much as it changes over the circle, which moves shares by
less than 1e-4 for a radius of 1 km and 1e-3 for 10 km.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from gisgrid.locator.edges import Edges, Floats, Longs, expand
from gisgrid.locator.ground import metres_per_degree, metres_per_degree_many

_EDGES = 1 << 16


class Circle(NamedTuple):
    """The circle around a point: longitude and latitude in degrees, WGS 84, and the radius in metres."""

    lon: float
    lat: float
    radius_m: float


def ring_signs(edges: Edges) -> Floats:
    """Return for each edge what its ring's sums must be taken by, so that shells count as area and holes as the lack of it."""
    rings = len(edges.ring_part)
    if not len(edges.x1):
        return np.empty(0)
    heads = np.searchsorted(edges.ring, np.arange(rings))
    heads[heads == len(edges.ring)] = 0
    # Seen from a corner of the ring itself: the products of whole degrees would leave no digits for the area of a sliver.
    x0, y0 = edges.x1[heads][edges.ring], edges.y1[heads][edges.ring]
    twice = np.bincount(edges.ring, (edges.x1 - x0) * (edges.y2 - y0) - (edges.x2 - x0) * (edges.y1 - y0), rings)
    sign = np.where(edges.ring_is_shell, 1.0, -1.0) * np.where(twice < 0.0, -1.0, 1.0)
    return np.asarray(sign[edges.ring])


def shares(edges: Edges, signs: Floats, areas: Longs, circle: Circle) -> Floats:
    """Return which share of the circle (0 to 1) lies in each of some ``areas``; ``signs`` are those of ``ring_signs``."""
    first = edges.first[areas]
    owner, edge = expand(first, edges.first[areas + 1] - first)
    if not len(edge):
        return np.zeros(len(areas))
    per_lon, per_lat = metres_per_degree(circle.lat)
    scale_x, scale_y = per_lon / circle.radius_m, per_lat / circle.radius_m
    piece = disc_pieces(
        (edges.x1.take(edge) - circle.lon) * scale_x,
        (edges.y1.take(edge) - circle.lat) * scale_y,
        (edges.x2.take(edge) - circle.lon) * scale_x,
        (edges.y2.take(edge) - circle.lat) * scale_y,
    )
    piece *= signs.take(edge)
    return np.clip(np.bincount(owner, piece, len(areas)) / math.pi, 0.0, 1.0)


def pair_shares(edges: Edges, signs: Floats, areas: Longs, circles: tuple[Floats, Floats, Floats]) -> Floats:
    """Return for pairs of an area and a circle (longitudes, latitudes, radii in metres) what ``shares`` does for one circle."""
    out = np.zeros(len(areas))
    first, count = edges.first[areas], edges.first[areas + 1] - edges.first[areas]
    ends = np.cumsum(count)
    start = 0
    while start < len(areas):
        # As many pairs as have some ten thousand edges together.
        stop = max(int(np.searchsorted(ends, ends[start] - count[start] + _EDGES)), start + 1)
        part = slice(start, stop)
        owner, edge = expand(first[part], count[part])
        if len(edge):
            lon, lat, radius_m = (side[part] for side in circles)
            per_lon, per_lat = metres_per_degree_many(lat)
            scale_x, scale_y = (per_lon / radius_m).take(owner), (per_lat / radius_m).take(owner)
            lon, lat = lon.take(owner), lat.take(owner)
            piece = disc_pieces(
                (edges.x1.take(edge) - lon) * scale_x,
                (edges.y1.take(edge) - lat) * scale_y,
                (edges.x2.take(edge) - lon) * scale_x,
                (edges.y2.take(edge) - lat) * scale_y,
            )
            piece *= signs.take(edge)
            out[part] = np.clip(np.bincount(owner, piece, stop - start) / math.pi, 0.0, 1.0)
        start = stop
    return out


def disc_pieces(x1: Floats, y1: Floats, x2: Floats, y2: Floats) -> Floats:
    """Return for each edge the signed area of the unit disc around the origin within the triangle of the edge and the origin.

    Positive where the edge turns counter-clockwise around the origin. The sum over a ring is the area of the disc within it.
    """
    along_x, along_y = x2 - x1, y2 - y1
    cross = x1 * y2 - x2 * y1
    square = along_x * along_x + along_y * along_y
    down = -(x1 * along_x + y1 * along_y)
    # Half the chord that the edge's line cuts out of the circle, by the distance of the line: no difference of large squares.
    chord = square - cross * cross
    cut = np.flatnonzero((chord > 0.0) & (square > 0.0))
    piece = _turn(x1, y1, x2, y2)
    if cut.size:
        half = np.sqrt(chord.take(cut))
        square, down = square.take(cut), down.take(cut)
        enter, leave = np.clip((down - half) / square, 0.0, 1.0), np.clip((down + half) / square, 0.0, 1.0)
        within = np.flatnonzero(leave > enter)
        cut, enter, leave = cut.take(within), enter.take(within), leave.take(within)
        piece[cut] = _with_chord((x1.take(cut), y1.take(cut), x2.take(cut), y2.take(cut)), enter, leave)
    return piece


def _turn(x1: Floats, y1: Floats, x2: Floats, y2: Floats) -> Floats:
    """Return the area of the sector between two directions: half the angle, signed."""
    turn: Floats = np.arctan2(x1 * y2 - x2 * y1, x1 * x2 + y1 * y2)
    turn *= 0.5
    return turn


def _with_chord(ends: tuple[Floats, Floats, Floats, Floats], enter: Floats, leave: Floats) -> Floats:
    """Return the piece of edges that are in the disc between the shares ``enter`` and ``leave`` of their length."""
    x1, y1, x2, y2 = ends
    along_x, along_y = x2 - x1, y2 - y1
    in_x, in_y = x1 + enter * along_x, y1 + enter * along_y
    out_x, out_y = x1 + leave * along_x, y1 + leave * along_y
    triangle: Floats = 0.5 * (leave - enter) * (x1 * y2 - x2 * y1)
    # Sectors only where an end is outside the disc; where it is inside, the place of entry is the end itself and the angle 0.
    before = np.where(enter > 0.0, _turn(x1, y1, in_x, in_y), 0.0)
    after = np.where(leave < 1.0, _turn(out_x, out_y, x2, y2), 0.0)
    return triangle + before + after
