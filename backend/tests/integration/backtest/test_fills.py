"""Fills of whole runs against a plain re-simulation, and at the edges of the data (S5-06)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

import numpy as np
import pytest

from ats.backtest.plan import BacktestPlan
from ats.backtest.run import run_backtest
from ats.core.clock import to_ns
from ats.core.ids import InstrumentId
from ats.core.orders import Side
from ats.execution.costs import IbFixedFeeModel
from ats.kernel.backtest_engine import run_engine
from ats.kernel.strategies import SleeveSetup
from ats.risk.limits import Rule
from ats.signals.history import History
from ats.signals.library import RULES
from ats.signals.params import build_params

CENT = Decimal("0.01")
CASH = Decimal(5_000)


@dataclass
class Oracle:
    """The same decisions, executed by hand: no engine, no shared code but the rule and its window of bars.

    `cash` is exact; `balance` is what an account shows while flat, which books each closed trade to the cent.
    """

    fills: list
    cash: Decimal
    balance: Decimal
    shares: int = 0
    refused: int = 0

    @property
    def orders(self) -> int:
        return len(self.fills) + self.refused


def money_of(price: float) -> Decimal:
    return Decimal(repr(float(price)))


def commission_of(shares: int, price: Decimal) -> Decimal:
    """Fixed plan: half a cent a share, one dollar at least, one per cent of the value at most."""
    fee = Decimal(shares) * Decimal("0.005")
    fee = max(fee, Decimal(1))
    fee = min(fee, shares * price / 100)
    return fee.quantize(CENT, ROUND_HALF_UP)


def by_hand(rule, params, bars, cash: Decimal = CASH) -> Oracle:
    history = History(rule.warm_up(params))
    state = Oracle([], cash, cash)
    wanted, held, bought = None, 0, Decimal(0)
    for at in range(len(bars.close)):
        opened = money_of(bars.open[at])
        if wanted == "sell":
            fee = commission_of(state.shares, opened)
            state.fills.append((int(bars.opened_ns[at]), "SELL", state.shares, opened, fee))
            state.cash += state.shares * opened - fee
            state.balance += ((opened - bought) * state.shares).quantize(CENT, ROUND_HALF_EVEN) - fee
            state.shares = held = 0
        elif wanted == "buy":
            budget = min(params.order_notional, state.balance * Decimal("0.97"))
            shares = int(budget / money_of(bars.close[at - 1]))
            if shares and shares * opened > state.balance:
                state.refused += 1
            elif shares:
                fee = commission_of(shares, opened)
                state.fills.append((int(bars.opened_ns[at]), "BUY", shares, opened, fee))
                state.cash -= shares * opened + fee
                state.balance -= fee
                state.shares, bought = shares, opened
        prices = (float(column[at]) for column in (bars.open, bars.high, bars.low, bars.close, bars.volume))
        history.append(*prices, bars.dates[at].astype(date))
        held += state.shares > 0
        wanted = None
        if history.count >= rule.warm_up(params):
            if state.shares and rule.exits(history, params, held):
                wanted = "sell"
            elif not state.shares and rule.enters(history, params):
                wanted = "buy"
    return state


def told(fills) -> list:
    return [(to_ns(fill.filled_at), fill.side.value, int(fill.quantity), fill.price, fill.commission) for fill in fills]


def plan_of(market, key, instrument_id, params, *, spec=None, cash=CASH, limits=None) -> BacktestPlan:
    return BacktestPlan(
        key, InstrumentId.parse(instrument_id), spec or market.day, None, None, params, cash, limits or market.limits(instrument_id)
    )


@pytest.mark.parametrize("instrument_id", ["MSFT.NASDAQ", "IBM.NYSE", "AAPL.NASDAQ"])
@pytest.mark.parametrize("key", list(RULES))
def test_a_run_equals_the_same_run_by_hand_to_the_cent(market, shipped, key, instrument_id):
    """S5-06, S5-12: same fills, same commissions, same final equity as a plain loop over the bars."""
    rule = RULES[key]
    params = build_params(rule.params_model, {})
    result = run_backtest(plan_of(market, key, instrument_id, params), shipped)
    bars = result.window
    expected = by_hand(rule, params, bars)
    assert told(result.engine.fills) == expected.fills
    assert result.engine.orders == expected.orders
    assert sum(result.engine.refusals.values()) == expected.refused
    assert len(expected.fills) > 5
    final = expected.cash + expected.shares * money_of(bars.close[-1])
    assert Decimal(result.performance.final_equity).quantize(CENT) == final.quantize(CENT)
    spent = sum((fill[4] for fill in expected.fills), Decimal(0))
    assert result.performance.commissions == spent


@pytest.mark.parametrize("key", list(RULES))
def test_minutes_over_nights_equal_the_run_by_hand(market, key):
    """S5-06: an order decided at a session's last minute fills at the next session's first open."""
    rule, params = RULES[key], market.params(key)
    columns = market.minutes(8, per_session=40, seed=5)
    watched = market.run(key, market.series(columns, market.minute), params)
    expected = by_hand(rule, params, columns)
    assert told(watched.run.fills) == expected.fills
    assert expected.fills


def test_an_order_decided_at_a_sessions_last_minute_fills_at_the_next_sessions_open(market):
    columns = market.minutes(2, per_session=5)
    watched = market.run(
        "sma_cross", market.series(columns, market.minute), market.params("sma_cross", fast_bars=1, slow_bars=2), rule=At(buy=5)
    )
    (fill,) = watched.run.fills
    assert to_ns(fill.filled_at) == columns.opened_ns[5] > columns.event_ns[4] + market.minute_ns
    assert fill.price == money_of(columns.open[5])


def test_a_missing_session_moves_the_fill_to_the_next_one_there_is(market):
    whole = market.daily(30)
    columns = whole.take(np.array([index for index in range(30) if index not in (11, 12, 13)]))
    watched = market.run("sma_cross", market.series(columns, market.day), rule=At(buy=11))
    (fill,) = watched.run.fills
    assert to_ns(fill.filled_at) == whole.opened_ns[14]
    assert fill.price == money_of(whole.open[14])


def test_a_wish_at_the_last_close_comes_to_nothing(market):
    columns = market.daily(20)
    watched = market.run("sma_cross", market.series(columns, market.day), rule=At(buy=20))
    assert watched.diary.decisions[-1][3]
    assert (watched.run.fills, watched.run.orders) == ((), 0)


def test_a_position_open_at_the_end_is_marked_at_the_last_close(market):
    columns = market.daily(3)  # the first three sessions of a month
    series = market.series(columns, market.day)

    class Source:
        def bars(self, *_):
            return series

    result = run_backtest(plan_of(market, "turn_of_month", "AAA.NASDAQ", market.params("turn_of_month")), Source())
    (fill,) = result.engine.fills
    expected = CASH - fill.quantity * fill.price - fill.commission + fill.quantity * money_of(columns.close[-1])
    assert Decimal(result.performance.final_equity).quantize(CENT) == expected
    assert (result.performance.trades, len(result.trips)) == (0, 1)


def test_no_order_when_the_budget_buys_no_share(market):
    """S5-06: whole shares; none is no order, and nothing is refused either."""
    columns = market.daily(40, first_price=900.0)
    watched = market.run("sma_cross", market.series(columns, market.day), market.params("sma_cross", order_notional=100))
    assert any(decision[3] for decision in watched.diary.decisions)
    assert (watched.run.fills, watched.run.orders, dict(watched.run.refusals)) == ((), 0, {})


def test_an_entry_spends_no_more_than_the_free_funds(market):
    """S5-06: 97 % of the free cash at the decision's close, whatever the order notional allows."""
    columns = market.daily(60)
    watched = market.run("sma_cross", market.series(columns, market.day), market.params("sma_cross", order_notional=1_000_000))
    entries = [fill for fill in watched.run.fills if fill.side is Side.BUY]
    first = entries[0]
    decided_at = int(np.searchsorted(columns.opened_ns, to_ns(first.filled_at))) - 1
    assert first.quantity == CASH * Decimal("0.97") // money_of(columns.close[decided_at])
    assert first.quantity * first.price <= CASH


