"""Guardian's first two rings on a real engine, and the engine's own wall with the holes that made them necessary."""

from __future__ import annotations

from decimal import Decimal

import pytest
from nautilus_trader.backtest.config import BacktestEngineConfig
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.config import LoggingConfig, RiskEngineConfig
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import ModifyOrder, SubmitOrder
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide, TimeInForce, TradingState, TriggerType
from nautilus_trader.model.identifiers import Venue
from nautilus_trader.model.objects import Money, Price, Quantity

from ats.core.errors import DependencyError
from ats.core.orders import Action
from ats.kernel.guard import Guard
from ats.kernel.journal import FillCollector
from ats.risk.guardian import Block, Guardian, OpenControl
from ats.risk.limits import Rule

PRICES = [("10.00", "10.00")] * 4


class _Intents(FillCollector):
    """Keeps what the guard journals."""

    def __init__(self, fails: bool = False) -> None:
        super().__init__()
        self.rows, self.fails = [], fails

    def record_intent(self, intent, verdict, at):
        if self.fails:
            raise DependencyError("the database is away")
        self.rows.append((intent.client_order_id, verdict))


@pytest.fixture
def run(series, scripted, limits):
    """Run `act` on the first bar of AAA with quotes at 10.00 and return strategy, guard, journal and fills."""

    def go(
        act,
        *,
        guarded=True,
        quotes=True,
        limits_for=("AAA.NASDAQ",),
        has_edge=False,
        journal=None,
        control=None,
        caps=None,
        leverage=1,
        **limit_values,
    ):
        item = series("AAA", PRICES)
        engine = BacktestEngine(
            BacktestEngineConfig(
                trader_id="T-001",
                logging=LoggingConfig(bypass_logging=True),
                risk_engine=RiskEngineConfig(max_notional_per_order=caps or {}),
            )
        )
        engine.add_venue(
            Venue("NASDAQ"),
            OmsType.NETTING,
            AccountType.MARGIN,
            [Money(1_000_000, USD)],
            base_currency=USD,
            default_leverage=Decimal(leverage),
        )
        engine.add_instrument(item.instrument)
        if quotes:
            ten, size = Price.from_str("10.00"), Quantity.from_int(1_000_000)
            engine.add_data([QuoteTick(item.instrument.id, ten, ten, size, size, bar.ts_init - 1, bar.ts_init - 1) for bar in item.bars])
        engine.add_data(item.bars)
        journal = journal or _Intents()
        journal.install(engine.kernel)
        guard = Guard(Guardian(limits(*limits_for, **limit_values), control or OpenControl()), journal, has_edge=has_edge)
        if guarded:
            guard.install(engine.kernel)

        def once(strategy, bar):
            if bar is item.bars[0]:
                act(strategy, engine)

        made = scripted(item, once)
        engine.add_strategy(made.maker(None))
        made.strategy.test_guard = guard
        engine.run()
        made.strategy.guard, made.strategy.journal, made.strategy.fills = guard, journal, journal.fills()
        made.strategy.orders = engine.cache.orders()
        engine.dispose()
        return made.strategy

    return go


def _market(strategy, shares, side=OrderSide.BUY):
    return strategy.order_factory.market(strategy.series.instrument.id, side, Quantity.from_int(shares), time_in_force=TimeInForce.DAY)


def _limit(strategy, shares, price="10.00", **kwargs):
    return strategy.order_factory.limit(
        strategy.series.instrument.id, OrderSide.BUY, Quantity.from_int(shares), Price.from_str(price), **kwargs
    )


OVER = 501  # shares at 10.00 against a cap of 5,000


# The holes of the engine's own cap, pinned: should one of these fail after an upgrade, decision record 0002 wants another look.


def test_engine_cap_is_skipped_on_a_margin_account(run):
    """A1: hole one. Interactive Brokers accounts are margin accounts."""
    strategy = run(lambda s, _: s.submit_order(_market(s, OVER)), guarded=False, caps={"AAA.NASDAQ": 5_000})
    assert sum(fill.quantity for fill in strategy.fills) == OVER


def test_engine_cap_is_skipped_for_market_orders_without_quote_or_trade(run):
    """A2: hole two. Every strategy on daily bars."""
    strategy = run(lambda s, _: s.submit_order(_market(s, OVER)), guarded=False, quotes=False, caps={"AAA.NASDAQ": 5_000})
    assert sum(fill.quantity for fill in strategy.fills) == OVER


def test_engine_cap_is_absent_for_instruments_missing_from_its_map(run):
    """A3: hole three."""
    strategy = run(lambda s, _: s.submit_order(_market(s, OVER)), guarded=False, caps={"BBB.NASDAQ": 5_000})
    assert sum(fill.quantity for fill in strategy.fills) == OVER


