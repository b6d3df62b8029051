"""`ats audit`: read and verify the tamper-evident log."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from ats.cli import console
from ats.cli.options import JsonFlag
from ats.core.config import load_settings
from ats.core.errors import EvidenceError

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def _audit() -> None:
    """Read and verify the tamper-evident audit log."""


@app.command()
def verify(as_json: JsonFlag = False) -> None:
    """Walk the hash chain against its anchor outside the database. Exit code 5 when anything was changed, cut or rewritten.

    Example: ats audit verify --json
    """
    from ats.wiring.world import open_world  # noqa: PLC0415 -- the database client is not needed for --help

    with open_world(load_settings(), console.say) as world:
        verdict = world.audit.verify()
    if as_json:
        console.result_json(verdict)
    else:
        console.result_text(str(verdict))
    if not verdict.is_intact:
        raise EvidenceError(
            f"The audit log is not intact, {verdict}.",
            remedy="Keep the database and the anchor as they are and read docs/runbooks/audit-chain-broken.md.",
        )


@app.command("list")
def list_rows(
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="Most rows to show, newest first.")] = 20,
    kind: Annotated[str, typer.Option("--kind", help="Only kinds that begin so, for example order. or approval.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Show the newest audit rows.

    Example: ats audit list --kind order.refused --limit 5
    """
    from ats.wiring.world import open_world  # noqa: PLC0415 -- as above

    with open_world(load_settings(), console.say) as world:
        rows = world.audit.recent(limit, kind)
    if as_json:
        console.result_json([{**asdict(row), "facts": json.loads(row.facts)} for row in rows])
        return
    console.result_table(
        ("seq", "when", "kind", "actor", "subject", "facts"),
        [(row.sequence, f"{row.occurred_at:%Y-%m-%d %H:%M:%S}", row.kind, row.actor, row.subject, row.facts) for row in rows],
    )
