"""Which days the exchange is open, known in advance: the scheduled US equity holidays, and counting sessions within a month.

Closures nobody could plan for (September 2001, Hurricane Sandy, days of mourning) are left out on purpose: a decision before
such a day did not know of it either.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

IsSession = Callable[[date], bool]
"""Whether the exchange is scheduled to open on a day."""

_ONE_DAY = timedelta(days=1)
_SATURDAY, _SUNDAY = 5, 6
_JUNETEENTH_SINCE = 2022


@dataclass(frozen=True, slots=True)
class MonthPosition:
    """Where a day stands among its month's sessions: `number` up to and including the day, `left` after it."""

    number: int
    left: int


def month_position(on: date, is_session: IsSession) -> MonthPosition:
    """Count the sessions of the day's month before and after it, from the schedule alone."""
    first = on.replace(day=1)
    number = left = 0
    for offset in range(31):
        day = first + offset * _ONE_DAY
        if day.month == on.month and is_session(day):
            number += day <= on
            left += day > on
    return MonthPosition(number, left)


def is_us_equity_session(on: date) -> bool:
    """Whether US stock exchanges are scheduled to open: a weekday and no exchange holiday. Valid from 1998 on."""
    return on.weekday() < _SATURDAY and on not in us_equity_holidays(on.year)


def sessions_left(on: date, is_session: IsSession = is_us_equity_session) -> int:
    """Scheduled sessions of the day's month after the day."""
    return month_position(on, is_session).left


@lru_cache(maxsize=256)
def us_equity_holidays(year: int) -> frozenset[date]:
    """Full-day holidays of the New York Stock Exchange in a year, as scheduled (rule 7.2)."""
    days = {
        _nth_weekday(year, 1, 0, 3),  # Martin Luther King Jr. Day
        _nth_weekday(year, 2, 0, 3),  # Washington's Birthday
        _easter_sunday(year) - 2 * _ONE_DAY,  # Good Friday
        _nth_weekday(year, 6, 0, 1) - 7 * _ONE_DAY,  # Memorial Day, the last Monday of May
        _observed(date(year, 7, 4)),
        _nth_weekday(year, 9, 0, 1),  # Labor Day
        _nth_weekday(year, 11, 3, 4),  # Thanksgiving
        _observed(date(year, 12, 25)),
    }
    new_year = date(year, 1, 1)
    if new_year.weekday() != _SATURDAY:  # a Saturday's would fall on the last day of the accounting year, so it is not observed
        days.add(_observed(new_year))
    if year >= _JUNETEENTH_SINCE:
        days.add(_observed(date(year, 6, 19)))
    return frozenset(days)


def _observed(day: date) -> date:
    if day.weekday() == _SATURDAY:
        return day - _ONE_DAY
    return day + _ONE_DAY if day.weekday() == _SUNDAY else day


def _nth_weekday(year: int, month: int, weekday: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + ((weekday - first.weekday()) % 7 + 7 * (nth - 1)) * _ONE_DAY


def _easter_sunday(year: int) -> date:
    """Gregorian Easter. Source: the anonymous computus as printed in J. Meeus, Astronomical Algorithms (1991), chapter 8."""
    golden = year % 19
    century, of_century = divmod(year, 100)
    leaps, rest = divmod(century, 4)
    correction = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leaps - correction + 15) % 30
    quarter, remainder = divmod(of_century, 4)
    to_sunday = (32 + 2 * rest + 2 * quarter - epact - remainder) % 7
    shift = (golden + 11 * epact + 22 * to_sunday) // 451
    month, day = divmod(epact + to_sunday - 7 * shift + 114, 31)
    return date(year, month, day + 1)
