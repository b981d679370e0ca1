"""The rules of a deployment in its database: whoever edits there is held to them too, not only what is loaded."""

from __future__ import annotations

import logging
from typing import Any, LiteralString

import psycopg

from gisgrid.db.assignment_rules import adopt_rules
from gisgrid.db.layer_styles import write_styles
from gisgrid.deployment import Deployment
from gisgrid.layers import AREA_LAYERS

logger = logging.getLogger(__name__)

_DEPLOYMENT: LiteralString = "SELECT id FROM gisgrid.deployments"
_REMEMBER: LiteralString = """
INSERT INTO gisgrid.deployments AS known (id, bounds, sliver_m) VALUES (%(id)s, %(bounds)s::double precision[], %(sliver_m)s)
ON CONFLICT (is_only) DO UPDATE SET bounds = excluded.bounds, sliver_m = excluded.sliver_m
WHERE (known.bounds, known.sliver_m) IS DISTINCT FROM (excluded.bounds, excluded.sliver_m)
"""
_FORGET: LiteralString = "DELETE FROM gisgrid.code_rules"
_RULE: LiteralString = """
INSERT INTO gisgrid.code_rules (layer, field, scheme, edition, pattern, parent_layer, parent_is_prefix)
VALUES (%(layer)s, %(field)s, %(scheme)s, %(edition)s, %(pattern)s, %(parent_layer)s, %(parent_is_prefix)s)
"""
_TRY: LiteralString = "SELECT 'x' COLLATE \"C\" ~ ('^(?:' || %s || ')$')"


def known_deployment(connection: psycopg.Connection) -> str | None:
    """Return the id of the deployment whose data the database holds; None before its first load."""
    row = connection.execute(_DEPLOYMENT).fetchone()
    return row[0] if row else None


def remember_deployment(connection: psycopg.Connection, deployment: Deployment) -> None:
    """Note whose data the database holds, and how that city makes its codes; what is known of it is replaced."""
    values = {"id": deployment.id, "bounds": list(deployment.bounds), "sliver_m": deployment.topology.sliver_m}
    connection.execute(_REMEMBER, values)
    connection.execute(_FORGET)
    for rule in _rules(deployment):
        connection.execute(_RULE, {**rule, "pattern": _usable(connection, rule["pattern"])})
    # Its forms list the city's classes, and hold codes to the same patterns.
    write_styles(connection, deployment)
    adopt_rules(connection, deployment)


def _rules(deployment: Deployment) -> list[dict[str, Any]]:
    found = []
    for level, rules in deployment.areas.items():
        above = deployment.level_above(level)
        parent = AREA_LAYERS[above].id if above is not None else None
        found.append(_rule(AREA_LAYERS[level].id, "code", rules.code_pattern, parent, rules.parent_is_prefix and parent is not None))
    for item in deployment.components.schemes:
        pattern = deployment.components.pattern_of(item.scheme, item.edition)
        found.append(_rule("components", "code", pattern) | {"scheme": item.scheme, "edition": item.edition})
    if "community" in deployment.areas:
        pattern = deployment.areas["community"].code_pattern
        found += [_rule(layer, "community_code", pattern) for layer in ("buildings", "addresses")]
    return found


def _rule(layer: str, field: str, pattern: str, parent: str | None = None, is_prefix: bool = False) -> dict[str, Any]:
    return {
        "layer": layer,
        "field": field,
        "scheme": "",
        "edition": "",
        "pattern": pattern,
        "parent_layer": parent,
        "parent_is_prefix": is_prefix,
    }


def _usable(connection: psycopg.Connection, pattern: str) -> str | None:
    """Return the pattern when PostgreSQL understands it: it was written for another engine, which knows a little more."""
    try:
        with connection.transaction():
            connection.execute(_TRY, [pattern])
    except psycopg.errors.InvalidRegularExpression:
        logger.warning("PostgreSQL does not understand the pattern %s: codes of edited rows are not compared with it.", pattern)
        return None
    return pattern
