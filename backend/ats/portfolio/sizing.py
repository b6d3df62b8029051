"""How many shares a budget buys."""

from __future__ import annotations

from decimal import Decimal

from ats.core.errors import InputError

_ZERO = Decimal(0)


def shares_for(order_notional: Decimal, price: Decimal) -> Decimal:
    """Whole shares that cost no more than `order_notional` at `price`, rounded down; 0 when the budget does not buy one.

    Raises InputError when either is not a finite number or the price is not above zero: a size that cannot be computed is no size.
    """
    if not order_notional.is_finite():
        raise InputError("order_notional", order_notional, "is not a finite amount")
    if not price.is_finite() or price <= _ZERO:
        raise InputError("price", price, "is not a price above zero", remedy="Wait for a fresh price.")
    return order_notional // price if order_notional > _ZERO else _ZERO
