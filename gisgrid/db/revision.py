"""At which revision the schema of a database is; apart from ``migrate``, which takes longer to import than a server takes to start."""

from __future__ import annotations

from typing import LiteralString

from gisgrid.db.database import Database

_IS_MIGRATED: LiteralString = "SELECT to_regclass('gisgrid.alembic_version') IS NOT NULL"
_REVISION: LiteralString = "SELECT version_num FROM gisgrid.alembic_version"


def current(database: Database) -> str | None:
    """Return the revision that ``database`` is at, or None when it has never been migrated; raises DatabaseError without a connection."""
    with database.connect() as connection:
        if connection.execute(_IS_MIGRATED).fetchone() == (False,):
            return None
        found = connection.execute(_REVISION).fetchone()
        return str(found[0]) if found else None
