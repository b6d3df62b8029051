"""The report of a run: one HTML page that needs nothing but itself, and the same bytes for the same run.

It says what was assumed before it says what was earned, sets buy and hold beside every figure, and names what should make a reader doubt.
Everything in it comes from `ReportInput`: plain values and arrays, none of the engine's types, no clock, nothing random.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.util import find_spec
from pathlib import Path
from string import Template

import numpy as np
from numpy.typing import NDArray

from ats.analytics.equity import EquityCurve
from ats.analytics.metrics import Performance
from ats.analytics.returns import Days, year_returns
from ats.analytics.round_trips import RoundTrip
from ats.backtest.report_charts import chart_data
from ats.backtest.report_warnings import warnings_of
from ats.backtest.report_words import NOTHING, amount, days, money, percent, ratio
from ats.core.errors import DependencyError
from ats.core.orders import Fill

_TEMPLATE = Path(__file__).parent / "report_template.html"
_PLOTLY = Path("package_data") / "plotly.min.js"
_LONGEST_TABLE = 2_000


@dataclass(frozen=True, slots=True)
class RefusedOrders:
    """Orders Guardian refused by one rule: how many, the first one's numbers, and what a person can do about it."""

    rule: str
    count: int
    first: str
    remedy: str


@dataclass(frozen=True, slots=True, eq=False)
class ReportInput:
    """All a report says. Arrays have one entry a bar; `dates` is the New York date of each; prices are in `currency`.

    `parameters` are the strategy's, as plain values. `fill_assumption`, `costs` and `data_note` are sentences for people; `notes` are further
    warnings the runner has. Digests are shown so that a run can be told from its copies.
    """

    strategy: str
    description: str
    parameters: Mapping[str, object]
    instrument_id: str
    bar_spec: str
    currency: str
    fill_assumption: str
    costs: str
    data_note: str
    data_digest: str
    code_digest: str
    dates: Days
    close: NDArray[np.float64]
    curve: EquityCurve
    benchmark: EquityCurve
    performance: Performance
    benchmark_performance: Performance
    fills: Sequence[Fill]
    trips: Sequence[RoundTrip]
    refusals: Sequence[RefusedOrders] = ()
    notes: Sequence[str] = ()

    @property
    def is_daily(self) -> bool:
        """Whether a bar is a session; then dates say enough and times are left out."""
        return "-DAY-" in self.bar_spec


def render_report(report: ReportInput) -> str:
    """The page. Raises DependencyError when the chart library's script is not installed."""
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        strategy=escape(report.strategy),
        instrument=escape(report.instrument_id),
        description=escape(report.description),
        window=_window(report),
        facts=_facts(report),
        warnings=_warnings(report),
        cards=_cards(report),
        years=_years(report),
        refusals=_refusals(report.refusals),
        trips=_trips(report),
        charts=chart_data(report.curve, report.benchmark, report.dates, report.close, report.fills, daily=report.is_daily),
        plotly=_plotly(),
    )


def _window(report: ReportInput) -> str:
    if len(report.dates) == 0:
        return "no bars"
    span = f"{report.dates[0]} to {report.dates[-1]}"
    return f"{span} · {escape(report.bar_spec)} · {len(report.dates):,} bars in {report.performance.sessions:,} sessions"


def _facts(report: ReportInput) -> str:
    rows = (
        ("Parameters", json.dumps(dict(report.parameters), sort_keys=True, default=str)),
        ("Fills", report.fill_assumption),
        ("Costs", report.costs),
        ("Starting cash", money(report.curve.starting_cash, report.currency)),
        ("Data", report.data_note),
        ("Data digest", report.data_digest),
        ("Code digest", report.code_digest),
    )
    return "".join(f"<dt>{name}</dt><dd>{escape(text)}</dd>" for name, text in rows)


def _warnings(report: ReportInput) -> str:
    found = (*report.notes, *warnings_of(report.performance, report.benchmark_performance, report.trips))
    if not found:
        return ""
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in found)
    return f'<section class="warnings"><h2>Before you believe this</h2><ul>{items}</ul></section>'


