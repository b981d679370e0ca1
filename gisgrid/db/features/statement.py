"""The statements by which features are read: which rows, in which order, as what."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from gisgrid.db.features.keyset import Key, behind, order_by
from gisgrid.db.features.tags import state_tag
from gisgrid.db.filter_sql import where
from gisgrid.features.places import hexes_of, well_inside
from gisgrid.features.query import IN_DEGREES, FeatureQuery, Period
from gisgrid.features.values import parse_value
from gisgrid.layers import Field, FieldType

_DIGITS = 15
"""Digits behind the point: enough for the number that is stored or worked out, to the last bit."""

_TYPES: dict[FieldType, str] = {"text": "text", "integer": "bigint", "number": "double precision", "date": "date"}

# What no text has in it, between the texts of a feature: a phrase is found within one of them only.
_BETWEEN = "chr(1)"


class Statement(NamedTuple):
    """A statement and the named values that are bound to it."""

    sql: str
    args: dict[str, Any]


def given_fields(query: FeatureQuery) -> tuple[Field, ...]:
    """Return the fields that are given, in the order of the catalogue."""
    return tuple(field for field in query.layer.fields if query.fields is None or field.name in query.fields)


def conditions(query: FeatureQuery) -> Statement:
    """Return the conditions of a query on rows of its layer's view, called ``f`` in the statement; ``true`` when there are none.

    As the standard has it, a box matches features without a place too, and a period those without a day.
    """
    args: dict[str, Any] = {}
    found = [*_in_box(query, args), *_equal(query, args), *_in_period(query, args), *_with_words(query, args)]
    if query.filter is not None:
        condition = where(query.filter, query.layer, "f", query.layer.fields)
        found.append(condition.sql)
        args |= condition.args
    return Statement(" AND ".join(found) or "true", args)


def page_statement(query: FeatureQuery, limit: int, after: Key | None = None, offset: int = 0, *, by_place: bool = False) -> Statement:
    """Return the statement of a page: rows of id, GeoJSON geometry, given fields, fields to sort by; one row more than ``limit``.

    With ``by_place`` all that is in the box is found first and then put in order: best where the box is small. PostgreSQL
    would rather walk along the ids until enough of them are in the box, as if places and ids had nothing to do with one another.
    """
    condition = conditions(query)
    args = {**condition.args, "limit": limit + 1}
    where_ = condition.sql if after is None else f"{condition.sql} AND {behind(query, after, args)}"
    begin, end = _around(query._replace(box=None, filter=None, equal=(), period=None, words=()))
    sql = f"{begin} WHERE {where_} ORDER BY {end}{' + 0' if by_place else ''} LIMIT %(limit)s"
    if not offset:
        return Statement(sql, args)
    return Statement(f"{sql} OFFSET %(offset)s", {**args, "offset": offset})


def one_statement(query: FeatureQuery, id: int) -> Statement:
    """Return the statement of the feature with an id: a row of id, GeoJSON geometry, given fields, and the tag of its state."""
    condition = conditions(query)
    columns = ", ".join([*_columns(query), state_tag(query.layer)])
    sql = f"SELECT {columns} FROM gisgrid.{query.layer.id} f WHERE f.id = %(id)s AND {condition.sql}"
    return Statement(sql, {**condition.args, "id": id})


def count_statement(query: FeatureQuery, most: int | None = None) -> Statement:
    """Return the statement that counts the features of a query, up to ``most``."""
    condition = conditions(query)
    rows = f"gisgrid.{query.layer.id} f WHERE {condition.sql}"
    if most is None:
        return Statement(f"SELECT count(*) FROM {rows}", condition.args)
    return Statement(f"SELECT count(*) FROM (SELECT FROM {rows} LIMIT %(most)s) AS some", {**condition.args, "most": most})


def feature_text(query: FeatureQuery) -> str:
    """Return the expression of a feature's GeoJSON text."""
    # A row is written faster than pairs of names and values.
    names = ", ".join(f'f."{field.name}"' for field in given_fields(query))
    properties = f"(SELECT row_to_json(p) FROM (SELECT {names}) p)" if names else "'{}'"
    return (
        f"""'{{"type":"Feature","id":' || f.id || ',"geometry":' || coalesce({geometry_text(query)}, 'null')"""
        f""" || ',"properties":' || {properties} || '}}'"""
    )


