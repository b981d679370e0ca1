"""A flat plane in metres for distances within one city."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_METRES_PER_DEGREE = 111_195.0  # of latitude, on the mean sphere


def metres(lonlat: NDArray[np.float64], origin: tuple[float, float]) -> NDArray[np.float64]:
    """Return ``lonlat`` (n x 2, degrees) in metres east and north of ``origin``; good to half a per cent within a city."""
    result = np.asarray((lonlat - np.array(origin)) * _METRES_PER_DEGREE, dtype=np.float64)
    result[:, 0] *= np.cos(np.radians(origin[1]))
    return result
