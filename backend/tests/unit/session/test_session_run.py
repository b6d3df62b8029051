"""One session from start to end, on a scripted node and broker: what it does, and in which order, whatever they do to it.

Rows B1, B2, B3, B12, B20, D1, D13; fault rows 11, 12, 14.
"""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal

import pytest

from ats.core.errors import DependencyError, HaltedError, RefusedByGateError
from ats.risk.kill_switch import Reading
from ats.risk.limits import Rule
from ats.session import control as session_control
from ats.session import run as session_run
from ats.session.ports import CancelReport

UNREACHABLE = DependencyError("The gateway does not answer.")


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    monkeypatch.setattr(session_run, "_RECONCILE_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(session_run, "_CANCEL_AGAIN_SECONDS", 0.05)
    monkeypatch.setattr(session_run, "POLL_SECONDS", 0.05)


class TestStart:
    async def test_it_runs_only_after_node_and_broker_agree(self, stage):
        """D1: entries are blocked until then."""
        stage.node.held = [stage.held(10)]
        stage.broker.positions_answers = [
            (),
            (stage.held(4),),
            lambda: stage.blocked_when_asked.append(stage.control.block()) or (stage.held(10),),
        ]
        stage.blocked_when_asked = []
        await stage.running()
        assert stage.broker.asked == ["positions"] * 3
        assert stage.blocked_when_asked[0].rule is Rule.ENTRIES_BLOCKED
        assert stage.control.block() is None
        assert stage.heard("10 QQQ.NASDAQ")
        await stage.stop()
        assert [status for status, _ in stage.sessions.statuses] == ["reconciling", "running", "stopped"]
        assert stage.audit.kinds == ["session.reconciling", "session.running", "session.stopped"]

    async def test_a_difference_that_stays_ends_the_start(self, stage):
        """D1, D13: names the instrument and both quantities; nothing was ever allowed."""
        stage.node.held, stage.broker.positions_answers = [stage.held(10)], [(stage.held(4),)]
        stage.start()
        with pytest.raises(RefusedByGateError, match=r"QQQ.NASDAQ: node 10, broker 4") as caught:
            await stage.task
        assert caught.value.exit_code == 3
        assert stage.sessions.statuses[-1][0] == "failed"
        assert stage.control.block() is not None
        assert "stop" in stage.node.did

    async def test_a_broker_that_does_not_answer_is_not_flat(self, stage):
        """D1, D11: an unanswered question ends the start with exit code 4."""
        stage.broker.positions_answers = [UNREACHABLE]
        stage.start()
        with pytest.raises(DependencyError) as caught:
            await stage.task
        assert caught.value.exit_code == 4
        assert not stage.heard("RUNNING")

    async def test_a_node_that_never_trades_ends_the_start_in_bounded_time(self, stage):
        """Fault 14."""
        stage.node.starts = False
        stage.start(start_timeout_seconds=0.3)
        with pytest.raises(DependencyError, match=r"not trading after 0\.3 s"):
            await asyncio.wait_for(stage.task, 5)
        assert stage.broker.asked == []

    async def test_a_node_that_ends_during_the_start_is_told(self, stage):
        stage.node.starts = False
        stage.node.ended.set()
        stage.start()
        with pytest.raises(DependencyError, match="ended during its start"):
            await stage.task

    async def test_a_stop_during_the_start_is_an_orderly_stop(self, stage):
        stage.node.starts = False
        stage.start()
        await stage.until(lambda: stage.heard("reconciling"))
        await stage.stop()
        assert stage.sessions.statuses[-1] == ("stopped", "stopped by the operator")
        assert not stage.heard("RUNNING")

    async def test_a_stop_while_positions_differ_does_not_wait_for_the_last_comparison(self, stage):
        stage.broker.positions_answers = [(stage.held(1),)]
        stage.start()
        await stage.until(lambda: stage.broker.asked)
        await stage.stop()
        assert stage.sessions.statuses[-1][0] == "stopped"
        assert not stage.heard("RUNNING")

    async def test_a_kill_during_the_start_halts_it(self, stage):
        """B4."""
        stage.broker.positions_answers = [lambda: stage.database.switch_on("drill", "anna", stage.now) or ()]
        stage.start()
        with pytest.raises(HaltedError, match="drill"):
            await stage.task
        assert not stage.heard("RUNNING")
        assert stage.sessions.statuses[-1][0] == "stopped"
        assert stage.sessions.statuses[-1][1].startswith("halted:")


class TestKill:
    @pytest.mark.parametrize("place", ["file", "database"])
    async def test_any_place_alone_halts_a_running_session_within_a_second(self, stage, place, monkeypatch):
        """B1: node halted, its orders cancelled, everything at the broker cancelled and read back; the process stays."""
        monkeypatch.setattr(session_run, "POLL_SECONDS", session_control.POLL_SECONDS)
        await stage.running()
        stage.node.working = ["BUY 1 QQQ"]
        stage.broker.cancel_answers = [CancelReport(2)]
        pulled_at = time.monotonic()
        getattr(stage, place).switch_on("drill", "anna", stage.now)
        await stage.until(lambda: stage.heard("HALTED"))
        assert time.monotonic() - pulled_at < 1
        assert stage.node.did == ["halt", "cancel"]
        assert "2 found, 0 remain" in stage.heard("HALTED")[0]
        assert not stage.task.done()
        await stage.until(lambda: stage.telemetry.snapshots[-1]["status"] == "halted")
        stage.run.request_stop("SIGTERM")
        with pytest.raises(HaltedError, match="drill") as caught:
            await stage.task
        assert caught.value.exit_code == 6
        assert [status for status, _ in stage.sessions.statuses][-2:] == ["halted", "stopped"]
        assert {"session.halted", "session.orders_cancelled"} <= set(stage.audit.kinds)

    async def test_a_kill_stays_when_the_place_is_switched_off_again(self, stage):
        """B4: latched for the life of the process."""
        await stage.running()
        stage.file.switch_on("drill", "anna", stage.now)
        await stage.until(lambda: stage.heard("HALTED"))
        stage.file.switch_off()
        stage.control.poll(stage.now)
        assert stage.control.block().reason.endswith("drill")

    async def test_orders_that_stay_are_named_and_cancelled_again_until_they_are_gone(self, stage):
        """B2, B3."""
        stuck = CancelReport(1, ("BUY 10 QQQ (permId 77): cancel refused",))
        await stage.running()
        stage.broker.cancel_answers = [stuck, stuck, UNREACHABLE, CancelReport(1)]
        stage.file.switch_on("drill", "anna", stage.now)
        await stage.until(lambda: stage.heard("0 remain"))
        halted = stage.heard("HALTED")
        assert "permId 77" in halted[0]
        assert "could not be asked" in halted[1]
        assert len(halted) == 3  # an unchanged outcome is not repeated
        asked = stage.broker.asked.count("cancel")
        beats = len(stage.telemetry.snapshots)
        await stage.until(lambda: len(stage.telemetry.snapshots) > beats)
        assert stage.broker.asked.count("cancel") == asked == 4

    async def test_a_dead_store_does_not_keep_it_from_halting(self, stage):
        """B6."""
        await stage.running()
        stage.sessions.fails = stage.audit.fails = True
        stage.file.switch_on("drill", "anna", stage.now)
        await stage.until(lambda: stage.heard("HALTED"))
        assert "halt" in stage.node.did

    async def test_a_slow_comparison_after_a_reconnect_does_not_delay_a_kill(self, stage):
        """B1: the switch is read while the broker takes its time."""
        await stage.running()
        stage.broker.positions_answers = [lambda: time.sleep(3) or ()]
        stage.node.is_connected = False
        await stage.until(lambda: stage.heard("lost"))
        stage.node.is_connected = True
        await stage.until(lambda: stage.broker.asked.count("positions") == 2)
        pulled_at = time.monotonic()
        stage.database.switch_on("drill", "anna", stage.now)
        await stage.until(lambda: stage.heard("KILLED"))
        assert time.monotonic() - pulled_at < 1


class TestConnection:
    async def test_entries_stop_while_the_gateway_is_away_and_return_after_a_comparison(self, stage):
        """Fault 11."""
        await stage.running()
        stage.node.is_connected = False
        await stage.until(lambda: stage.control.block() is not None)
        assert "connection is lost" in stage.control.block().reason
        stage.node.held = [stage.held(3)]
        stage.node.is_connected = True
        stage.broker.positions_answers = [UNREACHABLE, (), (stage.held(3),)]
        await stage.until(lambda: stage.heard("Gateway is back"))
        assert stage.control.block() is None
        assert stage.broker.asked.count("positions") == 4  # one at the start, three for the way back
        assert stage.audit.kinds[-2:] == ["session.gateway_lost", "session.gateway_back"]

    async def test_entries_stay_blocked_while_positions_differ_after_a_reconnect(self, stage):
        """D13."""
        await stage.running()
        stage.node.is_connected = False
        await stage.until(lambda: stage.heard("lost"))
        stage.broker.positions_answers = [(stage.held(5),)]
        stage.node.is_connected = True
        await stage.until(lambda: "broker 5" in (stage.control.block().reason if stage.control.block() else ""))
        assert not stage.heard("Gateway is back")
        assert not stage.task.done()

    async def test_a_node_that_ends_on_its_own_ends_the_session(self, stage):
        await stage.running()
        stage.node.ended.set()
        with pytest.raises(DependencyError, match="ended on its own"):
            await stage.task
        assert stage.sessions.statuses[-1][0] == "failed"


class TestStop:
    async def test_working_orders_are_cancelled_and_positions_kept(self, stage):
        """B20."""
        await stage.running()
        stage.node.working = ["BUY 1 QQQ"]
        await stage.stop()
        assert stage.node.did == ["cancel", "stop"]
        assert stage.heard("Cancelled 1 working orders; positions are kept.")
        assert "cancel" not in stage.broker.asked  # other clients' orders are not this session's to cancel

    async def test_an_order_whose_cancel_is_not_confirmed_is_named(self, stage, monkeypatch):
        """B20: asked to go is not gone."""
        monkeypatch.setattr(session_run, "_CANCEL_CHECKS", 2)
        await stage.running()
        stage.node.working, stage.node.cancels_take_effect = ["BUY 1 QQQ (O-7)"], False
        await stage.stop()
        assert "O-7" in stage.heard("NOT CONFIRMED")[0]
        assert stage.run.left_working == ("BUY 1 QQQ (O-7)",)
        assert "1 orders not confirmed" in stage.sessions.statuses[-1][1]

    async def test_a_store_that_is_away_does_not_keep_it_from_stopping(self, stage):
        await stage.running()
        stage.sessions.fails = stage.audit.fails = True
        await stage.stop()
        assert stage.node.did == ["cancel", "stop"]

    async def test_a_node_that_does_not_stop_is_left_behind(self, stage, monkeypatch):
        monkeypatch.setattr(session_run, "_STOP_SECONDS", 0.1)
        await stage.running()
        stage.node.stop_hangs = True
        await stage.stop()
        assert stage.sessions.statuses[-1][0] == "stopped"


class TestDrawdown:
    async def test_it_alerts_once_at_the_limit(self, stage):
        """B12: 5 % below the session's peak."""
        await stage.running()
        stage.node.money = Decimal(95_001)
        beats = len(stage.telemetry.snapshots)
        await stage.until(lambda: len(stage.telemetry.snapshots) > beats)
        assert not stage.heard("ALERT")
        stage.node.money = Decimal(95_000)
        await stage.until(lambda: stage.heard("ALERT"))
        beats = len(stage.telemetry.snapshots)
        await stage.until(lambda: len(stage.telemetry.snapshots) > beats)
        assert len(stage.heard("ALERT: drawdown 5.00 %")) == 1
        assert stage.audit.kinds.count("session.drawdown_alerted") == 1

    @pytest.mark.parametrize("money", [None, Decimal(0)])
    async def test_an_unknown_equity_is_no_drawdown(self, stage, money):
        await stage.running()
        stage.node.money = money
        beats = len(stage.telemetry.snapshots)
        await stage.until(lambda: len(stage.telemetry.snapshots) > beats)
        assert not stage.heard("ALERT")


async def test_a_bug_beside_the_order_path_still_cancels_and_stops_the_node(stage, monkeypatch):
    """B20: whatever ends a session, its orders are cancelled and its record is closed."""
    await stage.running()
    stage.node.working = ["BUY 1 QQQ"]
    monkeypatch.setattr(stage.telemetry, "publish", lambda _snapshot: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        await stage.task
    assert stage.node.did == ["cancel", "stop"]
    assert stage.sessions.statuses[-1] == ("failed", "ZeroDivisionError: division by zero")


async def test_a_session_shows_why_entries_are_blocked(stage):
    """A20, B17: in its snapshots."""
    await stage.running()
    stage.database.reading, stage.database.reason = Reading.UNREADABLE, "connection refused"
    await stage.until(lambda: "connection refused" in stage.telemetry.snapshots[-1]["blocked"])
    assert not stage.heard("KILLED")
