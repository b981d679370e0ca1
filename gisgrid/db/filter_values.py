"""The values in a filter as SQL: fields, bound literals, arithmetic and the functions of texts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Literal, NamedTuple

import shapely

from gisgrid.cql2 import Json
from gisgrid.cql2.canonical import ARITHMETIC
from gisgrid.cql2.filter import refused
from gisgrid.cql2.literals import OPEN
from gisgrid.layers import Field, Layer

Kind = Literal["text", "number", "date", "geometry", "condition", "interval", "timestamp"]
"""What an expression gives."""

MAX_DEGREE = 64
"""How many factors a product may have: no more, and no result is beyond what PostgreSQL's ``numeric`` can hold."""

_GEOMETRIES = ("geom", "geometry")
_KINDS: dict[str, Kind] = {"text": "text", "integer": "number", "number": "number", "date": "date"}
_SQL_TYPES = {"text": "text", "number": "double precision", "date": "date"}

# Letters without their marks: the marks come apart, are taken away, and what is left is put together again.
_WITHOUT_MARKS = "normalize(regexp_replace(normalize({}, NFD), U&'[\\0300-\\036F]', '', 'g'), NFC)"
_FOLDED = {"casei": 'lower(({}) COLLATE "und-x-icu")', "accenti": _WITHOUT_MARKS}

_ARITHMETIC = {
    "+": "({0} + {1})",
    "-": "({0} - {1})",
    "*": "({0} * {1})",
    "/": "({0} / nullif({1}, 0))",
    "%": "mod({0}, nullif({1}, 0))",
    "div": "div({0}, nullif({1}, 0))",
}
_POWERS = range(9)


class Term(NamedTuple):
    """A piece of SQL and what it gives."""

    sql: str
    kind: Kind


class Array(NamedTuple):
    """A value and the bound array that it is looked for in, both as SQL."""

    value: str
    of: str


