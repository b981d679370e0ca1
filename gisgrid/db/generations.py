"""Generations of areas: what there is, what each holds, which is served, and since when.

Plain functions on a psycopg connection. Each is one transaction of its own, or a savepoint when the caller has one open, and
raises DatabaseError when the database fails.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, LiteralString, NamedTuple

import numpy as np
import psycopg
import shapely

from gisgrid.db.database import transaction
from gisgrid.db.layer_load import COPY_ISSUES, issue_values
from gisgrid.db.records import Issue, Severity
from gisgrid.errors import NotFoundError, UsageError
from gisgrid.locator import AreaTable
from gisgrid.types import LEVELS, Level

_KEPT = "What is served stays as it was."

_LIST: LiteralString = """
SELECT g.id, g.status, g.created_at, g.completed_at, g.checked_at, g.activated_at, g.retired_at, g.note,
       coalesce(a.counts, '{}') AS areas, coalesce(q.counts, '{}') AS issues
FROM gisgrid.generations g
LEFT JOIN LATERAL (
    SELECT jsonb_object_agg(level, count) AS counts
    FROM (SELECT level, count(*) FROM gisgrid.areas WHERE generation_id = g.id GROUP BY level) l
) a ON true
LEFT JOIN LATERAL (
    SELECT jsonb_object_agg(severity, count) AS counts
    FROM (SELECT severity, count(*) FROM gisgrid.quality_issues WHERE generation_id = g.id GROUP BY severity) s
) q ON true
WHERE %(id)s::bigint IS NULL OR g.id = %(id)s
ORDER BY g.id DESC
"""
_AREAS: LiteralString = """
SELECT level, code, name, parent_code, ST_AsBinary(geom) FROM gisgrid.areas WHERE generation_id = %s ORDER BY level, code
"""
_LOCK: LiteralString = "LOCK TABLE gisgrid.generations IN SHARE ROW EXCLUSIVE MODE"
_NOW: LiteralString = "SELECT clock_timestamp()"
_RETIRE: LiteralString = "UPDATE gisgrid.generations SET status = 'retired', retired_at = %(now)s WHERE status = 'active' RETURNING id"
_ACTIVATE: LiteralString = """
UPDATE gisgrid.generations SET status = 'active', activated_at = %(now)s, note = nullif(note, 'ingest') WHERE id = %(id)s
"""
# Whether an area of one generation (a) is in another (b) as it is.
_SAME: LiteralString = """
a.level = b.level AND a.code = b.code AND a.name = b.name AND a.parent_code IS NOT DISTINCT FROM b.parent_code AND a.geom = b.geom
"""
_DATE_NEW_AREAS: LiteralString = f"""
UPDATE gisgrid.areas a SET valid_from = coalesce(
    (SELECT b.valid_from FROM gisgrid.areas b WHERE b.generation_id = %(before)s AND {_SAME}), %(now)s
), valid_to = NULL
WHERE a.generation_id = %(id)s
"""
_REVIVE_AREAS: LiteralString = "UPDATE gisgrid.areas SET valid_to = NULL WHERE generation_id = %(id)s AND valid_to IS NOT NULL"
_END_OLD_AREAS: LiteralString = f"""
UPDATE gisgrid.areas a SET valid_to = greatest(%(now)s, a.valid_from + interval '1 microsecond')
WHERE a.generation_id = %(before)s
  AND NOT EXISTS (SELECT FROM gisgrid.areas b WHERE b.generation_id = %(id)s AND {_SAME})
