"""Orders in our own types: what was intended, what happened to it, what was filled. The engine's types stay in the kernel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol


class Side(StrEnum):
    """Direction of an order or fill."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell."""
        return 1 if self is Side.BUY else -1


class Action(StrEnum):
    """What a command asks for: a new order, or other terms for a working one."""

    SUBMIT = "SUBMIT"
    MODIFY = "MODIFY"


@dataclass(frozen=True, slots=True)
class OrderIntent:
    """What a strategy or an operator wants done; written durably before anything leaves the process.

    `client_order_id` is the identity that travels to the broker as the order reference. Quantities in shares,
    prices in the instrument's currency. `is_emulated`: the engine would hold and release the order itself.
    """

    client_order_id: str
    strategy: str
    instrument_id: str
    side: Side
    quantity: Decimal
    order_type: str
    time_in_force: str
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    action: Action = Action.SUBMIT
    is_emulated: bool = False


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """One thing that happened to an order, as the engine reported it. `kind` is the engine's event name (`OrderAccepted`)."""

    event_id: str
    client_order_id: str
    venue_order_id: str | None
    strategy: str
    instrument_id: str
    kind: str
    reason: str | None
    event_at: datetime


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution. `execution_id` is the venue's and makes booking idempotent per account."""

    execution_id: str
    client_order_id: str
    venue_order_id: str
    strategy: str
    instrument_id: str
    side: Side
    quantity: Decimal
    price: Decimal
    commission: Decimal
    currency: str
    filled_at: datetime


@dataclass(frozen=True, slots=True)
class Position:
    """A net position: signed shares and average price in the instrument's currency."""

    instrument_id: str
    quantity: Decimal
    average_price: Decimal


class OrderJournal(Protocol):
    """Where intents, events and fills are kept. `record_intent` must be durable before it returns."""

    def record_intent(self, intent: OrderIntent, verdict: str, at: datetime) -> None:
        """Write the intent and its verdict (`approved`, or a refusal's code and numbers). Raises DependencyError when it could not."""
        ...

    def record_event(self, event: OrderEvent) -> None:
        """Write one order event; the same event id twice is one event."""
        ...

    def record_fill(self, fill: Fill) -> None:
        """Book one execution; the same execution id twice is one fill."""
        ...
