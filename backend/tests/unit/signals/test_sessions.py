"""The built-in schedule of US sessions against the reference calendar, and counting within a month."""

from datetime import date, timedelta

import exchange_calendars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats.signals.sessions import MonthPosition, is_us_equity_session, month_position, sessions_left, us_equity_holidays

NOT_FORESEEN = {
    *(date(2001, 9, day) for day in (11, 12, 13, 14)),
    date(2004, 6, 11),
    date(2007, 1, 2),
    date(2012, 10, 29),
    date(2012, 10, 30),
    date(2018, 12, 5),
    date(2025, 1, 9),
}
"""Closures decided at short notice: attacks, storm, days of mourning."""


@pytest.fixture(scope="module")
def reference():
    return exchange_calendars.get_calendar("XNYS", start="1999-12-01", end="2026-12-31")


def days(first, last):
    return (first + timedelta(days=offset) for offset in range((last - first).days + 1))


def test_the_schedule_equals_the_exchange_calendar_but_for_unforeseen_closures(reference):
    """2000-2026, every day."""
    sessions = {stamp.date() for stamp in reference.sessions}
    first, last = date(2000, 1, 1), min(date(2026, 12, 31), reference.last_session.date())
    assert last >= date(2026, 6, 30)
    scheduled = {day for day in days(first, last) if is_us_equity_session(day)}
    assert scheduled - sessions == NOT_FORESEEN
    assert {day for day in sessions if first <= day <= last} - scheduled == set()


def test_sessions_left_equals_the_exchange_calendar_in_months_without_unforeseen_closures(reference):
    sessions = [stamp.date() for stamp in reference.sessions]
    unforeseen = {(day.year, day.month) for day in NOT_FORESEEN}
    by_month: dict[tuple[int, int], list[date]] = {}
    for session in sessions:
        by_month.setdefault((session.year, session.month), []).append(session)
    months = [month for month in by_month if month[0] >= 2000 and month not in unforeseen][:-1]
    assert len(months) > 300
    for month in months:
        for number, session in enumerate(by_month[month], start=1):
            assert month_position(session, is_us_equity_session) == MonthPosition(number, len(by_month[month]) - number)
            assert sessions_left(session) == len(by_month[month]) - number


@pytest.mark.parametrize(
    ("day", "is_session"),
    [
        (date(2021, 12, 31), True),  # New Year's Day 2022 was a Saturday: not observed
        (date(2022, 12, 26), False),  # Christmas on a Sunday
        (date(2021, 6, 18), True),  # Juneteenth not yet a holiday of the exchange
        (date(2022, 6, 20), False),
        (date(2024, 3, 29), False),  # Good Friday
        (date(2023, 1, 2), False),  # New Year's Day on a Sunday
        (date(2020, 7, 3), False),  # Independence Day on a Saturday
        (date(2024, 11, 29), True),  # the half day after Thanksgiving is a session
    ],
)
def test_the_rules_with_an_exception_in_them(day, is_session):
    assert is_us_equity_session(day) is is_session


@given(on=st.dates(date(1998, 1, 1), date(2100, 12, 31)))
def test_number_and_left_move_by_one_at_every_session(on):
    position = month_position(on, is_us_equity_session)
    following = on + timedelta(days=1)
    if following.month == on.month:
        step = int(is_us_equity_session(following))
        after = month_position(following, is_us_equity_session)
        assert (after.number, after.left) == (position.number + step, position.left - step)
    else:
        assert position.left == 0


@given(year=st.integers(1998, 2100))
def test_no_holiday_falls_on_a_weekend_and_a_year_has_eight_to_ten(year):
    holidays = us_equity_holidays(year)
    assert all(day.weekday() < 5 for day in holidays)
    assert 8 <= len(holidays) <= 10
