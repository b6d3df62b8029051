"""The second client against a gateway that misbehaves on purpose; the simulated gateway's own suite covers the good days."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
import time

import pytest

from ats.brokers.ib.broker_state import CancelState
from ats.brokers.ib.control import broker_open_orders, cancel_all, executions_today
from ats.core.errors import DependencyError

HOST = "127.0.0.1"
REF = "O-20260101-000001-001-IBS-1"


def orders(gateway):
    return {71: gateway.order(3, 11, 71, ref=f"{REF}:3"), 72: gateway.order(3, 12, 72, ref="other:3"), 73: gateway.order(0, 0, 73)}


def test_cancel_reaches_orders_of_every_client_id_and_those_placed_by_hand(gateway):
    """B2"""
    script, port = gateway(orders=orders(gateway))
    outcome = cancel_all(HOST, port, 50, 5)
    assert outcome.state is CancelState.OK
    assert outcome.is_complete
    assert {order.perm_id for order in outcome.cancelled} == {71, 72, 73}
    assert {order.client_order_id for order in outcome.cancelled} == {REF, "other", ""}
    assert not script.orders


def test_cancel_on_an_empty_book_still_sends_the_global_cancel(gateway):
    """B2"""
    script, port = gateway()
    assert cancel_all(HOST, port, 50, 5).state is CancelState.OK
    assert len(script.sent("58")) == 1


def test_cancel_never_sends_an_order(gateway):
    """B11"""
    script, port = gateway(orders=orders(gateway), cancels_take_effect=False)
    cancel_all(HOST, port, 50, 2)
    assert script.received
    assert not script.sent("3")


def test_what_cannot_be_cancelled_is_reported_by_id_with_the_gateways_words(gateway):
    """B3"""
    script, port = gateway(orders=orders(gateway), cancel_error=(3, 10148, "OrderId 3 that needs to be cancelled can not be cancelled"))
    outcome = cancel_all(HOST, port, 50, 3)
    assert outcome.state is CancelState.FAILED
    assert not outcome.cancelled
    reasons = {item.order.perm_id: item.reason for item in outcome.remaining}
    assert set(reasons) == {71, 72, 73}
    assert "10148" in reasons[71]
    assert reasons[73] == "still Submitted after the cancel"
    assert {request[2] for request in script.sent("4")} == {"3"}, "an order placed by hand has no number to cancel by"
    assert len(script.sent("58")) > 1


def test_an_order_that_stays_is_reported_in_its_latest_state(gateway):
    """B3"""
    _, port = gateway(orders=orders(gateway), status_after_cancel="PendingCancel")
    outcome = cancel_all(HOST, port, 50, 2)
    assert outcome.state is CancelState.FAILED
    assert {(item.order.status, item.reason) for item in outcome.remaining} == {("PendingCancel", "still PendingCancel after the cancel")}


def test_an_order_that_was_on_its_way_during_the_cancel_is_caught(gateway):
    """B2"""
    script, port = gateway(orders=orders(gateway), late_orders={74: gateway.order(9, 11, 74, ref="late:9")})
    outcome = cancel_all(HOST, port, 50, 6)
    assert outcome.state is CancelState.OK
    assert {order.perm_id for order in outcome.cancelled} == {71, 72, 73, 74}
    assert not script.orders


def test_an_order_filled_before_the_cancel_is_reported_as_filled(gateway):
    """B3"""
    fills = [((3, 11, 71), {"shares": 10, "cumulative": 10}), ((3, 12, 72), {"shares": 4, "cumulative": 4})]
    _, port = gateway(orders=orders(gateway), executions=fills)
    outcome = cancel_all(HOST, port, 50, 5)
    assert [order.perm_id for order in outcome.filled] == [71]
    assert {order.perm_id for order in outcome.cancelled} == {72, 73}


def test_executions_that_cannot_be_read_are_noted_and_do_not_hold_up_the_cancel(gateway):
    _, port = gateway(orders=orders(gateway), answers_executions=False)
    started = time.monotonic()
    outcome = cancel_all(HOST, port, 50, 2)
    assert time.monotonic() - started < 3.2
    assert outcome.state is CancelState.OK
    assert any("may have been filled" in note for note in outcome.notes)


def test_a_gateway_that_lists_nothing_still_gets_the_cancel_and_the_outcome_is_unknown(gateway):
    """B3"""
    script, port = gateway(orders=orders(gateway), answers_listings=False)
    outcome = cancel_all(HOST, port, 50, 2)
    assert outcome.state is CancelState.UNKNOWN
    assert script.sent("58")
    assert any("could not be read back" in note for note in outcome.notes)


def test_a_connection_that_breaks_after_the_cancel_leaves_the_outcome_unknown_with_every_order_seen(gateway):
    """B3"""
    _, port = gateway(orders=orders(gateway), closes_on_cancel=True)
    outcome = cancel_all(HOST, port, 50, 5)
    assert outcome.state is CancelState.UNKNOWN
    assert {order.perm_id for order in outcome.unknown} == {71, 72, 73}


def test_a_list_with_an_unreadable_order_is_not_taken_for_a_shorter_list(gateway):
    """B3"""
    script, port = gateway(orders=orders(gateway), garbled=True, cancels_take_effect=False)
    with pytest.raises(DependencyError, match="unreadable"):
        broker_open_orders(HOST, port, 50, 5)
    assert cancel_all(HOST, port, 50, 2).state is CancelState.UNKNOWN
    assert script.sent("58")


def test_a_read_only_gateway_says_so_at_once(gateway):
    """C18"""
    _, port = gateway(read_only=True)
    started = time.monotonic()
    with pytest.raises(DependencyError, match="Read-Only"):
        broker_open_orders(HOST, port, 50, 10)
    assert time.monotonic() - started < 5
    outcome = cancel_all(HOST, port, 50, 5)
    assert outcome.state is CancelState.UNKNOWN
    assert any("Read-Only" in note for note in outcome.notes)


def test_the_next_client_id_is_taken_while_one_is_in_use(gateway):
    _, port = gateway(taken_ids={50, 51}, orders=orders(gateway))
    started = time.monotonic()
    assert len(broker_open_orders(HOST, port, 50, 10)) == 3
    assert time.monotonic() - started < 5


def test_a_full_band_of_client_ids_is_a_missing_dependency(gateway):
    _, port = gateway(taken_ids=set(range(50, 60)))
    with pytest.raises(DependencyError, match="50 to 59 in use"):
        broker_open_orders(HOST, port, 50, 10)


def test_a_port_nobody_listens_on_is_a_missing_dependency_and_nothing_was_sent(free_port):
    with pytest.raises(DependencyError, match="cannot be reached") as error:
        cancel_all(HOST, free_port, 50, 5)
    for step in ("running", "port", "API is enabled", "client id"):
        assert step in error.value.remedy


def test_a_silent_port_cannot_outlast_the_deadline(serve):
    silent = serve(lambda peer: peer.stay_silent())
    started = time.monotonic()
    with pytest.raises(DependencyError, match="did not answer within"):
        cancel_all(HOST, silent.port, 50, 0.5)
    assert time.monotonic() - started < 2


def test_a_gateway_that_hangs_up_during_the_handshake_is_told_at_once(serve):
    closing = serve(lambda peer: peer.read_hello())
    started = time.monotonic()
    with pytest.raises(DependencyError, match="cannot be reached"):
        executions_today(HOST, closing.port, 50, 10)
    assert time.monotonic() - started < 5


async def test_a_running_event_loop_of_the_caller_is_not_disturbed(gateway):
    """B7"""
    loop = asyncio.get_running_loop()
    _, port = gateway(orders=orders(gateway))
    assert len(broker_open_orders(HOST, port, 50, 5)) == 3  # blocking, from inside the loop
    assert len(await asyncio.to_thread(broker_open_orders, HOST, port, 50, 5)) == 3
    assert asyncio.get_running_loop() is loop
    assert asyncio.get_event_loop_policy().get_event_loop() is loop
    assert await asyncio.wait_for(asyncio.sleep(0, "alive"), 1) == "alive"


def test_a_plain_process_without_any_event_loop_can_cancel(gateway):
    """B6"""
    script, port = gateway(orders=orders(gateway))
    code = f"""
        import sys
        from ats.brokers.ib.control import cancel_all
        assert "nautilus_trader" not in sys.modules and "ib_insync" not in sys.modules
        print(cancel_all("{HOST}", {port}, 50, 5).state)
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.returncode) == ("ok\n", 0), done.stderr
    assert not script.orders
