"""The gates before a session: flag, mode, account, confirmation, approvals, kill switch. Each refuses by name, none has a default.

Rows C1, C2, C4, C5, C6, C7, C8, C9, C17, J3, J4, B4 at the unit level.
"""

# ruff: noqa: RUF001 -- look-alike characters are the bad input

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats.core.config import LiveRiskSettings
from ats.core.errors import HaltedError, RefusedByGateError
from ats.core.ids import InstrumentId
from ats.core.market import BarSpec
from ats.risk.approvals import GoLiveApproval
from ats.risk.kill_switch import KillReading, KillState, Reading
from ats.risk.limits import limits_from
from ats.session.gates import check_confirmation, check_mode, check_not_killed, check_services, clear_for_live
from ats.session.plan import Gateway, SessionPlan, Sleeve
from ats.session.ports import GatewayFacts
from ats.session.records import Mode
from ats.signals.ibs_reversion import IbsReversionParams
from ats.signals.library import RULES
from ats.signals.sma_cross import SmaCrossParams

ACCOUNT = "U1234567"
NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
IBS = Sleeve("ibs_reversion", InstrumentId("QQQ", "NASDAQ"), BarSpec(1, "DAY"), IbsReversionParams(), "a" * 64)
SMA = Sleeve("sma_cross", InstrumentId("SPY", "ARCA"), BarSpec(1, "DAY"), SmaCrossParams(), "b" * 64)
IWM = Sleeve("ibs_reversion", InstrumentId("IWM", "ARCA"), BarSpec(1, "DAY"), IbsReversionParams(), "a" * 64)


def plan_of(*sleeves, mode=Mode.LIVE, account=ACCOUNT, port=4001):
    limits = limits_from(LiveRiskSettings(), [str(sleeve.instrument_id) for sleeve in sleeves])
    return SessionPlan(mode, account, Gateway("127.0.0.1", port, 11), sleeves, limits, Decimal(5))


def caps_of(settings=None):
    return {
        str(sleeve.instrument_id): limits_from(settings or LiveRiskSettings(), [str(sleeve.instrument_id)]) for sleeve in (IBS, SMA, IWM)
    }


def approval_of(sleeve, number=1, account=ACCOUNT, granted=NOW):
    scope = sleeve.scope(account, caps_of()[str(sleeve.instrument_id)].described())
    return GoLiveApproval(f"a-{number}", scope, scope.digest, "anna", "ready", granted, granted + timedelta(days=90))


class Approvals:
    """Implements approvals.ApprovalStore in memory, newest first."""

    def __init__(self, *approvals):
        self.kept = list(approvals)

    def find(self, strategy=None, instrument_id=None, bar_spec=None):
        wanted = (strategy, instrument_id, bar_spec)
        return [
            one
            for one in reversed(self.kept)
            if all(
                ask in (None, has)
                for ask, has in zip(wanted, (one.scope.strategy, one.scope.instrument_id, one.scope.bar_spec), strict=True)
            )
        ]


def refusal(call, *args, **kwargs):
    with pytest.raises(RefusedByGateError) as caught:
        call(*args, **kwargs)
    assert caught.value.exit_code == 3
    assert caught.value.remedy
    return str(caught.value)


class TestConfirmation:
    """C4, C5, J4: the whole id, to the character, typed or given by flag."""

    def test_the_exact_id_passes(self):
        check_confirmation(ACCOUNT, ACCOUNT)

    @pytest.mark.parametrize(
        "typed",
        [
            "",
            " ",
            "y",
            "yes",
            "YES",
            "U",
            "1234567",
            "u1234567",
            "U123456",
            "U12345678",
            "U7654321",
            "DU1234567",
            "U1234567 ",
            " U1234567",
            "U1234567\n",
            "U1234567\r\n",
            "U1234567\t",
            "U1234567\x00",
            "U1234567\x1b",
            "U1234567\u200b",
            "U\u200b1234567",
            "\ufeffU1234567",
            "U1234567\u202e",
            "Ս1234567",
            "U１２３４５６７",
            "U12З4567",
            "'U1234567'",
            "U1234567;",
            "U1234567U1234567",
            "U" * 100_000,
        ],
        ids=lambda text: ascii(text)[:24],
    )
    def test_anything_else_is_refused(self, typed):
        assert "does not match" in refusal(check_confirmation, typed, ACCOUNT)

    def test_the_end_of_input_is_a_refusal(self):
        assert "the input ended" in refusal(check_confirmation, None, ACCOUNT)

    @given(typed=st.text(max_size=12))
    def test_no_other_text_ever_passes(self, typed):
        if typed != ACCOUNT:
            refusal(check_confirmation, typed, ACCOUNT)


