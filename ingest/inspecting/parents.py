"""Which column of areas names the area that they lie in: the one whose values are codes of a larger level."""

from __future__ import annotations

from collections.abc import Sequence

from gisgrid.types import LEVELS, Level
from ingest import values
from ingest.inspecting.mapping import Entry, columns_of
from ingest.inspecting.proposal import Inspected, Proposal
from ingest.targets import target


def with_parents(parts: Sequence[Inspected]) -> list[Inspected]:
    """Return the parts with the parent's code found by its values, in areas whose columns have no name that tells it."""
    codes = {level: found for level in LEVELS if (found := _codes(parts, level))}
    return [part._replace(proposals=tuple(_linked(part, proposal, codes) for proposal in part.proposals)) for part in parts]


def _codes(parts: Sequence[Inspected], level: Level) -> set[str]:
    """Return the codes of all areas of one level."""
    return {
        code
        for part in parts
        for proposal in part.proposals
        if target(proposal.guess.layer).level == level
        for code in texts(part, proposal, "code")
    }


def texts(part: Inspected, proposal: Proposal, field: str) -> list[str]:
    """Return the texts of a field that a column fills as it is; none where a rule works them out."""
    rule = next((entry.value for entry in proposal.fields if entry.key == field), None)
    return _texts(part, rule) if isinstance(rule, str) else []


def _texts(part: Inspected, column: str) -> list[str]:
    clean, _ = values.cleaned(values.as_text(values.one_chunk(part.sample.table.column(column))))
    return [text for text in clean.to_pylist() if text is not None]


def _linked(part: Inspected, proposal: Proposal, codes: dict[Level, set[str]]) -> Proposal:
    level = target(proposal.guess.layer).level
    parent = next((entry for entry in proposal.fields if entry.key == "parent_code"), None)
    if level is None or parent is None or parent.value is not None:
        return proposal
    above = [found for found in LEVELS[: LEVELS.index(level)] if found in codes]
    column = _column_of(part, proposal, codes[above[-1]]) if above else None
    if column is None:
        return proposal
    entry = Entry("parent_code", column, f"its values are codes of the level {above[-1]}")
    fields = tuple(entry if found.key == "parent_code" else found for found in proposal.fields)
    return proposal._replace(fields=fields, unused=tuple(name for name in proposal.unused if name != column))


def _column_of(part: Inspected, proposal: Proposal, codes: set[str]) -> str | None:
    """Return the column that the source does not use as its key and whose values are all among ``codes``."""
    own = columns_of(next(entry.value for entry in proposal.fields if entry.key == "code"))
    candidates = (column.name for column in part.sample.usable if column.share >= 0.95 and column.name not in own)
    return next((name for name in candidates if set(_texts(part, name)) <= codes), None)
