"""When an order trades and at which price. Pure."""

from __future__ import annotations

from decimal import Decimal

from ats.core.orders import Side
from ats.gateway.simulated.world.records import GatewayOrder
from ats.gateway.simulated.world.tape import Quote

MARKET = "MKT"
LIMIT = "LMT"
STOP = "STP"
STOP_LIMIT = "STP LMT"
ORDER_TYPES = (MARKET, LIMIT, STOP, STOP_LIMIT)
LIMITED = (LIMIT, STOP_LIMIT)
STOPPED = (STOP, STOP_LIMIT)


def is_triggered(order: GatewayOrder, quote: Quote) -> bool:
    """Whether a stop has been reached; orders without one always are."""
    if order.order_type not in STOPPED or order.is_triggered:
        return True
    if order.stop_price is None:
        return False
    return quote.last >= order.stop_price if order.side is Side.BUY else quote.last <= order.stop_price


def fill_price(order: GatewayOrder, quote: Quote, *, is_resting: bool) -> Decimal | None:
    """The price at which a triggered order trades against the quote, None when it does not.

    An order that arrives takes the quote; a limit order that was already resting is met at its limit, never better.
    """
    touch = quote.ask if order.side is Side.BUY else quote.bid
    if order.order_type not in LIMITED:
        return touch
    limit = order.limit_price
    if limit is None:
        return None
    reached = touch <= limit if order.side is Side.BUY else touch >= limit
    if not reached:
        return None
    return limit if is_resting else touch
