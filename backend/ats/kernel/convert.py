"""Our types from the engine's. The only place that reads the engine's order, event and fill objects field by field."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from nautilus_trader.execution.messages import ModifyOrder, SubmitOrder, SubmitOrderList
from nautilus_trader.model.enums import OrderSide, OrderStatus, TriggerType, order_type_to_str, time_in_force_to_str
from nautilus_trader.model.events import OrderFilled

from ats.core.clock import from_ns
from ats.core.orders import Action, Fill, OrderEvent, OrderIntent, Side

JUDGED_COMMANDS = (SubmitOrder, SubmitOrderList, ModifyOrder)
_SIDES = {OrderSide.BUY: Side.BUY, OrderSide.SELL: Side.SELL}


def intent_from_order(order: Any) -> OrderIntent:
    """The intent behind a new engine order."""
    return OrderIntent(
        client_order_id=order.client_order_id.value,
        strategy=order.strategy_id.value,
        instrument_id=order.instrument_id.value,
        side=_SIDES[order.side],
        quantity=order.quantity.as_decimal(),
        order_type=order_type_to_str(order.order_type),
        time_in_force=time_in_force_to_str(order.time_in_force),
        limit_price=order.price.as_decimal() if order.has_price else None,
        trigger_price=order.trigger_price.as_decimal() if order.has_trigger_price else None,
        is_emulated=order.emulation_trigger != TriggerType.NO_TRIGGER or order.status == OrderStatus.RELEASED,
    )


def intent_from_modify(command: ModifyOrder, order: Any) -> OrderIntent:
    """The intent behind new terms for a working order: its unfilled quantity at the new prices."""
    quantity = command.quantity if command.quantity is not None else order.quantity
    price = command.price.as_decimal() if command.price is not None else (order.price.as_decimal() if order.has_price else None)
    trigger = (
        command.trigger_price.as_decimal()
        if command.trigger_price is not None
        else (order.trigger_price.as_decimal() if order.has_trigger_price else None)
    )
    return OrderIntent(
        client_order_id=order.client_order_id.value,
        strategy=order.strategy_id.value,
        instrument_id=order.instrument_id.value,
        side=_SIDES[order.side],
        quantity=quantity.as_decimal() - order.filled_qty.as_decimal(),
        order_type=order_type_to_str(order.order_type),
        time_in_force=time_in_force_to_str(order.time_in_force),
        limit_price=price,
        trigger_price=trigger,
        action=Action.MODIFY,
    )


def orders_of(command: Any) -> list[Any]:
    """The engine orders a submit command carries."""
    return list(command.order_list.orders) if isinstance(command, SubmitOrderList) else [command.order]


def event_from(event: Any) -> OrderEvent:
    """Our record of an engine order event."""
    venue_order_id = getattr(event, "venue_order_id", None)
    return OrderEvent(
        event_id=event.id.value,
        client_order_id=event.client_order_id.value,
        venue_order_id=venue_order_id.value if venue_order_id is not None else None,
        strategy=event.strategy_id.value,
        instrument_id=event.instrument_id.value,
        kind=type(event).__name__,
        reason=str(event.reason) if getattr(event, "reason", None) else None,
        event_at=from_ns(event.ts_event),
    )


def fill_from(event: OrderFilled) -> Fill:
    """Our record of an execution."""
    return Fill(
        execution_id=event.trade_id.value,
        client_order_id=event.client_order_id.value,
        venue_order_id=event.venue_order_id.value,
        strategy=event.strategy_id.value,
        instrument_id=event.instrument_id.value,
        side=_SIDES[event.order_side],
        quantity=event.last_qty.as_decimal(),
        price=event.last_px.as_decimal(),
        commission=event.commission.as_decimal() if event.commission is not None else Decimal(0),
        currency=event.currency.code,
        filled_at=from_ns(event.ts_event),
    )
