"""How large an entry is: its notional, scaled to a volatility target, and the whole shares that buys."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal
from itertools import pairwise
from statistics import stdev

from ats.core.errors import InputError
from ats.core.money import decimal_from_float

_ZERO = Decimal(0)
_CENT = Decimal("0.01")
_PLACES = 8


def shares_for(order_notional: Decimal, price: Decimal) -> Decimal:
    """Whole shares that cost no more than `order_notional` at `price`, rounded down; 0 when the budget does not buy one.

    Raises InputError when either is not a finite number or the price is not above zero: a size that cannot be computed is no size.
    """
    if not order_notional.is_finite():
        raise InputError("order_notional", order_notional, "is not a finite amount")
    if not price.is_finite() or price <= _ZERO:
        raise InputError("price", price, "is not a price above zero", remedy="Wait for a fresh price.")
    return order_notional // price if order_notional > _ZERO else _ZERO


def annual_volatility(closes: Sequence[float], bars_a_year: float) -> float:
    """Standard deviation (n - 1) of the log returns of consecutive closes, times the root of the bars in a year; a fraction.

    Raises ValueError for fewer than three closes.
    """
    returns = [math.log(after / before) for before, after in pairwise(closes)]
    if len(returns) < 2:  # noqa: PLR2004 -- two returns make a spread
        raise ValueError("volatility needs three closes")
    return stdev(returns) * math.sqrt(bars_a_year)


def scaled_to_volatility(order_notional: Decimal, volatility: float, target: float) -> Decimal:
    """The notional times target over volatility, rounded down to the cent; never more than the notional itself.

    Source: constant-volatility sizing as in Moskowitz, Ooi and Pedersen (2012), Journal of Financial Economics 104, 228-250, without leverage.
    """
    if volatility <= target:
        return order_notional
    return (order_notional * decimal_from_float(target / volatility, _PLACES)).quantize(_CENT, ROUND_DOWN)
