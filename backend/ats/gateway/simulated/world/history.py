"""Historical bars of any size, cut from an instrument's tape the way the broker cuts them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from ats.core.clock import from_ns, to_ns
from ats.gateway.simulated.world.tape import MarketBar, Tape
from ats.gateway.simulated.world.times import (
    BAR_SIZES,
    DAY,
    MONTH,
    WEEK,
    NotUnderstoodError,
    bar_time,
    before,
    day_start,
    exchange_day,
    parse_duration,
)

MOST_BARS = 50_000
"""The longest answer, in bars."""


class TooMuchHistoryError(ValueError):
    """More bars were asked for than one answer holds."""


@dataclass(frozen=True, slots=True)
class HistoryRequest:
    """A stretch of history: bar size, how far back, until when, and how dates are written."""

    bar_size: timedelta
    count: int
    unit: str
    format_date: int

    @classmethod
    def parse(cls, bar_size: str, duration: str, format_date: int | None) -> HistoryRequest:
        """Read what a client asked for. Raises NotUnderstoodError naming what cannot be read."""
        size = BAR_SIZES.get(bar_size)
        if size is None:
            raise NotUnderstoodError(f"{bar_size!r} is not a bar size")
        return cls(size, *parse_duration(duration), format_date or 1)

    @property
    def is_daily(self) -> bool:
        """Whether a bar covers whole days."""
        return self.bar_size >= DAY

    def label(self, bar: MarketBar) -> str:
        """The bar's date: its start for intraday bars, its day for daily ones, its last day for longer ones."""
        if not self.is_daily:
            return bar_time(self.format_date)(from_ns(bar.start_ns))
        day = exchange_day(from_ns(bar.start_ns if self.bar_size == DAY else bar.end_ns - 1))
        return f"{day:%Y%m%d}"


def bars_until(tape: Tape, request: HistoryRequest, end: datetime) -> list[MarketBar]:
    """The bars of the stretch that ends at `end`, oldest first; the last one may still be forming. Raises TooMuchHistoryError."""
    start = before(end, request.count, request.unit)
    if request.is_daily:
        return _daily(tape, request, start, end)
    size_ns = int(request.bar_size.total_seconds()) * 1_000_000_000
    end_ns = to_ns(end)
    first_ns = max(to_ns(start), tape.begins_ns) // size_ns * size_ns
    if (end_ns - first_ns) // size_ns > MOST_BARS:
        raise TooMuchHistoryError("Time length exceed max.")
    return list(_grid(tape, first_ns, end_ns, size_ns))


def _grid(tape: Tape, first_ns: int, end_ns: int, size_ns: int) -> Iterator[MarketBar]:
    for start_ns in range(first_ns, end_ns, size_ns):
        bar = tape.bar(start_ns, min(start_ns + size_ns, end_ns))
        if bar is not None:
            yield bar


def _daily(tape: Tape, request: HistoryRequest, start: datetime, end: datetime) -> list[MarketBar]:
    """Daily bars, counted in trading days when the duration is; weeks and months are put together from them."""
    in_days = request.unit == "D" and request.bar_size == DAY
    oldest = exchange_day(from_ns(tape.begins_ns)) if in_days else max(exchange_day(start), exchange_day(from_ns(tape.begins_ns)))
    days: list[MarketBar] = []
    day = exchange_day(end)
    while day >= oldest and not (in_days and len(days) == request.count):
        bar = tape.bar(to_ns(day_start(day)), min(to_ns(day_start(day + timedelta(days=1))), to_ns(end)))
        if bar is not None:
            days.append(bar)
        day -= timedelta(days=1)
    days.reverse()
    if request.bar_size == DAY:
        return days
    return _grouped(days, _week_of if request.bar_size == WEEK else _month_of)


def _grouped(days: list[MarketBar], period_of: Callable[[date], tuple[int, int]]) -> list[MarketBar]:
    groups: dict[tuple[int, int], list[MarketBar]] = {}
    for bar in days:
        groups.setdefault(period_of(exchange_day(from_ns(bar.start_ns))), []).append(bar)
    return [_joined(bars) for bars in groups.values()]


def _week_of(day: date) -> tuple[int, int]:
    return day.isocalendar()[:2]


def _month_of(day: date) -> tuple[int, int]:
    return day.year, day.month


def _joined(bars: list[MarketBar]) -> MarketBar:
    return MarketBar(
        bars[0].start_ns,
        bars[-1].end_ns,
        bars[0].open,
        max(bar.high for bar in bars),
        min(bar.low for bar in bars),
        bars[-1].close,
        sum((bar.volume for bar in bars), start=bars[0].volume * 0),
        sum(bar.count for bar in bars),
    )


def forming_bar(tape: Tape, request: HistoryRequest, now_ns: int) -> MarketBar | None:
    """The bar in progress at the moment, as it stands."""
    bars = bars_until(tape, HistoryRequest(request.bar_size, *_one_bar(request.bar_size), request.format_date), from_ns(now_ns))
    return bars[-1] if bars else None


def _one_bar(size: timedelta) -> tuple[int, str]:
    if size < DAY:
        return max(int(size.total_seconds()), 1), "S"
    return (1, "D") if size == DAY else (1, "M" if size == MONTH else "W")


def next_boundary_ns(request: HistoryRequest, now_ns: int) -> int:
    """When the bar in progress is over."""
    if request.is_daily:
        return to_ns(day_start(exchange_day(from_ns(now_ns)) + timedelta(days=1)))
    size_ns = int(request.bar_size.total_seconds()) * 1_000_000_000
    return (now_ns // size_ns + 1) * size_ns


def head_time(tape: Tape) -> datetime:
    """When the oldest bar opens."""
    return from_ns(tape.begins_ns).astimezone(UTC)
