"""What an operator sees before a session starts: exactly what will be enforced (row C13)."""

from __future__ import annotations

from ats.session.gates import LiveClearance
from ats.session.plan import SessionPlan
from ats.session.records import Mode

_TITLE = {Mode.PAPER: "PAPER SESSION", Mode.LIVE: "LIVE SESSION: REAL MONEY"}


def summary_lines(plan: SessionPlan, clearance: LiveClearance | None) -> list[str]:
    """Account, gateway, sleeves with parameters, caps, and for live the approvals with approver, age and digest."""
    lines = [_TITLE[plan.mode], f"  account     {plan.account_id or 'the one the gateway reports'}", f"  gateway     {plan.gateway}"]
    for sleeve in plan.sleeves:
        lines.append(f"  sleeve      {sleeve.name}")
        lines += [f"                {name} = {value}" for name, value in sleeve.params.plain().items()]
    lines += [f"  limit       {name} = {value}" for name, value in plan.limits.described().items()]
    for approval in clearance.approvals if clearance else ():
        lines.append(
            f"  approval    {approval.approval_id} by {approval.approver} on {approval.granted_at:%Y-%m-%d %H:%M} UTC, until {approval.expires_at:%Y-%m-%d}"
        )
        lines.append(f"                note: {approval.note}")
        lines.append(f"                digest: {approval.digest}")
    return lines
