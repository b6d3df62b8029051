"""A book in memory and a Guardian with round limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest

from ats.core.orders import Action, OrderIntent, Side
from ats.risk.guardian import Guardian, Holding, OpenControl, Price
from ats.risk.limits import Limits

NOW = 1_700_000_000_000_000_000
SECOND = 1_000_000_000
QQQ, SPY, IWM = "QQQ.NASDAQ", "SPY.ARCA", "IWM.ARCA"


@dataclass
class MemoryBook:
    """Implements guardian.Book on dictionaries: positions, working orders by id, prices by instrument."""

    prices: dict[str, Price] = field(default_factory=lambda: {name: Price(Decimal(100), NOW) for name in (QQQ, SPY, IWM)})
    positions: dict[str, Decimal] = field(default_factory=dict)
    working: dict[str, tuple[str, Side, Decimal]] = field(default_factory=dict)
    cash: Decimal | None = Decimal(1_000_000)

    def price(self, instrument_id: str, side: Side) -> Price | None:
        return self.prices.get(instrument_id)

    def holding(self, instrument_id: str, excluding: str) -> Holding:
        mine = [
            (side, leaves) for order_id, (name, side, leaves) in self.working.items() if name == instrument_id and order_id != excluding
        ]
        buys = sum((leaves for side, leaves in mine if side is Side.BUY), Decimal(0))
        sells = sum((leaves for side, leaves in mine if side is Side.SELL), Decimal(0))
        return Holding(self.positions.get(instrument_id, Decimal(0)), buys, sells)

    def funds(self, instrument_id: str) -> Decimal | None:
        return self.cash

    def holdings(self, excluding: str) -> Mapping[str, Holding]:
        held = {name for name, quantity in self.positions.items() if quantity}
        held |= {name for name, _, _ in self.working.values()}
        return {name: self.holding(name, excluding) for name in held}

    def with_price(self, instrument_id: str, value: str | Decimal, age_ns: int = 0) -> MemoryBook:
        return replace(self, prices=self.prices | {instrument_id: Price(Decimal(value), NOW - age_ns)})


@pytest.fixture
def limits() -> Limits:
    return Limits(
        order_caps=dict.fromkeys((QQQ, SPY, IWM), Decimal(5_000)),
        max_position_notional=Decimal(10_000),
        max_gross_notional=Decimal(15_000),
        submit_count=1_000_000,
        submit_interval_ns=SECOND,
        max_price_age_ns=60 * SECOND,
    )


@pytest.fixture
def guardian(limits: Limits) -> Guardian:
    return Guardian(limits, OpenControl())


@pytest.fixture
def book() -> MemoryBook:
    return MemoryBook()


@pytest.fixture
def order():
    """Builds intents: `order("10")` buys ten QQQ at market."""

    def build(quantity="10", side=Side.BUY, instrument=QQQ, limit=None, trigger=None, order_type="MARKET", order_id="O-1", **more):
        return OrderIntent(
            client_order_id=order_id,
            strategy=more.pop("strategy", "ibs_reversion"),
            instrument_id=instrument,
            side=side,
            quantity=Decimal(quantity),
            order_type=order_type,
            time_in_force="DAY",
            limit_price=None if limit is None else Decimal(limit),
            trigger_price=None if trigger is None else Decimal(trigger),
            action=more.pop("action", Action.SUBMIT),
            **more,
        )

    return build
