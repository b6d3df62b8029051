"""How clients write moments, bar sizes and durations, and how the gateway writes the times of bars. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ats.gateway.simulated.world.timeline import EXCHANGE_ZONE

ZONE_NAME = "US/Eastern"
_MOMENT = re.compile(r"(\d{8})(?:([ -]+)(\d{2}:\d{2}:\d{2})(?: +([A-Za-z_/]+))?)?", re.ASCII)
_DURATION = re.compile(r"([1-9][0-9]{0,8}) ([SDWMY])", re.ASCII)
_ZONE_ALIASES = {"US/Eastern": "America/New_York", "EST": "America/New_York", "EST5EDT": "America/New_York"}
_DAYS = {"D": 1, "W": 7, "M": 30, "Y": 365}
_LONGEST_DAYS = 366 * 60
_EARLIEST_YEAR = 1970

DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)
MONTH = timedelta(days=30)
BAR_SIZES: dict[str, timedelta] = {
    **{f"{n} secs": timedelta(seconds=n) for n in (1, 5, 10, 15, 30)},
    "1 sec": timedelta(seconds=1),
    "1 min": timedelta(minutes=1),
    **{f"{n} mins": timedelta(minutes=n) for n in (1, 2, 3, 5, 10, 15, 20, 30)},
    "1 hour": timedelta(hours=1),
    **{f"{n} hours": timedelta(hours=n) for n in (1, 2, 3, 4, 8)},
    "1 day": DAY,
    "1 week": WEEK,
    "1W": WEEK,
    "1 month": MONTH,
    "1M": MONTH,
}
"""Bar sizes a client may ask for."""


class NotUnderstoodError(ValueError):
    """A client asks for something whose words mean nothing here. It is told so; nothing else happens."""


def parse_moment(text: str) -> datetime | None:
    """A moment as clients write it, None when empty. A dash before the time means UTC, no zone New York's. Raises NotUnderstoodError."""
    if not text:
        return None
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise NotUnderstoodError(f"{text!r} is not a moment")
    try:
        moment = datetime.strptime(f"{match[1]} {match[3] or '00:00:00'}", "%Y%m%d %H:%M:%S")  # noqa: DTZ007 -- the zone follows
        zone = _zone(match[4], is_utc=match[2] == "-")
        moment = moment.replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError, OSError, ZoneInfoNotFoundError) as error:  # OSError: the name of a folder of zones
        raise NotUnderstoodError(f"{text!r} is not a moment") from error
    if moment.year < _EARLIEST_YEAR:
        raise NotUnderstoodError(f"{text!r} is before {_EARLIEST_YEAR}")
    return moment


def _zone(name: str | None, *, is_utc: bool) -> ZoneInfo:
    if name is None:
        return ZoneInfo("UTC") if is_utc else EXCHANGE_ZONE
    return ZoneInfo(_ZONE_ALIASES.get(name, name))


def parse_duration(text: str) -> tuple[int, str]:
    """Count and unit of a duration, such as 10 M. Raises NotUnderstoodError."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise NotUnderstoodError(f"{text!r} is not a duration")
    count, unit = int(match[1]), match[2]
    if unit != "S" and count * _DAYS[unit] > _LONGEST_DAYS:
        raise NotUnderstoodError(f"{text!r} is too long")
    return count, unit


def before(moment: datetime, count: int, unit: str) -> datetime:
    """The moment that lies a duration earlier; months and years by the calendar."""
    if unit == "S":
        return moment - timedelta(seconds=count)
    if unit in ("D", "W"):
        return moment - timedelta(days=count * _DAYS[unit])
    months = moment.year * 12 + moment.month - 1 - count * (12 if unit == "Y" else 1)
    year, month = divmod(months, 12)
    return moment.replace(year=year, month=month + 1, day=min(moment.day, _month_length(year, month + 1)))


def _month_length(year: int, month: int) -> int:
    following = date(year + month // 12, month % 12 + 1, 1)
    return (following - timedelta(days=1)).day


def exchange_day(moment: datetime) -> date:
    """The exchange's calendar day at the moment."""
    return moment.astimezone(EXCHANGE_ZONE).date()


def day_start(day: date) -> datetime:
    """Midnight in New York, as UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=EXCHANGE_ZONE).astimezone(UTC)


def bar_time(format_date: int) -> Callable[[datetime], str]:
    """How bars shorter than a day are dated: epoch seconds for format 2, New York time otherwise."""
    if format_date == 2:  # noqa: PLR2004 -- the protocol's number
        return lambda moment: str(int(moment.timestamp()))
    return exchange_time


def exchange_time(moment: datetime) -> str:
    """The moment as gateways write it, with its zone: `20260413 15:27:04 US/Eastern`."""
    return f"{moment.astimezone(EXCHANGE_ZONE):%Y%m%d %H:%M:%S} {ZONE_NAME}"