"""
_FORGET_ISSUES: LiteralString = "DELETE FROM gisgrid.quality_issues WHERE generation_id = %(before)s"
_FORGET_TOPOLOGY: LiteralString = "DELETE FROM gisgrid.quality_issues WHERE generation_id = %s AND run_id IS NULL"
_CHECKED: LiteralString = "UPDATE gisgrid.generations SET checked_at = clock_timestamp() WHERE id = %s"
_DROP: LiteralString = "DELETE FROM gisgrid.generations WHERE id = %s"
# What was served when the present generation was first put in its place.
_BEFORE: LiteralString = """
SELECT p.generation_id FROM gisgrid.generation_periods p
WHERE p.generation_id <> gisgrid.active_generation() AND p.valid_from < (
    SELECT min(valid_from) FROM gisgrid.generation_periods WHERE generation_id = gisgrid.active_generation()
)
ORDER BY p.valid_from DESC, p.id DESC LIMIT 1
"""
_AT: LiteralString = "SELECT gisgrid.generation_at(%s)"


class Generation(NamedTuple):
    """One generation of areas. ``status`` is draft, active or retired.

    ``completed_at`` is None while its levels are still being loaded (or when that was cut short), ``checked_at`` until its topology
    has been checked. ``activated_at`` and ``retired_at`` are of the last time. ``areas`` counts by level, ``issues`` by severity.
    """

    id: int
    status: str
    created_at: datetime
    completed_at: datetime | None
    checked_at: datetime | None
    activated_at: datetime | None
    retired_at: datetime | None
    note: str | None
    areas: dict[Level, int]
    issues: dict[Severity, int]


def list_generations(connection: psycopg.Connection) -> list[Generation]:
    """Return all generations, newest first."""
    with transaction(connection):
        rows = connection.execute(_LIST, {"id": None}).fetchall()
    return [Generation(*row) for row in rows]


def find_generation(connection: psycopg.Connection, generation_id: int) -> Generation:
    """Return one generation; raises NotFoundError that lists those there are."""
    with transaction(connection):
        row = connection.execute(_LIST, {"id": generation_id}).fetchone()
    if row is None:
        known = ", ".join(f"{found.id} ({found.status})" for found in list_generations(connection))
        raise NotFoundError(f"There is no generation {generation_id} of areas.", f"There are: {known or 'none yet'}.")
    return Generation(*row)


def read_generation(connection: psycopg.Connection, generation_id: int) -> dict[Level, AreaTable]:
    """Return the areas of a generation by level, each level in the order of its codes; WGS 84, lon lat.

    Levels without an area are left out. Raises NotFoundError when there is no such generation.
    """
    find_generation(connection, generation_id)
    with transaction(connection), connection.cursor(binary=True) as cursor:
        rows = cursor.execute(_AREAS, [generation_id]).fetchall()
    return {level: _table(of_level) for level in LEVELS if (of_level := [row[1:] for row in rows if row[0] == level])}


def activate(connection: psycopg.Connection, generation_id: int, *, force: bool = False) -> Generation:
    """Serve a generation from now on, in one transaction, and retire the one before; return it as it is now.

    Areas that are the same in both keep the time since when they have been so; those of the one before that are not get an
    end. The issues of the one before go. Raises NotFoundError for a number that is none, UsageError for a generation that is
    served already or whose load was cut short, and, unless ``force``, for a draft that has not been checked
    (``replace_issues``) or has errors.
    """
    with transaction(connection, _KEPT):
        connection.execute(_LOCK)
        chosen = find_generation(connection, generation_id)
        _require_fit(chosen, force)
        _switch(connection, chosen)
        return find_generation(connection, generation_id)


def rollback(connection: psycopg.Connection) -> Generation:
    """Serve again what was served before the present generation came first, and return it; repeated, it goes back further.

    Raises UsageError when nothing was.
    """
    with transaction(connection, _KEPT):
        connection.execute(_LOCK)
        before = connection.execute(_BEFORE).fetchone()
        if before is None:
            raise UsageError("There is no earlier generation of areas to go back to.", "`gisgrid areas list` shows what there is.")
        return activate(connection, before[0], force=True)


def replace_issues(connection: psycopg.Connection, generation_id: int, issues: Iterable[Issue]) -> None:
    """Put what a topology check found in the place of what earlier checks of the generation found, and note that it was checked.

    What its load found row by row stays. Raises NotFoundError when there is no such generation.
    """
    with transaction(connection, _KEPT):
        find_generation(connection, generation_id)
        connection.execute(_FORGET_TOPOLOGY, [generation_id])
        with connection.cursor().copy(COPY_ISSUES) as copy:
            for issue in issues:
                copy.write_row(issue_values(issue, None, generation_id))
        connection.execute(_CHECKED, [generation_id])


def drop_draft(connection: psycopg.Connection, generation_id: int) -> None:
    """Throw a draft away, with its areas and issues; raises UsageError for a generation that is or was served."""
    with transaction(connection, _KEPT):
        found = find_generation(connection, generation_id)
        if found.status != "draft":
            raise UsageError(f"Generation {generation_id} is {found.status}, not a draft: it stays.", "Lookups of the past need it.")
        connection.execute(_DROP, [generation_id])


def generation_at(connection: psycopg.Connection, instant: datetime) -> int | None:
    """Return the number of the generation that was served at ``instant``, None before the first; now is an instant like any other."""
    with transaction(connection):
        row = connection.execute(_AT, [instant]).fetchone()
    return row[0] if row else None


def _require_fit(chosen: Generation, force: bool) -> None:
    name = f"Generation {chosen.id} of the areas"
    if chosen.status == "active":
        raise UsageError(f"{name} is served already.", "`gisgrid areas list` shows all.")
    if chosen.status != "draft":
        return  # it was served before
    if chosen.completed_at is None and chosen.note == "ingest":
        raise UsageError(f"{name} is still being loaded, or its load was cut short.", "Run `gisgrid ingest` again.")
    errors = chosen.issues.get("error", 0)
    if errors and not force:
        raise UsageError(
            f"{name} has {errors:,} errors.", f"`gisgrid areas check {chosen.id}` lists them; --force activates it all the same."
        )
    if chosen.checked_at is None and not force:
        raise UsageError(f"{name} has not been checked.", f"Run `gisgrid areas check {chosen.id}` first, or --force.")


def _switch(connection: psycopg.Connection, chosen: Generation) -> None:
    """Change places. While neither generation is served, dating their areas tells the change feed nothing."""
    values: dict[str, Any] = {"id": chosen.id, "before": None}
    if now := connection.execute(_NOW).fetchone():
        values["now"] = now[0]
    if retired := connection.execute(_RETIRE, values).fetchone():
        values["before"] = retired[0]
    for statement in (_DATE_NEW_AREAS if chosen.status == "draft" else _REVIVE_AREAS, _END_OLD_AREAS, _FORGET_ISSUES, _ACTIVATE):
        connection.execute(statement, values)


def _table(rows: list[tuple[Any, ...]]) -> AreaTable:
    shapes = np.empty(len(rows), dtype=object)
    shapes[:] = shapely.from_wkb([row[3] for row in rows])
    return AreaTable([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows], shapes)
