"""The tables of editing, beside those in ``gisgrid.db.tables``: who edits, what was edited, and how rows must be."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, NUMRANGE


def add_editing_tables(metadata: MetaData) -> None:
    """Declare the tables of editing in ``metadata``."""
    Table(
        "editors",
        metadata,
        Column("name", Text(collation="C"), primary_key=True),
        Column("token_hash", LargeBinary, nullable=False),
        Column("added_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("revoked_at", DateTime(timezone=True)),
        UniqueConstraint("token_hash", name="editors_token_hash_key"),
    )
    Table(
        "edits",
        metadata,
        Column("id", BigInteger, Identity(), primary_key=True),
        Column("edited_at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
        *[Column(name, Text, nullable=False) for name in ("editor", "application", "layer", "action")],
        Column("rows", BigInteger, nullable=False, server_default=text("1")),
        Column("feature_id", BigInteger),
        Column("code", Text(collation="C")),
        *[Column(name, JSONB) for name in ("before", "after")],
        Index("edits_feature", "layer", "feature_id", "id"),
        Index("edits_edited_at", "edited_at"),
    )
    Table(
        "code_rules",
        metadata,
        *[Column(name, Text, primary_key=True) for name in ("layer", "field")],
        *[Column(name, Text, primary_key=True, server_default=text("''")) for name in ("scheme", "edition")],
        *[Column(name, Text) for name in ("pattern", "parent_layer")],
        Column("parent_is_prefix", Boolean, nullable=False, server_default=text("false")),
    )
    Table(
        "value_rules",
        metadata,
        *[Column(name, Text, primary_key=True) for name in ("layer", "field")],
        Column("place", SmallInteger, nullable=False),
        *[Column(name, Text, nullable=False) for name in ("title_zh", "title_en")],
        Column("required", Boolean, nullable=False, server_default=text("false")),
        Column("choices", ARRAY(Text)),
        Column("range", NUMRANGE),
    )