class TestMode:
    def test_live_needs_the_edition_flag(self):
        """C1."""
        assert "not enabled" in refusal(check_mode, plan_of(IBS), live_enabled=False)
        check_mode(plan_of(IBS), live_enabled=True)

    def test_live_needs_a_configured_account(self):
        assert "No live account" in refusal(check_mode, plan_of(IBS, account=None), live_enabled=True)

    @pytest.mark.parametrize("live_enabled", [True, False])
    def test_paper_needs_neither(self, live_enabled):
        check_mode(plan_of(IBS, mode=Mode.PAPER, account=None, port=4002), live_enabled=live_enabled)

    @pytest.mark.parametrize(("mode", "port"), [(Mode.PAPER, 4001), (Mode.PAPER, 7496), (Mode.LIVE, 4002), (Mode.LIVE, 7497)])
    def test_a_port_of_the_other_mode_is_refused(self, mode, port):
        """C17."""
        account = ACCOUNT if mode is Mode.LIVE else None
        assert f"Port {port}" in refusal(check_mode, plan_of(IBS, mode=mode, account=account, port=port), live_enabled=True)

    @pytest.mark.parametrize(
        ("mode", "account"),
        [
            *(
                (Mode.LIVE, account)
                for account in ("", "U", "DU1", "DU1234567", "u1234567", " U1234567", "U1234567\n", "F1234567", "I1234567")
            ),
            *((Mode.PAPER, account) for account in ("", "DU", "U1234567", "du1234567", "DU1234567 ", "DUX", "DՍ1234567", "U123;DU1")),
        ],
        ids=ascii,
    )
    def test_an_account_of_the_other_mode_or_no_account_is_refused(self, mode, account):
        """C2, J3."""
        port = 4001 if mode is Mode.LIVE else 4002
        assert f"{account!r} is not a {mode} account" in refusal(
            check_mode, plan_of(IBS, mode=mode, account=account, port=port), live_enabled=True
        )


class TestServices:
    @pytest.mark.parametrize(
        ("mode", "embedded", "simulated", "refused"),
        [
            (Mode.LIVE, True, False, True),
            (Mode.LIVE, True, True, False),
            (Mode.LIVE, False, False, False),
            (Mode.PAPER, True, False, False),
        ],
    )
    def test_real_money_refuses_embedded_services(self, mode, embedded, simulated, refused):
        facts = GatewayFacts((ACCOUNT,), simulated, 176)
        if refused:
            assert "embedded" in refusal(check_services, plan_of(IBS, mode=mode), facts, services_are_embedded=embedded)
        else:
            check_services(plan_of(IBS, mode=mode), facts, services_are_embedded=embedded)


class TestKillSwitch:
    @pytest.mark.parametrize("reading", [Reading.ON, Reading.UNREADABLE])
    def test_on_or_unreadable_anywhere_stops_the_start(self, reading):
        """B4: comes up killed."""
        state = KillState((KillReading("file", Reading.OFF), KillReading("redis", reading, "drill")))
        with pytest.raises(HaltedError, match="redis says") as caught:
            check_not_killed(state)
        assert caught.value.exit_code == 6

    def test_off_everywhere_passes(self):
        check_not_killed(KillState((KillReading("file", Reading.OFF), KillReading("redis", Reading.OFF))))


