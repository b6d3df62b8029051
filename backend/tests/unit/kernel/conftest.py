"""A small market for the engine: instruments, bars and a strategy that does what the test says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from nautilus_trader.config import StrategyConfig
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
from nautilus_trader.model.instruments import Equity
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.trading.strategy import Strategy

from ats.risk.limits import Limits

DAY_NS = 86_400_000_000_000
FIRST_OPEN_NS = 1_600_003_800_000_000_000
OPEN_TO_CLOSE_NS = 23_400_000_000_000


@dataclass
class EngineSeries:
    instrument: Equity
    bars: list[Bar]
    opened_ns: Any
    bar_type: BarType


def _series(symbol: str, opens_and_closes: list[tuple[str, str]], venue: str = "NASDAQ") -> EngineSeries:
    """Daily bars with the given opens and closes; highs and lows one cent outside."""
    instrument_id = InstrumentId(Symbol(symbol), Venue(venue))
    bar_type = BarType.from_str(f"{instrument_id}-1-DAY-LAST-EXTERNAL")
    instrument = Equity(
        instrument_id,
        Symbol(symbol),
        USD,
        2,
        Price.from_str("0.01"),
        Quantity.from_int(1),
        0,
        0,
        margin_init=Decimal(1),
        margin_maint=Decimal(1),
    )
    opened = FIRST_OPEN_NS + DAY_NS * np.arange(len(opens_and_closes), dtype=np.int64)
    cent = Decimal("0.01")
    bars = []
    for start, (first, last) in zip(opened.tolist(), opens_and_closes, strict=True):
        low, high = min(Decimal(first), Decimal(last)) - cent, max(Decimal(first), Decimal(last)) + cent
        close_ns = start + OPEN_TO_CLOSE_NS
        prices = (Price.from_str(first), Price.from_str(str(high)), Price.from_str(str(low)), Price.from_str(last))
        bars.append(Bar(bar_type, *prices, Quantity.from_int(10_000), close_ns, close_ns))
    return EngineSeries(instrument, bars, opened, bar_type)


@pytest.fixture
def series() -> Callable[..., EngineSeries]:
    return _series


@pytest.fixture
def limits() -> Callable[..., Limits]:
    def make(*instruments: str, cap: str = "5000", position: str = "20000", gross: str = "40000", rate: int = 1_000) -> Limits:
        return Limits(
            dict.fromkeys(instruments, Decimal(cap)),
            Decimal(position),
            Decimal(gross),
            rate,
            1_000_000_000,
            60_000_000_000,
            frozenset({"GME"}),
        )

    return make


class Scripted(Strategy):
    """Runs `act(strategy, bar)` on every bar and keeps the events it sees."""

    def __init__(self, series: EngineSeries, act: Callable[[Any, Bar], None], opens: Any) -> None:
        super().__init__(StrategyConfig(strategy_id=f"T-{series.instrument.id.symbol}", order_id_tag=str(series.instrument.id.symbol)))
        self.series, self.act, self.opens, self.seen = series, act, opens, []

    def on_start(self) -> None:
        self.subscribe_bars(self.series.bar_type)

    def on_bar(self, bar: Bar) -> None:
        self.act(self, bar)

    def on_order_event(self, event: Any) -> None:
        self.seen.append(event)

    def kinds(self) -> list[str]:
        return [type(event).__name__ for event in self.seen]


@pytest.fixture
def scripted() -> Callable[..., SimpleNamespace]:
    """A maker for run_engine, and the strategy it made."""

    def make(series: EngineSeries, act: Callable[[Any, Bar], None]) -> SimpleNamespace:
        made = SimpleNamespace()

        def maker(opens: Any) -> Scripted:
            made.strategy = Scripted(series, act, opens)
            return made.strategy

        made.maker = maker
        return made

    return make
