"""`ats kill`, `ats resume`, `ats status`: stop everything, lift it again, see how things stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from ats.cli import console
from ats.cli.options import JsonFlag
from ats.core.config import load_settings
from ats.core.emergency import load_for_kill

if TYPE_CHECKING:
    from ats.operations.kill import KillReport
    from ats.operations.status import SessionStanding

kill_app = typer.Typer(add_completion=False)
resume_app = typer.Typer(add_completion=False)
status_app = typer.Typer(add_completion=False)

_HALTED, _UNREACHABLE = 6, 4


@kill_app.command()
def kill(
    reason: Annotated[str, typer.Option("--reason", help="Why; kept with the switch and in the audit log.")] = "operator",
    as_json: JsonFlag = False,
) -> None:
    """Halt all trading now: nothing is submitted, every working order is cancelled. Positions are kept.

    Works when a session hangs and when database or Redis are down. Exit code 0: latched and no order left; 6: latched, but orders
    remain; 4: latched, but a gateway could not be asked.

    Example: ats kill --reason "fills look wrong"
    """
    from ats.wiring.control import pull_kill_switch  # noqa: PLC0415 -- the broker client is not needed for --help

    settings, problems = load_for_kill()
    for problem in problems:
        console.warn(f"{problem} The kill goes on without it.")
    report = pull_kill_switch(settings, reason, console.say)
    if as_json:
        console.result_json({"steps": report.steps, "remaining": report.remaining, "latched": report.is_latched, "clean": report.is_clean})
    else:
        console.result_table(("step", "outcome", "detail"), [(step.name, step.outcome, step.detail) for step in report.steps])
        for order in report.remaining:
            console.say(f"NOT CANCELLED: {order}", style="bold red")
        console.say(verdict_on(report), style=None if report.is_clean else "bold red")
    if not report.is_clean:
        raise typer.Exit(_HALTED if report.remaining else _UNREACHABLE)


def verdict_on(report: KillReport) -> str:
    """What a kill amounts to, in words a tired person cannot misread."""
    if not report.is_latched:
        return "The kill switch is NOT ON: no place could be switched. Stop the sessions and cancel at the broker."
    if report.remaining:
        return (
            "The kill switch is on, but orders still work at the broker. Run `ats kill` again, or cancel them in the broker's own screen."
        )
    asked = [step for step in report.steps if step.name.startswith("cancel")]
    if not asked:
        return (
            "The kill switch is on. No gateway answered at the configured ports and no session is known, so no order was looked for: "
            "check the broker's own screen."
        )
    if not report.is_clean:
        return "The kill switch is on, but a gateway could not be asked: orders may still work. Check the broker's own screen."
    return "The kill switch is on and no working order is left. Positions are kept."


@resume_app.command()
def resume(
    reason: Annotated[str, typer.Option("--reason", help="Why it is safe to trade again; kept in the audit log.")],
    as_json: JsonFlag = False,
) -> None:
    """Lift the kill switch. Sessions that were halted stay so; start them again, each start reconciles first.

    Example: ats resume --reason "wrong data file replaced, positions checked"
    """
    from ats.wiring.control import lift_kill_switch  # noqa: PLC0415 -- as above

    state = lift_kill_switch(load_settings(), reason, console.say)
    if as_json:
        console.result_json(state)
    else:
        console.result_text("The kill switch is off in every place.")


@status_app.command()
def status(as_json: JsonFlag = False) -> None:
    """Show kill switch, sessions and services. Exit code 6 when trading is halted or the switch cannot be read.

    Example: ats status --json
    """
    from ats.wiring.control import standing  # noqa: PLC0415 -- as above

    found = standing(load_settings())
    plain = found.plain()
    if as_json:
        console.result_json(plain)
    else:
        console.result_table(
            ("kill switch", "reading", "reason"), [(item.place, item.reading, item.reason) for item in found.kill.readings]
        )
        console.result_text("")
        columns = ("session", "mode", "account", "status", "equity", "positions", "entries")
        console.result_table(columns, [session_row(item) for item in found.sessions])
    if plain["risk_halted"]:
        raise typer.Exit(_HALTED)


def session_row(item: SessionStanding) -> tuple[object, ...]:
    """One session as `ats status` shows it: what it holds and whether it may enter, and why not."""
    if not item.is_alive:
        return (item.session_id, item.mode, item.account_id, "process gone", "", "", "")
    held = item.snapshot.get("positions")
    positions = (", ".join(f"{quantity} {name}" for name, quantity in held.items()) or "none") if isinstance(held, Mapping) else "unknown"
    blocked = item.snapshot.get("blocked")
    entries = f"blocked: {blocked}" if blocked else "allowed" if item.snapshot else "unknown"
    status = item.snapshot.get("status", "unknown")
    return (item.session_id, item.mode, item.account_id, status, item.snapshot.get("equity", ""), positions, entries)
