"""Metrics by hand, their laws, and what they say when there is nothing to measure (S5-09)."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats.analytics import metrics
from ats.analytics.equity import EquityCurve
from ats.analytics.metrics import performance
from ats.analytics.round_trips import RoundTrip
from ats.core.orders import Side

DAY = 86_400_000_000_000
RETURNS = np.array([0.01, -0.02, 0.03, 0.0])  # mean 0.005; deviations 0.005, -0.025, 0.025, -0.005


def curve_of(values: list[float], start: float, days_apart: float = 1.0) -> EquityCurve:
    event_ns = 1_577_998_800_000_000_000 + (np.arange(len(values)) * days_apart * DAY).astype(np.int64)
    equity = np.array(values, np.float64)
    return EquityCurve(event_ns, equity, equity.copy(), np.ones(len(values)), Decimal(str(start)))


def dates_of(curve: EquityCurve) -> np.ndarray:
    return (curve.event_ns // DAY).astype("datetime64[D]")


def trip(profit: object) -> RoundTrip:
    at = datetime(2020, 1, 2, tzinfo=UTC)
    return RoundTrip("QQQ.NASDAQ", Side.BUY, Decimal(1), at, at, Decimal(100), Decimal(100), Decimal(1), Decimal(profit))


def test_volatility_is_the_sample_deviation_times_the_root_of_252():
    assert metrics.volatility(RETURNS) == pytest.approx(math.sqrt(0.0013 / 3) * math.sqrt(252))


def test_sharpe_is_mean_over_deviation_annualised():
    assert metrics.sharpe(RETURNS) == pytest.approx(0.005 / math.sqrt(0.0013 / 3) * math.sqrt(252))


def test_sortino_counts_only_falls_over_all_sessions():
    assert metrics.sortino(RETURNS) == pytest.approx(0.005 / math.sqrt(0.0004 / 4) * math.sqrt(252))


def test_cagr_compounds_over_calendar_years():
    assert metrics.cagr(0.21, 2.0) == pytest.approx(0.1)
    assert metrics.cagr(-1.0, 2.0) == -1.0


def test_cagr_does_not_exist_under_thirty_days_or_below_total_loss():
    assert metrics.cagr(0.5, 29 / 365.25) is None
    assert metrics.cagr(0.5, 30 / 365.25) is not None
    assert metrics.cagr(-1.1, 2.0) is None


def test_calmar_is_growth_over_the_deepest_fall():
    assert metrics.calmar(0.1, -0.25) == pytest.approx(0.4)
    assert metrics.calmar(0.1, 0.0) is None
    assert metrics.calmar(None, -0.25) is None


def test_trade_figures_by_hand():
    trips = [trip(30), trip(-10), trip(10), trip(0)]
    assert metrics.win_rate(trips) == 0.5
    assert metrics.profit_factor(trips) == 4.0
    report = performance(curve_of([100.0, 130.0], 100), dates_of(curve_of([100.0, 130.0], 100)), trips)
    assert (report.trades, report.average_win, report.average_loss, report.net_profit) == (4, Decimal("20.00"), Decimal("-10.00"), 30)


def test_a_run_by_hand():
    curve = curve_of([100.0, 110.0, 99.0, 121.0], 100, days_apart=365.25)
    report = performance(curve, dates_of(curve), [])
    assert report.total_return == pytest.approx(0.21)
    assert report.cagr == pytest.approx(1.21 ** (1 / 3) - 1)
    assert report.max_drawdown == pytest.approx(-0.1)
    assert report.longest_drawdown_days == pytest.approx(730.5)
    assert report.calmar == pytest.approx((1.21 ** (1 / 3) - 1) / 0.1)
    assert (report.final_equity, report.sessions, report.exposure) == (121.0, 4, 1.0)


def test_intraday_equity_is_marked_once_a_session():
    daily = curve_of([101.0, 99.0, 104.0], 100)
    event_ns = np.repeat(daily.event_ns, 3) + np.tile([-2, -1, 0], 3)
    values = np.array([500.0, 1.0, 101.0, 7.0, 8.0, 99.0, 3.0, 2.0, 104.0])
    intraday = EquityCurve(event_ns, values, values, np.ones(9), Decimal(100))
    fine, coarse = performance(intraday, dates_of(intraday), []), performance(daily, dates_of(daily), [])
    assert (fine.sharpe, fine.sortino, fine.volatility, fine.sessions) == (coarse.sharpe, coarse.sortino, coarse.volatility, 3)
    assert fine.max_drawdown == pytest.approx(1 / 500 - 1)  # depth is measured on every mark


def test_nothing_happened_and_nothing_is_claimed():
    curve = curve_of([100.0] * 300, 100)
    report = performance(curve, dates_of(curve), [])
    assert (report.total_return, report.cagr, report.volatility, report.max_drawdown, report.longest_drawdown_days) == (0, 0, 0, 0, 0)
    for missing in ("sharpe", "sortino", "calmar", "win_rate", "profit_factor", "average_win", "average_loss"):
        assert getattr(report, missing) is None, missing


def test_a_single_bar_and_no_bar_have_no_ratios():
    for curve in (curve_of([100.0], 100), curve_of([], 100)):
        report = performance(curve, dates_of(curve), [])
        assert (report.cagr, report.volatility, report.sharpe, report.sortino) == (None, None, None, None)


def test_only_winners_have_no_profit_factor_and_only_losers_have_zero():
    assert metrics.profit_factor([trip(5)]) is None
    assert metrics.profit_factor([trip(-5)]) == 0.0


def test_equity_below_zero_gives_no_returns_but_says_what_was_lost():
    curve = curve_of([100.0, -20.0, 10.0] * 20, 100)
    report = performance(curve, dates_of(curve), [])
    assert (report.sharpe, report.volatility) == (None, None)
    assert report.max_drawdown == pytest.approx(-1.2)
    assert report.total_return == pytest.approx(-0.9)


values = st.lists(st.floats(1.0, 1e6), min_size=2, max_size=60)


@given(values)
def test_no_figure_is_ever_nan_or_infinite(equity):
    curve = curve_of(equity, equity[0])
    report = performance(curve, dates_of(curve), [])
    json.dumps(report.as_plain(), allow_nan=False)


@given(st.lists(st.floats(1.0, 1e6), min_size=32, max_size=60), st.floats(0.5, 4.0))
def test_figures_do_not_depend_on_the_size_of_the_account(equity, factor):
    small, large = curve_of(equity, equity[0]), curve_of([value * factor for value in equity], equity[0] * factor)
    first, second = performance(small, dates_of(small), []), performance(large, dates_of(large), [])
    for name in ("total_return", "cagr", "volatility", "max_drawdown"):
        assert getattr(first, name) == pytest.approx(getattr(second, name), rel=1e-6, abs=1e-9), name


def test_money_travels_as_text():
    curve = curve_of([100.0, 101.0], 100)
    plain = performance(curve, dates_of(curve), [trip("12.345"), trip("-1")]).as_plain()
    assert (plain["average_win"], plain["net_profit"]) == ("12.34", "11.345")
