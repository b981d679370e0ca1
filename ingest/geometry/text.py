"""Geometries as text, for messages and for what a repair changed."""

from __future__ import annotations

from functools import cache

import numpy as np
import shapely

from ingest.findings import Mask, Value
from ingest.readers.batch import Geometries

_DECIMALS = 9  # a tenth of a millimetre in degrees


def texts(geom: Geometries, mask: Mask) -> Value:
    """Return a function that gives the WKT of a geometry in ``mask``; all of them are written when the first is asked for."""

    @cache
    def written() -> dict[int, str]:
        wkt = shapely.to_wkt(geom[mask], rounding_precision=_DECIMALS, output_dimension=4)
        return dict(zip(np.flatnonzero(mask).tolist(), wkt.tolist(), strict=True))

    return lambda position: written().get(position)


def first_position(geom: shapely.Geometry) -> str:
    """Return the first coordinates of a geometry, for a message."""
    x, y = shapely.get_coordinates(geom)[0].tolist()
    return f"{x:.10g}, {y:.10g}"
