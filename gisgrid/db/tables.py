"""The tables as SQLAlchemy sees them (GeoAlchemy2), for queries and for Alembic's comparison with the migrations.

The migrations make the tables; a test holds the two together. Checks, comments and triggers live in the migrations only.
Geometry is WGS 84 (EPSG:4326, lon lat), which counts as equal to CGCS2000; ``geom_3857`` and ``geom_gcj02`` follow it
by themselves.
"""

from __future__ import annotations

from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Computed,
    Date,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import UserDefinedType

from gisgrid.db.editing_tables import add_editing_tables

SCHEMA = "gisgrid"
"""The schema that holds everything."""

metadata = MetaData(schema=SCHEMA)


class Xid8(UserDefinedType[int]):
    """PostgreSQL's ``xid8``: the number of a transaction, which never wraps around."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """Return the type's name in DDL."""
        return "xid8"


def _id() -> Column[int]:
    return Column("id", BigInteger, Identity(), primary_key=True)


def _code(name: str = "code", nullable: bool = False) -> Column[str]:
    return Column(name, Text(collation="C"), nullable=nullable)


def _text(*names: str, nullable: bool = True) -> list[Column[str]]:
    return [Column(name, Text, nullable=nullable) for name in names]


def _instant(name: str, default: bool = False) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=not default, server_default=func.now() if default else None)


def _json(name: str) -> Column[Any]:
    return Column(name, JSONB, nullable=False, server_default=text("'{}'"))


def _places(kind: str) -> list[Column[Any]]:
    return [
        Column("geom", Geometry(kind, srid=4326, spatial_index=False), nullable=False),
        _worked_out("geom_3857", kind, "ST_Transform(geom, 3857)"),
        _in_gcj02(kind),
    ]


def _worked_out(name: str, kind: str, expression: str) -> Column[Any]:
    """Return a geometry that follows ``geom`` by itself, in EPSG:3857."""
    return Column(name, Geometry(kind, srid=3857, spatial_index=False), Computed(expression, persisted=True), nullable=True)


def _in_gcj02(kind: str) -> Column[Any]:
    return _worked_out("geom_gcj02", kind, "gisgrid.in_gcj02_mercator(geom)")


def _place_indexes(name: str) -> list[Index]:
    return [Index(f"{name}_{column}", column, postgresql_using="gist") for column in ("geom", "geom_3857")]


def _served_place_indexes(name: str) -> list[Index]:
    return [
        Index(f"{name}_{column}", column, postgresql_using="gist", postgresql_where=text("retired_at IS NULL"))
        for column in ("geom", "geom_3857")
    ]


def _versioned() -> list[Column[Any]]:
    """Return what every asset has: its version, since when it is so, and when it was retired."""
    version = Column("version", Integer, nullable=False, server_default=text("1"))
    return [version, _instant("changed_at", default=True), _instant("retired_at")]


def _anywhere() -> Column[Any]:
    return Column("geom", Geometry("GEOMETRY", srid=4326, spatial_index=False), nullable=True)


def _of(table: str, nullable: bool = False) -> Column[int]:
    name = {"generations": "generation_id", "ingest_runs": "run_id"}[table]
    return Column(name, BigInteger, ForeignKey(f"gisgrid.{table}.id", ondelete="CASCADE"), nullable=nullable)


def _counts(*names: str) -> list[Column[int]]:
    return [Column(name, BigInteger, nullable=False, server_default=text("0")) for name in names]


generations = Table(
    "generations",
    metadata,
    _id(),
    Column("status", Text, nullable=False, server_default=text("'draft'")),
    _instant("created_at", default=True),
    _instant("activated_at"),
    _instant("retired_at"),
    *_text("note"),
    _instant("completed_at"),
    _instant("checked_at"),
    Index("generations_one_active", "status", unique=True, postgresql_where=text("status = 'active'")),
)

generation_periods = Table(
    "generation_periods",
    metadata,
    _id(),
    _of("generations"),
    Column("valid_from", DateTime(timezone=True), nullable=False),
    _instant("valid_to"),
    Index("generation_periods_generation_id", "generation_id", "valid_from"),
    Index("generation_periods_valid_from", "valid_from"),
)

generation_sources = Table(
    "generation_sources",
    metadata,
    Column("generation_id", BigInteger, ForeignKey("gisgrid.generations.id", ondelete="CASCADE"), primary_key=True),
    Column("layer", Text, primary_key=True),
    Column("source_id", Text, primary_key=True),
    _of("ingest_runs"),
    Index("generation_sources_run_id", "run_id"),
)

