"""The tables as SQLAlchemy sees them (GeoAlchemy2), for queries and for Alembic's comparison with the migrations.

The migrations make the tables; a test holds the two together. Checks, comments and triggers live in the migrations only.
Geometry is WGS 84 (EPSG:4326, lon lat), which counts as equal to CGCS2000; ``geom_3857`` and ``geom_gcj02`` follow it
by themselves.
"""

from __future__ import annotations

from geoalchemy2 import Geometry
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
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

from gisgrid.db.case_tables import add_case_tables
from gisgrid.db.columns import (
    any_place_column,
    code_column,
    count_columns,
    gcj02_column,
    id_column,
    instant_column,
    json_column,
    place_columns,
    place_indexes,
    served_place_indexes,
    text_columns,
    version_columns,
    worked_out_column,
)
from gisgrid.db.editing_tables import add_editing_tables
from gisgrid.db.gazetteer_tables import add_gazetteer_tables
from gisgrid.db.rule_tables import add_rule_tables

SCHEMA = "gisgrid"
"""The schema that holds everything."""

metadata = MetaData(schema=SCHEMA)


class Xid8(UserDefinedType[int]):
    """PostgreSQL's ``xid8``: the number of a transaction, which never wraps around."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """Return the type's name in DDL."""
        return "xid8"


def _of(table: str, nullable: bool = False) -> Column[int]:
    name = {"generations": "generation_id", "ingest_runs": "run_id"}[table]
    return Column(name, BigInteger, ForeignKey(f"gisgrid.{table}.id", ondelete="CASCADE"), nullable=nullable)


generations = Table(
    "generations",
    metadata,
    id_column(),
    Column("status", Text, nullable=False, server_default=text("'draft'")),
    instant_column("created_at", default=True),
    instant_column("activated_at"),
    instant_column("retired_at"),
    *text_columns("note"),
    instant_column("completed_at"),
    instant_column("checked_at"),
    Index("generations_one_active", "status", unique=True, postgresql_where=text("status = 'active'")),
)

generation_periods = Table(
    "generation_periods",
    metadata,
    id_column(),
    _of("generations"),
    Column("valid_from", DateTime(timezone=True), nullable=False),
    instant_column("valid_to"),
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
    id_column(),
    _of("generations"),
    *text_columns("level", nullable=False),
    code_column(),
    *text_columns("name", nullable=False),
    code_column("parent_code", nullable=True),
    Column("area_m2", Double, nullable=False),
    *place_columns("MULTIPOLYGON"),
    instant_column("valid_from", default=True),
    instant_column("valid_to"),
    *text_columns("source_id"),
    UniqueConstraint("generation_id", "level", "code", name="areas_generation_id_level_code_key"),
    *place_indexes("areas"),
)

area_shapes = Table(
    "area_shapes",
    metadata,
    Column("area_id", BigInteger, primary_key=True, autoincrement=False),
    Column("zoom", SmallInteger, primary_key=True, autoincrement=False),
    *place_columns("MULTIPOLYGON"),
)

component_classes = Table(
    "component_classes",
    metadata,
    Column("scheme", Text, primary_key=True),
    Column("edition", Text, primary_key=True),
    Column("code", Text(collation="C"), primary_key=True),
    *text_columns("major", "name", nullable=False),
    Column("is_cover", Boolean, nullable=False),
    Column("kind", Text, nullable=False, server_default=text("''")),
)

components = Table(
    "components",
    metadata,
    id_column(),
    code_column(),
    *text_columns("scheme", "edition", nullable=False),
    code_column("class_code"),
    *text_columns("name"),
    Column("state", Text, nullable=False, server_default=text("'unknown'")),
    *text_columns("department_code", "owner_code", "maintainer_code"),
    Column("installed_on", Date),
    Column("changed_on", Date),
    *text_columns("data_source"),
    json_column("spec"),
    *text_columns("note", "source_id"),
    *place_columns("POINT"),
    UniqueConstraint("scheme", "edition", "code", name="components_scheme_edition_code_key"),
    ForeignKeyConstraint(
        ["scheme", "edition", "class_code"],
        [f"gisgrid.component_classes.{column}" for column in ("scheme", "edition", "code")],
        name="components_class_fkey",
    ),
    *version_columns(),
    *served_place_indexes("components"),
)

buildings = Table(
    "buildings_all",
    metadata,
    id_column(),
    code_column(),
    *text_columns("name", "address", "road", "house_number", "building_number"),
    code_column("community_code", nullable=True),
    *text_columns("use"),
    Column("year_built", Integer),
    Column("floors", Integer),
    Column("height_m", Double),
    Column("households", Integer),
    Column("residents", Integer),
    *text_columns("source_id"),
    *place_columns("MULTIPOLYGON"),
    UniqueConstraint("code", name="buildings_code_key"),
    *version_columns(),
    *served_place_indexes("buildings"),
)

cameras = Table(
    "cameras_all",
    metadata,
    id_column(),
    code_column(),
    *text_columns("name"),
    Column("kind", Text, nullable=False, server_default=text("'fixed'")),
    Column("status", Text, nullable=False, server_default=text("'online'")),
    *[Column(name, Double) for name in ("azimuth_deg", "azimuth_uncertainty_deg", "field_of_view_deg", "range_m", "mount_height_m")],
    *text_columns("azimuth_source", "field_of_view_source", "range_source", "mount_height_source", "owner_code", "source_id"),
    *place_columns("POINT"),
    UniqueConstraint("code", name="cameras_code_key"),
    *version_columns(),
    *served_place_indexes("cameras"),
)

