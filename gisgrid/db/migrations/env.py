"""Runs the migrations on the connection that gisgrid.db.migrate hands over, or on the settings' database for `alembic` itself."""

from __future__ import annotations

from alembic import context
from geoalchemy2 import alembic_helpers
from sqlalchemy import Connection, text

from gisgrid.db.database import open_database
from gisgrid.db.tables import SCHEMA, metadata
from gisgrid.settings import load_settings

_POSTGIS_SCHEMA = text(
    "SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE extname = 'postgis'"
)


def run(connection: Connection) -> None:
    """Bring ``connection``'s database to the revision asked for, in the transaction that is open on it."""
    # In so many words: the path of a user called gisgrid would put PostGIS into our schema.
    connection.execute(text("CREATE EXTENSION IF NOT EXISTS postgis SCHEMA public"))
    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
    postgis = connection.execute(_POSTGIS_SCHEMA).scalar_one()
    # Functions keep this path (SET search_path FROM CURRENT), so that they work whatever the path of their caller is.
    connection.execute(text(f"SET LOCAL search_path = {SCHEMA}, {postgis}, pg_temp"))
    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table_schema=SCHEMA,
        include_schemas=True,
        include_object=alembic_helpers.include_object,
        process_revision_directives=alembic_helpers.writer,
        render_item=alembic_helpers.render_item,
    )
    with context.begin_transaction():
        context.run_migrations()


def main() -> None:
    """Use the connection handed over, or open one."""
    given = context.config.attributes.get("connection")
    if given is not None:
        run(given)
        return
    with open_database(load_settings()).engine().begin() as connection:
        # The migrations alone hold comments: without this, `alembic revision --autogenerate` would take them away.
        connection.dialect.supports_comments = False
        run(connection)


main()
