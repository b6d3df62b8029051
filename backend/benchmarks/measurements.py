"""What is measured, each in a process of its own: `python benchmarks/measurements.py NAME FOLDER COUNT` prints one JSON object.

Processor seconds are user time of this process from the first to the last line of what is measured; imports, loading and building come before.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np

from ats.core.ids import InstrumentId
from ats.core.market import BarSpec
from ats.data.calendar import nominal_open_ns
from ats.data.catalog import BarSeries, Catalog
from ats.data.columns import BarColumns

if TYPE_CHECKING:
    from ats.backtest.plan import BacktestPlan
    from ats.core.orders import OrderIntent

INSTRUMENT, MINUTE = "BENCH.NASDAQ", BarSpec(1, "MINUTE")
MINUTE_NS, PER_SESSION = 60_000_000_000, 390
CASH = Decimal(1_000_000)
PARAMS = {"fast_bars": 10, "slow_bars": 50}
NOW = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)


@contextmanager
def user_seconds() -> Iterator[Callable[[], float]]:
    """User processor time spent in the block."""
    first = os.times().user
    last = first
    yield lambda: last - first
    last = os.times().user


def make_data(folder: Path, count: int) -> dict[str, float]:
    """Store a random walk of `count` one-minute bars, 390 a session."""
    sessions = -(-count // PER_SESSION)
    days = np.arange("2010-01-04", "2030-01-01", dtype="datetime64[D]")
    starts = nominal_open_ns(days[np.is_busday(days)][:sessions])
    opened = (starts[:, None] + MINUTE_NS * np.arange(PER_SESSION, dtype=np.int64)).reshape(-1)[:count]
    generator = np.random.default_rng(7)
    path = np.clip(np.cumsum(generator.integers(-5, 6, 2 * count)), -7_000, 50_000) / 100 + 100
    first, last = np.round(path[0::2], 2), np.round(path[1::2], 2)
    high, low = np.round(np.maximum(first, last) + 0.02, 2), np.round(np.minimum(first, last) - 0.02, 2)
    event = opened + MINUTE_NS
    volume = generator.integers(100, 9_000, count).astype(np.float64)
    from ats.data.bar_file import Origin  # noqa: PLC0415 -- only this measurement writes

    columns = BarColumns(opened, event, event.copy(), first, high, low, last, volume)
    Catalog(folder).write(INSTRUMENT, MINUTE, columns, Origin("benchmark", "0" * 64, adjusted=False))
    return {"bars": count}


def ours(folder: Path, _count: int) -> dict[str, float]:
    """`run_backtest` as the command line calls it: Guardian, commission, equity, buy and hold, metrics, digests."""
    from ats.backtest.run import run_backtest  # noqa: PLC0415 -- each process imports what it measures

    series, plan = _loaded(folder), _plan()
    source = SimpleNamespace(bars=lambda *_: series)
    with user_seconds() as spent:
        result = run_backtest(plan, source)
    return {"seconds": spent(), "orders": result.engine.orders, "bars": len(series.bars)}


def bare(folder: Path, _count: int) -> dict[str, float]:
    """The same strategy class on the engine alone, the quadratic trade recorder replaced by a list."""
    from nautilus_trader.analysis.analyzer import PortfolioAnalyzer  # noqa: PLC0415 -- as above

    trades: list[object] = []
    PortfolioAnalyzer.record_trade = lambda *trade: trades.append(trade)
    return shipped(folder, _count)


def shipped(folder: Path, _count: int) -> dict[str, float]:
    """The same strategy class on the engine alone, as it comes.

    The loop is: engine, one venue with the same account and fees, instrument, bars, the strategy with the same way to its opens, run. No
    Guardian, no collected fills, no equity, no metrics; garbage collection as Python has it.
    """
    from nautilus_trader.backtest.config import BacktestEngineConfig  # noqa: PLC0415 -- as above
    from nautilus_trader.backtest.engine import BacktestEngine  # noqa: PLC0415 -- as above
    from nautilus_trader.config import LoggingConfig  # noqa: PLC0415 -- as above
    from nautilus_trader.model.currencies import USD  # noqa: PLC0415 -- as above
    from nautilus_trader.model.enums import AccountType, OmsType  # noqa: PLC0415 -- as above
    from nautilus_trader.model.identifiers import Venue  # noqa: PLC0415 -- as above
    from nautilus_trader.model.objects import Money  # noqa: PLC0415 -- as above

    from ats.execution.costs import IbFixedFeeModel  # noqa: PLC0415 -- as above
    from ats.kernel.opens import DataOpens, ExchangeHandle  # noqa: PLC0415 -- as above
    from ats.kernel.strategies import SleeveSetup, strategy_maker  # noqa: PLC0415 -- as above

    series, plan = _loaded(folder), _plan()
    setup = SleeveSetup(plan.strategy, INSTRUMENT, str(MINUTE), plan.params, number=1, is_session=False)
    strategy_maker(setup)(SimpleNamespace())  # imports the class before the clock starts, as `run_backtest` has it imported
    with user_seconds() as spent:
        engine = BacktestEngine(BacktestEngineConfig(trader_id="BENCH-001", logging=LoggingConfig(bypass_logging=True), run_analysis=False))
        handle = ExchangeHandle()
        engine.add_venue(
            Venue("NASDAQ"),
            OmsType.NETTING,
            AccountType.MARGIN,
            [Money(CASH, USD)],
            base_currency=USD,
            default_leverage=Decimal(1),
            fee_model=IbFixedFeeModel(),
            modules=[handle],
        )
        exchange = handle.take()
        engine.add_instrument(series.instrument)
        engine.add_data(series.bars)
        engine.add_strategy(strategy_maker(setup)(DataOpens([series], {"NASDAQ": exchange}, engine.kernel.data_engine)))
        engine.run()
    orders = engine.cache.orders_total_count()
    engine.dispose()
    return {"seconds": spent(), "orders": orders, "bars": len(series.bars)}


def catalog_load(folder: Path, _count: int) -> dict[str, float]:
    """Our catalog: bars as engine objects, the same as arrays, the checks on the way."""
    _loaded(folder)  # imports and file cache
    with user_seconds() as spent:
        series = _loaded(folder)
    return {"seconds": spent(), "bars": len(series.bars)}


def plain_load(folder: Path, _count: int) -> dict[str, float]:
    """The engine's own catalog on the same file: engine objects, nothing else."""
    from nautilus_trader.model.data import Bar  # noqa: PLC0415 -- as above
    from nautilus_trader.persistence.catalog import ParquetDataCatalog  # noqa: PLC0415 -- as above

    catalog = ParquetDataCatalog(str(folder))
    catalog.query(Bar, identifiers=[f"{INSTRUMENT}-{MINUTE}-EXTERNAL"])
    with user_seconds() as spent:
        bars = catalog.query(Bar, identifiers=[f"{INSTRUMENT}-{MINUTE}-EXTERNAL"])
    return {"seconds": spent(), "bars": len(bars)}


