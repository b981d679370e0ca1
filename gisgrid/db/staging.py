"""The statements of a load, made once for each table: staging table, COPY, and the merge by key."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from psycopg import sql

from gisgrid.layers import AREA_LAYERS


class Loadable(NamedTuple):
    """A table that is loaded: its columns with their SQL types, what identifies a row, what its rows are limited to.

    ``spec`` names staged columns that are stored in the JSON column ``spec``; ``required`` gives columns that may not be
    null the value that stands in for it. ``level`` is set for areas, whose rows belong to a generation.
    """

    table: str
    key: tuple[str, ...]
    columns: dict[str, str]
    spec: tuple[str, ...] = ()
    required: Mapping[str, str] = MappingProxyType({})
    has_geometry: bool = True
    level: str | None = None
    only_current: bool = False

    @property
    def is_asset(self) -> bool:
        """Whether its rows are assets: they have versions, and are retired when they are not delivered any more."""
        return self.level is None and not self.only_current


class Statements(NamedTuple):
    """The statements that load one table; ``update`` and ``retire`` are None where rows only ever come in.

    ``served`` is the condition that a stored row ``t`` is one that is served.
    """

    columns: list[str]
    create: sql.Composed
    copy: sql.Composed
    analyze: sql.SQL
    analyze_table: sql.Composed
    served: sql.Composed
    count_rows: sql.Composed
    take_held: sql.Composed
    retire: sql.Composed | None
    update: sql.Composed | None
    insert: sql.Composed


def _texts(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "text")


_AREAS = {
    layer.id: Loadable("areas", ("code",), _texts("code", "name", "parent_code"), level=level) for level, layer in AREA_LAYERS.items()
}
LOADABLE: dict[str, Loadable] = {
    **_AREAS,
    "manhole_covers": Loadable(
        "components",
        ("scheme", "edition", "code"),
        _texts("code", "scheme", "edition", "class_code", "name", "state", "department_code", "owner_code", "maintainer_code")
        | {"installed_on": "date", "changed_on": "date"}
        | _texts("data_source", "note"),
        spec=("material", "shape", "size"),
        required={"state": "unknown"},
    ),
    "buildings": Loadable(
        "buildings_all",
        ("code",),
        _texts("code", "name", "address", "road", "house_number", "building_number", "community_code", "use")
        | {"year_built": "integer", "floors": "integer", "height_m": "float8", "households": "integer", "residents": "integer"},
    ),
    "cameras": Loadable(
        "cameras_all",
        ("code",),
        _texts(
            "code", "name", "kind", "status", "azimuth_source", "field_of_view_source", "range_source", "mount_height_source", "owner_code"
        )
        | dict.fromkeys(("azimuth_deg", "azimuth_uncertainty_deg", "field_of_view_deg", "range_m", "mount_height_m"), "float8"),
        required={"status": "online"},
    ),
    "roads": Loadable("roads_all", ("code",), _texts("code", "name", "class")),
    "addresses": Loadable("addresses_all", ("code",), _texts("code", "road", "house_number", "building_number", "name", "community_code")),
    "places": Loadable("places_all", ("code",), _texts("code", "name", "kind", "address")),
    "organizations": Loadable(
        "organizations",
        ("code",),
        _texts("code", "name", "kind", "credit_code", "parent_code", "phone", "address"),
        has_geometry=False,
    ),
    "area_roles": Loadable(
        "area_roles",
        ("area_level", "area_code", "role", "organization_code", "person_name"),
        _texts("area_level", "area_code", "role", "organization_code", "person_name", "phone"),
        has_geometry=False,
        only_current=True,
    ),
    "place_names": Loadable(
        "place_names",
        ("code",),
        _texts("code", "name", "of_layer", "of_code", "kind", "source") | {"valid_from": "date", "valid_to": "date"},
        required={"kind": "alias"},
        has_geometry=False,
    ),
}
"""Every table that is loaded, by the id of the layer (or table) that a source names."""


def _names(columns: list[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(name) for name in columns)


def _staged_types(item: Loadable) -> dict[str, str]:
    types = {**item.columns, **_texts(*item.spec), "row_number": "bigint"}
    return types | ({"geom": "geometry"} if item.has_geometry else {})


def _stored(item: Loadable) -> dict[str, sql.Composable]:
    """Return each stored column with the expression that gives it from a staged row ``s``."""
    values: dict[str, sql.Composable] = {}
    for name in item.columns:
        column: sql.Composable = sql.SQL("s.{}").format(sql.Identifier(name))
        if name in item.required:
            column = sql.SQL("coalesce({}, {})").format(column, sql.Literal(item.required[name]))
        values[name] = column
    if item.spec:
        pairs = sql.SQL(", ").join(sql.SQL("{}, s.{}").format(sql.Literal(name), sql.Identifier(name)) for name in item.spec)
        values["spec"] = sql.SQL("jsonb_strip_nulls(jsonb_build_object({}))").format(pairs)
    if item.has_geometry:
        values["geom"] = sql.SQL("s.geom")
    return values


def _same_key(item: Loadable) -> sql.Composed:
    """Return the condition that a stored row ``t`` and a staged row ``s`` have the same key; blank equals blank."""
    template = "t.{0} = s.{0}" if not item.only_current else "coalesce(t.{0}, '') = coalesce(s.{0}, '')"
    return sql.SQL(" AND ").join(sql.SQL(template).format(sql.Identifier(name)) for name in item.key)


def _scope(item: Loadable) -> sql.Composed:
    """Return which stored rows ``t`` the load is about at all."""
    if item.level is not None:
        return sql.SQL("t.generation_id = %(generation_id)s AND t.level = {}").format(sql.Literal(item.level))
    return sql.SQL("t.valid_to IS NULL").format() if item.only_current else sql.SQL("true").format()


def _served(item: Loadable) -> sql.Composed:
    if item.level is not None:
        return sql.SQL("t.generation_id = gisgrid.active_generation() AND t.level = {}").format(sql.Literal(item.level))
    return sql.SQL("t.retired_at IS NULL").format() if item.is_asset else _scope(item)


def _held_by_other(item: Loadable) -> sql.Composed:
    """Return the condition that a stored row ``t`` is another source's: one of nobody's, or retired, is there for the taking."""
    others = "t.source_id <> %(source_id)s"
    return sql.SQL(f"{others} AND t.retired_at IS NULL" if item.is_asset else others).format()


def _insert(item: Loadable, table: sql.Composable) -> sql.Composed:
    values = _stored(item)
    columns, expressions = list(values), list(values.values())
    if item.level is not None:
        columns += ["generation_id", "level", "area_m2"]
        expressions += [sql.SQL("%(generation_id)s"), sql.Literal(item.level), sql.SQL("ST_Area(s.geom::geography)")]
    return sql.SQL(
        "INSERT INTO {table} ({columns}, source_id) SELECT {values}, %(source_id)s FROM staging s"
        " WHERE NOT EXISTS (SELECT FROM {table} t WHERE {scope} AND {same_key}) ORDER BY s.row_number"
    ).format(table=table, columns=_names(columns), values=sql.SQL(", ").join(expressions), scope=_scope(item), same_key=_same_key(item))


def _update(item: Loadable, table: sql.Composable) -> sql.Composed:
    values = {name: value for name, value in _stored(item).items() if name not in item.key} | {"source_id": sql.SQL("%(source_id)s")}
    if item.is_asset:
        values["retired_at"] = sql.SQL("NULL")
    stored = sql.SQL(", ").join(sql.SQL("t.{}").format(sql.Identifier(name)) for name in values)
    staged = sql.SQL(", ").join(values.values())
    changes = sql.SQL(", ").join(sql.SQL("{} = {}").format(sql.Identifier(name), value) for name, value in values.items())
    return sql.SQL(
        "UPDATE {table} t SET {changes} FROM staging s"
        " WHERE {scope} AND {same_key} AND ({held}) IS NOT TRUE AND ROW ({stored}) IS DISTINCT FROM ROW ({staged})"
    ).format(
        table=table,
        changes=changes,
        scope=_scope(item),
        same_key=_same_key(item),
        held=_held_by_other(item),
        stored=stored,
        staged=staged,
    )


def _retire(item: Loadable, table: sql.Composable) -> sql.Composed:
    # A role ends after it began, also when the clock was set back in between.
    change = "retired_at = now()" if item.is_asset else "valid_to = greatest(now(), t.valid_from + interval '1 microsecond')"
    return sql.SQL(
        "UPDATE {table} t SET {change}"
        " WHERE {served} AND t.source_id = %(source_id)s AND NOT EXISTS (SELECT FROM staging s WHERE {same_key})"
    ).format(table=table, change=sql.SQL(change), served=_served(item), same_key=_same_key(item))


def _take_held(item: Loadable, table: sql.Composable) -> sql.Composed:
    geom = sql.SQL("s.geom::text") if item.has_geometry else sql.SQL("NULL")
    return sql.SQL(
        "WITH held AS MATERIALIZED ("
        " SELECT s.ctid AS place, t.source_id FROM staging s JOIN {table} t ON {scope} AND {same_key}"
        " WHERE {held} ORDER BY s.row_number LIMIT %(limit)s"
        ") DELETE FROM staging s USING held WHERE s.ctid = held.place"
        " RETURNING s.row_number, jsonb_strip_nulls(to_jsonb(s) - 'geom' - 'row_number'), {geom}, held.source_id"
    ).format(table=table, scope=_scope(item), same_key=_same_key(item), held=_held_by_other(item), geom=geom)


def _statements(item: Loadable) -> Statements:
    table = sql.Identifier("gisgrid", item.table)
    types = _staged_types(item)
    columns = sql.SQL(", ").join(sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in types.items())
    merged = item.level is None
    return Statements(
        columns=list(types),
        create=sql.SQL("CREATE TEMPORARY TABLE staging ({}) ON COMMIT DROP").format(columns),
        copy=sql.SQL("COPY staging ({}) FROM STDIN (FORMAT csv)").format(_names(list(types))),
        analyze=sql.SQL("ANALYZE staging"),
        analyze_table=sql.SQL("ANALYZE {}").format(table),
        served=_served(item),
        count_rows=sql.SQL("SELECT count(*) FROM {} t WHERE {} AND t.source_id = %(source_id)s").format(table, _served(item)),
        take_held=_take_held(item, table),
        retire=_retire(item, table) if merged else None,
        update=_update(item, table) if merged else None,
        insert=_insert(item, table),
    )


STATEMENTS: dict[str, Statements] = {name: _statements(item) for name, item in LOADABLE.items()}
"""The statements for every table that is loaded, by the id that a source names."""
