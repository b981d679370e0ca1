"""Whole collections out of PostGIS: the rows of one statement, hence of one snapshot, in blocks of text as COPY gives them.

COPY takes no parameters, so the driver writes the values of a query into its text, quoted as PostgreSQL quotes.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple, Self

import psycopg
from psycopg import errors as pg_errors

from gisgrid.db.database import Database, explained
from gisgrid.db.features.keyset import Key, behind, order_by
from gisgrid.db.features.statement import Statement, conditions, feature_text, given_fields
from gisgrid.db.pool import time_limit
from gisgrid.errors import UnavailableError
from gisgrid.features.query import SRID, FeatureQuery

BLOCK_BYTES = 1 << 20
"""About how long a block is; never less than a row."""

# Quotes and delimiters that JSON never has in it: each row comes out as it is.
_AS_IT_IS = "(FORMAT csv, DELIMITER E'\\x02', QUOTE E'\\x01', ESCAPE E'\\x01')"

# WGS 84 and CGCS2000 count as equal.
_DEGREES = frozenset({SRID, 4490})
_METRE_DIGITS = 4
_DEGREE_DIGITS = 15


class Cut(NamedTuple):
    """Which part of what a query finds: at most ``limit`` features (None: all), behind the first ``offset``, or ``after`` one."""

    limit: int | None = None
    offset: int = 0
    after: Key | None = None


ALL = Cut()
"""Everything that a query finds."""


def geojson_statement(query: FeatureQuery, cut: Cut, before: str) -> Statement:
    """Return the statement of a line for each feature: its GeoJSON text behind ``before``, which has no quotes in it."""
    return _copied(query, cut, f"'{before}' || {feature_text(query)}", _AS_IT_IS)


def csv_statement(query: FeatureQuery, cut: Cut) -> Statement:
    """Return the statement of CSV rows with a header: id, fields, then the place.

    That is ``lon`` and ``lat`` of points (``x`` and ``y`` in a projected system), and well-known text as ``WKT`` for anything
    else; always x before y.
    """
    return _copied(query, cut, ", ".join([*_columns(query), *_place(query)]), "(FORMAT csv, HEADER true)")


def table_statement(query: FeatureQuery, cut: Cut) -> Statement:
    """Return the statement of CSV rows without header: id, fields, then the geometry as hexadecimal well-known binary, x before y."""
    geometry = f"encode(ST_AsBinary({_geometry(query)}, 'NDR'), 'hex')"
    return _copied(query, cut, ", ".join([*_columns(query), geometry]), "(FORMAT csv)")


def _copied(query: FeatureQuery, cut: Cut, columns: str, format_: str) -> Statement:
    condition = conditions(query)
    args = {**condition.args, "limit": cut.limit, "offset": cut.offset}
    where = condition.sql if cut.after is None else f"{condition.sql} AND {behind(query, cut.after, args)}"
    rows = f"SELECT {columns} FROM gisgrid.{query.layer.id} f WHERE {where} ORDER BY {order_by(query)}"
    return Statement(f"COPY ({rows} LIMIT %(limit)s OFFSET %(offset)s) TO STDOUT {format_}", args)


def _columns(query: FeatureQuery) -> list[str]:
    return ["f.id", *(f'f."{field.name}"' for field in given_fields(query))]


def _geometry(query: FeatureQuery) -> str:
    return "f.geom" if query.srid in _DEGREES else f"ST_Transform(f.geom, {query.srid})"


def _place(query: FeatureQuery) -> list[str]:
    geometry, in_degrees = _geometry(query), query.srid in _DEGREES
    if query.layer.geometry != "Point":
        return [f'ST_AsText({geometry}, {_DEGREE_DIGITS if in_degrees else _METRE_DIGITS}) AS "WKT"']
    if in_degrees:
        return [f"ST_X({geometry}) AS lon", f"ST_Y({geometry}) AS lat"]
    return [f"round(ST_{axis}({geometry})::numeric, {_METRE_DIGITS})::float8 AS {axis.lower()}" for axis in "XY"]


class SnapshotReader:
    """Reads the features of one snapshot over a connection of its own, for a block; ``stop`` ends it from any thread.

    ``timeout_s`` is how long the reading may take, with all that is waited for meanwhile. Raises DatabaseError when PostGIS
    is away or refuses, UnavailableError when it takes longer.
    """

    def __init__(self, database: Database, timeout_s: float) -> None:
        self._database, self._timeout_s = database, timeout_s
        self._connection: psycopg.Connection | None = None
        self._stopped = threading.Event()
        self.rows = 0

    def __enter__(self) -> Self:
        try:
            self._connection = psycopg.connect(self._database.conninfo(), application_name="gisgrid downloads")
            self._connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            self._connection.read_only = True
            # Just-in-time compilation costs more than it saves here; a cursor would be planned for its first rows.
            limits = "SELECT set_config('statement_timeout', %s, false), set_config('jit', 'off', false)"
            self._connection.execute(limits, (str(round(self._timeout_s * 1000)),))
        except psycopg.Error as error:
            self.close()
            raise explained(error, self._database.address) from error
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection, and with it whatever is being read."""
        if self._connection is not None:
            # Not rolled back first: in the middle of COPY that would read all that is left.
            self._connection.close()

    def stop(self) -> None:
        """End what is being read; may be called from another thread, and more than once."""
        self._stopped.set()
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.cancel_safe(timeout=5.0)

    @property
    def is_stopped(self) -> bool:
        """Whether ``stop`` was called."""
        return self._stopped.is_set()

    def has_more_than(self, query: FeatureQuery, most: int) -> bool:
        """Say whether a query finds more than ``most`` features in this snapshot."""
        condition = conditions(query)
        sql = f"SELECT FROM gisgrid.{query.layer.id} f WHERE {condition.sql} OFFSET %(most)s LIMIT 1"
        with self._told() as connection:
            return connection.execute(sql.encode(), {**condition.args, "most": most}).fetchone() is not None

    def blocks(self, statement: Statement) -> Iterator[bytes]:
        """Yield the rows of a COPY statement, whole rows in blocks of about ``BLOCK_BYTES``."""
        with self._told() as connection, connection.cursor() as cursor, cursor.copy(statement.sql.encode(), statement.args) as copy:
            rows: list[bytes] = []
            size = 0
            for row in copy:
                rows.append(bytes(row))
                size += len(row)
                if size >= BLOCK_BYTES:
                    yield self._block(rows)
                    rows, size = [], 0
            if rows:
                yield self._block(rows)

    def _block(self, rows: list[bytes]) -> bytes:
        if self._stopped.is_set():
            raise UnavailableError("The reading was stopped.")
        self.rows += len(rows)
        return b"".join(rows)

    @contextmanager
    def _told(self) -> Iterator[psycopg.Connection]:
        if self._connection is None:
            raise UnavailableError("The reading has not begun.")
        try:
            yield self._connection
        except pg_errors.QueryCanceled as error:
            taken = time_limit(round(self._timeout_s * 1000))
            raise UnavailableError(f"The reading was ended after {taken}.", "Ask for fewer features, or read faster.") from error
        except psycopg.Error as error:
            raise explained(error, self._database.address) from error
