"""Which unit has to act on a case, until when, and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from gisgrid.cases.calendar import WorkingCalendar
from gisgrid.cases.deadlines import Deadline, Limit, due_at
from gisgrid.cases.facts import Facts
from gisgrid.cases.fitting import Reading, fitting, reading
from gisgrid.cases.organizations import Organizations, Unit
from gisgrid.cases.rules import Rule, RuleSet
from gisgrid.cases.said import Said
from gisgrid.cases.units import TITLES, look
from gisgrid.locator import Roles


class Step(NamedTuple):
    """One place where a unit was looked for: the rule and its word, what was found there, whether it was taken, and why (not)."""

    rule: int
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
    unit then, and a doubt. Raises ValueError for a report whose time has no zone.
    """
    case = reading(facts)
    fit = fitting(rules.rules, case)
    steps = _steps(fit, facts, roles, organizations)
    taken = steps[-1] if steps and steps[-1].is_taken else None
    limiting = next((rule for rule in fit if rule.limit is not None), None)
    limit = None if limiting is None else limiting.limit
    deadline = None if limit is None else due_at(facts.reported_at, limit, calendar)
    return Assignment(
        None if taken is None else taken.unit,
        None if taken is None else taken.rule,
        steps,
        limit,
        None if limiting is None else limiting.number,
        deadline,
        rules.version,
        (*_why_unit(fit, steps), *_why_limit(limiting, deadline)),
        tuple(_doubts(case, taken, deadline)),
    )


def _steps(fitting: Sequence[Rule], facts: Facts, roles: Roles, organizations: Organizations) -> tuple[Step, ...]:
    """Return where a unit is looked for, up to the place where there is one."""
    steps: list[Step] = []
    for rule in fitting:
        for word in rule.units:
            found = look(word, facts, roles, organizations)
            steps.append(Step(rule.number, word, found.unit, found.unit is not None, found.why))
            if found.unit is not None:
                return tuple(steps)
    return tuple(steps)


def _why_unit(fitting: Sequence[Rule], steps: tuple[Step, ...]) -> list[Said]:
    """Return in sentences how the unit came about: each rule that was asked, and what was found by it."""
    asked = {step.rule for step in steps}
    said: list[Said] = []
    for rule in fitting:
        if rule.number not in asked:
            continue
        zh, en = _called(rule)
        titles = [TITLES.get(word, Said(word, word)) for word in rule.units]
        said.append(Said(f"{zh}：依次找{'、'.join(t.zh for t in titles)}。", f"{en} looks for: {', then '.join(t.en for t in titles)}."))
        said.extend(step.why for step in steps if step.rule == rule.number)
    return said


def _why_limit(rule: Rule | None, deadline: Deadline | None) -> list[Said]:
    """Return in sentences how the deadline came about."""
    if rule is None or deadline is None:
        return []
    (zh, en), limit = _called(rule), deadline.limit.said()
    return [Said(f"{zh}：时限{limit.zh}。", f"{en} allows {limit.en}."), *deadline.why]


def _called(rule: Rule) -> Said:
    note = f"({rule.note})" if rule.note else ""
    return Said(f"规则{rule.number}{note}", f"Rule {rule.number}{' ' if note else ''}{note}")


def _doubts(case: Reading, taken: Step | None, deadline: Deadline | None) -> list[Said]:
    """Return what a person should look at."""
    doubts = []
    if case.category.how == "unknown":
        doubts.append(Said("没有识别出案件类别。", "The class of the case is not known."))
    if taken is None:
        doubts.append(Said("没有规则给出责任单位。", "No rule leads to a unit that has to act."))
    if deadline is None:
        doubts.append(Said("没有规则给出时限。", "No rule says until when."))
    return doubts
