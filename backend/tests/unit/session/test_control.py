"""The control over a running session: fresh knowledge of every place, or no entries; a kill latches for the life of the process.

Rows B1, B4, B17, C7, C8, F4.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from ats.core.errors import DependencyError, InvariantError
from ats.risk.approvals import ApprovalScope, GoLiveApproval
from ats.risk.kill_switch import Reading
from ats.risk.limits import Rule
from ats.session.control import STALE_SECONDS, SessionControl
from ats.testing.clock import ManualClock


@dataclass
class Approvals:
    """The part of risk.approvals.ApprovalStore a session reads."""

    kept: dict = field(default_factory=dict)
    error: Exception | None = None

    def get(self, approval_id):
        if self.error is not None:
            raise self.error
        return self.kept.get(approval_id)


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def approval(clock):
    scope = ApprovalScope("ibs", "0" * 64, "QQQ.NASDAQ", "1-DAY-LAST", {}, "U1234567", {})
    return GoLiveApproval("a-1", scope, scope.digest, "anna", "ready", clock.now(), clock.now() + timedelta(days=90))


class Control:
    """A control whose seconds pass by hand."""

    def __init__(self, place, clock, approvals=None):
        self.file, self.database, self.redis = (place(name) for name in ("file", "database", "redis"))
        self.approvals, self.clock, self.seconds = approvals, clock, 100.0
        self.it = SessionControl(self.file, (self.database, self.redis), approvals, ("a-1",) if approvals else (), lambda: self.seconds)

    def poll(self):
        return self.it.poll(self.clock.now())

    def ready(self):
        self.poll()
        self.it.ready()
        assert self.it.block() is None
        return self


@pytest.fixture
def control(stage, clock):
    return Control(stage.Place, clock)


def test_nothing_passes_before_the_first_reading_nor_before_reconciliation(control):
    """D1."""
    assert "not been read" in control.it.block().reason
    control.poll()
    assert "reconciled" in control.it.block().reason
    control.it.ready()
    assert control.it.block() is None


def test_the_file_blocks_at_the_very_order_that_follows_it(control):
    """B1: no poll in between."""
    control.ready()
    control.file.switch_on("drill", "anna", control.clock.now())
    started = time.perf_counter()
    block = control.it.block()
    assert time.perf_counter() - started < 0.25
    assert block.rule is Rule.KILL_SWITCH
    assert not block.exits_pass
    assert "drill" in block.reason


@pytest.mark.parametrize("place", ["file", "database", "redis"])
def test_a_kill_anywhere_latches_though_the_place_is_lifted(control, place):
    """B1, B4."""
    control.ready()
    getattr(control, place).switch_on("drill", "anna", control.clock.now())
    control.poll()
    getattr(control, place).switch_off()
    control.poll()
    assert control.it.block().rule is Rule.KILL_SWITCH
    assert "drill" in control.it.killed


@pytest.mark.parametrize("place", ["file", "database", "redis"])
def test_an_unreadable_place_blocks_without_killing_and_is_over_when_it_can_be_read(control, place):
    control.ready()
    getattr(control, place).reading = Reading.UNREADABLE
    control.poll()
    assert control.it.block().rule is Rule.ENTRIES_BLOCKED
    assert control.it.killed is None
    getattr(control, place).reading = Reading.OFF
    control.poll()
    assert control.it.block() is None


@pytest.mark.parametrize(("age", "blocked"), [(STALE_SECONDS, False), (STALE_SECONDS + 0.01, True)])
def test_an_old_reading_is_no_reading(control, age, blocked):
    """B17: a poll that hangs, or a process that was stopped for a while."""
    control.ready()
    control.seconds += age
    assert (control.it.block() is not None) is blocked


def test_a_lost_gateway_and_a_lost_journal_block_until_each_is_back(control):
    """F4."""
    control.ready()
    control.it.journal_health("order events cannot be written")
    control.it.not_ready("the gateway is away")
    assert "gateway" in control.it.block().reason
    control.it.ready()
    assert "written" in control.it.block().reason
    control.it.journal_health(None)
    assert control.it.block() is None


class TestApprovals:
    def test_a_standing_approval_lets_entries_pass(self, stage, clock, approval):
        Control(stage.Place, clock, Approvals({"a-1": approval})).ready()

    def test_a_revoked_one_blocks_entries_at_the_next_poll_and_lets_exits_pass(self, stage, clock, approval):
        """C8."""
        control = Control(stage.Place, clock, Approvals({"a-1": approval})).ready()
        del control.approvals.kept["a-1"]
        control.poll()
        block = control.it.block()
        assert block.rule is Rule.ENTRIES_BLOCKED
        assert block.exits_pass
        assert "a-1" in block.reason

    def test_one_that_expires_while_the_session_runs_blocks_entries(self, stage, clock, approval):
        """C7: 90 days and not a moment more."""
        control = Control(stage.Place, clock, Approvals({"a-1": approval})).ready()
        clock.advance(days=90, seconds=-1)
        control.poll()
        assert control.it.block() is None
        clock.advance(seconds=1)
        control.poll()
        assert "no longer stands" in control.it.block().reason

    @pytest.mark.parametrize("error", [DependencyError("down"), InvariantError("altered")])
    def test_ones_that_cannot_be_read_block_entries_and_do_not_hide_a_kill(self, stage, clock, approval, error):
        """F4, B1."""
        control = Control(stage.Place, clock, Approvals({"a-1": approval})).ready()
        control.approvals.error = error
        control.poll()
        assert control.it.block().rule is Rule.ENTRIES_BLOCKED
        control.database.switch_on("drill", "anna", clock.now())
        control.poll()
        assert control.it.killed
