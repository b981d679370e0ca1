"""A CQL2 filter as an SQL condition on a layer: names come from the catalogue, every literal is bound.

A comparison with a missing value is neither true nor false, as in SQL and in CQL2; what is not true is not shown. No condition
made here can fail while it runs: division by zero gives a missing value, and numbers stay in the range of ``numeric``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from gisgrid.cql2 import Filter, Json
from gisgrid.cql2.canonical import ARITHMETIC, COMPARISONS, SPATIAL, TEMPORAL
from gisgrid.cql2.filter import refused
from gisgrid.db.filter_values import Kind, Term, Values, say
from gisgrid.layers import Field, Layer


class Condition(NamedTuple):
    """An SQL expression that is true, false or null for a row, and its named arguments."""

    sql: str
    args: dict[str, Any]


def where(filter: Filter, layer: Layer, alias: str = "", fields: Collection[Field] | None = None, prefix: str = "filter") -> Condition:
    """Return the condition of ``filter`` on rows of the table or view of ``layer``, whose name or alias in the statement is ``alias``.

    A filter may name ``fields`` (those of the layer that tiles may show, when not given) and the geometry, as ``geom`` or
    ``geometry``. The arguments are called ``prefix`` and a number: conditions of several layers in one statement take
    prefixes of their own. Shapes in a filter are longitude and latitude (CRS84), as the stored geometry. Raises
    ParameterError "filter" that names the field and what was expected when the filter does not fit.
    """
    chosen = [field for field in layer.fields if field.in_tiles] if fields is None else fields
    writer = _Writer(Values(layer, {field.name: field for field in chosen}, f"{alias}." if alias else "", prefix))
    term = writer.term(filter.expression)
    if term.kind != "condition":
        raise refused(f"{say(filter.expression)} is no condition.", "a comparison, such as state = 'broken'")
    return Condition(f"({term.sql})", writer.values.args)


_FUNCTIONS = {
    "s_intersects": "ST_Intersects",
    "s_disjoint": "ST_Disjoint",
    "s_equals": "ST_Equals",
    "s_touches": "ST_Touches",
    "s_overlaps": "ST_Overlaps",
    "s_crosses": "ST_Crosses",
    "s_contains": "ST_Contains",
    "s_within": "ST_Within",
}

# Relations of two intervals by their starts and ends; an instant is an interval of one day.
_RELATIONS = {
    "t_after": "{start} > {other_end}",
    "t_before": "{end} < {other_start}",
    "t_contains": "{start} < {other_start} AND {end} > {other_end}",
    "t_disjoint": "({start} > {other_end} OR {end} < {other_start})",
    "t_during": "{start} > {other_start} AND {end} < {other_end}",
    "t_equals": "{start} = {other_start} AND {end} = {other_end}",
    "t_finishedBy": "{start} < {other_start} AND {end} = {other_end}",
    "t_finishes": "{start} > {other_start} AND {end} = {other_end}",
    "t_intersects": "{start} <= {other_end} AND {end} >= {other_start}",
    "t_meets": "{end} = {other_start}",
    "t_metBy": "{start} = {other_end}",
    "t_overlappedBy": "{start} > {other_start} AND {start} < {other_end} AND {end} > {other_end}",
    "t_overlaps": "{start} < {other_start} AND {end} > {other_start} AND {end} < {other_end}",
    "t_startedBy": "{start} = {other_start} AND {end} > {other_end}",
    "t_starts": "{start} = {other_start} AND {end} < {other_end}",
}

_Args = list[Json]


class _Writer:
    """Writes conditions; the values in them are written by ``values``."""

    def __init__(self, values: Values) -> None:
        self.values = values
        self._conditions: dict[str, Callable[[str, _Args], str]] = {
            **dict.fromkeys(("and", "or"), self._joined),
            **dict.fromkeys(COMPARISONS, self._comparison),
            **dict.fromkeys(SPATIAL, self._spatial),
            **dict.fromkeys(TEMPORAL, self._temporal),
            "not": self._not,
            "in": self._in,
            "like": self._like,
            "between": self._between,
            "isNull": self._is_null,
        }

    def term(self, part: Json) -> Term:
        """Return a part of a filter as SQL, with what kind of value it gives."""
        if isinstance(part, bool):
            return Term("true" if part else "false", "condition")
        write = self._conditions.get(part.get("op", "")) if isinstance(part, dict) else None
        if write is None or not isinstance(part, dict):
            return self.values.term(part)
        return Term(write(part["op"], part["args"]), "condition")

    def _condition(self, part: Json) -> str:
        term = self.term(part)
        if term.kind != "condition":
            raise refused(f"{say(part)} is no condition.", "a comparison on each side of AND, OR and NOT")
        return f"({term.sql})"

    def _joined(self, op: str, args: _Args) -> str:
        return f" {op.upper()} ".join(map(self._condition, args))

    def _not(self, _op: str, args: _Args) -> str:
        return f"NOT {self._condition(args[0])}"

    def _comparison(self, op: str, args: _Args) -> str:
        left, right = self._alike(args)
        if left.kind in ("condition", "geometry") and (op not in ("=", "<>") or left.kind == "geometry"):
            raise refused(f"{say(args[0])} has no order.", "S_EQUALS and its like for shapes, = or <> for conditions")
        return f"{_ordered(left)} {op} {_ordered(right)}" if op not in ("=", "<>") else f"({left.sql}) {op} ({right.sql})"

    def _between(self, _op: str, args: _Args) -> str:
        value, low, high = self._alike(args)
        if value.kind not in ("number", "date"):
            raise refused(f"{say(args[0])} is a {value.kind}: it cannot be between.", "a number or a date")
        return f"{value.sql} BETWEEN {low.sql} AND {high.sql}"

    def _in(self, _op: str, args: _Args) -> str:
        values = args[1] if isinstance(args[1], list) else [args[1]]
        array = self.values.array(args[0], values)
        if array is not None:
            return f"{array.value} = ANY({array.of})"
        return " OR ".join(f"({self._comparison('=', [args[0], value])})" for value in values)

    def _like(self, _op: str, args: _Args) -> str:
        value, pattern = self._of("text", args[0]), self.values.pattern(args[1])
        return f"({value}) LIKE {pattern}"

    def _is_null(self, _op: str, args: _Args) -> str:
        return f"({self.term(args[0]).sql}) IS NULL"

    def _spatial(self, op: str, args: _Args) -> str:
        left, right = (self._of("geometry", arg) for arg in args)
        return f"{_FUNCTIONS[op]}({left}, {right})"

    def _temporal(self, op: str, args: _Args) -> str:
        (start, end), (other_start, other_end) = map(self.values.period, args)
        return _RELATIONS[op].format(start=start, end=end, other_start=other_start, other_end=other_end)

    def _of(self, kind: Kind, part: Json) -> str:
        term = self.term(part)
        if term.kind != kind:
            raise refused(f"{say(part)} is a {term.kind}.", f"a {kind}")
        return term.sql

    def _alike(self, parts: _Args) -> list[Term]:
        """Return terms of one kind; all of them exact numbers when one is worked out."""
        exact = any(isinstance(part, dict) and part.get("op") in ARITHMETIC for part in parts)
        terms = [self.values.exact(part) if exact else self.term(part) for part in parts]
        for part, term in zip(parts, terms, strict=True):
            if term.kind != terms[0].kind:
                raise refused(
                    f"{say(parts[0])} is a {terms[0].kind}, {say(part)} is a {term.kind}: they cannot be compared.", f"a {terms[0].kind}"
                )
        return terms


def _ordered(term: Term) -> str:
    # By code points: the order must not hang on the language of the server.
    return f'({term.sql}) COLLATE "C"' if term.kind == "text" else f"({term.sql})"
