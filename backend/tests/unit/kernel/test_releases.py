"""Orders of several sleeves that decide at one close: spread over the submit rate, tried again when a passing refusal met them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from nautilus_trader.model.data import BarType

from ats.core.clock import to_ns
from ats.execution.costs import IbFixedFeeModel
from ats.kernel.backtest_engine import run_engine
from ats.kernel.strategies import PASSING_REFUSALS
from ats.risk.limits import Rule
from ats.signals.ibs_reversion import RULE
from ats.strategies.base import RuleStrategyConfig
from ats.strategies.ibs_reversion import IbsReversion

SECOND = 1_000_000_000
WEAK_CLOSES = [("10.00", "10.00"), ("11.00", "10.00"), ("10.50", "10.50"), ("10.60", "10.60")]


@pytest.fixture
def run(series, limits):
    """Two sleeves that both decide to buy at the second close, under a rate of one order a second."""

    def go(**config):
        items = [series(name, WEAK_CLOSES) for name in ("AAA", "BBB")]

        def maker(number, item):
            def make(opens):
                delay = config.get("delay", 0) * number
                settings = RuleStrategyConfig(
                    strategy_id=f"S-{number}",
                    order_id_tag=str(number),
                    instrument_id=item.instrument.id,
                    bar_type=BarType.from_str(str(item.bar_type)),
                    release_delay_ns=delay,
                    retries=config.get("retries", ()),
                )
                return IbsReversion(settings, RULE.params_model(order_notional=1_000, buy_threshold=0.1), opens)

            return make

        names = [str(item.instrument.id) for item in items]
        return run_engine(
            [maker(number, item) for number, item in enumerate(items)], items, Decimal(10_000), limits(*names, rate=1), IbFixedFeeModel()
        )

    return go


def _first_buys(result):
    return {fill.instrument_id: to_ns(fill.filled_at) for fill in reversed(result.fills) if fill.side == "BUY"}


def test_without_care_the_second_sleeve_loses_its_entry(run):
    """S3-07: the rate refuses it at that open; this is what the next two tests prevent."""
    result = run()
    assert result.refusals[Rule.SUBMIT_RATE] == 1
    assert set(_first_buys(result)) == {"AAA.NASDAQ"}


def test_releases_are_spread_over_the_submit_rate(run):
    """S3-07: each sleeve at its own moment after the same open, none refused."""
    result = run(delay=SECOND)
    times = sorted(_first_buys(result).values())
    assert times[1] - times[0] == SECOND
    assert result.refusals == {}


def test_a_passing_refusal_is_tried_again(run):
    """S3-07, A2: two seconds later, at most for a minute after the open."""
    result = run(retries=PASSING_REFUSALS)
    times = sorted(_first_buys(result).values())
    assert times[1] - times[0] == 2 * SECOND
    assert result.refusals[Rule.SUBMIT_RATE] == 1
