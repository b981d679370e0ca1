"""The load of one source: batches by COPY into a staging table, merged by key, so that only real changes are written."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg
import pyarrow as pa
from psycopg import sql
from pyarrow import csv

from gisgrid.db.records import Counts, Delivery, Held, Issue, Reject, Repair, Written
from gisgrid.db.staging import STATEMENTS, Statements

_COPY_REJECTS: LiteralString = (
    "COPY gisgrid.ingest_rejects (run_id, layer, row_number, code, message, field, raw, geom, geom_file) FROM STDIN"
)
_COPY_REPAIRS: LiteralString = (
    "COPY gisgrid.ingest_repairs (run_id, layer, row_number, feature_code, code, field, before, after, geom) FROM STDIN"
)
COPY_ISSUES: LiteralString = (
    "COPY gisgrid.quality_issues (run_id, generation_id, layer, feature_code, code, severity, message, geom) FROM STDIN"
)
"""The statement for ``issue_values``."""
_HELD_AT_ONCE = 5000
# Whole tables are compared. The planner, which knows nothing yet of a table that was just filled, would take them for small
# ones and compare each row with each.
_COMPARE_AS_WHOLES: LiteralString = "SET LOCAL enable_nestloop = off"
_COMPARE_AS_USUAL: LiteralString = "SET LOCAL enable_nestloop = on"
_MANY_ROWS = 100


class LayerLoad:
    """The load of one source within its transaction: batches are staged, then merged; the caller sets ``counts``.

    Call ``stage``, ``reject``, ``repair`` and ``issue`` for each batch, ``held_by_others`` once after the last of them,
    and ``merge``. With ``is_refused`` set instead of merging, the run is recorded as failed and its rejected rows and
    repairs are kept. Memory stays that of one batch.
    """

    def __init__(self, connection: psycopg.Connection, delivery: Delivery, run_id: int, draft: int | None) -> None:
        self._connection = connection
        self._delivery = delivery
        self._draft = draft
        self._statements: Statements = STATEMENTS[delivery.layer]
        self._staged = 0
        self.run_id = run_id
        self.counts = Counts(0, 0, 0, 0, {})
        self.written = Written(0, 0, 0)
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
        self._staged += rows.num_rows

    def reject(self, rejects: Iterable[Reject]) -> None:
        """Keep rejected rows with the record of this run."""
        head = (self.run_id, self._delivery.layer)
        self._copy(
            _COPY_REJECTS,
            ((*head, row.row_number, row.code, row.message, row.field or None, _json(row.raw), row.ewkb, row.wkb) for row in rejects),
        )

    def repair(self, repairs: Iterable[Repair]) -> None:
        """Keep what was mended, before and after, with the record of this run."""
        head = (self.run_id, self._delivery.layer)
        self._copy(
            _COPY_REPAIRS,
            ((*head, row.row_number, row.feature_code, row.code, row.field or None, row.before, row.after, row.ewkb) for row in repairs),
        )

    def issue(self, issues: Iterable[Issue]) -> None:
        """Add to the quality issues; those of earlier runs of the source go when this one ends well.

        Issues of areas belong to the draft generation, and go with it.
        """
        self._copy(COPY_ISSUES, (issue_values(issue, self.run_id, self._draft) for issue in issues))

    def held_by_others(self) -> Iterator[Held]:
        """Take out of the staging table, and yield, the rows whose key a row of another source holds; use it up before ``merge``.

        Rows that nobody holds, or that are retired, are not among them: the source that delivers them takes them over.
        """
        self._connection.execute(self._statements.analyze)
        parameters = self._parameters() | {"limit": _HELD_AT_ONCE}
        while True:
            with self._as_wholes():
                held = self._connection.execute(self._statements.take_held, parameters).fetchall()
            if not held:
                return
            self._staged -= len(held)
            yield from (Held(*row) for row in held)

    def merge(self) -> Written:
        """Bring the table in line with what was staged, and return what that changed.

        New rows come in; changed ones, and retired ones that are delivered again, are updated under their old id; those
        that are not delivered any more are retired, unless the delivery is partial. Rows that are the same are not touched.
        Of a table in which many changed the planner is told: until PostgreSQL does so of its own accord, a minute or more later,
        it would take a full table for an empty one, and a join with it could take a thousand times as long.
        """
        parameters = self._parameters()
        with self._as_wholes():
            retired = 0 if self._delivery.partial else self._rows(self._statements.retire, parameters)
            updated = self._rows(self._statements.update, parameters)
            inserted = self._rows(self._statements.insert, parameters)
        if retired + updated + inserted >= _MANY_ROWS:
            self._connection.execute(self._statements.analyze_table)
        self.written = Written(inserted, updated, retired, self._staged - inserted - updated)
        return self.written

    @contextmanager
    def _as_wholes(self) -> Iterator[None]:
        self._connection.execute(_COMPARE_AS_WHOLES)
        yield
        self._connection.execute(_COMPARE_AS_USUAL)  # after an error the transaction is over, and with it the setting

    def _rows(self, statement: sql.Composed | None, parameters: dict[str, Any]) -> int:
        return self._connection.execute(statement, parameters).rowcount if statement is not None else 0

    def _copy(self, statement: LiteralString, rows: Iterator[Sequence[Any]]) -> None:
        first = next(rows, None)
        if first is None:
            return
        with self._connection.cursor().copy(statement) as copy:
            copy.write_row(first)
            for row in rows:
                copy.write_row(row)

    def _parameters(self) -> dict[str, Any]:
        return {"source_id": self._delivery.source_id, "generation_id": self._draft}


def issue_values(issue: Issue, run_id: int | None, generation_id: int | None) -> tuple[Any, ...]:
    """Return a row for ``COPY_ISSUES``."""
    return (run_id, generation_id, issue.layer, issue.feature_code, issue.code, issue.severity, issue.message, issue.ewkb)


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)
