"""Columns and indexes that many tables have, as SQLAlchemy sees them: made once, for ``gisgrid.db.tables`` and those beside it."""

from __future__ import annotations

from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import BigInteger, Column, Computed, DateTime, Identity, Index, Integer, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB


def id_column() -> Column[int]:
    """Return the number of a row, its primary key."""
    return Column("id", BigInteger, Identity(), primary_key=True)


def code_column(name: str = "code", nullable: bool = False) -> Column[str]:
    """Return a column of codes, compared byte by byte."""
    return Column(name, Text(collation="C"), nullable=nullable)


def text_columns(*names: str, nullable: bool = True) -> list[Column[str]]:
    """Return columns of text."""
    return [Column(name, Text, nullable=nullable) for name in names]


def instant_column(name: str, default: bool = False) -> Column[Any]:
    """Return a column of instants; with ``default`` never null, by itself the beginning of the transaction."""
    return Column(name, DateTime(timezone=True), nullable=not default, server_default=func.now() if default else None)


def json_column(name: str) -> Column[Any]:
    """Return a JSON column that is an empty object by itself."""
    return Column(name, JSONB, nullable=False, server_default=text("'{}'"))


def place_columns(kind: str) -> list[Column[Any]]:
    """Return ``geom`` (WGS 84, lon lat) and the two columns that follow it."""
    return [
        Column("geom", Geometry(kind, srid=4326, spatial_index=False), nullable=False),
        worked_out_column("geom_3857", kind, "ST_Transform(geom, 3857)"),
        gcj02_column(kind),
    ]


def worked_out_column(name: str, kind: str, expression: str) -> Column[Any]:
    """Return a geometry that follows ``geom`` by itself, in EPSG:3857."""
    return Column(name, Geometry(kind, srid=3857, spatial_index=False), Computed(expression, persisted=True), nullable=True)


def gcj02_column(kind: str) -> Column[Any]:
    """Return the geometry in GCJ-02 and Web Mercator that follows ``geom`` by itself."""
    return worked_out_column("geom_gcj02", kind, "gisgrid.in_gcj02_mercator(geom)")


def place_indexes(name: str) -> list[Index]:
    """Return the indexes on the places of a table."""
    return [Index(f"{name}_{column}", column, postgresql_using="gist") for column in ("geom", "geom_3857")]


def served_place_indexes(name: str) -> list[Index]:
    """Return the indexes on the places of those rows of a table of assets that are served."""
    return [
        Index(f"{name}_{column}", column, postgresql_using="gist", postgresql_where=text("retired_at IS NULL"))
        for column in ("geom", "geom_3857")
    ]


def version_columns() -> list[Column[Any]]:
    """Return what every asset has: its version, since when it is so, and when it was retired."""
    version = Column("version", Integer, nullable=False, server_default=text("1"))
    return [version, instant_column("changed_at", default=True), instant_column("retired_at")]


def any_place_column() -> Column[Any]:
    """Return a column for a geometry of any type (WGS 84), or none."""
    return Column("geom", Geometry("GEOMETRY", srid=4326, spatial_index=False), nullable=True)


def count_columns(*names: str) -> list[Column[int]]:
    """Return columns of numbers of rows, 0 by themselves."""
    return [Column(name, BigInteger, nullable=False, server_default=text("0")) for name in names]
