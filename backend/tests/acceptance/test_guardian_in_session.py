"""Guardian in a running session: what it refuses never reaches the wire, and shows on the screen, in the journal and in the audit log.

Rows A1, A7, A13, A20, C8, C13, C16; S3-07.
"""

from __future__ import annotations

import getpass
import os

import pytest


@pytest.fixture(scope="module")
def gateway(installation):
    return installation.gateway()


def printed(session):
    """The limits as the session's summary shows them."""
    lines = (line.removeprefix("  limit").strip() for line in session.said.splitlines() if line.startswith("  limit "))
    return dict(line.split(" = ") for line in lines)


def counted(installation, session_id):
    """How often each rule refused, as the status shows it."""
    shown = next(item for item in installation.json("status")["sessions"] if item["session_id"] == session_id)
    return shown.get("refusals", {})


@pytest.mark.parametrize(
    ("params", "settings", "rule"),
    [
        ({"order_notional": 26_000}, {}, "MAX_NOTIONAL_PER_ORDER"),
        ({"order_notional": 4_000}, {"ATS_PAPER_RISK_RESTRICTED_INSTRUMENTS": "msft"}, "RESTRICTED_INSTRUMENT"),
        ({"order_notional": 4_000}, {"ATS_PAPER_RISK_MAX_POSITION_NOTIONAL": "3000"}, "MAX_POSITION"),
    ],
    ids=["cap", "restricted", "position"],
)
def test_a_refused_order_reaches_neither_the_wire_nor_oblivion(installation, gateway, params, settings, rule):
    """A1, A11, A13, A20, S1-27, S3-08, S3-12: screen, counter, audit row, intent with its verdict; and nothing at the gateway."""
    before = gateway.orders_received()
    session = installation.paper({**installation.EAGER, **params}, settings=settings)
    session.wait_for("RUNNING")
    refused = session.wait_for("REFUSED BUY", installation.TRADE_SECONDS)
    assert rule in refused
    if rule == "MAX_NOTIONAL_PER_ORDER":  # C13: the limit that was printed is the one that refused
        assert f"(limit {printed(session)['max_notional_per_order'].split()[-1]})" in refused
    (record,) = installation.rows("SELECT session_id FROM sessions WHERE status = 'running'")
    installation.wait_until(lambda: counted(installation, record["session_id"]).get(rule, 0) >= 1, 5, "the refusal in the status")
    assert session.stop() == 0
    assert gateway.orders_received() == before
    verdicts = installation.rows("SELECT verdict FROM order_intents WHERE session_id = %s", record["session_id"])
    assert verdicts
    assert all(rule in row["verdict"] for row in verdicts)
    assert rule in installation.audited("order.refused")[0]["verdict"]
    events = installation.rows("SELECT kind FROM order_events WHERE session_id = %s", record["session_id"])
    assert {row["kind"] for row in events} <= {"OrderInitialized", "OrderDenied"}
    assert installation.json("sessions", "show", record["session_id"])["intents"][0]["verdict"].startswith(rule)


def test_a_live_session_prints_the_caps_it_enforces_keeps_to_its_namespace_and_heeds_a_revocation(installation):
    """C13, C16, C8, S3-17, S3-19, S3-20, S3-24: a whole live session of its own process, from approval and typed account to revocation."""
    live = installation.gateway("live")
    cap = {"ATS_LIVE_RISK_MAX_NOTIONAL_PER_ORDER": "1234.50"}
    params = {**installation.EAGER, "order_notional": 1_200}
    installation.ats("approve-live", *installation.sleeve(params), "--note", "acceptance test", settings=cap)
    ours, theirs = os.openpty()
    session = installation.start("ats.live", *installation.sleeve(params), settings=cap, keyboard=theirs)
    session.wait_for("Type the account id")
    assert live.received() == []  # S3-20: before any connection
    assert f"account     {installation.LIVE}" in session.said
    assert f"by {getpass.getuser()} on" in session.said
    assert "order_notional = 1200" in session.said
    os.write(ours, f"{installation.LIVE}\n".encode())
    session.wait_for("RUNNING")
    session.wait_for("FILLED BUY", installation.TRADE_SECONDS)

    # C13: every printed limit stands, to the letter, in the caps of the plan that the session's Guardian was made from.
    (record,) = installation.rows("SELECT plan::text AS plan, session_id FROM sessions WHERE mode = 'live'")
    (audited,) = (facts for facts in installation.audited("session.starting") if facts["mode"] == "live")
    assert printed(session) == audited["caps"]
    assert printed(session)["max_notional_per_order"].startswith("MSFT.NASDAQ 1234.5")

    # C16: nothing of a live run stands outside its namespace.
    with installation.redis() as client:
        keys = [key for key in client.keys("*") if "paper" not in key]
        assert any(record["session_id"] in key for key in keys)
        assert all(key.startswith("ats:live:") or key == "ats:kill" for key in keys)

    # C8: revoked while it runs.
    sleeve = installation.sleeve()[:6]
    installation.ats("revoke-live", *sleeve, "--reason", "drill")
    blocked = installation.wait_until(
        lambda: "no longer stands" in str(installation.json("status", expect=0)["sessions"]), 5, "entries are blocked within 5 s"
    )
    assert blocked
    assert session.process.poll() is None
    assert session.stop() == 0
    refused = installation.start("ats.live", *installation.sleeve(params), "--i-understand", installation.LIVE, settings=cap)
    assert refused.ended() == 3
    assert "revoked" in refused.said
    assert len(live.executions()) == live.orders_received() == 1


def test_an_order_above_the_submit_rate_is_refused_not_queued(installation, gateway):
    """A7, S3-07: one order a minute: the entry leaves, the exit a bar later does not."""
    once_a_minute = {"ATS_PAPER_RISK_MAX_ORDER_SUBMIT_RATE": "1/00:01:00"}
    before = gateway.orders_received()
    session = installation.paper({**installation.EAGER, "max_holding_bars": 1}, settings=once_a_minute)
    session.wait_for("FILLED BUY", installation.START_SECONDS + installation.TRADE_SECONDS)
    assert "SUBMIT_RATE" in session.wait_for("REFUSED SELL", installation.TRADE_SECONDS)
    assert session.stop() == 0
    assert gateway.orders_received() == before + 1
