"""From a column to the rule that fills a field: value maps, formats of dates, units, words for nothing."""

from __future__ import annotations

from typing import Any, NamedTuple

from ingest.expressions import parse_expression
from ingest.inspecting.columns import Column
from ingest.inspecting.names import folded, tokens
from ingest.inspecting.tables import guesses
from ingest.targets import TargetField

_COMPLETED = {
    "%Y": {"template": "{}-01-01"},
    "%Y-%m": {"template": "{}-01"},
    "%Y年%m月": {"template": "{}1日", "format": "%Y年%m月%d日"},
}
"""What makes a day of a mere year or month: its first."""


class Entry(NamedTuple):
    """A line of a description: its key, its value, why it is so.

    ``open`` says what somebody who knows the data still has to decide; empty when nothing. Without a value the line is
    a comment, and ``example`` what it could say.
    """

    key: str
    value: Any
    remark: str = ""
    open: str = ""
    example: str = ""


def columns_of(value: Any) -> tuple[str, ...]:
    """Return the columns that the right-hand side of a line of ``fields`` reads."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list):
        return tuple(name for item in value for name in columns_of(item))
    if not isinstance(value, dict):
        return ()
    return parse_expression(value["expression"]).columns if "expression" in value else columns_of(value.get("field"))


def rule_for(field: TargetField, column: Column, reason: str) -> Entry:
    """Return the line that fills ``field`` from ``column``, chosen because of ``reason``."""
    if field.allowed:
        return _listed(field, column, reason)
    rule: dict[str, Any] = {"field": column.name}
    if blank := _blank_words(field, column):
        rule["blank"] = blank
    if field.type == "date":
        rule |= _date(column)
    elif field.type in {"number", "integer"}:
        rule |= _number(field, column)
    return Entry(field.name, rule if len(rule) > 1 else column.name, reason)


def _blank_words(field: TargetField, column: Column) -> list[str]:
    listed = [value for value, _ in column.listed] or [*column.examples, *column.odd]
    if field.type == "date":
        known: tuple[str, ...] = guesses().dates.blank
    else:
        known = guesses().blank.words
        listed = list(column.odd) if field.type in {"number", "integer"} else listed
    return sorted({value for value in listed if value in known})


def _date(column: Column) -> dict[str, Any]:
    formats = column.formats or ("%Y-%m-%d",)
    if formats[0] in _COMPLETED:
        return dict(_COMPLETED[formats[0]])
    if formats == ("%Y-%m-%d",):
        return {}
    return {"format": formats[0] if len(formats) == 1 else list(formats)}


def _number(field: TargetField, column: Column) -> dict[str, Any]:
    rule: dict[str, Any] = {}
    if unit := unit_in(column.name, field):
        rule["unit"] = unit
    if set(column.odd) - set(guesses().blank.words) and not field.required:
        rule["on_error"] = "null"
    return rule


def unit_in(name: str, field: TargetField) -> str | None:
    """Return the unit that the name of a column says its numbers are in, where it is not the field's own.

    >>> from ingest.targets import target
    >>> unit_in("pole height (cm)", target("cameras").all_fields["mount_height_m"])
    'cm'
    """
    lengths, angles = {"mm", "cm", "ft", "km"}, {"rad", "gon"}
    sensible = lengths if field.name.endswith("_m") else angles if field.name.endswith("_deg") else set()
    words = set(tokens(name))
    for unit, spellings in guesses().units.items():
        if unit in sensible and any(word in words or (not word.isascii() and word in name) for word in spellings):
            return unit
    return None


def _listed(field: TargetField, column: Column, reason: str) -> Entry:
    """Return the rule for a field that takes only some values, with what the file says mapped to the nearest of them."""
    found = {value: nearest(value, field) for value, _ in column.listed}
    if all(value == stored for value, stored in found.items()):
        return Entry(field.name, column.name, reason)
    mapped = {value: stored for value, stored in found.items() if stored is not None}
    lost = [value for value, stored in found.items() if stored is None]
    rule: dict[str, Any] = {"field": column.name}
    if mapped:
        rule["values"] = mapped
    rule |= _for_the_rest(field, column, bool(mapped), bool(lost))
    if not lost:
        return Entry(field.name, rule, reason)
    words = ", ".join(f'"{value}"' for value in lost[:8]) + (" and more" if len(lost) > 8 else "")
    return Entry(field.name, rule, reason, f"which of {', '.join(field.allowed)} these are: {words}")


def _for_the_rest(field: TargetField, column: Column, some_mapped: bool, some_lost: bool) -> dict[str, Any]:
    """Return what becomes of values that are not in the map and of rows without a value, so that rows can be loaded."""
    assumed = next((value for value in ("unknown", "fixed", "alias") if field.name in {"state", "kind"} and value in field.allowed), None)
    rest: dict[str, Any] = {}
    if assumed and column.share < 1:
        rest["default"] = assumed
    if some_lost and assumed and some_mapped:
        rest["otherwise"] = assumed
    elif some_lost and assumed:
        return {"values": {assumed: assumed}, "otherwise": assumed} | rest
    elif some_lost and not field.required:
        rest["on_error"] = "null"
    return rest


def nearest(value: str, field: TargetField) -> str | None:
    """Return the value that ``field`` takes and that ``value`` most probably means, None when nothing is near."""
    words = {stored: listed for stored, listed in guesses().values.get(field.name, {}).items() if stored in field.allowed}
    whole = {folded(word): stored for stored, listed in words.items() for word in (stored, *listed)}
    if folded(value) in whole:
        return whole[folded(value)]
    parts = [(len(word), stored) for stored, listed in words.items() for word in listed if _within(word, value)]
    return max(parts, default=(0, None))[1]


def _within(word: str, value: str) -> bool:
    if not word.isascii():
        return word in value
    wanted, there = tokens(word), tokens(value)
    return bool(wanted) and any(there[i : i + len(wanted)] == wanted for i in range(len(there)))
