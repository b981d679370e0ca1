"""What the read models read: whole layers in one snapshot, with the position in the change feed that goes with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import psycopg
import shapely
from psycopg import sql

from gisgrid.db.changes import Position, position
from gisgrid.db.database import Database
from gisgrid.layers import AREA_LAYERS, Layer, layer
from gisgrid.locator import AreaTable, FootprintTable, PointTable, Roles
from gisgrid.types import Bounds, Level, ResponsibleUnit

_AREAS = sql.SQL("code, name, parent_code, ST_AsBinary(geom)")

# Boxes are compared with a margin of some decimetres (the index keeps them in single precision): a few features too many may come.
_WITHIN = sql.SQL(
    "WHERE id IN (SELECT f.id FROM unnest(%s::float8[], %s::float8[], %s::float8[], %s::float8[]) AS box (west, south, east, north)"
    " JOIN gisgrid.{} f ON f.geom && ST_MakeEnvelope(west, south, east, north, 4326))"
)

# Persons and telephones stay in the database: only organisations are read.
_ROLES = """
SELECT DISTINCT ON (r.area_level, r.area_code) r.area_level, r.area_code, r.organization_code, coalesce(o.name, '')
FROM gisgrid.area_roles r LEFT JOIN gisgrid.organizations o ON o.code = r.organization_code
WHERE r.role = 'responsible_unit' AND r.organization_code IS NOT NULL
  AND r.valid_from <= now() AND (r.valid_to IS NULL OR r.valid_to > now())
ORDER BY r.area_level, r.area_code, r.valid_from DESC, r.id DESC
"""


@contextmanager
def snapshot(database: Database) -> Iterator[psycopg.Connection]:
    """Open a connection whose statements all see the database as it is at the first of them; nothing can be written.

    Raises DatabaseError when there is no database.
    """
    with database.connect() as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        yield connection


def read_position(connection: psycopg.Connection) -> Position:
    """Return the position of the snapshot in the change feed."""
    return position(connection)


def read_areas(connection: psycopg.Connection, level: Level, within: Sequence[Bounds] | None = None) -> AreaTable:
    """Return the areas of one level in the active generation; of those that touch one of the boxes ``within`` if given."""
    rows = _fetch(connection, AREA_LAYERS[level], _AREAS, "code", within)
    return AreaTable([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows], _shapes(rows, 3))


def read_points(connection: psycopg.Connection, layer_id: str, within: Sequence[Bounds] | None = None) -> PointTable:
    """Return the features of a layer of points with all its fields, in the order of their ids.

    With ``within`` every feature that touches one of these boxes (degrees, borders included) and perhaps a few beside
    them: what ``PointIndex.replaced`` takes for the same boxes.
    """
    found = layer(layer_id)
    rows = _fetch(connection, found, _features(found), "id", within)
    count = len(found.fields)
    coordinates = shapely.get_coordinates(_shapes(rows, count + 1))
    names, values = _values(found, rows)
    return PointTable([row[0] for row in rows], [row[1] for row in rows], coordinates[:, 0], coordinates[:, 1], names, values)


def read_footprints(connection: psycopg.Connection, layer_id: str, within: Sequence[Bounds] | None = None) -> FootprintTable:
    """Return the features of a layer of polygons or lines with all its fields, in the order of their ids.

    With ``within`` as ``read_points``, for ``FootprintIndex.replaced``.
    """
    found = layer(layer_id)
    rows = _fetch(connection, found, _features(found), "id", within)
    names, values = _values(found, rows)
    return FootprintTable([row[0] for row in rows], [row[1] for row in rows], _shapes(rows, len(found.fields) + 1), names, values)


def read_roles(connection: psycopg.Connection) -> Roles:
    """Return the responsible unit of each area for which one is named now."""
    rows = connection.execute(_ROLES).fetchall()
    return {(level, area_code): ResponsibleUnit(code, name, level) for level, area_code, code, name in rows}


def _features(found: Layer) -> sql.Composed:
    """Return the columns of a layer: id, its fields in order (dates as text), and the geometry."""
    fields = [
        sql.SQL("{}::text" if field.type == "date" else "{}").format(sql.Identifier(field.name))  # the order of layers.py
        for field in found.fields
    ]
    return sql.SQL("id, {}, ST_AsBinary(geom)").format(sql.SQL(", ").join(fields))


def _fetch(
    connection: psycopg.Connection, found: Layer, columns: sql.Composable, order: str, within: Sequence[Bounds] | None
) -> list[tuple[Any, ...]]:
    """Return columns of a layer's features, of all or of those that touch one of the boxes."""
    name = sql.Identifier(found.id)
    where = sql.SQL("") if within is None else _WITHIN.format(name)
    sides = None if within is None else [list(side) for side in zip(*within, strict=True)] or [[]] * 4
    query = sql.SQL("SELECT {} FROM gisgrid.{} {} ORDER BY {}").format(columns, name, where, sql.Identifier(order))
    # Binary results: geometries come as the bytes they are, numbers without a detour through text.
    with connection.cursor(binary=True) as cursor:
        return cursor.execute(query, sides).fetchall()


def _shapes(rows: list[tuple[Any, ...]], column: int) -> Any:
    shapes = np.empty(len(rows), dtype=object)
    shapes[:] = shapely.from_wkb([row[column] for row in rows]) if rows else []
    return shapes


def _values(found: Layer, rows: list[tuple[Any, ...]]) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """Return the names and the values of the fields that follow the id; the first of them is the code."""
    names = tuple(field.name for field in found.fields)
    return names, [row[1 : len(names) + 1] for row in rows]
