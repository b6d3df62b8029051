"""Rolling values brought up to date on demand, at constant cost per bar, that never depend on when they were asked before.

Totals are exact integers, extremes are exact by nature. Wilder's average remembers for ever, so it is cut off where what it would
still remember is too small to show: a window seeded anywhere gives the same rounded value.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from functools import cache

_SCALE = 2.0**64
_FORGOTTEN = 1e-20
_UNMOVED = 1e-9
_ROUNDER = 1.5 * 2.0**32
_NEUTRAL = 50.0


def exact(value: float) -> int:
    """The value in units of 2^-64: exact for every price from 2^-12 up, so sums of prices carry no rounding error."""
    return int(value * _SCALE)


class RollingTotal:
    """Sum of the last `bars` values, exact, in units of 2^-64."""

    __slots__ = ("_bars", "_count", "_total")

    def __init__(self, bars: int) -> None:
        self._bars = bars
        self._count = 0
        self._total = 0

    def up_to(self, values: Sequence[float], count: int) -> int:
        """The sum after `count` values, of which `values` holds the newest."""
        missed = count - self._count
        bars = self._bars
        if missed == 1 and len(values) > bars:
            self._total += int(values[-1] * _SCALE) - int(values[-1 - bars] * _SCALE)
        elif missed:
            self._catch_up(values, missed)
        self._count = count
        return self._total

    def _catch_up(self, values: Sequence[float], missed: int) -> None:
        bars = self._bars
        if self._count < bars or missed >= bars // 2 or missed + bars > len(values):
            self._total = sum(map(exact, values[-bars:]))
            return
        for age in range(1, missed + 1):
            self._total += int(values[-age] * _SCALE) - int(values[-age - bars] * _SCALE)


class RollingExtreme:
    """Highest (sign 1) or lowest (sign -1) of the `bars` values before the newest one.

    Keeps a queue of candidates, each as long as it can still become the extreme.
    """

    __slots__ = ("_bars", "_candidates", "_next", "_sign")

    def __init__(self, bars: int, sign: int) -> None:
        self._bars = bars
        self._sign = sign
        self._candidates: deque[tuple[int, float]] = deque()
        self._next = 0

    def before_newest(self, values: Sequence[float], count: int) -> float:
        """The extreme of values number `count - 1 - bars` to `count - 2`, of which `values` holds the newest."""
        candidates, sign = self._candidates, self._sign
        newest = count - 1
        oldest = newest - self._bars
        offset = count - len(values)
        for number in range(max(self._next, oldest), newest):
            value = sign * values[number - offset]
            while candidates and candidates[-1][1] <= value:
                candidates.pop()
            candidates.append((number, value))
        self._next = newest
        while candidates[0][0] < oldest:
            candidates.popleft()
        return sign * candidates[0][1]


@cache
def wilder_memory(period: int) -> int:
    """Closes after which everything before weighs less than 1e-20 in Wilder's averages. `period` is 2 or more."""
    return period + 1 + math.ceil(math.log(_FORGOTTEN) / math.log(1 - 1 / period))


class WilderRsi:
    """Wilder's relative strength index: 100 times the average gain over the average gain plus loss.

    The averages begin as the mean of the first `period` changes and then take in each change with weight 1/period. When both
    together are below a billionth of the price the price has not moved, and the index is 50. Rounded to the nearest 2^-20.
    Source: J. Welles Wilder, New Concepts in Technical Trading Systems (1978).
    """

    __slots__ = ("_count", "_gain", "_kept", "_loss", "_period", "_taken")

    def __init__(self, period: int) -> None:
        self._period = period
        self._kept = (period - 1) / period
        self._taken = 1 / period
        self._count = 0
        self._gain = 0.0
        self._loss = 0.0

    def up_to(self, closes: Sequence[float], count: int) -> float:
        """The index after `count` closes, of which `closes` holds the newest."""
        missed = count - self._count
        if missed == 1 and self._count:
            change = closes[-1] - closes[-2]
            self._gain = self._gain * self._kept + (change * self._taken if change > 0.0 else 0.0)
            self._loss = self._loss * self._kept - (change * self._taken if change < 0.0 else 0.0)
        elif missed:
            self._catch_up(closes, missed)
        self._count = count
        moved = self._gain + self._loss
        if moved <= _UNMOVED * closes[-1]:
            return _NEUTRAL
        return 100.0 * self._gain / moved + _ROUNDER - _ROUNDER

    def _catch_up(self, closes: Sequence[float], missed: int) -> None:
        if self._count == 0 or missed >= len(closes):
            first = [closes[index + 1] - closes[index] for index in range(self._period)]
            self._gain = math.fsum(change for change in first if change > 0) / self._period
            self._loss = -math.fsum(change for change in first if change < 0) / self._period
            missed = len(closes) - self._period - 1
        for age in range(missed, 0, -1):
            change = closes[-age] - closes[-age - 1]
            self._gain = self._gain * self._kept + max(change, 0.0) * self._taken
            self._loss = self._loss * self._kept + max(-change, 0.0) * self._taken