def test_engine_never_judges_an_emulated_order(run):
    """A18: hole four. It fills although the engine is halted."""

    def act(strategy, engine):
        engine.kernel.risk_engine.set_trading_state(TradingState.HALTED)
        strategy.submit_order(_limit(strategy, OVER, emulation_trigger=TriggerType.BID_ASK))

    strategy = run(act, guarded=False, caps={"AAA.NASDAQ": 5_000})
    assert sum(fill.quantity for fill in strategy.fills) == OVER


# The same four, and more, with the rings.


@pytest.mark.parametrize("quotes", [True, False])
def test_order_above_the_cap_is_denied(run, quotes):
    """A1, A2: on a margin account, with a quote (over the cap) and without (no price)."""
    strategy = run(lambda s, _: s.submit_order(_market(s, OVER)), quotes=quotes)
    assert strategy.kinds() == ["OrderInitialized", "OrderDenied"]
    assert strategy.fills == ()
    assert set(strategy.guard.refusals) == {Rule.MAX_NOTIONAL_PER_ORDER if quotes else Rule.NO_PRICE}


def test_order_at_the_cap_passes(run):
    """A1: the boundary itself is allowed."""
    strategy = run(lambda s, _: s.submit_order(_market(s, OVER - 1)))
    assert sum(fill.quantity for fill in strategy.fills) == OVER - 1


def test_instrument_without_limit_is_denied(run):
    """A3."""
    strategy = run(lambda s, _: s.submit_order(_market(s, 1)), limits_for=("BBB.NASDAQ",))
    assert set(strategy.guard.refusals) == {Rule.INSTRUMENT_WITHOUT_LIMIT}
    assert strategy.fills == ()


def test_emulated_order_is_denied_before_it_can_be_released(run):
    """A18: the emulator would release it past the engine's limits; ring 2 sees it when it does."""
    strategy = run(lambda s, _: s.submit_order(_limit(s, 1, emulation_trigger=TriggerType.BID_ASK)))
    assert strategy.fills == ()
    assert strategy.kinds() == ["OrderInitialized", "OrderDenied"]
    assert set(strategy.guard.refusals) == {Rule.EMULATED_ORDER}


def test_emulated_order_that_reached_the_emulator_is_denied_at_its_release(run):
    """A18: somebody in the process took the emulator's endpoint back; ring 2 still sees the release."""

    def act(strategy, engine):
        bus = strategy.msgbus
        bus.deregister("OrderEmulator.execute", strategy.test_guard._on_emulator)
        bus.register("OrderEmulator.execute", engine.kernel.emulator.execute)
        strategy.submit_order(_limit(strategy, 1, emulation_trigger=TriggerType.BID_ASK))

    strategy = run(act)
    assert strategy.fills == ()
    assert strategy.kinds()[-1] == "OrderDenied"
    assert set(strategy.guard.refusals) == {Rule.EMULATED_ORDER}


def test_order_sent_straight_to_the_execution_engine_is_judged(run):
    """A18: ring 2 catches a direct send."""

    def act(strategy, _):
        order = _market(strategy, OVER)
        strategy.cache.add_order(order)
        command = SubmitOrder(strategy.trader_id, strategy.id, order, UUID4(), strategy.clock.timestamp_ns())
        strategy.msgbus.send("ExecEngine.execute", command)

    strategy = run(act)
    assert strategy.fills == ()
    assert set(strategy.guard.refusals) == {Rule.MAX_NOTIONAL_PER_ORDER}


def test_order_list_is_denied_as_a_whole(run):
    """A1: one leg over the cap refuses the bracket, and nothing stays reserved."""

    def act(strategy, _):
        bracket = strategy.order_factory.bracket(
            strategy.series.instrument.id,
            OrderSide.BUY,
            Quantity.from_int(OVER),
            sl_trigger_price=Price.from_str("9.00"),
            tp_price=Price.from_str("11.00"),
            tp_post_only=False,
        )
        strategy.submit_order_list(bracket)

    strategy = run(act)
    assert strategy.fills == ()
    assert strategy.kinds().count("OrderDenied") == 3
    assert strategy.guard.book._reserved == {}


def test_modify_is_judged_like_a_submit(run):
    """A1: new terms above the cap are rejected, the order keeps its old ones."""

    def act(strategy, _):
        order = _limit(strategy, 10, price="5.00")
        strategy.submit_order(order)
        strategy.clock.set_time_alert_ns(
            "later", strategy.clock.timestamp_ns() + 1, lambda _e: strategy.modify_order(order, Quantity.from_int(1_001))
        )

    strategy = run(act)
    assert "OrderModifyRejected" in strategy.kinds()
    assert strategy.orders[0].quantity == 10


def test_modify_within_the_limits_passes(run):
    def act(strategy, _):
        order = _limit(strategy, 10, price="5.00")
        strategy.submit_order(order)
        strategy.clock.set_time_alert_ns(
            "later", strategy.clock.timestamp_ns() + 1, lambda _e: strategy.modify_order(order, Quantity.from_int(20))
        )

    strategy = run(act)
    assert "OrderUpdated" in strategy.kinds()
    assert strategy.orders[0].quantity == 20


