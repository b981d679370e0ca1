"""What an archive is made from, noted in its draft: a run goes on with a draft only when all of it is as it was.

Whether the data are the same is not guessed from a version number: the change feed is asked what a snapshot of today shows otherwise
than the one of the draft did.
"""

from __future__ import annotations

from hashlib import blake2b

import orjson
import psycopg

from gisgrid import __version__
from gisgrid.db import Database
from gisgrid.db.changes import Position, changes_since, position
from gisgrid.layers import layers
from tiles.archives.plan import ExportOptions
from tiles.request import TileRequest
from tiles.sql import tile_query
from tiles.tile import TileId

_IDENTITY = "SELECT oid, 'gisgrid.changes'::regclass::oid FROM pg_database WHERE datname = current_database()"


def standing(connection: psycopg.Connection, database: Database, options: ExportOptions) -> str:
    """Return what the archive of ``options`` is made from at the snapshot of ``connection``, as text."""
    where = position(connection)
    return orjson.dumps(
        {
            "options": repr(options._replace(connections=0)),
            "program": _program(options),
            "database": f"{database.address} {connection.execute(_IDENTITY).fetchone()}",
            "data": [where.watermark, sorted(where.seen), where.version],
        }
    ).decode()


def _program(options: ExportOptions) -> str:
    """Return a digest of how tiles are made: the statement of each zoom, and the release."""
    digest = blake2b(__version__.encode(), digest_size=16)
    for zoom in range(options.min_zoom, options.max_zoom + 1):
        query = tile_query(TileRequest(options.variant, TileId(zoom, 0, 0)))
        digest.update(b"\0" if query is None else query.sql.encode())
    return digest.hexdigest()


def compare(connection: psycopg.Connection, noted: str, now: str, layer_ids: tuple[str, ...]) -> str:
    """Return what has changed since a draft was begun: "options", "program", "database" or "data"; empty when it can be gone on with."""
    then, today = orjson.loads(noted), orjson.loads(now)
    for name in ("options", "program", "database"):
        if then.get(name) != today[name]:
            return name
    return "" if _shows_the_same(connection, _position(then["data"]), layer_ids) else "data"


def _position(noted: tuple[int, list[tuple[int, int]], int]) -> Position:
    watermark, seen, version = noted
    return Position(watermark, frozenset((xid, id) for xid, id in seen), version)


def _shows_the_same(connection: psycopg.Connection, then: Position, layer_ids: tuple[str, ...]) -> bool:
    """Say whether a snapshot shows the rows of layers as an earlier one did."""
    found = changes_since(connection, then)
    concern = {*layer_ids, *(layer.table for layer in layers(layer_ids)), "generations"}
    return found is not None and not any(change.layer in concern for change in found[1])
