"""The vocabulary of orders and audit: values that cannot be changed after they were judged or recorded."""

from dataclasses import FrozenInstanceError
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from ats.core.audit import AuditEvent
from ats.core.orders import Action, OrderIntent, Side


def test_a_side_has_a_sign():
    assert (Side.BUY.sign, Side.SELL.sign) == (1, -1)


def test_an_intent_is_a_new_native_order_unless_it_says_otherwise():
    intent = OrderIntent("O-1", "ibs_reversion", "QQQ.NASDAQ", Side.BUY, Decimal(10), "MARKET", "DAY")
    assert (intent.action, intent.is_emulated, intent.limit_price, intent.trigger_price) == (Action.SUBMIT, False, None, None)


def test_what_was_judged_cannot_be_changed_afterwards():
    intent = OrderIntent("O-1", "ibs_reversion", "QQQ.NASDAQ", Side.BUY, Decimal(10), "MARKET", "DAY")
    with pytest.raises(FrozenInstanceError):
        intent.quantity = Decimal(1_000)


def test_an_audit_event_cannot_be_changed_after_the_fact():
    event = AuditEvent("approval.granted", "anna", datetime(2026, 1, 2, tzinfo=UTC), "cli", "ibs_reversion")
    with pytest.raises(FrozenInstanceError):
        event.actor = "bob"
    assert event.facts == {}