def test_an_entry_the_open_made_too_dear_is_refused(market):
    """S0-04: the open gapped by more than the reserve; Guardian says no, and the run says so."""
    columns = market.daily(30)
    raised = columns.open.copy()
    raised[11] = columns.close[10] * 2
    columns = market.changed(columns, open=np.round(raised, 2), high=np.maximum(columns.high, np.round(raised + 1, 2)))
    watched = market.run(
        "sma_cross", market.series(columns, market.day), market.params("sma_cross", order_notional=1_000_000), rule=At(buy=11)
    )
    assert watched.run.fills == ()
    assert dict(watched.run.refusals) == {Rule.INSUFFICIENT_FUNDS: 1}


@pytest.mark.parametrize(
    ("shares", "price", "fee"),
    [(1, "40", "0.40"), (100, "40", "1.00"), (200, "40", "1.00"), (201, "40", "1.01"), (1_000, "0.30", "3.00"), (1_000, "40", "5.00")],
)
def test_the_hand_and_the_engine_charge_what_the_plan_says(shares, price, fee):
    assert commission_of(shares, Decimal(price)) == Decimal(fee)


def test_several_instruments_on_several_venues_fill_each_at_its_own_open(market):
    """S5-06: the same moments everywhere, one sleeve an instrument; each equals its own run by hand."""
    kinds = (("AAA.NASDAQ", 1), ("BBB.NASDAQ", 2), ("CCC.NYSE", 3), ("DDD.ARCA", 4))
    columns = {instrument: market.minutes(4, per_session=30, seed=seed, first_price=20.0 * seed) for instrument, seed in kinds}
    params = market.params("sma_cross", order_notional=1_000)
    makers = [
        market.watched_maker(SleeveSetup("sma_cross", name, str(market.minute), params, number, is_session=False), market.diary())
        for number, name in enumerate(columns, start=1)
    ]
    series = [market.series(bars, market.minute, name) for name, bars in columns.items()]
    run = run_engine(makers, series, Decimal(100_000), market.limits(*columns), IbFixedFeeModel())
    for name, bars in columns.items():
        mine = [fill for fill in run.fills if fill.instrument_id == name]
        assert told(mine) == by_hand(RULES["sma_cross"], params, bars, Decimal(100_000)).fills
        assert mine


