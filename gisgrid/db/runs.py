"""The records of ingests: what each run did, its rejected rows, its repairs and its issues.

Plain functions on a psycopg connection. Each opens a transaction of its own, or a savepoint when the caller has one open,
and raises DatabaseError when the database fails; only the functions that say so write anything.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString, NamedTuple

import psycopg
from psycopg import sql

from gisgrid.db.database import transaction
from gisgrid.db.records import Counts, Delivery, Issue, Reject, Repair, Written
from gisgrid.db.staging import LOADABLE, STATEMENTS
from gisgrid.errors import NotFoundError

INTERRUPTED = "The load was interrupted before it ended."
"""What a run says of itself until it ends."""

_COLUMNS: LiteralString = """
    id, source_id, layer, path, file_hash, source_hash, status, started_at, finished_at, partial, crs, source_columns,
    rows_read, rows_loaded, rows_repaired, rows_rejected, rows_warned, rows_inserted, rows_updated, rows_retired, rows_unchanged,
    settings, timings, report
"""
_LIST = (
    f"SELECT {_COLUMNS} FROM gisgrid.ingest_runs WHERE %(source)s::text IS NULL OR source_id = %(source)s ORDER BY id DESC LIMIT %(limit)s"
)
_READ = f"SELECT {_COLUMNS} FROM gisgrid.ingest_runs WHERE id = %s"
_REJECTS = """
SELECT row_number, code, message, coalesce(field, ''), raw, geom::text, geom_file FROM gisgrid.ingest_rejects
WHERE run_id = %s ORDER BY row_number, id
"""
_REPAIRS = """
SELECT row_number, feature_code, code, coalesce(field, ''), before, after, geom::text FROM gisgrid.ingest_repairs
WHERE run_id = %s ORDER BY row_number, id
"""
_ISSUES = "SELECT layer, feature_code, code, severity, message, geom::text FROM gisgrid.quality_issues WHERE run_id = %s ORDER BY id"
_START = """
INSERT INTO gisgrid.ingest_runs (source_id, layer, path, file_hash, source_hash, partial, settings, source_columns, crs, status, report)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, 'failed', %s) RETURNING id
"""
_FINISH = """
UPDATE gisgrid.ingest_runs
SET status = %(status)s, finished_at = clock_timestamp(), rows_read = %(read)s, rows_loaded = %(loaded)s, rows_repaired = %(repaired)s,
    rows_rejected = %(rejected)s, rows_warned = %(warned)s, rows_inserted = %(inserted)s, rows_updated = %(updated)s,
    rows_retired = %(retired)s, rows_unchanged = %(unchanged)s, report = %(report)s, timings = %(timings)s
