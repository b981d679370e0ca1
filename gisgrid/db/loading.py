"""Loading: a whole ingest, source by source, each in one transaction together with its rejected rows, repairs and issues.

The record of a run is committed before its load begins, as one that failed: so whatever ends the load, the record is
right. Areas go into a draft generation, which is activated apart (``gisgrid.db.generations``), or thrown away.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, LiteralString, NamedTuple

import psycopg
from psycopg import sql

from gisgrid.db.database import Database, transaction
from gisgrid.db.layer_load import LayerLoad
from gisgrid.db.records import Counts, Delivery, Reject, RunRecord, Written
from gisgrid.db.rules import known_deployment, remember_deployment
from gisgrid.db.runs import INTERRUPTED, finish_run, start_run
from gisgrid.db.staging import STATEMENTS
from gisgrid.deployment import Deployment
from gisgrid.errors import ConfigError, DatabaseError, SourceError
from gisgrid.layers import AREA_LAYERS
from gisgrid.types import Level

__all__ = ["Counts", "Delivery", "LayerLoad", "Loading", "Reject", "RunRecord", "Written", "open_loading"]

logger = logging.getLogger(__name__)

_LOCK_KEY = 0x6769_7367  # any number that nothing else locks
_KEPT = "Nothing of the load at hand was kept; what is served stays as it was."
_QUIET: LiteralString = "SET client_min_messages = warning"
# What is loaded has been checked, and is no edit of anybody's.
_SAY_SO: LiteralString = "SET gisgrid.loading = 'on'"
_NOTICE_DEATH: LiteralString = "SET client_connection_check_interval = '10s'"
_TRY_LOCK: LiteralString = "SELECT pg_try_advisory_lock(%s)"
_LOCK: LiteralString = "SELECT pg_advisory_lock(%s)"
_LOCKED_BY: LiteralString = """
SELECT a.pid, to_char(a.backend_start, 'YYYY-MM-DD HH24:MI:SS TZ') FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND l.classid = 0 AND l.objid = %s
"""
_ADD_CLASS: LiteralString = """
INSERT INTO gisgrid.component_classes AS known (scheme, edition, code, major, name, is_cover, kind)
VALUES (%(scheme)s, %(edition)s, %(code)s, %(major)s, %(name)s, %(is_cover)s, %(kind)s)
ON CONFLICT (scheme, edition, code) DO UPDATE
SET major = excluded.major, name = excluded.name, is_cover = excluded.is_cover, kind = excluded.kind
WHERE (known.major, known.name, known.is_cover, known.kind)
    IS DISTINCT FROM (excluded.major, excluded.name, excluded.is_cover, excluded.kind)
