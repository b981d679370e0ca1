"""Checks of rows against the rules of the deployment: required fields, code patterns, parents, classes."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gisgrid.deployment import AreaRules, Deployment
from gisgrid.errors import SourceError
from gisgrid.types import Level
from ingest import checks, classes, values
from ingest.description import Source
from ingest.findings import Mask
from ingest.mapping import Mapped
from ingest.targets import Target


def require(source: Source, goal: Target, deployment: Deployment) -> None:
    """Raise SourceError when a description of areas leaves out what no row can do without: a level, or the parent's code."""
    if goal.level is None:
        return
    if goal.level not in deployment.areas:
        levels = ", ".join(deployment.levels) or "none"
        raise SourceError(
            f"Source {source.id!r}: deployment {deployment.id!r} has no areas of level {goal.level}.", f"Its levels: {levels}."
        )
    above = deployment.level_above(goal.level)
    if above is not None and "parent_code" not in source.fields:
        raise SourceError(
            f"Source {source.id!r} needs a rule for parent_code: each {goal.level} of deployment {deployment.id!r} lies in a {above}.",
            f"Write which column holds the {above}'s code, or a slice of the own code: parent_code = {{ field = ..., slice = [0, 9] }}.",
        )


def check(mapped: Mapped, target: Target, deployment: Deployment, known_parents: Collection[str] | None = None) -> None:
    """Add to the batch's findings every row that breaks a rule.

    With ``known_parents``, the codes of the areas that rows may say they lie in, others are worth a warning.
    """
    _required(mapped, target)
    if known_parents is not None:
        _parents(mapped, "parent_code" if target.level else "community_code", known_parents)
    if target.level is not None:
        _area_codes(mapped, target.level, deployment)
    elif target.id == "manhole_covers":
        classes.check(mapped.fields, mapped.findings, deployment)
    elif "community_code" in target.all_fields and (rules := deployment.areas.get("community")):
        _pattern(mapped, "community_code", rules.code_pattern)
    elif target.id == "area_roles":
        _somebody(mapped)
        for level, area_rules in deployment.areas.items():
            _role_codes(mapped, level, area_rules)


def _required(mapped: Mapped, target: Target) -> None:
    rejected = mapped.findings.rejected
    for name in (field.name for field in target.fields if field.required):
        # A value that could not be understood has its own reason already.
        blank = values.mask_of(pc.is_null(mapped.fields[name])) & ~rejected
        mapped.findings.reject(checks.REQUIRED, blank, name, lambda _, name=name: f"{name} is blank; every row needs it.")  # type: ignore[misc]


def missing_parents(codes: pa.Array, known: Collection[str]) -> Mask:
    """Return which of ``codes`` are not null and not among ``known``.

    >>> missing_parents(pa.array(["370203001", None, "370203999"]), {"370203001"}).tolist()
    [False, False, True]
    """
    return values.mask_of(pc.and_(pc.is_valid(codes), pc.invert(pc.is_in(codes, value_set=pa.array(sorted(known), pa.string())))))


def _parents(mapped: Mapped, field: str, known: Collection[str]) -> None:
    if (codes := mapped.fields.get(field)) is not None:
        mapped.findings.warn(
            checks.UNKNOWN_PARENT,
            missing_parents(codes, known),
            field,
            lambda i: f"{field} {codes[i].as_py()!r} is not the code of an area that is delivered or loaded.",
        )


def _area_codes(mapped: Mapped, level: Level, deployment: Deployment) -> None:
    rules = deployment.areas[level]
    _pattern(mapped, "code", rules.code_pattern)
    above = deployment.level_above(level)
    if above is None:
        return
    parent = mapped.fields["parent_code"]
    missing = values.mask_of(pc.is_null(parent)) & ~mapped.findings.rejected
    mapped.findings.reject(
        checks.REQUIRED, missing, "parent_code", lambda _: f"parent_code is blank; every {level} needs that of its {above}."
    )
    _pattern(mapped, "parent_code", deployment.areas[above].code_pattern)
    if rules.parent_is_prefix:
        _prefix(mapped, parent)


def _prefix(mapped: Mapped, parent: pa.Array) -> None:
    code = mapped.fields["code"]
    # Compared by joining: Arrow has no "starts with another column", and parents of one level have one length.
    lengths = pc.utf8_length(parent)
    bad = np.zeros(mapped.raw.size, dtype=bool)
    for length in pc.unique(lengths).drop_null().to_pylist():
        start = pc.utf8_slice_codeunits(code, 0, length)
        bad |= values.mask_of(pc.and_(pc.equal(lengths, length), pc.not_equal(start, parent)))
    mapped.findings.reject(
        checks.PARENT_CODE, bad, "parent_code", lambda i: f"Code {code[i].as_py()} does not begin with its parent's, {parent[i].as_py()}."
    )


def _pattern(mapped: Mapped, field: str, pattern: str) -> None:
    text = mapped.fields[field]
    bad = values.mask_of(pc.is_valid(text)) & ~values.matches(text, pattern)
    mapped.findings.reject(checks.CODE_PATTERN, bad, field, lambda i: f"{field} {text[i].as_py()!r} does not match {pattern}.")


def _somebody(mapped: Mapped) -> None:
    organization, person = mapped.fields["organization_code"], mapped.fields["person_name"]
    nobody = values.mask_of(pc.and_(pc.is_null(organization), pc.is_null(person))) & ~mapped.findings.rejected
    mapped.findings.reject(checks.REQUIRED, nobody, "organization_code", lambda _: "Neither organization_code nor person_name is given.")


def _role_codes(mapped: Mapped, level: Level, rules: AreaRules) -> None:
    of_level = values.mask_of(pc.equal(mapped.fields["area_level"], level))
    text = mapped.fields["area_code"]
    bad = of_level & values.mask_of(pc.is_valid(text)) & ~values.matches(text, rules.code_pattern)
    mapped.findings.reject(
        checks.CODE_PATTERN, bad, "area_code", lambda i: f"area_code {text[i].as_py()!r} does not match {rules.code_pattern} of a {level}."
    )
