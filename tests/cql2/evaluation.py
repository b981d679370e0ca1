"""A filter worked out by hand, for one row: true, false, or None where a missing value leaves it open. Nothing of the product is used."""

from __future__ import annotations

import operator
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from fractions import Fraction
from typing import Any

import shapely
from shapely.geometry import shape

Row = Mapping[str, Any]

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    **{"=": operator.eq, "<>": operator.ne, "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge},
    **{f"s_{name}": getattr(shapely, name) for name in ("intersects", "disjoint", "equals", "touches", "overlaps", "crosses", "contains")},
    "s_within": shapely.within,
}


def _truncated(a: Fraction, b: Fraction) -> Fraction:
    share = a / b
    return Fraction(abs(share.numerator) // share.denominator * (1 if share >= 0 else -1))


_RECKON: dict[str, Callable[[Fraction, Fraction], Fraction | None]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda a, b: a / b if b else None,
    "%": lambda a, b: a - b * _truncated(a, b) if b else None,
    "div": lambda a, b: _truncated(a, b) if b else None,
    "^": lambda a, b: a ** int(b),
}
# What must hold of the starts and ends of two periods: a to b and c to d.
_ALLEN = {
    "t_after": "a>d",
    "t_before": "b<c",
    "t_contains": "a<c b>d",
    "t_during": "a>c b<d",
    "t_equals": "a=c b=d",
    "t_finishedBy": "a<c b=d",
    "t_finishes": "a>c b=d",
    "t_intersects": "a<=d b>=c",
    "t_meets": "b=c",
    "t_metBy": "a=d",
    "t_overlappedBy": "a>c a<d b>d",
    "t_overlaps": "a<c b>c b<d",
    "t_startedBy": "a=c b>d",
    "t_starts": "a=c b<d",
}


def holds(part: Any, row: Row) -> bool | None:  # noqa: PLR0911
    """Return whether a condition holds for a row."""
    if isinstance(part, bool):
        return part
    op, args = part["op"], part["args"]
    if op in ("and", "or"):
        return _joined(op == "and", [holds(arg, row) for arg in args])
    if op == "not":
        found = holds(args[0], row)
        return None if found is None else not found
    if op == "isNull":
        return value(args[0], row) is None
    if op == "in":
        return _joined(False, [_two("=", value(args[0], row), value(one, row)) for one in args[1]])
    if op == "between":
        low, high = (_two(way, value(args[0], row), value(end, row)) for way, end in ((">=", args[1]), ("<=", args[2])))
        return _joined(True, [low, high])
    if op == "like":
        text, pattern = value(args[0], row), value(args[1], row)
        return None if text is None else _like(text, pattern)
    if op == "t_disjoint":
        return holds({"op": "not", "args": [{"op": "t_intersects", "args": args}]}, row)
    if op in _ALLEN:
        ends = dict(zip("abcd", (*_ends(args[0], row), *_ends(args[1], row)), strict=True))
        return _joined(True, [_two(rule[1:-1], ends[rule[0]], ends[rule[-1]]) for rule in _ALLEN[op].split()])
    return _two(op, value(args[0], row), value(args[1], row))


def value(part: Any, row: Row) -> Any:  # noqa: PLR0911
    """Return the value of an expression for a row, None where it is missing."""
    if not isinstance(part, dict):
        return Fraction(repr(part)) if isinstance(part, int | float) else part
    if "property" in part:
        found = row[part["property"]]
        return Fraction(repr(found)) if isinstance(found, int | float) else found
    if "date" in part:
        return date.fromisoformat(part["date"])
    if "bbox" in part:
        return shapely.box(*part["bbox"])
    if "op" not in part:
        return shape(part)
    args = [value(arg, row) for arg in part["args"]]
    if None in args:
        return None
    if part["op"] == "casei":
        return args[0].lower()
    if part["op"] == "accenti":
        return unicodedata.normalize("NFC", re.sub("[\u0300-\u036f]", "", unicodedata.normalize("NFD", args[0])))
    return _RECKON[part["op"]](*args)


def _two(op: str, left: Any, right: Any) -> bool | None:
    return None if left is None or right is None else bool(_COMPARE[op](left, right))


def _joined(all_of: bool, found: list[bool | None]) -> bool | None:
    if (not all_of) in found:
        return not all_of
    return None if None in found else all_of


def _ends(part: Any, row: Row) -> list[Any]:
    if isinstance(part, dict) and "interval" in part:
        return [_end(end, open_, row) for end, open_ in zip(part["interval"], (date.min, date.max), strict=True)]
    instant = value(part, row)
    return [instant, instant]


def _end(end: Any, open_: date, row: Row) -> Any:
    if end == "..":
        return open_
    return date.fromisoformat(end) if isinstance(end, str) else value(end, row)


def _like(text: str, pattern: str) -> bool:
    pieces = re.findall(r"\\.|.", pattern, re.DOTALL)
    regex = "".join(".*" if p == "%" else "." if p == "_" else re.escape(p[-1]) for p in pieces)
    return re.fullmatch(regex, text, re.DOTALL) is not None


def written(part: Any) -> str:  # noqa: PLR0911
    """Return a filter, given as CQL2 JSON, as CQL2 text."""
    if isinstance(part, bool):
        return str(part).upper()
    if isinstance(part, str):
        return "'" + part.replace("'", "''") + "'"
    if isinstance(part, int | float):
        return repr(part)
    if "property" in part:
        return str(part["property"])
    if "date" in part:
        return f"DATE('{part['date']}')"
    if "bbox" in part:
        return f"BBOX({', '.join(map(repr, part['bbox']))})"
    if "interval" in part:
        return f"INTERVAL({', '.join(written(end) for end in part['interval'])})"
    if "op" not in part:
        return str(shapely.to_wkt(shape(part), rounding_precision=-1))
    return _operation(part["op"], part["args"])


def _operation(op: str, args: list[Any]) -> str:  # noqa: PLR0911
    if op == "in":
        return f"{written(args[0])} IN ({', '.join(map(written, args[1]))})"
    first, *rest = map(written, args)
    if op in ("and", "or"):
        return "(" + f" {op.upper()} ".join((first, *rest)) + ")"
    if op == "not":
        return f"NOT ({first})"
    if op == "isNull":
        return f"{first} IS NULL"
    if op == "between":
        return f"{first} BETWEEN {rest[0]} AND {rest[1]}"
    if op == "like":
        return f"{first} LIKE {rest[0]}"
    if op in _RECKON:
        return f"({first} {op} {rest[0]})"
    return f"{first} {op} {rest[0]}" if not op[0].isalpha() else f"{op.upper()}({', '.join((first, *rest))})"
