"""The whole broker package against the simulated gateway, over TCP, with other processes placing the orders."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from ats.brokers.ib.broker_state import CancelState
from ats.brokers.ib.control import broker_open_orders, broker_positions, cancel_all, executions_today, preview
from ats.brokers.ib.probe import ProbeState, probe
from ats.core.errors import RefusedByGateError
from ats.session.accounts import check_account
from ats.session.records import Mode

HOST = "127.0.0.1"
HERE = Path(__file__).parent


@contextmanager
def orders_resting(port, client_id, *references):
    """A process of its own places the orders; it is killed, not stopped, when the block ends."""
    command = [sys.executable, str(HERE / "order_placer.py"), str(port), str(client_id), *references]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            said = process.stdout.readline()
            assert said == "placed\n", process.stderr.read()
            yield process
        finally:
            process.kill()


def statuses(simulated):
    return {order["order_ref"]: order["status"] for order in simulated.ledger()["orders"]}


def test_the_probe_reads_the_account_the_gateway_is_logged_in_to(simulated):
    """C3"""
    seen = probe(HOST, simulated.port, 51, 5)
    assert seen.state is ProbeState.READY
    assert seen.server_version == 176
    assert check_account(Mode.PAPER, None, seen.accounts) == "DU1234567"
    with pytest.raises(RefusedByGateError, match="DU1234567"):
        check_account(Mode.LIVE, "U1234567", seen.accounts)


def test_probes_one_after_the_other_do_not_get_in_each_others_way(simulated):
    for _ in range(5):
        assert probe(HOST, simulated.port, 51, 5).is_ready
    assert preview(HOST, simulated.port, 51).account == "DU1234567"


def test_the_preview_shows_balances_positions_and_open_orders(simulated):
    with orders_resting(simulated.port, 11, "mine"):
        seen = preview(HOST, simulated.port, 41, "DU1234567")
    assert (seen.account, seen.currency) == ("DU1234567", "USD")
    assert seen.net_liquidation == seen.cash == Decimal(100_000)
    assert seen.buying_power > 0
    assert seen.positions == ()
    (order,) = seen.open_orders
    assert (order.client_id, order.client_order_id, order.quantity, order.limit_price) == (11, "mine", 2, 50)


def test_the_preview_of_another_account_is_refused(simulated):
    """C3"""
    with pytest.raises(RefusedByGateError, match="DU1234567"):
        preview(HOST, simulated.port, 41, "DU7654321")


def test_cancel_reaches_orders_of_two_client_ids_while_their_owners_run(simulated):
    """B2"""
    with orders_resting(simulated.port, 11, "a", "b"), orders_resting(simulated.port, 12, "c"):
        assert {order.client_id for order in broker_open_orders(HOST, simulated.port, 41)} == {11, 12}
        outcome = cancel_all(HOST, simulated.port, 41, 10)
    assert outcome.state is CancelState.OK
    assert {order.order_ref for order in outcome.cancelled} == {"a", "b", "c"}
    assert statuses(simulated) == {"a": "Cancelled", "b": "Cancelled", "c": "Cancelled"}
    assert broker_open_orders(HOST, simulated.port, 41) == ()


def test_cancel_reaches_orders_whose_process_was_killed(simulated):
    """B2"""
    with orders_resting(simulated.port, 11, "a"), orders_resting(simulated.port, 12, "b"):
        pass
    assert set(statuses(simulated).values()) == {"Submitted"}
    assert cancel_all(HOST, simulated.port, 41, 10).is_complete
    assert set(statuses(simulated).values()) == {"Cancelled"}


def test_cancel_reaches_orders_of_a_process_that_is_frozen(simulated):
    """B7"""
    with orders_resting(simulated.port, 11, "a") as process:
        process.send_signal(signal.SIGSTOP)
        assert cancel_all(HOST, simulated.port, 41, 10).is_complete
    assert statuses(simulated) == {"a": "Cancelled"}


def test_positions_and_executions_are_read_exactly(simulated):
    with orders_resting(simulated.port, 11, "market-1", "resting"):
        (position,) = broker_positions(HOST, simulated.port, 41)
        (execution,) = executions_today(HOST, simulated.port, 41)
        seen = preview(HOST, simulated.port, 41)
    (booked,) = simulated.ledger()["executions"]
    assert (position.account, position.quantity, position.contract.symbol) == ("DU1234567", 2, "QQQ")
    assert (execution.client_order_id, execution.client_id, execution.quantity) == ("market-1", 11, 2)
    assert execution.price == Decimal(booked["price"])
    assert execution.commission == Decimal(booked["commission"])
    assert execution.executed_at == datetime.fromisoformat(booked["executed_at"]).replace(microsecond=0)
    assert seen.positions == (position,)
    assert [order.order_ref for order in seen.open_orders] == ["resting"]


def test_cancel_leaves_positions_and_finished_orders_alone(simulated):
    """B11"""
    with orders_resting(simulated.port, 11, "market-1", "resting"):
        outcome = cancel_all(HOST, simulated.port, 41, 10)
        (position,) = broker_positions(HOST, simulated.port, 41)
    assert [order.order_ref for order in outcome.cancelled] == ["resting"]
    assert position.quantity == 2
    assert statuses(simulated) == {"market-1": "Filled", "resting": "Cancelled"}


def test_nothing_passes_the_edge_of_a_node_whose_bus_was_taken_over(simulated):
    """A18: a real node and adapter, endpoints re-registered by a stranger; only what the edge check permits reaches the gateway."""
    done = subprocess.run(
        [sys.executable, str(HERE / "edge_node.py"), str(simulated.port)], capture_output=True, text=True, timeout=120, check=False
    )
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")] or [done.stdout + done.stderr]
    seen = json.loads(line.removeprefix("RESULT "))["seen"]
    assert seen["market"][-1] == "OrderDenied: not for market"
    assert seen["broken"][-1] == "OrderDenied: edge check failed: ZeroDivisionError: the check fell over"
    assert seen["stop"][-1] == "OrderDenied: not for stop"
    assert seen["entry"][-1].startswith("OrderDenied: order ")
    assert seen["target"][-1].startswith("OrderDenied: order ")
    assert "OrderModifyRejected: not for resting" in seen["resting"]
    assert seen["resting"][-1] == "OrderCanceled", "a cancel passes the edge untouched"
    (order,) = simulated.ledger()["orders"]
    assert (Decimal(order["limit_price"]), order["status"]) == (50, "Cancelled")
    sent = [json.loads(row) for row in simulated.trace_file.read_text().splitlines()]
    assert sum(row["name"] == "placeOrder" for row in sent if row["direction"] == "in") == 1
