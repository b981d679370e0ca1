"""Until when a case has to be dealt with: limits in clock hours, working hours, working days and calendar days."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple, get_args

from gisgrid.cases.calendar import WorkingCalendar
from gisgrid.cases.said import Said

LimitUnit = Literal["urgent_hours", "working_hours", "working_days", "calendar_days"]
"""What a limit counts: hours of the clock day and night, hours of work, working days, days of the calendar."""

UNIT_TITLES: dict[LimitUnit, Said] = {
    "urgent_hours": Said("紧急工作时", "urgent hours"),
    "working_hours": Said("工作时", "working hours"),
    "working_days": Said("工作日", "working days"),
    "calendar_days": Said("自然日", "calendar days"),
}
"""What the units are called."""

MOST = 10_000
"""The largest value of a limit."""

_SATURDAY = 5
_MOST_LISTED = 12
_PROVISIONAL = Said(
    "所涉年份的调休安排尚未公布，期限可能变动。", "The make-up days of a year concerned are not published yet: the deadline may move."
)
_BLANKS = re.compile(r"[\s_]+")


class Limit(NamedTuple):
    """How long a case may take: 2 urgent_hours, 4 working_hours, 2 working_days, 7 calendar_days."""

    value: int
    unit: LimitUnit

    def said(self) -> Said:
        """Return it in words: 4工作时, 4 working hours."""
        titles = UNIT_TITLES[self.unit]
        return Said(f"{self.value}{titles.zh}", f"{self.value} {titles.en if self.value != 1 else titles.en.removesuffix('s')}")

    def document(self) -> dict[str, object]:
        """Return it as documents have it."""
        return {"value": self.value, "unit": self.unit, "text": self.said().document()}


class Deadline(NamedTuple):
    """Until when a case has to be dealt with.

    ``due_at`` and ``counted_from`` are in the time of the city; ``counted_from`` is the next working moment where the limit counts
    time of work and the case was reported outside it. ``is_provisional`` says that the time counted touches a year whose days off
    in exchange are not published yet.
    """

    due_at: datetime
    limit: Limit
    counted_from: datetime
    is_provisional: bool
    why: tuple[Said, ...]

    def document(self) -> dict[str, object]:
        """Return it as documents have it."""
        return {
            "due_at": self.due_at.isoformat(),
            "limit": self.limit.document(),
            "counted_from": self.counted_from.isoformat(),
            "calendar_is_provisional": self.is_provisional,
            "why": [one.document() for one in self.why],
        }


def unit_named(text: str) -> LimitUnit | None:
    """Return the unit called ``text`` in Chinese or in English, None when none is.

    >>> unit_named("紧急工作时"), unit_named("Working days"), unit_named("周")
    ('urgent_hours', 'working_days', None)
    """
    wanted = _BLANKS.sub("_", text.strip()).casefold()
    units: tuple[LimitUnit, ...] = get_args(LimitUnit)
    return next((unit for unit in units if wanted in (unit, unit.removesuffix("s"), UNIT_TITLES[unit].zh)), None)


def due_at(start: datetime, limit: Limit, calendar: WorkingCalendar) -> Deadline:
    """Return until when a case reported at ``start`` has to be dealt with.

    Urgent hours run day and night, on holidays too. Working hours are those of the calendar: what is reported outside them counts
    from the next working moment. Working days end at the same time of day so many working days later, calendar days so many
    days later whatever day that is. Raises ValueError for a time without zone.
    """
    if start.tzinfo is None:
        raise ValueError("the time of a report needs a time zone")
    local = start.astimezone(calendar.zone)
    begun = calendar.next_working_moment(local) if limit.unit in ("working_hours", "working_days") else local
    if limit.unit == "urgent_hours":
        due = (local.astimezone(UTC) + timedelta(hours=limit.value)).astimezone(calendar.zone)
    elif limit.unit == "calendar_days":
        due = local + timedelta(days=limit.value)
    elif limit.unit == "working_hours":
        due = calendar.after_working_time(begun, timedelta(hours=limit.value))
    else:
        due = datetime.combine(calendar.working_day_after(begun.date(), limit.value), begun.timetz())
    is_provisional = limit.unit.startswith("working") and calendar.is_provisional(local.date(), due.date())
    why = _why(local, begun, due, limit, calendar)
    if is_provisional:
        why.append(_PROVISIONAL)
    return Deadline(due, limit, begun, is_provisional, tuple(why))


def _why(local: datetime, begun: datetime, due: datetime, limit: Limit, calendar: WorkingCalendar) -> list[Said]:
    """Return in sentences how a deadline came about, where it is not plain."""
    if limit.unit == "urgent_hours":
        return [Said("紧急工作时昼夜连续计算，节假日不停。", "Urgent hours run day and night, on holidays too.")]
    if limit.unit == "calendar_days":
        return [Said("自然日连续计算，节假日不停。", "Calendar days run on over holidays.")]
    said = []
    if begun != local:
        outside, first = _moment(local), _moment(begun)
        said.append(Said(f"{outside}不是工作时间，从{first}起算。", f"{outside} is no working time: it counts from {first}."))
    return [*said, *_unusual(calendar, local.date(), begun.date(), due.date())]


# Most cases of a day have the limits of a few rules.
@lru_cache(maxsize=1024)
def _unusual(calendar: WorkingCalendar, reported: date, begun: date, due: date) -> tuple[Said, ...]:
    """Return in sentences which days up to a deadline are not worked, or worked, otherwise than usual."""
    off = [day for day in _days(begun, due) if day.weekday() < _SATURDAY and not calendar.is_working_day(day)]
    on = [day for day in _days(reported, due) if day.weekday() >= _SATURDAY and calendar.is_working_day(day)]
    said = []
    if off:
        said.append(Said(f"其间放假：{_listed(off)}。", f"Days off in between: {_listed(off)}."))
    if on:
        said.append(Said(f"其间周末上班：{_listed(on)}。", f"Days at weekends that are worked: {_listed(on)}."))
    return tuple(said)


def _moment(at: datetime) -> str:
    return at.replace(tzinfo=None).isoformat(" ", "minutes")


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=k) for k in range((last - first).days + 1))


def _listed(days: list[date]) -> str:
    more = len(days) - _MOST_LISTED
    return ", ".join(f"{day:%m-%d}" for day in days[:_MOST_LISTED]) + (f", +{more}" if more > 0 else "")
