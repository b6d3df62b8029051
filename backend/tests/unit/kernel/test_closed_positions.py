"""A run of many round trips stays linear: closed positions leave the engine's cache, and nothing else changes."""

from __future__ import annotations

from decimal import Decimal

from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.objects import Quantity

from ats.execution.costs import IbFixedFeeModel
from ats.kernel.backtest_engine import run_engine

TRIPS = 20


def _trades_back_and_forth(strategy, bar):
    """Buys on odd bars, sells on even ones, each at the next bar's open; counts what the engine would walk through at a fill."""
    item, name = strategy.series, strategy.series.instrument.id.value
    number = strategy.cache.bar_count(item.bar_type)
    orders = [len(strategy.cache.orders_for_position(position.id)) for position in strategy.cache.positions()]
    strategy.most = max([getattr(strategy, "most", 0), *orders])
    open_ns = strategy.opens.next_open_ns(name, bar.ts_event, bar.ts_init)
    if open_ns is None:
        return

    def release(event):
        strategy.opens.announce(name, open_ns, event.ts_event)
        side = OrderSide.BUY if number % 2 else OrderSide.SELL
        strategy.submit_order(strategy.order_factory.market(item.instrument.id, side, Quantity.from_int(10)))

    strategy.clock.set_time_alert_ns(f"open-{number}", open_ns, release)


def test_no_position_gathers_the_orders_of_its_predecessors(series, scripted, limits):
    prices = [(f"{10 + number % 3}.00", "11.00") for number in range(2 * TRIPS + 1)]
    item = series("AAA", prices)
    made = scripted(item, _trades_back_and_forth)
    run = run_engine([made.maker], [item], Decimal(100_000), limits("AAA.NASDAQ"), IbFixedFeeModel())
    assert [str(fill.price.quantize(Decimal("0.01"))) for fill in run.fills] == [price for price, _ in prices[1:]]
    assert [fill.side.value for fill in run.fills] == ["BUY", "SELL"] * TRIPS
    assert run.orders == 2 * TRIPS
    assert 1 <= made.strategy.most <= 2


def test_a_position_that_is_open_is_never_taken_away(series, scripted, limits):
    """One strategy's closed position, another's open one."""
    items = [series("AAA", [("10.00", "10.00")] * 9), series("BBB", [("20.00", "20.00")] * 9)]

    def buys_once(strategy, bar):
        if strategy.cache.bar_count(strategy.series.bar_type) == 1:
            _trades_back_and_forth(strategy, bar)
        strategy.held = sum(position.signed_qty for position in strategy.cache.positions_open(strategy_id=strategy.id))

    made = [scripted(items[0], _trades_back_and_forth), scripted(items[1], buys_once)]
    run_engine([one.maker for one in made], items, Decimal(100_000), limits("AAA.NASDAQ", "BBB.NASDAQ"), IbFixedFeeModel())
    assert made[1].strategy.held == 10
