"""Interrupting any command at any moment leaves nothing that the next command cannot use.

Faults 1, 5, 48, 50; B20; "Bad input" of the trunk's scope.
"""

from __future__ import annotations

import os
import random
import signal
import threading

import pytest

SEED = 20261121
SHIPPED = {"AAPL.NASDAQ": 3270, "FB.NASDAQ": 196, "GOOG.NASDAQ": 2148, "IBM.NYSE": 3270, "MSFT.NASDAQ": 3270}


@pytest.fixture
def gateway(alone):
    return alone.gateway()


def pause(seconds: float) -> None:
    """The moment of an interruption is what is being drawn, so here the time itself is the input."""
    threading.Event().wait(seconds)


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT], ids=["sigkill", "ctrl-c"])
def test_a_session_interrupted_at_any_moment_of_its_first_start_leaves_a_usable_installation(alone, gateway, sent):
    """Services, migration, locks, beacon, session record: whatever was half done, the next command works."""
    moments = random.Random(SEED)
    for _ in range(6):
        session = alone.paper({"buy_threshold": 0.01})
        pause(moments.uniform(0.2, 7))
        session.send(sent)
        code = session.ended()
        assert "Traceback" not in session.said, session.said
        assert code in ((-signal.SIGKILL,) if sent is signal.SIGKILL else (0, 130, -signal.SIGINT)), session.said
        alone.ats("status")
    last = alone.paper({"buy_threshold": 0.01})
    last.wait_for("RUNNING")
    assert last.stop() == 0
    assert gateway.orders_received() == 0
    assert alone.json("audit", "verify")["finding"] == "intact"
    assert alone.rows("SELECT 1 FROM sessions WHERE ended_at IS NULL") == []


def test_loading_data_interrupted_at_any_moment_is_whole_or_not_there(new_installation):
    """Half a series would be half a backtest."""
    installation = new_installation()
    installation.settings.pop("ATS_CATALOG_DIR")
    moments = random.Random(SEED)
    for _ in range(5):
        loading = installation.start("ats.cli", "data", "load-shipped")
        pause(moments.uniform(0.3, 2.0))
        loading.send(signal.SIGKILL)
        loading.ended()
        whole = {row["instrument_id"]: row["rows"] for row in installation.json("data", "list")}
        assert whole.items() <= SHIPPED.items()
        installation.ats("data", "check", expect=0 if whole else 5)
    installation.ats("data", "load-shipped")
    assert {row["instrument_id"]: row["rows"] for row in installation.json("data", "list")} == SHIPPED


def test_a_terminal_that_closes_stops_a_session_in_order(alone, gateway):
    """B20: SIGHUP."""
    session = alone.paper()
    session.wait_for("RUNNING")
    session.send(signal.SIGHUP)
    assert session.ended() == 0
    (record,) = alone.rows("SELECT status FROM sessions")
    assert record["status"] == "stopped"


def test_a_session_nobody_listens_to_any_more_trades_on_and_stops_in_order(alone, gateway):
    """`ats paper | head`: losing its screen is no reason to lose control of orders."""
    ours, theirs = os.pipe()
    session = alone.start("ats.paper", *alone.sleeve({**alone.EAGER, "max_holding_bars": 1}), screen=theirs)
    os.close(theirs)
    said = b""
    while b"RUNNING" not in said:
        said += os.read(ours, 1000)
    os.close(ours)
    alone.wait_until(lambda: len(gateway.executions()) >= 2, 60, "it bought and sold")
    assert session.process.poll() is None
    assert session.stop() == 0
    (record,) = alone.rows("SELECT status FROM sessions")
    assert record["status"] == "stopped"
    assert len(alone.rows("SELECT 1 FROM fills")) == len(gateway.executions())
