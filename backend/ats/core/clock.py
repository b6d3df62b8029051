"""Time is an argument: everything that needs now takes a Clock. Aware UTC everywhere."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells aware UTC time."""

    def now(self) -> datetime:
        """The current moment, aware, UTC."""
        ...


class SystemClock:
    """The machine's clock; the only place in ats that reads it."""

    def now(self) -> datetime:
        """The current moment, aware, UTC."""
        return datetime.now(UTC)  # noqa: TID251 -- the one adapter of the system clock


NANOSECONDS_PER_SECOND = 1_000_000_000


def to_ns(moment: datetime) -> int:
    """Nanoseconds since the epoch of an aware moment, exact to the microsecond. Raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("a naive datetime has no place in ats")
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return ((delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds) * 1_000


def from_ns(nanoseconds: int) -> datetime:
    """Aware UTC moment of nanoseconds since the epoch; digits below the microsecond are dropped."""
    seconds, rest = divmod(nanoseconds, NANOSECONDS_PER_SECOND)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1_000)
