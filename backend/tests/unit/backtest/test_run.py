"""From a plan to a result: what is refused, what is recorded, what the report is told (S5-06, S5-09)."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.identifiers import InstrumentId as EngineId
from nautilus_trader.model.identifiers import Symbol
from nautilus_trader.model.instruments import Equity
from nautilus_trader.model.objects import Price, Quantity

from ats.backtest.plan import BacktestPlan
from ats.backtest.run import code_digest, report_input, run_backtest
from ats.core.errors import EvidenceError
from ats.core.ids import InstrumentId
from ats.core.market import BarSpec
from ats.risk.limits import Limits, Rule
from ats.signals.params import build_params
from ats.strategies.registry import rule_of

DAY_NS, SESSION_NS, FIRST_OPEN_NS = 86_400_000_000_000, 23_400_000_000_000, 1_600_003_800_000_000_000


@dataclass
class Window:
    """Daily bars held in memory."""

    instrument: Any
    bars: list
    opened_ns: Any
    event_ns: Any
    open: Any
    close: Any
    price_precision: int = 2
    adjusted: bool = True
    source: str = "made up"

    @property
    def dates(self):
        return self.event_ns.astype("datetime64[ns]").astype("datetime64[D]")

    def digest(self):
        return "d" * 64


class Memory:
    """A source that gives what it holds and remembers what it was asked for."""

    def __init__(self, window):
        self.window, self.asked = window, None

    def bars(self, *asked):
        self.asked = asked
        return self.window


def window(count: int, base: str = "20.00") -> Window:
    """Prices that swing, so that a reversion rule trades: close at the low on even bars, at the high on odd ones."""
    instrument_id = EngineId.from_str("AAA.NASDAQ")
    one = Decimal(1)
    cent = Price.from_str("0.01")
    instrument = Equity(instrument_id, Symbol("AAA"), USD, 2, cent, Quantity.from_int(1), 0, 0, margin_init=one, margin_maint=one)
    bar_type = BarType.from_str("AAA.NASDAQ-1-DAY-LAST-EXTERNAL")
    opened = FIRST_OPEN_NS + DAY_NS * np.arange(count, dtype=np.int64)
    low, high = Decimal(base), Decimal(base) + 2
    bars = []
    for number, start in enumerate(opened.tolist()):
        close = (low, high)[number % 2]
        prices = [Price.from_str(f"{value:.2f}") for value in (low + 1, high, low, close)]
        bars.append(Bar(bar_type, *prices, Quantity.from_int(1_000), start + SESSION_NS, start + SESSION_NS))
    floats = [np.array([getattr(bar, name).as_double() for bar in bars]) for name in ("open", "close")]
    return Window(instrument, bars, opened, opened + SESSION_NS, *floats)


def limits(cap: str = "5000") -> Limits:
    many = Decimal(100_000)
    return Limits({"AAA.NASDAQ": Decimal(cap)}, many, many, 10, 1_000_000_000, 60_000_000_000, frozenset())


def plan(strategy: str = "ibs_reversion", cap: str = "5000", **params: object) -> BacktestPlan:
    values = build_params(rule_of(strategy).params_model, params)
    return BacktestPlan(
        strategy,
        InstrumentId.parse("AAA.NASDAQ"),
        BarSpec(1, "DAY"),
        date(2020, 9, 1),
        date(2021, 9, 1),
        values,
        Decimal(5_000),
        limits(cap),
    )


@pytest.fixture(scope="module")
def result():
    return run_backtest(plan(), Memory(window(40)))


def test_the_window_of_the_plan_is_what_the_source_is_asked_for():
    source = Memory(window(10))
    run_backtest(plan(), source)
    assert source.asked == ("AAA.NASDAQ", BarSpec(1, "DAY"), date(2020, 9, 1), date(2021, 9, 1))


@pytest.mark.parametrize(("count", "enough"), [(100, False), (101, True)])
def test_a_window_must_be_longer_than_the_warm_up(count, enough):
    """S5-06: with as many bars as the warm-up, the first decision has no open to act at."""
    asked = plan("sma_cross")
    if enough:
        assert run_backtest(asked, Memory(window(count))).summary()["bars"] == count
        return
    with pytest.raises(EvidenceError, match=r"100 bars of AAA\.NASDAQ 1-DAY-LAST are not enough.*after 100"):
        run_backtest(asked, Memory(window(count)))


def test_the_summary_holds_what_must_not_change_and_is_json(result):
    summary = json.loads(json.dumps(result.summary(), allow_nan=False))
    assert (summary["strategy"], summary["instrument"]) == ("ibs_reversion", "AAA.NASDAQ")
    assert summary["orders"] == len(result.engine.fills) == 39
    assert summary["first_fill"][:4] == ["BUY", "200", "21", "1"]
    assert summary["data_digest"] == "d" * 64
    assert set(summary["metrics"]) == set(summary["buy_and_hold"])


def test_every_metric_of_the_requirement_is_there(result):
    """S5-09."""
    asked = {"total_return", "cagr", "sharpe", "sortino", "calmar", "volatility", "max_drawdown", "exposure", "win_rate", "profit_factor"}
    assert asked | {"average_win", "average_loss"} <= set(result.summary()["metrics"])


def test_buy_and_hold_starts_when_the_strategy_first_could(result):
    """S5-09: at the open after the warm-up, with the same cash and commission."""
    first = result.window.opened_ns[1]
    (index,) = np.flatnonzero(result.window.opened_ns == first)
    assert result.benchmark.gross[index - 1] == 0
    assert result.benchmark.gross[index] > 0
    assert result.benchmark_performance.commissions == Decimal("1.19")


def test_refusals_reach_summary_and_report_with_a_remedy():
    """S0-04, A1: an order above the cap is refused in a backtest too, and the report says what to do."""
    refused = run_backtest(plan(cap="100"), Memory(window(20)))
    assert refused.engine.fills == ()
    (row,) = report_input(refused).refusals
    assert row.rule == str(Rule.MAX_NOTIONAL_PER_ORDER)
    assert refused.summary()["refusals"] == {row.rule: row.count}
    assert row.remedy
    assert "limit 100" in row.first


def test_the_report_is_told_assumption_costs_and_digests(result):
    told = report_input(result)
    assert "next bar's open" in told.fill_assumption
    assert "0.005" in told.costs
    assert told.data_note == "made up; prices adjusted for splits and dividends."
    assert (told.data_digest, told.code_digest) == (result.data_digest, code_digest("ibs_reversion"))
    raw = report_input(replace(result, window=replace(result.window, adjusted=False)))
    assert raw.data_note == "made up; prices as the file gives them."


def test_code_digests_tell_strategies_apart():
    """C6."""
    assert code_digest("ibs_reversion") != code_digest("sma_cross")
