"""From a plan to a result: the same plan on the same data gives the same result, to the byte."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from ats.analytics.equity import EquityCurve, buy_and_hold, equity_curve, price_at_open
from ats.analytics.metrics import Performance, performance
from ats.analytics.round_trips import RoundTrip, round_trips
from ats.backtest.plan import BacktestPlan, BarSource, BarWindow
from ats.backtest.report import RefusedOrders, ReportInput
from ats.core.digest import digest_of
from ats.core.errors import EvidenceError
from ats.execution.costs import IbFixedFeeModel, ib_fixed_commission
from ats.kernel.backtest_engine import EngineRun, run_engine
from ats.kernel.strategies import SleeveSetup, strategy_maker
from ats.risk.rule_help import RULE_HELP
from ats.strategies.registry import rule_of, source_digest

FILL_ASSUMPTION = (
    "Decisions are taken after a bar has closed; the order is a market order released at the next bar's open and filled there in full, "
    "at the open price, whatever its size. No spread, no slippage, no market impact."
)
COSTS = "Interactive Brokers fixed commission: 0.005 USD a share, at least 1.00 USD, at most 1 % of the value, per order."


@dataclass(frozen=True, slots=True, eq=False)
class BacktestResult:
    """What came out, with buy and hold of the same cash beside it."""

    plan: BacktestPlan
    engine: EngineRun
    window: BarWindow
    curve: EquityCurve
    benchmark: EquityCurve
    performance: Performance
    benchmark_performance: Performance
    trips: tuple[RoundTrip, ...]
    data_digest: str
    code_digest: str

    def summary(self) -> dict[str, Any]:
        """Everything that must not change between two runs of the same plan, as JSON values (golden tests compare it)."""
        fills = [
            (fill.side.value, str(fill.quantity), str(fill.price), str(fill.commission), fill.filled_at.isoformat())
            for fill in self.engine.fills
        ]
        return {
            "strategy": self.plan.strategy,
            "instrument": str(self.plan.instrument_id),
            "bar_spec": str(self.plan.bar_spec),
            "params": self.plan.params.plain(),
            "bars": len(self.window.bars),
            "orders": self.engine.orders,
            "refusals": {str(rule): count for rule, count in sorted(self.engine.refusals.items())},
            "fills_digest": digest_of(fills),
            "first_fill": fills[0] if fills else None,
            "last_fill": fills[-1] if fills else None,
            "metrics": self.performance.as_plain(),
            "buy_and_hold": self.benchmark_performance.as_plain(),
            "data_digest": self.data_digest,
        }


def run_backtest(plan: BacktestPlan, source: BarSource) -> BacktestResult:
    """Run a plan. Raises EvidenceError when there is no data, or not enough to decide even once; InvariantError when the engine broke off."""
    window = source.bars(str(plan.instrument_id), plan.bar_spec, plan.start, plan.end)
    warm_up = rule_of(plan.strategy).bars_needed(plan.params)
    if len(window.bars) <= warm_up:
        raise EvidenceError(
            f"{len(window.bars)} bars of {plan.instrument_id} {plan.bar_spec} are not enough: {plan.strategy} decides for the first time after {warm_up}.",
            remedy="Widen the window or import more data.",
        )
    setup = SleeveSetup(plan.strategy, str(plan.instrument_id), str(plan.bar_spec), plan.params, number=1, is_session=False)
    engine = run_engine([strategy_maker(setup)], [window], plan.cash, plan.limits, IbFixedFeeModel())
    curve = equity_curve(window.event_ns, {str(plan.instrument_id): window.close}, engine.fills, plan.cash)
    benchmark, benchmark_fill = buy_and_hold(
        str(plan.instrument_id),
        open_price=price_at_open(float(window.open[warm_up]), window.price_precision),
        opened_ns=int(window.opened_ns[warm_up]),
        event_ns=window.event_ns,
        close=window.close,
        starting_cash=plan.cash,
        commission=ib_fixed_commission,
    )
    trips = round_trips(engine.fills)
    benchmark_trips = round_trips([benchmark_fill] if benchmark_fill else [])
    dates = window.dates
    return BacktestResult(
        plan=plan,
        engine=engine,
        window=window,
        curve=curve,
        benchmark=benchmark,
        performance=performance(curve, dates, trips),
        benchmark_performance=performance(benchmark, dates, benchmark_trips),
        trips=trips,
        data_digest=window.digest(),
        code_digest=code_digest(plan.strategy),
    )


def code_digest(strategy: str) -> str:
    """SHA-256 over the strategy's sources and the versions of ats and of the engine."""
    return digest_of({"source": source_digest(strategy), "ats": version("ats"), "nautilus_trader": version("nautilus_trader")})


def report_input(result: BacktestResult) -> ReportInput:
    """The report's content."""
    plan, card = result.plan, rule_of(result.plan.strategy).card
    refusals = [
        RefusedOrders(str(rule), count, str(result.engine.first_refusals[rule]), RULE_HELP[rule].remedy)
        for rule, count in sorted(result.engine.refusals.items())
    ]
    adjusted = "adjusted for splits and dividends" if result.window.adjusted else "as the file gives them"
    return ReportInput(
        strategy=card.title,
        description=card.description,
        parameters=plan.params.plain(),
        instrument_id=str(plan.instrument_id),
        bar_spec=str(plan.bar_spec),
        currency="USD",
        fill_assumption=FILL_ASSUMPTION,
        costs=COSTS,
        data_note=f"{result.window.source}; prices {adjusted}.",
        data_digest=result.data_digest,
        code_digest=result.code_digest,
        dates=result.window.dates,
        close=result.window.close,
        curve=result.curve,
        benchmark=result.benchmark,
        performance=result.performance,
        benchmark_performance=result.benchmark_performance,
        fills=result.engine.fills,
        trips=result.trips,
        refusals=refusals,
    )
