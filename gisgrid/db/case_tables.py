"""The tables of cases, beside those in ``gisgrid.db.tables``: cases, who reported them, keys of requests, and what was done."""

from __future__ import annotations

from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    Column,
    Computed,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Sequence,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

_SERVED = text("retired_at IS NULL")


def add_case_tables(metadata: MetaData) -> None:
    """Declare the tables of cases in ``metadata``."""
    Sequence("case_numbers", metadata=metadata)
    Table("cases_all", metadata, *_columns(), *_indexes(), UniqueConstraint("number", name="cases_number_key"))
    Table("case_reporters", metadata, _case_id(primary_key=True, autoincrement=False), Column("name", Text), Column("phone", Text))
    Table(
        "case_keys",
        metadata,
        Column("key", Text(collation="C"), primary_key=True),
        Column("body_hash", LargeBinary, nullable=False),
        Column("number", Text(collation="C"), nullable=False),
        _instant("kept_at", func.now()),
    )
    Table(
        "case_history",
        metadata,
        Column("id", BigInteger, Identity(), primary_key=True),
        _case_id(nullable=False),
        Column("version", Integer, nullable=False),
        _instant("at", func.clock_timestamp()),
        Column("action", Text, nullable=False),
        *[Column(name, Text, nullable=False, server_default=text("''")) for name in ("by", "reason")],
        *[Column(name, JSONB) for name in ("before", "after")],
        UniqueConstraint("case_id", "version", name="case_history_version_key"),
    )


def _columns() -> list[Column[Any]]:
    return [
        Column("id", BigInteger, Identity(), primary_key=True),
        Column("number", Text(collation="C"), nullable=False),
        Column("version", Integer, nullable=False, server_default=text("1")),
        *[Column(name, Text, nullable=False) for name in ("state", "source", "category", "kind")],
        Column("class_code", Text(collation="C")),
        *[Column(name, Text, nullable=False, server_default=text("''")) for name in ("description", "address")],
        *[Column(f"{name}_code", Text(collation="C")) for name in ("component", "district", "street", "community", "grid", "unit")],
        Column("reported_at", DateTime(timezone=True), nullable=False),
        Column("reported_on", Date, nullable=False),
        _instant("received_at", func.now()),
        *[Column(name, DateTime(timezone=True)) for name in ("due_at", "closed_at")],
        Column("decided", JSONB, nullable=False),
        Column("geom", Geometry("POINT", srid=4326, spatial_index=False)),
        _follows("geom_3857", "ST_Transform(geom, 3857)"),
        _follows("geom_gcj02", "gisgrid.in_gcj02_mercator(geom)"),
        _instant("changed_at", func.now()),
        Column("retired_at", DateTime(timezone=True)),
    ]


def _indexes() -> list[Index]:
    newest = (text("reported_at DESC"), text("id DESC"))
    return [
        Index("cases_reported_at", *newest),
        *[Index(f"cases_{name}", name, *newest) for name in ("state", "grid_code", "unit_code")],
        Index("cases_due_at", "due_at", postgresql_where=text("state IN ('assigned', 'needs_review')")),
        *[Index(f"cases_{name}", name, postgresql_using="gist", postgresql_where=_SERVED) for name in ("geom", "geom_3857")],
    ]


def _case_id(**more: Any) -> Column[int]:
    return Column("case_id", BigInteger, ForeignKey("gisgrid.cases_all.id"), **more)


def _instant(name: str, default: Any) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=False, server_default=default)


def _follows(name: str, expression: str) -> Column[Any]:
    return Column(name, Geometry("POINT", srid=3857, spatial_index=False), Computed(expression, persisted=True), nullable=True)
