"""The gates between a request and a running session. The only maker of LiveClearance, and the only place that asks for the mode.

Every gate either returns or raises RefusedByGateError naming what is missing and the next step. None of them sends anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ats.core.errors import HaltedError, RefusedByGateError
from ats.risk.approvals import ApprovalScope, ApprovalStore, GoLiveApproval, drift
from ats.risk.kill_switch import KillState
from ats.risk.limits import Limits
from ats.session.accounts import check_account_id, check_port
from ats.session.plan import SessionPlan, Sleeve
from ats.session.ports import GatewayFacts
from ats.session.records import Mode
from ats.signals.params import params_text


@dataclass(frozen=True, slots=True)
class LiveClearance:
    """Proof that every sleeve has a standing approval that matches what would run. Made here and nowhere else."""

    approvals: tuple[GoLiveApproval, ...]


def check_mode(plan: SessionPlan, *, live_enabled: bool) -> None:
    """Edition flag, configured account and port fit the mode, before anything is connected (rows C1, C2, C17; S3-02, S3-22)."""
    if plan.mode is Mode.LIVE:
        if not live_enabled:
            raise RefusedByGateError("Live trading is not enabled in this installation.", remedy="Set ATS_ENABLE_LIVE_TRADING=true.")
        if plan.account_id is None:
            raise RefusedByGateError("No live account is configured.", remedy="Set ATS_IB_LIVE_ACCOUNT_ID to the account to trade.")
    check_port(plan.mode, plan.gateway.port)
    if plan.account_id is not None:
        check_account_id(plan.mode, plan.account_id)


def check_not_killed(state: KillState) -> None:
    """The kill switch is off everywhere and can be read everywhere (row B4)."""
    if state.is_on:
        raise HaltedError(f"The kill switch is on: {state.reason}.", remedy="Find out why, then lift it with `ats resume --reason …`.")
    if not state.is_readable:
        raise HaltedError(
            f"The kill switch cannot be read: {state.reason}.", remedy="Start the service or fix the file; `ats status` shows each place."
        )


def check_services(plan: SessionPlan, facts: GatewayFacts, *, services_are_embedded: bool) -> None:
    """Real money needs real services: embedded ones serve live only against the simulated gateway (design decision 5)."""
    if plan.mode is Mode.LIVE and services_are_embedded and not facts.is_simulated:
        raise RefusedByGateError(
            "Live trading on a real gateway refuses the embedded database and Redis.",
            remedy="Set ATS_DATABASE_URL and ATS_REDIS_URL to servers that are backed up.",
        )


def clear_for_live(plan: SessionPlan, caps: Mapping[str, Limits], approvals: ApprovalStore, now: datetime) -> LiveClearance | None:
    """The clearance of a live session, None for paper. Every sleeve needs its own approval (rows C6-C9; S3-23).

    `caps` holds each instrument's limits as an approval binds them: those of a session on that instrument alone.
    Raises RefusedByGateError naming the sleeve and, on drift, the fields that changed.
    """
    if plan.mode is Mode.PAPER:
        return None
    return LiveClearance(tuple(_approval_of(sleeve, plan, caps, approvals, now) for sleeve in plan.sleeves))


def _approval_of(sleeve: Sleeve, plan: SessionPlan, caps: Mapping[str, Limits], approvals: ApprovalStore, now: datetime) -> GoLiveApproval:
    account_id = plan.account_id or ""
    current = sleeve.scope(account_id, caps[str(sleeve.instrument_id)].described())
    recorded = approvals.find(sleeve.strategy, str(sleeve.instrument_id), str(sleeve.bar_spec))
    standing = [approval for approval in recorded if approval.is_standing(now)]
    matching = next((approval for approval in standing if approval.digest == current.digest), None)
    if matching is not None:
        return matching
    raise _refusal(sleeve, recorded, standing, current)


def _refusal(sleeve: Sleeve, recorded: list[GoLiveApproval], standing: list[GoLiveApproval], current: ApprovalScope) -> RefusedByGateError:
    which = f"--strategy {sleeve.strategy} --instrument {sleeve.instrument_id} --bar-spec {sleeve.bar_spec}"
    approve = f"`ats approve-live {which} --params '{params_text(sleeve.params)}' --note …`."
    remedy = f"Run {approve}"
    if standing:
        changed = drift(standing[0].scope, current)
        return RefusedByGateError(
            f"{sleeve.name} has drifted from its approval {standing[0].approval_id}: {', '.join(changed)} changed.",
            remedy=f"Review the change, then run {approve}",
            sleeve=sleeve.name,
            drift=changed,
        )
    if recorded:
        newest = recorded[0]
        why = (
            f"was revoked by {newest.revoked_by}: {newest.revoke_reason}"
            if newest.revoked_at
            else f"expired on {newest.expires_at:%Y-%m-%d}"
        )
        return RefusedByGateError(f"{sleeve.name}: approval {newest.approval_id} {why}.", remedy=remedy, sleeve=sleeve.name)
    return RefusedByGateError(f"{sleeve.name} has no live approval.", remedy=remedy, sleeve=sleeve.name)


def check_confirmation(typed: str | None, account_id: str) -> None:
    """The whole account id, exactly: no trimming, no default; end of input is a refusal (rows C4, C5, J4)."""
    if typed is None:
        raise RefusedByGateError(
            "The confirmation was not typed: the input ended, or nothing came in time.",
            remedy=f"Type the account id, or pass --i-understand {account_id} in a supervised script.",
        )
    if typed != account_id:
        raise RefusedByGateError("The typed account id does not match.", remedy="Start again and type the account id exactly as shown.")
