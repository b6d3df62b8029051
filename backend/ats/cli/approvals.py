"""`ats approve-live`, `ats revoke-live`, `ats approvals`: who allowed what to trade real money, bound to exactly what."""

from __future__ import annotations

from typing import Annotated

import typer

from ats.cli import console
from ats.cli.options import JsonFlag
from ats.cli.session import BarSpecOption, Instrument, Params, SleevesJson, Strategy
from ats.core.config import load_settings
from ats.core.errors import InputError
from ats.core.ids import InstrumentId
from ats.core.market import BarSpec

approve_app = typer.Typer(add_completion=False)
revoke_app = typer.Typer(add_completion=False)
app = typer.Typer(add_completion=False, no_args_is_help=True)


@approve_app.command()
def approve_live(
    note: Annotated[str, typer.Option("--note", help="Why this may trade real money; kept with the approval.")],
    strategy: Strategy = None,
    instrument: Instrument = None,
    bar_spec: BarSpecOption = None,
    params: Params = "{}",
    sleeves_json: SleevesJson = None,
    as_json: JsonFlag = False,
) -> None:
    """Approve a strategy, or every sleeve of a book, for real money; bound to code, parameters, account and caps; expires.

    Example: ats approve-live --strategy ibs_reversion --instrument QQQ.NASDAQ --bar-spec 1-DAY-LAST --note "30 days of paper, slippage 2 bps"
    """
    from ats.operations.approve import ApprovalPorts, approve_live  # noqa: PLC0415 -- not needed for --help
    from ats.operations.plan import approval_caps, sleeves_from  # noqa: PLC0415 -- as above
    from ats.wiring.world import check_audit, open_world  # noqa: PLC0415 -- as above

    settings = load_settings()
    sleeves = sleeves_from(strategy, instrument, bar_spec, params, sleeves_json)
    caps = approval_caps(settings, [str(sleeve.instrument_id) for sleeve in sleeves])
    with open_world(settings, console.say) as world:
        check_audit(world)
        ports = ApprovalPorts(world.approvals, world.audit, world.clock, world.actor)
        granted = [
            approve_live(sleeve, settings.ib.live_account_id, caps[str(sleeve.instrument_id)], note, settings.trading.approval_days, ports)
            for sleeve in sleeves
        ]
    if as_json:
        console.result_json(granted)
        return
    for approval in granted:
        console.result_text(
            f"{approval.approval_id}: {approval.scope.strategy} on {approval.scope.instrument_id} may trade {approval.scope.account_id}"
        )
        console.result_text(f"  until {approval.expires_at:%Y-%m-%d %H:%M} UTC, approved by {approval.approver} (self-approved)")
        console.result_text(f"  digest {approval.digest}")


@revoke_app.command()
def revoke_live(
    strategy: Annotated[str, typer.Option("--strategy", help="Strategy key.")],
    instrument: Annotated[str, typer.Option("--instrument", help="Instrument as SYMBOL.VENUE.")],
    bar_spec: Annotated[str, typer.Option("--bar-spec", help="Bar specification.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; kept with the approval.")] = "revoked by the operator",
    as_json: JsonFlag = False,
) -> None:
    """Revoke a sleeve's standing approvals; a running session blocks new entries within five seconds, exits pass.

    Example: ats revoke-live --strategy ibs_reversion --instrument QQQ.NASDAQ --bar-spec 1-DAY-LAST --reason "slippage above plan"
    """
    from ats.operations.approve import ApprovalPorts, revoke_live  # noqa: PLC0415 -- not needed for --help
    from ats.wiring.world import open_world  # noqa: PLC0415 -- as above

    key = (strategy, str(InstrumentId.parse(instrument)), str(BarSpec.parse(bar_spec)))
    with open_world(load_settings(), console.say) as world:
        revoked = revoke_live(key, reason, ApprovalPorts(world.approvals, world.audit, world.clock, world.actor))
    if as_json:
        console.result_json([approval.approval_id for approval in revoked])
        return
    for approval in revoked:
        console.result_text(f"{approval.approval_id} is revoked.")


@app.callback()
def _approvals() -> None:
    """List and show go-live approvals."""


@app.command("list")
def list_approvals(as_json: JsonFlag = False) -> None:
    """List every approval with its age and standing, newest first.

    Example: ats approvals list
    """
    from ats.wiring.world import open_world  # noqa: PLC0415 -- as above

    with open_world(load_settings(), console.say) as world:
        found, now = world.approvals.find(), world.clock.now()
    if as_json:
        console.result_json([{"approval": approval, "standing": approval.is_standing(now)} for approval in found])
        return
    rows = [
        (
            approval.approval_id,
            approval.scope.strategy,
            approval.scope.instrument_id,
            approval.scope.bar_spec,
            approval.scope.account_id,
            f"{(now - approval.granted_at).days} d",
            "revoked" if approval.revoked_at else "standing" if approval.is_standing(now) else "expired",
            approval.note,
        )
        for approval in found
    ]
    console.result_table(("approval", "strategy", "instrument", "bars", "account", "age", "state", "note"), rows)


@app.command()
def show(
    approval_id: Annotated[str, typer.Argument(help="The approval's id, from `ats approvals list`.")], as_json: JsonFlag = False
) -> None:
    """Show one approval with everything it binds.

    Example: ats approvals show a-20261121T090000-0123456789
    """
    from ats.wiring.world import open_world  # noqa: PLC0415 -- as above

    with open_world(load_settings(), console.say) as world:
        approval = world.approvals.get(approval_id)
    if approval is None:
        raise InputError("approval", approval_id, "does not exist", remedy="`ats approvals list` shows all.")
    if as_json:
        console.result_json(approval)
        return
    revoked = (
        f"{approval.revoked_at:%Y-%m-%d %H:%M} UTC by {approval.revoked_by}: {approval.revoke_reason}" if approval.revoked_at else "no"
    )
    facts = {
        "approver": approval.approver,
        "note": approval.note,
        "granted": f"{approval.granted_at:%Y-%m-%d %H:%M} UTC",
        "expires": f"{approval.expires_at:%Y-%m-%d %H:%M} UTC",
        "revoked": revoked,
        "digest": approval.digest,
        **approval.scope.fields(),
    }
    console.result_table(("bound", "value"), list(facts.items()))
