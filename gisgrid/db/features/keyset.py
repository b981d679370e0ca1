"""Pages by key: the order of a query's features, where a page begins, and the cursor that says so.

A page begins behind the sort values and the id of the last feature of the page before. Features that others add, change or
remove meanwhile move nothing: none of the rest is skipped, none comes twice. The order is that of code points for texts,
missing values come last, and the id decides between equals.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

import orjson

from gisgrid.errors import ParameterError
from gisgrid.features.query import FeatureQuery, Sort
from gisgrid.features.values import Value, parse_value
from gisgrid.layers import Field, FieldType

_LONGEST = 4096
_TYPES: dict[FieldType, str] = {"text": "text", "integer": "bigint", "number": "double precision", "date": "date"}


class Key(NamedTuple):
    """Where a feature stands in the order of a query: its values to sort by, None where one is missing, and its id."""

    values: tuple[Value | None, ...]
    id: int


def order_by(query: FeatureQuery) -> str:
    """Return what to order rows of the query's view, called ``f``, by."""
    keys = [f"{_key(query.layer.field(sort.field))} {'DESC' if sort.descending else 'ASC'} NULLS LAST" for sort in query.sort]
    return ", ".join([*keys, "f.id"])


def behind(query: FeatureQuery, key: Key, args: dict[str, Any]) -> str:
    """Return the condition of rows that come after ``key`` in the order of ``query``; what it binds is added to ``args``."""
    args["after_id"] = key.id
    condition = "f.id > %(after_id)s"
    for number in range(len(query.sort) - 1, -1, -1):
        condition = _step(query.sort[number], query.layer.field(query.sort[number].field), key.values[number], number, condition, args)
    return condition


def _step(sort: Sort, field: Field, value: Value | None, number: int, then: str, args: dict[str, Any]) -> str:  # noqa: PLR0917
    """Return the condition on one field: beyond its value, or at it and ``then``."""
    column = _key(field)
    if value is None:
        return f"({column} IS NULL AND {then})"
    args[f"after_{number}"] = value
    bound = f"%(after_{number})s::{_TYPES[field.type]}"
    return f"({column} {'<' if sort.descending else '>'} {bound} OR {column} IS NULL OR ({column} = {bound} AND {then}))"


def _key(field: Field) -> str:
    # By code points: the order must not hang on the language of the server.
    return f'f."{field.name}" COLLATE "C"' if field.type == "text" else f'f."{field.name}"'


def write_cursor(query: FeatureQuery, key: Key) -> str:
    """Return the cursor of the page that begins behind ``key``: opaque to clients, good for this query alone."""
    values = [value.isoformat() if isinstance(value, date) else value for value in key.values]
    text = orjson.dumps([_fingerprint(query), *values, key.id])
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def read_cursor(query: FeatureQuery, cursor: str) -> Key:
    """Return where the page of a cursor begins; raises ParameterError "cursor" for one that is broken or of another query."""
    try:
        if len(cursor) > _LONGEST:
            raise ValueError("too long")
        fingerprint, *values, id_ = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        key = _checked(query, values, id_)
    except (ValueError, TypeError, RecursionError, ParameterError):
        raise _refused("is none that this server has given.") from None
    if fingerprint != _fingerprint(query):
        raise _refused("belongs to another query: to other conditions or another order.")
    return key


def _checked(query: FeatureQuery, values: Sequence[object], id_: object) -> Key:
    if isinstance(id_, bool) or not isinstance(id_, int) or not -(2**63) <= id_ < 2**63:
        raise ValueError("no id")
    fields = [query.layer.field(sort.field) for sort in query.sort]
    pairs = zip(fields, values, strict=True)
    return Key(tuple(None if value is None else _value(field, value) for field, value in pairs), id_)


def _value(field: Field, value: object) -> Value:
    # Whatever is in the field may be sorted by, also what nobody could ask for.
    return parse_value(field._replace(choices=()), value if isinstance(value, str) else json.dumps(value, allow_nan=False))


def _fingerprint(query: FeatureQuery) -> str:
    """Return a mark of what decides which features there are and in which order, not of how they are given."""
    filter_ = query.filter.canonical if query.filter else ""
    # Plain tuples: named ones are none to orjson, and take ten times as long by repr.
    box = None if query.box is None else (*query.box.bounds, query.box.srid)
    period, sort = query.period and tuple(query.period), tuple(map(tuple, query.sort))
    parts = (query.layer.id, box, filter_, query.equal, period, query.words, sort)
    return hashlib.blake2b(orjson.dumps(parts, default=repr), digest_size=6).hexdigest()


def _refused(message: str) -> ParameterError:
    return ParameterError("cursor", message, "what a `next` link of the same query has, or no cursor")