class Values:
    """Writes values of a layer: ``fields`` by name are those that may be named; ``args`` collects what is bound."""

    def __init__(self, layer: Layer, fields: Mapping[str, Field], alias: str, prefix: str) -> None:
        self.args: dict[str, Any] = {}
        self._layer_id, self._fields, self._alias, self._prefix = layer.id, fields, alias, prefix
        # The geometries of areas and buildings are valid, the table sees to it; those of any kind need not be, and GEOS fails on some.
        self._geometry = "ST_MakeValid({})" if layer.geometry == "Geometry" else "{}"

    def term(self, part: Json) -> Term:
        """Return a value as SQL; raises ParameterError for a field that there is not."""
        if isinstance(part, str):
            return Term(self._bound(part, "text"), "text")
        if isinstance(part, int | float):
            return Term(self._bound(float(part), "double precision"), "number")
        if not isinstance(part, dict):
            raise refused(f"{say(part)} is no value.")
        if "property" in part:
            return self._field(part["property"])
        if "op" in part:
            return self.exact(part) if part["op"] in ARITHMETIC else self._folded(part["op"], part["args"][0])
        return self._literal(part)

    def exact(self, part: Json) -> Term:
        """Return a number as SQL of type ``numeric``, what is worked out in it too; any other value as ``term`` does."""
        if isinstance(part, int | float) and not isinstance(part, bool):
            return Term(self._bound(Decimal(repr(part)), "numeric"), "number")
        if isinstance(part, dict) and part.get("op") in ARITHMETIC:
            if _degree(part) > MAX_DEGREE:
                raise refused("a product has too many factors.", f"{MAX_DEGREE} at most")
            return Term(self._worked_out(part["op"], part["args"]), "number")
        term = self.term(part)
        return Term(f"({term.sql})::numeric", "number") if term.kind == "number" else term

    def _worked_out(self, op: str, args: list[Json]) -> str:
        left = self._number(args[0])
        if op != "^":
            return _ARITHMETIC[op].format(left, self._number(args[1]))
        if args[1] not in _POWERS or isinstance(args[1], bool):
            raise refused(f"{say(args[1])} is no exponent that is taken here.", f"a whole number from 0 to {_POWERS[-1]}")
        return f"power({left}, {self._number(args[1])})"

    def _number(self, part: Json) -> str:
        term = self.exact(part)
        if term.kind != "number":
            raise refused(f"{say(part)} is a {term.kind}: it cannot be reckoned with.", "a number")
        return term.sql

    def _folded(self, op: str, part: Json) -> Term:
        term = self.term(part)
        if op not in _FOLDED or term.kind != "text":
            raise refused(f"{say(part)} is a {term.kind}.", f"a text in {op.upper()}()")
        return Term(_FOLDED[op].format(term.sql), "text")

    def pattern(self, part: Json) -> str:
        """Return the pattern of LIKE as SQL: a literal, perhaps in CASEI() or ACCENTI(); ``\\`` stands before what is meant as it is."""
        literal = part
        while isinstance(literal, dict) and literal.get("op") in _FOLDED:
            literal = literal["args"][0]
        if not isinstance(literal, str):
            raise refused(f"{say(part)} is no pattern.", "a text, such as LIKE '四方%'")
        if (len(literal) - len(literal.rstrip("\\"))) % 2:
            raise refused("the pattern ends with \\.", "a character after it, or \\\\ for one \\")
        return self.term(part).sql

    def array(self, value: Json, literals: list[Json]) -> Array | None:
        """Return a value and an array of literals of its kind; None when they are not all plain literals of that kind."""
        if isinstance(value, dict) and value.get("op") in ARITHMETIC:
            return None
        term = self.term(value)
        given = [_plain(literal) for literal in literals]
        if any(one is None or one[0] != term.kind for one in given):
            return None
        return Array(f"({term.sql})", self._bound([one[1] for one in given if one is not None], f"{_SQL_TYPES[term.kind]}[]"))

    def period(self, part: Json) -> tuple[str, str]:
        """Return the start and the end of a date or an interval as SQL."""
        if isinstance(part, dict) and "interval" in part:
            start, end = part["interval"]
            return self._end(start, "-infinity"), self._end(end, "infinity")
        instant = self._instant(part)
        return instant, instant

    def _end(self, part: Json, open_: str) -> str:
        if part == OPEN:
            return f"date '{open_}'"
        return self._instant({"timestamp" if "T" in part else "date": part} if isinstance(part, str) else part)

    def _instant(self, part: Json) -> str:
        term = self.term(part)
        if term.kind != "date":
            raise refused(f"{say(part)} is a {term.kind}.", "a date, such as DATE('2024-01-31')")
        return term.sql

    def _field(self, name: str) -> Term:
        if name in self._fields:
            return Term(f'{self._alias}"{name}"', _KINDS[self._fields[name].type])
        if name in _GEOMETRIES:
            return Term(self._geometry.format(f"{self._alias}geom"), "geometry")
        raise refused(f"layer {self._layer_id} has no field {name[:60]!r} to ask for.", f"one of {', '.join((*self._fields, 'geom'))}")

    def _literal(self, part: dict[str, Any]) -> Term:
        if "date" in part:
            return Term(self._bound(date.fromisoformat(part["date"]), "date"), "date")
        if "interval" in part:
            raise refused("an interval cannot be compared.", "T_INTERSECTS(…), T_DURING(…) and their like")
        if "timestamp" in part:
            raise refused(f"{say(part)} is an instant, and layer {self._layer_id} has dates only.", "DATE('YYYY-MM-DD')")
        shape = _box(part["bbox"]) if "bbox" in part else shapely.geometry.shape(part)
        return Term(f"ST_GeomFromWKB({self._bound(shapely.to_wkb(shape), 'bytea')}, 4326)", "geometry")

    def _bound(self, value: object, type: str) -> str:
        name = f"{self._prefix}_{len(self.args)}"
        self.args[name] = value
        return f"%({name})s::{type}"


def say(part: Json) -> str:
    """Return a part of a filter for a message: a field by its name, a literal as it is."""
    if isinstance(part, dict):
        for name in ("property", "date", "timestamp", "bbox", "type", "op"):
            if name in part:
                return f"{name.upper()} {part[name]}" if name in ("bbox", "type", "op") else str(part[name])[:60]
    return repr(part)[:60]


def _plain(literal: Json) -> tuple[Kind, object] | None:
    """Return the kind and the value of a plain literal."""
    if isinstance(literal, str):
        return "text", literal
    if isinstance(literal, dict) and "date" in literal:
        return "date", date.fromisoformat(literal["date"])
    return ("number", float(literal)) if isinstance(literal, int | float) and not isinstance(literal, bool) else None


def _degree(part: Json) -> int:
    """Return how many factors the longest product in a part has: results are at most the greatest number to that power."""
    if not isinstance(part, dict) or part.get("op") not in ARITHMETIC:
        return 1
    left, right = map(_degree, part["args"])
    if part["op"] == "^":
        exponent = part["args"][1]
        return left * exponent if isinstance(exponent, int) and exponent in _POWERS else left
    return left + right


def _box(sides: list[float]) -> Any:
    """Return a box as a shape: a point or a line where it has no width, two boxes where it goes across 180 degrees."""
    west, south, east, north = sides
    if west > east:
        return shapely.union_all([_box([west, south, 180.0, north]), _box([-180.0, south, east, north])])
    return shapely.MultiPoint([(west, south), (east, north)]).envelope
