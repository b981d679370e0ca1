"""Reading a table of somebody else's PostGIS database: its columns, its coordinate system, its rows as a stream, a hash of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from gisgrid.db.database import Database, first_line
from gisgrid.errors import ConfigError, SourceError

_COLUMNS = """
SELECT a.attname, t.typname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_SRS = "SELECT auth_name, auth_srid, srtext FROM spatial_ref_sys WHERE srid = %s"
# A sum does not depend on the order of the rows; two seeds make 128 bits.
_HASH = """
SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0), coalesce(sum(hashtextextended(t::text, 1)::numeric), 0) FROM {} t
"""
_GEOMETRIES = {"geometry", "geography"}


class ExternalTable(NamedTuple):
    """A table: its name as the server writes it, its columns without the geometry, the geometry column, and about how many rows.

    ``crs`` is "EPSG:n", or WKT for a system of the database's own; None when the geometry has no SRID.
    """

    name: sql.Composable
    columns: tuple[str, ...]
    geometry: str | None
    crs: str | None
    rows: int


@contextmanager
def opened(url: str) -> Iterator[psycopg.Connection]:
    """Open a connection whose statements all see one state of the database, and in which nothing can be written.

    Raises SourceError that names host, port and database, never the password, when it cannot be reached or breaks.
    """
    try:
        database = Database(url)
    except ConfigError as error:
        raise SourceError("The `connection` of a source cannot be read as a PostgreSQL URL.", error.hint) from error
    try:
        with psycopg.connect(database.conninfo()) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            yield connection
    except psycopg.Error as error:
        raise SourceError(
            f"The database at {database.address} cannot be read: {first_line(error)}.", "Check `connection` and `table`, and the rights."
        ) from error


def describe(connection: psycopg.Connection, table: str) -> ExternalTable:
    """Return what is known of ``table`` ("schema.table", in quotes where its name needs them).

    Raises SourceError when there is no such table, or it has several geometry columns.
    """
    found = _regclass(connection, table)
    columns = connection.execute(_COLUMNS, [found]).fetchall()
    shapes = [name for name, kind in columns if kind in _GEOMETRIES]
    if len(shapes) > 1:
        raise SourceError(f"Table {table} has several geometry columns: {', '.join(shapes)}.", "Make a view with one of them.")
    name = sql.SQL(".").join(sql.Identifier(part) for part in _name_parts(connection, found))
    geometry = shapes[0] if shapes else None
    crs = _crs(connection, name, geometry) if geometry else None
    (count,) = _one(connection, sql.SQL("SELECT count(*) FROM {}").format(name))
    return ExternalTable(name, tuple(name for name, kind in columns if kind not in _GEOMETRIES), geometry, crs, count)


def rows(connection: psycopg.Connection, table: ExternalTable, size: int) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows, at most ``size`` at a time: every column as text, then the geometry as ISO WKB (None where there is none)."""
    wanted: list[sql.Composable] = [sql.SQL("{}::text").format(sql.Identifier(name)) for name in table.columns]
    if table.geometry:
        wanted.append(sql.SQL("ST_AsBinary({}::geometry)").format(sql.Identifier(table.geometry)))
    query = sql.SQL("SELECT {} FROM {}").format(sql.SQL(", ").join(wanted), table.name)
    with connection.cursor(name="gisgrid_external", binary=True) as cursor:
        cursor.execute(query)
        while chunk := cursor.fetchmany(size):
            yield chunk


def content_hash(connection: psycopg.Connection, table: ExternalTable) -> str:
    """Return a text that is the same as long as the rows are the same, in whatever order."""
    count, first, second = _one(connection, sql.SQL(_HASH).format(table.name))
    return f"{count}:{int(first):x}:{int(second):x}:{','.join(table.columns)}"


def _one(connection: psycopg.Connection, query: sql.SQL | sql.Composed, *values: object) -> TupleRow:
    row = connection.execute(query, values or None).fetchone()
    assert row is not None
    return row


def _regclass(connection: psycopg.Connection, table: str) -> str:
    try:
        (found,) = _one(connection, sql.SQL("SELECT to_regclass(%s)::text"), table)
    except psycopg.errors.InvalidName as error:
        raise SourceError(f"{table!r} is not the name of a table.", 'Write table = "schema.table".') from error
    if found is None:
        raise SourceError(f"There is no table {table} in the database.", 'Write table = "schema.table"; capital letters need quotes.')
    return str(found)


def _name_parts(connection: psycopg.Connection, table: str) -> tuple[str, str]:
    query = "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass(%s)"
    schema, name = _one(connection, sql.SQL(query), table)
    return str(schema), str(name)


def _crs(connection: psycopg.Connection, name: sql.Composable, geometry: str) -> str | None:
    """Return the coordinate system of the first geometry; all are checked to have the same."""
    column = sql.Identifier(geometry)
    query = sql.SQL("SELECT DISTINCT ST_SRID({}::geometry) FROM {} WHERE {} IS NOT NULL LIMIT 2").format(column, name, column)
    srids = [row[0] for row in connection.execute(query).fetchall()]
    if len(srids) > 1:
        raise SourceError(
            f"The geometries of {name.as_string()} are in several coordinate systems (SRID {srids[0]}, {srids[1]}, ...).",
            "Make a view that transforms them into one.",
        )
    if not srids or srids[0] == 0:
        return None
    found = connection.execute(_SRS, [srids[0]]).fetchone()
    if found is None:
        return f"EPSG:{srids[0]}"
    authority, code, text = found
    return f"{authority}:{code}" if authority == "EPSG" else str(text)
