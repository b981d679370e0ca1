"""Many cases at once: decided piece by piece, each piece kept in one transaction, answered row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import NamedTuple

from gisgrid.cases.documents import Document
from gisgrid.cases.drafts import Reading
from gisgrid.db.cases import NewCase, Stored
from gisgrid.errors import GisgridError
from gisgrid.services.cases.desk import CaseDesk
from gisgrid.services.cases.rows import RowDraft, Rows, read_row

_PIECE = 100
_TOLD = ("state", "grid", "community", "street", "unit", "due_at", "position")


class RowAnswer(NamedTuple):
    """What became of one row: its members as answers have them, or what is wrong with it; ``cells`` is the row as it came."""

    row: int
    key: str | None
    cells: object
    document: Document | None
    error: GisgridError | None


class CaseBatch:
    """Takes the rows of a file in; ``counts`` tells how many cases of each state were made, and how many rows were not taken."""

    def __init__(self, desk: CaseDesk, reading: Reading, by: str = "", *, dry_run: bool = False) -> None:
        self._desk, self._reading, self._by, self._dry = desk, reading, by, dry_run
        self.counts: Counter[str] = Counter()

    async def take(self, rows: Rows) -> AsyncIterator[list[RowAnswer]]:
        """Yield the answers piece by piece, in the order of the rows.

        A row that cannot be taken has its error; raises DatabaseError when a piece cannot be kept: those before it are.
        """
        numbered = enumerate(rows.rows, 1)
        while piece := list(islice(numbered, _PIECE)):
            yield await self._piece(piece)

    async def _piece(self, piece: Sequence[tuple[int, object]]) -> list[RowAnswer]:
        now = datetime.now(UTC)
        decided = await self._desk.aside(lambda: [self._decided(row, raw, now) for row, raw in piece])
        new = [case for _, case in decided if isinstance(case, NewCase)]
        kept: list[Stored | GisgridError | None] = [None] * len(new) if self._dry else [*await self._desk.writer.add_all(new)]
        known = await self._earlier(kept)
        stored = iter(kept)
        answers = []
        for (draft, case), (_, raw) in zip(decided, piece, strict=True):
            outcome = next(stored) if isinstance(case, NewCase) else case
            answers.append(self._answer(draft, raw, case, outcome, known))
        return answers

    def _decided(self, row: int, raw: object, now: datetime) -> tuple[RowDraft, NewCase | GisgridError]:
        found = read_row(row, raw, self._reading, now)
        if isinstance(found.draft, GisgridError):
            return found, found.draft
        try:
            decision = self._desk.intake.decide(found.draft, now)
        except GisgridError as error:
            return found, error
        return found, self._desk.intake.new_case(decision, now, key=found.key, body_hash=found.body_hash, by=self._by)

    async def _earlier(self, kept: Sequence[object]) -> dict[str, Document]:
        """Return what is kept of the cases that earlier requests made."""
        numbers = [one.number for one in kept if isinstance(one, Stored) and not one.is_new]
        cases = await self._desk.reader.some(numbers) if numbers else []
        return {case.number: case.decided | {"state": case.state} for case in cases}

    def _answer(self, draft: RowDraft, raw: object, case: NewCase | GisgridError, outcome: object, known: dict[str, Document]) -> RowAnswer:
        if isinstance(outcome, GisgridError) or not isinstance(case, NewCase):
            error = outcome if isinstance(outcome, GisgridError) else None
            self.counts["error"] += 1
            return RowAnswer(draft.row, draft.key, raw, None, error)
        stored = outcome if isinstance(outcome, Stored) else None
        document = case.values["decided"] | {"state": case.values["state"]}
        if stored is not None and not stored.is_new:
            document = known.get(stored.number, document)
        self.counts["known" if stored is not None and not stored.is_new else document["state"]] += 1
        review = document.get("review")
        told = {
            "number": None if stored is None else stored.number,
            "is_new": None if stored is None else stored.is_new,
            **{name: document.get(name) for name in _TOLD},
            "component_code": (document.get("component") or {}).get("code"),
            "review": None if review is None else {"kind": review["kind"], "question": review["question"]},
        }
        return RowAnswer(draft.row, draft.key, raw, told, None)
