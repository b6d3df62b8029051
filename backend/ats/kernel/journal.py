"""Order events from the engine to the journal port: everything that happened to an order, and every fill."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from nautilus_trader.model.events import OrderFilled

from ats.core.orders import Fill, OrderEvent, OrderIntent, OrderJournal
from ats.kernel.convert import event_from, fill_from


class EventRecorder:
    """Subscribes to every order event of a kernel and hands each to the journal in our own types.

    A fill that reconciliation reports is booked only when `is_ours` knows its order. The engine also invents fills, with ids of its
    own, to explain a position it found at the broker; those are already in the books, or nobody's (row D10).
    """

    def __init__(self, journal: OrderJournal, is_ours: Callable[[str], bool]) -> None:
        self._journal = journal
        self._is_ours = is_ours

    def install(self, kernel: Any) -> None:
        """Listen from now on."""
        kernel.msgbus.subscribe("events.order.*", self._on_event)

    def _on_event(self, event: Any) -> None:
        self._journal.record_event(event_from(event))
        if isinstance(event, OrderFilled) and (not event.reconciliation or self._is_ours(event.client_order_id.value)):
            self._journal.record_fill(fill_from(event))


class FillCollector:
    """The journal of a backtest: keeps the fills, which are its result, and nothing that nobody will ask for."""

    def __init__(self) -> None:
        self._fills: list[OrderFilled] = []

    def install(self, kernel: Any) -> None:
        """Listen from now on."""
        kernel.msgbus.subscribe("events.order.*", self._on_event)

    def fills(self) -> tuple[Fill, ...]:
        """Every execution in the order it happened."""
        return tuple(fill_from(event) for event in self._fills)

    def record_intent(self, intent: OrderIntent, verdict: str, at: datetime) -> None:
        """A backtest's intents are its orders; nothing to write."""

    def record_event(self, event: OrderEvent) -> None:
        """Not kept."""

    def record_fill(self, fill: Fill) -> None:
        """Not kept here: fills come from the bus."""

    def _on_event(self, event: Any) -> None:
        if isinstance(event, OrderFilled):
            self._fills.append(event)
