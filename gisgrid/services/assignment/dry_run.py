"""Trying rules on past cases: which of them would be somebody else's, or would have another deadline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from gisgrid.cases.assignment import Assignment
from gisgrid.cases.organizations import Unit
from gisgrid.db.cases import KeptCase
from gisgrid.services.cases.changing import facts_of
from gisgrid.services.cases.world import SnapshotWorld
from gisgrid.types import LEVELS, AreaRef


class Tried(NamedTuple):
    """One past case under two versions of the rules: ``by_hand`` says that a person has named its unit."""

    number: str
    reported_at: datetime
    category: str
    by_hand: bool
    before: Assignment
    after: Assignment

    @property
    def unit_differs(self) -> bool:
        """Whether another unit would have to act."""
        return self.before.unit != self.after.unit

    @property
    def deadline_differs(self) -> bool:
        """Whether it would have to be done by another time."""
        return self.before.due_at != self.after.due_at

    def document(self) -> dict[str, object]:
        """Return it as documents have it."""
        return {
            "number": self.number,
            "reported_at": self.reported_at.isoformat(),
            "category": self.category,
            "unit_named_by_hand": self.by_hand,
            "before": _side(self.before),
            "after": _side(self.after),
        }


class Summary:
    """What many tried cases come to; it counts while they pass by."""

    def __init__(self) -> None:
        self.cases = self.differing = self.units = self.deadlines = self.without_unit = 0
        self.moves: Counter[tuple[str, str]] = Counter()
        self.limits: Counter[tuple[str, str]] = Counter()
        self.asked: Counter[int] = Counter()

    def passed(self, tried: Iterable[Tried]) -> Iterator[Tried]:
        """Yield the cases that would differ; all are counted."""
        for one in tried:
            self.cases += 1
            self.without_unit += one.after.unit is None
            self.asked.update(number for number in (one.after.unit_rule, one.after.limit_rule) if number is not None)
            if one.unit_differs:
                self.units += 1
                self.moves[_name(one.before.unit), _name(one.after.unit)] += 1
            if one.deadline_differs:
                self.deadlines += 1
                self.limits[_limit(one.before), _limit(one.after)] += 1
            if one.unit_differs or one.deadline_differs:
                self.differing += 1
                yield one

    def document(self) -> dict[str, object]:
        """Return it as documents have it."""
        return {
            "cases": self.cases,
            "different": self.differing,
            "other_unit": self.units,
            "other_deadline": self.deadlines,
            "without_unit": self.without_unit,
            "units": [{"before": before, "after": after, "cases": count} for (before, after), count in self.moves.most_common()],
            "limits": [{"before": before, "after": after, "cases": count} for (before, after), count in self.limits.most_common()],
            "rules": [{"number": number, "cases": count} for number, count in sorted(self.asked.items())],
        }


def try_rules(cases: Iterable[KeptCase], before: SnapshotWorld, after: SnapshotWorld) -> Iterator[Tried]:
    """Yield past cases as two worlds, which differ in their rules only, would assign them.

    What a case is about and the areas that it lies in are those that were decided; units are those of today.
    """
    for kept in cases:
        decided = kept.decided
        facts = facts_of(kept, before).within({level: _area(decided[level]) for level in LEVELS})
        unit = decided["unit"]
        by_hand = unit is not None and unit.get("rule") is None
        name = str(decided["category"]["name"])
        yield Tried(kept.number, facts.reported_at, name, by_hand, before.assign(facts), after.assign(facts))


def _area(document: dict[str, Any] | None) -> AreaRef | None:
    return None if document is None else AreaRef(document["code"], document["name"])


def _side(assignment: Assignment) -> dict[str, object]:
    unit, due = assignment.unit, assignment.due_at
    return {
        "unit": None if unit is None else unit._asdict(),
        "unit_rule": assignment.unit_rule,
        "limit": None if assignment.limit is None else assignment.limit.document(),
        "limit_rule": assignment.limit_rule,
        "due_at": None if due is None else due.isoformat(),
    }


def _name(unit: Unit | None) -> str:
    return "" if unit is None else unit.name


def _limit(assignment: Assignment) -> str:
    return "" if assignment.limit is None else assignment.limit.said().zh
