"""`ats backtest`: one strategy on one instrument, with a report one can look at."""

from __future__ import annotations

import webbrowser
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from ats.cli import console
from ats.cli.options import JsonFlag
from ats.core.config import load_settings
from ats.core.errors import InputError
from ats.core.ids import InstrumentId
from ats.core.market import BarSpec
from ats.core.money import parse_positive

if TYPE_CHECKING:
    from ats.operations.backtest import RecordedRun

app = typer.Typer(add_completion=False)


@app.command()
def backtest(
    strategy: Annotated[str, typer.Option("--strategy", help="Strategy key, for example ibs_reversion.")],
    instrument: Annotated[str, typer.Option("--instrument", help="Instrument as SYMBOL.VENUE, for example MSFT.NASDAQ.")],
    bar_spec: Annotated[str, typer.Option("--bar-spec", help="Bar specification, for example 1-DAY-LAST.")],
    start: Annotated[datetime | None, typer.Option("--start", formats=["%Y-%m-%d"], help="First New York date, included.")] = None,
    end: Annotated[datetime | None, typer.Option("--end", formats=["%Y-%m-%d"], help="Last New York date, included.")] = None,
    params: Annotated[
        str, typer.Option("--params", help="Parameters as a JSON object in single quotes; what is left out takes its default.")
    ] = "{}",
    cash: Annotated[str, typer.Option("--cash", help="Starting cash in USD.")] = "5000",
    as_json: JsonFlag = False,
    open_report: Annotated[bool, typer.Option("--open", help="Open the report in the browser.")] = False,
) -> None:
    """Backtest a strategy on stored bars and write an HTML report; fills at the next open, Guardian on the order path.

    Example: ats backtest --strategy ibs_reversion --instrument MSFT.NASDAQ --bar-spec 1-DAY-LAST --start 2000-03-01 --end 2013-03-01
    """
    from ats.backtest.plan import BacktestPlan  # noqa: PLC0415 -- numpy and the engine are not needed for --help
    from ats.risk.limits import limits_from  # noqa: PLC0415 -- as above
    from ats.signals.params import parse_params  # noqa: PLC0415 -- as above
    from ats.strategies.registry import rule_of  # noqa: PLC0415 -- as above

    settings = load_settings()
    first, last = _date(start), _date(end)
    if first is not None and last is not None and first > last:
        raise InputError("start", first.isoformat(), f"is after --end {last.isoformat()}", remedy="Swap them.")
    plan = BacktestPlan(
        strategy=strategy,
        instrument_id=InstrumentId.parse(instrument),
        bar_spec=BarSpec.parse(bar_spec),
        start=first,
        end=last,
        params=parse_params(rule_of(strategy).params_model, params),
        cash=parse_positive(cash, "cash"),
        limits=limits_from(settings.backtest_risk, [instrument]),
    )
    from ats.wiring.research import record_backtest  # noqa: PLC0415 -- as above

    with console.progress(f"Backtest of {strategy} on {instrument} {bar_spec}"):
        run = record_backtest(plan, settings, console.say)
    if as_json:
        console.result_json({"run_id": run.run_id, "report": run.report, **run.result.summary()})
    else:
        _print(run)
    if open_report:
        webbrowser.open(run.report.as_uri())


def _date(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()


def _print(run: RecordedRun) -> None:
    mine, other = asdict(run.result.performance), asdict(run.result.benchmark_performance)
    rows = [(name.replace("_", " "), _shown(name, mine[name]), _shown(name, other[name])) for name in mine]
    console.result_table(("", run.result.plan.strategy, "buy and hold"), rows)
    for rule, count in sorted(run.result.engine.refusals.items()):
        console.warn(f"Guardian refused {count} orders by {rule}; first: {run.result.engine.first_refusals[rule]}.")
    console.result_text(f"report  {run.report}")


_FRACTIONS = frozenset({"total_return", "cagr", "volatility", "max_drawdown", "exposure", "win_rate"})


def _shown(name: str, value: Decimal | float | None) -> str:
    """Fractions as per cent, days and counts whole, money and ratios with two decimals; a dash for what does not exist."""
    if value is None:
        return "-"
    if name in _FRACTIONS:
        return f"{value:.2%}"
    return f"{value:,.0f}" if isinstance(value, int) or name.endswith("_days") else f"{value:,.2f}"
