"""Loading: rows by COPY into a staging table, merged by key into a layer's table, so that only real changes are written.

One ``Loading`` holds a connection and a lock for a whole ingest; each layer is one transaction of its own, together with
the record of its run and its rejected rows. Areas go into a draft generation, which is activated at the end or thrown away.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
import pyarrow as pa
from psycopg import sql
from pyarrow import csv

from gisgrid.db.database import Database, first_line
from gisgrid.db.records import Counts, Delivery, Reject, RunRecord, Written
from gisgrid.db.staging import STATEMENTS, Statements
from gisgrid.errors import DatabaseError
from gisgrid.types import Level

__all__ = ["Counts", "Delivery", "LayerLoad", "Loading", "Reject", "RunRecord", "Written", "open_loading"]

logger = logging.getLogger(__name__)

_LOCK_KEY = 0x6769_7367  # any number that nothing else locks
_INSERT_RUN = """
INSERT INTO gisgrid.ingest_runs (source_id, layer, path, file_hash, source_hash, status) VALUES (%s, %s, %s, %s, %s, 'failed') RETURNING id
"""
_FINISH_RUN = """
UPDATE gisgrid.ingest_runs
SET status = %(status)s, finished_at = clock_timestamp(), rows_read = %(read)s, rows_loaded = %(loaded)s, rows_repaired = %(repaired)s,
    rows_rejected = %(rejected)s, report = %(report)s
WHERE id = %(id)s
"""
_LAST_RUN = """
SELECT id, file_hash, source_hash, rows_read, rows_loaded, rows_repaired, rows_rejected, report
FROM gisgrid.ingest_runs WHERE source_id = %s AND layer = %s AND status = 'loaded' ORDER BY id DESC LIMIT 1
"""
_COPY_REJECTS = "COPY gisgrid.ingest_rejects (run_id, layer, row_number, code, message, field, raw, geom) FROM STDIN"
_DROP_STALE_DRAFTS = "DELETE FROM gisgrid.generations WHERE status = 'draft' AND note = 'ingest'"
_NEW_DRAFT = "INSERT INTO gisgrid.generations (status, note) VALUES ('draft', 'ingest') RETURNING id"
_DROP_DRAFT = "DELETE FROM gisgrid.generations WHERE id = %s AND status = 'draft'"
_CARRY_OVER = """
INSERT INTO gisgrid.areas (generation_id, level, code, name, parent_code, area_m2, geom, valid_from, source_id)
SELECT %(draft)s, level, code, name, parent_code, area_m2, geom, valid_from, source_id
FROM gisgrid.areas WHERE generation_id = gisgrid.active_generation() AND level <> ALL (%(levels)s)
"""
_SAME_AS_ACTIVE = """
WITH draft AS (
    SELECT level, code, name, parent_code, source_id, ST_AsBinary(geom) FROM gisgrid.areas WHERE generation_id = %(draft)s
), served AS (
    SELECT level, code, name, parent_code, source_id, ST_AsBinary(geom) FROM gisgrid.areas WHERE generation_id = gisgrid.active_generation()
)
SELECT NOT EXISTS (SELECT * FROM draft EXCEPT SELECT * FROM served) AND NOT EXISTS (SELECT * FROM served EXCEPT SELECT * FROM draft)
"""
_RETIRE = "UPDATE gisgrid.generations SET status = 'retired' WHERE status = 'active'"
_ACTIVATE = "UPDATE gisgrid.generations SET status = 'active', note = NULL WHERE id = %s"
_RUNS_LOADED = "UPDATE gisgrid.ingest_runs SET status = 'loaded' WHERE id = ANY (%s)"


class Loading:
    """One ingest's connection: looks up earlier runs, loads layers, publishes areas. Made by ``open_loading``."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self._area_runs: list[int] = []
        self._levels: list[Level] = []
        self._draft: int | None = None

    def last_run(self, delivery: Delivery) -> RunRecord | None:
        """Return the last run that loaded this source into this layer, if all rows that it loaded are still there."""
        with self._transaction():
            found = self._connection.execute(_LAST_RUN, [delivery.source_id, delivery.layer]).fetchone()
            if found is None:
                return None
            run = RunRecord(found[0], found[1], found[2], Counts(*found[3:]))
            present = self._one(STATEMENTS[delivery.layer].count_rows, {"source_id": delivery.source_id})
            return run if present == run.counts.loaded else None

    def record_unchanged(self, delivery: Delivery, counts: Counts) -> None:
        """Record that the file was seen again and nothing was to be done."""
        with self._transaction():
            self._finish(self._start(delivery), "unchanged", counts)

    def record_failed(self, delivery: Delivery, message: str) -> None:
        """Record a run that failed, with why; what it had loaded is rolled back already. Without a connection it is not recorded."""
        if _is_idle(self._connection):
            with suppress(psycopg.Error, DatabaseError), self._transaction():
                self._finish(self._start(delivery), "failed", Counts(0, 0, 0, 0, {"error": message}))

    @contextmanager
    def layer(self, delivery: Delivery, level: Level | None) -> Iterator[LayerLoad]:
        """Load one source in one transaction: committed at the end of the block, rolled back when it raises.

        Areas (``level`` given) go into the draft generation of this ingest, which is made when the first of them comes.
        """
        if level is not None and self._draft is None:
            with self._transaction():
                self._connection.execute(_DROP_STALE_DRAFTS)
                self._draft = self._one(_NEW_DRAFT, [])
        with self._transaction():
            load = LayerLoad(self._connection, delivery, self._start(delivery), self._draft if level else None)
            yield load
            self._finish(load.run_id, "failed" if level or load.is_refused else "loaded", load.counts)
        if level is not None:
            self._area_runs.append(load.run_id)
            self._levels.append(level)

    def publish_areas(self) -> bool:
        """Activate the draft generation, with the levels that this ingest did not bring carried over.

        Returns False, and throws the draft away, when it holds exactly what is served already. Nothing to do without areas.
        """
        if self._draft is None:
            return False
        with self._transaction():
            self._connection.execute(_CARRY_OVER, {"draft": self._draft, "levels": self._levels})
            same = self._one(_SAME_AS_ACTIVE, {"draft": self._draft})
            if same:
                self._connection.execute(_DROP_DRAFT, [self._draft])
            else:
                self._connection.execute(_RETIRE)
                self._connection.execute(_ACTIVATE, [self._draft])
            self._connection.execute(_RUNS_LOADED, [self._area_runs])
        self._draft = None
        return not same

    def discard_areas(self) -> None:
        """Throw the draft generation away, if there is one; what is served stays. Its runs stay marked as failed."""
        if self._draft is not None:
            with self._transaction():
                self._connection.execute(_DROP_DRAFT, [self._draft])
            self._draft = None

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            with self._connection.transaction():
                yield
        except (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.UndefinedTable):
            raise  # the connection itself: Database.connect words these
        except psycopg.Error as error:
            raise DatabaseError(f"The database refused the load: {first_line(error)}", "Nothing of this layer was loaded.") from error

    def _one(self, statement: str | sql.Composed, parameters: Any) -> Any:
        row = self._connection.execute(statement, parameters).fetchone()
        return row[0] if row else None

    def _start(self, delivery: Delivery) -> int:
        return int(self._one(_INSERT_RUN, delivery_values(delivery)))

    def _finish(self, run_id: int, status: str, counts: Counts) -> None:
        values = {**counts._asdict(), "id": run_id, "status": status, "report": json.dumps(counts.report, ensure_ascii=False)}
        self._connection.execute(_FINISH_RUN, values)


