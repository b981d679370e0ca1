"""When generations of areas were served, and what people noted about them.

A generation that was rolled back to was served more than once, so it has several periods.
"""

from __future__ import annotations

from datetime import datetime
from typing import LiteralString, NamedTuple

import psycopg

from gisgrid.db.database import transaction

_PERIODS: LiteralString = "SELECT generation_id, valid_from, valid_to FROM gisgrid.generation_periods ORDER BY valid_from, id"
_NOTE: LiteralString = "UPDATE gisgrid.generations SET note = %s WHERE id = %s"


class Period(NamedTuple):
    """A time in which a generation was served: from ``valid_from`` on, until before ``valid_to`` (None: it still is)."""

    generation: int
    valid_from: datetime
    valid_to: datetime | None


def read_periods(connection: psycopg.Connection) -> tuple[Period, ...]:
    """Return the periods of all generations in the order of time; raises DatabaseError when the database fails."""
    with transaction(connection):
        rows = connection.execute(_PERIODS).fetchall()
    return tuple(Period(*row) for row in rows)


def note_on(connection: psycopg.Connection, generation_id: int, note: str) -> None:
    """Write a note on a generation; raises DatabaseError when the database fails."""
    with transaction(connection):
        connection.execute(_NOTE, [note, generation_id])
