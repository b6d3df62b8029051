"""Round trips: fills grouped from flat to flat, with exact money.

A round trip begins with the fill that leaves flat and ends with the one that returns to it; adding and taking off in between belong to it.
Its entry price is the average of all fills that increased the position, its exit price the average of all that reduced it (average cost, not
FIFO: the profit of a whole trip is the same by both). A fill that turns the position round is split in two, its commission in proportion.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from ats.core.orders import Fill, Side

_NONE = Decimal(0)


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """One trip in one instrument. While it is open, `exited_at` is None and `profit` counts what was realised so far.

    `side` is the entry's; `quantity` all shares entered; prices are averages; `profit` is net of `commission`, in the fills' currency.
    """

    instrument_id: str
    side: Side
    quantity: Decimal
    entered_at: datetime
    exited_at: datetime | None
    entry_price: Decimal
    exit_price: Decimal | None
    commission: Decimal
    profit: Decimal

    @property
    def is_open(self) -> bool:
        """Whether shares are still held or owed."""
        return self.exited_at is None

    @property
    def profit_fraction(self) -> float:
        """Net profit over what the entry cost; 0.05 is five per cent."""
        return float(self.profit / (self.quantity * self.entry_price))


@dataclass(slots=True)
class _Trip:
    """A trip being built. Sums are of price times quantity."""

    first: Fill
    entered: Decimal = _NONE
    entered_value: Decimal = _NONE
    exited: Decimal = _NONE
    exited_value: Decimal = _NONE
    commission: Decimal = _NONE
    exited_at: datetime | None = field(default=None)

    @property
    def position(self) -> Decimal:
        return self.first.side.sign * (self.entered - self.exited)

    def add(self, fill: Fill) -> None:
        self.commission += fill.commission
        if fill.side is self.first.side:
            self.entered += fill.quantity
            self.entered_value += fill.quantity * fill.price
        else:
            self.exited += fill.quantity
            self.exited_value += fill.quantity * fill.price
        if self.entered == self.exited:
            self.exited_at = fill.filled_at

    def result(self) -> RoundTrip:
        entry = self.entered_value / self.entered
        realised = self.first.side.sign * (self.exited_value - entry * self.exited) if self.exited_at is None else self._whole_profit()
        return RoundTrip(
            instrument_id=self.first.instrument_id,
            side=self.first.side,
            quantity=self.entered,
            entered_at=self.first.filled_at,
            exited_at=self.exited_at,
            entry_price=entry,
            exit_price=self.exited_value / self.exited if self.exited else None,
            commission=self.commission,
            profit=realised - self.commission,
        )

    def _whole_profit(self) -> Decimal:
        """Without a division, so that the profits of all trips add up to the cash exactly."""
        return self.first.side.sign * (self.exited_value - self.entered_value)


def round_trips(fills: Iterable[Fill]) -> tuple[RoundTrip, ...]:
    """Every trip of every instrument in the order of its entry; the open ones, at most one an instrument, are included."""
    done: list[_Trip] = []
    open_trips: dict[str, _Trip] = {}
    for fill in sorted(fills, key=lambda fill: fill.filled_at):
        for part in _split(fill, open_trips.get(fill.instrument_id)):
            trip = open_trips.setdefault(fill.instrument_id, _Trip(part))
            trip.add(part)
            if trip.position == 0:
                done.append(open_trips.pop(fill.instrument_id))
    trips = [trip.result() for trip in (*done, *open_trips.values())]
    return tuple(sorted(trips, key=lambda trip: trip.entered_at))


def closed(trips: Iterable[RoundTrip]) -> tuple[RoundTrip, ...]:
    """Those that are over."""
    return tuple(trip for trip in trips if not trip.is_open)


def _split(fill: Fill, trip: _Trip | None) -> Sequence[Fill]:
    """The fill, or its closing and its opening part when it turns the position round."""
    if trip is None or fill.side is trip.first.side or fill.quantity <= abs(trip.position):
        return (fill,)
    closing = abs(trip.position)
    commission = fill.commission * closing / fill.quantity
    return (
        replace(fill, quantity=closing, commission=commission),
        replace(fill, quantity=fill.quantity - closing, commission=fill.commission - commission),
    )
