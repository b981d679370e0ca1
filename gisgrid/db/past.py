"""What was served at an instant of the past: assets from their versions, and who answered for the areas then.

A change counts from the beginning of its transaction on: that is the time that rows and versions carry.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, LiteralString, NamedTuple

import numpy as np
import psycopg
import shapely
from psycopg import sql

from gisgrid.db.changes import Position
from gisgrid.layers import Layer, layer
from gisgrid.locator import FootprintTable, PointTable
from gisgrid.types import Level

_CLASS: LiteralString = (
    "(SELECT {} FROM gisgrid.component_classes k WHERE k.scheme = c.scheme AND k.edition = c.edition AND k.code = c.class_code)"
)
# Fields that are no columns of the table: how they come from its row ``c``. The meaning of classes is today's.
_DERIVED: dict[str, LiteralString] = {
    "material": "c.spec ->> 'material'",
    "shape": "c.spec ->> 'shape'",
    "size": "c.spec ->> 'size'",
    "kind": _CLASS.replace("{}", "nullif(k.kind, '')"),
    "class_name": _CLASS.replace("{}", "k.name"),
}
_DERIVED_IN = {"manhole_covers": _DERIVED}
_IS_COVER: LiteralString = """(c.scheme, c.edition, c.class_code) IN (
    SELECT k.scheme, k.edition, k.code FROM gisgrid.component_classes k WHERE k.is_cover
)"""
_ONLY: dict[str, LiteralString] = {"manhole_covers": _IS_COVER}

# Versions know the layer that showed them.
_VERSIONS: LiteralString = """
SELECT c.id, {fields}, c.retired_at IS NULL, ST_AsBinary(v.geom)
FROM gisgrid.asset_versions v CROSS JOIN LATERAL jsonb_populate_record(NULL::gisgrid.{table}, v."row") c
WHERE v.layer = {layer} AND v.valid_from <= %(at)s AND v.valid_to > %(at)s
"""
_CHANGED_SINCE: LiteralString = """
SELECT c.id FROM gisgrid.{table} c WHERE c.changed_at > %(at)s
UNION ALL
SELECT asset_id FROM gisgrid.asset_versions WHERE layer = {layer} AND valid_to > %(at)s
"""
_EXTENT: LiteralString = """
SELECT least(
        (SELECT min(c.changed_at) FROM gisgrid.{table} c WHERE {only}),
        (SELECT min(valid_from) FROM gisgrid.asset_versions WHERE layer = {layer})
    ), greatest(
        (SELECT max(c.changed_at) FROM gisgrid.{table} c WHERE {only}),
        (SELECT max(valid_to) FROM gisgrid.asset_versions WHERE layer = {layer})
    )
"""
_SPAN: LiteralString = """
SELECT greatest(
        (SELECT max(c.changed_at) FROM gisgrid.{table} c WHERE c.changed_at <= %(at)s AND {only}),
        (SELECT max(valid_from) FROM gisgrid.asset_versions WHERE layer = {layer} AND valid_from <= %(at)s),
        (SELECT max(valid_to) FROM gisgrid.asset_versions WHERE layer = {layer} AND valid_to <= %(at)s)
    ), least(
        (SELECT min(c.changed_at) FROM gisgrid.{table} c WHERE c.changed_at > %(at)s AND {only}),
        (SELECT min(valid_from) FROM gisgrid.asset_versions WHERE layer = {layer} AND valid_from > %(at)s),
        (SELECT min(valid_to) FROM gisgrid.asset_versions WHERE layer = {layer} AND valid_to > %(at)s)
    )
