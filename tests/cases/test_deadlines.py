"""Deadlines over nights, weekends, holidays, make-up working days and the ends of years."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, date, datetime, time, timedelta

import chinese_calendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gisgrid.cases.calendar import WorkingCalendar, calendar_of
from gisgrid.cases.deadlines import Limit, LimitUnit, due_at, unit_named
from gisgrid.deployment import load_deployment
from gisgrid.errors import ConfigError

SHANGHAI = zoneinfo.ZoneInfo("Asia/Shanghai")
HELSINKI = zoneinfo.ZoneInfo("Europe/Helsinki")
HOURS = [(time(8), time(12)), (time(14), time(18))]
CHINA = WorkingCalendar("CN", "Asia/Shanghai", HOURS)
FINLAND = WorkingCalendar("FI", "Europe/Helsinki", [(time(9), time(17))])

# Of 2026 the days off are: 1-3 January (the 4th, a Sunday, is worked), 15-23 February (14 and 28 February, Saturdays, are worked),
# 4-6 April, 1-5 May (9 May worked), 19-21 June, 25-27 September, 1-7 October (20 September and 10 October worked).
EXAMPLES: list[tuple[str, int, LimitUnit, str]] = [
    # hours of the clock: day and night, on holidays too
    ("2026-11-02 10:00", 2, "urgent_hours", "2026-11-02 12:00"),
    ("2026-11-07 23:30", 4, "urgent_hours", "2026-11-08 03:30"),
    ("2026-02-16 23:30", 2, "urgent_hours", "2026-02-17 01:30"),
    ("2025-12-31 23:00", 2, "urgent_hours", "2026-01-01 01:00"),
    # hours of work: 08-12 and 14-18
    ("2026-11-02 08:00", 4, "working_hours", "2026-11-02 12:00"),
    ("2026-11-02 09:00", 4, "working_hours", "2026-11-02 15:00"),
    ("2026-11-02 11:30", 1, "working_hours", "2026-11-02 14:30"),
    ("2026-11-02 12:00", 1, "working_hours", "2026-11-02 15:00"),  # the morning is over
    ("2026-11-02 12:30", 1, "working_hours", "2026-11-02 15:00"),
    ("2026-11-02 08:00", 8, "working_hours", "2026-11-02 18:00"),
    ("2026-11-02 17:30", 1, "working_hours", "2026-11-03 08:30"),
    ("2026-11-03 03:00", 2, "working_hours", "2026-11-03 10:00"),  # at night
    ("2026-11-06 17:00", 4, "working_hours", "2026-11-09 11:00"),  # over a weekend
    ("2026-11-07 10:00", 4, "working_hours", "2026-11-09 12:00"),  # on a Saturday
    ("2026-09-30 17:00", 4, "working_hours", "2026-10-08 11:00"),  # over the National Day
    ("2026-10-09 17:00", 4, "working_hours", "2026-10-10 11:00"),  # into a Saturday that is worked
    ("2026-02-13 16:00", 4, "working_hours", "2026-02-14 10:00"),
    ("2026-02-14 17:00", 4, "working_hours", "2026-02-24 11:00"),  # over the Spring Festival
    ("2026-02-18 09:00", 4, "working_hours", "2026-02-24 12:00"),  # on a holiday
    ("2025-12-31 17:00", 4, "working_hours", "2026-01-04 11:00"),  # over the year's end, into a Sunday that is worked
    ("2024-12-31 17:00", 4, "working_hours", "2025-01-02 11:00"),
    # working days: the same time of day so many of them later
    ("2026-11-02 10:00", 1, "working_days", "2026-11-03 10:00"),
    ("2026-11-06 10:00", 1, "working_days", "2026-11-09 10:00"),
    ("2026-11-07 10:00", 1, "working_days", "2026-11-10 08:00"),  # counted from Monday morning
    ("2026-11-02 12:30", 1, "working_days", "2026-11-03 14:00"),  # counted from the end of the break
    ("2026-11-02 19:00", 2, "working_days", "2026-11-05 08:00"),
    ("2026-09-30 10:00", 2, "working_days", "2026-10-09 10:00"),
    ("2026-10-08 15:00", 3, "working_days", "2026-10-12 15:00"),  # 9, 10 (a Saturday) and 12 October
    ("2026-02-13 09:00", 5, "working_days", "2026-02-27 09:00"),  # 14, 24, 25, 26, 27 February
    ("2026-02-27 09:00", 1, "working_days", "2026-02-28 09:00"),
    ("2026-04-30 16:00", 2, "working_days", "2026-05-07 16:00"),
    ("2025-12-30 09:00", 3, "working_days", "2026-01-05 09:00"),  # 31 December, 4 and 5 January
    ("2024-02-08 09:00", 3, "working_days", "2024-02-19 09:00"),  # 9, 18 (a Sunday) and 19 February
    ("2025-01-24 09:00", 2, "working_days", "2025-01-27 09:00"),  # 26 (a Sunday) and 27 January
    ("2025-09-30 10:00", 3, "working_days", "2025-10-11 10:00"),  # 9, 10 and 11 (a Saturday) October
    # days of the calendar
    ("2026-09-29 10:00", 7, "calendar_days", "2026-10-06 10:00"),
    ("2025-12-28 23:59", 7, "calendar_days", "2026-01-04 23:59"),
    ("2024-02-28 12:00", 2, "calendar_days", "2024-03-01 12:00"),
]


def at(text: str, zone: zoneinfo.ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(("start", "value", "unit", "due"), EXAMPLES)
def test_worked_examples_of_the_chinese_calendar(start: str, value: int, unit: LimitUnit, due: str) -> None:
    found = due_at(at(start), Limit(value, unit), CHINA)
    assert found.due_at == at(due)
    assert found.due_at.utcoffset() == timedelta(hours=8)
    assert not found.is_provisional
    # Wherever the report comes from, it is the same instant.
    assert due_at(at(start).astimezone(UTC), Limit(value, unit), CHINA) == found


def test_other_countries_have_their_own_holidays_and_clocks() -> None:
    assert due_at(at("2026-12-23 15:00", HELSINKI), Limit(1, "working_days"), FINLAND).due_at == at("2026-12-28 15:00", HELSINKI)
    # The clocks go forward on Sunday 29 March at 03:00.
    assert due_at(at("2026-03-27 16:30", HELSINKI), Limit(1, "working_hours"), FINLAND).due_at == at("2026-03-30 09:30", HELSINKI)
    urgent = due_at(at("2026-03-29 02:30", HELSINKI), Limit(2, "urgent_hours"), FINLAND).due_at
    assert urgent == at("2026-03-29 05:30", HELSINKI)
    assert urgent - datetime(2026, 3, 29, 0, 30, tzinfo=UTC) == timedelta(hours=2)
    assert due_at(at("2026-03-28 12:00", HELSINKI), Limit(1, "calendar_days"), FINLAND).due_at == at("2026-03-29 12:00", HELSINKI)


def test_without_a_country_monday_to_friday_are_worked() -> None:
    plain = WorkingCalendar("", "UTC", [(time(9), time(17))])
    assert [plain.is_working_day(date(2026, 10, day)) for day in range(1, 8)] == [True, True, False, False, True, True, True]
    assert not plain.is_provisional(date(2026, 1, 1), date(2099, 1, 1))


@pytest.mark.parametrize("year", [2024, 2025, 2026])
def test_the_working_days_are_those_of_another_library(year: int) -> None:
    days = [date(year, 1, 1) + timedelta(days=k) for k in range(366) if (date(year, 1, 1) + timedelta(days=k)).year == year]
    assert [day for day in days if CHINA.is_working_day(day) != chinese_calendar.is_workday(day)] == []


def counted_by_the_minute(start: datetime, hours: int) -> datetime:
    """When so many working hours are over, counted minute by minute with the other library."""
    moment, left = start, hours * 60
    while left:
        worked = chinese_calendar.is_workday(moment.date()) and any(begin <= moment.time() < end for begin, end in HOURS)
        left -= worked
        moment += timedelta(minutes=1) if worked or moment.time().minute else timedelta(hours=1)
    return moment


@given(
    st.datetimes(datetime(2024, 1, 1), datetime(2026, 12, 20)).map(lambda moment: moment.replace(second=0, microsecond=0)),
    st.integers(1, 20),
)
@settings(max_examples=40)
def test_working_hours_are_what_counting_them_one_by_one_gives(start: datetime, hours: int) -> None:
    counted = counted_by_the_minute(start, hours).replace(tzinfo=SHANGHAI)
    assert due_at(start.replace(tzinfo=SHANGHAI), Limit(hours, "working_hours"), CHINA).due_at == counted


@given(st.datetimes(datetime(2024, 1, 1), datetime(2026, 11, 1), timezones=st.just(SHANGHAI)), st.integers(1, 30))
@settings(max_examples=40)
def test_a_longer_limit_never_ends_earlier_and_always_within_working_hours(start: datetime, value: int) -> None:
    for unit in ("working_hours", "working_days"):
        shorter, longer = (due_at(start, Limit(count, unit), CHINA).due_at for count in (value, value + 1))
        assert start < shorter < longer
        assert CHINA.is_working_day(shorter.date())
        assert any(begin <= shorter.time() <= end for begin, end in HOURS)


def test_a_year_whose_make_up_days_are_not_published_is_said_so() -> None:
    found = due_at(at("2026-12-30 17:30"), Limit(3, "working_days"), CHINA)
    assert found.is_provisional
    assert found.why[-1].zh == "所涉年份的调休安排尚未公布，期限可能变动。"
    for unit in ("urgent_hours", "calendar_days"):
        assert not due_at(at("2026-12-30 17:30"), Limit(300, unit), CHINA).is_provisional
    assert not due_at(at("2026-12-29 10:00"), Limit(1, "working_days"), CHINA).is_provisional


@pytest.mark.parametrize(
    ("country", "year", "is_provisional"),
    [
        ("CN", 2026, False),
        ("CN", 2027, True),
        ("CN", 2050, True),
        ("CN", 1990, False),
        ("HU", 2023, False),  # none that year, but known for later ones
        ("TW", 2030, False),  # no more since 2026
        ("FI", 2030, False),
        ("DE-BY", 2030, False),
        ("", 2030, False),
    ],
)
def test_whether_a_year_is_published_depends_on_what_is_usual_there(country: str, year: int, is_provisional: bool) -> None:
    there = WorkingCalendar(country, "UTC", HOURS)
    assert there.is_provisional(date(year, 3, 1), date(year, 4, 1)) is is_provisional


def test_days_that_a_city_adds_go_before_the_library() -> None:
    own = WorkingCalendar("CN", "Asia/Shanghai", HOURS, days_off=[date(2026, 11, 3)], days_on=[date(2026, 11, 7), date(2027, 1, 3)])
    assert due_at(at("2026-11-02 10:00"), Limit(1, "working_days"), own).due_at == at("2026-11-04 10:00")
    assert due_at(at("2026-11-06 10:00"), Limit(1, "working_days"), own).due_at == at("2026-11-07 10:00")
    # Who knows the make-up days of a year has its calendar.
    assert not due_at(at("2026-12-31 10:00"), Limit(2, "working_days"), own).is_provisional
    assert due_at(at("2026-12-31 10:00"), Limit(1, "working_days"), own).due_at == at("2027-01-03 10:00")


def test_reasons_tell_what_is_not_plain() -> None:
    def why(start: str, unit: LimitUnit, value: int = 3) -> list[str]:
        return [one.en for one in due_at(at(start), Limit(value, unit), CHINA).why]

    assert why("2026-11-02 10:00", "working_days") == []
    assert why("2026-11-02 19:00", "working_hours") == ["2026-11-02 19:00 is no working time: it counts from 2026-11-03 08:00."]
    assert why("2026-10-08 15:00", "working_days") == ["Days at weekends that are worked: 10-10."]
    assert why("2026-09-30 10:00", "working_days") == [
        "Days off in between: 10-01, 10-02, 10-05, 10-06, 10-07.",
        "Days at weekends that are worked: 10-10.",
    ]
    assert why("2026-11-02 10:00", "urgent_hours") == ["Urgent hours run day and night, on holidays too."]


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("紧急工作时", "urgent_hours"),
        ("工作时", "working_hours"),
        (" 工作日 ", "working_days"),
        ("自然日", "calendar_days"),
        ("Working Hours", "working_hours"),
        ("working_day", "working_days"),
        ("小时", None),
        ("", None),
    ],
)
def test_units_have_names_in_both_languages(text: str, unit: LimitUnit | None) -> None:
    assert unit_named(text) == unit


def test_a_limit_is_written_in_words() -> None:
    assert Limit(4, "working_hours").said() == ("4工作时", "4 working hours")
    assert Limit(1, "working_days").said().en == "1 working day"


def test_a_time_without_zone_is_no_instant() -> None:
    with pytest.raises(ValueError, match="time zone"):
        due_at(datetime(2026, 11, 2, 10), Limit(1, "urgent_hours"), CHINA)


def test_the_calendar_of_a_city_stands_in_its_deployment() -> None:
    shibei = calendar_of(load_deployment("shibei"))
    assert (shibei.country, shibei.zone, list(shibei.hours)) == ("CN", SHANGHAI, HOURS)
    finland = calendar_of(load_deployment("helsinki"))
    assert not finland.is_working_day(date(2026, 6, 19))
    unknown = load_deployment("shibei").model_copy(update={"cases": load_deployment("shibei").cases.model_copy(update={"country": "ZZ"})})
    with pytest.raises(ConfigError, match="'ZZ' are not known"):
        calendar_of(unknown)
