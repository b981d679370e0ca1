"""Bringing a database to the schema that this version of gisgrid knows."""

from __future__ import annotations

import logging
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from gisgrid.codes import component_classes
from gisgrid.db.changes import EVERYTHING
from gisgrid.db.database import Database, first_line
from gisgrid.db.roles import ensure_roles
from gisgrid.db.rules import known_deployment, remember_deployment
from gisgrid.db.tables import SCHEMA
from gisgrid.deployment import Deployment
from gisgrid.errors import DatabaseError

logger = logging.getLogger(__name__)

# Any number will do, as long as nothing else in the database uses it.
_LOCK = text("SELECT pg_advisory_xact_lock(7038201)")
_SERVER_VERSION = text("SELECT current_setting('server_version_num')::int")
_OLDEST_SERVER = 150000
_DROP = text(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
_TELL_ALL = text("SELECT gisgrid.note_change(layer, 0, NULL, NULL) FROM unnest(CAST(:layers AS text[])) AS layer")
_FILL_CLASSES = text(
    """
    INSERT INTO gisgrid.component_classes AS known (scheme, edition, code, major, name, is_cover, kind)
    VALUES (:scheme, :edition, :code, :major, :name, :is_cover, :kind)
    ON CONFLICT (scheme, edition, code) DO UPDATE
    SET major = excluded.major, name = excluded.name, is_cover = excluded.is_cover, kind = excluded.kind
    WHERE (known.major, known.name, known.is_cover, known.kind)
        IS DISTINCT FROM (excluded.major, excluded.name, excluded.is_cover, excluded.kind)
    """
)


def config() -> Config:
    """Return Alembic's configuration for the migrations that ship with gisgrid."""
    settings = Config()
    folder = Path(__file__).parent / "migrations"
    settings.set_main_option("script_location", str(folder).replace("%", "%%"))
    settings.set_main_option("path_separator", "os")
    return settings


def migrate(database: Database, deployment: Deployment | None = None) -> list[str]:
    """Bring ``database`` to the newest revision and fill in the code lists; return the revisions applied, oldest first.

    The rules of ``deployment`` are written down for those who edit, when it is the one whose data the database holds.

    All in one transaction; two processes that migrate at once wait for one another. Raises DatabaseError when the
    server is too old, has no PostGIS, or does not allow it.
    """
    try:
        with database.engine().begin() as connection:
            applied = _upgrade(connection)
            raw = _driver(connection)
            if deployment is not None and known_deployment(raw) == deployment.id:
                remember_deployment(raw, deployment)
            return applied
    except DBAPIError as error:
        raise _explained(database, error) from error


def reset(database: Database) -> list[str]:
    """Remove everything that gisgrid keeps in ``database`` and make it anew, empty; return the revisions applied.

    Readers that follow the change feed are told that every layer has changed.
    """
    try:
        with database.engine().begin() as connection:
            connection.execute(_LOCK)
            connection.execute(_DROP)
            applied = _upgrade(connection)
            connection.execute(_TELL_ALL, {"layers": list(EVERYTHING)})
            return applied
    except DBAPIError as error:
        raise _explained(database, error) from error


def newest() -> str:
    """Return the newest revision that this version of gisgrid knows."""
    head = ScriptDirectory.from_config(config()).get_current_head()
    if head is None:
        raise DatabaseError("There are no migrations in this installation of gisgrid.", "Install it again.")
    return head


def _revision(connection: Connection) -> str | None:
    # Alembic reports each look at the database as news.
    logging.getLogger("alembic.runtime").setLevel(logging.WARNING)
    context = MigrationContext.configure(connection, opts={"version_table_schema": SCHEMA})
    return context.get_current_revision()


def _upgrade(connection: Connection) -> list[str]:
    connection.execute(_LOCK)
    version = connection.execute(_SERVER_VERSION).scalar_one()
    if version < _OLDEST_SERVER:
        raise DatabaseError(f"PostgreSQL {version // 10000} is too old.", f"gisgrid needs {_OLDEST_SERVER // 10000} or newer.")
    settings = config()
    before = _revision(connection)
    script = ScriptDirectory.from_config(settings)
    pending = [step.revision for step in script.iterate_revisions("heads", before or "base") if step.revision != before]
    if pending:
        logger.info("Bringing the schema from revision %s to %s", before or "none", pending[0])
        settings.attributes["connection"] = connection
        command.upgrade(settings, "head")
    connection.execute(_FILL_CLASSES, [row._asdict() for row in component_classes().values()])
    ensure_roles(_driver(connection))
    return pending[::-1]


def _driver(connection: Connection) -> psycopg.Connection:
    """Return psycopg's connection behind SQLAlchemy's, in the same transaction."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver


def _explained(database: Database, error: DBAPIError) -> DatabaseError:
    cause = error.orig if isinstance(error.orig, psycopg.Error) else error
    hint = ""
    if "postgis" in str(cause):
        hint = "PostGIS 3.3 or newer must be installed on the server, and the user must be allowed to CREATE EXTENSION."
    elif isinstance(cause, psycopg.errors.InsufficientPrivilege):
        hint = "The user needs the CREATE privilege on the database."
    return DatabaseError(f"The database at {database.address} cannot be migrated: {first_line(cause)}", hint)
