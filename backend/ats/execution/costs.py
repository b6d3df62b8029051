"""Commission models applied by the engine itself, so that the fills in the event stream carry their cost."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from nautilus_trader.backtest.models import FeeModel
from nautilus_trader.model.objects import Money

_CENT = Decimal("0.01")


def ib_fixed_commission(quantity: Decimal, price: Decimal, filled_before: Decimal = Decimal(0)) -> Decimal:
    """Commission of one fill of a US stock order under Interactive Brokers' fixed plan, USD, rounded to the cent.

    0.005 per share, at least 1.00 and at most 1 % of the value, per order: the minimum is charged once across partial fills.
    Source: Interactive Brokers, commissions for US stocks, fixed pricing.
    """
    total = _order_commission(filled_before + quantity, price)
    charged = _order_commission(filled_before, price) if filled_before else Decimal(0)
    return (total - charged).quantize(_CENT, ROUND_HALF_UP)


def _order_commission(quantity: Decimal, price: Decimal) -> Decimal:
    return min(max(quantity * Decimal("0.005"), Decimal(1)), quantity * price / 100)


class IbFixedFeeModel(FeeModel):  # type: ignore[misc]  # the engine ships no types
    """Interactive Brokers' fixed US stock commission, for the engine."""

    def get_commission(self, order: object, fill_qty: object, fill_px: object, instrument: object) -> Money:
        """Commission of this fill; `order.filled_qty` is the state before it."""
        amount = ib_fixed_commission(fill_qty.as_decimal(), fill_px.as_decimal(), order.filled_qty.as_decimal())  # type: ignore[attr-defined]
        return Money(amount, instrument.quote_currency)  # type: ignore[attr-defined]
