"""When each bar of the data happens in simulated time. Pure; moments are nanoseconds since the epoch.

Compressed: bars stand one after the other, each as long as the target bar. True pace, intraday: the recording is moved so that its
next bar opens now, gaps and all. True pace, daily: bars take the weekdays around today, 09:30 to 16:00 in New York. Behind the last
bar of the data the rhythm goes on, so that the market can stand still at its last price without ending.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from ats.core.clock import from_ns, to_ns
from ats.core.market import Bar, BarSpec

EXCHANGE_ZONE = ZoneInfo("America/New_York")
_OPENS = time(9, 30)
_CLOSES = time(16, 0)
_FRIDAY = 4
_NANOSECONDS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Slot:
    """The time of one bar: it opens at `start_ns` and is over at `end_ns`."""

    start_ns: int
    end_ns: int


@dataclass(slots=True)
class Timeline:
    """Slots in order, extended by `following` as far as anybody asks."""

    slots: list[Slot]
    following: Callable[[Slot], Slot]
    _starts: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._starts = [slot.start_ns for slot in self.slots]

    def at(self, moment_ns: int) -> int:
        """Index of the last slot that has started at the moment; -1 before the first."""
        while self.slots[-1].end_ns <= moment_ns:
            following = self.following(self.slots[-1])
            self.slots.append(following)
            self._starts.append(following.start_ns)
        return bisect_right(self._starts, moment_ns) - 1

    def between(self, start_ns: int, end_ns: int) -> range:
        """Indexes of the slots that share time with the half-open interval."""
        if end_ns <= start_ns:
            return range(0)
        last = self.at(end_ns - 1)
        first = max(self.at(start_ns), 0)
        if first <= last and self.slots[first].end_ns <= start_ns:
            first += 1
        return range(first, last + 1)


def compressed_timeline(bars: int, history_bars: int, length: timedelta, now: datetime) -> Timeline:
    """Bars back to back, each `length` long, the one after the history in progress now."""
    length_ns = int(length.total_seconds()) * _NANOSECONDS
    origin_ns = to_ns(now) // length_ns * length_ns - min(history_bars, bars) * length_ns
    slots = [Slot(origin_ns + index * length_ns, origin_ns + (index + 1) * length_ns) for index in range(bars)]
    return Timeline(slots, _next_of(length_ns))


def true_pace_timeline(bars: Sequence[Bar], history_bars: int, spec: BarSpec, now: datetime) -> Timeline:
    """Bars at the pace of their recording, the one after the history in progress now, or today's for daily bars."""
    if spec.is_intraday:
        return _moved_timeline(bars, history_bars, spec, now)
    return _weekday_timeline(len(bars), history_bars, now)


def _moved_timeline(bars: Sequence[Bar], history_bars: int, spec: BarSpec, now: datetime) -> Timeline:
    length_ns = int(spec.duration.total_seconds()) * _NANOSECONDS
    starts = [to_ns(bar.opened_at) for bar in bars]
    following = starts[history_bars] if history_bars < len(starts) else starts[-1] + length_ns
    shift = to_ns(now) // length_ns * length_ns - following
    return Timeline([Slot(start + shift, start + shift + length_ns) for start in starts], _next_of(length_ns))


def _weekday_timeline(bars: int, history_bars: int, now: datetime) -> Timeline:
    today = now.astimezone(EXCHANGE_ZONE).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    while today.weekday() > _FRIDAY:
        today += timedelta(days=1)
    history = min(history_bars, bars)
    days = [today] if history < bars else []
    day = today
    while len(days) < bars - history:
        day = _weekday(day, 1)
        days.append(day)
    day = today
    for _ in range(history):
        day = _weekday(day, -1)
        days.insert(0, day)
    return Timeline([_session(day) for day in days], _next_session)


def _weekday(day: datetime, step: int) -> datetime:
    day += timedelta(days=step)
    while day.weekday() > _FRIDAY:
        day += timedelta(days=step)
    return day


def _session(day: datetime) -> Slot:
    opens = datetime.combine(day.date(), _OPENS, EXCHANGE_ZONE)
    closes = datetime.combine(day.date(), _CLOSES, EXCHANGE_ZONE)
    return Slot(_aware_ns(opens), _aware_ns(closes))


def _aware_ns(moment: datetime) -> int:
    return int(moment.timestamp()) * _NANOSECONDS


def _next_of(length_ns: int) -> Callable[[Slot], Slot]:
    return lambda slot: Slot(slot.end_ns, slot.end_ns + length_ns)


def _next_session(slot: Slot) -> Slot:
    return _session(_weekday(from_ns(slot.start_ns).astimezone(EXCHANGE_ZONE).replace(tzinfo=None), 1))
