"""Prices over time for one instrument: a pure function of the data and the moment, so that every run shows the same market.

Within a bar the price runs from the open to the nearer extreme, to the other extreme, to the close: down first in a rising bar, up first in
a falling one. The quote is one tick wide and leans with the move: a rising price trades at the ask, a falling one at the bid. Bars of any
length, ticks and quotes all come from this one path and therefore agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from ats.core.market import Bar
from ats.gateway.simulated.config import SimulatedInstrument
from ats.gateway.simulated.world.timeline import Slot, Timeline

_EIGHTHS = 8
_VERTICES = (0, 2, 5, 7, 8)
_SECOND_NS = 1_000_000_000
_MANY_TICKS_NS = 120 * _SECOND_NS
_LOT = 100


@dataclass(frozen=True, slots=True)
class Quote:
    """The market at one moment."""

    at_ns: int
    bid: Decimal
    ask: Decimal
    last: Decimal
    bid_size: Decimal
    ask_size: Decimal
    last_size: Decimal


@dataclass(frozen=True, slots=True)
class MarketBar:
    """Prices and volume over an interval of simulated time."""

    start_ns: int
    end_ns: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    count: int

    @property
    def average(self) -> Decimal:
        """The typical price, which stands in for the volume-weighted one."""
        return ((self.high + self.low + self.close) / 3).quantize(Decimal("0.0001"))


@dataclass(frozen=True, slots=True)
class _Path:
    slot: Slot
    points: tuple[tuple[int, int], ...]  # moment, price in ticks
    volume: int
    previous: int  # the price before the bar, in ticks

    def price(self, moment_ns: int) -> int:
        for (left_ns, left), (right_ns, right) in zip(self.points, self.points[1:], strict=False):
            if moment_ns <= right_ns:
                return left + (right - left) * max(moment_ns - left_ns, 0) // (right_ns - left_ns)
        return self.points[-1][1]

    def is_falling(self, moment_ns: int) -> bool:
        before = self.previous
        for (left_ns, left), (right_ns, right) in zip(self.points, self.points[1:], strict=False):
            if moment_ns <= left_ns:
                return left < before
            if moment_ns <= right_ns:
                return right < left
            before = left
        return False

    def latest_step_ns(self, moment_ns: int) -> int:
        step = _step_ns(self.slot)
        return self.slot.start_ns + (min(moment_ns, self.slot.end_ns - 1) - self.slot.start_ns) // step * step

    def volume_until(self, moment_ns: int) -> int:
        length = self.slot.end_ns - self.slot.start_ns
        passed = min(max(moment_ns - self.slot.start_ns, 0), length)
        return self.volume * passed // length


class Tape:
    """The price path of one instrument on its timeline."""

    def __init__(self, instrument: SimulatedInstrument, timeline: Timeline) -> None:
        self.instrument = instrument
        self._timeline = timeline
        self._bars = instrument.bars
        self._data_end_ns = timeline.slots[len(self._bars) - 1].end_ns
        self._latest: tuple[int, _Path] | None = None

    @property
    def begins_ns(self) -> int:
        """When the oldest bar opens."""
        return self._timeline.slots[0].start_ns

    def is_exhausted(self, moment_ns: int) -> bool:
        """Whether the data have ended and the price stands still."""
        return moment_ns >= self._data_end_ns

    def quote(self, moment_ns: int) -> Quote:
        """The quote that stands at the moment, as the latest trade left it; before the first bar, its open."""
        index = self._timeline.at(moment_ns)
        if index < 0:
            return self._quote_at(0, self.begins_ns)
        path = self._path(index)
        moments = [path.latest_step_ns(moment_ns), *(at_ns for at_ns, _ in path.points[:-1] if at_ns <= moment_ns)]
        return self._quote_at(index, max(moments))

    def _quote_at(self, index: int, moment_ns: int) -> Quote:
        path, tick = self._path(index), self.instrument.tick
        last = path.price(moment_ns)
        bid = last if path.is_falling(moment_ns) else last - 1
        size = Decimal(_LOT * (1 + index % 9))
        return Quote(moment_ns, bid * tick, (bid + 1) * tick, last * tick, size, size, Decimal(_LOT))

    def bar(self, start_ns: int, end_ns: int) -> MarketBar | None:
        """The bar of the half-open interval, None when no trading time falls into it."""
        parts = [self._part(index, start_ns, end_ns) for index in self._timeline.between(start_ns, end_ns)]
        if not parts:
            return None
        tick = self.instrument.tick
        return MarketBar(
            start_ns,
            end_ns,
            parts[0].open * tick,
            max(part.high for part in parts) * tick,
            min(part.low for part in parts) * tick,
            parts[-1].close * tick,
            Decimal(sum(part.volume for part in parts)),
            sum(part.count for part in parts),
        )

    def ticks(self, after_ns: int, until_ns: int) -> Iterator[Quote]:
        """The trades after one moment and until another, in order; over a long silence only each bar's turning points."""
        coarse = until_ns - after_ns > _MANY_TICKS_NS
        for index in self._timeline.between(after_ns, until_ns + 1):
            path = self._path(index)
            moments = {moment for moment, _ in path.points[:-1]}
            if not coarse:
                moments.update(_grid(path.slot, after_ns, until_ns))
            for moment in sorted(moments):
                if after_ns < moment <= until_ns:
                    yield self._quote_at(index, moment)

    def next_tick_ns(self, after_ns: int) -> int:
        """A moment by which the next trade has happened at the latest, for pacing."""
        slot = self._timeline.slots[max(self._timeline.at(after_ns), 0)]
        step = _step_ns(slot)
        return after_ns + step - (after_ns - slot.start_ns) % step

    def _part(self, index: int, start_ns: int, end_ns: int) -> _Part:
        slot = self._timeline.slots[index]
        if start_ns <= slot.start_ns and slot.end_ns <= end_ns and index < len(self._bars):
            return self._whole(self._bars[index], slot)
        path = self._path(index)
        from_ns, to_ns = max(start_ns, path.slot.start_ns), min(end_ns, path.slot.end_ns)
        prices = [path.price(from_ns), *(price for moment, price in path.points if from_ns <= moment <= to_ns), path.price(to_ns)]
        volume = path.volume_until(to_ns) - path.volume_until(from_ns)
        return _Part(prices[0], max(prices), min(prices), prices[-1], volume, max((to_ns - from_ns) // _step_ns(path.slot), 1))

    def _whole(self, bar: Bar, slot: Slot) -> _Part:
        open_, high, low, close = (self._ticks_of(price) for price in (bar.open, bar.high, bar.low, bar.close))
        return _Part(open_, high, low, close, int(bar.volume), (slot.end_ns - slot.start_ns) // _step_ns(slot))

    def _path(self, index: int) -> _Path:
        if self._latest is None or self._latest[0] != index:
            self._latest = (index, self._build_path(index))
        return self._latest[1]

    def _build_path(self, index: int) -> _Path:
        slot = self._timeline.slots[index]
        last = len(self._bars) - 1
        previous = self._ticks_of(self._bars[min(index - 1, last)].close if index else self._bars[0].open)
        prices = self._prices(self._bars[index]) if index <= last else (previous,) * 5
        eighth = (slot.end_ns - slot.start_ns) // _EIGHTHS
        moments = [slot.start_ns + eighth * vertex for vertex in _VERTICES[:-1]] + [slot.end_ns]
        volume = int(self._bars[index].volume) if index <= last else 0
        return _Path(slot, tuple(zip(moments, prices, strict=True)), volume, previous)

    def _prices(self, bar: Bar) -> tuple[int, ...]:
        open_, high, low, close = (self._ticks_of(price) for price in (bar.open, bar.high, bar.low, bar.close))
        first, second = (low, high) if close >= open_ else (high, low)
        return open_, first, second, close, close

    def _ticks_of(self, price: Decimal) -> int:
        return int((price / self.instrument.tick).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


@dataclass(frozen=True, slots=True)
class _Part:
    open: int
    high: int
    low: int
    close: int
    volume: int
    count: int


def _step_ns(slot: Slot) -> int:
    return min((slot.end_ns - slot.start_ns) // _EIGHTHS, _SECOND_NS)


def _grid(slot: Slot, after_ns: int, until_ns: int) -> range:
    step = _step_ns(slot)
    first = max(-(-(after_ns + 1 - slot.start_ns) // step), 0)
    return range(slot.start_ns + first * step, min(until_ns + 1, slot.end_ns), step)
