"""Series for whole runs: the shipped stocks, made-up sessions of minutes, and a strategy whose every act is written down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from nautilus_trader.model.data import Bar as EngineBar
from nautilus_trader.model.data import BarType

from ats.core.market import BarSpec
from ats.data.calendar import nominal_close_ns, nominal_open_ns
from ats.data.catalog import BarSeries, Catalog, engine_instrument
from ats.data.columns import COLUMN_NAMES, PRICES, BarColumns
from ats.data.shipped import load_shipped
from ats.execution.costs import IbFixedFeeModel
from ats.kernel.backtest_engine import EngineRun, run_engine
from ats.kernel.strategies import SleeveSetup, strategy_maker
from ats.risk.limits import Limits
from ats.signals.library import RULES
from ats.signals.params import RuleParams, build_params
from ats.strategies.registry import strategy_class

MINUTE_NS = 60_000_000_000
DAY, MINUTE = BarSpec(1, "DAY"), BarSpec(1, "MINUTE")
WEEKDAYS = np.array([day for day in np.arange("2021-01-04", "2024-12-31", dtype="datetime64[D]") if np.is_busday(day)])
SHORT = {
    "ibs_reversion": {"trend_bars": 5},
    "sma_cross": {"fast_bars": 3, "slow_bars": 8},
    "rsi_pullback": {"trend_bars": 20, "entry_threshold": 45, "exit_threshold": 55},
    "donchian_breakout": {"entry_bars": 6, "exit_bars": 3},
    "tsmom": {"lookback_bars": 10, "rebalance_bars": 3},
    "turn_of_month": {},
}
"""Parameters with which every strategy trades often on a short series."""


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    catalog = Catalog(tmp_path_factory.mktemp("shipped") / "catalog")
    load_shipped(catalog)
    return catalog


def _walk(opened: np.ndarray, event: np.ndarray, seed: int, first_price: float) -> BarColumns:
    """A random walk in cents with a jump between each close and the next open, so that no two of a bar's neighbours coincide."""
    generator = np.random.default_rng(seed)
    count = len(event)
    steps = generator.normal(0.0002, 0.012, (count, 2)).reshape(-1)
    prices = np.round(np.maximum(first_price * np.exp(np.cumsum(steps)), 1.0), 2)
    first, last = prices[0::2], prices[1::2]
    high = np.round(np.maximum(first, last) + generator.integers(1, 60, count) / 100, 2)
    low = np.round(np.maximum(np.minimum(first, last) - generator.integers(1, 60, count) / 100, 0.5), 2)
    volume = generator.integers(1_000, 90_000, count).astype(np.float64)
    return BarColumns(opened, event, event.copy(), first, high, low, last, volume)


def daily_columns(count: int, seed: int = 1, first_price: float = 40.0) -> BarColumns:
    days = WEEKDAYS[:count]
    return _walk(nominal_open_ns(days), nominal_close_ns(days), seed, first_price)


def minute_columns(sessions: int, per_session: int = 45, seed: int = 1, first_price: float = 40.0, first_session: int = 15) -> BarColumns:
    """Minutes of several sessions with the night between them."""
    starts = nominal_open_ns(WEEKDAYS[first_session : first_session + sessions])
    opened = (starts[:, None] + MINUTE_NS * np.arange(per_session, dtype=np.int64)).reshape(-1)
    return _walk(opened, opened + MINUTE_NS, seed, first_price)


def series_of(columns: BarColumns, spec: BarSpec, instrument_id: str = "AAA.NASDAQ") -> BarSeries:
    """The columns as the catalog would hand them to a run, without a file."""
    order = np.argsort(columns.available_ns, kind="stable")
    columns = columns.take(order)
    arrays = [getattr(columns, name).copy() for name in (*PRICES, "volume")]
    stamps = (columns.event_ns.astype(np.uint64), columns.available_ns.astype(np.uint64))
    bars = EngineBar.from_raw_arrays_to_list(BarType.from_str(f"{instrument_id}-{spec}-EXTERNAL"), 2, 0, *arrays, *stamps)
    return BarSeries(
        **{name: getattr(columns, name) for name in COLUMN_NAMES},
        instrument_id=instrument_id,
        spec=spec,
        price_precision=2,
        bars=bars,
        instrument=engine_instrument(instrument_id, 2),
        adjusted=False,
        source="made up",
        resampled_from=None,
    )


