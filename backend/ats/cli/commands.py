"""The table of commands: what exists, where it lives, and its one line of help, without importing any of it.

`ats --help` must cost less than 0.6 s of processor time while Nautilus alone costs more, so a command's module is imported when
the command runs and not before. To add a command:

1. Write `ats/cli/<topic>.py` with its own Typer application. One command under its own name (`ats kill`) is an application with
   one `@app.command()`; a family (`ats data list`) is an application with several, or with an `@app.callback()` if there is only one.
   Write `typer.Typer(add_completion=False)`: completion belongs to the root.
2. Import slow packages (Nautilus, pandas, plotly, psycopg) in `wiring`, or inside the function that needs them.
3. Add one line to `COMMANDS`. A test imports every target and compares the line of help with the application's own.
4. Write results with `console.result_*` (stdout), everything else with `console.say` (stderr), and take `options.JsonFlag`.
5. Raise `AtsError`s and let them go: `main` prints message and remedy and sets the exit code.
6. Run `make generate`, so that `docs/reference/cli.md` has it.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from ats.cli import console
from ats.cli.failures import INTERRUPTED, Failures

# Typer's own class of usage errors has no public name; BadParameter, which has one, derives from it.
UsageError: Any = typer.BadParameter.__mro__[1]
RESEARCH, TRADE, STOP, SETUP = "Research", "Trade", "Stop", "Look around"


@dataclass(frozen=True, slots=True)
class LazyCommand:
    """A command by name: `target` is `module:attribute` of its Typer application, `help` its line in `ats --help`."""

    name: str
    target: str
    help: str
    panel: str

    def load(self) -> typer.Typer:
        """Import the module and return the application."""
        module, _, attribute = self.target.partition(":")
        application = getattr(importlib.import_module(module), attribute)
        if not isinstance(application, typer.Typer):
            raise TypeError(f"{self.target} is not a Typer application")
        return application


COMMANDS: tuple[LazyCommand, ...] = (
    LazyCommand(
        "demo",
        "ats.cli.demo:app",
        "Show the whole story on a simulated gateway: backtest, refusal, approval, paper, live, cap, kill switch, audit.",
        RESEARCH,
    ),
    LazyCommand(
        "backtest",
        "ats.cli.backtest:app",
        "Backtest a strategy on stored bars and write an HTML report; fills at the next open, Guardian on the order path.",
        RESEARCH,
    ),
    LazyCommand("data", "ats.cli.data:app", "Import, list and check the bars of the catalog.", RESEARCH),
    LazyCommand("paper", "ats.cli.session:paper_app", "Run a paper session on the paper gateway until Ctrl-C or SIGTERM.", TRADE),
    LazyCommand(
        "live",
        "ats.cli.session:live_app",
        "Run a live session with REAL MONEY until Ctrl-C or SIGTERM; needs an approval for every sleeve.",
        TRADE,
    ),
    LazyCommand(
        "approve-live",
        "ats.cli.approvals:approve_app",
        "Approve a strategy, or every sleeve of a book, for real money; bound to code, parameters, account and caps; expires.",
        TRADE,
    ),
    LazyCommand(
        "revoke-live",
        "ats.cli.approvals:revoke_app",
        "Revoke a sleeve's standing approvals; a running session blocks new entries within five seconds, exits pass.",
        TRADE,
    ),
    LazyCommand("approvals", "ats.cli.approvals:app", "List and show go-live approvals.", TRADE),
    LazyCommand(
        "kill",
        "ats.cli.control:kill_app",
        "Halt all trading now: nothing is submitted, every working order is cancelled. Positions are kept.",
        STOP,
    ),
    LazyCommand(
        "resume",
        "ats.cli.control:resume_app",
        "Lift the kill switch. Sessions that were halted stay so; start them again, each start reconciles first.",
        STOP,
    ),
    LazyCommand(
        "status",
        "ats.cli.control:status_app",
        "Show kill switch, sessions and services. Exit code 6 when trading is halted or the switch cannot be read.",
        SETUP,
    ),
    LazyCommand("sessions", "ats.cli.sessions:app", "List and show paper and live sessions.", SETUP),
    LazyCommand("audit", "ats.cli.audit:app", "Read and verify the tamper-evident audit log.", SETUP),
    LazyCommand("gateway", "ats.cli.gateway:app", "Run a simulated Interactive Brokers gateway.", SETUP),
    LazyCommand("config", "ats.cli.config:app", "Show the effective settings and where each comes from.", SETUP),
)


class Deferred(TyperCommand):
    """Stands in the command list for an application that is imported when it is called."""

    def __init__(self, lazy: LazyCommand) -> None:
        super().__init__(lazy.name, help=lazy.help, rich_help_panel=lazy.panel)
        self._lazy = lazy

    def make_context(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 -- the signature is Typer's and changes with it
        """Hand the arguments to the real command."""
        return typer.main.get_command(self._lazy.load()).make_context(*args, **kwargs)


class UnhandledOSError(Exception):
    """An operating-system error nobody translated. Typer would end every broken pipe, also a gateway's, silently with 1."""


class CommandGroup(TyperGroup):
    """The root of the command line: every command of the table, loaded on demand."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 -- the signature is Typer's and changes with it
        super().__init__(*args, **kwargs)
        for lazy in COMMANDS:
            self.commands[lazy.name] = Deferred(lazy)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 -- Typer's context type is private
        """Run the command; tell `main`'s `Failures` of a usage error, and keep operating-system errors from Typer."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            console.say("Interrupted.")
            raise typer.Exit(INTERRUPTED) from None
        except OSError as error:
            raise UnhandledOSError from error
        except UsageError as error:
            if isinstance(ctx.obj, Failures):
                ctx.obj.usage(error.format_message())
            raise
