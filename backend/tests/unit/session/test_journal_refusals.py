"""A write the store refuses for good must not keep later events waiting, and must not pass unseen."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

from ats.core.errors import RejectedWriteError
from ats.core.orders import OrderEvent
from ats.session.journal import SessionJournal


def _event(number: int) -> OrderEvent:
    return OrderEvent(f"e-{number}", "O-1", None, "ibs_reversion", "MSFT.NASDAQ", "OrderAccepted", None, datetime(2026, 3, 2, tzinfo=UTC))


class _Store:
    """Refuses the first event and takes the rest."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.took_second = threading.Event()

    def record_intent(self, intent, verdict, at):
        raise NotImplementedError

    def record_event(self, event):
        if event.event_id == "e-1":
            raise RejectedWriteError("The database refused: violates a constraint.")
        self.written.append(event.event_id)
        self.took_second.set()

    def record_fill(self, fill):
        raise NotImplementedError


class _Audit:
    def append(self, event):
        raise NotImplementedError


def test_a_refused_event_blocks_entries_and_lets_the_next_one_through():
    """F4, D2: entries stay blocked until a restart has read everything back; the event behind it is written."""
    store, health = _Store(), []
    with SessionJournal(store, _Audit(), "p-1", health.append) as journal:
        journal.record_event(_event(1))
        journal.record_event(_event(2))
        assert store.took_second.wait(5)
    assert store.written == ["e-2"]
    assert "refused by the store" in health[-1]