def wide_limits(*instruments: str) -> Limits:
    huge = Decimal(1_000_000_000)
    return Limits(dict.fromkeys(instruments, huge), huge, huge, 1_000, 1_000_000_000, 60_000_000_000, frozenset())


@dataclass
class Diary:
    """What a strategy did and when, nanoseconds since the epoch: questions answered by its rule, orders it submitted."""

    decisions: list[tuple[int, int, str, bool]] = field(default_factory=list)
    orders: list[tuple[int, str, str]] = field(default_factory=list)


class _WatchedRule:
    """Passes every question on and writes it down with the answer."""

    def __init__(self, rule: Any, strategy: Any, diary: Diary) -> None:
        self._rule, self._strategy, self._diary = rule, strategy, diary

    def enters(self, history: Any, params: Any) -> bool:
        return self._noted(history, "enters", self._rule.enters(history, params))

    def exits(self, history: Any, params: Any, bars_held: int) -> bool:
        return self._noted(history, f"exits after {bars_held}", self._rule.exits(history, params, bars_held))

    def _noted(self, history: Any, question: str, answer: bool) -> bool:
        self._diary.decisions.append((self._strategy.clock.timestamp_ns(), history.count, question, answer))
        return answer


def watched_maker(setup: SleeveSetup, diary: Diary, rule: Any = None) -> Callable[[Any], Any]:
    """The sleeve's real strategy, its rule and its way out listened to; `rule` takes the place of its own."""

    def submit_order(self: Any, order: Any) -> None:
        diary.orders.append((self.clock.timestamp_ns(), str(order.side), str(order.quantity)))
        super(watched_class, self).submit_order(order)

    watched_class = type("Watched", (strategy_class(setup.strategy),), {"submit_order": submit_order})

    def make(opens: Any) -> Any:
        strategy = strategy_maker(setup)(opens)
        strategy.__class__ = watched_class
        strategy._rule = _WatchedRule(rule or strategy._rule, strategy, diary)
        return strategy

    return make


@dataclass(frozen=True)
class Watched:
    run: EngineRun
    diary: Diary


def watched_run(
    key: str, series: BarSeries, params: RuleParams | None = None, *, rule: Any = None, cash: Decimal = Decimal(5_000)
) -> Watched:
    """One strategy on one series through the whole engine, Guardian included."""
    params = params or short_params(key)
    setup = SleeveSetup(key, series.instrument_id, str(series.spec), params, number=1, is_session=False)
    diary = Diary()
    run = run_engine([watched_maker(setup, diary, rule)], [series], cash, wide_limits(series.instrument_id), IbFixedFeeModel())
    return Watched(run, diary)


def short_params(key: str, **more: object) -> RuleParams:
    return build_params(RULES[key].params_model, {**SHORT[key], **more})


@pytest.fixture
def market() -> Any:
    """The builders above by name."""

    class Market:
        day, minute, minute_ns = DAY, MINUTE, MINUTE_NS
        daily, minutes, series = staticmethod(daily_columns), staticmethod(minute_columns), staticmethod(series_of)
        run, params, limits = staticmethod(watched_run), staticmethod(short_params), staticmethod(wide_limits)
        watched_maker, diary = staticmethod(watched_maker), Diary
        weekdays = WEEKDAYS

        @staticmethod
        def changed(columns: BarColumns, **arrays: np.ndarray) -> BarColumns:
            return replace(columns, **arrays)

    return Market
