"""Features as GeoJSON text, the same to the letter as that of pages that are read from PostGIS: places to the last bit."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray


def feature_text(id: int, geometry: bytes, properties: Mapping[str, object]) -> bytes:
    """Return a feature; ``geometry`` is GeoJSON already.

    >>> feature_text(7, b"null", {"name": "A"})
    b'{"type":"Feature","id":7,"geometry":null,"properties":{"name":"A"}}'
    """
    return b'{"type":"Feature","id":%d,"geometry":%b,"properties":%b}' % (id, geometry, orjson.dumps(properties))


def point_text(lon: float, lat: float) -> bytes:
    """Return a point as GeoJSON (longitude, latitude in degrees).

    >>> point_text(120.1, 36.0)
    b'{"type":"Point","coordinates":[120.1,36]}'
    """
    return b'{"type":"Point","coordinates":%b}' % _short(orjson.dumps([lon, lat]))


def ring_text(corners: NDArray[np.float64]) -> bytes:
    """Return the multipolygon of a single ring as GeoJSON; ``corners`` are rows of two, the first once more at the end."""
    return b'{"type":"MultiPolygon","coordinates":[[%b]]}' % _short(orjson.dumps(corners, option=orjson.OPT_SERIALIZE_NUMPY))


def area_text(shape: shapely.Geometry) -> bytes:
    """Return a polygon or multipolygon as GeoJSON, in its own coordinates."""
    parts = [[shapely.get_coordinates(ring).tolist() for ring in shapely.get_rings(part)] for part in shapely.get_parts(shape)]
    written = _short(orjson.dumps(parts if shape.geom_type == "MultiPolygon" else parts[0]))
    return b'{"type":"%b","coordinates":%b}' % (shape.geom_type.encode(), written)


def _short(numbers: bytes) -> bytes:
    # PostGIS writes whole numbers without a point.
    return numbers.replace(b".0,", b",").replace(b".0]", b"]")
