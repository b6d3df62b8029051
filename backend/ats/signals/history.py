"""The window of closed bars a rule decides on: cheap to extend on every bar, and exact in what it derives.

Derived values (means, channels, RSI) are brought up to date when asked for, so a rule pays only for what it uses. None of them
depends on when it was asked before: the same bars give the same answer, after a restart as in a long run.
"""

from __future__ import annotations

from datetime import date

from ats.core.errors import InputError
from ats.core.invariant import invariant
from ats.signals.rolling import RollingExtreme, RollingTotal, WilderRsi, exact, wilder_memory

_HIGHEST_PRICE = 1e12
_SLACK = 64


class History:
    """The last `capacity` closed bars, at least. Columns are plain lists, newest last: read them, never change them.

    `count` is the number of bars ever appended; columns keep between `capacity` and about twice as many.
    """

    __slots__ = (
        "_highs",
        "_lows",
        "_rsis",
        "_totals",
        "_trim_at",
        "capacity",
        "closes",
        "count",
        "highs",
        "lows",
        "opens",
        "session_on",
        "volumes",
    )

    def __init__(self, capacity: int) -> None:
        invariant(capacity >= 1, "history.capacity_positive", capacity=capacity)
        self.capacity = capacity
        self.count = 0
        self.opens: list[float] = []
        self.highs: list[float] = []
        self.lows: list[float] = []
        self.closes: list[float] = []
        self.volumes: list[float] = []
        self.session_on: list[date] = []
        self._trim_at = 2 * (capacity + _SLACK)
        self._totals: dict[int, RollingTotal] = {}
        self._highs: dict[int, RollingExtreme] = {}
        self._lows: dict[int, RollingExtreme] = {}
        self._rsis: dict[int, WilderRsi] = {}

    def append(self, open_: float, high: float, low: float, close: float, volume: float, session_on: date) -> None:
        """Add a closed bar.

        Raises InputError when its prices cannot be a bar's: NaN, not positive, outside low to high (row J19). The history is then as it was.
        """
        if not (0.0 < low <= open_ <= high <= _HIGHEST_PRICE and low <= close <= high):
            raise InputError(
                "bar",
                (open_, high, low, close),
                "cannot be open, high, low and close of a bar",
                remedy="Run `ats data check` on the instrument.",
            )
        self.opens.append(open_)
        self.highs.append(high)
        self.lows.append(low)
        self.closes.append(close)
        self.volumes.append(volume)
        self.session_on.append(session_on)
        self.count += 1
        if len(self.closes) >= self._trim_at:
            self._trim()

    def _trim(self) -> None:
        surplus = len(self.closes) - self.capacity - _SLACK
        for prices in (self.opens, self.highs, self.lows, self.closes, self.volumes):
            del prices[:surplus]
        del self.session_on[:surplus]

    def is_warm(self, bars: int) -> bool:
        """Whether at least `bars` bars have closed. Asking for more than the capacity is a programming error."""
        invariant(bars <= self.capacity, "history.capacity_covers_rule", bars=bars, capacity=self.capacity)
        return self.count >= bars

    def is_mean_above(self, fast_bars: int, slow_bars: int) -> bool:
        """Whether the mean of the last `fast_bars` closes is above the mean of the last `slow_bars`. Exact, no rounding: equal is not above."""
        closes, count, totals = self.closes, self.count, self._totals
        fast = (totals.get(fast_bars) or self._new_total(fast_bars)).up_to(closes, count)
        slow = (totals.get(slow_bars) or self._new_total(slow_bars)).up_to(closes, count)
        return fast * slow_bars > slow * fast_bars

    def is_close_above_mean(self, bars: int) -> bool:
        """Whether the newest close is above the mean of the last `bars` closes, itself included. Exact: equal is not above."""
        total = (self._totals.get(bars) or self._new_total(bars)).up_to(self.closes, self.count)
        return exact(self.closes[-1]) * bars > total

    def highest_before(self, bars: int) -> float:
        """Highest high of the `bars` bars before the newest one."""
        highs = self._highs.get(bars)
        if highs is None:
            self._require(bars + 1)
            highs = self._highs[bars] = RollingExtreme(bars, 1)
        return highs.before_newest(self.highs, self.count)

    def lowest_before(self, bars: int) -> float:
        """Lowest low of the `bars` bars before the newest one."""
        lows = self._lows.get(bars)
        if lows is None:
            self._require(bars + 1)
            lows = self._lows[bars] = RollingExtreme(bars, -1)
        return lows.before_newest(self.lows, self.count)

    def rsi(self, period: int) -> float:
        """Wilder's relative strength index of the closes, 0 to 100; 50 when the price has not moved."""
        rsi = self._rsis.get(period)
        if rsi is None:
            self._require(wilder_memory(period))
            rsi = self._rsis[period] = WilderRsi(period)
        return rsi.up_to(self.closes, self.count)

    def _new_total(self, bars: int) -> RollingTotal:
        self._require(bars)
        total = self._totals[bars] = RollingTotal(bars)
        return total

    def _require(self, bars: int) -> None:
        """A history only grows, so it is enough to ask once, when a derived value is first wanted."""
        invariant(self.is_warm(bars), "history.warm_before_use", bars=bars, count=self.count)
