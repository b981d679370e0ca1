"""The rules of assignment in force: the last version in the database, or those that the deployment begins with."""

from __future__ import annotations

import threading

from gisgrid.cases.rule_files import shipped_rules
from gisgrid.cases.rules import RuleSet
from gisgrid.db import Database
from gisgrid.db.assignment_rules import read_rules_of
from gisgrid.deployment import Deployment


class RulesInForce:
    """Keeps the rules at hand; ``read`` takes up those that hold now."""

    def __init__(self, database: Database, deployment: Deployment) -> None:
        self._database = database
        self._first = shipped_rules(deployment)
        self._rules = self._first
        self._reading = threading.Lock()

    def __call__(self) -> RuleSet:
        """Return the rules at hand."""
        return self._rules

    def read(self) -> None:
        """Read the rules of now; raises DatabaseError when they cannot be read, and those of before hold on."""
        with self._reading, self._database.connect() as connection:
            self._rules = read_rules_of(connection) or self._first
