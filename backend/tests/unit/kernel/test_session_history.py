"""How a strategy in a session gets its bars: history first, asked again when nothing useful came, new bars only then."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest

from ats.execution.costs import IbFixedFeeModel
from ats.kernel.backtest_engine import run_engine
from ats.signals.ibs_reversion import RULE
from ats.strategies.base import ASK_AGAIN_NS, MOST_REQUESTS, RuleStrategyConfig
from ats.strategies.ibs_reversion import IbsReversion

DAY_NS = 86_400_000_000_000


class _Opens:
    """A market whose bars arrive by themselves, or have to be asked for once a day."""

    def __init__(self, is_daily):
        self._is_daily = is_daily

    def closed_ns(self, bar):
        return bar.ts_event

    def history_start_ns(self, bars, now_ns):
        return max(now_ns - bars * DAY_NS, 0)

    def next_request_ns(self, now_ns):
        return (now_ns // DAY_NS + 1) * DAY_NS if self._is_daily else None

    def next_open_ns(self, instrument_id, closed_ns, now_ns):
        return None

    def announce(self, instrument_id, open_ns, now_ns):
        raise AssertionError("nothing is released here")


class _Asking(IbsReversion):
    """Answers its own requests as the script says: `None` loses the request, a list of bars answers it."""

    def request_bars(self, bar_type, start=None, callback=None, **_):
        self.requests.append(self.clock.timestamp_ns())
        answer = self.script.pop(0) if self.script else []
        if answer is None:
            return
        for bar in answer:
            self.on_historical_data(bar)
        callback(None)

    def subscribe_bars(self, bar_type, **_):
        self.subscribed.append(self.clock.timestamp_ns())

    def _decide(self):
        self.decided.append(self._last_closed_ns)


@pytest.fixture
def run(series, limits):
    def go(script, *, is_daily, days=4):
        item = series("AAA", [("10.00", "10.00")] * days)
        made = {}

        def make(_opens):
            config = RuleStrategyConfig(
                strategy_id="S-1", order_id_tag="1", instrument_id=item.instrument.id, bar_type=item.bar_type, is_session=True
            )
            strategy = made["strategy"] = _Asking(config, RULE.params_model(), _Opens(is_daily))
            strategy.requests, strategy.subscribed, strategy.decided = [], [], []
            strategy.script = [None if answer is None else [item.bars[index] for index in answer] for answer in script]
            return strategy

        run_engine([make], [item], Decimal(10_000), limits("AAA.NASDAQ"), IbFixedFeeModel())
        return made["strategy"], item

    return go


def test_new_bars_are_subscribed_only_after_history_came(run):
    """S3-01: an intraday session; a lost request is made again after a minute, and the subscription waits for it."""
    strategy, _ = run([None, None, []], is_daily=False)
    first, second, third = strategy.requests
    assert second - first == third - second == ASK_AGAIN_NS
    assert strategy.subscribed == [third]


def test_an_answer_that_comes_twice_subscribes_once(run):
    strategy, _ = run([[]], is_daily=False)
    strategy._on_history(None)
    assert len(strategy.subscribed) == 1


def test_a_daily_bar_that_is_late_is_asked_for_again_and_decided_once(run):
    """S3-01: the bar is missing in the first answers after its close."""
    strategy, item = run([[], [], [0]], is_daily=True, days=2)
    assert strategy.decided == [item.bars[0].ts_event]
    gaps = [after - before for before, after in pairwise(strategy.requests)]
    assert gaps[:2] == [ASK_AGAIN_NS, ASK_AGAIN_NS]


def test_a_daily_bar_that_never_comes_ends_the_asking_until_the_next_close(run):
    strategy, _ = run([], is_daily=True)
    gaps = [after - before for before, after in pairwise(strategy.requests)]
    assert gaps[: MOST_REQUESTS - 1] == [ASK_AGAIN_NS] * (MOST_REQUESTS - 1)
    assert gaps[MOST_REQUESTS - 1] > 10 * ASK_AGAIN_NS
    assert strategy.decided == []
