"""What Guardian sees of the account: every position, working and reserved order, each of them once (A10, A11)."""

from __future__ import annotations

from decimal import Decimal

from nautilus_trader.model.enums import OrderSide, TimeInForce
from nautilus_trader.model.objects import Price, Quantity

from ats.core.orders import Side
from ats.execution.costs import IbFixedFeeModel
from ats.kernel.backtest_engine import run_engine
from ats.kernel.book import CacheBook
from ats.kernel.convert import intent_from_order
from ats.risk.guardian import Holding

PRICES = [("10.00", "10.00")] * 6


def _on_bar_number(number, act):
    def on_bar(strategy, _bar):
        if strategy.cache.bar_count(strategy.series.bar_type) == number:
            act(strategy)

    return on_bar


def _limit(strategy, side=OrderSide.BUY, quantity=10, price="5.00"):
    return strategy.order_factory.limit(
        strategy.series.instrument.id, side, Quantity.from_int(quantity), Price.from_str(price), time_in_force=TimeInForce.GTC
    )


def _priced(strategy):
    now_ns = strategy.clock.timestamp_ns()
    strategy.opens.announce(strategy.series.instrument.id.value, now_ns, now_ns)


def _seen(series, scripted, limits, *acts, symbols=("AAA",)):
    """Run one act a bar on each symbol, then give what a book on the cache says."""
    items, said = [series(name, PRICES) for name in symbols], {}

    def make(item):
        steps = [_on_bar_number(number, act) for number, act in enumerate(acts, start=1)]

        def act(strategy, bar):
            for step in steps:
                step(strategy, bar)
            if strategy.cache.bar_count(item.bar_type) == len(acts) + 1:
                said.update(CacheBook(strategy.cache).holdings(""))

        return scripted(item, act).maker

    run_engine(
        [make(item) for item in items],
        items,
        Decimal(100_000),
        limits(*(f"{name}.NASDAQ" for name in symbols)),
        IbFixedFeeModel(),
    )
    return said


def test_a_position_and_both_sides_of_working_orders_are_seen(series, scripted, limits):
    """A10, A11."""

    def act(strategy):
        instrument_id = strategy.series.instrument.id
        _priced(strategy)
        strategy.submit_order(strategy.order_factory.market(instrument_id, OrderSide.BUY, Quantity.from_int(30)))
        strategy.submit_order(_limit(strategy, quantity=7))
        strategy.submit_order(_limit(strategy, OrderSide.SELL, 4, "50.00"))
        strategy.submit_order(_limit(strategy, OrderSide.SELL, 5, "60.00"))

    seen = _seen(series, scripted, limits, act, symbols=("AAA", "BBB"))
    assert seen == dict.fromkeys(("AAA.NASDAQ", "BBB.NASDAQ"), Holding(Decimal(30), Decimal(7), Decimal(9)))


def test_an_order_whose_cancel_is_under_way_counts_once(series, scripted, limits):
    """A11: the engine lists it as open and as in flight; it can still fill, but not twice."""
    said = {}

    def act(strategy):
        order = _limit(strategy)
        _priced(strategy)
        strategy.submit_order(order)

        def cancel(_event):
            strategy.cancel_order(order)
            said["in both lists"] = len(strategy.cache.orders_open()), len(strategy.cache.orders_inflight())
            said["seen"] = CacheBook(strategy.cache).holdings("")

        strategy.clock.set_time_alert_ns("later", strategy.clock.timestamp_ns() + 1, cancel)

    _seen(series, scripted, limits, act)
    assert said["in both lists"] == (1, 1)
    assert said["seen"] == {"AAA.NASDAQ": Holding(Decimal(0), Decimal(10), Decimal(0))}


def test_the_order_being_judged_is_left_out(series, scripted, limits):
    said = {}

    def act(strategy):
        _priced(strategy)
        orders = [_limit(strategy, quantity=quantity) for quantity in (3, 4)]
        for order in orders:
            strategy.submit_order(order)

        def ask(_event):
            said.update(CacheBook(strategy.cache).holdings(orders[0].client_order_id.value))

        strategy.clock.set_time_alert_ns("later", strategy.clock.timestamp_ns() + 1, ask)

    _seen(series, scripted, limits, act)
    assert said == {"AAA.NASDAQ": Holding(Decimal(0), Decimal(4), Decimal(0))}


def test_a_reserved_order_counts_until_the_engine_knows_it(series, scripted, limits):
    """A10, A11: approved in the same callback, not yet in the cache; also of an instrument with nothing else."""
    said = {}

    def act(strategy):
        order, book = _limit(strategy, OrderSide.SELL, 8, "50.00"), CacheBook(strategy.cache)
        book.reserve(intent_from_order(order))
        said["reserved"], said["excluded"] = book.holdings(""), book.holdings(order.client_order_id.value)
        _priced(strategy)
        strategy.submit_order(order)

        def ask(_event):
            said["known"], said["kept"] = book.holdings(""), dict(book._reserved)

        strategy.clock.set_time_alert_ns("later", strategy.clock.timestamp_ns() + 1, ask)

    _seen(series, scripted, limits, act)
    eight = {"AAA.NASDAQ": Holding(Decimal(0), Decimal(0), Decimal(8))}
    assert said == {"reserved": eight, "excluded": {}, "known": eight, "kept": {}}


def test_a_released_reservation_counts_no_more(series, scripted, limits):
    said = []

    def act(strategy):
        order, book = _limit(strategy), CacheBook(strategy.cache)
        book.reserve(intent_from_order(order))
        book.release(order.client_order_id.value)
        said.append(book.holdings(""))

    _seen(series, scripted, limits, act)
    assert said == [{}]


def test_bars_are_no_price(series, scripted, limits):
    """A2."""
    said = []

    def act(strategy):
        said.append(CacheBook(strategy.cache).price("AAA.NASDAQ", Side.BUY))

    _seen(series, scripted, limits, act)
    assert said == [None]
