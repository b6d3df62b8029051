"""The session's journal: an intent is durable or refused; events wait for the store, and what is lost is never forgotten.

Rows A20, D2, F4.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from ats.core.errors import DependencyError
from ats.core.orders import OrderEvent, OrderIntent, Side
from ats.session import journal as session_journal
from ats.session.journal import EchoingJournal, KnownOrders, SessionJournal

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
INTENT = OrderIntent("O-1", "ibs", "QQQ.NASDAQ", Side.BUY, Decimal(10), "MARKET", "DAY")


def event(number: int, kind: str = "OrderAccepted", reason: str | None = None) -> OrderEvent:
    return OrderEvent(f"e-{number}", "O-1", None, "ibs", "QQQ.NASDAQ", kind, reason, NOW)


class Store:
    """Implements core.orders.OrderJournal; raises what it is told to, and can be held up."""

    def __init__(self):
        self.intents, self.events, self.error, self.gate = [], [], None, threading.Event()
        self.gate.set()

    def record_intent(self, intent, verdict, at):
        self._maybe_fail()
        self.intents.append((intent.client_order_id, verdict))

    def record_event(self, item):
        self.gate.wait(5)
        self._maybe_fail()
        self.events.append(item.event_id)

    record_fill = record_event

    def _maybe_fail(self):
        if self.error is not None:
            raise self.error


class Audit:
    def __init__(self):
        self.events, self.error = [], None

    def append(self, item):
        if self.error is not None:
            raise self.error
        self.events.append(item)
        return len(self.events)


class Parts:
    def __init__(self):
        self.store, self.audit, self.health = Store(), Audit(), []
        self.journal = SessionJournal(self.store, self.audit, "p-1", self.health.append)

    def until(self, holds):
        deadline = time.monotonic() + 5
        while not holds():
            assert time.monotonic() < deadline
            threading.Event().wait(0.005)


@pytest.fixture
def parts(monkeypatch):
    monkeypatch.setattr(session_journal, "_RETRY_SECONDS", 0.01)
    monkeypatch.setattr(session_journal, "_CAPACITY", 5)
    return Parts()


class TestIntents:
    @pytest.mark.parametrize(("verdict", "kind"), [("approved", "order.intended"), ("STALE_PRICE: 61 s (limit 60 s)", "order.refused")])
    def test_each_is_written_and_audited_with_its_verdict(self, parts, verdict, kind):
        """A20, D2."""
        parts.journal.record_intent(INTENT, verdict, NOW)
        assert parts.store.intents == [("O-1", verdict)]
        (row,) = parts.audit.events
        assert row.kind == kind
        assert row.facts["verdict"] == verdict
        assert row.correlation_id == "p-1"

    @pytest.mark.parametrize("broken", ["store", "audit"])
    def test_one_that_cannot_be_written_or_audited_raises_so_that_it_is_refused(self, parts, broken):
        """D2, F4."""
        getattr(parts, broken).error = DependencyError("down")
        with pytest.raises(DependencyError):
            parts.journal.record_intent(INTENT, "approved", NOW)


class TestEvents:
    def test_they_are_written_in_order(self, parts):
        with parts.journal:
            for number in range(4):
                parts.journal.record_event(event(number))
            parts.until(lambda: len(parts.store.events) == 4)
        assert parts.store.events == ["e-0", "e-1", "e-2", "e-3"]
        assert parts.health == []

    def test_an_outage_is_told_and_nothing_is_lost(self, parts):
        """F4."""
        parts.store.error = DependencyError("the database is down")
        with parts.journal:
            parts.journal.record_event(event(0))
            parts.journal.record_event(event(1))
            parts.until(lambda: len(parts.health) > 2)
            assert all("the database is down" in problem for problem in parts.health)
            parts.store.error = None
            parts.until(lambda: len(parts.store.events) == 2)
        assert parts.store.events == ["e-0", "e-1"]
        assert parts.health[-1] is None

    def test_events_that_were_lost_keep_entries_blocked_also_when_the_store_is_back(self, parts):
        """F4: only a restart reads them back from the broker."""
        parts.store.gate.clear()
        with parts.journal:
            for number in range(8):
                parts.journal.record_event(event(number))
            assert "lost" in parts.health[-1]
            parts.store.error = DependencyError("down")
            parts.store.gate.set()
            parts.until(lambda: "down" in (parts.health[-1] or ""))
            parts.store.error = None
            parts.until(lambda: len(parts.store.events) >= 5)
        assert "lost" in parts.health[-1]

    def test_an_event_no_store_could_ever_take_blocks_entries_and_does_not_end_the_writer(self, parts):
        parts.store.error = ValueError("not storable")
        with parts.journal:
            parts.journal.record_event(event(0))
            parts.until(lambda: parts.health)
            assert "not storable" in parts.health[-1]
            parts.store.error = None
            parts.journal.record_event(event(1))
            parts.until(lambda: parts.store.events)
        assert parts.store.events == ["e-1"]
        assert parts.health[-1] is not None

    def test_the_end_of_a_session_does_not_wait_for_a_store_that_is_away(self, parts):
        parts.store.error = DependencyError("down")
        started = time.monotonic()
        with parts.journal:
            parts.journal.record_event(event(0))
        assert time.monotonic() - started < 5


def test_a_rejection_is_said_aloud_with_the_venues_words(parts):
    """A20."""
    said = []
    with parts.journal:
        EchoingJournal(parts.journal, said.append).record_event(event(1, "OrderRejected", "no funds"))
    assert said == ["OrderRejected O-1: no funds"]


class TestKnownOrders:
    """D10: fills the engine invents to explain a position are not ours; the question is answered while every store is away."""

    def test_orders_of_earlier_processes_and_of_this_one_are_ours(self, parts):
        known = KnownOrders({"O-0"}, parts.journal)
        known.record_intent(INTENT, "approved", NOW)
        parts.store.error = DependencyError("down")
        assert known.are_ours("O-0")
        assert known.are_ours("O-1")
        assert not known.are_ours("O-invented")

    def test_an_intent_that_was_refused_or_not_written_is_not_ours(self, parts):
        known = KnownOrders((), parts.journal)
        known.record_intent(INTENT, "STALE_PRICE", NOW)
        assert not known.are_ours("O-1")
        parts.store.error = DependencyError("down")
        with pytest.raises(DependencyError):
            known.record_intent(INTENT, "approved", NOW)
        assert not known.are_ours("O-1")
