"""Distances on the ground around a point, without a projection: degrees scaled to metres where the point is.

Edges of areas are straight in longitude and latitude, as PostGIS takes them when it says which area covers a point. Scaling both axes
keeps them straight, so that the foot of a perpendicular is found on the very edge that decides; the distance to it is
then taken with the scale halfway, which is within a millimetre of the geodesic up to 10 km.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WGS84_A = 6_378_137.0
WGS84_E2 = 0.0066943799901413165
DEG = math.pi / 180.0
PER_LON, PER_LAT = WGS84_A * DEG, WGS84_A * (1.0 - WGS84_E2) * DEG
"""Metres of a degree of longitude at the equator, and what those of a degree of latitude grow from."""

LOCAL_M = 10_000.0
"""Up to this distance the scale halfway is as good as a geodesic."""

METRES_PER_DEGREE_LAT_LEAST = 110_574.0
"""No degree of latitude is shorter than this, anywhere."""


def metres_per_degree(lat: float) -> tuple[float, float]:
    """Return the metres of a degree of longitude and of a degree of latitude at a latitude, WGS 84.

    >>> [round(metres, 3) for metres in metres_per_degree(36.08)]
    [90072.535, 110960.484]
    """
    phi = lat * DEG
    sine = math.sin(phi)
    squeeze = 1.0 - WGS84_E2 * sine * sine
    root = math.sqrt(squeeze)
    return WGS84_A * DEG * math.cos(phi) / root, WGS84_A * (1.0 - WGS84_E2) * DEG / (squeeze * root)


def metres_per_degree_many(lat: Floats) -> tuple[Floats, Floats]:
    """Return what ``metres_per_degree`` does, for an array of latitudes."""
    phi = lat * DEG
    sine = np.sin(phi)
    squeeze = 1.0 - WGS84_E2 * sine * sine
    root = np.sqrt(squeeze)
    return WGS84_A * DEG * np.cos(phi) / root, WGS84_A * (1.0 - WGS84_E2) * DEG / (squeeze * root)


class Rows(NamedTuple):
    """Latitudes at regular distances, with their sines and cosines: beside one of them a scale is known without computing these."""

    middle: Floats
    sines: Floats
    cosines: Floats

    @classmethod
    def at(cls, lat: Floats) -> Rows:
        """Return the rows at latitudes, degrees."""
        return cls(lat, np.sin(lat * DEG), np.cos(lat * DEG))


def metres_beside(sine: Floats, cosine: Floats, north_deg: Floats) -> tuple[Floats, Floats]:
    """Return what ``metres_per_degree`` does a little north of latitudes whose sine and cosine are known, by at most 0.1 degrees.

    That is as good as to the last bit or two, and a third of the time of computing sines anew.
    """
    step = north_deg * DEG
    square = step * step
    # The series of sine and cosine; what is left out is below 1e-17.
    aside, ahead = step * (1.0 - square * (1.0 / 6.0) * (1.0 - square * (1.0 / 20.0))), square * (0.5 - square * (1.0 / 24.0))
    sine, cosine = sine + (cosine * aside - sine * ahead), cosine - (sine * aside + cosine * ahead)
    root = 1.0 / np.sqrt(1.0 - WGS84_E2 * sine * sine)
    return PER_LON * cosine * root, PER_LAT * root * root * root


def short_distance_m(east_deg: float, north_deg: float, lat: float) -> float:
    """Return the distance on the ground from a point at ``lat`` to one so many degrees east and north, up to ``LOCAL_M``."""
    per_lon, per_lat = metres_per_degree(lat + north_deg / 2.0)
    return math.hypot(east_deg * per_lon, north_deg * per_lat)


def earth_centred(lon: Any, lat: Any) -> Floats:
    """Return WGS 84 positions as metres from the centre of the Earth, three columns.

    The straight distance between two such points grows with the distance on the ground, so that the nearest are the same.
    """
    lam, phi = np.asarray(lon) * DEG, np.asarray(lat) * DEG
    radius = WGS84_A / np.sqrt(1.0 - WGS84_E2 * np.sin(phi) ** 2)
    return np.stack(
        [radius * np.cos(phi) * np.cos(lam), radius * np.cos(phi) * np.sin(lam), radius * (1.0 - WGS84_E2) * np.sin(phi)], axis=-1
    )


def earth_centred_point(lon: float, lat: float) -> Floats:
    """Return what ``earth_centred`` does for one point, in a tenth of the time."""
    lam, phi = lon * DEG, lat * DEG
    sine, cosine = math.sin(phi), math.cos(phi)
    radius = WGS84_A / math.sqrt(1.0 - WGS84_E2 * sine * sine)
    return np.array([radius * cosine * math.cos(lam), radius * cosine * math.sin(lam), radius * (1.0 - WGS84_E2) * sine])


def straight_slack_m(straight_m: float) -> float:
    """Return by how much the straight distances of two places may differ although they are equally far on the ground.

    The Earth is curved by 0.7 % more in one direction than in another, which shows with the square of the distance: 0.1 mm
    at 20 km, 14 m at 1,000 km. This is several times that, and a millimetre.
    """
    return 1e-3 + 1e-6 * straight_m * (1.0 + (straight_m / 1e5) ** 2)
