"""`ats paper` and `ats live`: one session, one process, one TradingNode. Also reachable as `python -m ats.paper` and `python -m ats.live`."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import time
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from ats.cli import console
from ats.core.config import load_settings
from ats.session.records import Mode

PATIENCE_SECONDS = 60.0
_LONGEST_LINE = 1_000

paper_app = typer.Typer(add_completion=False)
live_app = typer.Typer(add_completion=False)

Strategy = Annotated[str | None, typer.Option("--strategy", help="Strategy key, for example ibs_reversion.")]
Instrument = Annotated[str | None, typer.Option("--instrument", help="Instrument as SYMBOL.VENUE, for example QQQ.NASDAQ.")]
BarSpecOption = Annotated[str | None, typer.Option("--bar-spec", help="Bar specification, for example 1-DAY-LAST.")]
Params = Annotated[str, typer.Option("--params", help="Parameters as a JSON object in single quotes; what is left out takes its default.")]
SleevesJson = Annotated[
    str | None,
    typer.Option(
        "--sleeves-json",
        help="A book: JSON list of {strategy, instrument, bar_spec, params, weight}; the weight multiplies order_notional.",
    ),
]
Understood = Annotated[
    str | None, typer.Option("--i-understand", help="The live account id, instead of typing it; for supervised scripts.")
]


@paper_app.command()
def paper(
    strategy: Strategy = None,
    instrument: Instrument = None,
    bar_spec: BarSpecOption = None,
    params: Params = "{}",
    sleeves_json: SleevesJson = None,
) -> None:
    """Run a paper session on the paper gateway until Ctrl-C or SIGTERM.

    Example: ats paper --strategy ibs_reversion --instrument QQQ.NASDAQ --bar-spec 1-DAY-LAST --params '{"buy_threshold": 0.15}'
    """
    _run(Mode.PAPER, (strategy, instrument, bar_spec, params, sleeves_json), None)


@live_app.command()
def live(
    strategy: Strategy = None,
    instrument: Instrument = None,
    bar_spec: BarSpecOption = None,
    params: Params = "{}",
    sleeves_json: SleevesJson = None,
    i_understand: Understood = None,
) -> None:
    """Run a live session with REAL MONEY until Ctrl-C or SIGTERM; needs an approval for every sleeve.

    Example: ats live --strategy ibs_reversion --instrument QQQ.NASDAQ --bar-spec 1-DAY-LAST --params '{"buy_threshold": 0.15}'
    """
    _run(Mode.LIVE, (strategy, instrument, bar_spec, params, sleeves_json), i_understand)


def _run(mode: Mode, typed: tuple[str | None, str | None, str | None, str, str | None], understood: str | None) -> None:
    from ats.operations.plan import plan_session, sleeves_from  # noqa: PLC0415 -- not needed for --help

    settings = load_settings()
    plan = plan_session(mode, sleeves_from(*typed), settings)
    from ats.wiring.sessions import Voices, run_session  # noqa: PLC0415 -- the engine is imported only when everything typed was right

    with _surviving_screen():
        run_session(plan, settings, Voices(console.say, _typed_account), understood)


class _Screen:
    """A stream that goes on when its reader has gone: losing the screen is no reason to lose control of orders."""

    def __init__(self, stream: Any) -> None:  # noqa: ANN401 -- whatever stands in for a standard stream
        self._stream = stream

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError, ValueError):  # nobody reads, or the terminal is gone
            self._stream.write(text)
            self._stream.flush()
        return len(text)

    def flush(self) -> None:
        """Every write is flushed at once."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 -- everything else is the stream's own
        return getattr(self._stream, name)


@contextlib.contextmanager
def _surviving_screen() -> Iterator[None]:
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _Screen(sys.stdout), _Screen(sys.stderr)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def _typed_account(account_id: str) -> str | None:
    """Ask for the whole account id; None when nobody types one. Only the end of the line is taken off, nothing is trimmed.

    Only a terminal is asked: what comes through a pipe was not typed by a person who read the summary (row C4).
    """
    if sys.stdin is None or not sys.stdin.isatty():
        console.say("Standard input is not a terminal, so nobody can type the account id.")
        return None
    console.say(f"This session trades REAL MONEY on {account_id}. Type the account id to start:", style="bold red")
    line = _typed_line(sys.stdin.fileno(), PATIENCE_SECONDS)
    return None if line is None else line.decode(errors="replace").removesuffix("\n")


def _typed_line(terminal: int, patience_seconds: float) -> bytes | None:
    """One line, with its end; None when the input ends or the time is over before the line does (row J4)."""
    line, deadline = b"", time.monotonic() + patience_seconds
    while not line.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([terminal], [], [], left)[0]:
            return None
        character = os.read(terminal, 1)
        if not character or len(line) > _LONGEST_LINE:
            return None
        line += character
    return line
