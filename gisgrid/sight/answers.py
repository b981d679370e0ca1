"""What is answered: whether a camera sees a place, how surely, why, and what stands in the way."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

State = Literal["sees", "probably_sees", "blocked", "out_of_view", "out_of_range", "unknown"]
"""Whether a camera sees a place; docs/sight.md has the rules."""

STATES: tuple[State, ...] = ("sees", "probably_sees", "blocked", "out_of_view", "out_of_range", "unknown")
"""The states; the number of a state in ``Sightings`` is its place here."""

SEES, PROBABLY_SEES, BLOCKED, OUT_OF_VIEW, OUT_OF_RANGE, UNKNOWN = range(6)
NO_CAMERA = -1


class Blocker(NamedTuple):
    """A building in the line, and the place where the line from the camera first meets its wall or its roof.

    ``lon`` and ``lat`` are WGS 84 degrees, ``distance_m`` metres on the ground from the camera, ``sight_height_m`` how high the
    line is there and ``roof_height_m`` the roof, both in metres above the ground.
    """

    building_id: int
    building_code: str
    lon: float
    lat: float
    distance_m: float
    sight_height_m: float
    roof_height_m: float


class Sighting(NamedTuple):
    """Whether one camera sees a place.

    ``share`` is how much of the azimuth's uncertainty has the place in view, 0 to 1; None where that is not known.
    ``distance_m`` is on the ground; ``bearing_deg`` clockwise from true north as seen from the camera, None where camera and
    place are one. ``reason`` is a sentence in English.
    """

    camera_id: int
    state: State
    share: float | None
    distance_m: float
    bearing_deg: float | None
    reason: str
    blocked_by: Blocker | None


class Sightings(NamedTuple):
    """Whether cameras see places, as arrays of one shape (n, k).

    ``state`` is a number in ``STATES``, -1 where there is no camera (or no place); ``share``, ``distance_m``, ``bearing_deg``
    as in ``Sighting``, NaN where there is none. ``building`` is the row of the building that blocks, or whose unknown height
    leaves the state open, else -1, and ``met_m`` the distance from the camera at which the line meets it.
    """

    state: NDArray[np.int8]
    share: NDArray[np.float64]
    distance_m: NDArray[np.float64]
    bearing_deg: NDArray[np.float64]
    building: NDArray[np.int64]
    met_m: NDArray[np.float64]

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Where a camera sees or probably sees the place."""
        return np.isin(self.state, (SEES, PROBABLY_SEES))


def sight_document(sighting: Sighting) -> dict[str, object]:
    """Return a sighting as HTTP and the command line show it: distances to millimetres, bearings and shares to four places."""
    blocker = sighting.blocked_by
    return {
        "state": sighting.state,
        "share": None if sighting.share is None else round(sighting.share, 4),
        "reason": sighting.reason,
        "distance_m": round(sighting.distance_m, 3),
        "bearing_deg": None if sighting.bearing_deg is None else round(sighting.bearing_deg, 4) % 360.0,
        "blocked_by": None if blocker is None else _blocker_document(blocker),
    }


def _blocker_document(blocker: Blocker) -> dict[str, object]:
    return {
        "building_id": blocker.building_id,
        "building_code": blocker.building_code,
        "lon": round(blocker.lon, 8),
        "lat": round(blocker.lat, 8),
        "distance_m": round(blocker.distance_m, 3),
        "sight_height_m": round(blocker.sight_height_m, 3),
        "roof_height_m": round(blocker.roof_height_m, 3),
    }
