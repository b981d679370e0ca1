"""Writing cases: those that come in at the same time in one transaction, each answered when it is on disk.

A transaction costs a write to the disk, whatever is in it; so they begin a moment apart, and what comes in meanwhile waits together.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, LiteralString, NamedTuple, TypeVar

import orjson
import psycopg
from psycopg import AsyncConnection

from gisgrid.db.pool import Pool, Row
from gisgrid.errors import NotFoundError, RefusedError, StaleError, UnavailableError

T = TypeVar("T")

_COLUMNS: LiteralString = """state text, source text, category text, kind text, class_code text, description text, address text,
    component_code text, district_code text, street_code text, community_code text, grid_code text, unit_code text,
    reported_at timestamptz, reported_on date, due_at timestamptz, decided jsonb, lon float8, lat float8"""
_NAMES: LiteralString = """state, source, category, kind, class_code, description, address, component_code,
    district_code, street_code, community_code, grid_code, unit_code, reported_at, reported_on, due_at, decided"""
_POINT: LiteralString = "ST_SetSRID(ST_MakePoint(g.lon, g.lat), 4326)"

# Keys are taken in their order, so that two servers with the same keys wait for one another and never both.
_ADD: LiteralString = f"""
WITH given AS MATERIALIZED (
    SELECT g.*, to_char(received_on, 'YYYYMMDD-') || CASE WHEN n < 1000000 THEN lpad(n::text, 6, '0') ELSE n::text END AS number
    FROM (
        SELECT r.*, nextval('gisgrid.case_numbers') AS n
        FROM jsonb_to_recordset(%(cases)s::text::jsonb) AS r (
            nth integer, key text, body_hash text, received_on date, name text, phone text, by text, noted jsonb, {_COLUMNS}
        )
    ) g
), keyed AS (
    INSERT INTO gisgrid.case_keys (key, body_hash, number)
    SELECT key, decode(body_hash, 'hex'), number FROM given WHERE key IS NOT NULL ORDER BY key
    ON CONFLICT (key) DO NOTHING RETURNING number
), added AS (
    INSERT INTO gisgrid.cases_all (number, {_NAMES}, geom)
    SELECT number, {_NAMES}, {_POINT} FROM given g
    WHERE g.key IS NULL OR g.number IN (SELECT number FROM keyed) ORDER BY nth
    RETURNING id, number, received_at
), reporters AS (
    INSERT INTO gisgrid.case_reporters (case_id, name, phone)
    SELECT a.id, g.name, g.phone FROM added a JOIN given g USING (number) WHERE g.name IS NOT NULL OR g.phone IS NOT NULL
), history AS (
    INSERT INTO gisgrid.case_history (case_id, version, action, by, after)
    SELECT a.id, 1, 'receive', g.by, g.noted FROM added a JOIN given g USING (number) ORDER BY a.id
)
SELECT g.nth, a.number, a.received_at FROM given g LEFT JOIN added a USING (number) ORDER BY g.nth
"""
_KEPT: LiteralString = "SELECT key, body_hash, number FROM gisgrid.case_keys WHERE key = ANY (%s)"
_CHANGE: LiteralString = f"""
WITH g AS MATERIALIZED (
    SELECT * FROM jsonb_to_record(%(case)s::text::jsonb) AS r ({_COLUMNS})
), changed AS (
    UPDATE gisgrid.cases_all c
    SET ({_NAMES}, geom, version, changed_at, closed_at, retired_at) = (
        SELECT {_NAMES}, {_POINT}, c.version + 1, now(),
               CASE WHEN g.state = 'closed' THEN now() END, CASE WHEN g.state = 'void' THEN now() END FROM g
    )
    WHERE c.number = %(number)s AND c.version = %(seen)s RETURNING c.id, c.version
), history AS (
    INSERT INTO gisgrid.case_history (case_id, version, action, by, reason, before, after)
    SELECT id, version, %(action)s, %(by)s, %(reason)s, %(before)s::text::jsonb, %(after)s::text::jsonb FROM changed
)
SELECT version FROM changed
"""
_VERSION: LiteralString = "SELECT version FROM gisgrid.cases_all WHERE number = %s"

_MOST_AT_ONCE = 128
_APART_S = 0.025
_MOST_WAITING = 2048


class NewCase(NamedTuple):
    """A case to be kept: ``values`` has its columns (and lon, lat), ``noted`` what the history says of it.

    ``key`` and ``body_hash`` stand for the request: the same key never makes two cases.
    """

    values: Mapping[str, Any]
    noted: Mapping[str, Any]
    received_on: str
    by: str = ""
    reporter: tuple[str, str] | None = None
    key: str | None = None
    body_hash: bytes = b""


class Stored(NamedTuple):
    """A case that is on disk: its number; ``is_new`` is False where the key had made it before, and ``received_at`` then None."""

    number: str
    is_new: bool
    received_at: datetime | None


class CaseChange(NamedTuple):
    """A change of a case from the version that was ``seen``: all its columns as they shall be, and what the history says of it."""

    number: str
    seen: int
    action: str
    by: str
    reason: str
    values: Mapping[str, Any]
    before: Mapping[str, Any]
    after: Mapping[str, Any]


class _Waiting(NamedTuple):
    case: NewCase
    done: asyncio.Future[Stored]


class CaseWriter(Pool):
    """The connections that cases are written over; nothing is opened before ``open``.

    ``add`` may be called by many at a time. A case for which it returns is on disk. One for which it raises may be kept or not, as
    when a connection breaks: with a key the same request can be sent again.
    """

    def __init__(self, url: str, pool_size: int, statement_timeout_ms: int) -> None:
        super().__init__(url, "cases", pool_size, statement_timeout_ms, hint="Send it again, with the same Idempotency-Key.")
        self._waiting: asyncio.Queue[_Waiting] = asyncio.Queue(_MOST_WAITING)
        self._work: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open the connections, and begin to write what comes in."""
        await super().open()
        self._work = asyncio.create_task(self._write(), name="writing cases")

    async def close(self) -> None:
        """End the writing and close the connections; what still waits is refused."""
        if self._work is not None:
            self._work.cancel()
            with suppress(asyncio.CancelledError):
                await self._work
        while not self._waiting.empty():
            self._waiting.get_nowait().done.set_exception(UnavailableError("The server is stopping.", "Send the case again."))
        await super().close()

    async def add(self, case: NewCase) -> Stored:
        """Keep a case and return when it is on disk.

        Raises RefusedError when its key came with another body before, DatabaseError or UnavailableError when it cannot be written.
        """
        waiting = _Waiting(case, asyncio.get_running_loop().create_future())
        try:
            self._waiting.put_nowait(waiting)
        except asyncio.QueueFull:
            raise UnavailableError("Too many cases wait to be written.", "Send it again in a moment.") from None
        return await waiting.done

    async def add_all(self, cases: Sequence[NewCase]) -> list[Stored | RefusedError]:
        """Keep cases in one transaction and return what became of each, in their order; errors of the database as ``add``."""
        first, again = _apart(cases)
        async with self.connection() as connection:
            found = await _add(connection, [cases[place] for place in first])
            outcome = dict(zip(first, found, strict=True))
            if again:
                outcome |= dict(zip(again, await _kept(connection, [cases[place] for place in again]), strict=True))
        return [outcome[place] for place in range(len(cases))]

    async def change(self, change: CaseChange) -> int:
        """Change a case and return its new version.

        Raises StaleError when it is not any more what was seen, NotFoundError when there is none.
        """
        args = {
            "case": orjson.dumps(change.values).decode(),
            **{name: getattr(change, name) for name in ("number", "seen", "action", "by", "reason")},
            **{name: orjson.dumps(getattr(change, name)).decode() for name in ("before", "after")},
        }
        async with self.connection() as connection:
            row = await (await connection.execute(_CHANGE, args)).fetchone()
            if row is not None:
                return int(row[0])
            now = await (await connection.execute(_VERSION, [change.number])).fetchone()
        if now is None:
            raise NotFoundError(f"There is no case {change.number[:40]!r}.")
        raise StaleError(f"The case {change.number} has version {now[0]} by now, and not {change.seen}.", "Read it again.")

    async def _write(self) -> None:
        began = -_APART_S
        while True:
            batch = [await self._waiting.get()]
            try:
                # What comes one upon the other is written together; what comes after a pause, at once.
                await asyncio.sleep(began + _APART_S - time.monotonic())
                began = time.monotonic()
                while len(batch) < _MOST_AT_ONCE and not self._waiting.empty():
                    batch.append(self._waiting.get_nowait())
                outcomes: Sequence[Stored | Exception] = await self._written([one.case for one in batch])
            except asyncio.CancelledError:
                _settle([one.done for one in batch], [UnavailableError("The server is stopping.", "Send the case again.")] * len(batch))
                raise
            _settle([one.done for one in batch], outcomes)

    async def _written(self, cases: Sequence[NewCase]) -> Sequence[Stored | Exception]:
        """Write cases together; when something in one of them cannot be written, the others are written one by one."""
        try:
            return await self.add_all(cases)
        except Exception as error:  # noqa: BLE001 - whatever it was, those who wait are told, and the writing goes on
            cause = error.__cause__
            if len(cases) == 1 or not isinstance(cause, (psycopg.DataError, psycopg.IntegrityError)):
                return [error] * len(cases)
        return [(await self._written([case]))[0] for case in cases]


