"""The roles of people who work in the database itself: ``gisgrid_reader`` and ``gisgrid_editor``, and what each may do.

They belong to the whole server; what they may do, to this database. A person's own user is made a member of one of them
(``GRANT gisgrid_editor TO zhang``). Personal data (``area_roles``, ``organizations``) and the records of ingest are for neither.
"""

from __future__ import annotations

import logging
from typing import LiteralString

import psycopg

from gisgrid.layers import LAYERS

logger = logging.getLogger(__name__)

READER = "gisgrid_reader"
"""The role of those who look at the layers."""

EDITOR = "gisgrid_editor"
"""The role of those who edit them; a reader too."""

EDITABLE: tuple[str, ...] = tuple(layer.id for layer in LAYERS if layer.loadable)
"""The layers that can be edited."""

# Two databases of one server may make them at the same time: roles are the server's, and one of the two comes too late.
_MAKE: LiteralString = """
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['gisgrid_reader', 'gisgrid_editor'] LOOP
        CONTINUE WHEN to_regrole(wanted) IS NOT NULL;
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        EXCEPTION WHEN duplicate_object OR unique_violation OR insufficient_privilege THEN
            NULL;
        END;
    END LOOP;
    IF to_regrole('gisgrid_editor') IS NOT NULL AND NOT pg_has_role(current_user, 'gisgrid_editor', 'MEMBER') THEN
        BEGIN
            EXECUTE format('GRANT gisgrid_editor TO %I', current_user);
        EXCEPTION WHEN insufficient_privilege OR unique_violation OR duplicate_object THEN
            NULL;
        END;
    END IF;
END $$
"""
_FOUND: LiteralString = "SELECT to_regrole('gisgrid_reader') IS NOT NULL AND to_regrole('gisgrid_editor') IS NOT NULL"
_RULES = ("code_rules", "value_rules", "rule_versions", "assignment_rules")
_TABLES = ("component_classes", "generations", "deployments", "place_names", "gazetteer", *_RULES)
_READ = (*(layer.id for layer in LAYERS if layer.public), *_TABLES)
_GRANTS: tuple[str, ...] = (
    f"GRANT USAGE ON SCHEMA gisgrid TO {READER}, {EDITOR}",
    f"GRANT SELECT ON {', '.join(f'gisgrid.{name}' for name in _READ)} TO {READER}, {EDITOR}",
    f"GRANT INSERT, UPDATE, DELETE ON {', '.join(f'gisgrid.{name}' for name in EDITABLE)} TO {EDITOR}",
    f"GRANT SELECT ON gisgrid.rejected_rows, gisgrid.edits TO {EDITOR}",
)
_WITHOUT = (
    "The roles gisgrid_reader and gisgrid_editor do not exist, and this user may not make them. Everything else works. For analysts who"
    " connect to the database themselves, let an administrator run `CREATE ROLE gisgrid_reader; CREATE ROLE gisgrid_editor;` and"
    " `GRANT gisgrid_editor TO` this user, then repeat `gisgrid db migrate`."
)


def ensure_roles(connection: psycopg.Connection) -> bool:
    """Make the roles where there are none, and say what they may do here; return whether they exist.

    A user who may not make roles gets a warning instead, and what to ask an administrator for.
    """
    connection.execute(_MAKE)
    row = connection.execute(_FOUND).fetchone()
    if row is None or not row[0]:
        logger.warning(_WITHOUT)
        return False
    for grant in _GRANTS:
        connection.execute(grant.encode())
    return True
