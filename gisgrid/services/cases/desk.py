"""The desk at which cases come in and are looked after: what is decided, what is kept, what is read."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar

from gisgrid.cases.documents import Document
from gisgrid.cases.drafts import CaseDraft
from gisgrid.db import Database
from gisgrid.db.cases import CaseReader, CaseWriter, Happened, KeptCase, NewCase
from gisgrid.errors import DatabaseError, NotFoundError
from gisgrid.geocoding import Geocoding
from gisgrid.services.cases.following import CaseFollower
from gisgrid.services.cases.intake import Intake
from gisgrid.services.cases.rules_in_force import RulesInForce
from gisgrid.services.cases.showing import case_document
from gisgrid.services.cases.world import Standing
from gisgrid.services.read_model import ReadModel
from gisgrid.services.snapshot import Snapshot
from gisgrid.settings import ApiSettings

T = TypeVar("T")

_THREADS = 2
_WRITERS = 4

_log = logging.getLogger(__name__)


class Request(NamedTuple):
    """What came in with a case: the key of the request and the hash of its body, and the editor who sent it (empty: not known)."""

    key: str | None = None
    body_hash: bytes = b""
    by: str = ""


class Received(NamedTuple):
    """What became of a case that came in: its document, and whether it is new; of an earlier one with its key it is not."""

    document: Document
    is_new: bool


class CaseDesk:
    """Cases of one server process; nothing is opened before ``open``."""

    def __init__(self, intake: Intake, writer: CaseWriter, reader: CaseReader, rules: RulesInForce) -> None:
        self.intake, self.writer, self.reader = intake, writer, reader
        self.rules = rules
        self.follower = CaseFollower(reader.url, reader, self._read_rules)
        self._threads = ThreadPoolExecutor(_THREADS, "deciding cases")

    async def open(self) -> None:
        """Read the rules and open the connections; raises DatabaseError when the rules cannot be read."""
        await self.aside(self.rules.read)
        await self.writer.open()
        await self.reader.open()

    async def close(self) -> None:
        """Close the connections; cases under way are written first."""
        self.follower.end()
        await self.writer.close()
        await self.reader.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _read_rules(self) -> None:
        try:
            await self.aside(self.rules.read)
        except DatabaseError as error:
            _log.warning("New rules of assignment cannot be read, those of before hold: %s", error.message)

    async def aside(self, work: Callable[[], T]) -> T:
        """Return what ``work`` comes to in one of the threads that decide."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def preview(self, draft: CaseDraft) -> Document:
        """Return the case that would be made; nothing is kept. Errors as ``gisgrid.cases.decision.decide``."""
        now = _now()
        new = await self._decided(draft, Request(), now)
        return case_document(_kept(new, None, now), [], now)

    async def receive(self, draft: CaseDraft, request: Request) -> Received:
        """Decide a case and keep it; when this returns it is on disk.

        Raises what ``preview`` and ``CaseWriter.add`` raise.
        """
        now = _now()
        new = await self._decided(draft, request, now)
        stored = await self.writer.add(new)
        if not stored.is_new:
            return Received(await self.show(stored.number), False)
        kept = _kept(new, stored.number, stored.received_at or now)
        happened = Happened(0, 1, kept.received_at, "receive", request.by, "", None, dict(new.noted))
        return Received(case_document(kept, [happened], now), True)

    async def _decided(self, draft: CaseDraft, request: Request, now: datetime) -> NewCase:
        """Return what is to be kept of a case.

        From memory that takes a millisecond or two, and in a thread half as long again, beside which the event loop would hardly get
        its turn. After the data have changed something has to be made first; that, and the case that meets it, is for a thread.
        """

        def decide() -> NewCase:
            decision = self.intake.decide(draft, now)
            return self.intake.new_case(decision, now, key=request.key, body_hash=request.body_hash, by=request.by)

        def prepare_and_decide() -> NewCase:
            self.intake.prepare()
            return decide()

        return decide() if self.intake.is_prepared else await self.aside(prepare_and_decide)

    async def show(self, number: str, *, with_reporter: bool = False) -> Document:
        """Return a case; raises NotFoundError when there is none."""
        kept, history = await self.read(number)
        return case_document(kept, history, _now(), with_reporter=with_reporter)

    async def read(self, number: str) -> tuple[KeptCase, list[Happened]]:
        """Return a case as it is kept, with its history; raises NotFoundError when there is none."""
        found = await self.reader.one(number)
        if found is None:
            raise NotFoundError(f"There is no case {number[:40]!r}.", "GET /cases lists those there are.")
        return found


def open_desk(database: Database, model: ReadModel, limits: ApiSettings) -> CaseDesk:
    """Return the desk of a server process, not yet open."""
    rules = RulesInForce(database, model.deployment)
    intake = Intake(model, Standing.of(model.deployment), rules, _geocoder)
    writer = CaseWriter(database.url, _WRITERS, limits.statement_timeout_ms)
    return CaseDesk(intake, writer, CaseReader(database.url, limits.pool_size, limits.statement_timeout_ms), rules)


def _geocoder(snapshot: Snapshot) -> Callable[[str], Geocoding]:
    # Asked each time: the gazetteer of a snapshot is made a moment after it.
    return lambda address: snapshot.gazetteer.get().geocode(address)


def _kept(new: NewCase, number: str | None, at: datetime) -> KeptCase:
    values = new.values
    due = values["due_at"]
    due_at = None if due is None else datetime.fromisoformat(due)
    return KeptCase(0, number or "", 1, values["state"], values["decided"], at, due_at, None, at)


def _now() -> datetime:
    return datetime.now(UTC)
