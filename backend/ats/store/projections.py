"""What a journal of orders adds up to: where each order stands, and the net positions. Pure; any order of events gives the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from ats.core.orders import Fill, OrderEvent, Position

_ZERO = Decimal(0)


class OrderState(StrEnum):
    """Where an order stands (S2-34)."""

    PENDING = "pending"
    SUBMITTED = "submitted"
    WORKING = "working"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    DENIED = "denied"

    @property
    def is_final(self) -> bool:
        """Nothing more can happen to the order, except a late fill."""
        return self in _FINAL


_FINAL = frozenset({OrderState.FILLED, OrderState.CANCELLED, OrderState.EXPIRED, OrderState.REJECTED, OrderState.DENIED})

_STATE_OF_KIND = {
    "OrderInitialized": OrderState.PENDING,
    "OrderSubmitted": OrderState.SUBMITTED,
    "OrderAccepted": OrderState.WORKING,
    "OrderTriggered": OrderState.WORKING,
    "OrderUpdated": OrderState.WORKING,
    "OrderPendingUpdate": OrderState.WORKING,
    "OrderPendingCancel": OrderState.WORKING,
    "OrderModifyRejected": OrderState.WORKING,
    "OrderCancelRejected": OrderState.WORKING,
    "OrderDenied": OrderState.DENIED,
    "OrderRejected": OrderState.REJECTED,
    "OrderExpired": OrderState.EXPIRED,
    "OrderCanceled": OrderState.CANCELLED,
}
_RANK = {state: rank for rank, state in enumerate((
    OrderState.PENDING, OrderState.SUBMITTED, OrderState.WORKING, OrderState.PARTIALLY_FILLED,
    OrderState.DENIED, OrderState.REJECTED, OrderState.EXPIRED, OrderState.CANCELLED, OrderState.FILLED,
))}  # fmt: skip


@dataclass(frozen=True, slots=True)
class OrderStatus:
    """One order as its intent, events and fills leave it. `changed_at` is the moment of the latest of them."""

    client_order_id: str
    venue_order_id: str | None
    strategy: str
    instrument_id: str
    state: OrderState
    quantity: Decimal | None
    filled_quantity: Decimal
    average_price: Decimal | None
    reason: str | None
    changed_at: datetime


def order_state(kinds: Iterable[str], quantity: Decimal | None, filled: Decimal) -> OrderState:
    """Where the order stands: its fills decide whether it is filled, its events everything else; events that say nothing are ignored."""
    if quantity is not None and filled >= quantity > 0:
        return OrderState.FILLED
    floor = OrderState.PARTIALLY_FILLED if filled > 0 else OrderState.PENDING
    states = [floor, *(state for kind in kinds if (state := _STATE_OF_KIND.get(kind)) is not None)]
    return max(states, key=_RANK.__getitem__)


def order_status(events: Iterable[OrderEvent], fills: Iterable[Fill], quantity: Decimal | None) -> OrderStatus:
    """Project one order. `quantity` is the last one intended; None when no intent of ours is known (an external order)."""
    by_time = sorted({event.event_id: event for event in events}.values(), key=lambda event: (event.event_at, event.event_id))
    booked = {fill.execution_id: fill for fill in fills}.values()
    filled = sum((fill.quantity for fill in booked), _ZERO)
    value = sum((fill.quantity * fill.price for fill in booked), _ZERO)
    first = by_time[0] if by_time else next(iter(booked))
    return OrderStatus(
        client_order_id=first.client_order_id,
        venue_order_id=next((event.venue_order_id for event in reversed(by_time) if event.venue_order_id), None)
        or next((fill.venue_order_id for fill in booked), None),
        strategy=first.strategy,
        instrument_id=first.instrument_id,
        state=order_state((event.kind for event in by_time), quantity, filled),
        quantity=quantity,
        filled_quantity=filled,
        average_price=value / filled if filled else None,
        reason=next((event.reason for event in reversed(by_time) if event.reason), None),
        changed_at=max([*(event.event_at for event in by_time), *(fill.filled_at for fill in booked)]),
    )


def net_positions(fills: Iterable[Fill]) -> list[Position]:
    """Net position per instrument, flat ones left out. An execution counts once; adding averages the price, turning restarts it."""
    held: dict[str, Position] = {}
    for fill in sorted({fill.execution_id: fill for fill in fills}.values(), key=lambda fill: (fill.filled_at, fill.execution_id)):
        held[fill.instrument_id] = _after(held.get(fill.instrument_id, Position(fill.instrument_id, _ZERO, _ZERO)), fill)
    return [position for _, position in sorted(held.items()) if position.quantity != 0]


def entry_times(fills: Iterable[Fill]) -> dict[str, datetime]:
    """When the position held now was entered, per instrument: the fill that took it away from flat, or through it."""
    entered: dict[str, datetime] = {}
    quantities: dict[str, Decimal] = {}
    for fill in sorted({fill.execution_id: fill for fill in fills}.values(), key=lambda fill: (fill.filled_at, fill.execution_id)):
        before = quantities.get(fill.instrument_id, _ZERO)
        after = quantities[fill.instrument_id] = before + fill.side.sign * fill.quantity
        if after == 0:
            entered.pop(fill.instrument_id, None)
        elif before * after <= 0:
            entered[fill.instrument_id] = fill.filled_at
    return entered


def _after(position: Position, fill: Fill) -> Position:
    change = fill.side.sign * fill.quantity
    quantity = position.quantity + change
    if position.quantity * change >= 0:  # opened or added to
        price = (position.quantity * position.average_price + change * fill.price) / quantity
    elif quantity * change > 0:  # turned: what is left was opened by this fill
        price = fill.price
    else:
        price = position.average_price
    return Position(fill.instrument_id, quantity, price)