def journal(folder: Path, count: int) -> dict[str, float]:
    """Intent row and audit entry of one order, both committed, on the embedded PostgreSQL; wall time as the order path waits for it."""
    from ats.core.config import StorageSettings  # noqa: PLC0415 -- as above
    from ats.session.journal import SessionJournal  # noqa: PLC0415 -- as above
    from ats.session.records import Mode, SessionRecord, Status  # noqa: PLC0415 -- as above
    from ats.store.anchor import AnchorFile  # noqa: PLC0415 -- as above
    from ats.store.embedded import open_services  # noqa: PLC0415 -- as above
    from ats.store.postgres.audit import PostgresAuditLog  # noqa: PLC0415 -- as above
    from ats.store.postgres.database import Database  # noqa: PLC0415 -- as above
    from ats.store.postgres.migrate import migrate  # noqa: PLC0415 -- as above
    from ats.store.postgres.orders import OrderJournalRepository  # noqa: PLC0415 -- as above
    from ats.store.postgres.sessions import PostgresSessions  # noqa: PLC0415 -- as above

    with open_services(StorageSettings(data_dir=folder / "services"), lambda _: None) as services:
        migrate(services.database_url)
        with Database(services.database_url) as database:
            record = SessionRecord("s-1", Mode.PAPER, "DU1234567", Status.STARTING, {}, 1, "127.0.0.1:4002", NOW)
            PostgresSessions(database).add(record)
            audit = PostgresAuditLog(database, AnchorFile(folder / "anchor.jsonl"))
            written = SessionJournal(OrderJournalRepository(database, "s-1", "DU1234567"), audit, "s-1", lambda _: None)
            micros = [_timed(written.record_intent, _intent(number), "approved", NOW) for number in range(count)]
    ordered = sorted(micros)
    return {"p50": statistics.median(ordered), "p99": ordered[int(len(ordered) * 0.99)]}


def guardian(_folder: Path, count: int) -> dict[str, float]:
    """Microseconds of the guard for one order, with few and with 10,000 closed orders in the cache; see `guarded.py`."""
    import guarded  # noqa: PLC0415 -- as above

    return guarded.measure(count)


def _timed(call: Callable[..., object], *arguments: object) -> float:
    before = time.perf_counter_ns()
    call(*arguments)
    return (time.perf_counter_ns() - before) / 1_000


def _intent(number: int) -> OrderIntent:
    from ats.core.orders import OrderIntent, Side  # noqa: PLC0415 -- as above

    return OrderIntent(f"O-{number}", "sma_cross", INSTRUMENT, Side.BUY, Decimal(10), "MARKET", "DAY")


def _loaded(folder: Path) -> BarSeries:
    return Catalog(folder).bars(INSTRUMENT, MINUTE)


def _plan() -> BacktestPlan:
    from ats.backtest.plan import BacktestPlan  # noqa: PLC0415 -- as above
    from ats.core.config import BacktestRiskSettings  # noqa: PLC0415 -- as above
    from ats.risk.limits import limits_from  # noqa: PLC0415 -- as above
    from ats.signals.params import build_params  # noqa: PLC0415 -- as above
    from ats.strategies.registry import rule_of  # noqa: PLC0415 -- as above

    params = build_params(rule_of("sma_cross").params_model, PARAMS)
    limits = limits_from(BacktestRiskSettings(), [INSTRUMENT])
    return BacktestPlan("sma_cross", InstrumentId.parse(INSTRUMENT), MINUTE, None, None, params, CASH, limits)


MEASUREMENTS: dict[str, Callable[[Path, int], dict[str, float]]] = {
    call.__name__: call for call in (make_data, ours, bare, shipped, catalog_load, plain_load, journal, guardian)
}

if __name__ == "__main__":
    print(json.dumps(MEASUREMENTS[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))))
