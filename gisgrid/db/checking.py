"""What checks and comparisons of areas need of the assets: codes and shapes by the piece, or positions alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, LiteralString, NamedTuple

import numpy as np
import psycopg
import shapely
from numpy.typing import NDArray

from gisgrid.db.database import transaction

Connection = psycopg.Connection
"""A connection to the database, for those who hand one on and hold no SQL."""

_PIECE = 50_000
# Without an order: what is found is sorted by its area, and sorting half a million footprints first takes longer than the check.
_BUILDINGS: LiteralString = "SELECT code, ST_AsBinary(geom) FROM gisgrid.buildings"
_COVERS: LiteralString = "SELECT code, ST_AsBinary(geom) FROM gisgrid.manhole_covers"
_PLACES: dict[str, LiteralString] = {
    "components": "SELECT ST_X(geom), ST_Y(geom) FROM gisgrid.components WHERE retired_at IS NULL",
    "cameras": "SELECT ST_X(geom), ST_Y(geom) FROM gisgrid.cameras",
    "buildings": "SELECT ST_X(inside), ST_Y(inside) FROM (SELECT ST_PointOnSurface(geom) AS inside FROM gisgrid.buildings) b",
}


class CodedShapes(NamedTuple):
    """Some features of a layer: their codes and shapely geometries, WGS 84 degrees."""

    codes: list[str]
    shapes: NDArray[Any]


def read_buildings(connection: Connection) -> Iterator[CodedShapes]:
    """Yield all buildings, some ten thousand at a time, in any order; raises DatabaseError when the database fails."""
    return _pieces(connection, _BUILDINGS)


def read_covers(connection: Connection) -> Iterator[CodedShapes]:
    """Yield all manhole covers, some ten thousand at a time, in any order; raises DatabaseError when the database fails."""
    return _pieces(connection, _COVERS)


def read_places(connection: Connection, layer_id: str) -> NDArray[np.float64]:
    """Return longitudes and latitudes (two rows, WGS 84 degrees) of all components, cameras or buildings.

    That of a building is a point inside it. Raises DatabaseError when the database fails.
    """
    with transaction(connection), connection.cursor(binary=True) as cursor:
        rows = cursor.execute(_PLACES[layer_id]).fetchall()
    return np.array(rows, dtype=np.float64).reshape(-1, 2).T


def _pieces(connection: Connection, query: LiteralString) -> Iterator[CodedShapes]:
    with transaction(connection), connection.cursor("gisgrid_pieces", binary=True) as cursor:
        cursor.execute(query)
        while rows := cursor.fetchmany(_PIECE):
            shapes = np.empty(len(rows), dtype=object)
            shapes[:] = shapely.from_wkb([row[1] for row in rows])
            yield CodedShapes([row[0] for row in rows], shapes)
