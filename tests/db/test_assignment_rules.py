"""The rules of assignment in PostGIS: versions that are added and never changed."""

from __future__ import annotations

from typing import LiteralString

import psycopg
import pytest

from gisgrid.cases.deadlines import Limit
from gisgrid.cases.rule_files import shipped_rules
from gisgrid.cases.rules import Rule
from gisgrid.db import Database
from gisgrid.db.assignment_rules import LAYER, add_rules, adopt_rules, organization_codes, read_rules_of, rule_versions
from gisgrid.db.changes import ChangeFeed
from gisgrid.deployment import load_deployment
from gisgrid.errors import NotFoundError

RULES = (
    Rule(2, 5, "component", ("cover",), ("开裂", "裂缝"), ("翻盖",), ("broken",), ("370203005",), ("owner", "street"), None, "a | b\tc\nd"),
    Rule(1, 9, units=("locality",), limit=Limit(3, "working_days")),
)


def shipped() -> tuple[Rule, ...]:
    return shipped_rules(load_deployment("shibei")).rules


def test_a_version_comes_back_as_it_was_given(connection: psycopg.Connection) -> None:
    assert read_rules_of(connection) is None
    assert add_rules(connection, RULES, "first", "王科长") == 1
    found = read_rules_of(connection)
    assert found is not None
    assert (found.version, found.rules, found.note, found.created_by) == (1, RULES, "first", "王科长")
    assert found.created_at is not None
    assert found.created_at.tzinfo is not None


def test_the_last_version_holds_and_the_others_stay(connection: psycopg.Connection) -> None:
    first, second = add_rules(connection, RULES, "a"), add_rules(connection, shipped(), "b")
    assert (first, second) == (1, 2)
    last, before = read_rules_of(connection), read_rules_of(connection, 1)
    assert last is not None
    assert before is not None
    assert (last.version, last.rules) == (2, shipped())
    assert before.rules == RULES
    assert [(one.version, one.note, one.rules) for one in rule_versions(connection)] == [(2, "b", len(shipped())), (1, "a", 2)]
    with pytest.raises(NotFoundError, match="no version 3"):
        read_rules_of(connection, 3)


CHANGES: list[LiteralString] = [
    "UPDATE gisgrid.assignment_rules SET priority = 1",
    "DELETE FROM gisgrid.assignment_rules",
    "TRUNCATE gisgrid.assignment_rules",
    "UPDATE gisgrid.rule_versions SET note = 'other'",
    "DELETE FROM gisgrid.rule_versions",
    "TRUNCATE gisgrid.rule_versions, gisgrid.assignment_rules",
    "INSERT INTO gisgrid.assignment_rules (version, number, priority, units) VALUES (1, 7, 7, '{street}')",
]


def test_a_version_is_never_changed_and_never_added_to(database: Database) -> None:
    with database.connect() as connection:
        add_rules(connection, RULES, "")
    for change in CHANGES:
        with database.connect() as connection, pytest.raises(psycopg.errors.RestrictViolation, match="规则"), connection.transaction():
            connection.execute(change)
    with database.connect() as connection:
        found = read_rules_of(connection)
        assert found is not None
        assert found.rules == RULES


def test_what_fails_half_way_leaves_no_version(database: Database) -> None:
    twice = (*RULES, RULES[0])
    with pytest.raises(psycopg.errors.UniqueViolation), database.connect() as connection:
        add_rules(connection, twice, "")
    with database.connect() as connection:
        assert rule_versions(connection) == []
        assert add_rules(connection, RULES, "") == 1


def test_a_new_version_is_told_by_the_change_feed(database: Database) -> None:
    feed = ChangeFeed(database.url)
    feed.poll()
    with database.connect() as connection:
        add_rules(connection, RULES, "")
    assert [(change.layer, change.rows, change.bounds) for change in feed.poll()] == [(LAYER, 2, None)]


def test_organisations_that_are_gone_are_no_units(connection: psycopg.Connection) -> None:
    connection.execute("INSERT INTO gisgrid.organizations (code, name, retired_at) VALUES ('A', '甲', NULL), ('B', '乙', now())")
    assert organization_codes(connection) == {"甲": "A"}


def test_a_city_takes_over_its_rules_once(connection: psycopg.Connection) -> None:
    shibei = load_deployment("shibei")
    assert adopt_rules(connection, shibei) == 1
    assert adopt_rules(connection, shibei) is None
    found = read_rules_of(connection)
    assert found is not None
    assert (found.rules, found.note) == (shipped_rules(shibei).rules, "as shipped: shibei.csv")
