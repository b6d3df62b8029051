"""The report: self-contained, the same bytes for the same run, honest about what is missing (S5-09, J9)."""

# ruff: noqa: RUF001 -- the minus sign and the dash are what the report shows
from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser

import numpy as np
import pytest

from ats.analytics.equity import buy_and_hold, equity_curve
from ats.analytics.metrics import performance
from ats.analytics.round_trips import round_trips
from ats.backtest.report import RefusedOrders, ReportInput, render_report
from ats.backtest.report_charts import LONGEST_CHART, chart_data
from ats.backtest.report_warnings import warnings_of
from ats.backtest.report_words import amount, days, money, percent, ratio
from ats.core.clock import from_ns
from ats.core.orders import Fill, Side

DAY = 86_400_000_000_000
CASH = Decimal(10_000)


def fill(moment: datetime, side: Side, quantity: int, price: float) -> Fill:
    return Fill("e", "o", "v", "s", "QQQ.NASDAQ", side, Decimal(quantity), Decimal(str(price)), Decimal(1), "USD", moment)


def run(trades: int = 40, sessions: int = 300, end_open: bool = False) -> ReportInput:
    event_ns = 1_546_462_800_000_000_000 + np.arange(sessions, dtype=np.int64) * DAY
    close = np.round(100 + 10 * np.sin(np.arange(sessions) / 7) + np.arange(sessions) / 20, 2)
    fills = []
    for number in range(trades):
        entry = from_ns(int(event_ns[2 + 5 * number]) - DAY // 4)
        fills += [fill(entry, Side.BUY, 10, close[2 + 5 * number]), fill(entry + timedelta(days=2), Side.SELL, 10, close[4 + 5 * number])]
    fills = fills[:-1] if end_open else fills
    dates = (event_ns // DAY).astype("datetime64[D]")
    curve, trips = equity_curve(event_ns, {"QQQ.NASDAQ": close}, fills, CASH), round_trips(fills)
    benchmark, bought = buy_and_hold(
        "QQQ.NASDAQ",
        open_price=Decimal("100.00"),
        opened_ns=1_546_462_800_000_000_000 + 3 * DAY // 4,
        event_ns=event_ns,
        close=close,
        starting_cash=CASH,
        commission=lambda quantity, price: Decimal(1),
    )
    assert bought is not None
    return ReportInput(
        strategy="ibs_reversion",
        description="Buys weakness.",
        parameters={"entry": 0.2, "days": 3},
        instrument_id="QQQ.NASDAQ",
        bar_spec="1-DAY-LAST",
        currency="USD",
        fill_assumption="Market orders fill at the next open.",
        costs="One dollar an order.",
        data_note="Made up.",
        data_digest="d" * 64,
        code_digest="c" * 64,
        dates=dates,
        close=close,
        curve=curve,
        benchmark=benchmark,
        performance=performance(curve, dates, trips),
        benchmark_performance=performance(benchmark, dates, round_trips([bought])),
        fills=fills,
        trips=trips,
    )


class Page(HTMLParser):
    """What a browser would make of the page: elements opened and closed in order, text, and everything fetched from elsewhere."""

    VOID = frozenset({"meta", "br", "link", "img", "input"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.outside: list[str] = []
        self.text: list[str] = []
        self.cells: list[str] = []
        self.charts = ""
        self._in_charts = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.outside += [value for name, value in attrs if name in ("src", "href", "action", "data")]
        self._in_charts = ("id", "charts") in attrs
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag
        self._in_charts = False

    def handle_data(self, data):
        if self._in_charts:
            self.charts += data
        elif self.stack and self.stack[-1] not in ("script", "style"):
            self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


def test_the_same_run_gives_the_same_bytes():
    assert render_report(run()) == render_report(run())


def test_the_page_is_well_formed_and_fetches_nothing():
    page = Page(render_report(run()))
    assert page.stack == []
    assert page.outside == []


def test_the_page_says_what_was_assumed_and_what_was_run():
    words = Page(render_report(run())).words
    for said in ("ibs_reversion", "QQQ.NASDAQ", "1-DAY-LAST", '{"days": 3, "entry": 0.2}', "fill at the next open", "One dollar an order"):
        assert said in words, said
    for said in ("Made up.", "d" * 64, "c" * 64, "10,000.00 USD", "2019-01-02 to 2019-10-28", "300 bars in 300 sessions"):
        assert said in words, said


def test_every_figure_stands_beside_buy_and_hold():
    report = run()
    words = Page(render_report(report)).words
    mine, other = report.performance, report.benchmark_performance
    assert f"Total return {percent(mine.total_return)} buy & hold {percent(other.total_return)}" in words
    assert f"Sharpe {ratio(mine.sharpe)} buy & hold {ratio(other.sharpe)}" in words
    assert f"Max drawdown {percent(mine.max_drawdown)} buy & hold {percent(other.max_drawdown)}" in words
    assert f"Round trips {mine.trades}" in words


def test_charts_hold_every_session_and_fill():
    report = run()
    charts = json.loads(Page(render_report(report)).charts)
    assert charts["x"][0] == "2019-01-02"
    assert charts["equity"]["strategy"] == [round(value, 2) for value in report.curve.equity.tolist()]
    assert min(charts["drawdown"]["strategy"]) == pytest.approx(report.performance.max_drawdown * 100, abs=1e-4)
    assert (len(charts["buys"]["x"]), len(charts["sells"]["x"])) == (40, 40)
    assert charts["buys"]["y"][0] == float(report.fills[0].price)


def test_a_long_intraday_run_is_drawn_by_session_and_keeps_its_troughs():
    bars = LONGEST_CHART + 2
    event_ns = 1_546_462_800_000_000_000 + np.arange(bars, dtype=np.int64) * (DAY // 10)
    close = np.full(bars, 100.0)
    close[5005] = 40.0  # inside a day, gone by its end
    curve = equity_curve(
        event_ns, {"Q.NASDAQ": close}, [replace(fill(from_ns(0), Side.BUY, 1, 100.0), instrument_id="Q.NASDAQ")], Decimal(101)
    )
    dates = (event_ns // DAY).astype("datetime64[D]")
    charts = json.loads(chart_data(curve, curve, dates, close, [], daily=False))
    assert len(charts["x"]) == len(np.unique(dates)) < bars
    assert min(charts["drawdown"]["strategy"]) == pytest.approx(-100 * 61 / 101, abs=1e-3)


def test_a_short_intraday_run_shows_every_bar_with_its_time():
    report = replace(run(), bar_spec="5-MINUTE-LAST")
    page = Page(render_report(report))
    assert json.loads(page.charts)["x"][0] == "2019-01-02 21:00:00"
    assert "2019-01-04 15:00:00" in page.words


def test_refusals_name_rule_numbers_and_remedy():
    refused = RefusedOrders("max_notional_per_order", 3, "measured 9,000 limit 5,000", "Trade smaller.")
    words = Page(render_report(replace(run(), refusals=(refused,)))).words
    assert "max_notional_per_order 3 measured 9,000 limit 5,000 Trade smaller." in words
    assert "Orders Guardian refused None." in Page(render_report(run())).words


def test_text_from_outside_is_shown_and_never_run():
    """J9: HTML in any text stays text."""
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    report = replace(
        run(),
        strategy=evil,
        description=evil,
        instrument_id=evil,
        parameters={evil: evil},
        data_note=evil,
        notes=(evil,),
        refusals=(RefusedOrders(evil, 1, evil, evil),),
    )
    page = render_report(report)
    assert "<script>alert" not in page
    assert "<img" not in page.split("<script")[0]
    assert Page(page).stack == []


def test_a_run_without_trades_says_so_and_shows_dashes():
    page = Page(render_report(run(trades=0)))
    assert "No round trip was completed" in page.words
    assert "No position was ever opened." in page.words
    assert "Win rate – of round trips" in page.words
    assert "NaN" not in page.words


def test_equity_below_zero_is_reported_and_not_drawn_into_yearly_returns():
    report = run()
    ruined = replace(report.curve, equity=np.where(np.arange(300) > 100, -5.0, report.curve.equity))
    figures = performance(ruined, report.dates, report.trips)
    words = Page(render_report(replace(report, curve=ruined, performance=figures))).words
    assert "Equity fell to zero or below" in words


def test_the_table_of_trips_is_cut_and_says_so():
    report = run()
    words = Page(render_report(replace(report, trips=report.trips * 60))).words
    assert "The first 2,000 of 2,400" in words


def test_an_open_trip_is_marked_open():
    report = run(end_open=True)
    words = Page(render_report(report)).words
    assert re.search(r"2019-07-\d\d open BUY 10", words)
    assert "ends with an open position in QQQ.NASDAQ" in words


def test_a_belief_beyond_reason_is_doubted():
    figures = replace(run().performance, sharpe=3.01)
    assert any("Sharpe ratio of 3.0" in line for line in warnings_of(figures, figures, ()))
    assert not any("Sharpe" in line for line in warnings_of(replace(figures, sharpe=3.0), figures, ()))


def test_few_trades_are_doubted_from_one_to_twenty_nine():
    figures = run().performance
    said = {
        trades: [line for line in warnings_of(replace(figures, trades=trades), figures, ()) if "Only" in line] for trades in (0, 1, 29, 30)
    }
    assert [len(lines) for lines in said.values()] == [0, 1, 1, 0]


def test_a_short_window_and_a_better_benchmark_are_said():
    figures = replace(run().performance, sessions=251, total_return=0.1)
    lines = warnings_of(figures, replace(figures, total_return=0.2), ())
    assert any("251 sessions" in line for line in lines)
    assert any("+20.0 %" in line for line in lines)
    assert warnings_of(replace(figures, sessions=252), figures, ()) == ()


def test_a_result_carried_by_five_trips_is_said():
    report = run(trades=40)
    lucky = [replace(trip, profit=Decimal(100 if number < 5 else 1)) for number, trip in enumerate(report.trips)]
    figures = replace(report.performance, net_profit=Decimal(535))
    assert any("5 best round trips earned 93.5 %" in line for line in warnings_of(figures, figures, lucky))
    even = [replace(trip, profit=Decimal(10)) for trip in report.trips]
    assert not any("best" in line for line in warnings_of(replace(figures, net_profit=Decimal(400)), figures, even))


def test_a_good_run_has_no_warning_box():
    report = run()
    calm = replace(report.performance, sessions=300, sharpe=1.0, total_return=9.0, net_profit=Decimal(-1))
    assert "Before you believe this" not in render_report(replace(report, performance=calm))


def test_a_run_without_bars_is_still_a_page():
    page = Page(render_report(run(trades=0, sessions=0)))
    assert "no bars" in page.words
    assert json.loads(page.charts)["x"] == []


def test_words_of_numbers():
    assert (percent(-0.1234), percent(0.5, sign=False), percent(None)) == ("−12.3 %", "50.0 %", "–")
    assert (ratio(1.234), ratio(-0.5), ratio(None)) == ("1.23", "−0.50", "–")
    assert (days(923.4), days(None)) == ("923 days", "–")
    assert (amount(Decimal("-1234.5"), sign=True), money(Decimal(5), "USD"), money(None, "USD")) == ("−1,234.50", "5.00 USD", "–")
