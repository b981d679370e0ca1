"""The tables of the rules of assignment, beside those in ``gisgrid.db.tables``."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeEngine

from gisgrid.db.columns import instant_column


def add_rule_tables(metadata: MetaData, xid8: type[TypeEngine[int]]) -> None:
    """Declare the tables of the rules in ``metadata``; ``xid8`` is the type of numbers of transactions."""
    Table(
        "rule_versions",
        metadata,
        Column("version", Integer, primary_key=True, autoincrement=False),
        instant_column("created_at", default=True),
        Column("created_by", Text, nullable=False, server_default=text("SESSION_USER")),
        Column("note", Text, nullable=False, server_default=text("''")),
        Column("xid", xid8, nullable=False, server_default=text("pg_current_xact_id()")),
    )
    Table(
        "assignment_rules",
        metadata,
        Column("version", Integer, ForeignKey("gisgrid.rule_versions.version"), primary_key=True, autoincrement=False),
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("priority", Integer, nullable=False),
        Column("kind", Text),
        *[
            Column(name, ARRAY(Text), nullable=False, server_default=text("'{}'"))
            for name in ("classes", "words", "without", "states", "areas", "units")
        ],
        Column("limit_value", Integer),
        Column("limit_unit", Text),
        Column("note", Text, nullable=False, server_default=text("''")),
    )
