"""A paper session as an operator meets it: it trades, stops in order, comes back with what it held, and survives being killed.

Rows D1, D3, D5, C14, B20; faults 1 to 4; S3-10, S2-41.
"""

from __future__ import annotations

import signal

import pytest


@pytest.fixture(scope="module")
def gateway(installation):
    return installation.gateway()


def test_a_session_trades_stops_restarts_and_is_killed_without_a_lost_or_doubled_order(installation, gateway):
    """D1, D3, D5, C14, B20, S3-10: one account's life over four processes."""
    wait_until = installation.wait_until
    first = installation.paper()
    first.wait_for("RUNNING on DU1234567: reconciled, no position.")
    assert gateway.orders_received() == 0  # D1: nothing before reconciliation
    first.wait_for("FILLED BUY", installation.TRADE_SECONDS)
    held = wait_until(gateway.position, 5, "the ledger shows the position")
    assert held > 0
    assert gateway.orders_received() == 1

    # C14: one session per account.
    second = installation.paper()
    assert second.ended() == 3
    assert "already has a session" in second.said
    assert first.process.poll() is None

    assert first.stop() == 0
    assert gateway.position() == held
    (record,) = installation.rows("SELECT * FROM sessions WHERE status = 'stopped'")
    assert record["account_id"] == installation.PAPER
    assert record["ended_at"] is not None

    # D3, S3-10: the restart finds the position and does not buy again.
    again = installation.paper()
    assert f"{held} MSFT.NASDAQ" in again.wait_for("RUNNING")
    gateway.pass_bars()
    assert "FILLED" not in again.said
    assert gateway.orders_received() == 1

    # C14, D5: killed without warning, the account is free at once and every execution is booked once.
    again.kill()
    after = installation.paper({**installation.EAGER, "max_holding_bars": 1})
    assert f"{held} MSFT.NASDAQ" in after.wait_for("RUNNING")
    after.wait_for("FILLED SELL", installation.TRADE_SECONDS)
    statuses = [row["status"] for row in installation.rows("SELECT status FROM sessions ORDER BY started_at")]
    assert statuses == ["stopped", "crashed", "running"]
    assert after.stop() == 0

    booked = installation.rows("SELECT execution_id, side, quantity FROM fills ORDER BY position")
    at_broker = [execution["execution_id"] for execution in gateway.executions()]
    assert sorted(row["execution_id"] for row in booked) == sorted(at_broker)
    intended = installation.rows("SELECT client_order_id FROM order_intents WHERE verdict = 'approved' AND action = 'SUBMIT'")
    assert len(intended) == len(gateway.orders())  # D2, D3: each intent reached the broker at most once, none without an intent


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_a_session_stopped_while_it_starts_ends_in_order(installation, gateway, sent):
    """S3-10: no half state: the account is free and the next start works."""
    starting = installation.paper()
    starting.wait_for("Connecting and reconciling")
    starting.send(sent)
    assert starting.ended() == 0
    assert "Traceback" not in starting.said
    assert installation.rows("SELECT 1 FROM sessions WHERE ended_at IS NULL") == []