def test_modify_of_an_unknown_order_is_refused(run):
    """A17: what cannot be read is refused."""

    def act(strategy, engine):
        order = _limit(strategy, 10, price="5.00")
        command = ModifyOrder(
            strategy.trader_id, strategy.id, order.instrument_id, order.client_order_id, None, Quantity.from_int(1), None, None, UUID4(), 0
        )
        engine.kernel.msgbus.send("RiskEngine.execute", command)

    assert set(run(act).guard.refusals) == {Rule.GUARDIAN_ERROR}


def test_working_orders_count_before_they_fill(run):
    """A10, A11: two limits of 15,000 each against a position limit of 20,000."""

    def act(strategy, _):
        for price in ("9.00", "8.00"):
            strategy.submit_order(_limit(strategy, 500, price=price))

    strategy = run(act, position="7999")
    assert strategy.kinds().count("OrderDenied") == 1
    assert set(strategy.guard.refusals) == {Rule.MAX_POSITION}


def test_submit_rate_counts_over_all_commands(run):
    """A7: the third order of the second is refused."""
    strategy = run(lambda s, _: [s.submit_order(_market(s, 1)) for _ in range(3)], rate=2)
    assert set(strategy.guard.refusals) == {Rule.SUBMIT_RATE}
    assert len(strategy.fills) == 2


def test_an_order_sent_twice_leaves_once(run):
    """D3: the second submit of the same order is refused and does not touch the first."""

    def act(strategy, _):
        order = _market(strategy, 1)
        command = SubmitOrder(strategy.trader_id, strategy.id, order, UUID4(), strategy.clock.timestamp_ns())
        strategy.submit_order(order)
        strategy.clock.set_time_alert_ns(
            "again", strategy.clock.timestamp_ns() + 1, lambda _e: strategy.msgbus.send("RiskEngine.execute", command)
        )

    strategy = run(act)
    assert len(strategy.fills) == 1
    assert set(strategy.guard.refusals) == {Rule.MALFORMED_ORDER}


def test_order_is_refused_when_its_intent_cannot_be_written(run):
    """F4, D2: no journal, no order."""
    strategy = run(lambda s, _: s.submit_order(_market(s, 1)), journal=_Intents(fails=True))
    assert strategy.fills == ()
    assert set(strategy.guard.refusals) == {Rule.JOURNAL_UNAVAILABLE}


def test_every_intent_is_journalled_with_its_verdict(run):
    """A20, S5-18: the approved one and the refused one."""

    def act(strategy, _):
        strategy.submit_order(_market(strategy, 1))
        strategy.submit_order(_market(strategy, OVER))

    verdicts = [verdict for _, verdict in run(act).journal.rows]
    assert verdicts == ["approved", "MAX_NOTIONAL_PER_ORDER: 5010 (limit 5000)"]


def test_cancel_passes_although_everything_is_blocked(run):
    """S0-20, B1: nothing stands between an operator and a cancel."""

    class Blocked:
        on = False

        def block(self):
            return Block(Rule.KILL_SWITCH, "file says on") if self.on else None

    control = Blocked()

    def act(strategy, _):
        order = _limit(strategy, 10, price="5.00")
        strategy.submit_order(order)

        def pull(_event):
            control.on = True
            strategy.cancel_order(order)
            strategy.submit_order(_market(strategy, 1))

        strategy.clock.set_time_alert_ns("later", strategy.clock.timestamp_ns() + 1, pull)

    strategy = run(act, control=control)
    assert "OrderCanceled" in strategy.kinds()
    assert strategy.fills == ()
    assert set(strategy.guard.refusals) == {Rule.KILL_SWITCH}


class TestEdge:
    """Ring 3: what the execution client asks right before an order leaves."""

    def test_permits_an_approved_order_exactly_once(self, run):
        """A18, D3."""
        strategy = run(lambda s, _: s.submit_order(_market(s, 1)), has_edge=True)
        (order,) = strategy.orders
        guard, order_id = strategy.guard, order.client_order_id.value
        assert guard.permits(order_id, Action.SUBMIT) is None
        assert "not approved" in (guard.permits(order_id, Action.SUBMIT) or "")

    def test_refuses_what_guardian_never_saw(self, run):
        """A18: also with the bus endpoints re-registered by somebody."""
        strategy = run(lambda _s, _e: None, has_edge=True)
        assert "not approved" in (strategy.guard.permits("O-1", Action.SUBMIT) or "")
        assert "not approved" in (strategy.guard.permits("O-1", Action.MODIFY) or "")

    def test_refuses_an_approved_order_once_trading_is_blocked(self, run):
        """B1: the kill may come between approval and departure."""

        class Later:
            on = False

            def block(self):
                return Block(Rule.KILL_SWITCH, "pulled") if self.on else None

        control = Later()
        strategy = run(lambda s, _: s.submit_order(_market(s, 1)), has_edge=True, control=control)
        control.on = True
        (order,) = strategy.orders
        assert strategy.guard.permits(order.client_order_id.value, Action.SUBMIT) == "KILL_SWITCH: pulled"