"""
_RUN_COLUMNS: LiteralString = """
r.id, r.file_hash, r.source_hash, r.rows_read, r.rows_loaded, r.rows_repaired, r.rows_rejected, r.report, r.timings, r.partial
"""
_LAST_RUN: LiteralString = f"""
SELECT {_RUN_COLUMNS} FROM gisgrid.ingest_runs r
WHERE r.source_id = %(source_id)s AND r.layer = %(layer)s AND r.status = 'loaded' ORDER BY r.id DESC LIMIT 1
"""
_LAST_RUN_OF_AREAS: LiteralString = f"""
SELECT {_RUN_COLUMNS} FROM gisgrid.generation_sources g JOIN gisgrid.ingest_runs r ON r.id = g.run_id
WHERE g.generation_id = gisgrid.active_generation() AND g.source_id = %(source_id)s AND g.layer = %(layer)s
"""
_OTHER_LAYERS: LiteralString = """
SELECT DISTINCT layer FROM gisgrid.ingest_runs WHERE source_id = %s AND layer <> %s AND status = 'loaded' ORDER BY layer
"""
_FORGET_EARLIER_ISSUES: LiteralString = """
DELETE FROM gisgrid.quality_issues WHERE generation_id IS NULL AND run_id IN (
    SELECT id FROM gisgrid.ingest_runs WHERE source_id = %(source_id)s AND layer = %(layer)s AND id < %(run_id)s
)
"""
_FORGET_ISSUES: LiteralString = "DELETE FROM gisgrid.quality_issues WHERE run_id = %s"
_DROP_OLD_DRAFTS: LiteralString = """
DELETE FROM gisgrid.generations WHERE status = 'draft' AND note = 'ingest' RETURNING id, completed_at IS NOT NULL
"""
_NEW_DRAFT: LiteralString = "INSERT INTO gisgrid.generations (status, note) VALUES ('draft', 'ingest') RETURNING id"
_DROP_DRAFT: LiteralString = "DELETE FROM gisgrid.generations WHERE id = %s AND status = 'draft'"
_ADD_SOURCE: LiteralString = """
INSERT INTO gisgrid.generation_sources (generation_id, layer, source_id, run_id) VALUES (%s, %s, %s, %s)
"""
_CARRY_OVER: LiteralString = """
INSERT INTO gisgrid.areas (generation_id, level, code, name, parent_code, area_m2, geom, valid_from, source_id)
SELECT %(draft)s, level, code, name, parent_code, area_m2, geom, valid_from, source_id
FROM gisgrid.areas WHERE generation_id = gisgrid.active_generation() AND level <> ALL (%(levels)s)
"""
_CARRY_OVER_SOURCES: LiteralString = """
INSERT INTO gisgrid.generation_sources (generation_id, layer, source_id, run_id)
SELECT %(draft)s, layer, source_id, run_id
FROM gisgrid.generation_sources WHERE generation_id = gisgrid.active_generation() AND layer <> ALL (%(layers)s)
"""
_CARRY_OVER_ISSUES: LiteralString = """
INSERT INTO gisgrid.quality_issues (run_id, generation_id, layer, feature_code, code, severity, message, geom, created_at, created_on)
SELECT run_id, %(draft)s, layer, feature_code, code, severity, message, geom, created_at, created_on
FROM gisgrid.quality_issues WHERE generation_id = gisgrid.active_generation() AND run_id IS NOT NULL AND layer <> ALL (%(layers)s)
"""
_COMPLETE: LiteralString = "UPDATE gisgrid.generations SET completed_at = clock_timestamp() WHERE id = %s"
_RUNS_LOADED: LiteralString = "UPDATE gisgrid.ingest_runs SET status = 'loaded', report = report - 'error' WHERE id = ANY (%s)"
_RUNS_FAILED: LiteralString = """
UPDATE gisgrid.ingest_runs SET status = 'failed', report = report || '{"error": "The areas of this ingest were thrown away."}'
WHERE id = ANY (%s)
"""
_SAME_AS_SERVED: LiteralString = """
WITH draft AS (
    SELECT level, code, name, parent_code, source_id, ST_AsBinary(geom) FROM gisgrid.areas WHERE generation_id = %(draft)s
), served AS (
    SELECT level, code, name, parent_code, source_id, ST_AsBinary(geom) FROM gisgrid.areas WHERE generation_id = gisgrid.active_generation()
)
SELECT NOT EXISTS (SELECT * FROM draft EXCEPT SELECT * FROM served) AND NOT EXISTS (SELECT * FROM served EXCEPT SELECT * FROM draft)
"""
_SERVED_BY_THESE_RUNS: LiteralString = """
INSERT INTO gisgrid.generation_sources AS known (generation_id, layer, source_id, run_id)
SELECT gisgrid.active_generation(), layer, source_id, run_id FROM gisgrid.generation_sources WHERE generation_id = %s
ON CONFLICT (generation_id, layer, source_id) DO UPDATE SET run_id = excluded.run_id WHERE known.run_id <> excluded.run_id
"""


class Ending(NamedTuple):
    """The transaction in which a load ends, and the number of its run."""

    connection: psycopg.Connection
    run_id: int

    def end(self, counts: Counts, written: Written) -> None:
        """Record that the load came to its end."""
        finish_run(self.connection, self.run_id, "loaded", counts, written)


class Loading:
    """One ingest's connection: looks up earlier runs, loads layers, fills the draft of areas. Made by ``open_loading``.

    The order for areas: ``layer`` for each source, ``carry_over``, the topology check (which reads the draft by ``connection`` and
    ``draft``), then ``discard_areas`` when ``draft_is_served``; else ``generations.replace_issues`` and, if wanted,
    ``generations.activate``. A draft that is left is kept until the next ingest of areas makes another.
    """

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self._deployment: Deployment | None = None
        self._open_run: tuple[Delivery, int] | None = None
        self._area_runs: list[int] = []
        self._levels: list[Level] = []
        self._draft: int | None = None
        self._is_served = False

    @property
    def connection(self) -> psycopg.Connection:
        """The connection of this ingest, for reading what is loaded; in autocommit mode between loads."""
        return self._connection

    @property
    def draft(self) -> int | None:
        """The draft generation that the areas of this ingest are in; None before the first of them."""
        return self._draft

    def require_deployment(self, deployment: Deployment) -> None:
        """Make sure that this database is this deployment's, and that it knows the classes that the deployment defines.

        The first load that ends well makes it so. Raises ConfigError when the database holds another city's data.
        """
        with self._transaction():
            known = known_deployment(self._connection)
            if known not in (None, deployment.id):
                raise ConfigError(
                    f"The database {self._connection.info.dbname!r} holds the data of deployment {known!r}, not of {deployment.id!r}.",
                    f"Set GISGRID_DEPLOYMENT={known}, or give {deployment.id!r} a database of its own (GISGRID_DATABASE_NAME or "
                    "GISGRID_DATABASE_URL). `gisgrid db reset` removes everything from this one.",
                )
            with self._connection.cursor() as cursor:
                cursor.executemany(_ADD_CLASS, [item._asdict() for item in deployment.own_classes.values()])
        self._deployment = deployment

    def last_run(self, delivery: Delivery) -> RunRecord | None:
        """Return the last run that loaded this source into this layer, if all rows that it loaded are still served.

        For areas that is the run that the served generation came from. After a partial delivery a full one is never the same.
        """
        values = {"source_id": delivery.source_id, "layer": delivery.layer}
        with self._transaction():
            found = self._connection.execute(_LAST_RUN_OF_AREAS if _is_area(delivery) else _LAST_RUN, values).fetchone()
            if found is None:
                return None
            *columns, partial = found
            run = RunRecord(columns[0], columns[1], columns[2], Counts(*columns[3:]))
            present = self._one(STATEMENTS[delivery.layer].count_rows, values)
        if partial:
            return run if delivery.partial and present >= run.counts.loaded else None
        return run if present == run.counts.loaded else None

    def record_unchanged(self, delivery: Delivery, counts: Counts) -> None:
        """Record that the file was seen again and nothing was to be done."""
        with self._transaction():
            finish_run(self._connection, start_run(self._connection, delivery), "unchanged", counts, Written(0, 0, 0, counts.loaded))
            self._remember_deployment()

    def record_failed(self, delivery: Delivery, message: str) -> None:
        """Record why a run failed; what it had loaded is rolled back already. Without a connection it stays recorded as interrupted."""
        if not _is_idle(self._connection):
            return
        with suppress(DatabaseError), self._transaction():
            is_begun = self._open_run is not None and self._open_run[0] == delivery
            run_id = self._open_run[1] if self._open_run and is_begun else start_run(self._connection, delivery)
            finish_run(self._connection, run_id, "failed", Counts(0, 0, 0, 0, {"error": message}), Written(0, 0, 0))
        self._open_run = None

    def begin(self, delivery: Delivery) -> None:
        """Record that a load begins which ``ending`` ends: of something that is no rows of a layer."""
        with self._transaction():
            self._open_run = (delivery, start_run(self._connection, delivery))

    @contextmanager
    def ending(self, delivery: Delivery) -> Iterator[Ending]:
        """Open the transaction in which what ``begin`` began comes into service, together with the end of its run."""
        assert self._open_run is not None
        assert self._open_run[0] == delivery
        with self._transaction():
            yield Ending(self._connection, self._open_run[1])
            self._remember_deployment()
        self._open_run = None

    @contextmanager
    def layer(self, delivery: Delivery, level: Level | None) -> Iterator[LayerLoad]:
        """Load one source in one transaction: committed at the end of the block, rolled back when it raises.

        The run is recorded before, as interrupted, and by this transaction as loaded; ``record_failed`` adds why it failed.
        Areas (``level`` given) go into the draft generation of this ingest, which is made when the first of them comes; their
        runs count as loaded from ``carry_over`` on. Raises SourceError for a source that holds rows of another layer,
        DatabaseError when the database refuses, is full, or is lost.
        """
        self._refuse_moved(delivery)
        if level is not None and self._draft is None:
            self._begin_draft()
        with self._transaction():
            run_id = start_run(self._connection, delivery)
        self._open_run = (delivery, run_id)
        with self._transaction():
            load = LayerLoad(self._connection, delivery, run_id, self._draft if level else None)
            yield load
            self._end(load, delivery, level)
        self._open_run = None

    def carry_over(self) -> None:
        """Complete the draft with the levels that this ingest did not bring, as they are served; its runs are loaded now."""
        if self._draft is None:
            return
        levels = {"draft": self._draft, "levels": self._levels, "layers": [AREA_LAYERS[level].id for level in self._levels]}
        with self._transaction():
            for statement in (_CARRY_OVER, _CARRY_OVER_SOURCES, _CARRY_OVER_ISSUES):
                self._connection.execute(statement, levels)
            self._connection.execute(_COMPLETE, [self._draft])
            self._connection.execute(_RUNS_LOADED, [self._area_runs])
            self._remember_deployment()

    def draft_is_served(self) -> bool:
        """Return whether the complete draft says exactly what is served already; then ``discard_areas``. False without a draft."""
        if self._draft is None:
            return False
        with self._transaction():
            self._is_served = bool(self._one(_SAME_AS_SERVED, {"draft": self._draft}))
        return self._is_served

    def discard_areas(self) -> None:
        """Throw the draft generation away, if there is one and nobody has activated it; what is served stays.

        Its runs are failed ones then, but when the draft was found to be what is served: then that came from them as well.
        """
        if self._draft is None:
            return
        with self._transaction():
            if self._is_served:
                self._connection.execute(_SERVED_BY_THESE_RUNS, [self._draft])
            dropped = self._connection.execute(_DROP_DRAFT, [self._draft]).rowcount
            if dropped and not self._is_served:
                self._connection.execute(_RUNS_FAILED, [self._area_runs])
        self._draft = None

    def _begin_draft(self) -> None:
        with self._transaction():
            for id, is_complete in self._connection.execute(_DROP_OLD_DRAFTS).fetchall():
                if is_complete:
                    logger.warning("Draft %d of the areas, which was never activated, makes way for this ingest's.", id)
            self._draft = self._one(_NEW_DRAFT, [])

    def _refuse_moved(self, delivery: Delivery) -> None:
        """Raise SourceError for a source that still holds rows of another layer: nobody would ever retire them."""
        with self._transaction():
            for (layer,) in self._connection.execute(_OTHER_LAYERS, [delivery.source_id, delivery.layer]).fetchall():
                count = self._one(STATEMENTS[layer].count_rows, {"source_id": delivery.source_id}) if layer in STATEMENTS else 0
                if count:
                    raise SourceError(
                        f"Source {delivery.source_id!r} holds {count:,} rows of {layer}, and now delivers {delivery.layer}.",
                        f"Give it another id; or `gisgrid ingest release {delivery.source_id} --retire` retires its rows of {layer} first.",
                    )

    def _end(self, load: LayerLoad, delivery: Delivery, level: Level | None) -> None:
        """Record how the load ended, in its transaction."""
        if load.is_refused:
            self._connection.execute(_FORGET_ISSUES, [load.run_id])
            finish_run(self._connection, load.run_id, "failed", load.counts, load.written)
        elif level is not None:
            self._connection.execute(_ADD_SOURCE, [self._draft, delivery.layer, delivery.source_id, load.run_id])
            counts = load.counts._replace(report=load.counts.report | {"error": INTERRUPTED})
            finish_run(self._connection, load.run_id, "failed", counts, load.written)
            self._area_runs.append(load.run_id)
            self._levels.append(level)
        else:
            earlier = {"source_id": delivery.source_id, "layer": delivery.layer, "run_id": load.run_id}
            self._connection.execute(_FORGET_EARLIER_ISSUES, earlier)
            finish_run(self._connection, load.run_id, "loaded", load.counts, load.written)
            self._remember_deployment()

    def _remember_deployment(self) -> None:
        if self._deployment is not None:
            remember_deployment(self._connection, self._deployment)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with transaction(self._connection, _KEPT):
            yield

    def _one(self, statement: LiteralString | sql.Composed, parameters: Any) -> Any:
        row = self._connection.execute(statement, parameters).fetchone()
        return row[0] if row else None


@contextmanager
def open_loading(database: Database, *, wait: bool = True) -> Iterator[Loading]:
    """Connect, and keep other ingests of the same database waiting until the block ends.

    When another is at work, this one waits for it and says so in a warning, or raises DatabaseError at once if ``wait``
    is False. Raises DatabaseError when the database cannot be reached, breaks, is full, or refuses what it is given.
    """
    with database.connect() as connection:
        connection.autocommit = True
        connection.execute(_QUIET)
        connection.execute(_SAY_SO)
        # So that the server ends the statement of a loader that was killed, and frees the lock. Not every system can tell.
        with suppress(psycopg.errors.InvalidParameterValue):
            connection.execute(_NOTICE_DEATH)
        _lock(connection, wait)
        loading = Loading(connection)
        try:
            yield loading
        except BaseException:
            _discard_quietly(loading, connection)
            raise


def _lock(connection: psycopg.Connection, wait: bool) -> None:
    if (row := connection.execute(_TRY_LOCK, [_LOCK_KEY]).fetchone()) and row[0]:
        return
    holder = connection.execute(_LOCKED_BY, [_LOCK_KEY]).fetchone()
    who = f" (server process {holder[0]}, connected since {holder[1]})" if holder else ""
    if not wait:
        raise DatabaseError(f"Another ingest is at work on this database{who}.", "Try again when it has ended.")
    logger.warning("Another ingest is at work on this database%s; waiting for it to end.", who)
    connection.execute(_LOCK, [_LOCK_KEY])


def _discard_quietly(loading: Loading, connection: psycopg.Connection) -> None:
    """Throw the draft away after a failure, if the connection still allows; if not, the next ingest does."""
    if _is_idle(connection):
        with suppress(psycopg.Error, DatabaseError):
            loading.discard_areas()


def _is_area(delivery: Delivery) -> bool:
    return delivery.layer in {layer.id for layer in AREA_LAYERS.values()}


def _is_idle(connection: psycopg.Connection) -> bool:
    return not connection.closed and connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