def _cards(report: ReportInput) -> str:
    mine, other, currency = report.performance, report.benchmark_performance, report.currency
    beside = (
        ("Total return", percent(mine.total_return), percent(other.total_return)),
        ("CAGR", percent(mine.cagr), percent(other.cagr)),
        ("Max drawdown", percent(mine.max_drawdown), percent(other.max_drawdown)),
        ("Sharpe", ratio(mine.sharpe), ratio(other.sharpe)),
        ("Sortino", ratio(mine.sortino), ratio(other.sortino)),
        ("Calmar", ratio(mine.calmar), ratio(other.calmar)),
        ("Volatility", percent(mine.volatility, sign=False), percent(other.volatility, sign=False)),
        ("Longest drawdown", days(mine.longest_drawdown_days), days(other.longest_drawdown_days)),
        ("Time in the market", percent(mine.exposure, sign=False), percent(other.exposure, sign=False)),
        ("Final equity", money(mine.final_equity, currency), money(other.final_equity, currency)),
        ("Commissions", money(mine.commissions, currency), money(other.commissions, currency)),
    )
    alone = (
        ("Round trips", f"{mine.trades:,}", "completed, from flat to flat"),
        ("Win rate", percent(mine.win_rate, sign=False), "of round trips, after costs"),
        ("Profit factor", ratio(mine.profit_factor), "sum won over sum lost"),
        ("Average win", money(mine.average_win, currency), "per round trip, after costs"),
        ("Average loss", money(mine.average_loss, currency), "per round trip, after costs"),
    )
    cards = [_card(name, own, f"buy &amp; hold <b>{escape(other)}</b>") for name, own, other in beside]
    return "".join(cards + [_card(*texts) for texts in alone])


def _card(name: str, value: str, beside: str) -> str:
    return f'<div class="card"><span class="name">{name}</span><span class="value">{escape(value)}</span><span class="beside">{beside}</span></div>'


def _years(report: ReportInput) -> str:
    try:
        mine = year_returns(report.dates, report.curve.equity, float(report.curve.starting_cash))
        other = year_returns(report.dates, report.benchmark.equity, float(report.benchmark.starting_cash))
    except ValueError as error:
        return f'<tr><td colspan="4">There are no yearly returns: {escape(str(error))}.</td></tr>'
    rows = ((entry.year, entry.value, hold.value, entry.value - hold.value) for entry, hold in zip(mine, other, strict=True))
    return "".join(f'<tr><th scope="row">{year}</th>{_signed(a)}{_signed(b)}{_signed(c)}</tr>' for year, a, b, c in rows)


def _refusals(refusals: Sequence[RefusedOrders]) -> str:
    if not refusals:
        return '<p class="quiet">None.</p>'
    head = '<tr><th>Rule</th><th class="n">Orders</th><th>The first of them</th><th>What to do</th></tr>'
    body = "".join(
        f'<tr><th scope="row">{escape(entry.rule)}</th><td class="n">{entry.count:,}</td>'
        f"<td>{escape(entry.first)}</td><td>{escape(entry.remedy)}</td></tr>"
        for entry in refusals
    )
    return f'<div class="scroll"><table><thead>{head}</thead><tbody>{body}</tbody></table></div>'


def _trips(report: ReportInput) -> str:
    if not report.trips:
        return '<p class="quiet">No position was ever opened.</p>'
    shown = report.trips[:_LONGEST_TABLE]
    more = "" if len(shown) == len(report.trips) else f"The first {len(shown):,} of {len(report.trips):,}; the run's files hold all. "
    texts, numbers = ("Entered", "Exited", "Side"), ("Shares", "Entry", "Exit", "Commission", "Net profit", "Return")
    head = "".join(f'<th><button type="button">{name}</button></th>' for name in texts)
    head += "".join(f'<th class="n"><button type="button">{name}</button></th>' for name in numbers)
    form = "%Y-%m-%d" if report.is_daily else "%Y-%m-%d %H:%M:%S"
    body = "".join(_trip(trip, form) for trip in shown)
    note = f'<p class="quiet">{more}Prices are averages over the fills of a trip. Click a heading to sort.</p>'
    return f'{note}<div class="scroll tall"><table id="trips"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _trip(trip: RoundTrip, form: str) -> str:
    exited = "open" if trip.exited_at is None else f"{trip.exited_at:{form}}"
    numbers = (
        _cell(float(trip.quantity), f"{trip.quantity.normalize():,f}"),
        _cell(float(trip.entry_price), amount(trip.entry_price)),
        _cell(float(trip.exit_price or 0), NOTHING if trip.exit_price is None else amount(trip.exit_price)),
        _cell(float(trip.commission), amount(trip.commission)),
        _cell(float(trip.profit), amount(trip.profit, sign=True), toned=True),
        _signed(trip.profit_fraction),
    )
    return f"<tr><td>{trip.entered_at:{form}}</td><td>{exited}</td><td>{trip.side}</td>{''.join(numbers)}</tr>"


def _signed(value: float) -> str:
    return _cell(value, percent(value), toned=True)


def _cell(value: float, text: str, *, toned: bool = False) -> str:
    tone = "" if not toned or value == 0 else " gain" if value > 0 else " loss"
    return f'<td class="n{tone}" data-value="{value:.8g}">{text}</td>'


def _plotly() -> str:
    """The chart library's own script, found without importing the library, which takes long."""
    found = find_spec("plotly")
    for folder in (found.submodule_search_locations if found else None) or ():
        script = Path(folder) / _PLOTLY
        if script.is_file():
            return script.read_text(encoding="utf-8")
    raise DependencyError("The chart library plotly is not installed.", remedy="Run `make setup` again.")