def test_instruments_with_different_hours_fill_each_at_its_own_open(market):
    """S5-06: one instrument's bars end while another's go on; nobody fills at somebody else's moment."""
    early, late = market.minutes(4, per_session=30, seed=1), market.minutes(4, per_session=50, seed=2)
    columns = {"AAA.NASDAQ": early, "BBB.NASDAQ": late.take(np.arange(len(late)) % 7 != 3)}
    params = market.params("donchian_breakout", order_notional=1_000)
    makers = [
        market.watched_maker(SleeveSetup("donchian_breakout", name, str(market.minute), params, number, is_session=False), market.diary())
        for number, name in enumerate(columns, start=1)
    ]
    series = [market.series(bars, market.minute, name) for name, bars in columns.items()]
    run = run_engine(makers, series, Decimal(100_000), market.limits(*columns), IbFixedFeeModel())
    for name, bars in columns.items():
        mine = [fill for fill in run.fills if fill.instrument_id == name]
        assert told(mine) == by_hand(RULES["donchian_breakout"], params, bars, Decimal(100_000)).fills
        assert mine


class At:
    """Wants in after bar number `buy` and never out."""

    def __init__(self, buy):
        self.buy = buy

    def enters(self, history, params):
        return history.count == self.buy

    def exits(self, history, params, bars_held):
        return False


@pytest.mark.parametrize("hours", [1, 20, 50])
def test_a_bar_known_late_is_decided_on_late_and_filled_at_the_next_open_after_that(market, hours):
    """S5-06: hours after the close, and also after the next open has passed, which then must not be reached back to or jumped over."""
    columns = market.daily(30)
    known = columns.event_ns + hours * 3_600_000_000_000
    columns = market.changed(columns, available_ns=known)
    watched = market.run("sma_cross", market.series(columns, market.day), rule=At(buy=11))
    assert [entry[0] for entry in watched.diary.decisions[:5]] == known[7:12].tolist()[:5]
    (fill,) = watched.run.fills
    expected = int(np.searchsorted(columns.opened_ns, known[10]))
    assert to_ns(fill.filled_at) == columns.opened_ns[expected]
    assert fill.price == money_of(columns.open[expected])


def test_a_minute_known_two_seconds_late_fills_at_the_minute_after_the_running_one(market):
    """S5-06: when it was known, the next minute had already opened; its open is in the past and cannot be had."""
    columns = market.minutes(1)
    columns = market.changed(columns, available_ns=columns.event_ns + 2_000_000_000)
    params = market.params("sma_cross", fast_bars=1, slow_bars=2)
    watched = market.run("sma_cross", market.series(columns, market.minute), params, rule=At(buy=5))
    (fill,) = watched.run.fills
    assert to_ns(fill.filled_at) == columns.opened_ns[6]
    assert fill.price == money_of(columns.open[6])


@pytest.mark.parametrize(
    "damage",
    [
        {"high": 1.0},
        {"low": 10_000.0},
        {"close": 10_000.0},
        {"open": 0.01},
    ],
    ids=lambda damage: next(iter(damage)),
)
def test_nothing_is_decided_on_a_bar_that_cannot_be_one(market, damage):
    """J19: high below low, close or open outside; the bar is passed over, the run goes on."""
    columns = market.daily(30)
    ((name, value),) = damage.items()
    bad = getattr(columns, name).copy()
    bad[14] = value
    columns = market.changed(columns, **{name: bad})
    watched = market.run("sma_cross", market.series(columns, market.day), rule=At(buy=15))
    asked_at = [entry[0] for entry in watched.diary.decisions]
    assert int(columns.event_ns[14]) not in asked_at
    assert asked_at[-1] == columns.event_ns[-1]
    assert to_ns(watched.run.fills[0].filled_at) == columns.opened_ns[16]


def test_a_bar_of_a_moment_already_seen_is_passed_over(market):
    """J19: a duplicate, and one that goes back, delivered later."""
    columns = market.daily(30)
    event, known = columns.event_ns.copy(), columns.available_ns.copy()
    event[14], event[20] = event[13], event[10]
    columns = market.changed(columns, event_ns=event, available_ns=known)
    watched = market.run("sma_cross", market.series(columns, market.day), rule=At(buy=0))
    asked_at = [entry[0] for entry in watched.diary.decisions]
    assert not {int(known[14]), int(known[20])} & set(asked_at)
    assert len(asked_at) == 30 - 2 - 7
