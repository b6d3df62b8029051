"""What a gateway refuses about an order before it reaches the market, in the gateway's own codes. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ats.core.orders import Side
from ats.gateway.simulated.config import SimulatedInstrument
from ats.gateway.simulated.wire.layouts import Values
from ats.gateway.simulated.world import matching
from ats.gateway.simulated.world.records import GatewayOrder, OrderStatus

TIMES_IN_FORCE = ("DAY", "GTC", "IOC", "FOK")
_LARGEST_QUANTITY = Decimal(10) ** 9


@dataclass(frozen=True, slots=True)
class Objection:
    """An error code and the text that goes with it."""

    code: int
    text: str


LARGEST_ORDER_ID = (1 << 31) - 2

INVALID_ID = Objection(321, "Error validating request.-'bO' : cause - Invalid order id")
DUPLICATE_ID = Objection(103, "Duplicate order id")
READ_ONLY = Objection(321, "Error validating request.-'bO' : cause - The API interface is currently in Read-Only mode.")
NO_CONTRACT = Objection(200, "No security definition has been found for the request")


def object_to_order(values: Values, instrument: SimulatedInstrument, account_id: str) -> Objection | None:
    """The first thing wrong with a new order's terms, None when nothing is."""
    if values["conditionCount"]:
        return Objection(321, "Error validating request.-'bO' : cause - Conditional orders are not simulated")
    if values["account"] not in ("", account_id):
        return Objection(321, "Error validating request.-'bO' : cause - Invalid account code")
    if values["action"] not in tuple(Side):
        return Objection(321, "Error validating request.-'bO' : cause - Invalid side was entered")
    if values["orderType"] not in matching.ORDER_TYPES:
        return Objection(387, "Unsupported order type for this exchange and security type.")
    if time_in_force(values) not in TIMES_IN_FORCE:
        return Objection(321, "Error validating request.-'bO' : cause - The time-in-force is invalid")
    return _object_to_numbers(values, instrument)


def time_in_force(values: Values) -> str:
    """The order's time in force; empty means DAY."""
    return str(values["tif"] or "DAY")


def _object_to_numbers(values: Values, instrument: SimulatedInstrument) -> Objection | None:
    quantity = values["totalQuantity"]
    if not quantity:
        return Objection(434, "The order size cannot be zero.")
    if quantity < 0 or quantity > _LARGEST_QUANTITY:
        return Objection(321, "Error validating request.-'bO' : cause - The order size is invalid")
    if quantity != quantity.to_integral_value():
        return Objection(10243, "Fractional-sized order cannot be placed via API.")
    needed = [name for name, types in (("lmtPrice", matching.LIMITED), ("auxPrice", matching.STOPPED)) if values["orderType"] in types]
    for name in needed:
        price = values[name]
        if price is None or price <= 0:
            return Objection(321, f"Error validating request.-'bO' : cause - The {name} is missing or not above zero")
        if price % instrument.tick:
            return Objection(110, "The price does not conform to the minimum price variation for this contract.")
    return None


def object_to_modification(order: GatewayOrder, values: Values, instrument: SimulatedInstrument) -> Objection | None:
    """Why an order cannot be changed to these terms, None when it can."""
    if order.status is OrderStatus.FILLED:
        return Objection(104, "Cannot modify a filled order.")
    if not (order.status.is_working or order.status is OrderStatus.HELD):
        return DUPLICATE_ID
    same = (order.side == values["action"], order.instrument is instrument, order.order_type == values["orderType"])
    if not all(same):
        return Objection(105, "Order being modified does not match original order.")
    if values["totalQuantity"] <= order.filled:
        return Objection(321, "Error validating request.-'bO' : cause - The order size is not above the filled quantity")
    return None


def object_to_parent(parent: GatewayOrder | None, parent_id: int) -> Objection | None:
    """Why an order cannot wait for this parent, None when it can."""
    if parent is None or parent.status in (OrderStatus.CANCELLED, OrderStatus.INACTIVE):
        return Objection(135, f"Can't find order with id ={parent_id}")
    return None


def object_to_cancel(order: GatewayOrder) -> Objection | None:
    """Why an order cannot be cancelled, None when it can."""
    if order.status.is_working or order.status is OrderStatus.HELD:
        return None
    if order.status is OrderStatus.FILLED:
        return Objection(10148, f"OrderId {order.order_id} that needs to be cancelled can not be cancelled, state: Filled.")
    return Objection(161, f"Cancel attempted when order is not in a cancellable state.  Order permId ={order.perm_id}")


def unfunded(equity: Decimal, initial_margin: Decimal, currency: str) -> Objection:
    """The account cannot carry the order."""
    return Objection(
        201,
        "Order rejected - reason:The equity with loan value of the account "
        f"[{equity:.2f} {currency}] does not exceed the initial margin the order needs [{initial_margin:.2f} {currency}]",
    )
