"""Deciding again: what would be different of the cases of a period in the areas and by the rules of today.

Where a case is stays as it was settled; in which grid that place is, who has to act and until when is worked out anew. What a person
has named stays named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, get_args

from gisgrid.cases.covered import located
from gisgrid.cases.documents import Document, area_document, assignment_document
from gisgrid.cases.positions import Fix
from gisgrid.db.cases import KeptCase
from gisgrid.matching import MatchStatus
from gisgrid.services.cases.changing import draft_of, facts_of
from gisgrid.services.cases.world import SnapshotWorld
from gisgrid.types import Location

COMPARED = ("grid", "unit", "due_at")
"""What is compared."""


class Difference(NamedTuple):
    """A case that would be decided otherwise: what it has (``before``) and would have (``after``), of what is different."""

    number: str
    reported_at: str
    state: str
    before: Document
    after: Document

    def as_document(self) -> Document:
        """Return it as ``gisgrid cases replay --json`` prints it."""
        return self._asdict()


class Replayed(NamedTuple):
    """A case that was looked at, and what would be different of it; None for nothing."""

    number: str
    difference: Difference | None


def replay(cases: Iterable[KeptCase], world: SnapshotWorld) -> Iterator[Replayed]:
    """Yield each of some cases with what would be different of it in ``world``."""
    for kept in cases:
        yield Replayed(kept.number, difference_of(kept, world))


def difference_of(kept: KeptCase, world: SnapshotWorld) -> Difference | None:
    """Return what would be different of a case; None when nothing would, or nobody knows where it is."""
    position = kept.decided["position"]
    if position is None:
        return None
    before = {name: kept.decided[name] for name in COMPARED}
    after = _decided_anew(kept, world, position)
    changed = [name for name in COMPARED if _essence(before[name]) != _essence(after[name])]
    if not changed:
        return None
    told = ({name: _told(one[name]) for name in changed} for one in (before, after))
    return Difference(kept.number, kept.decided["reported_at"], kept.state, *told)


def _decided_anew(kept: KeptCase, world: SnapshotWorld, position: dict[str, Any]) -> Document:
    """Return the grid, unit and deadline that a case would have; what a person has named it keeps."""
    by_person = kept.decided.get("set_by_person", ())
    facts = facts_of(kept, world)
    if "grid" in by_person:
        areas = world.areas_of(kept.decided["grid"]["code"])
        facts, grid = facts.within(areas or {}), kept.decided["grid"] if areas else None
    else:
        location = _located(kept, world, position)
        facts, grid = facts.at(location), area_document(location.grid)
    found = assignment_document(world.assign(facts))
    unit = kept.decided["unit"]
    is_named = unit is not None and unit["rule"] is None
    return {"grid": grid, "unit": unit if is_named else found["unit"], "due_at": found["due_at"]}


def _located(kept: KeptCase, world: SnapshotWorld, position: dict[str, Any]) -> Location:
    """Return the areas of the place of a case as ``decide`` finds them: by the covers that it may be about, where an address says it."""
    fix = Fix(position["lon"], position["lat"], position["uncertainty_m"], position["from"])
    match, told = None, kept.decided["component"] or {}
    if fix.origin == "address" and told.get("status") in get_args(MatchStatus):
        draft = draft_of(kept)
        match = world.match_cover(fix, world.category(draft.category, draft.description), draft.text)
    return located(fix, match, world)[0]


def _essence(value: Any) -> Any:
    return value["code"] if isinstance(value, dict) else value


def _told(value: Any) -> Any:
    return {name: value[name] for name in ("code", "name")} if isinstance(value, dict) else value
