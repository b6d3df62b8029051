"""The equity curve and buy and hold: examples by hand, and the laws that tie them to the cash."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats.analytics.equity import affordable_shares, buy_and_hold, equity_curve, price_at_open
from ats.analytics.round_trips import round_trips
from ats.core.clock import from_ns, to_ns
from ats.core.orders import Fill, Side

DAY = 86_400_000_000_000
MARKS = 1_577_998_800_000_000_000 + np.arange(5, dtype=np.int64) * DAY
CLOSES = np.array([100.0, 102.0, 101.0, 105.0, 104.0])


def fill_at(moment_ns: int, side: Side, quantity: object, price: object, commission: object = 0) -> Fill:
    return Fill("e", "o", "v", "s", "QQQ.NASDAQ", side, Decimal(quantity), Decimal(price), Decimal(commission), "USD", from_ns(moment_ns))


def flat_fee(quantity: Decimal, price: Decimal) -> Decimal:
    return Decimal(1)


def per_share(quantity: Decimal, price: Decimal) -> Decimal:
    return max(Decimal(1), quantity * Decimal("0.005"))


def test_equity_is_cash_and_the_position_at_each_close():
    fills = [fill_at(int(MARKS[1]) - DAY // 4, Side.BUY, 10, "101", 1), fill_at(int(MARKS[3]) - DAY // 4, Side.SELL, 10, "103", 1)]
    curve = equity_curve(MARKS, {"QQQ.NASDAQ": CLOSES}, fills, Decimal(2000))
    assert curve.equity.tolist() == [2000, 2009, 1999, 2018, 2018]
    assert curve.cash.tolist() == [2000, 989, 989, 2018, 2018]
    assert curve.gross.tolist() == [0, 1020, 1010, 0, 0]
    assert curve.exposure == 0.4


def test_a_fill_at_the_moment_of_a_close_belongs_to_the_bar_that_opens_then():
    curve = equity_curve(MARKS, {"QQQ.NASDAQ": CLOSES}, [fill_at(int(MARKS[1]), Side.BUY, 1, "103")], Decimal(1000))
    assert curve.equity.tolist() == [1000, 1000, 998, 1002, 1001]


def test_fills_at_or_after_the_last_mark_are_in_it():
    curve = equity_curve(MARKS, {"QQQ.NASDAQ": CLOSES}, [fill_at(int(MARKS[-1]), Side.BUY, 1, "103")], Decimal(1000))
    assert curve.equity.tolist() == [1000, 1000, 1000, 1000, 1001]


def test_a_short_position_loses_when_the_price_rises():
    curve = equity_curve(MARKS, {"QQQ.NASDAQ": CLOSES}, [fill_at(int(MARKS[0]) - 1, Side.SELL, 10, "100")], Decimal(1000))
    assert curve.equity.tolist() == [1000, 980, 990, 950, 960]
    assert curve.exposure == 1.0


def test_two_instruments_add_up_and_one_may_have_no_price_yet():
    closes = {"QQQ.NASDAQ": CLOSES, "FB.NASDAQ": np.array([np.nan, np.nan, 10.0, 11.0, 12.0])}
    late = Fill("e", "o", "v", "s", "FB.NASDAQ", Side.BUY, Decimal(2), Decimal(10), Decimal(0), "USD", from_ns(int(MARKS[2]) - 1))
    curve = equity_curve(MARKS, closes, [fill_at(int(MARKS[0]) - 1, Side.BUY, 1, "100"), late], Decimal(1000))
    assert curve.equity.tolist() == [1000, 1002, 1001, 1007, 1008]


def test_a_position_without_a_price_is_refused():
    with pytest.raises(ValueError, match="no close"):
        equity_curve(MARKS, {"QQQ.NASDAQ": CLOSES * np.nan}, [fill_at(int(MARKS[0]), Side.BUY, 1, "100")], Decimal(1000))


def test_fills_in_an_unknown_instrument_are_refused():
    with pytest.raises(ValueError, match="QQQ"):
        equity_curve(MARKS, {"IBM.NYSE": CLOSES}, [fill_at(int(MARKS[0]), Side.BUY, 1, "100")], Decimal(1000))


def test_without_fills_equity_is_the_cash():
    curve = equity_curve(MARKS, {"QQQ.NASDAQ": CLOSES}, [], Decimal(1000))
    assert curve.equity.tolist() == [1000] * 5
    assert curve.exposure == 0.0


def test_without_marks_there_is_no_exposure():
    empty = np.zeros(0, np.int64)
    assert equity_curve(empty, {"QQQ.NASDAQ": np.zeros(0)}, [], Decimal(1)).exposure is None


def test_buy_and_hold_buys_whole_shares_with_commission_at_the_given_open():
    curve, fill = buy_and_hold(
        "QQQ.NASDAQ",
        open_price=Decimal("101.00"),
        opened_ns=int(MARKS[1]) - DAY // 4,
        event_ns=MARKS,
        close=CLOSES,
        starting_cash=Decimal(1010),
        commission=flat_fee,
    )
    assert fill is not None
    assert (fill.quantity, fill.commission) == (9, 1)  # ten shares would cost 1,011 with the commission
    assert curve.equity.tolist() == [1010, 1018, 1009, 1045, 1036]


def test_buy_and_hold_that_cannot_pay_a_share_stays_in_cash():
    curve, fill = buy_and_hold(
        "QQQ.NASDAQ", open_price=Decimal(200), opened_ns=0, event_ns=MARKS, close=CLOSES, starting_cash=Decimal(200), commission=flat_fee
    )
    assert fill is None
    assert curve.equity.tolist() == [200] * 5


@given(st.decimals(Decimal(0), Decimal(100_000), places=2), st.decimals(Decimal("0.01"), Decimal(5000), places=2))
def test_affordable_shares_fit_the_cash_and_one_more_does_not(cash, price):
    shares = affordable_shares(cash, price, per_share)
    assert shares == 0 or shares * price + per_share(shares, price) <= cash
    assert (shares + 1) * price + per_share(shares + 1, price) > cash


rows = st.tuples(st.integers(0, 4), st.sampled_from(Side), st.integers(1, 100), st.decimals(Decimal(1), Decimal(200), places=2))


@given(st.lists(rows, max_size=15))
def test_final_equity_is_the_cash_plus_the_trips_plus_what_is_still_held(drawn):
    fills = [fill_at(int(MARKS[day]) - 1, side, quantity, price, "0.35") for day, side, quantity, price in drawn]
    curve = equity_curve(MARKS, {"QQQ.NASDAQ": CLOSES}, fills, Decimal(10_000))
    profit = 0.0
    for trip in round_trips(fills):
        profit += float(trip.profit)
        if trip.is_open:
            held = sum(f.side.sign * f.quantity for f in fills)
            profit += float(held * (Decimal(104) - trip.entry_price))
    assert curve.equity[-1] == pytest.approx(10_000 + profit)


@given(st.lists(rows, max_size=15))
def test_the_order_of_the_fills_in_the_list_does_not_matter(drawn):
    fills = [fill_at(int(MARKS[day]) - 1 - number, side, quantity, price) for number, (day, side, quantity, price) in enumerate(drawn)]
    forward = equity_curve(MARKS, {"QQQ.NASDAQ": CLOSES}, fills, Decimal(10_000))
    backward = equity_curve(MARKS, {"QQQ.NASDAQ": CLOSES}, fills[::-1], Decimal(10_000))
    assert forward.equity.tolist() == backward.equity.tolist()


def test_an_open_becomes_money_at_the_precision_of_the_series():
    assert price_at_open(20.07981, 4) == Decimal("20.0798")
    assert to_ns(from_ns(int(MARKS[0])) + timedelta(0)) == MARKS[0]
