"""Grant, revoke and list go-live approvals. Each act is audited first: an act that cannot be recorded does not happen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from ats.core.audit import AuditEvent, AuditLog
from ats.core.clock import Clock
from ats.core.errors import InputError, RefusedByGateError
from ats.core.ids import mint_id
from ats.risk.approvals import ApprovalStore, GoLiveApproval
from ats.risk.limits import Limits
from ats.session.plan import Sleeve

LONGEST_NOTE = 2_000


@dataclass(frozen=True, slots=True)
class ApprovalPorts:
    """Where approvals live, who acts, and when."""

    approvals: ApprovalStore
    audit: AuditLog
    clock: Clock
    actor: str


def approve_live(sleeve: Sleeve, account_id: str | None, limits: Limits, note: str, days: int, ports: ApprovalPorts) -> GoLiveApproval:
    """Approve one sleeve for real money on one account under these caps, for `days` days (rows C6, C7; S3-04, S3-15).

    Raises RefusedByGateError without a live account, InputError for an empty or unprintable note.
    """
    if account_id is None:
        raise RefusedByGateError(
            "No live account is configured.", remedy="Set ATS_IB_LIVE_ACCOUNT_ID: an approval is bound to one account."
        )
    now = ports.clock.now()
    scope = sleeve.scope(account_id, limits.described())
    approval = GoLiveApproval(
        mint_id("a", now), scope, scope.digest, ports.actor, checked_text("note", note), now, now + timedelta(days=days)
    )
    facts = {"digest": approval.digest, "expires_at": approval.expires_at, "note": approval.note, "self_approved": True, **scope.fields()}
    ports.audit.append(AuditEvent("approval.granted", ports.actor, now, "cli", approval.approval_id, facts))
    ports.approvals.add(approval)
    return approval


def revoke_live(sleeve_key: tuple[str, str, str], reason: str, ports: ApprovalPorts) -> list[GoLiveApproval]:
    """Revoke every standing approval of strategy, instrument and bar spec; a running session blocks entries within seconds (row C8).

    Raises RefusedByGateError when there is none.
    """
    now = ports.clock.now()
    strategy, instrument_id, bar_spec = sleeve_key
    standing = [approval for approval in ports.approvals.find(strategy, instrument_id, bar_spec) if approval.is_standing(now)]
    if not standing:
        raise RefusedByGateError(
            f"{strategy} on {instrument_id} {bar_spec} has no standing approval.", remedy="`ats approvals list` shows all."
        )
    text = checked_text("reason", reason)
    for approval in standing:
        ports.audit.append(AuditEvent("approval.revoked", ports.actor, now, "cli", approval.approval_id, {"reason": text}))
        ports.approvals.revoke(approval.approval_id, ports.actor, text, now)
    return standing


def checked_text(field: str, text: str) -> str:
    """A person's note or reason: not empty, printable, at most 2,000 characters. Raises InputError (row J9)."""
    stripped = text.strip()
    if not stripped:
        raise InputError(field, text, "is empty", remedy="Say why, in a sentence.")
    if len(stripped) > LONGEST_NOTE or not stripped.isprintable():
        raise InputError(field, text, "is too long or not printable", remedy=f"Write one line of at most {LONGEST_NOTE} characters.")
    return stripped
