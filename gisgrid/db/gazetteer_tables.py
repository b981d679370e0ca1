"""The tables of the gazetteer, beside those in ``gisgrid.db.tables``: roads, address points, named places, other names."""

from __future__ import annotations

from sqlalchemy import Column, Date, Index, MetaData, Table, Text, UniqueConstraint, text

from gisgrid.db.columns import code_column, id_column, place_columns, served_place_indexes, text_columns, version_columns


def add_gazetteer_tables(metadata: MetaData) -> None:
    """Declare the tables of the gazetteer in ``metadata``."""
    _add_assets(metadata, "roads", "MULTILINESTRING", [*text_columns("name", nullable=False), *text_columns("class")])
    numbers = text_columns("road", "house_number", "building_number", "name")
    _add_assets(metadata, "addresses", "POINT", [*numbers, code_column("community_code", nullable=True)])
    _add_assets(metadata, "places", "POINT", [*text_columns("name", nullable=False), *text_columns("kind", "address")])
    Table(
        "place_names",
        metadata,
        id_column(),
        code_column(),
        *text_columns("name", "of_layer", nullable=False),
        code_column("of_code"),
        Column("kind", Text, nullable=False, server_default=text("'alias'")),
        *[Column(name, Date) for name in ("valid_from", "valid_to")],
        *text_columns("source", "source_id"),
        *version_columns(),
        UniqueConstraint("code", name="place_names_code_key"),
        Index("place_names_of", "of_layer", "of_code", postgresql_where=text("retired_at IS NULL")),
    )


def _add_assets(metadata: MetaData, layer: str, geometry: str, columns: list[Column[str]]) -> None:
    Table(
        f"{layer}_all",
        metadata,
        id_column(),
        code_column(),
        *columns,
        *text_columns("source_id"),
        *place_columns(geometry),
        UniqueConstraint("code", name=f"{layer}_code_key"),
        *version_columns(),
        *served_place_indexes(layer),
    )
