"""Guardian on the order path of a real engine: an account with positions and working orders, then the same with thousands of closed orders.

Guardian: the intent from the engine's order; positions, working orders, prices and funds from the cache; every limit. The guard around it:
the command from the bus, whether it was sent before, the journal's call, the reservation. In neither: what the engine does with an approved
order, and the journal's disk.
"""

# ruff: noqa: SLF001 -- the guard is timed from the inside, between two of its steps

from __future__ import annotations

import statistics
import time
from decimal import Decimal

from nautilus_trader.backtest.config import BacktestEngineConfig
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.config import LoggingConfig, StrategyConfig
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import SubmitOrder
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide, TimeInForce
from nautilus_trader.model.identifiers import InstrumentId, Venue
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.trading.strategy import Strategy

from ats.data.catalog import engine_instrument
from ats.kernel.convert import intent_from_order
from ats.kernel.guard import Guard
from ats.kernel.journal import FillCollector
from ats.kernel.process import prepare_process
from ats.risk.guardian import Approved, Guardian, OpenControl
from ats.risk.limits import Limits

NAMES = ("AAA.NASDAQ", "BBB.NASDAQ", "CCC.NASDAQ")
SECOND_NS, START_NS = 1_000_000_000, 1_700_000_000_000_000_000
CLOSED, PER_TICK = 10_000, 200
HUGE = Decimal(1_000_000_000)
_PRICED, _SETTLED = 2, 4  # quotes at which every instrument has a price, and at which the positions are there


class Desk(Strategy):  # type: ignore[misc]  # the engine ships no types
    """Takes a position in all instruments but one and a working order in each, is timed, trades thousands of orders to their end, is timed again."""

    def __init__(self, guard: Guard, count: int) -> None:
        super().__init__(StrategyConfig(strategy_id="DESK-1"))
        self.guard, self.count, self.ticks = guard, count, 0
        self.ids = [InstrumentId.from_str(name) for name in NAMES]
        self.few: list[tuple[float, float]] = []
        self.many: list[tuple[float, float]] = []

    def on_start(self) -> None:
        """One instrument's quotes are the beat."""
        self.subscribe_quote_ticks(self.ids[0])

    def on_quote_tick(self, _tick: QuoteTick) -> None:
        """The next step."""
        self.ticks += 1
        rounds = CLOSED // PER_TICK
        if self.ticks == _PRICED:
            self._settle_in()
        elif self.ticks == _SETTLED:
            self.few = self._timings()
        elif _SETTLED < self.ticks <= _SETTLED + rounds:
            for number in range(PER_TICK):
                self.submit_order(self._market((OrderSide.BUY, OrderSide.SELL)[number % 2]))
        elif self.ticks == _SETTLED + rounds + 2:
            self.many = self._timings()

    def _settle_in(self) -> None:
        for instrument_id in self.ids[1:]:
            self.submit_order(self.order_factory.market(instrument_id, OrderSide.BUY, Quantity.from_int(10), TimeInForce.DAY))
        for instrument_id in self.ids:
            limit = self.order_factory.limit(instrument_id, OrderSide.BUY, Quantity.from_int(5), Price.from_str("40.00"))
            self.submit_order(limit)

    def _market(self, side: OrderSide) -> object:
        return self.order_factory.market(self.ids[0], side, Quantity.from_int(7), TimeInForce.DAY)

    def _timings(self) -> list[tuple[float, float]]:
        """Of each order: Guardian alone (intent and judgement), and the whole guard from the bus endpoint to the approval."""
        onward, self.guard._to_risk = self.guard._to_risk, lambda _command: None  # the verdict is timed, not the engine after it
        timings = [(self._judged(), self._guarded()) for _ in range(self.count)]
        self.guard._to_risk = onward
        return timings

    def _judged(self) -> float:
        order, now_ns = self._market(OrderSide.BUY), self.clock.timestamp_ns()
        before = time.perf_counter_ns()
        verdict = self.guard.guardian.judge(intent_from_order(order), self.guard.book, now_ns)
        spent = time.perf_counter_ns() - before
        if not isinstance(verdict, Approved):
            raise TypeError(f"an order was refused: {verdict}")
        return spent / 1_000

    def _guarded(self) -> float:
        order = self._market(OrderSide.BUY)
        command = SubmitOrder(self.trader_id, self.id, order, UUID4(), self.clock.timestamp_ns())
        before = time.perf_counter_ns()
        self.guard._on_risk(command)
        spent = time.perf_counter_ns() - before
        if self.guard._passed.pop((order.client_order_id.value, "SUBMIT"), None) is None:
            raise RuntimeError(f"an order was refused: {self.guard.refusals}")
        self.guard.book.release(order.client_order_id.value)
        return spent / 1_000


def measure(count: int) -> dict[str, float]:
    """Median and 99th percentile, microseconds an order, and the cache's contents at both times."""
    prepare_process()
    engine = BacktestEngine(BacktestEngineConfig(trader_id="BENCH-001", logging=LoggingConfig(bypass_logging=True), run_analysis=False))
    engine.add_venue(Venue("NASDAQ"), OmsType.NETTING, AccountType.MARGIN, [Money(10_000_000, USD)], USD, Decimal(1))
    limits = Limits(dict.fromkeys(NAMES, HUGE), HUGE, HUGE, 10**9, SECOND_NS, 60 * SECOND_NS, frozenset({"GME"}))
    collector = FillCollector()
    guard = Guard(Guardian(limits, OpenControl()), collector, has_edge=False)
    guard.install(engine.kernel)
    for name in NAMES:
        instrument = engine_instrument(name, 2)
        engine.add_instrument(instrument)
        engine.add_data(_quotes(instrument.id, 10 + CLOSED // PER_TICK), sort=False)
    engine.sort_data()
    desk = Desk(guard, count)
    engine.add_strategy(desk)
    engine.run()
    closed, working, positions = engine.cache.orders_closed_count(), engine.cache.orders_open_count(), engine.cache.positions_open_count()
    engine.dispose()
    judged, guarded = (sorted(column) for column in zip(*desk.few, strict=True))
    return {
        "judged_p50": statistics.median(judged),
        "judged_p99": judged[int(len(judged) * 0.99)],
        "guarded_p50": statistics.median(guarded),
        "judged_with_many_p50": statistics.median(judged_then for judged_then, _ in desk.many),
        "closed": closed,
        "working": working,
        "positions": positions,
    }


def _quotes(instrument_id: InstrumentId, count: int) -> list[QuoteTick]:
    bid, ask, size = Price.from_str("50.00"), Price.from_str("50.02"), Quantity.from_int(1_000_000)
    moments = (START_NS + number * SECOND_NS for number in range(count))
    return [QuoteTick(instrument_id, bid, ask, size, size, moment, moment) for moment in moments]
