"""The kill switch over real processes: any place alone stops a session, and the command empties the broker's book whatever is down.

Rows B1 to B7, B11, B20, S0-21; faults 6, 38.
"""

from __future__ import annotations

import json
import signal
import time

import pytest

NODE_CLIENT_ID = 11
DEAD_DATABASE = {"ATS_DATABASE_URL": "postgresql://ats@127.0.0.1:9/ats"}
DEAD_REDIS = {"ATS_REDIS_URL": "redis://127.0.0.1:9/0"}


@pytest.fixture(scope="module")
def gateway(installation):
    return installation.gateway()


@pytest.fixture(autouse=True)
def _lifted(installation):
    """Each test begins with the switch off everywhere."""
    yield
    installation.sentinel.unlink(missing_ok=True)
    installation.rows("SELECT kill_switch_set(false, 'test', 'test', now())")
    with installation.redis() as client:
        client.delete("ats:kill")


def pull(installation, expect=0, **settings):
    answer = installation.ats("kill", "--reason", "drill", "--json", expect=expect, **settings)
    return json.loads(answer.splitlines()[-1])


def test_touching_the_file_halts_a_session_within_a_second_and_empties_the_book(installation, gateway):
    """B1, B2, B4, B5, B11, S0-21, S0-22: orders of another client and of an earlier, killed process go too; positions stay."""
    installation.leave_order_of_a_killed_process(gateway, NODE_CLIENT_ID)
    installation.leave_order(gateway, "6.00")
    session = installation.paper()
    session.wait_for("RUNNING")
    session.wait_for("FILLED BUY", installation.TRADE_SECONDS)
    held = installation.wait_until(gateway.position, 5, "the position is on the books")
    assert len(gateway.working()) == 2
    placed = gateway.orders_received()

    pulled_at = time.monotonic()
    installation.sentinel.touch()
    session.wait_for("KILLED", 5)
    assert time.monotonic() - pulled_at < 1.2  # a second, and the pause of this test's own polling
    session.wait_for("0 remain", 15)
    installation.wait_until(lambda: not gateway.working(), 5, "nothing works at the broker")
    gateway.pass_bars()
    assert gateway.orders_received() == placed  # B11: no closing order
    assert gateway.position() == held

    standing = installation.json("status", expect=6)
    assert standing["kill_switch_active"] is True
    assert standing["risk_halted"] is True
    assert standing["broker_mode"] == "paper"
    (record,) = installation.rows("SELECT session_id, status FROM sessions")
    assert standing["session_id"] == record["session_id"]
    assert record["status"] == "halted"
    assert session.stop() == 6
    (record,) = installation.rows("SELECT status, end_reason FROM sessions")
    assert record["status"] == "stopped"
    assert record["end_reason"].startswith("halted: file says on")

    # B4: a restart comes up refused.
    again = installation.paper()
    assert again.ended() == 6
    assert "ats resume" in again.said
    # B5: lifting needs a reason; the gateway is there.
    installation.ats("resume", expect=2)
    installation.ats("resume", "--reason", " ", expect=2)
    installation.ats("resume", "--reason", "drill over")
    assert installation.json("status")["kill_switch_active"] is False
    assert not installation.sentinel.exists()
    assert gateway.orders_received() == placed


@pytest.mark.parametrize("place", ["database", "redis"])
def test_a_place_in_a_service_alone_halts_a_session_within_a_second(installation, gateway, place):
    """B1: any one place that says on wins."""
    session = installation.paper({"buy_threshold": 0.01})
    session.wait_for("RUNNING")
    if place == "database":
        installation.rows("SELECT kill_switch_set(true, 'drill', 'test', now())")
        pulled_at = time.monotonic()
    else:
        with installation.redis() as client:
            client.set("ats:kill", "drill")
            pulled_at = time.monotonic()
    assert f"{place} says on: drill" in session.wait_for("KILLED", 5)
    assert time.monotonic() - pulled_at < 1.2
    session.wait_for("HALTED", 15)
    assert session.stop() == 6


