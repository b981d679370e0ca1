"""Reading cases: one with its history, pages of a choice, counts, and what has happened since."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, LiteralString, NamedTuple

import orjson

from gisgrid.db.pool import Pool, Row
from gisgrid.errors import ParameterError
from gisgrid.types import Bounds

COLUMNS: LiteralString = "c.id, c.number, c.version, c.state, c.decided::text, c.received_at, c.due_at, c.closed_at, c.changed_at"
"""What is read of a case, from ``gisgrid.cases_all`` as c, for ``kept_case``."""
_ONE: LiteralString = f"""
SELECT {COLUMNS}, r.name, r.phone FROM gisgrid.cases_all c LEFT JOIN gisgrid.case_reporters r ON r.case_id = c.id WHERE c.number = %s
"""
_SOME: LiteralString = f"SELECT {COLUMNS} FROM gisgrid.cases_all c WHERE c.number = ANY (%s)"
_HISTORY: LiteralString = """
SELECT h.id, h.version, h.at, h.action, h.by, h.reason, h.before::text, h.after::text
FROM gisgrid.case_history h JOIN gisgrid.cases_all c ON c.id = h.case_id WHERE c.number = %s ORDER BY h.version
"""
_HAPPENED: LiteralString = f"""
SELECT h.id, h.version, h.at, h.action, h.by, h.reason, h.before::text, h.after::text, {COLUMNS}
FROM gisgrid.case_history h JOIN gisgrid.cases_all c ON c.id = h.case_id WHERE h.id > %s ORDER BY h.id LIMIT %s
"""
_LAST: LiteralString = "SELECT coalesce(max(id), 0) FROM gisgrid.case_history"

_OVERDUE: LiteralString = "c.state IN ('assigned', 'needs_review') AND c.due_at < now()"
_CONDITIONS: dict[str, LiteralString] = {
    "state": "c.state = ANY (%(state)s)",
    "unit": "c.unit_code = ANY (%(unit)s)",
    "grid": "c.grid_code = ANY (%(grid)s)",
    "community": "c.community_code = ANY (%(community)s)",
    "street": "c.street_code = ANY (%(street)s)",
    "category": "(c.class_code = ANY (%(category)s) OR c.category = ANY (%(category)s))",
    "kind": "c.kind = ANY (%(kind)s)",
    "source": "c.source = ANY (%(source)s)",
    "since": "c.reported_at >= %(since)s",
    "until": "c.reported_at < %(until)s",
    "words": """concat_ws(chr(1), c.number, c.category, c.address, c.description, c.decided -> 'category' ->> 'name') ILIKE %(words)s""",
}
_BOX: LiteralString = "c.geom && ST_MakeEnvelope(%(west)s, %(south)s, %(east)s, %(north)s, 4326)"
_AFTER: LiteralString = "(c.reported_at, c.id) < (%(after_at)s, %(after_id)s)"

# What cases are counted by: a code, and the name of what it stands for where it has one.
_GROUPS: dict[str, tuple[LiteralString, LiteralString]] = {
    "street": ("c.street_code", "max(c.decided -> 'street' ->> 'name')"),
    "community": ("c.community_code", "max(c.decided -> 'community' ->> 'name')"),
    "grid": ("c.grid_code", "max(c.decided -> 'grid' ->> 'name')"),
    "unit": ("c.unit_code", "max(c.decided -> 'unit' ->> 'name')"),
    "category": ("coalesce(c.class_code, c.category)", "max(coalesce(c.decided -> 'category' ->> 'name', c.category))"),
    "kind": ("c.kind", "NULL::text"),
    "state": ("c.state", "NULL::text"),
    "source": ("c.source", "NULL::text"),
    "hour": ("to_char(c.reported_at AT TIME ZONE %(zone)s, 'HH24')", "NULL::text"),
    "day": ("to_char(c.reported_at AT TIME ZONE %(zone)s, 'YYYY-MM-DD')", "NULL::text"),
}
GROUPS: tuple[str, ...] = tuple(_GROUPS)
"""What cases can be counted by."""

_MOST_GROUPS = 10_000


class CaseFilter(NamedTuple):
    """A choice of cases; what is None, or empty, chooses nothing. ``box`` is in degrees, WGS 84; times are aware."""

    state: Collection[str] = ()
    unit: Collection[str] = ()
    grid: Collection[str] = ()
    community: Collection[str] = ()
    street: Collection[str] = ()
    category: Collection[str] = ()
    kind: Collection[str] = ()
    source: Collection[str] = ()
    since: datetime | None = None
    until: datetime | None = None
    overdue: bool | None = None
    box: Bounds | None = None
    words: str = ""


class KeptCase(NamedTuple):
    """A case as it is kept; ``decided`` is what ``gisgrid.cases.documents.decision_document`` made."""

    id: int
    number: str
    version: int
    state: str
    decided: dict[str, Any]
    received_at: datetime
    due_at: datetime | None
    closed_at: datetime | None
    changed_at: datetime
    reporter: tuple[str | None, str | None] = (None, None)


class Happened(NamedTuple):
    """One entry of the history of a case; ``id`` grows from one to the next, over all cases."""

    id: int
    version: int
    at: datetime
    action: str
    by: str
    reason: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class Page(NamedTuple):
    """A page of cases, the newest first; ``next`` is the cursor of the page that follows, None when this is the last."""

    cases: list[KeptCase]
    next: str | None


class Group(NamedTuple):
    """How many cases there are of a kind: all, those still open, and those of them that are overdue. ``keys`` are (code, name)."""

    keys: tuple[tuple[str | None, str | None], ...]
    cases: int
    open: int
    overdue: int


# Nothing else is the number of a case, and not every text can be put to the database.
_NUMBER = re.compile(r"\d{8}-\d{1,12}", re.ASCII)


class CaseReader(Pool):
    """The connections that cases are read over; nothing is opened before ``open``."""

    def __init__(self, url: str, pool_size: int, statement_timeout_ms: int) -> None:
        super().__init__(url, "reading cases", pool_size, statement_timeout_ms, hint="Ask for a shorter time.")

    async def one(self, number: str) -> tuple[KeptCase, list[Happened]] | None:
        """Return a case with its history, the oldest first; None when there is none. Errors as ``Pool.fetch_row``."""
        if not _NUMBER.fullmatch(number):
            return None
        row = await self.fetch_row(_ONE, [number])
        if row is None:
            return None
        history = [_happened(one) for one in await self.fetch(_HISTORY, [number])]
        return kept_case(row)._replace(reporter=(row[9], row[10])), history

    async def some(self, numbers: Sequence[str]) -> list[KeptCase]:
        """Return the cases with these numbers, in any order. Errors as ``Pool.fetch_row``."""
        return [kept_case(row) for row in await self.fetch(_SOME, [list(numbers)])]

    async def page(self, chosen: CaseFilter, limit: int, cursor: str = "", *, void: bool = False) -> Page:
        """Return at most ``limit`` cases, the newest first, from ``cursor`` on.

        Void ones are left out unless they are asked for. Raises ParameterError "cursor" for one that was not given here.
        """
        conditions, args = conditions_of(chosen, void=void)
        if cursor:
            args["after_at"], args["after_id"] = _read_cursor(cursor)
            conditions.append(_AFTER)
        where = " AND ".join(conditions) or "true"
        statement = f"SELECT {COLUMNS} FROM gisgrid.cases_all c WHERE {where} ORDER BY c.reported_at DESC, c.id DESC LIMIT %(limit)s"
        rows = await self.fetch(statement, {**args, "limit": limit + 1}, prepare=False)
        cases = [kept_case(row) for row in rows[:limit]]
        return Page(cases, _write_cursor(cases[-1]) if len(rows) > limit else None)

    async def count(self, chosen: CaseFilter, by: Collection[str], zone: str) -> list[Group]:
        """Return how many cases there are, by one or more of GROUPS, the most first; hours and days are those of ``zone``."""
        conditions, args = conditions_of(chosen)
        keys = ", ".join(f"{_GROUPS[name][0]} AS k{place}, {_GROUPS[name][1]} AS n{place}" for place, name in enumerate(by))
        group = ", ".join(str(2 * place + 1) for place in range(len(by)))
        statement = f"""
            SELECT {keys}{", " if by else ""}count(*), count(*) FILTER (WHERE c.state IN ('assigned', 'needs_review')),
                   count(*) FILTER (WHERE {_OVERDUE})
            FROM gisgrid.cases_all c WHERE {" AND ".join(conditions) or "true"} {f"GROUP BY {group}" if by else ""}
            ORDER BY count(*) DESC{f", {group}" if by else ""} LIMIT {_MOST_GROUPS}
        """
        rows = await self.fetch(statement, {**args, "zone": zone}, prepare=False)
        size = 2 * len(by)
        return [Group(tuple((row[at], row[at + 1]) for at in range(0, size, 2)), *row[size:]) for row in rows]

    async def happened_since(self, id: int, most: int) -> list[tuple[Happened, KeptCase]]:
        """Return what was done to cases after entry ``id`` of the history, in its order, with each case as it is now."""
        return [(_happened(row), kept_case(row[8:])) for row in await self.fetch(_HAPPENED, [id, most])]

    async def last_happened(self) -> int:
        """Return the number of the last entry of the history, 0 when there is none."""
        row = await self.fetch_row(_LAST)
        return int(row[0]) if row else 0


def conditions_of(chosen: CaseFilter, *, void: bool = False) -> tuple[list[str], dict[str, Any]]:
    """Return the conditions of a choice on rows ``c`` of cases_all, and the values that are bound in them."""
    args: dict[str, Any] = {}
    conditions: list[str] = [] if void or "void" in chosen.state else ["c.retired_at IS NULL"]
    for name, condition in _CONDITIONS.items():
        value = getattr(chosen, name)
        if value:
            conditions.append(condition)
            args[name] = _like(value) if name == "words" else value if isinstance(value, datetime) else list(value)
    if chosen.overdue is not None:
        conditions.append(_OVERDUE if chosen.overdue else f"NOT coalesce({_OVERDUE}, false)")
    if chosen.box is not None:
        conditions.append(_BOX)
        args |= chosen.box._asdict()
    return conditions, args


def _like(words: str) -> str:
    escaped = re.sub(r"([\\%_])", r"\\\1", words)
    return f"%{escaped}%"


def kept_case(row: Row) -> KeptCase:
    """Return the case of a row that has the COLUMNS."""
    id, number, version, state, decided, *times = row[:9]
    return KeptCase(id, number, version, state, orjson.loads(decided), *times)


def _happened(row: Row) -> Happened:
    id, version, at, action, by, reason, before, after = row[:8]
    return Happened(id, version, at, action, by, reason, *(None if text is None else orjson.loads(text) for text in (before, after)))


def _write_cursor(last: KeptCase) -> str:
    return f"{last.decided['reported_at']}_{last.id}"


def _read_cursor(cursor: str) -> tuple[datetime, int]:
    at, _, id = cursor.rpartition("_")
    try:
        instant = datetime.fromisoformat(at)
        if instant.tzinfo is not None and 0 < int(id) < 2**63:
            return instant, int(id)
    except ValueError:
        pass
    raise ParameterError("cursor", "is none that was given here.", "the cursor of a page of this list")
