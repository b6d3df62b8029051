"""Round trips: hand-calculated examples and the law that their profits are the cash (S5-09)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ats.analytics.round_trips import closed, round_trips
from ats.core.orders import Fill, Side

START = datetime(2020, 1, 2, 14, 30, tzinfo=UTC)


def fill(number: int, side: Side, quantity: object, price: object, commission: object = 0, instrument: str = "QQQ.NASDAQ") -> Fill:
    return Fill(
        execution_id=f"e{number}",
        client_order_id=f"o{number}",
        venue_order_id=f"v{number}",
        strategy="s",
        instrument_id=instrument,
        side=side,
        quantity=Decimal(quantity),
        price=Decimal(price),
        commission=Decimal(commission),
        currency="USD",
        filled_at=START + timedelta(days=number),
    )


BUY, SELL = Side.BUY, Side.SELL


def test_one_buy_and_one_sell_are_one_trip_net_of_both_commissions():
    (trip,) = round_trips([fill(0, BUY, 10, "100.00", 1), fill(3, SELL, 10, "110.00", "1.50")])
    assert (trip.side, trip.quantity, trip.entry_price, trip.exit_price) == (BUY, 10, 100, 110)
    assert (trip.profit, trip.commission) == (Decimal("97.50"), Decimal("2.50"))
    assert trip.profit_fraction == 0.0975
    assert (trip.entered_at, trip.exited_at) == (START, START + timedelta(days=3))


def test_a_short_trip_earns_when_the_price_falls():
    (trip,) = round_trips([fill(0, SELL, 5, 50), fill(1, BUY, 5, 40)])
    assert (trip.side, trip.profit) == (SELL, 50)


def test_adding_and_partial_exits_stay_in_one_trip_at_average_prices():
    fills = [fill(0, BUY, 10, 100), fill(1, BUY, 10, 120), fill(2, SELL, 5, 130), fill(3, SELL, 15, 90)]
    (trip,) = round_trips(fills)
    assert (trip.quantity, trip.entry_price, trip.exit_price, trip.profit) == (20, 110, 100, -200)


def test_an_open_trip_shows_what_is_realised_so_far():
    (trip,) = round_trips([fill(0, BUY, 10, 100, 1), fill(1, SELL, 4, 110, 1)])
    assert trip.is_open
    assert (trip.exited_at, trip.profit) == (None, 38)
    assert closed([trip]) == ()


def test_a_flip_closes_one_trip_and_opens_another_and_splits_the_commission():
    first, second = round_trips([fill(0, BUY, 10, 100, 2), fill(1, SELL, 15, 110, 3), fill(2, BUY, 5, 100, 1)])
    assert (first.side, first.quantity, first.profit, first.commission) == (BUY, 10, 96, 4)
    assert (second.side, second.quantity, second.profit, second.commission) == (SELL, 5, 48, 2)


def test_instruments_do_not_mix():
    fills = [fill(0, BUY, 1, 10), fill(1, SELL, 1, 20, instrument="IBM.NYSE"), fill(2, SELL, 1, 12)]
    assert [(trip.instrument_id, trip.is_open) for trip in round_trips(fills)] == [("QQQ.NASDAQ", False), ("IBM.NYSE", True)]


def test_no_fills_make_no_trips():
    assert round_trips([]) == ()


cents = st.decimals(Decimal("0.01"), Decimal(5000), places=2)
orders = st.lists(st.tuples(st.sampled_from(Side), st.integers(1, 500), cents, st.decimals(Decimal(0), Decimal(5), places=2)), max_size=30)


@given(orders)
def test_profits_of_trips_ended_flat_are_the_cash_they_left(drawn):
    fills = [fill(number, *row) for number, row in enumerate(drawn)]
    position = sum((f.side.sign * f.quantity for f in fills), Decimal(0))
    if position:
        fills.append(fill(len(fills), SELL if position > 0 else BUY, abs(position), "33.33", "0.35"))
    trips = round_trips(fills)
    cash = sum((-f.side.sign * f.quantity * f.price - f.commission for f in fills), Decimal(0))
    assert all(not trip.is_open for trip in trips)
    assert abs(sum((trip.profit for trip in trips), Decimal(0)) - cash) < Decimal("1e-15")
    assert abs(sum((trip.commission for trip in trips), Decimal(0)) - sum((f.commission for f in fills), Decimal(0))) < Decimal("1e-15")