def test_a_hung_session_does_not_keep_the_command_from_emptying_the_book(installation, gateway):
    """B7: SIGSTOP; and the session that wakes up later finds itself killed."""
    session = installation.paper()
    session.wait_for("RUNNING")
    installation.leave_order(gateway)
    session.send(signal.SIGSTOP)
    try:
        report = pull(installation)
        assert report["clean"] is True
        assert report["remaining"] == []
        installation.wait_until(lambda: not gateway.working(), 5, "nothing works at the broker")
        placed = gateway.orders_received()
    finally:
        session.send(signal.SIGCONT)
    session.wait_for("KILLED", 10)
    session.wait_for("HALTED", 20)
    assert gateway.orders_received() == placed
    assert session.stop() == 6
    assert installation.audited("kill.pulled")[0]["reason"] == "drill"


@pytest.mark.parametrize(
    ("settings", "lost"),
    [(DEAD_REDIS, {"redis"}), (DEAD_DATABASE, {"database"}), (DEAD_DATABASE | DEAD_REDIS, {"database", "redis"})],
    ids=["redis", "database", "both"],
)
def test_a_service_that_is_down_does_not_keep_the_command_from_emptying_the_book(installation, gateway, settings, lost):
    """B6: and it says which place it could not latch."""
    installation.leave_order(gateway)
    report = pull(installation, settings=settings)
    installation.wait_until(lambda: not gateway.working(), 5, "nothing works at the broker")
    outcomes = {step["name"]: step["outcome"] for step in report["steps"]}
    assert {name for name in ("database", "redis") if outcomes[f"latch {name}"] == "failed"} == lost
    assert outcomes["latch file"] == "ok"
    assert outcomes["audit"] == ("failed" if "database" in lost else "ok")
    assert installation.sentinel.exists()


def test_an_order_that_cannot_be_cancelled_is_reported_by_its_id(installation, relay):
    """B3: cancels get lost between us and the gateway."""
    gateway = installation.gateway(port=installation.free_port())
    installation.leave_order(gateway)
    (order,) = gateway.working()
    lossy = relay(gateway.port, to_gateway=lambda _client, fields: [] if fields[0] in ("4", "58") else [fields])
    report = pull(installation, expect=6, settings={"ATS_IB_PAPER_PORT": str(lossy.port)})
    assert report["clean"] is False
    assert any(str(order["perm_id"]) in line for line in report["remaining"])
    assert len(gateway.working()) == 1
    assert pull(installation, settings={"ATS_IB_PAPER_PORT": str(gateway.port)})["clean"] is True
    assert gateway.working() == []


def test_a_gateway_that_is_gone_is_reported_and_keeps_the_switch_from_being_lifted(installation):
    """B5, B6: a session died and its gateway with it; nobody knows what still works there."""
    lonely = installation.gateway("live")
    installation.approve()
    session = installation.live()
    session.wait_for("RUNNING")
    session.kill()
    lonely.kill()
    report = pull(installation, expect=4)
    assert report["latched"] is True
    assert any(step["outcome"] == "unknown" and str(lonely.port) in step["name"] for step in report["steps"])
    installation.ats("resume", "--reason", "hope", expect=4)
    assert installation.json("status", expect=6)["kill_switch_active"] is True
    installation.gateway("live")
    installation.ats("resume", "--reason", "gateway is back")


def test_eight_presses_at_once_are_one_kill(installation, gateway):
    """B8: eight people at eight terminals; a press that finds the gateway too busy to answer in time says so with 4, none fails."""
    installation.leave_order(gateway)
    before = len(installation.rows("SELECT 1 FROM kill_switch WHERE is_on"))
    children = [installation.start("ats.cli", "kill", "--reason", f"press {number}", "--json") for number in range(8)]
    codes = [child.ended(90) for child in children]
    assert set(codes) <= {0, 4}, "".join(child.said for child in children)
    assert 0 in codes
    assert "Traceback" not in "".join(child.said for child in children)
    assert len(installation.rows("SELECT 1 FROM kill_switch WHERE is_on")) == before + 1
    assert gateway.working() == []


def test_a_stop_cancels_working_orders_and_keeps_positions(installation, gateway):
    """B20, S1-28: the policy of an orderly stop; orders of other clients are not this session's to cancel."""
    installation.leave_order_of_a_killed_process(gateway, NODE_CLIENT_ID)
    installation.leave_order(gateway, "7.00")
    session = installation.paper({"buy_threshold": 0.01, "max_holding_bars": 1000, "sell_threshold": 0.99})
    session.wait_for("RUNNING")
    held = gateway.position()
    assert session.stop() == 0
    assert "Cancelled 1 working orders; positions are kept." in session.said
    (left,) = gateway.working()
    assert left["limit_price"] == "7"
    assert gateway.position() == held