areas = Table(
    "areas",
    metadata,
    _id(),
    _of("generations"),
    *_text("level", nullable=False),
    _code(),
    *_text("name", nullable=False),
    _code("parent_code", nullable=True),
    Column("area_m2", Double, nullable=False),
    *_places("MULTIPOLYGON"),
    _instant("valid_from", default=True),
    _instant("valid_to"),
    *_text("source_id"),
    UniqueConstraint("generation_id", "level", "code", name="areas_generation_id_level_code_key"),
    *_place_indexes("areas"),
)

area_shapes = Table(
    "area_shapes",
    metadata,
    Column("area_id", BigInteger, primary_key=True, autoincrement=False),
    Column("zoom", SmallInteger, primary_key=True, autoincrement=False),
    *_places("MULTIPOLYGON"),
)

component_classes = Table(
    "component_classes",
    metadata,
    Column("scheme", Text, primary_key=True),
    Column("edition", Text, primary_key=True),
    Column("code", Text(collation="C"), primary_key=True),
    *_text("major", "name", nullable=False),
    Column("is_cover", Boolean, nullable=False),
    Column("kind", Text, nullable=False, server_default=text("''")),
)

components = Table(
    "components",
    metadata,
    _id(),
    _code(),
    *_text("scheme", "edition", nullable=False),
    _code("class_code"),
    *_text("name"),
    Column("state", Text, nullable=False, server_default=text("'unknown'")),
    *_text("department_code", "owner_code", "maintainer_code"),
    Column("installed_on", Date),
    Column("changed_on", Date),
    *_text("data_source"),
    _json("spec"),
    *_text("note", "source_id"),
    *_places("POINT"),
    UniqueConstraint("scheme", "edition", "code", name="components_scheme_edition_code_key"),
    ForeignKeyConstraint(
        ["scheme", "edition", "class_code"],
        [f"gisgrid.component_classes.{column}" for column in ("scheme", "edition", "code")],
        name="components_class_fkey",
    ),
    *_versioned(),
    *_served_place_indexes("components"),
)

buildings = Table(
    "buildings_all",
    metadata,
    _id(),
    _code(),
    *_text("name", "address", "road", "house_number", "building_number"),
    _code("community_code", nullable=True),
    *_text("use"),
    Column("year_built", Integer),
    Column("floors", Integer),
    Column("height_m", Double),
    Column("households", Integer),
    Column("residents", Integer),
    *_text("source_id"),
    *_places("MULTIPOLYGON"),
    UniqueConstraint("code", name="buildings_code_key"),
    *_versioned(),
    *_served_place_indexes("buildings"),
)

cameras = Table(
    "cameras_all",
    metadata,
    _id(),
    _code(),
    *_text("name"),
    Column("kind", Text, nullable=False, server_default=text("'fixed'")),
    Column("status", Text, nullable=False, server_default=text("'online'")),
    *[Column(name, Double) for name in ("azimuth_deg", "azimuth_uncertainty_deg", "field_of_view_deg", "range_m", "mount_height_m")],
    *_text("azimuth_source", "field_of_view_source", "range_source", "mount_height_source", "owner_code", "source_id"),
    *_places("POINT"),
    UniqueConstraint("code", name="cameras_code_key"),
    *_versioned(),
    *_served_place_indexes("cameras"),
)

organizations = Table(
    "organizations",
    metadata,
    _id(),
    _code(),
    *_text("name", nullable=False),
    *_text("kind", "credit_code"),
    _code("parent_code", nullable=True),
    *_text("phone", "address", "source_id"),
    *_versioned(),
    UniqueConstraint("code", name="organizations_code_key"),
)

asset_versions = Table(
    "asset_versions",
    metadata,
    _id(),
    *_text("layer", nullable=False),
    Column("asset_id", BigInteger, nullable=False),
    _code(),
    Column("version", Integer, nullable=False),
    *[Column(name, DateTime(timezone=True), nullable=False) for name in ("valid_from", "valid_to")],
    Column("row", JSONB, nullable=False),
    _anywhere(),
    *_text("source_id"),
    Index("asset_versions_asset", "layer", "asset_id", "version"),
    Index("asset_versions_code", "layer", "code", "valid_from"),
    Index("asset_versions_valid_from", "layer", "valid_from"),
    Index("asset_versions_valid_to", "layer", "valid_to"),
)

area_roles = Table(
    "area_roles",
    metadata,
    _id(),
    *_text("area_level", nullable=False),
    _code("area_code"),
    *_text("role", nullable=False),
    _code("organization_code", nullable=True),
    *_text("person_name", "phone"),
    _instant("valid_from", default=True),
    _instant("valid_to"),
    *_text("source_id"),
    Index(
        "area_roles_current",
        *("area_level", "area_code", "role", "organization_code", "person_name"),
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=text("valid_to IS NULL"),
    ),
)

