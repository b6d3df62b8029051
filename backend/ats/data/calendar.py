"""The New York session: when a bar opened and closed, which sessions exist, when the next one opens.

Two sources. The nominal session (09:30 to 16:00 New York) needs only the zone's rules and is fast on arrays; daily bars are stamped with it,
also on days that closed early, which makes a bar known too late and never too early. The exchange's real calendar (holidays, early closes)
comes from `exchange_calendars`, whose import costs more than a second and is therefore paid on first use only.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ats.core.clock import from_ns, to_ns
from ats.core.errors import InputError
from ats.core.market import NEW_YORK, BarSpec

OPENS = time(9, 30)
CLOSES = time(16, 0)

Nanoseconds = NDArray[np.int64]
Days = NDArray[np.datetime64]

_SECOND = 1_000_000_000
_HOUR = 3_600 * _SECOND
_DAY = 24 * _HOUR
_LONGEST_CLOSURE = timedelta(days=14)


def nominal_open(on: date) -> datetime:
    """09:30 New York of the date, in UTC."""
    return datetime.combine(on, OPENS, NEW_YORK).astimezone(UTC)


def nominal_close(on: date) -> datetime:
    """16:00 New York of the date, in UTC."""
    return datetime.combine(on, CLOSES, NEW_YORK).astimezone(UTC)


def session_date(moment: datetime) -> date:
    """The New York date of an aware moment."""
    return moment.astimezone(NEW_YORK).date()


def opened_at(spec: BarSpec, event_at: datetime) -> datetime:
    """When the bar that closed at `event_at` opened: 09:30 New York of its date for a daily bar, one duration earlier for any other."""
    return event_at - spec.duration if spec.is_intraday else nominal_open(session_date(event_at))


def opened_ns(spec: BarSpec, event_ns: Nanoseconds) -> Nanoseconds:
    """`opened_at` for an array of nanoseconds since the epoch."""
    if spec.is_intraday:
        return event_ns - int(spec.duration.total_seconds()) * _SECOND
    return nominal_open_ns(session_dates(event_ns))


def new_york_offset_ns(utc_ns: Nanoseconds) -> Nanoseconds:
    """How far New York's wall clock is ahead of UTC (it is negative) at each moment, nanoseconds."""
    if len(utc_ns) == 0:
        return np.zeros(0, np.int64)
    moments, offsets = _transitions(from_ns(int(utc_ns.min())).year, from_ns(int(utc_ns.max())).year)
    return offsets[np.searchsorted(moments, utc_ns, side="right") - 1]


