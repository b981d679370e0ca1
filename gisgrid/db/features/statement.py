"""The statements by which features are read: which rows, as what text."""

from __future__ import annotations

from typing import Any, NamedTuple

from gisgrid.db.features.tags import state_tag
from gisgrid.db.filter_sql import where
from gisgrid.features.query import SRID, Box, FeatureQuery

# Shortest digits that give the stored number again.
_DIGITS = {4326: 15, 4490: 15}
_METRES = 4


class Statement(NamedTuple):
    """A statement and the named values that are bound to it."""

    sql: str
    args: dict[str, Any]


def conditions(query: FeatureQuery) -> Statement:
    """Return the conditions of a query on rows of its layer's view, called ``f`` in the statement; ``true`` when there are none."""
    found: list[str] = []
    args: dict[str, Any] = {}
    if query.box is not None:
        found.append(f"ST_Intersects(f.geom, {_box(query.box, args)})")
    if query.filter is not None:
        condition = where(query.filter, query.layer, "f", query.layer.fields)
        found.append(condition.sql)
        args |= condition.args
    return Statement(" AND ".join(found) or "true", args)


def page_statement(query: FeatureQuery, limit: int, after: int | None, offset: int) -> Statement:
    """Return the statement of a page: rows of id and GeoJSON text, one more than ``limit`` when there are more."""
    condition = conditions(query)
    args = {**condition.args, "limit": limit + 1, "offset": offset}
    keyset = ""
    if after is not None:
        keyset, args["after"] = " AND f.id > %(after)s", after
    sql = f"SELECT f.id, {feature_text(query)} FROM gisgrid.{query.layer.id} f WHERE {condition.sql}{keyset} ORDER BY f.id"
    return Statement(f"{sql} LIMIT %(limit)s OFFSET %(offset)s", args)


def one_statement(query: FeatureQuery, id: int) -> Statement:
    """Return the statement of the feature with an id: a row of its GeoJSON text and the tag of its state."""
    condition = conditions(query)
    text = f"{feature_text(query)}, {state_tag(query.layer)}"
    sql = f"SELECT {text} FROM gisgrid.{query.layer.id} f WHERE f.id = %(id)s AND {condition.sql}"
    return Statement(sql, {**condition.args, "id": id})


def count_statement(query: FeatureQuery, most: int | None) -> Statement:
    """Return the statement that counts the features of a query, up to ``most``."""
    condition = conditions(query)
    rows = f"gisgrid.{query.layer.id} f WHERE {condition.sql}"
    if most is None:
        return Statement(f"SELECT count(*) FROM {rows}", condition.args)
    return Statement(f"SELECT count(*) FROM (SELECT FROM {rows} LIMIT %(most)s) AS some", {**condition.args, "most": most})


def feature_text(query: FeatureQuery) -> str:
    """Return the expression of a feature's GeoJSON text."""
    names = [field.name for field in query.layer.fields if query.fields is None or field.name in query.fields]
    pairs = ", ".join(f"'{name}', f.\"{name}\"" for name in names)
    return (
        f"""'{{"type":"Feature","id":' || f.id || ',"geometry":' || coalesce({geometry_text(query)}, 'null')"""
        f""" || ',"properties":' || json_build_object({pairs}) || '}}'"""
    )


def geometry_text(query: FeatureQuery) -> str:
    """Return the expression of a feature's geometry as GeoJSON text."""
    geometry = "f.geom" if query.srid == SRID else f"ST_Transform(f.geom, {query.srid})"
    if query.is_flipped:
        geometry = f"ST_FlipCoordinates({geometry})"
    return f"ST_AsGeoJSON({geometry}, {_DIGITS.get(query.srid, _METRES)}, 0)"


def _box(box: Box, args: dict[str, Any]) -> str:
    args |= zip(("west", "south", "east", "north"), box.bounds, strict=True)
    envelope = f"ST_MakeEnvelope(%(west)s, %(south)s, %(east)s, %(north)s, {box.srid})"
    return envelope if box.srid == SRID else f"ST_Transform({envelope}, {SRID})"
