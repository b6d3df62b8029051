"""`ats demo`: the whole story on embedded services and the simulated gateway, with no account; every step is a real command.

It fails, with exit code 1, as soon as one step does not do what it says.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ats.cli import console
from ats.cli.demo_stage import Child, Stage, check, claim_folder, free_port, ledger_of, staged, wait_until
from ats.core.config import load_settings
from ats.core.ids import InstrumentId

if TYPE_CHECKING:
    from ats.core.market import Bar

app = typer.Typer(add_completion=False)

PAPER_ACCOUNT, LIVE_ACCOUNT = "DU1234567", "U7654321"
STRATEGY, INSTRUMENT = "ibs_reversion", "MSFT.NASDAQ"
FAST_BARS, DAILY_BARS = "5-SECOND-LAST", "1-DAY-LAST"
PARAMS = {"max_holding_bars": 20}
TOO_LARGE = PARAMS | {"order_notional": 6000}
_REFUSED, _HALTED = 3, 6
_LEFT_AT = (Decimal("5.00"), Decimal("6.00"))
_ENTRY_BELOW, _EXIT_ABOVE = Decimal("0.2"), Decimal("0.8")
_WARM_HISTORY, _BARS_TO_START, _BARS_TO_HOLD, _BARS_TO_EXIT = 300, 2, 6, 4


@app.command()
def demo(
    folder: Annotated[Path | None, typer.Option("--folder", help="Data folder of the demo; cleared at its next run.")] = None,
) -> None:
    """Show the whole story on a simulated gateway: backtest, refusal, approval, paper, live, cap, kill switch, audit.

    Example: ats demo
    """
    console.say("ats demo: from an idea to a gated live session. No account, no network; everything below is real except the broker.\n")
    stage_folder = claim_folder((folder or load_settings().storage.data_dir / "demo").absolute())
    settings = {
        "ATS_IB_PAPER_PORT": str(free_port()),
        "ATS_IB_LIVE_PORT": str(free_port()),
        "ATS_ENABLE_LIVE_TRADING": "true",
        "ATS_IB_LIVE_ACCOUNT_ID": LIVE_ACCOUNT,
    }
    with staged(stage_folder, settings) as stage:
        _tell(stage)


def _tell(stage: Stage) -> None:
    step(
        1,
        "Start embedded PostgreSQL and Valkey",
        "A real database and a real cache in the demo's own folder; they stop when the last user leaves.",
    )
    with _services(stage):
        step(2, "Load market data", "Five stocks, daily, 2000 to 2013, public domain, shipped with ats; adjusted for splits and dividends.")
        stage.run("data", "load-shipped")
        check(
            len(stage.ask("data", "list")) >= len(("AAPL", "FB", "GOOG", "IBM", "MSFT")),
            "the catalog holds all five stocks",
        )
        report = _backtest(stage)
        _refused(stage)
        _approve(stage)
        _paper(stage)
        _live(stage)
        step(
            9,
            "Verify the audit log",
            "Every intent, refusal, approval and kill is in a hash chain whose head is anchored outside the database.",
        )
        verdict = stage.ask("audit", "verify")
        check(verdict["finding"] == "intact" and verdict["rows"] > 0, f"{verdict['rows']} audit rows, the chain is intact")
        stage.run("sessions", "list")
    _farewell(stage, report)


def step(number: int, title: str, words: str) -> None:
    """Announce a step in plain words."""
    console.say(f"\n{number}. {title}", style="bold")
    console.say(f"  {words}")


def _services(stage: Stage) -> AbstractContextManager[object]:
    """Keep the services up for the length of the story, so that each command finds them running."""
    from ats.store.embedded import open_services  # noqa: PLC0415 -- the first words should be on the screen before the database client is imported

    settings = load_settings({name: value for name, value in stage.environment.items() if name.startswith("ATS_")})
    return open_services(settings.storage, lambda text: console.say(f"    {text}", style="dim"))


def _backtest(stage: Stage) -> Path:
    step(
        3,
        f"Backtest {STRATEGY} on 13 years of {INSTRUMENT}",
        "Decides after each close, fills at the next open, pays commissions, with Guardian on the order path.",
    )
    said = stage.run(
        "backtest", "--strategy", STRATEGY, "--instrument", INSTRUMENT, "--bar-spec", DAILY_BARS, "--params", json.dumps(PARAMS)
    )  # fmt: skip
    report = Path(said.split("report", 1)[1].split()[0] if "report" in said else "")
    check(report.suffix == ".html" and report.stat().st_size > 0, "the report is written")
    return report


def _refused(stage: Stage) -> None:
    step(4, "Try to go live without permission", "Nobody has approved this strategy for real money, so nothing is even connected.")
    said = stage.run("live", *_sleeve(TOO_LARGE), expect=_REFUSED)
    check("has no live approval" in said, "live is refused, and says which approval is missing")


def _approve(stage: Stage) -> None:
    step(
        5,
        "Approve",
        "Bound to the code, parameters, bars, account and caps as they are now; any later change refuses the start. Expires in 90 days.",
    )
    stage.run("approve-live", *_sleeve(TOO_LARGE), "--note", "demo: shows that a cap holds even for something approved")


def _paper(stage: Stage) -> None:
    step(
        6,
        f"Paper session on the simulated gateway, account {PAPER_ACCOUNT}",
        f"The gateway compresses the daily data: each day becomes one {FAST_BARS} bar dated now, so that you can watch the strategy trade.",
    )
    ledger = stage.folder / "paper-ledger.json"
    gateway = _gateway(stage, "paper", PAPER_ACCOUNT, ledger)
    session = stage.start("paper session", "paper", *_sleeve(PARAMS))
    session.wait_for("RUNNING", 40)
    session.wait_for("FILLED BUY", 45)
    wait_until(lambda: _position(ledger) > 0, 5, "the strategy really traded: the broker's books show the position")
    held = _position(ledger)
    console.say("\n  Now stop it while it holds a position, and start it again: a new process that knows nothing.")
    check(session.stop() == 0, "the session stopped in order, exit code 0")
    again = stage.start("paper session", "paper", *_sleeve(PARAMS))
    line = again.lines[again.wait_for("RUNNING", 40)]
    check(f"{held} {INSTRUMENT}" in line, f"reconciliation found the position of {held} shares")
    again.wait_for("FILLED SELL", 75)
    check(again.stop() == 0, "the restarted session sold it and stopped in order")
    sides = [execution["side"] for execution in ledger_of(ledger)["executions"]]
    check(
        sides.count("BUY") == sides.count("SELL") + (1 if _position(ledger) else 0) and sides[:2] == ["BUY", "SELL"],
        f"the broker's own books show {' '.join(sides)}: nothing was doubled",
    )
    gateway.stop()


def _live(stage: Stage) -> None:
    step(
        7,
        f"Live session on the simulated live gateway, account {LIVE_ACCOUNT}",
        "It wants the whole account id typed. Approved is an order of 6,000 USD; the cap is 5,000.",
    )
    ledger = stage.folder / "live-ledger.json"
    gateway = _gateway(stage, "live", LIVE_ACCOUNT, ledger)
    stage.run("live", *_sleeve(TOO_LARGE), typed="u7654321\n", expect=_REFUSED)
    console.say("  Lower case is not the account id. Now as it is written:")
    session = stage.start("live session", "live", *_sleeve(TOO_LARGE), typed=f"{LIVE_ACCOUNT}\n")
    session.wait_for("RUNNING", 40)
    refused = session.lines[session.wait_for("REFUSED", 45)]
    check("MAX_NOTIONAL_PER_ORDER" in refused, "Guardian refused the order that breaks the cap")
    check(ledger_of(ledger)["orders"] == [], "the broker never saw it")
    _kill(stage, ledger, session)
    gateway.stop()


def _kill(stage: Stage, ledger: Path, session: Child) -> None:
    step(
        8,
        "Pull the kill switch",
        "Two limit orders were left working at the broker by hand, from another terminal. The kill finds and cancels those too.",
    )
    _leave_orders(stage)
    wait_until(lambda: len(_working(ledger)) == len(_LEFT_AT), 5, "two orders are working at the broker")
    stage.run("kill", "--reason", "demo: stop everything")
    check(_working(ledger) == [], "no order is working at the broker any more")
    session.wait_for("HALTED", 15)
    check(session.stop() == _HALTED, "the session was halted and says so with exit code 6")
    stage.run("live", *_sleeve(TOO_LARGE), expect=_HALTED)
    console.say("  It stays off until a person lifts it with a reason: ats resume --reason …")


def _farewell(stage: Stage, report: Path) -> None:
    ats = f"ATS_DATA_DIR={stage.folder} {Path(sys.executable).with_name('ats')}"
    console.say("\nEverything above did what it says.", style="bold green")
    console.say(f"  The report               {report}")
    console.say(f"  Sessions and their fills {ats} sessions list")
    console.say(f"  The audit log            {ats} audit list")
    console.say("  Your own data            ats data import FILE --instrument QQQ.NASDAQ --bar-spec 1-DAY-LAST")
    console.say("  Next                     docs/start/first-backtest.md, docs/guides/paper-session.md, docs/guides/go-live.md")


def _sleeve(params: Mapping[str, object]) -> tuple[str, ...]:
    return ("--strategy", STRATEGY, "--instrument", INSTRUMENT, "--bar-spec", FAST_BARS, "--params", json.dumps(params))


def _gateway(stage: Stage, mode: str, account: str, ledger: Path) -> Child:
    port = stage.environment[f"ATS_IB_{mode.upper()}_PORT"]
    where = ("--port", port, "--data", INSTRUMENT, "--history-bars", str(_interesting_start(stage)), "--ledger", str(ledger))
    child = stage.start(f"{mode} gateway", "gateway", "sim", "--mode", mode, "--account", account, *where, is_shown=False)
    child.wait_for(f"127.0.0.1:{port}", 30)
    return child


def _interesting_start(stage: Stage) -> int:
    """A day in the data after which the strategy soon buys, holds for a while and sells: so that nobody waits for a signal."""
    from ats.core.market import BarSpec  # noqa: PLC0415 -- as above
    from ats.data.catalog import Catalog  # noqa: PLC0415 -- as above

    bars = Catalog(stage.folder / "catalog").core_bars(INSTRUMENT, BarSpec.parse(DAILY_BARS))
    strengths = [_strength(bar) for bar in bars]
    return next(start for start in range(_WARM_HISTORY, len(bars) - 30) if _tells_the_story(strengths[start:]))


def _tells_the_story(strengths: Sequence[Decimal]) -> bool:
    """An entry two to four bars on and none before, a holding of at least six bars, an exit within four more."""
    entry = next((index for index, value in enumerate(strengths) if value < _ENTRY_BELOW), None)
    if entry is None or not _BARS_TO_START <= entry <= _BARS_TO_START + 2:
        return False
    held = strengths[entry + 1 : entry + 1 + _BARS_TO_HOLD]
    after = strengths[entry + 1 + _BARS_TO_HOLD : entry + 1 + _BARS_TO_HOLD + _BARS_TO_EXIT]
    return all(value < _EXIT_ABOVE for value in held) and any(value > _EXIT_ABOVE for value in after)


def _strength(bar: Bar) -> Decimal:
    """Internal bar strength: where in its range the bar closed."""
    return (bar.close - bar.low) / (bar.high - bar.low) if bar.high > bar.low else Decimal("0.5")


def _leave_orders(stage: Stage) -> None:
    from ats.brokers.ib.hand_order import leave_resting_buy  # noqa: PLC0415 -- as above

    port = int(stage.environment["ATS_IB_LIVE_PORT"])
    for price in _LEFT_AT:
        left = leave_resting_buy("127.0.0.1", port, InstrumentId.parse(INSTRUMENT), 100, price)
        console.say(f"    by hand | {left}", style="dim")


def _working(ledger: Path) -> list[object]:
    return [order for order in ledger_of(ledger)["orders"] if order["status"] in ("Submitted", "PreSubmitted", "PendingSubmit")]


def _position(ledger: Path) -> int:
    return sum(int(position["quantity"]) for position in ledger_of(ledger)["positions"])
