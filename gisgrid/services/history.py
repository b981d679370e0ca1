"""Lookups of the past: which areas were served at an instant, and an index of them that is built once."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from datetime import UTC, datetime
from typing import NamedTuple

from gisgrid.db import Database
from gisgrid.db.generations import read_generation
from gisgrid.db.periods import Period
from gisgrid.db.reading import snapshot
from gisgrid.errors import ParameterError
from gisgrid.locator import Locator, Roles

_KEPT = 4
_EXPECTED = "a date, or a time with its offset such as 2026-11-22T09:00:00Z or 2026-11-22T17:00:00+08:00"
# A + in a query string stands for a blank; in an offset it cannot have meant one.
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)(?:[Tt](\d\d:\d\d:\d\d(?:\.\d{1,6})?)(?:([Zz])|([+\- ])(\d\d:\d\d)))?", re.ASCII)


class AreasThen(NamedTuple):
    """The areas that were served at an instant: their index, and in which period of which generation the instant lies."""

    instant: datetime
    period: Period
    locator: Locator

    def as_document(self) -> dict[str, object]:
        """Return what answers about the past say of it: the instant in UTC, and the generation with its period."""
        since, until = self.period.valid_from, self.period.valid_to
        period = {"valid_from": _utc(since), "valid_to": None if until is None else _utc(until)}
        return {"as_of": _utc(self.instant), "generation": {"id": self.period.generation, **period}}


def _utc(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_instant(text: str) -> datetime:
    """Return the instant that ``as_of`` names: RFC 3339 with an offset, or a date, which is its first instant in UTC.

    Raises ParameterError for anything else.

    >>> parse_instant("2026-11-22T09:00:00+08:00").isoformat(), parse_instant("2026-11-22").isoformat()
    ('2026-11-22T01:00:00+00:00', '2026-11-22T00:00:00+00:00')
    """
    found = _INSTANT.fullmatch(text)
    if found is None:
        raise ParameterError("as_of", f"{text[:60]!r} is no date and no time with an offset.", _EXPECTED)
    day, time, zulu, sign, offset = found.groups()
    zone = "+00:00" if zulu or time is None else f"{'-' if sign == '-' else '+'}{offset}"
    try:
        return datetime.fromisoformat(f"{day}T{time or '00:00:00'}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise ParameterError("as_of", f"{text[:60]!r} does not exist.", _EXPECTED) from None


class History:
    """The periods in which generations were served, and an index for each of the few that were asked for last.

    Any thread may ask. It belongs to one state of the periods: when they change, a new one takes its place.
    """

    def __init__(self, database: Database, periods: tuple[Period, ...], doubt_m: float) -> None:
        self.periods = periods
        self._database, self._doubt_m = database, doubt_m
        self._kept: OrderedDict[int, tuple[Locator, Roles]] = OrderedDict()
        self._lock, self._building = threading.Lock(), threading.Lock()

    def period_at(self, instant: datetime) -> Period:
        """Return the period in which an instant lies; raises ParameterError when nothing was served then."""
        for period in reversed(self.periods):
            if period.valid_from <= instant and (period.valid_to is None or instant < period.valid_to):
                return period
        if not self.periods:
            raise ParameterError("as_of", "no areas have been served yet.", "no as_of")
        first = _utc(self.periods[0].valid_from)
        raise ParameterError(
            "as_of", f"no areas were served at {_utc(instant)}; the first were served from {first} on.", f"{first} or later"
        )

    @property
    def served(self) -> int | None:
        """The generation that is served now; None when there is none."""
        return self.periods[-1].generation if self.periods and self.periods[-1].valid_to is None else None

    def kept(self, generation: int, roles: Roles) -> Locator | None:
        """Return the index of a generation if it is there, with the responsible units of ``roles``."""
        with self._lock:
            if generation not in self._kept:
                return None
            self._kept.move_to_end(generation)
            locator, known = self._kept[generation]
            if known is not roles:
                locator = locator.with_roles(roles)
                self._kept[generation] = (locator, roles)
            return locator

    def locator(self, generation: int, roles: Roles) -> Locator:
        """Return the index of a generation; reads and builds it when it is not there, once however many ask.

        Raises DatabaseError when it has to be read and cannot.
        """
        found = self.kept(generation, roles)
        if found is not None:
            return found
        with self._building:
            return self.kept(generation, roles) or self._build(generation, roles)

    def _build(self, generation: int, roles: Roles) -> Locator:
        with snapshot(self._database) as connection:
            tables = read_generation(connection, generation)
        locator = Locator.from_areas(tables, roles, self._doubt_m)
        with self._lock:
            self._kept[generation] = (locator, roles)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return locator
