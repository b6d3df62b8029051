"""How much to buy: one helper that every strategy sizes through."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal


def shares_for(order_notional: Decimal, price: Decimal) -> Decimal:
    """Whole shares that cost at most `order_notional` at `price`; zero when not even one does."""
    if price <= 0:
        return Decimal(0)
    return (order_notional / price).to_integral_value(ROUND_FLOOR)
