"""What the gazetteer is made of, as it is read from PostGIS: roads and other names; areas, buildings and points are in ``reading``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import LiteralString

import psycopg

from gisgrid.db.reading import read_footprints
from gisgrid.geocoding.tables import LineTable, OtherName
from gisgrid.types import Bounds

_NAMES: LiteralString = """
SELECT name, of_layer, of_code, kind, valid_from, valid_to FROM gisgrid.place_names WHERE retired_at IS NULL ORDER BY id
"""


def read_roads(connection: psycopg.Connection, within: Sequence[Bounds] | None = None) -> LineTable:
    """Return the roads with all their fields, in the order of their ids: shapely MultiLineStrings, WGS 84, lon lat.

    With ``within`` every road that touches one of these boxes (degrees, borders included) and perhaps a few beside them.
    """
    return LineTable(*read_footprints(connection, "roads", within))


def read_other_names(connection: psycopg.Connection) -> tuple[OtherName, ...]:
    """Return the other names there are, those loaded first at the beginning; what they are names of need not be there any more."""
    with connection.cursor(binary=True) as cursor:
        return tuple(OtherName(*row) for row in cursor.execute(_NAMES).fetchall())
