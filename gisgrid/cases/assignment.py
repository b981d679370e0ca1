"""Which unit has to act on a case, until when, and why."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from gisgrid.cases.calendar import WorkingCalendar
from gisgrid.cases.deadlines import Deadline, Limit
from gisgrid.cases.facts import Facts
from gisgrid.cases.organizations import Organizations, Unit
from gisgrid.cases.rules import RuleSet
from gisgrid.cases.said import Said
from gisgrid.locator import Roles


class Step(NamedTuple):
    """One place where a unit was looked for: the word of the rule, what was found there, whether it was taken, and why (not)."""

    word: str
    unit: Unit | None
    is_taken: bool
    why: Said


class Assignment(NamedTuple):
    """Who has to act on a case and until when.

    ``unit_rule`` and ``limit_rule`` are the numbers of the rules that said so, in version ``rules_version``; None with the unit, the
    limit and the deadline where no rule did. ``steps`` are the places where a unit was looked for, in order; ``why`` tells all of it
    in sentences, ``doubts`` what a person should look at.
    """

    unit: Unit | None
    unit_rule: int | None
    steps: tuple[Step, ...]
    limit: Limit | None
    limit_rule: int | None
    deadline: Deadline | None
    rules_version: int
    why: tuple[Said, ...]
    doubts: tuple[Said, ...]

    @property
    def due_at(self) -> datetime | None:
        """Until when, in the time of the city."""
        return self.deadline.due_at if self.deadline is not None else None


def assign(facts: Facts, rules: RuleSet, roles: Roles, organizations: Organizations, calendar: WorkingCalendar) -> Assignment:
    """Return which unit has to act on a case, and until when.

    ``roles`` are the responsible units of areas as ``Locator`` has them. Nothing is raised for a case that no rule fits: it has no
    unit then, and a doubt.
    """
    raise NotImplementedError
