"""The session's journal: intents are written and audited before anything leaves; events and fills follow through a queue."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Self

import structlog

from ats.core.audit import AuditEvent, AuditLog
from ats.core.errors import DependencyError, RejectedWriteError
from ats.core.orders import Fill, OrderEvent, OrderIntent, OrderJournal

log = structlog.get_logger()
_CAPACITY = 10_000
_RETRY_SECONDS = 0.5


class SessionJournal:
    """Implements OrderJournal for the engine's threads.

    `record_intent` is synchronous: the row and its audit entry are committed before it returns, or it raises and the order is refused.
    Events and fills are queued to one writer thread, which retries for ever; while it cannot write, `on_health` says so and entries stop.
    """

    def __init__(self, store: OrderJournal, audit: AuditLog, session_id: str, on_health: Callable[[str | None], None]) -> None:
        self._store, self._audit, self._session_id, self._on_health = store, audit, session_id, on_health
        self._queue: queue.Queue[OrderEvent | Fill | None] = queue.Queue(maxsize=_CAPACITY)
        self._stopping = threading.Event()
        self._lost: str | None = None
        self._thread = threading.Thread(target=self._write_all, name="journal", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._queue.put(None)
        self._thread.join(timeout=10)

    def record_intent(self, intent: OrderIntent, verdict: str, at: datetime) -> None:
        """Write intent and audit entry. Raises DependencyError when either could not be written (rows A20, D2, S5-18)."""
        self._store.record_intent(intent, verdict, at)
        kind = "order.intended" if verdict == "approved" else "order.refused"
        facts = {
            "instrument_id": intent.instrument_id,
            "side": intent.side,
            "quantity": intent.quantity,
            "order_type": intent.order_type,
            "action": intent.action,
            "verdict": verdict,
        }
        self._audit.append(AuditEvent(kind, intent.strategy, at, "session", intent.client_order_id, facts, self._session_id))

    def record_event(self, event: OrderEvent) -> None:
        """Queue one order event."""
        self._put(event)

    def record_fill(self, fill: Fill) -> None:
        """Queue one fill."""
        self._put(fill)

    def _put(self, item: OrderEvent | Fill) -> None:
        try:
            self._queue.put_nowait(item)
        except queue.Full:
            self._lose(f"order events were lost: the journal was {self._queue.maxsize} behind")
            log.error("journal.overflowed", item=type(item).__name__)  # noqa: TRY400 -- the queue's state, not the exception, is the fact

    def _lose(self, problem: str) -> None:
        """What was lost stays lost: entries stop until a restart has read everything back from the broker."""
        self._lost = problem
        self._on_health(problem)

    def _write_all(self) -> None:
        while (item := self._queue.get()) is not None:
            try:
                self._write(item)
            except Exception as error:  # noqa: BLE001 -- the writer's own supervisor: entries stop, the next event is still written
                self._lose(f"an order event could not be written: {type(error).__name__}: {error}")
                log.error("journal.write_failed", item=repr(item), error=repr(error))  # noqa: TRY400 -- the lost item is the fact

    def _write(self, item: OrderEvent | Fill) -> None:
        """Write one item, however long the store is away; give up only when the session ends."""
        is_behind = False
        while True:
            try:
                self._store.record_event(item) if isinstance(item, OrderEvent) else self._store.record_fill(item)
            except RejectedWriteError as error:
                self._lose(f"an order event was refused by the store: {error.message}")
                log.error("journal.refused", item=repr(item), error=error.message)  # noqa: TRY400 -- the refused item is the fact
                return
            except DependencyError as error:
                is_behind = True
                self._on_health(f"order events cannot be written: {error.message}")
                if self._stopping.wait(_RETRY_SECONDS):
                    log.error("journal.lost", item=repr(item))  # noqa: TRY400 -- the lost item is the fact
                    return
            else:
                if is_behind:
                    self._on_health(self._lost)
                return


class KnownOrders:
    """Which orders are ours: what earlier processes had approved, read once, and what this one approves.

    The engine asks in the middle of an order event, on the trading loop; so the answer needs no store, and none can be away.
    """

    def __init__(self, earlier: Iterable[str], journal: OrderJournal) -> None:
        self._ids = set(earlier)
        self._journal = journal

    def are_ours(self, client_order_id: str) -> bool:
        """Whether an order of this id was ever approved for the account."""
        return client_order_id in self._ids

    def record_intent(self, intent: OrderIntent, verdict: str, at: datetime) -> None:
        """Passed on; an approved one is ours from then on."""
        self._journal.record_intent(intent, verdict, at)
        if verdict == "approved":
            self._ids.add(intent.client_order_id)

    def record_event(self, event: OrderEvent) -> None:
        """Passed on."""
        self._journal.record_event(event)

    def record_fill(self, fill: Fill) -> None:
        """Passed on."""
        self._journal.record_fill(fill)


class EchoingJournal:
    """Passes everything on to a journal and says fills and rejections aloud."""

    def __init__(self, journal: OrderJournal, say: Callable[[str], None]) -> None:
        self._journal, self._say = journal, say

    def record_intent(self, intent: OrderIntent, verdict: str, at: datetime) -> None:
        """Passed on."""
        self._journal.record_intent(intent, verdict, at)

    def record_event(self, event: OrderEvent) -> None:
        """Passed on; a rejection is said aloud."""
        self._journal.record_event(event)
        if event.kind in ("OrderRejected", "OrderCancelRejected", "OrderModifyRejected"):
            self._say(f"{event.kind} {event.client_order_id}: {event.reason or 'no reason given'}")

    def record_fill(self, fill: Fill) -> None:
        """Passed on and said aloud."""
        self._journal.record_fill(fill)
        self._say(f"FILLED {fill.side} {fill.quantity} {fill.instrument_id} at {fill.price}, commission {fill.commission} {fill.currency}.")
