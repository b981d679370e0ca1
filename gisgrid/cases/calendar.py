"""Which days and hours are worked: public holidays, make-up working days, hours of work."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import NamedTuple

import holidays

from gisgrid.deployment import Deployment
from gisgrid.errors import ConfigError

_DAY = timedelta(days=1)
_YEARS_LOOKED_BACK = 30
_YEARS_AHEAD = 5
# Where people worked on weekends for days off, and do so no more: Taiwan since 2026, Ukraine since 2023.
_ENDED = frozenset({"TW", "UA"})


class _Year(NamedTuple):
    """The working days among Monday to Sunday that are not as usual: days off, days on, and whether both are published."""

    off: frozenset[date]
    on: frozenset[date]
    is_published: bool


@cache
def _published(country: str, year: int) -> _Year:
    """Return what is known of a country's year; without a country there are no holidays."""
    if not country:
        return _Year(frozenset(), frozenset(), True)
    # What is made up for the first days of a year may be worked at the end of the year before.
    found = _holidays(country, range(year, year + 2))
    off = frozenset(day for day in found if day.year == year)
    on = frozenset(day for day in found.weekend_workdays if day.year == year)
    return _Year(off, on, bool(on) or _is_published(country, year))


def _holidays(country: str, years: range) -> holidays.HolidayBase:
    code, _, part = country.partition("-")
    return holidays.country_holidays(code, subdiv=part or None, years=years)


def _is_published(country: str, year: int) -> bool:
    """Say whether a year without make-up days can be believed: none are usual, the custom has ended, or later years have theirs."""
    if country.partition("-")[0] in _ENDED:
        return True
    around = _holidays(country, range(max(year - _YEARS_LOOKED_BACK, 1), year + _YEARS_AHEAD))
    years = {day.year for day in around.weekend_workdays}
    return not any(year - _YEARS_LOOKED_BACK <= one < year for one in years) or any(one > year for one in years)


def calendar_of(deployment: Deployment) -> WorkingCalendar:
    """Return the working calendar of a city; raises ConfigError when the holidays of its country are not known."""
    cases = deployment.cases
    calendar = WorkingCalendar(cases.country, cases.timezone, cases.stretches, days_off=cases.days_off, days_on=cases.days_on)
    try:
        calendar.is_working_day(date.today())
    except NotImplementedError:
        raise ConfigError(
            f"The public holidays of {cases.country!r} are not known.",
            "`country` of `[cases]` takes a code of ISO 3166 that the library `holidays` knows, such as CN, FI or DE-BY; empty for none.",
        ) from None
    return calendar


class WorkingCalendar:
    """The working days and hours of a city.

    ``country`` is its ISO 3166 code (empty: Monday to Friday, no holidays), ``hours`` the stretches of work of each working day in
    local time, ``days_off`` and ``days_on`` what the city knows beyond the library: they go before it, and a year that has any
    counts as published.
    """

    def __init__(
        self,
        country: str,
        timezone: str,
        hours: Iterable[tuple[time, time]],
        *,
        days_off: Iterable[date] = (),
        days_on: Iterable[date] = (),
    ) -> None:
        self.country, self.zone = country, zoneinfo.ZoneInfo(timezone)
        self.hours = tuple(sorted(hours))
        self._off, self._on = frozenset(days_off), frozenset(days_on)

    def is_working_day(self, day: date) -> bool:
        """Say whether a day is worked."""
        if day in self._on or day in self._off:
            return day in self._on
        year = _published(self.country, day.year)
        return day in year.on or (day.weekday() < 5 and day not in year.off)

    def is_provisional(self, first: date, last: date) -> bool:
        """Say whether a period touches a year whose make-up days are not published yet."""
        own = {day.year for day in self._on | self._off}
        return any(year not in own and not _published(self.country, year).is_published for year in range(first.year, last.year + 1))

    def working_day_after(self, day: date, count: int) -> date:
        """Return the day that is so many working days after ``day``."""
        while count > 0:
            day += _DAY
            count -= self.is_working_day(day)
        return day

    def next_working_moment(self, at: datetime) -> datetime:
        """Return ``at`` (in any zone) in local time if it is worked then, else when work begins next."""
        local = at.astimezone(self.zone)
        return next(max(begin, local) for begin, end in self._stretches(local.date()) if end > local)

    def after_working_time(self, at: datetime, span: timedelta) -> datetime:
        """Return the first moment by which ``span`` of working time has passed since ``at``."""
        local = at.astimezone(self.zone)
        for begin, end in self._stretches(local.date()):
            if end <= local:
                continue
            # Differences in UTC: clocks may be put forward or back in between.
            start = max(begin, local).astimezone(UTC)
            length = end.astimezone(UTC) - start
            if span <= length:
                return (start + span).astimezone(self.zone)
            span -= length
        raise AssertionError("working days do not end")

    def _stretches(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        """Yield when work begins and ends, from ``day`` on."""
        while True:
            if self.is_working_day(day):
                for begin, end in self.hours:
                    yield datetime.combine(day, begin, self.zone), datetime.combine(day, end, self.zone)
            day += _DAY
