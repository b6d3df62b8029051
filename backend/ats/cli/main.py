"""The entry point: the root options, and the one place where an error becomes words and an exit code.

0 done · 1 bug · 2 usage · 3 refused by a gate · 4 dependency unavailable · 5 evidence failed · 6 halted · 70 invariant broken ·
130 interrupted · 141 the reader of the output went away. Explained in docs/reference/exit-codes.md.
"""

from __future__ import annotations

import os
import platform
import signal
import sys
import threading
from collections.abc import Sequence
from typing import Annotated

import typer

from ats import __version__
from ats.cli import console
from ats.cli.commands import CommandGroup, UnhandledOSError
from ats.cli.failures import BUG, INTERRUPTED, OUTPUT_CLOSED, Failures
from ats.core.errors import AtsError

app = typer.Typer(
    cls=CommandGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="First time here? `make demo` shows the whole path on a simulated gateway. Settings: `ats config show`.",
)


def _show_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version  # noqa: PLC0415 -- needed by this option alone

        engine = version("nautilus_trader")
        console.result_text(f"ats {__version__} (nautilus_trader {engine}, Python {platform.python_version()})")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Print the versions.")] = False,
    _debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an unexpected error.")] = False,
) -> None:
    """Research, paper and live trading on NautilusTrader, behind gates that fail closed."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(
            signal.SIGINT, signal.default_int_handler
        )  # a script's `ats paper &` starts us with it ignored: whoever asks us to stop is heard
        signal.signal(signal.SIGTERM, _interrupt)  # a supervisor's stop unwinds like Ctrl-C, so that services are released
    sys.exit(run(sys.argv[1:] if arguments is None else list(arguments)))


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; says on stderr why it failed, with `--json` also on stdout."""
    failures = Failures(as_json="--json" in arguments, with_traceback="--debug" in arguments)
    try:
        return _run(arguments, failures)
    except console.OutputClosedError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes once more when it exits
        return OUTPUT_CLOSED


def _run(arguments: Sequence[str], failures: Failures) -> int:
    try:
        app(args=list(arguments), prog_name="ats", obj=failures)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else BUG if ended.code else 0
    except AtsError as error:
        return failures.expected(error)
    except console.OutputClosedError:
        raise
    except KeyboardInterrupt:
        return INTERRUPTED
    except UnhandledOSError as wrapper:
        return failures.unexpected(wrapper.__cause__ or wrapper)
    except Exception as error:  # noqa: BLE001 -- the top level of the process: says what happened and ends it
        return failures.unexpected(error)
    return 0


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt
