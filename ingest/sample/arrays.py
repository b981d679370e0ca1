"""Names for the array types that the sample generator passes around."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
"""Metres in EPSG:4549, degrees, or plain numbers: the name says which."""

Ints = npt.NDArray[np.int64]
"""Indices and labels; -1 means none."""

Bools = npt.NDArray[np.bool_]
"""Masks."""

Geoms = npt.NDArray[np.object_]
"""Shapely geometries."""

Texts = npt.NDArray[np.object_]
"""Python strings."""

Table = dict[str, npt.NDArray[Any]]
"""Columns of equal length by their name in the file."""
