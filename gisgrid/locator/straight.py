"""Distance and bearing on the ground from the straight line between two places: exact to a micrometre, and quick.

The straight line through the Earth (from the coordinates of ``earth_centred``) is shorter than the way on the ground by what the
curvature of the ellipsoid in that direction says: ``s = c + c**3 / (24 r**2) + ...``. Up to ``LOCAL_M`` what is left out is
below 0.1 micrometres (the change of the curvature along the way, 3e-8 m at 10 km); beyond it pyproj's geodesics are asked.

Distances are rounded to micrometres, which is more than rounding errors come to: what is equally far comes out equal.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from pyproj import Geod

from gisgrid.locator.ground import LOCAL_M, WGS84_A, WGS84_E2, Floats, earth_centred

GEOD = Geod(ellps="WGS84")
LOCAL_SQUARE = LOCAL_M * LOCAL_M

Place = tuple[float, float, float, int]
"""Earth-centred metres, and the row of what is there."""

_DEG = math.pi / 180.0
_IN_DEG = 180.0 / math.pi
_PER_M = 1e6
# What is less than this to the east or west is rounding, and due north is 0 degrees and not 359.999999.
_ROUNDING_M = 1e-8


class Vantage(NamedTuple):
    """A place that distances are taken from: degrees, earth-centred metres, east and north there, curvatures in 1/m squared."""

    lon: float
    lat: float
    x: float
    y: float
    z: float
    east_x: float
    east_y: float
    north_x: float
    north_y: float
    north_z: float
    along_meridian: float
    across_meridian: float


# One place is mostly asked about several layers.
@lru_cache(maxsize=16)
def vantage(lon: float, lat: float) -> Vantage:
    """Return a place by its degrees, WGS 84.

    >>> round(vantage(120.38, 36.08).z, 3)
    3735369.496
    """
    lam, phi = lon * _DEG, lat * _DEG
    sine, cosine, east_y, east_x = math.sin(phi), math.cos(phi), math.cos(lam), -math.sin(lam)
    squeeze = 1.0 - WGS84_E2 * sine * sine
    radius = WGS84_A / math.sqrt(squeeze)
    across = 1.0 / (radius * radius)
    relation = squeeze / (1.0 - WGS84_E2)
    return Vantage(
        lon,
        lat,
        radius * cosine * east_y,
        -radius * cosine * east_x,
        radius * (1.0 - WGS84_E2) * sine,
        east_x,
        east_y,
        -sine * east_y,
        sine * east_x,
        cosine,
        across * relation * relation,
        across,
    )


def place_of(lon: float, lat: float, row: int = 0) -> Place:
    """Return a place in earth-centred metres by its degrees, WGS 84."""
    lam, phi = lon * _DEG, lat * _DEG
    sine, cosine = math.sin(phi), math.cos(phi)
    radius = WGS84_A / math.sqrt(1.0 - WGS84_E2 * sine * sine)
    return radius * cosine * math.cos(lam), radius * cosine * math.sin(lam), radius * (1.0 - WGS84_E2) * sine, row


def ground_few(here: Vantage, places: Iterable[Place]) -> list[tuple[float, float, int]]:
    """Return distance (metres), bearing (degrees from north) and row of places in earth-centred metres, at most ``LOCAL_M`` away.

    The bearing to the very place itself is 0.
    """
    _, _, x0, y0, z0, east_x, east_y, north_x, north_y, north_z, along_meridian, across_meridian = here
    found = []
    for there_x, there_y, there_z, row in places:
        x, y, z = there_x - x0, there_y - y0, there_z - z0
        east = east_x * x + east_y * y
        north = north_x * x + north_y * y + north_z * z
        if -_ROUNDING_M < east < _ROUNDING_M:
            east = 0.0
        east_square, north_square, square = east * east, north * north, x * x + y * y + z * z
        if east_square + north_square == 0.0:
            found.append((0.0, 0.0, row))
            continue
        q = square * (north_square * along_meridian + east_square * across_meridian) / (east_square + north_square)
        far = math.sqrt(square) * (1.0 + q * (1.0 / 24.0 + q * (3.0 / 640.0)))
        found.append((int(far * _PER_M + 0.5) / _PER_M, math.atan2(east, north) * _IN_DEG % 360.0, row))
    return found


def ground_between(lon: Floats, lat: Floats, to_lon: Floats, to_lat: Floats) -> Floats:
    """Return the distances (metres) between pairs of places in degrees, however far."""
    away = earth_centred(to_lon, to_lat) - earth_centred(lon, lat)
    straight_square = np.einsum("ij,ij->i", away, away)
    sine, cosine = np.sin(np.radians(lat)), np.cos(np.radians(lat))
    east = away[:, 1] * np.cos(np.radians(lon)) - away[:, 0] * np.sin(np.radians(lon))
    outward = away[:, 0] * np.cos(np.radians(lon)) + away[:, 1] * np.sin(np.radians(lon))
    north = away[:, 2] * cosine - outward * sine
    squeeze = 1.0 - WGS84_E2 * sine * sine
    level_square = east * east + north * north
    bent = (north * north * (squeeze / (1.0 - WGS84_E2)) ** 2 + east * east) * squeeze / (WGS84_A * WGS84_A)
    q = straight_square * bent / np.where(level_square > 0.0, level_square, 1.0)
    distance = np.asarray(np.sqrt(straight_square) * (1.0 + q * (1.0 / 24.0 + q * (3.0 / 640.0))))
    remote = np.flatnonzero(straight_square > LOCAL_SQUARE)
    if remote.size:
        distance[remote] = GEOD.inv(lon[remote], lat[remote], to_lon[remote], to_lat[remote])[2]
    return _rounded(distance)


def ground_many(here: Vantage, places: Floats, lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Return distances (metres) and bearings (degrees from north) to places however far, given in both kinds of coordinates."""
    x, y, z = places[:, 0] - here.x, places[:, 1] - here.y, places[:, 2] - here.z
    straight_square = x * x + y * y + z * z
    if straight_square.max(initial=0.0) > LOCAL_SQUARE:
        bearing, _, distance = GEOD.inv(np.full(len(lon), here.lon), np.full(len(lon), here.lat), lon, lat)
        near = straight_square <= LOCAL_SQUARE
        if near.any():
            distance[near], bearing[near] = ground_many(here, places[near], lon[near], lat[near])
        return _rounded(distance), bearing % 360.0
    east = here.east_x * x + here.east_y * y
    east = np.where(np.abs(east) < _ROUNDING_M, 0.0, east)
    north = here.north_x * x + here.north_y * y + here.north_z * z
    level_square = east * east + north * north
    same = level_square == 0.0
    bent = north * north * here.along_meridian + east * east * here.across_meridian
    q = straight_square * bent / np.where(same, 1.0, level_square)
    distance = np.sqrt(straight_square) * (1.0 + q * (1.0 / 24.0 + q * (3.0 / 640.0)))
    return _rounded(np.where(same, 0.0, distance)), np.degrees(np.arctan2(east, north)) % 360.0


def _rounded(distance: Floats) -> Floats:
    return np.asarray(np.floor(distance * _PER_M + 0.5) / _PER_M)