def session_dates(utc_ns: Nanoseconds) -> Days:
    """New York date of each moment, `datetime64[D]`."""
    return ((utc_ns + new_york_offset_ns(utc_ns)) // _DAY).astype("datetime64[D]")


def nominal_open_ns(dates: Days) -> Nanoseconds:
    """09:30 New York of each date, nanoseconds since the epoch, UTC."""
    return _local_ns(dates, OPENS)


def nominal_close_ns(dates: Days) -> Nanoseconds:
    """16:00 New York of each date, nanoseconds since the epoch, UTC."""
    return _local_ns(dates, CLOSES)


def sessions_between(first: date, last: date) -> Days:
    """Every day the exchange was, or by its rules will be, open, from `first` to `last` inclusive."""
    if first > last:
        return np.zeros(0, "datetime64[D]")
    sessions = _exchange(first.year, last.year).sessions.to_numpy().astype("datetime64[D]")
    inside = (sessions >= np.datetime64(first)) & (sessions <= np.datetime64(last))
    found: Days = sessions[inside]
    return found


def sessions_of(utc_ns: Nanoseconds) -> Days:
    """Every session from the first of these moments to the last."""
    if len(utc_ns) == 0:
        return np.zeros(0, "datetime64[D]")
    first, last = session_dates(np.array([utc_ns.min(), utc_ns.max()])).tolist()
    return sessions_between(first, last)


def is_session(on: date) -> bool:
    """Whether the exchange is open on the date."""
    return len(sessions_between(on, on)) == 1


def session_open(on: date) -> datetime:
    """The exchange's open on the date, in UTC. Raises InputError when it is closed that day."""
    return _session_moment(on, "opens")


def session_close(on: date) -> datetime:
    """The exchange's real close on the date, in UTC; 13:00 New York on a half day. Raises InputError when it is closed that day."""
    return _session_moment(on, "closes")


def next_session_open(after: datetime) -> datetime:
    """The first open strictly after the moment, in UTC."""
    return _first_after(after, "opens")


def next_session_close(after: datetime) -> datetime:
    """The first real close strictly after the moment, in UTC."""
    return _first_after(after, "closes")


class NewYorkExchange:
    """The exchange's sessions as objects ask for them (`kernel.opens.ExchangeCalendar`)."""

    def next_open(self, after: datetime) -> datetime:
        """First open strictly after the moment."""
        return next_session_open(after)

    def next_close(self, after: datetime) -> datetime:
        """First real close strictly after the moment."""
        return next_session_close(after)

    def close_of(self, session_on: date) -> datetime:
        """Real close of the date; 16:00 New York for a date the calendar does not know as a session but the data do."""
        return session_close(session_on) if is_session(session_on) else nominal_close(session_on)


def _local_ns(dates: Days, at: time) -> Nanoseconds:
    # New York changes its clocks at 02:00 on Sundays, so the offset at noon UTC (7 or 8 in the morning there) holds for the session.
    midnight = dates.astype("datetime64[D]").astype(np.int64) * _DAY
    local = midnight + (at.hour * 3_600 + at.minute * 60) * _SECOND
    return local - new_york_offset_ns(midnight + 12 * _HOUR)


@lru_cache(maxsize=256)
def _transitions(first_year: int, last_year: int) -> tuple[Nanoseconds, Nanoseconds]:
    pairs = [pair for year in range(first_year - 1, last_year + 1) for pair in _year_transitions(year)]
    moments, offsets = zip(*pairs, strict=True)
    return np.array(moments, np.int64), np.array(offsets, np.int64)


@lru_cache(maxsize=256)
def _year_transitions(year: int) -> tuple[tuple[int, int], ...]:
    """(moment, offset from it on) at the start of the year and at each change of clocks in it."""
    start = datetime(year, 1, 1, tzinfo=UTC)
    found = [(to_ns(start), _offset(start))]
    for day in range(366):
        morning = start + timedelta(days=day)
        if _offset(morning) == _offset(morning + timedelta(days=1)):
            continue
        changed = next(hour for hour in range(1, 25) if _offset(morning + timedelta(hours=hour)) != _offset(morning))
        moment = morning + timedelta(hours=changed)
        found.append((to_ns(moment), _offset(moment)))
    return tuple(found)


def _offset(moment: datetime) -> int:
    offset = moment.astimezone(NEW_YORK).utcoffset()
    return int(offset.total_seconds()) * _SECOND if offset is not None else 0


@lru_cache(maxsize=16)
def _exchange(first_year: int, last_year: int) -> Any:  # noqa: ANN401 -- the library ships no types
    from exchange_calendars import get_calendar  # noqa: PLC0415 -- its import costs over a second; most commands never need it

    return get_calendar("XNYS", start=f"{first_year - 1}-12-01", end=f"{last_year + 1}-01-31")


def _session_moment(on: date, which: str) -> datetime:
    exchange = _exchange(on.year, on.year)
    if not exchange.is_session(on.isoformat()):
        raise InputError("date", on.isoformat(), "is not a session of the New York Stock Exchange", remedy="Choose a trading day.")
    moment: datetime = getattr(exchange, which)[on.isoformat()].to_pydatetime()
    return moment.astimezone(UTC)


def _first_after(after: datetime, which: str) -> datetime:
    day = session_date(after)
    for session in sessions_between(day, day + _LONGEST_CLOSURE):
        moment = _session_moment(session.astype(object), which)
        if moment > after:
            return moment
    raise InputError("moment", after.isoformat(), f"has no session within {_LONGEST_CLOSURE.days} days", remedy="Check the calendar data.")
