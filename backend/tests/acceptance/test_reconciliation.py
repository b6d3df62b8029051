"""A gateway that lies about positions, or never finishes telling: no session trades before node and broker agree.

Rows D1, D11, D13; faults 5, 14.
"""

from __future__ import annotations

import pytest

POSITION, POSITION_END = "61", "62"
CONTROL_CLIENTS = range(21, 31)


@pytest.mark.parametrize("lie", ["other quantity", "never ends"])
def test_a_failed_reconciliation_ends_the_start_before_any_order(alone, relay, lie):
    """D1, D11, D13: the second client's answer differs from the node's, or does not come."""
    gateway = alone.gateway("paper", port=alone.free_port())

    def to_client(client_id, fields):
        if client_id not in CONTROL_CLIENTS:
            return [fields]
        if fields[0] == POSITION_END:
            invented = [POSITION, "3", alone.PAPER, "1", "MSFT", "STK", "", "0", "", "", "NASDAQ", "USD", "MSFT", "NMS", "7", "25.0"]
            return [invented, fields] if lie == "other quantity" else []
        return [fields]

    lying = relay(gateway.port, to_client=to_client)
    session = alone.paper(settings={"ATS_IB_PAPER_PORT": str(lying.port)})
    assert session.ended(90) == (3 if lie == "other quantity" else 4)
    if lie == "other quantity":
        assert "MSFT.NASDAQ: node 0, broker 7" in session.said
    assert "RUNNING" not in session.said
    assert gateway.orders_received() == 0
    (record,) = alone.rows("SELECT status, end_reason FROM sessions")
    assert record["status"] == "failed"
    assert record["end_reason"]


def test_a_node_that_never_hears_the_end_of_its_positions_does_not_trade(alone, relay):
    """D1, fault 5: the engine's own reconciliation gets no complete answer."""
    gateway = alone.gateway("paper", port=alone.free_port())
    mute = relay(gateway.port, to_client=lambda client_id, fields: [] if client_id == 11 and fields[0] == POSITION_END else [fields])
    session = alone.paper(settings={"ATS_IB_PAPER_PORT": str(mute.port)})
    assert session.ended(150) in (3, 4)
    assert "RUNNING" not in session.said
    assert gateway.orders_received() == 0
