"""Granting and revoking: audited first, bound to everything, for a reason and a time.

Rows C6, C7, C8, C10, F4, J9; S3-04, S3-15, S3-16.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ats.core.config import LiveRiskSettings
from ats.core.errors import DependencyError, InputError, RefusedByGateError
from ats.core.ids import InstrumentId
from ats.core.market import BarSpec
from ats.operations.approve import ApprovalPorts, approve_live, revoke_live
from ats.risk.limits import limits_from
from ats.session.plan import Sleeve
from ats.signals.ibs_reversion import IbsReversionParams
from ats.testing.clock import ManualClock

KEY = ("ibs_reversion", "QQQ.NASDAQ", "1-DAY-LAST")
SLEEVE = Sleeve("ibs_reversion", InstrumentId("QQQ", "NASDAQ"), BarSpec(1, "DAY"), IbsReversionParams(), "a" * 64)
LIMITS = limits_from(LiveRiskSettings(), ["QQQ.NASDAQ"])


class Approvals:
    """Implements risk.approvals.ApprovalStore, newest first."""

    def __init__(self):
        self.kept = []

    def add(self, approval):
        self.kept.insert(0, approval)

    def revoke(self, approval_id, by, reason, at):
        self.kept = [
            replace(one, revoked_at=at, revoked_by=by, revoke_reason=reason) if one.approval_id == approval_id else one for one in self.kept
        ]

    def find(self, strategy=None, instrument_id=None, bar_spec=None):
        return [
            one
            for one in self.kept
            if (one.scope.strategy, one.scope.instrument_id, one.scope.bar_spec) == (strategy, instrument_id, bar_spec)
        ]


class Audit:
    def __init__(self):
        self.events, self.fails = [], False

    def append(self, event):
        if self.fails:
            raise DependencyError("the database is down")
        self.events.append(event)
        return len(self.events)


@pytest.fixture
def ports():
    return ApprovalPorts(Approvals(), Audit(), ManualClock(), "anna")


def approve(ports, note="ready", days=90, account="U1234567"):
    return approve_live(SLEEVE, account, LIMITS, note, days, ports)


def test_an_approval_binds_everything_for_its_days(ports):
    """C6, C7."""
    approval = approve(ports)
    now = ports.clock.now()
    assert approval.digest == SLEEVE.scope("U1234567", LIMITS.described()).digest
    assert approval.expires_at == now + timedelta(days=90)
    assert approval.is_standing(now + timedelta(days=90, seconds=-1))
    assert not approval.is_standing(now + timedelta(days=90))
    assert ports.approvals.kept == [approval]


def test_it_is_audited_with_what_it_binds_and_as_self_approved(ports):
    """C6, C10."""
    approval = approve(ports)
    (row,) = ports.audit.events
    assert (row.kind, row.actor, row.subject) == ("approval.granted", "anna", approval.approval_id)
    assert row.facts["self_approved"] is True
    assert row.facts["caps"] == LIMITS.described()
    assert row.facts["digest"] == approval.digest


def test_an_approval_that_cannot_be_audited_is_not_granted(ports):
    """F4."""
    ports.audit.fails = True
    with pytest.raises(DependencyError):
        approve(ports)
    assert ports.approvals.kept == []


def test_without_an_account_there_is_nothing_to_approve(ports):
    with pytest.raises(RefusedByGateError, match="No live account"):
        approve(ports, account=None)
    assert ports.audit.events == []


@pytest.mark.parametrize("note", ["", "  ", "a\nb", "a\x1b[2J", "x" * 2_001, "a\u202eb"], ids=lambda text: ascii(text)[:16])
def test_a_note_that_says_nothing_or_cannot_be_shown_is_refused(ports, note):
    """J9."""
    with pytest.raises(InputError, match="note"):
        approve(ports, note=note)
    assert ports.approvals.kept == ports.audit.events == []


class TestRevoke:
    def test_every_standing_approval_falls_and_each_is_audited(self, ports):
        """C8, S3-16."""
        approve(ports)
        approve(ports)
        revoked = revoke_live(KEY, " slippage ", ports)
        assert len(revoked) == 2
        assert {one.revoke_reason for one in ports.approvals.kept} == {"slippage"}
        assert [event.kind for event in ports.audit.events[-2:]] == ["approval.revoked"] * 2

    def test_a_revocation_that_cannot_be_audited_does_not_happen(self, ports):
        """F4."""
        approve(ports)
        ports.audit.fails = True
        with pytest.raises(DependencyError):
            revoke_live(KEY, "slippage", ports)
        assert ports.approvals.kept[0].revoked_at is None

    def test_nothing_standing_is_a_refusal(self, ports):
        approve(ports, days=1)
        ports.clock.advance(days=2)
        with pytest.raises(RefusedByGateError, match="no standing approval"):
            revoke_live(KEY, "slippage", ports)

    def test_it_needs_a_reason(self, ports):
        approve(ports)
        with pytest.raises(InputError, match="reason"):
            revoke_live(KEY, " ", ports)
        assert ports.approvals.kept[0].revoked_at is None