def delivery_values(delivery: Delivery) -> list[str]:
    """Return the values of the run's columns, in the order of the statement."""
    return [delivery.source_id, delivery.layer, delivery.path, delivery.file_hash, delivery.source_hash]


class LayerLoad:
    """The load of one source within its transaction: batches are staged, then merged; the caller sets ``counts``.

    With ``is_refused`` set instead of merging, the run is recorded as failed and its rejected rows are kept.
    """

    def __init__(self, connection: psycopg.Connection, delivery: Delivery, run_id: int, draft: int | None) -> None:
        self._connection = connection
        self._delivery = delivery
        self._draft = draft
        self._statements: Statements = STATEMENTS[delivery.layer]
        self.run_id = run_id
        self.counts = Counts(0, 0, 0, 0, {})
        self.is_refused = False
        connection.execute(self._statements.create)

    def stage(self, rows: pa.Table) -> None:
        """Copy rows into the staging table; ``rows`` has the table's columns, ``row_number``, and ``geom`` as hexadecimal EWKB."""
        buffer = io.BytesIO()
        # The writer leaves null bare and quotes every value, which is how COPY tells null from an empty text.
        options = csv.WriteOptions(include_header=False, quoting_style="all_valid")
        csv.write_csv(rows.select(self._statements.columns), buffer, options)
        with self._connection.cursor().copy(self._statements.copy) as copy:
            copy.write(buffer.getbuffer())

    def reject(self, rejects: Iterable[Reject]) -> None:
        """Keep rejected rows with the record of this run."""
        with self._connection.cursor().copy(_COPY_REJECTS) as copy:
            for row in rejects:
                raw = json.dumps(row.raw, ensure_ascii=False)
                copy.write_row((self.run_id, self._delivery.layer, row.row_number, row.code, row.message, row.field or None, raw, row.ewkb))

    def held_by_others(self) -> list[tuple[int, dict[str, Any], str | None]]:
        """Take out of the staging table the rows whose key a row of another source holds: number, values and EWKB of each."""
        found = self._connection.execute(self._statements.take_held, self._parameters()).fetchall()
        return [(number, values, ewkb) for number, values, ewkb in found]

    def merge(self) -> Written:
        """Bring the table in line with what was staged; rows that are the same are not touched."""
        self._connection.execute(self._statements.analyze)
        parameters = self._parameters()
        deleted, updated = (self._rows(statement, parameters) for statement in (self._statements.delete, self._statements.update))
        return Written(self._rows(self._statements.insert, parameters), updated, deleted)

    def _rows(self, statement: sql.Composed | None, parameters: dict[str, Any]) -> int:
        return self._connection.execute(statement, parameters).rowcount if statement is not None else 0

    def _parameters(self) -> dict[str, Any]:
        return {"source_id": self._delivery.source_id, "generation_id": self._draft}


@contextmanager
def open_loading(database: Database) -> Iterator[Loading]:
    """Connect, and keep other ingests of the same database waiting until the block ends.

    Raises DatabaseError when the database cannot be reached, breaks, or refuses what it is given.
    """
    with database.connect() as connection:
        connection.autocommit = True
        connection.execute("SET client_min_messages = warning")
        _lock(connection)
        loading = Loading(connection)
        try:
            yield loading
        except BaseException:
            _discard_quietly(loading, connection)
            raise


def _lock(connection: psycopg.Connection) -> None:
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK_KEY]).fetchone()
    if row is None or not row[0]:
        logger.warning("Another ingest is at work on this database; waiting for it to end.")
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK_KEY])


def _discard_quietly(loading: Loading, connection: psycopg.Connection) -> None:
    """Throw the draft away after a failure, if the connection still allows; if not, the next ingest does."""
    if _is_idle(connection):
        with suppress(psycopg.Error, DatabaseError):
            loading.discard_areas()


def _is_idle(connection: psycopg.Connection) -> bool:
    return not connection.closed and connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
