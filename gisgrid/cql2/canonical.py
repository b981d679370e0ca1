"""One form for all filters that say the same: CQL2 JSON with names, numbers and orders as they are fixed here.

Only what is true whatever the fields are, also where a value is missing, is used to bring two filters together.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from gisgrid.cql2.filter import Json, refused
from gisgrid.cql2.literals import bbox, date, geometry, interval, number, text, timestamp

COMPARISONS = ("=", "<>", "<", ">", "<=", ">=")
ARITHMETIC = ("+", "-", "*", "/", "%", "div", "^")
SPATIAL = ("s_intersects", "s_disjoint", "s_equals", "s_touches", "s_overlaps", "s_crosses", "s_contains", "s_within")
TEMPORAL = (
    *("t_after", "t_before", "t_contains", "t_disjoint", "t_during", "t_equals", "t_finishedBy", "t_finishes", "t_intersects"),
    *("t_meets", "t_metBy", "t_overlappedBy", "t_overlaps", "t_startedBy", "t_starts"),
)

# The operator that says the same with the sides exchanged.
_EXCHANGED = {
    **{"=": "=", "<>": "<>", "<": ">", ">": "<", "<=": ">=", ">=": "<="},
    **{name: name for name in ("s_intersects", "s_disjoint", "s_equals", "s_touches", "s_overlaps", "s_crosses")},
    **{"s_contains": "s_within", "s_within": "s_contains"},
    **{name: name for name in ("t_disjoint", "t_equals", "t_intersects")},
    **{"t_after": "t_before", "t_before": "t_after", "t_contains": "t_during", "t_during": "t_contains"},
    **{"t_finishedBy": "t_finishes", "t_finishes": "t_finishedBy", "t_meets": "t_metBy", "t_metBy": "t_meets"},
    **{"t_overlappedBy": "t_overlaps", "t_overlaps": "t_overlappedBy", "t_startedBy": "t_starts", "t_starts": "t_startedBy"},
}
_LOGIC = ("and", "or")


class _Shape(NamedTuple):
    """How many arguments an operator takes; ``most`` None is any number."""

    least: int
    most: int | None


_TWO = _Shape(2, 2)
_OPERATORS: dict[str, _Shape] = {
    **dict.fromkeys((*COMPARISONS, *ARITHMETIC, *SPATIAL, *TEMPORAL, "in", "like"), _TWO),
    **dict.fromkeys(_LOGIC, _Shape(1, None)),
    **dict.fromkeys(("not", "isNull", "casei", "accenti"), _Shape(1, 1)),
    "between": _Shape(3, 3),
}
_BY_FOLDED_NAME = {name.casefold(): name for name in _OPERATORS} | {"!=": "<>"}


def canonical(part: Any) -> Json:
    """Return a part of a filter (parsed CQL2 JSON) in canonical form; raises ParameterError for what is no CQL2 or not taken here."""
    if isinstance(part, bool):
        return part
    if isinstance(part, int | float):
        return number(part)
    if isinstance(part, str):
        return text(part)
    if isinstance(part, dict):
        return _operation(part) if "op" in part else _value(part)
    if part is None:
        raise refused("null cannot be compared with.", "IS NULL or IS NOT NULL")
    raise refused("a list stands where none can be.", "a list after IN only")


def key(part: Json) -> str:
    """Return the text of a canonical part, by which parts are ordered."""
    return json.dumps(part, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _value(part: dict[str, Any]) -> Json:
    for name, make in _VALUES.items():
        if name in part:
            return make(part)
    raise refused(f"{_short(part)} is nothing known.", "a property, a literal or an operator")


def _property(part: dict[str, Any]) -> Json:
    if not isinstance(part["property"], str):
        raise refused(f"{_short(part['property'])} is not the name of a property.")
    return {"property": part["property"]}


def _interval(part: dict[str, Any]) -> Json:
    return interval(part["interval"], lambda end: _value(end) if isinstance(end, dict) else canonical(end))


_VALUES: dict[str, Callable[[dict[str, Any]], Json]] = {
    "property": _property,
    "date": lambda part: date(part["date"]),
    "timestamp": lambda part: timestamp(part["timestamp"]),
    "interval": _interval,
    "bbox": lambda part: bbox(part["bbox"]),
    "type": geometry,
}


def _operation(part: dict[str, Any]) -> Json:
    name, args = part["op"], part.get("args")
    op = _BY_FOLDED_NAME.get(str(name).casefold())
    if op is None:
        raise refused(f"there is no operator or function {str(name)[:40]!r}.", f"one of {', '.join(_OPERATORS)}")
    shape = _OPERATORS[op]
    if not isinstance(args, list) or len(args) < shape.least or (shape.most is not None and len(args) > shape.most):
        raise refused(f"{op} has a wrong number of arguments.", _count(shape))
    if op in _LOGIC:
        return _joined(op, args)
    if op == "not":
        return _negated(canonical(args[0]))
    if op == "in":
        return {"op": "in", "args": [canonical(args[0]), _list(args[1])]}
    return _in_order(op, [canonical(arg) for arg in args])


def _joined(op: str, args: list[Any]) -> Json:
    """Return the conditions that ``and`` or ``or`` joins, each once, in one order, with those of the same operator inside among them."""
    found: dict[str, Json] = {}
    for arg in map(canonical, args):
        inner = arg["args"] if isinstance(arg, dict) and arg.get("op") == op else [arg]
        found |= {key(one): one for one in inner}
    parts = [found[name] for name in sorted(found)]
    return parts[0] if len(parts) == 1 else {"op": op, "args": parts}


def _negated(arg: Json) -> Json:
    if isinstance(arg, dict) and arg.get("op") == "not":
        inner: Json = arg["args"][0]
        return inner
    return {"op": "not", "args": [arg]}


def _list(values: Any) -> Json:
    if not isinstance(values, list) or not values:
        raise refused("the list after IN has nothing in it.", "at least one value in parentheses")
    found = {key(value): value for value in map(canonical, values)}
    return [found[name] for name in sorted(found)]


def _in_order(op: str, args: list[Json]) -> Json:
    """Return an operation with the sides in one order where they can be exchanged: what holds a property goes first."""
    other = _EXCHANGED.get(op)
    if other is not None and _order(args[1]) < _order(args[0]):
        return {"op": other, "args": args[::-1]}
    return {"op": op, "args": args}


def _order(part: Json) -> tuple[bool, str]:
    found = key(part)
    return '{"property":' not in found, found


def _count(shape: _Shape) -> str:
    return f"{shape.least} or more" if shape.most is None else f"{shape.least}"


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
