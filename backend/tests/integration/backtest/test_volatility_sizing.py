"""Entries sized for a volatility target, on real prices (S5-06)."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from statistics import stdev

import pytest

from ats.backtest.plan import BacktestPlan
from ats.backtest.run import run_backtest
from ats.core.clock import to_ns
from ats.core.config import BacktestRiskSettings
from ats.core.ids import InstrumentId
from ats.core.market import BarSpec
from ats.risk.limits import limits_from
from ats.strategies.registry import rule_of

INSTRUMENT = "MSFT.NASDAQ"


@pytest.fixture
def run(shipped):
    def go(**params):
        plan = BacktestPlan(
            strategy="ibs_reversion",
            instrument_id=InstrumentId.parse(INSTRUMENT),
            bar_spec=BarSpec.parse("1-DAY-LAST"),
            start=None,
            end=None,
            params=rule_of("ibs_reversion").params_model(**params),
            cash=Decimal(1_000_000),
            limits=limits_from(BacktestRiskSettings(), [INSTRUMENT]),
        )
        return run_backtest(plan, shipped)

    return go


def test_every_entry_has_the_size_the_volatility_before_it_allows(run):
    """S5-06: worked out again here from the closes known at the decision, for each of the entries of 13 years."""
    result = run(volatility_target=0.2, volatility_bars=20)
    closes, opened = result.window.close.tolist(), result.window.opened_ns.tolist()
    entries = [fill for fill in result.engine.fills if fill.side == "BUY"]
    for fill in entries:
        known = closes[: opened.index(to_ns(fill.filled_at))][-21:]
        volatility = stdev(math.log(after / before) for before, after in pairwise(known)) * math.sqrt(252)
        notional = 4_000 * min(1.0, 0.2 / volatility)
        assert abs(float(fill.quantity) - notional / known[-1]) <= 1.01
    assert len(entries) > 100


def test_a_target_above_every_volatility_changes_nothing(run):
    """S5-06: no leverage. The first weeks differ, because a size needs more closes than the decision does."""
    both_warm = datetime(2000, 6, 1, tzinfo=UTC)
    scaled, fixed = (
        [(fill.side, fill.quantity, fill.price) for fill in run(**params).engine.fills if fill.filled_at > both_warm]
        for params in ({"volatility_target": 5.0}, {})
    )
    assert scaled == fixed
    assert len(fixed) > 200
