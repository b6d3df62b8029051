"""The unmodified NautilusTrader 1.231.0 node with its own Interactive Brokers adapter against the simulated gateway."""

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("nautilus_node.py")


def live_through(port: int, life: str) -> dict[str, list[dict]]:
    """Run a node to its end and return the facts it told, by name."""
    run = subprocess.run([sys.executable, SCRIPT, str(port), life], capture_output=True, text=True, timeout=90, check=False)
    facts: dict[str, list[dict]] = {}
    for line in run.stdout.splitlines():
        if line.startswith("{"):
            fact = json.loads(line)
            facts.setdefault(fact.pop("fact"), []).append(fact)
    assert "finished" in facts, run.stdout[-2000:] + run.stderr[-2000:]
    return facts


@pytest.mark.slow
def test_a_node_trades_and_its_next_life_finds_position_and_working_order(gateway):
    first = live_through(gateway.port, "trades")
    assert first["started"] == [{"net_position": "0", "tick": "0.01"}]
    assert first["account"] == [{"id": "INTERACTIVE_BROKERS-DU1234567", "total": "100000.00 USD"}]
    quote = first["quote"][0]
    assert Decimal(quote["ask"]) - Decimal(quote["bid"]) == Decimal("0.01")
    assert (first["bar"][0]["high"], first["bar"][0]["low"], first["bar"][0]["volume"]) == ("101.50", "99.50", "8000")
    (filled,) = first["filled"]
    assert (filled["quantity"], filled["commission"]) == ("4", "1.00 USD")
    assert first["finished"][0]["net_position"] == "4"

    books = gateway.ledger()
    assert [(order["status"], order["order_type"]) for order in books["orders"]] == [("Filled", "MKT"), ("Submitted", "LMT")]
    assert Decimal(books["executions"][0]["price"]) == Decimal(filled["price"])
    assert books["orders"][0]["order_ref"].startswith(filled["order"])
    assert first["accepted"][1]["venue_order"] == f"PERM-{books['orders'][1]['perm_id']}"

    second = live_through(gateway.port, "watches")
    assert second["started"][0]["net_position"] == "4"
    assert second["working"] == [{"orders": [first["accepted"][1]["venue_order"]]}]
    assert "filled" not in second
    assert gateway.ledger()["executions"] == books["executions"]
