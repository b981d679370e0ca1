"""Values of fields as they are written in a query."""

from __future__ import annotations

import math
import re
from datetime import date

from gisgrid.errors import ParameterError
from gisgrid.layers import Field

Value = str | int | float | date
"""A value of a field."""

_GREATEST = 2**63 - 1
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_SHOWN = 60
_EXPECTED = {"integer": "a whole number", "number": "a number", "date": "a date, YYYY-MM-DD", "text": "a text"}


def parse_value(field: Field, text: str) -> Value:
    """Return the value that ``text`` writes; raises ParameterError that names the field when it has no such value."""
    if field.choices and text not in field.choices:
        raise _refused(field, text, f"one of {', '.join(field.choices)}")
    value = _PARSERS[field.type](text)
    if value is None:
        raise _refused(field, text, _EXPECTED[field.type])
    return value


def _refused(field: Field, text: str, expected: str) -> ParameterError:
    return ParameterError(field.name, f"{text[:_SHOWN]!r} is no value of this field.", expected)


def parse_date(text: str) -> date | None:
    """Return a calendar date, None when ``text`` is none."""
    try:
        return date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None


def _integer(text: str) -> int | None:
    value = int(text) if _INTEGER.fullmatch(text) else None
    return value if value is not None and abs(value) <= _GREATEST else None


def _number(text: str) -> float | None:
    value = float(text) if _NUMBER.fullmatch(text) else math.inf
    return value if math.isfinite(value) else None


def _text(text: str) -> str | None:
    return None if "\0" in text else text


_PARSERS = {"integer": _integer, "number": _number, "date": parse_date, "text": _text}
