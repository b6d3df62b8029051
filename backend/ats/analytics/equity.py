"""The equity curve: cash plus positions at the close, one mark a bar, from fills and closes alone.

Cash is summed exactly, in Decimal, over the fills; positions are marked with float64 closes. A fill counts from the first mark after it: at the
very moment of a close begins the next bar, so a fill stamped with that moment belongs to the next mark. Fills from the last mark on are in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from ats.core.clock import from_ns, to_ns
from ats.core.money import decimal_from_float
from ats.core.orders import Fill, Side

Floats = NDArray[np.float64]
Nanoseconds = NDArray[np.int64]
Commission = Callable[[Decimal, Decimal], Decimal]
"""Commission of an order from its quantity in shares and its price."""


@dataclass(frozen=True, slots=True, eq=False)
class EquityCurve:
    """Equity at each mark, in the account's currency: `equity` is `cash` plus the value of what is held; `gross` the value of it without signs."""

    event_ns: Nanoseconds
    equity: Floats
    cash: Floats
    gross: Floats
    starting_cash: Decimal

    @property
    def exposure(self) -> float | None:
        """Share of marks at which something was held, 0 to 1; None without marks."""
        return float(np.count_nonzero(self.gross)) / len(self.gross) if len(self.gross) else None


def equity_curve(event_ns: Nanoseconds, closes: Mapping[str, Floats], fills: Sequence[Fill], starting_cash: Decimal) -> EquityCurve:
    """Equity at every moment of `event_ns` (ascending); `closes` holds one price a moment for every instrument in `fills`.

    Raises ValueError for a fill in an instrument without closes, or a position at a moment its close is not a number.
    """
    ordered = sorted(fills, key=lambda fill: fill.filled_at)
    unknown = {fill.instrument_id for fill in ordered} - set(closes)
    if unknown:
        raise ValueError(f"fills in {', '.join(sorted(unknown))} have no closes")
    flows = [-fill.side.sign * fill.quantity * fill.price - fill.commission for fill in ordered]
    cash = _at_marks(event_ns, ordered, [float(value) for value in accumulate(flows, initial=starting_cash)])
    value, gross = np.zeros(len(event_ns)), np.zeros(len(event_ns))
    for instrument_id, prices in closes.items():
        held = _held_value(event_ns, prices, [fill for fill in ordered if fill.instrument_id == instrument_id])
        value += held
        gross += np.abs(held)
    if not np.isfinite(value).all():
        raise ValueError("a position has no close to be marked with")
    return EquityCurve(event_ns, cash + value, cash, gross, starting_cash)


def buy_and_hold(
    instrument_id: str,
    *,
    open_price: Decimal,
    opened_ns: int,
    event_ns: Nanoseconds,
    close: Floats,
    starting_cash: Decimal,
    commission: Commission,
) -> tuple[EquityCurve, Fill | None]:
    """What buying at one open and holding would have given with the same cash and commissions.

    As many whole shares as the cash pays for, commission included, are bought at `open_price` at the moment `opened_ns`: give the first
    open at which the strategy could have bought. The fill is None, and equity stays cash, when not even one share can be paid.
    """
    quantity = affordable_shares(starting_cash, open_price, commission)
    fill = (
        None
        if quantity == 0
        else _benchmark_fill(instrument_id, quantity, open_price, commission(quantity, open_price), from_ns(opened_ns))
    )
    curve = equity_curve(event_ns, {instrument_id: close}, [] if fill is None else [fill], starting_cash)
    return curve, fill


def affordable_shares(cash: Decimal, price: Decimal, commission: Commission) -> Decimal:
    """The most whole shares whose price and commission together `cash` pays for. Commission must not fall with the quantity."""
    low, high = 0, max(int(cash / price), 0)
    while low < high:  # at most log2(high) rounds
        middle = (low + high + 1) // 2
        cost = middle * price + commission(Decimal(middle), price)
        low, high = (middle, high) if cost <= cash else (low, middle - 1)
    return Decimal(low)


def price_at_open(open_price: float, price_precision: int) -> Decimal:
    """An open of a price series as money, at the precision the series is stored with."""
    return decimal_from_float(open_price, price_precision)


def _held_value(event_ns: Nanoseconds, prices: Floats, fills: Sequence[Fill]) -> Floats:
    positions = accumulate((fill.side.sign * fill.quantity for fill in fills), initial=Decimal(0))
    held = _at_marks(event_ns, fills, [float(position) for position in positions])
    return np.multiply(held, prices, out=np.zeros(len(event_ns)), where=held != 0)


def _at_marks(event_ns: Nanoseconds, fills: Sequence[Fill], states: Sequence[float]) -> Floats:
    """The state in force at each mark; `states[i]` holds after the first i fills."""
    filled_ns = np.array([to_ns(fill.filled_at) for fill in fills], np.int64)
    if len(event_ns):
        filled_ns = np.minimum(filled_ns, event_ns[-1] - 1)
    result: Floats = np.array(states, np.float64)[np.searchsorted(filled_ns, event_ns, side="left")]
    return result


def _benchmark_fill(instrument_id: str, quantity: Decimal, price: Decimal, commission: Decimal, at: datetime) -> Fill:
    return Fill(
        execution_id="buy-and-hold",
        client_order_id="buy-and-hold",
        venue_order_id="buy-and-hold",
        strategy="buy_and_hold",
        instrument_id=instrument_id,
        side=Side.BUY,
        quantity=quantity,
        price=price,
        commission=commission,
        currency="USD",
        filled_at=at,
    )
