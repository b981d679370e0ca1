"""Changing cases: a question is settled, another unit is named, it is done. What was is kept in the history."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

from gisgrid.cases.decision import CaseState, decide_at
from gisgrid.cases.documents import Document, area_document, assignment_document, decision_document
from gisgrid.cases.drafts import CaseDraft, draft_from
from gisgrid.cases.facts import Facts, likely
from gisgrid.cases.positions import Fix
from gisgrid.cases.said import Said
from gisgrid.crs import Crs
from gisgrid.db.cases import CaseChange, KeptCase
from gisgrid.errors import ConflictError, ParameterError, RefusedError, StaleError
from gisgrid.services.cases.desk import CaseDesk
from gisgrid.services.cases.intake import kept_values, noted_of
from gisgrid.services.cases.world import SnapshotWorld
from gisgrid.types import LEVELS

_CAN: dict[str, tuple[str, ...]] = {
    "settle": ("needs_review",),
    "reassign": ("assigned", "needs_review"),
    "close": ("assigned", "needs_review"),
    "void": ("assigned", "needs_review", "closed"),
    "reopen": ("closed", "void"),
}
"""In which states what can be done."""

_BECOMES: dict[str, CaseState] = {"close": "closed", "void": "void"}


class Act(NamedTuple):
    """What somebody does to a case, and why; ``seen`` is the version that was looked at, None: whatever it is."""

    number: str
    by: str
    reason: str = ""
    seen: int | None = None


class Place(NamedTuple):
    """A place on the map, in degrees (or metres) of ``crs``."""

    first: float
    second: float
    crs: Crs


class CaseChanges:
    """What editors do to the cases of a desk. Each returns the case as it is then.

    Each raises NotFoundError for a case that there is not, ConflictError for one that is not in a state for it, StaleError when it has
    changed since it was seen, DatabaseError when it cannot be written.
    """

    def __init__(self, desk: CaseDesk) -> None:
        self._desk = desk

    async def settle(self, act: Act, *, place: Place | None = None, candidate: int | None = None, unit_code: str | None = None) -> Document:
        """Answer the question of a case in review: a place, the number of a candidate, or the unit.

        Raises RefusedError for a candidate or a unit that there is not, ParameterError for a place that cannot be.
        """
        kept = await self._take(act, "settle")
        if unit_code is not None:
            return await self._put(act, "settle", kept, self._with_unit(kept.decided, unit_code, act), "assigned")
        fix = self._place(place) if place is not None else _candidate(kept, candidate)
        document, state = await self._desk.aside(lambda: self._decided_at(kept, fix))
        return await self._put(act, "settle", kept, document, state)

    async def reassign(self, act: Act, *, unit_code: str | None = None, grid_code: str | None = None) -> Document:
        """Give a case to another unit, or to another grid, whose unit the rules name.

        Raises RefusedError for a unit or a grid that there is not.
        """
        kept = await self._take(act, "reassign")
        document = kept.decided
        if grid_code is not None:
            document = self._in_grid(kept, grid_code)
        if unit_code is not None:
            document = self._with_unit(document, unit_code, act)
        if document["unit"] is None:
            raise RefusedError("grid_code", f"No rule names a unit for grid {grid_code}.", "Name the unit_code too.")
        return await self._put(act, "reassign", kept, document | {"review": None}, "assigned")

    async def end(self, act: Act, action: str) -> Document:
        """``close`` a case, declare it ``void``, or ``reopen`` one that was either."""
        kept = await self._take(act, action)
        reopened: CaseState = "needs_review" if kept.decided["review"] is not None else "assigned"
        return await self._put(act, action, kept, kept.decided, _BECOMES.get(action, reopened))

    async def _take(self, act: Act, action: str) -> KeptCase:
        kept, _ = await self._desk.read(act.number)
        if act.seen is not None and act.seen != kept.version:
            raise StaleError(f"The case {act.number} has version {kept.version} by now, and not {act.seen}.", "Read it again.")
        if kept.state not in _CAN[action]:
            raise ConflictError("state", f"The case is {kept.state}.", f"{action} takes one that is {' or '.join(_CAN[action])}.")
        return kept

    async def _put(self, act: Act, action: str, kept: KeptCase, document: Document, state: CaseState) -> Document:
        values = kept_values(document, state, self._desk.intake.standing)
        before, after = noted_of(kept.decided, kept.state), noted_of(document, state)
        changed = [name for name in after if before[name] != after[name]]
        change = CaseChange(
            kept.number,
            kept.version,
            action,
            act.by,
            act.reason,
            values,
            {name: before[name] for name in changed},
            {name: after[name] for name in changed},
        )
        await self._desk.writer.change(change)
        return await self._desk.show(kept.number, with_reporter=True)

    def _place(self, place: Place) -> Fix:
        return Fix(*self._desk.intake.to_wgs84(place.first, place.second, place.crs), None, "person")

    def _decided_at(self, kept: KeptCase, fix: Fix) -> tuple[Document, CaseState]:
        draft, world = draft_of(kept), self._desk.intake.world()
        decision = decide_at(draft, world, datetime.now(UTC), fix, None)
        document = decision_document(decision) | {"geocoding": kept.decided["geocoding"], "input": kept.decided["input"]}
        return document, decision.state

    def _with_unit(self, document: Document, unit_code: str, act: Act) -> Document:
        unit = self._desk.intake.world().unit(unit_code)
        if unit is None:
            raise RefusedError("unit_code", f"There is no organisation with the code {unit_code[:60]!r}.", "The code of an organisation.")
        why = Said(f"人工指定：{act.reason or '—'}", f"named by a person: {act.reason or '-'}").document()
        named = {"code": unit.code, "name": unit.name, "rule": None, "steps": [why]}
        return document | {"unit": named, "review": None, "reasons": [*document["reasons"], why]}

    def _in_grid(self, kept: KeptCase, grid_code: str) -> Document:
        world = self._desk.intake.world()
        areas = world.areas_of(grid_code)
        if areas is None:
            raise RefusedError("grid_code", f"There is no grid with the code {grid_code[:60]!r}.", "The code of a grid that is served.")
        assignment = world.assign(facts_of(kept, world).within(areas))
        why = Said(f"人工改派到网格 {grid_code}", f"moved to grid {grid_code} by a person").document()
        return {
            **kept.decided,
            **{level: area_document(areas.get(level)) for level in LEVELS},
            **assignment_document(assignment),
            "set_by_person": ["grid"],
            "rules_version": assignment.rules_version,
            "boundaries": world.boundaries._asdict(),
            "reasons": [why, *(said.document() for said in (*assignment.why, *assignment.doubts))],
        }


def draft_of(kept: KeptCase) -> CaseDraft:
    """Return a kept case as it came in, with the time at which it was reported."""
    return draft_from(kept.decided["input"])._replace(reported_at=datetime.fromisoformat(kept.decided["reported_at"]))


def facts_of(kept: KeptCase, world: SnapshotWorld) -> Facts:
    """Return what assignment goes by in a kept case, but for where it is."""
    draft, told = draft_of(kept), kept.decided["component"] or {}
    reported_at = datetime.fromisoformat(kept.decided["reported_at"])
    component = world.component(told["code"]) if told.get("code") else None
    if component is not None:
        category = world.category_of(component) or world.category(draft.category, draft.description)
        return Facts(category, draft.text, reported_at, component=component.facts)
    codes = likely((one["code"], one["score"]) for one in told["candidates"]) if told.get("status") == "ambiguous" else ()
    candidates = tuple(found.facts for code in codes if (found := world.component(code)) is not None)
    return Facts(world.category(draft.category, draft.description), draft.text, reported_at, candidates=candidates)


def _candidate(kept: KeptCase, place: int | None) -> Fix:
    candidates: list[dict[str, Any]] = (kept.decided["review"] or {}).get("candidates", [])
    if place is None:
        raise ParameterError("candidate", "is missing.", "candidate, or lon, lat and crs, or unit_code")
    if not 0 <= place < len(candidates):
        known = f"0 to {len(candidates) - 1}" if candidates else "none: send lon, lat and crs"
        raise RefusedError("candidate", f"There is no candidate {place}.", f"The case has {known}.")
    chosen = candidates[place]
    return Fix(chosen["lon"], chosen["lat"], None, "person")