organizations = Table(
    "organizations",
    metadata,
    id_column(),
    code_column(),
    *text_columns("name", nullable=False),
    *text_columns("kind", "credit_code"),
    code_column("parent_code", nullable=True),
    *text_columns("phone", "address", "source_id"),
    *version_columns(),
    UniqueConstraint("code", name="organizations_code_key"),
)

asset_versions = Table(
    "asset_versions",
    metadata,
    id_column(),
    *text_columns("layer", nullable=False),
    Column("asset_id", BigInteger, nullable=False),
    code_column(),
    Column("version", Integer, nullable=False),
    *[Column(name, DateTime(timezone=True), nullable=False) for name in ("valid_from", "valid_to")],
    Column("row", JSONB, nullable=False),
    any_place_column(),
    *text_columns("source_id"),
    Index("asset_versions_asset", "layer", "asset_id", "version"),
    Index("asset_versions_code", "layer", "code", "valid_from"),
    Index("asset_versions_valid_from", "layer", "valid_from"),
    Index("asset_versions_valid_to", "layer", "valid_to"),
)

area_roles = Table(
    "area_roles",
    metadata,
    id_column(),
    *text_columns("area_level", nullable=False),
    code_column("area_code"),
    *text_columns("role", nullable=False),
    code_column("organization_code", nullable=True),
    *text_columns("person_name", "phone"),
    instant_column("valid_from", default=True),
    instant_column("valid_to"),
    *text_columns("source_id"),
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
    id_column(),
    *text_columns("source_id", "layer", nullable=False),
    *text_columns("path", "file_hash", "source_hash"),
    *text_columns("status", nullable=False),
    instant_column("started_at", default=True),
    instant_column("finished_at"),
    *count_columns("rows_read", "rows_loaded", "rows_repaired", "rows_rejected", "rows_warned"),
    *count_columns("rows_inserted", "rows_updated", "rows_retired", "rows_unchanged"),
    Column("partial", Boolean, nullable=False, server_default=text("false")),
    *text_columns("crs"),
    Column("source_columns", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    *[json_column(name) for name in ("settings", "timings", "report")],
    Index("ingest_runs_source", "source_id", "layer", text("id DESC")),
)

ingest_rejects = Table(
    "ingest_rejects",
    metadata,
    id_column(),
    _of("ingest_runs"),
    *text_columns("layer", nullable=False),
    Column("row_number", BigInteger, nullable=False),
    *text_columns("code", "message", nullable=False),
    *text_columns("field"),
    Column("raw", JSON, nullable=False),
    any_place_column(),
    Column("geom_file", LargeBinary),
    Index("ingest_rejects_run_id", "run_id", "row_number"),
    Index("ingest_rejects_geom", "geom", postgresql_using="gist"),
)

ingest_repairs = Table(
    "ingest_repairs",
    metadata,
    id_column(),
    _of("ingest_runs"),
    *text_columns("layer", nullable=False),
    Column("row_number", BigInteger, nullable=False),
    *text_columns("feature_code"),
    *text_columns("code", nullable=False),
    *text_columns("field", "before", "after"),
    any_place_column(),
    Index("ingest_repairs_run_id", "run_id", "row_number"),
    Index("ingest_repairs_geom", "geom", postgresql_using="gist"),
)

quality_issues = Table(
    "quality_issues",
    metadata,
    id_column(),
    _of("ingest_runs", nullable=True),
    _of("generations", nullable=True),
    *text_columns("layer", nullable=False),
    *text_columns("feature_code"),
    *text_columns("code", "severity", "message", nullable=False),
    any_place_column(),
    worked_out_column("geom_3857", "GEOMETRY", "gisgrid.in_web_mercator(geom)"),
    gcj02_column("GEOMETRY"),
    instant_column("created_at", default=True),
    Column("created_on", Date, nullable=False, server_default=text("CURRENT_DATE")),
    Index("quality_issues_layer", "layer", "feature_code"),
    Index("quality_issues_run_id", "run_id"),
    Index("quality_issues_generation_id", "generation_id", "severity"),
    *place_indexes("quality_issues"),
)

deployments = Table(
    "deployments",
    metadata,
    Column("id", Text, nullable=False),
    Column("is_only", Boolean, primary_key=True, server_default=text("true")),
    instant_column("recorded_at", default=True),
    Column("bounds", ARRAY(Double)),
    Column("sliver_m", Double, nullable=False, server_default=text("1.0")),
)

changes = Table(
    "changes",
    metadata,
    id_column(),
    *text_columns("layer", nullable=False),
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
    *text_columns("kind", nullable=False),
    *[Column(name, Text, nullable=False, server_default=text("''")) for name in ("title", "attribution")],
    Column("captured_on", Date),
    Column("data_version", BigInteger),
    *text_columns("file", "file_hash", nullable=False),
    Column("size", BigInteger, nullable=False),
    *text_columns("crs", nullable=False),
    *[Column(name, Integer, nullable=False) for name in ("width", "height")],
    *text_columns("dtype", nullable=False),
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
add_gazetteer_tables(metadata)
add_rule_tables(metadata, Xid8)
add_case_tables(metadata)