class TestApprovals:
    def test_paper_needs_no_approval(self):
        assert clear_for_live(plan_of(IBS, mode=Mode.PAPER), caps_of(), Approvals(), NOW) is None

    def test_live_is_cleared_when_every_sleeve_has_its_own(self):
        """C9."""
        kept = [approval_of(sleeve, number) for number, sleeve in enumerate((IBS, SMA, IWM))]
        assert clear_for_live(plan_of(IBS, SMA, IWM), caps_of(), Approvals(*kept), NOW).approvals == tuple(kept)

    @pytest.mark.parametrize("missing", [IBS, SMA, IWM], ids=lambda sleeve: sleeve.name)
    def test_live_is_refused_when_one_of_three_sleeves_lacks_approval(self, missing):
        """C9: names the sleeve."""
        kept = [approval_of(sleeve) for sleeve in (IBS, SMA, IWM) if sleeve is not missing]
        message = refusal(clear_for_live, plan_of(IBS, SMA, IWM), caps_of(), Approvals(*kept), NOW)
        assert f"{missing.name} has no live approval" in message

    @pytest.mark.parametrize(
        ("current", "named"),
        [
            (replace(IBS, params=IbsReversionParams(buy_threshold=0.19)), "params.buy_threshold"),
            (replace(IBS, params=IbsReversionParams(order_notional=Decimal("4000.01"))), "params.order_notional"),
            (replace(IBS, source_digest="c" * 64), "source_digest"),
        ],
    )
    def test_one_changed_parameter_or_line_of_code_is_refused_and_named(self, current, named):
        """C6."""
        message = refusal(clear_for_live, plan_of(current), caps_of(), Approvals(approval_of(IBS)), NOW)
        assert f"drifted from its approval a-1: {named} changed" in message

    def test_changed_limits_and_another_account_are_refused_and_named(self):
        """C6."""
        wider = caps_of(LiveRiskSettings(max_notional_per_order=Decimal(5_001)))
        assert "caps.max_notional_per_order" in refusal(clear_for_live, plan_of(IBS), wider, Approvals(approval_of(IBS)), NOW)
        other = Approvals(approval_of(IBS, account="U7654321"))
        assert "account_id" in refusal(clear_for_live, plan_of(IBS), caps_of(), other, NOW)

    @pytest.mark.parametrize(("days", "cleared"), [(89, True), (90, False), (91, False)])
    def test_an_expired_approval_is_refused(self, days, cleared):
        """C7."""
        approvals, later = Approvals(approval_of(IBS)), NOW + timedelta(days=days)
        if cleared:
            assert clear_for_live(plan_of(IBS), caps_of(), approvals, later)
        else:
            assert "expired on 2026-05-31" in refusal(clear_for_live, plan_of(IBS), caps_of(), approvals, later)

    def test_a_revoked_approval_is_refused_with_who_and_why(self):
        """C8."""
        revoked = replace(approval_of(IBS), revoked_at=NOW, revoked_by="bob", revoke_reason="drawdown")
        assert "was revoked by bob: drawdown" in refusal(clear_for_live, plan_of(IBS), caps_of(), Approvals(revoked), NOW)

    def test_an_older_matching_approval_counts_beside_a_newer_one_of_other_parameters(self):
        newer = approval_of(replace(IBS, params=IbsReversionParams(buy_threshold=0.1)), 2)
        cleared = clear_for_live(plan_of(IBS), caps_of(), Approvals(approval_of(IBS), newer), NOW)
        assert [approval.approval_id for approval in cleared.approvals] == ["a-1"]


@pytest.mark.parametrize("strategy", list(RULES))
def test_every_strategy_needs_its_approval_and_keeps_its_source(strategy):
    """S3-05, S3-04: no strategy has a way round, whoever wrote it; the approval is bound to the source that would run."""
    sleeve = replace(IBS, strategy=strategy, params=RULES[strategy].params_model())
    with pytest.raises(RefusedByGateError, match="has no live approval"):
        clear_for_live(plan_of(sleeve), caps_of(), Approvals(), NOW)
    approved = Approvals(approval_of(sleeve))
    assert clear_for_live(plan_of(sleeve), caps_of(), approved, NOW) is not None
    with pytest.raises(RefusedByGateError, match="source_digest"):
        clear_for_live(plan_of(replace(sleeve, source_digest="c" * 64)), caps_of(), approved, NOW)