def geometry_text(query: FeatureQuery) -> str:
    """Return the expression of a feature's geometry as GeoJSON text."""
    geometry = "f.geom" if query.srid in IN_DEGREES else f"ST_Transform(f.geom, {query.srid})"
    if query.is_flipped:
        geometry = f"ST_FlipCoordinates({geometry})"
    return f"ST_AsGeoJSON({geometry}, {_DIGITS}, 0)"


def _columns(query: FeatureQuery) -> list[str]:
    return ["f.id", geometry_text(query), *(f'f."{field.name}"' for field in given_fields(query))]


@lru_cache(maxsize=256)
def _around(query: FeatureQuery) -> tuple[str, str]:
    """Return what is before and behind the conditions of a page: columns and view, and the order; ``query`` has none."""
    columns = ", ".join([*_columns(query), *(f'f."{key.field}"' for key in query.sort)])
    return f"SELECT {columns} FROM gisgrid.{query.layer.id} f", order_by(query)


def _in_box(query: FeatureQuery, args: dict[str, Any]) -> list[str]:
    if query.box is None:
        return []
    meets = []
    for number, shape in enumerate(hexes_of(query.box)):
        # As text of the type itself, so that it is read once and not for every row.
        args[f"box_{number}"] = shape
        meets.append(f"ST_Intersects(f.geom, %(box_{number})s::geometry)")
    inner = well_inside(query.box)
    if inner is not None:
        # What lies well inside, as most does, need not be looked at more closely: that takes as long as all the rest. Said
        # with CASE, since PostgreSQL would look into the index for each side of an OR.
        args["inner"] = inner
        meets = [f"(f.geom && %(box_0)s::geometry AND CASE WHEN f.geom @ %(inner)s::geometry THEN true ELSE {meets[0]} END)"]
    if query.layer.geometry == "Geometry":
        meets.append("f.geom IS NULL")
    return [f"({' OR '.join(meets)})" if meets else "false"]


def _equal(query: FeatureQuery, args: dict[str, Any]) -> list[str]:
    found = []
    for number, (name, text) in enumerate(query.equal):
        field = query.layer.field(name)
        args[f"equal_{number}"] = parse_value(field, text)
        found.append(f'f."{name}" = %(equal_{number})s::{_TYPES[field.type]}')
    return found


def _in_period(query: FeatureQuery, args: dict[str, Any]) -> list[str]:
    start, end = query.period or Period(None, None)
    if not query.layer.temporal or (start is None and end is None):
        return []
    day = f'f."{query.layer.temporal}"'
    sides = []
    if start is not None:
        args["start"] = start
        sides.append(f"{day} >= %(start)s::date")
    if end is not None:
        args["end"] = end
        sides.append(f"{day} <= %(end)s::date")
    return [f"({day} IS NULL OR {' AND '.join(sides)})"]


def _with_words(query: FeatureQuery, args: dict[str, Any]) -> list[str]:
    """Return the condition that one of the terms is found in a text; the words of a term stand one after the other there."""
    if not query.words:
        return []
    texts = [f'f."{field.name}"' for field in query.layer.fields if field.type == "text"]
    text = f'concat_ws({_BETWEEN}, {", ".join(texts)}) COLLATE "und-x-icu"'
    terms = []
    for number, term in enumerate(query.words):
        words = term.split()
        args[f"term_{number}"] = _like(words[0]) if len(words) == 1 else _pattern(words)
        terms.append(f"{text} {'ILIKE' if len(words) == 1 else '~*'} %(term_{number})s::text")
    return [f"({' OR '.join(terms)})"]


def _like(word: str) -> str:
    escaped = re.sub(r"([\\%_])", r"\\\1", word)
    return f"%{escaped}%"


def _pattern(words: Sequence[str]) -> str:
    # A backslash before a sign makes it stand for itself.
    return r"\s+".join(re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", word) for word in words)