WHERE id = %(id)s
"""
_RELEASE = "UPDATE {table} t SET source_id = NULL WHERE t.source_id = %(source_id)s AND {scope}"
_RELEASE_AND_RETIRE = "UPDATE {table} t SET source_id = NULL, retired_at = now() WHERE t.source_id = %(source_id)s AND t.retired_at IS NULL"


class Run(NamedTuple):
    """One run of one source, as it was recorded.

    ``status`` is loaded, unchanged or failed; ``finished_at`` is None for a run that is going on or was cut short. The
    counts are rows. ``report`` is what the run said of itself (``error`` in a failed one), ``timings`` seconds by step,
    ``source_columns`` the columns of the file, ``crs`` what its coordinates were taken for.
    """

    id: int
    source_id: str
    layer: str
    path: str | None
    file_hash: str | None
    source_hash: str | None
    status: str
    started_at: datetime
    finished_at: datetime | None
    partial: bool
    crs: str | None
    source_columns: list[str]
    rows_read: int
    rows_loaded: int
    rows_repaired: int
    rows_rejected: int
    rows_warned: int
    rows_inserted: int
    rows_updated: int
    rows_retired: int
    rows_unchanged: int
    settings: dict[str, Any]
    timings: dict[str, float]
    report: dict[str, Any]


def list_runs(connection: psycopg.Connection, *, source_id: str | None = None, limit: int = 100) -> list[Run]:
    """Return the last runs, newest first; only those of ``source_id`` when that is given."""
    with transaction(connection):
        rows = connection.execute(_LIST, {"source": source_id, "limit": limit}).fetchall()
    return [Run(*row) for row in rows]


def read_run(connection: psycopg.Connection, run_id: int) -> Run:
    """Return one run; raises NotFoundError that names the last ones when there is none of that number."""
    with transaction(connection):
        row = connection.execute(_READ, [run_id]).fetchone()
    if row is None:
        known = ", ".join(str(run.id) for run in list_runs(connection, limit=10))
        raise NotFoundError(f"There is no ingest run {run_id}.", f"The last runs: {known}." if known else "Nothing has been loaded yet.")
    return Run(*row)


def read_rejects(connection: psycopg.Connection, run_id: int) -> Iterator[Reject]:
    """Yield the rejected rows of a run in the order of the file, in bounded memory; ``wkb`` is in the run's ``crs``.

    The connection is busy, in one transaction, until the iterator is used up or closed.
    """
    return (Reject(*row) for row in _stream(connection, _REJECTS, run_id))


def read_repairs(connection: psycopg.Connection, run_id: int) -> Iterator[Repair]:
    """Yield the repairs of a run in the order of the file; as ``read_rejects``."""
    return (Repair(*row) for row in _stream(connection, _REPAIRS, run_id))


def read_issues(connection: psycopg.Connection, run_id: int) -> Iterator[Issue]:
    """Yield the issues that a run found in the rows that it loaded, as long as they are known; as ``read_rejects``."""
    return (Issue(*row) for row in _stream(connection, _ISSUES, run_id))


def release_source(connection: psycopg.Connection, source_id: str, *, retire: bool = False) -> dict[str, int]:
    """Let go of what a source has loaded; return how many rows of which layer (empty: it holds nothing).

    The rows stay as they are and belong to nobody: the next source that delivers them takes them over. With ``retire``
    they are retired as well. Areas and roles are let go of too, but never retired.
    """
    released: dict[str, int] = {}
    with transaction(connection):
        for layer, item in LOADABLE.items():
            retires = retire and item.is_asset
            statement = sql.SQL(_RELEASE_AND_RETIRE if retires else _RELEASE)
            scope = STATEMENTS[layer].served
            query = statement.format(table=sql.Identifier("gisgrid", item.table), scope=scope)
            count = connection.execute(query, {"source_id": source_id}).rowcount
            released |= {layer: count} if count else {}
    return released


def start_run(connection: psycopg.Connection, delivery: Delivery) -> int:
    """Record that a load begins, as one that was interrupted, and return the number of the run."""
    values = [
        *(delivery.source_id, delivery.layer, delivery.path, delivery.file_hash, delivery.source_hash, delivery.partial),
        *(_json(delivery.settings), list(delivery.columns), delivery.crs, _json({"error": INTERRUPTED})),
    ]
    row = connection.execute(_START, values).fetchone()
    assert row is not None
    return int(row[0])


def finish_run(connection: psycopg.Connection, run_id: int, status: str, counts: Counts, written: Written) -> None:
    """Record how a run ended."""
    values = {
        **counts._asdict(),
        **written._asdict(),
        "id": run_id,
        "status": status,
        "warned": counts.report.get("warned", 0),
        "report": _json(counts.report),
        "timings": _json(counts.timings),
    }
    connection.execute(_FINISH, values)


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(dict(value), ensure_ascii=False)


def _stream(connection: psycopg.Connection, query: LiteralString, run_id: int) -> Iterator[Sequence[Any]]:
    with transaction(connection), connection.cursor(name="ingest_records") as cursor:
        cursor.itersize = 2000
        yield from cursor.execute(query, [run_id])
