"""The rules of assignment in PostGIS: versions that are added and never changed; the last one holds."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, LiteralString, NamedTuple

import psycopg

from gisgrid.cases.deadlines import Limit
from gisgrid.cases.rule_files import shipped_rules
from gisgrid.cases.rules import Rule, RuleSet, in_order
from gisgrid.deployment import Deployment
from gisgrid.errors import NotFoundError

LAYER: LiteralString = "assignment_rules"
"""What the change feed calls a new version."""

# Two that add a version at once take their turns.
_LOCK: LiteralString = "SELECT pg_advisory_xact_lock(7038218)"
_ADD: LiteralString = """
INSERT INTO gisgrid.rule_versions (version, created_by, note)
SELECT coalesce(max(version), 0) + 1, coalesce(%(by)s::text, session_user), %(note)s FROM gisgrid.rule_versions
RETURNING version
"""
_ADD_RULES: LiteralString = """
COPY gisgrid.assignment_rules
(version, number, priority, kind, classes, words, without, states, areas, units, limit_value, limit_unit, note) FROM STDIN
"""
_VERSIONS: LiteralString = """
SELECT v.version, v.created_at, v.created_by, v.note, count(r.number)
FROM gisgrid.rule_versions v LEFT JOIN gisgrid.assignment_rules r USING (version) GROUP BY v.version ORDER BY v.version DESC
"""
_VERSION: LiteralString = """
SELECT version, created_at, created_by, note FROM gisgrid.rule_versions
WHERE version = %(version)s OR %(version)s::integer IS NULL ORDER BY version DESC LIMIT 1
"""
_RULES: LiteralString = """
SELECT number, priority, kind, classes, words, without, states, areas, units, limit_value, limit_unit, note
FROM gisgrid.assignment_rules WHERE version = %s
"""
_ORGANIZATIONS: LiteralString = "SELECT name, code FROM gisgrid.organizations WHERE retired_at IS NULL"


class RuleVersion(NamedTuple):
    """One version of the rules: when it was made, by whom, why, and how many rules it has."""

    version: int
    created_at: datetime
    created_by: str
    note: str
    rules: int


def add_rules(connection: psycopg.Connection, rules: Iterable[Rule], note: str, by: str | None = None) -> int:
    """Add a version of the rules, which holds from the commit on; return its number. ``by`` is the database's user if not given."""
    connection.execute(_LOCK)
    row = connection.execute(_ADD, {"by": by, "note": note}).fetchone()
    assert row is not None
    version = int(row[0])
    with connection.cursor() as cursor, cursor.copy(_ADD_RULES) as copy:
        for rule in rules:
            limit = (None, None) if rule.limit is None else rule.limit
            several = (list(values) for values in (rule.classes, rule.words, rule.without, rule.states, rule.areas, rule.units))
            copy.write_row((version, rule.number, rule.priority, rule.kind, *several, *limit, rule.note))
    return version


def adopt_rules(connection: psycopg.Connection, deployment: Deployment) -> int | None:
    """Take over the rules that a city begins with as version 1 when there are none yet; return the version, None when there were some.

    Raises ConfigError when the deployment names rules that cannot be read, SourceError when they cannot be used.
    """
    if connection.execute(_VERSION, {"version": None}).fetchone() is not None:
        return None
    shipped = shipped_rules(deployment)
    return add_rules(connection, shipped.rules, f"as shipped: {shipped.note}")


def read_rules_of(connection: psycopg.Connection, version: int | None = None) -> RuleSet | None:
    """Return a version of the rules, by default the last one; None when there are no rules yet.

    Raises NotFoundError for a version that does not exist.
    """
    row = connection.execute(_VERSION, {"version": version}).fetchone()
    if row is None:
        if version is None:
            return None
        raise NotFoundError(f"There is no version {version} of the rules.", "`gisgrid rules list` shows all.")
    number, created_at, created_by, note = row
    rules = in_order(_rule(cells) for cells in connection.execute(_RULES, [number]).fetchall())
    return RuleSet(number, rules, note, created_at, created_by)


def rule_versions(connection: psycopg.Connection) -> list[RuleVersion]:
    """Return the versions of the rules, the newest first."""
    return [RuleVersion(*row) for row in connection.execute(_VERSIONS).fetchall()]


def organization_codes(connection: psycopg.Connection) -> dict[str, str]:
    """Return the codes of the organisations by their names."""
    return dict(connection.execute(_ORGANIZATIONS).fetchall())


def _rule(cells: tuple[Any, ...]) -> Rule:
    number, priority, kind, *several, value, unit, note = cells
    classes, words, without, states, areas, units = (tuple(values) for values in several)
    limit = None if value is None else Limit(value, unit)
    return Rule(number, priority, kind, classes, words, without, states, areas, units, limit, note)