ingest_runs = Table(
    "ingest_runs",
    metadata,
    _id(),
    *_text("source_id", "layer", nullable=False),
    *_text("path", "file_hash", "source_hash"),
    *_text("status", nullable=False),
    _instant("started_at", default=True),
    _instant("finished_at"),
    *_counts("rows_read", "rows_loaded", "rows_repaired", "rows_rejected", "rows_warned"),
    *_counts("rows_inserted", "rows_updated", "rows_retired", "rows_unchanged"),
    Column("partial", Boolean, nullable=False, server_default=text("false")),
    *_text("crs"),
    Column("source_columns", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    *[_json(name) for name in ("settings", "timings", "report")],
    Index("ingest_runs_source", "source_id", "layer", text("id DESC")),
)

ingest_rejects = Table(
    "ingest_rejects",
    metadata,
    _id(),
    _of("ingest_runs"),
    *_text("layer", nullable=False),
    Column("row_number", BigInteger, nullable=False),
    *_text("code", "message", nullable=False),
    *_text("field"),
    Column("raw", JSON, nullable=False),
    _anywhere(),
    Column("geom_file", LargeBinary),
    Index("ingest_rejects_run_id", "run_id", "row_number"),
    Index("ingest_rejects_geom", "geom", postgresql_using="gist"),
)

ingest_repairs = Table(
    "ingest_repairs",
    metadata,
    _id(),
    _of("ingest_runs"),
    *_text("layer", nullable=False),
    Column("row_number", BigInteger, nullable=False),
    *_text("feature_code"),
    *_text("code", nullable=False),
    *_text("field", "before", "after"),
    _anywhere(),
    Index("ingest_repairs_run_id", "run_id", "row_number"),
    Index("ingest_repairs_geom", "geom", postgresql_using="gist"),
)

quality_issues = Table(
    "quality_issues",
    metadata,
    _id(),
    _of("ingest_runs", nullable=True),
    _of("generations", nullable=True),
    *_text("layer", nullable=False),
    *_text("feature_code"),
    *_text("code", "severity", "message", nullable=False),
    _anywhere(),
    _worked_out("geom_3857", "GEOMETRY", "gisgrid.in_web_mercator(geom)"),
    _in_gcj02("GEOMETRY"),
    _instant("created_at", default=True),
    Column("created_on", Date, nullable=False, server_default=text("CURRENT_DATE")),
    Index("quality_issues_layer", "layer", "feature_code"),
    Index("quality_issues_run_id", "run_id"),
    Index("quality_issues_generation_id", "generation_id", "severity"),
    *_place_indexes("quality_issues"),
)

deployments = Table(
    "deployments",
    metadata,
    Column("id", Text, nullable=False),
    Column("is_only", Boolean, primary_key=True, server_default=text("true")),
    _instant("recorded_at", default=True),
    Column("bounds", ARRAY(Double)),
    Column("sliver_m", Double, nullable=False, server_default=text("1.0")),
)

changes = Table(
    "changes",
    metadata,
    _id(),
    *_text("layer", nullable=False),
    Column("xid", Xid8, nullable=False, server_default=text("pg_current_xact_id()")),
    Column("changed_at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
    Column("rows", BigInteger, nullable=False),
    *[Column(name, Double) for name in ("west", "south", "east", "north")],
    Column("began_at", DateTime(timezone=True), server_default=func.now()),
    Column("places", ARRAY(Double)),
    Index("changes_xid", "xid"),
)

rasters = Table(
    "rasters",
    metadata,
    Column("id", Text(collation="C"), primary_key=True),
    *_text("kind", nullable=False),
    *[Column(name, Text, nullable=False, server_default=text("''")) for name in ("title", "attribution")],
    Column("captured_on", Date),
    Column("data_version", BigInteger),
    *_text("file", "file_hash", nullable=False),
    Column("size", BigInteger, nullable=False),
    *_text("crs", nullable=False),
    *[Column(name, Integer, nullable=False) for name in ("width", "height")],
    *_text("dtype", nullable=False),
    Column("nodata", Double),
    Column("bands", JSONB, nullable=False),
    Column("cell_m", Double, nullable=False),
    *[Column(name, SmallInteger, nullable=False) for name in ("min_zoom", "max_zoom")],
    Column("run_id", BigInteger, ForeignKey("gisgrid.ingest_runs.id", ondelete="SET NULL")),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
    Column("geom", Geometry("POLYGON", srid=4326, spatial_index=False), nullable=False),
    Index("rasters_run_id", "run_id"),
)

add_editing_tables(metadata)
