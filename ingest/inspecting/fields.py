"""Which column probably fills which field of a layer: by its name first, and never against its values."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import NamedTuple

from ingest.inspecting.columns import MAX_LISTED, Column
from ingest.inspecting.names import best_match, folded
from ingest.inspecting.sample import Sample
from ingest.inspecting.tables import guesses
from ingest.targets import Target, TargetField, target

_LEAST = 55.0
_MOST_PAIRED = 8


class Choice(NamedTuple):
    """A column for a field: ``score`` from 0 to 100, and why."""

    field: str
    column: Column
    score: float
    reason: str


def choose(layer: str, columns: Iterable[Column], taken: frozenset[str] = frozenset()) -> dict[str, Choice]:
    """Return the column for each field of ``layer`` that has one; no column fills two fields, ``taken`` columns none.

    The key of the layer is chosen apart, see ``choose_code``.
    """
    goal = target(layer)
    usable = [column for column in columns if column.filled and column.name not in taken]
    offers = [
        Choice(name, column, score, _named(column.name, word))
        for name, words in guesses().names_of(layer).items()
        if name != "code"
        for column in usable
        for score, word in [best_match(column.name, words)]
        if score >= _LEAST and fits(goal.all_fields[name], goal, column)
    ]
    chosen: dict[str, Choice] = {}
    used: set[str] = set()
    for offer in sorted(offers, key=lambda offer: -offer.score):
        if offer.field not in chosen and offer.column.name not in used:
            chosen[offer.field] = offer
            used.add(offer.column.name)
    return chosen


def choose_code(layer: str, columns: Iterable[Column], taken: frozenset[str] = frozenset()) -> Choice | None:
    """Return the column that best tells the rows of ``layer`` apart, None when none does.

    Of columns that nearly always differ: one named like a code, else one whose name or values look like a key.
    """
    words = guesses().names_of(layer).get("code", ())
    offers = []
    for column in columns:
        if not column.identifies or column.name in taken or column.kind in {"number", "date", "boolean"}:
            continue
        score, word = best_match(column.name, words)
        if score >= _LEAST:
            offers.append(Choice("code", column, score, _named(column.name, word)))
        elif not _is_prose(column):
            offers.append(Choice("code", column, 30 if column.kind == "integer" or column.is_padded else 20, "no value comes twice"))
    return max(offers, key=lambda offer: offer.score, default=None)


def find_pair(sample: Sample) -> tuple[Column, Column] | None:
    """Return two columns that together tell rows apart, as row and column of a raster do; None when no two do."""
    usable = [c for c in sample.usable if c.kind in {"integer", "text"} and c.share >= 0.95 and "'" not in c.name and not _is_prose(c)]
    usable = sorted(usable, key=lambda column: -column.distinct)[:_MOST_PAIRED]
    for first, second in combinations(usable, 2):
        if first.distinct * second.distinct < sample.rows:
            continue
        pairs = sample.table.select([first.name, second.name]).group_by([first.name, second.name]).aggregate([])
        if pairs.num_rows >= 0.999 * sample.rows:
            order = [column.name for column in sample.columns]
            return (first, second) if order.index(first.name) < order.index(second.name) else (second, first)
    return None


def _named(name: str, word: str) -> str:
    """Return why a name speaks for a field; nothing where it is the very word."""
    return "" if folded(name) == folded(word) else f'named like "{word}"'


def _is_prose(column: Column) -> bool:
    """Say whether a column holds texts for people, such as addresses."""
    return any(" " in text.strip() or len(text) > 36 for text in column.examples)


def fits(field: TargetField, goal: Target, column: Column) -> bool:
    """Say whether the values of ``column`` can fill ``field`` at all."""
    if field.type == "date":
        return bool(column.formats) or column.kind == "date"
    if field.type in {"integer", "number"}:
        return column.is_numeric and _in_range(field, column)
    if field.allowed or field.name == "class_code":
        return 0 < len(column.listed) <= MAX_LISTED or (field.name == "class_code" and column.uniqueness < 0.2)
    if field.name.endswith("_code"):
        # A code that no two rows share is a key, not the name of something that they have in common.
        is_key = column.identifies and column.rows > 50 and goal.level is None and field.name != "credit_code"
        return column.kind in {"text", "integer"} and not is_key
    return column.kind != "boolean"


def _in_range(field: TargetField, column: Column) -> bool:
    """Say whether the middle of the numbers can be right, in some unit: millimetres are a thousand times metres."""
    if field.minimum is None or field.maximum is None or column.median is None:
        return True
    is_length = field.name.endswith("_m")
    return field.minimum <= column.median <= field.maximum * (1000 if is_length else 1) or (column.median == 0 and column.maximum != 0)
