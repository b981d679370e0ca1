"""Rules of assignment: which unit has to act, and until when; an ordered table that administrators keep."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from gisgrid.cases.categories import CaseKind
from gisgrid.cases.deadlines import Limit


class Rule(NamedTuple):
    """One rule. Of those that fit a case, the first with ``units`` says who acts and the first with a ``limit`` until when.

    Rules are tried by ``priority``, the smallest first, then by ``number``. A rule fits when the case is of its ``kind`` (None: of
    any), of one of its ``classes``, in one of its ``areas`` (beginnings of codes), and when the text has one of its ``words`` or
    tells one of its ``states``; an empty condition always holds. ``without`` are words that the text must not have. ``units`` is the
    order in which units are looked for: ``owner``, ``maintainer``, ``department`` of the component, ``grid``, ``community``,
    ``street``, ``district``, ``locality`` (the smallest area that has a unit), or the name or code of an organisation.
    """

    number: int
    priority: int
    kind: CaseKind | None = None
    classes: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    limit: Limit | None = None
    note: str = ""


class RuleSet(NamedTuple):
    """The rules of one version, in the order in which they are tried."""

    version: int
    rules: tuple[Rule, ...]
    note: str = ""
    created_at: datetime | None = None
    created_by: str = ""


def in_order(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Return rules in the order in which they are tried."""
    return tuple(sorted(rules, key=lambda rule: (rule.priority, rule.number)))