def _settle(waiting: Sequence[asyncio.Future[T]], outcomes: Sequence[T | Exception]) -> None:
    """Tell each of those who wait what came of theirs, in their order; those who have gone away are told nothing."""
    for done, outcome in zip(waiting, outcomes, strict=True):
        if done.done():
            continue
        if isinstance(outcome, Exception):
            done.set_exception(outcome)
        else:
            done.set_result(outcome)


def _apart(cases: Sequence[NewCase]) -> tuple[list[int], list[int]]:
    """Return the places of the first case of each key, and of those whose key came before in the same transaction."""
    seen: set[str] = set()
    first, again = [], []
    for place, case in enumerate(cases):
        if case.key is not None and case.key in seen:
            again.append(place)
            continue
        if case.key is not None:
            seen.add(case.key)
        first.append(place)
    return first, again


async def _add(connection: AsyncConnection[Row], cases: Sequence[NewCase]) -> list[Stored | RefusedError]:
    given = [_given(place, case) for place, case in enumerate(cases)]
    rows = await (await connection.execute(_ADD, {"cases": orjson.dumps(given).decode()})).fetchall()
    found: list[Stored | RefusedError | None] = [None if row[1] is None else Stored(row[1], True, row[2]) for row in rows]
    known = [place for place, one in enumerate(found) if one is None]
    kept = dict(zip(known, await _kept(connection, [cases[place] for place in known]), strict=True)) if known else {}
    return [one or kept[place] for place, one in enumerate(found)]


async def _kept(connection: AsyncConnection[Row], cases: Sequence[NewCase]) -> list[Stored | RefusedError]:
    """Return the cases that keys made before; a refusal where the body was another one."""
    rows = await (await connection.execute(_KEPT, [[case.key for case in cases]])).fetchall()
    numbers = {key: (bytes(body_hash), number) for key, body_hash, number in rows}
    found: list[Stored | RefusedError] = []
    for case in cases:
        body_hash, number = numbers[case.key]
        found.append(Stored(number, False, None) if body_hash == case.body_hash else _other_body(number))
    return found


def _other_body(number: str) -> RefusedError:
    return RefusedError(
        "Idempotency-Key", f"The key came with another body before, which made case {number}.", "Use a new key for another case."
    )


def _given(place: int, case: NewCase) -> dict[str, Any]:
    name, phone = case.reporter or (None, None)
    return {
        **case.values,
        "nth": place,
        "key": case.key,
        "body_hash": case.body_hash.hex(),
        "received_on": case.received_on,
        "name": name or None,
        "phone": phone or None,
        "by": case.by,
        "noted": case.noted,
    }
