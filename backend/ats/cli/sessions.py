"""`ats sessions`: what ran, what it did, how it ended (S5-16)."""

from __future__ import annotations

from typing import Annotated

import typer

from ats.cli import console
from ats.cli.options import JsonFlag
from ats.core.config import load_settings
from ats.core.errors import InputError

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def _sessions() -> None:
    """List and show paper and live sessions."""


@app.command("list")
def list_sessions(
    limit: Annotated[int, typer.Option("--limit", min=1, max=1_000, help="Most sessions to show.")] = 20, as_json: JsonFlag = False
) -> None:
    """List sessions, newest first.

    Example: ats sessions list
    """
    from ats.wiring.world import open_world  # noqa: PLC0415 -- the database client is not needed for --help

    with open_world(load_settings(), console.say) as world:
        found = world.sessions.recent(limit)
        fills = {record.session_id: len(world.orders.fills(record.session_id)) for record in found}
    if as_json:
        console.result_json([{"session": record, "fills": fills[record.session_id]} for record in found])
        return
    rows = [
        (
            record.session_id,
            record.mode,
            record.account_id,
            record.status,
            f"{record.started_at:%Y-%m-%d %H:%M:%S}",
            f"{record.ended_at:%H:%M:%S}" if record.ended_at else "",
            fills[record.session_id],
            record.end_reason,
        )
        for record in found
    ]
    console.result_table(("session", "mode", "account", "status", "started (UTC)", "ended", "fills", "reason"), rows)


@app.command()
def show(session_id: Annotated[str, typer.Argument(help="The session's id, from `ats sessions list`.")], as_json: JsonFlag = False) -> None:
    """Show one session: intents with Guardian's verdicts, orders, fills.

    Example: ats sessions show p-20261121T090000-0123456789
    """
    from ats.wiring.world import open_world  # noqa: PLC0415 -- the database client is not needed for --help

    with open_world(load_settings(), console.say) as world:
        record = world.sessions.get(session_id)
        if record is None:
            raise InputError("session", session_id, "does not exist", remedy="`ats sessions list` shows all.")
        intents, orders, fills = world.orders.intents(session_id), world.orders.orders(session_id), world.orders.fills(session_id)
    if as_json:
        console.result_json({"session": record, "intents": intents, "orders": orders, "fills": fills})
        return
    console.result_text(f"{record.session_id}: {record.mode} on {record.account_id}, {record.status} {record.end_reason}".rstrip())
    console.result_table(
        ("when (UTC)", "order", "side", "quantity", "instrument", "verdict"),
        [
            (
                f"{item.decided_at:%H:%M:%S}",
                item.intent.client_order_id[-12:],
                item.intent.side,
                item.intent.quantity,
                item.intent.instrument_id,
                item.verdict,
            )
            for item in intents
        ],
    )
    console.result_text("")
    console.result_table(
        ("when (UTC)", "order", "side", "quantity", "instrument", "price", "commission"),
        [
            (
                f"{fill.filled_at:%H:%M:%S}",
                fill.client_order_id[-12:],
                fill.side,
                fill.quantity,
                fill.instrument_id,
                fill.price,
                fill.commission,
            )
            for fill in fills
        ],
    )
