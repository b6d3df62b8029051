"""Services and gateways that die under a running session: it fails closed, survives what it can, loses nothing.

Rows D5, D14, F4, F14; faults 11, 12, 31, 38; S2-82.
"""

from __future__ import annotations

import os
import signal
from decimal import Decimal


def test_postgres_killed_under_a_session_blocks_entries_and_loses_no_event(alone):
    """F4, S2-82, fault 31: refused while it is away, back by itself when it is back."""
    gateway = alone.gateway()
    session = alone.paper({**alone.EAGER, "max_holding_bars": 1})
    session.wait_for("RUNNING")
    session.wait_for("FILLED BUY", alone.TRADE_SECONDS)
    os.kill(alone.server_pid(), signal.SIGKILL)
    placed = gateway.orders_received()
    refused = session.wait_for("REFUSED", alone.TRADE_SECONDS)
    assert "JOURNAL_UNAVAILABLE" in refused or "ENTRIES_BLOCKED" in refused
    assert session.process.poll() is None

    filled = session.said.count("FILLED")
    alone.ats("status", expect=0)  # any command brings the shared server back
    alone.wait_until(lambda: session.said.count("FILLED") > filled, 60, "the session trades again")
    assert gateway.orders_received() > placed
    assert session.stop() == 0
    booked = {row["execution_id"] for row in alone.rows("SELECT execution_id FROM fills")}
    assert booked == {execution["execution_id"] for execution in gateway.executions()}
    approved = alone.rows("SELECT 1 FROM order_intents WHERE verdict = 'approved'")
    assert len(approved) == len(gateway.orders())


def test_postgres_killed_under_a_live_session_blocks_entries_and_the_session_survives(alone):
    """F4, C8: approvals that cannot be read stop entries, not the session."""
    gateway = alone.gateway("live")
    alone.approve()
    session = alone.live()
    session.wait_for("RUNNING")
    os.kill(alone.server_pid(), signal.SIGKILL)
    refused = session.wait_for("REFUSED BUY", alone.TRADE_SECONDS)
    assert "JOURNAL_UNAVAILABLE" in refused or "ENTRIES_BLOCKED" in refused
    gateway.pass_bars(1)
    assert gateway.orders_received() == 0
    assert session.process.poll() is None
    alone.sentinel.touch()
    session.wait_for("KILLED", 10)
    session.wait_for("HALTED", 20)
    alone.sentinel.unlink()
    assert session.stop() == 6


def test_valkey_killed_under_a_session_blocks_entries_until_it_is_back(alone):
    """F14, fault 38: no fact is lost with it, and an unreadable switch is not an off switch."""
    gateway = alone.gateway()
    session = alone.paper()
    session.wait_for("RUNNING")
    with alone.redis() as client:
        pid = int(client.info("server")["process_id"])
    os.kill(pid, signal.SIGKILL)
    refused = session.wait_for("REFUSED BUY", alone.TRADE_SECONDS)
    assert "ENTRIES_BLOCKED" in refused
    assert "redis" in refused
    assert gateway.orders_received() == 0
    with alone.redis():  # any user brings the shared server back
        session.wait_for("FILLED BUY", 60)
    assert session.stop() == 0


def test_a_gateway_that_dies_blocks_entries_and_the_session_says_so_and_stops_in_order(alone):
    """Fault 11: seen by the connection itself, on the screen and in `ats status`."""
    gateway = alone.gateway()
    session = alone.paper()
    session.wait_for("FILLED BUY", alone.START_SECONDS + alone.TRADE_SECONDS)
    gateway.kill()
    session.wait_for("Gateway connection lost", 10)
    standing = alone.json("status")
    assert "connection is lost" in standing["sessions"][0]["blocked"]
    assert session.process.poll() is None
    assert session.stop() == 0


def test_the_books_of_a_session_agree_with_the_brokers_after_many_trades(alone):
    """D5, D14: fills, quantities and prices, execution by execution."""
    gateway = alone.gateway()
    session = alone.paper({**alone.EAGER, "max_holding_bars": 1})
    session.wait_for("FILLED SELL", alone.START_SECONDS + alone.TRADE_SECONDS)
    assert session.stop() == 0
    booked = alone.rows("SELECT execution_id, side, quantity, price, commission FROM fills ORDER BY execution_id")
    at_broker = sorted(gateway.executions(), key=lambda execution: execution["execution_id"])
    assert [(row["execution_id"], row["side"], row["quantity"], row["price"]) for row in booked] == [
        (item["execution_id"], item["side"], Decimal(item["quantity"]), Decimal(item["price"])) for item in at_broker
    ]
    assert [row["commission"] for row in booked] == [Decimal(item["commission"]).quantize(Decimal("0.01")) for item in at_broker]
