"""Orders decided at a close fill at the next bar's open, for every instrument, and every refusal is told."""

from __future__ import annotations

from decimal import Decimal

import pytest
from nautilus_trader.accounting.error import AccountBalanceNegative
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.enums import OrderSide, TimeInForce
from nautilus_trader.model.objects import Quantity

from ats.core.clock import to_ns
from ats.core.errors import InvariantError
from ats.execution.costs import IbFixedFeeModel
from ats.kernel.backtest_engine import run_engine
from ats.risk.limits import Rule

PRICES = [("10.00", "11.00"), ("12.00", "13.00"), ("14.00", "15.00")]


def _buy_at_next_open(shares: int):
    def act(strategy, bar):
        if len(strategy.cache.bars(strategy.series.bar_type)) != 1:
            return
        open_ns = strategy.opens.next_open_ns(strategy.series.instrument.id.value, bar.ts_event, bar.ts_init)

        def release(event):
            strategy.opens.announce(strategy.series.instrument.id.value, event.ts_event, event.ts_event)
            order = strategy.order_factory.market(
                strategy.series.instrument.id, OrderSide.BUY, Quantity.from_int(shares), time_in_force=TimeInForce.DAY
            )
            strategy.submit_order(order)

        strategy.clock.set_time_alert_ns("open", open_ns, release)

    return act


def test_order_decided_at_the_close_fills_at_the_next_open_and_not_before(series, scripted, limits):
    """S5-06: the naive way would fill at 11.00, the signal bar's own close."""
    item = series("AAA", PRICES)
    made = scripted(item, _buy_at_next_open(10))
    run = run_engine([made.maker], [item], Decimal(100_000), limits("AAA.NASDAQ"), IbFixedFeeModel())
    (fill,) = run.fills
    assert (fill.price, fill.quantity, fill.commission) == (Decimal("12.00"), Decimal(10), Decimal("1.00"))
    assert to_ns(fill.filled_at) == item.opened_ns[1]


def test_every_instrument_fills_at_its_own_open(series, scripted, limits):
    """S5-06: one instrument's open must not fill the others at a stale close, also across venues."""
    items = [
        series(name, [(f"{base}.10", f"{base}.20"), (f"{base}.50", f"{base}.60"), (f"{base}.70", f"{base}.80")], venue)
        for name, base, venue in (("AAA", 10, "NASDAQ"), ("BBB", 20, "NASDAQ"), ("CCC", 30, "NYSE"))
    ]
    made = [scripted(item, _buy_at_next_open(1)) for item in items]
    run = run_engine(
        [one.maker for one in made], items, Decimal(100_000), limits("AAA.NASDAQ", "BBB.NASDAQ", "CCC.NYSE"), IbFixedFeeModel()
    )
    assert {fill.instrument_id: fill.price for fill in run.fills} == {
        "AAA.NASDAQ": Decimal("10.50"),
        "BBB.NASDAQ": Decimal("20.50"),
        "CCC.NYSE": Decimal("30.50"),
    }


def test_refusals_of_guardian_show_up_in_the_result(series, scripted, limits):
    """S0-04, A1: the same limits bite in a backtest."""
    item = series("AAA", PRICES)
    made = scripted(item, _buy_at_next_open(1_000))
    run = run_engine([made.maker], [item], Decimal(100_000), limits("AAA.NASDAQ"), IbFixedFeeModel())
    assert run.fills == ()
    assert run.refusals == {Rule.MAX_NOTIONAL_PER_ORDER: 1}
    assert run.first_refusals[Rule.MAX_NOTIONAL_PER_ORDER].measured == "12000"
    assert made.strategy.kinds() == ["OrderInitialized", "OrderDenied"]


def test_no_open_after_the_last_bar(series, scripted, limits):
    item = series("AAA", PRICES[:1])
    asked = []
    made = scripted(item, lambda strategy, bar: asked.append(strategy.opens.next_open_ns("AAA.NASDAQ", bar.ts_event, bar.ts_init)))
    run_engine([made.maker], [item], Decimal(1_000), limits("AAA.NASDAQ"), IbFixedFeeModel())
    assert asked == [None]


def test_a_failing_strategy_fails_the_run(series, scripted, limits):
    def act(_strategy, _bar):
        raise ZeroDivisionError

    item = series("AAA", PRICES)
    with pytest.raises(ZeroDivisionError):
        run_engine([scripted(item, act).maker], [item], Decimal(1_000), limits("AAA.NASDAQ"), IbFixedFeeModel())


def test_two_runs_give_the_same_fills(series, scripted, limits):
    """D19: same inputs, same events."""
    item = series("AAA", PRICES)
    first, second = (
        run_engine([scripted(item, _buy_at_next_open(10)).maker], [item], Decimal(100_000), limits("AAA.NASDAQ"), IbFixedFeeModel()).fills
        for _ in range(2)
    )
    assert first == second


class _Overdrawn(IbFixedFeeModel):
    """Raises what the engine swallows: it then ends the run without a word."""

    def get_commission(self, *_args):
        raise AccountBalanceNegative(Decimal(-1), USD)


def test_a_run_that_stops_early_is_an_error(series, scripted, limits):
    """The engine can stop silently; what it processed is compared with what it was given."""
    item = series("AAA", PRICES)
    with pytest.raises(InvariantError, match="ran_to_the_end"):
        run_engine([scripted(item, _buy_at_next_open(1)).maker], [item], Decimal(1_000), limits("AAA.NASDAQ"), _Overdrawn())