"""

# Persons and telephones stay in the database: only organisations are read.
_ROLES: LiteralString = """
SELECT area_level, area_code, organization_code, valid_from, valid_to FROM gisgrid.area_roles
WHERE role = 'responsible_unit' AND organization_code IS NOT NULL
ORDER BY valid_from, id
"""
_NAMES: LiteralString = """
SELECT code, name, changed_at, NULL FROM gisgrid.organizations
UNION ALL
SELECT code, "row" ->> 'name', valid_from, valid_to FROM gisgrid.asset_versions WHERE layer = 'organizations'
"""

_TOUCHED: LiteralString = """
SELECT layer, CASE WHEN bool_and(began_at IS NOT NULL) THEN min(began_at) END, max(began_at) FROM gisgrid.changes
WHERE xid >= %s::text::xid8 AND NOT (id = ANY (%s))
GROUP BY layer
"""


class Span(NamedTuple):
    """A time in which a layer did not change: from ``since`` on, until before ``until`` (None: to this day)."""

    since: datetime
    until: datetime | None


class Extent(NamedTuple):
    """When something is first known of a layer, and when it last changed."""

    first: datetime
    last: datetime


class Touch(NamedTuple):
    """From when on changes count that a reader has not had: ``first`` of the earliest, ``last`` of the latest; None: not known."""

    first: datetime | None
    last: datetime | None


class RoleThen(NamedTuple):
    """A responsible unit of an area, from ``valid_from`` until before ``valid_to`` (None: still)."""

    level: Level
    area_code: str
    code: str
    valid_from: datetime
    valid_to: datetime | None


class NameThen(NamedTuple):
    """What an organisation was called, from ``valid_from`` until before ``valid_to`` (None: still)."""

    code: str
    name: str
    valid_from: datetime
    valid_to: datetime | None


def read_roles_then(connection: psycopg.Connection) -> tuple[list[RoleThen], list[NameThen]]:
    """Return all responsible units there ever were, those named last at the end, and what organisations were called."""
    roles = [RoleThen(*row) for row in connection.execute(_ROLES).fetchall()]
    return roles, [NameThen(*row) for row in connection.execute(_NAMES).fetchall()]


def read_extent(connection: psycopg.Connection, layer_id: str) -> Extent | None:
    """Return since when and until when the history of a layer is known to change; None when it never held anything."""
    first, last = _one(connection, _query(_EXTENT, layer(layer_id)), {})
    return None if first is None else Extent(first, last)


def read_span(connection: psycopg.Connection, layer_id: str, instant: datetime) -> Span:
    """Return the time around ``instant`` in which a layer did not change; ``instant`` is not before its first version."""
    since, until = _one(connection, _query(_SPAN, layer(layer_id)), {"at": instant})
    return Span(since or instant, until)


def read_points_then(connection: psycopg.Connection, layer_id: str, instant: datetime, now: PointTable) -> PointTable:
    """Return the features of a layer of points as they were at ``instant``, by id, with all fields; WGS 84, lon lat.

    ``now`` is the layer as it is; only what has changed since is read, all else is taken from there.
    """
    ids, codes, rows, shapes, changed = _changed(connection, layer(layer_id), instant)
    kept = [row for row, id in enumerate(now.ids) if id not in changed]
    places = shapely.get_coordinates(shapes)
    ids, order = _in_order([*(now.ids[row] for row in kept), *ids])
    codes, rows = [*(now.codes[row] for row in kept), *codes], [*(now.rows[row] for row in kept), *rows]
    lon, lat = np.concatenate((now.lon[kept], places[:, 0])), np.concatenate((now.lat[kept], places[:, 1]))
    return PointTable(ids, [codes[row] for row in order], lon[order], lat[order], now.fields, [rows[row] for row in order])


def read_footprints_then(connection: psycopg.Connection, layer_id: str, instant: datetime, now: FootprintTable) -> FootprintTable:
    """Return the features of a layer of polygons as they were at ``instant``, as ``read_points_then`` does."""
    ids, codes, rows, shapes, changed = _changed(connection, layer(layer_id), instant)
    kept = [row for row, id in enumerate(now.ids) if id not in changed]
    ids, order = _in_order([*(now.ids[row] for row in kept), *ids])
    codes, rows = [*(now.codes[row] for row in kept), *codes], [*(now.rows[row] for row in kept), *rows]
    shapes = np.concatenate((now.geometries[kept], shapes))
    return FootprintTable(ids, [codes[row] for row in order], shapes[order], now.fields, [rows[row] for row in order])


def read_touched(connection: psycopg.Connection, since: Position) -> dict[str, Touch]:
    """Return the layers that changed after ``since``, as the snapshot shows them, with when those changes count from."""
    rows = connection.execute(_TOUCHED, [str(since.watermark), [id for _, id in since.seen]]).fetchall()
    return {name: Touch(first, last) for name, first, last in rows}


def _query(template: LiteralString, found: Layer) -> sql.Composed:
    derived = _DERIVED_IN.get(found.id, {})
    stored = ["id", *(field.name for field in found.fields if field.name not in derived), *(["spec"] if derived else [])]
    fields = [
        sql.SQL(derived[field.name])
        if field.name in derived
        else sql.SQL("c.{}::text" if field.type == "date" else "c.{}").format(sql.Identifier(field.name))
        for field in found.fields
    ]
    parts: dict[str, sql.Composable] = {
        "table": sql.Identifier(found.table),
        "layer": sql.Literal(found.id),
        "only": sql.SQL(_ONLY.get(found.id, "true")),
        "fields": sql.SQL(", ").join(fields),
        "columns": sql.SQL(", ").join(sql.SQL("c.{}").format(sql.Identifier(name)) for name in stored),
    }
    return sql.SQL(template).format(**parts)


_Changed = tuple[list[int], list[str], list[tuple[object, ...]], Any, set[int]]


def _changed(connection: psycopg.Connection, found: Layer, instant: datetime) -> _Changed:
    """Return ids, codes, fields and shapes of the features that were otherwise at an instant, and the ids of all that changed since.

    Those that were deleted have versions only; for who looked before that they are there still.
    """
    # Binary results: geometries come as the bytes they are, numbers without a detour through text.
    with connection.cursor(binary=True) as cursor:
        changed = {row[0] for row in cursor.execute(_query(_CHANGED_SINCE, found), {"at": instant}).fetchall()}
        versions: list[tuple[Any, ...]] = cursor.execute(_query(_VERSIONS, found), {"at": instant}).fetchall()
    shown = [row for row in versions if row[-2]]
    shapes = np.empty(len(shown), dtype=object)
    shapes[:] = shapely.from_wkb([row[-1] for row in shown]) if shown else []
    return [row[0] for row in shown], [row[1] for row in shown], [row[1:-2] for row in shown], shapes, changed


def _in_order(ids: list[int]) -> tuple[list[int], list[int]]:
    """Return ids in ascending order, and where each of them was."""
    order = sorted(range(len(ids)), key=ids.__getitem__)
    return [ids[row] for row in order], order


def _one(connection: psycopg.Connection, query: sql.SQL | sql.Composed, values: dict[str, object]) -> tuple[Any, ...]:
    row = connection.execute(query, values).fetchone()
    return row or (None, None)
