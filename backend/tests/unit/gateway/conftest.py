"""Deterministic markets, and the gateway's behaviour without a socket: sessions that keep what they are sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ats.core.ids import InstrumentId
from ats.core.market import Bar, BarSpec
from ats.gateway.simulated import SimulatedGatewayConfig, SimulatedInstrument
from ats.gateway.simulated.desks.sessions import Session
from ats.gateway.simulated.state import GatewayState
from ats.gateway.simulated.wire.layouts import Field, Item, Layout, Repeat, When, decode, encode
from ats.gateway.simulated.wire.messages import MESSAGES
from ats.gateway.simulated.wire.requests import REQUESTS
from ats.testing.clock import ManualClock

NOW = datetime(2026, 3, 4, 15, 0, 2, tzinfo=UTC)  # a Wednesday, two seconds past ten in the morning in New York
_REQUESTS = {layout.name: layout for layout in REQUESTS.values()}
_EMPTY = {"text": "", "esc": "", "int": 0, "dec": None, "bool": False}


def make_bar(opened_at: datetime, prices: Sequence[str], volume: str = "8000", length: timedelta = timedelta(days=1)) -> Bar:
    open_, high, low, close = (Decimal(price) for price in prices)
    return Bar(opened_at, opened_at + length, opened_at + length, open_, high, low, close, Decimal(volume))


def make_bars(*prices: str, length: timedelta = timedelta(days=1)) -> list[Bar]:
    """Bars from `open high low close`, one after the other from the first day of 2020."""
    start = datetime(2020, 1, 1, tzinfo=UTC)
    return [make_bar(start + index * length, words.split(), length=length) for index, words in enumerate(prices)]


def make_instrument(bars: Sequence[Bar], name: str = "MSFT.NASDAQ", spec: str = "1-DAY-LAST", **more: Any) -> SimulatedInstrument:
    return SimulatedInstrument(InstrumentId.parse(name), bars, BarSpec.parse(spec), **more)


def _empty(items: Sequence[Item]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for item in items:
        if isinstance(item, Field):
            values[item.name] = _EMPTY[item.kind]
        elif isinstance(item, When):
            values |= _empty(item.items)
        elif isinstance(item, Repeat):
            values[item.name] = ()
    return values


@dataclass
class Client:
    """A session whose messages are decoded by the gateway's own table and kept."""

    state: GatewayState
    client_id: int
    received: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    session: Session = field(init=False)
    is_admitted: bool = field(init=False)

    def __post_init__(self) -> None:
        self.session = Session(self.client_id, self._keep)
        self.is_admitted = self.state.admit(self.session)

    def _keep(self, name: str, fields: list[str]) -> None:
        self.received.append((name, decode(MESSAGES[name], fields, exact=True)))

    def ask(self, name: str, **values: Any) -> list[tuple[str, dict[str, Any]]]:
        """Send a request, unnamed fields empty, and return what came back at once."""
        layout: Layout = _REQUESTS[name]
        self.received.clear()
        fields = encode(layout, {"version": 1, **_empty(layout.items), **values})
        self.state.handle(self.session, name, decode(layout, fields, exact=True))
        return list(self.received)

    def place(self, order_id: int, action: str = "BUY", quantity: str = "10", **values: Any) -> list[tuple[str, dict[str, Any]]]:
        defaults = {"symbol": "MSFT", "secType": "STK", "exchange": "SMART", "currency": "USD", "orderType": "MKT", "transmit": True}
        terms = {"orderId": order_id, "action": action, "totalQuantity": Decimal(quantity)}
        return self.ask("placeOrder", **defaults | terms | values)

    def names(self) -> list[str]:
        return [name for name, _ in self.received]

    def of(self, name: str) -> list[dict[str, Any]]:
        return [values for kind, values in self.received if kind == name]

    def errors(self) -> list[tuple[int, int]]:
        """Request id and code of every error received."""
        return [(values["reqId"], values["code"]) for values in self.of("error")]


@dataclass
class Floor:
    """A gateway's behaviour on a clock that moves only when told."""

    state: GatewayState
    clock: ManualClock
    changes: list[None]

    def connect(self, client_id: int) -> Client:
        return Client(self.state, client_id)

    def advance(self, seconds: float) -> None:
        """Let the market run in steps of half a second, as the server does."""
        for _ in range(int(seconds * 2)):
            self.clock.advance(seconds=0.5)
            self.state.advance()


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def bars_of():
    return make_bars


@pytest.fixture
def instrument_of():
    return make_instrument


@pytest.fixture
def config_of():
    def make(**values: Any) -> SimulatedGatewayConfig:
        defaults: dict[str, Any] = {"mode": "paper", "account_id": "DU1234567", "port": 0, "compress": BarSpec(5, "SECOND")}
        return SimulatedGatewayConfig(**defaults | values)

    return make


@pytest.fixture
def floor_of(config_of):
    """Builds a floor: one instrument whose bars are compressed to five seconds unless said otherwise; the first bar has just opened."""

    def make(bars: Sequence[Bar], *others: SimulatedInstrument, **config: Any) -> Floor:
        clock, changes = ManualClock(NOW), []
        state = GatewayState(config_of(**config), [make_instrument(bars), *others], clock, lambda: changes.append(None))
        return Floor(state, clock, changes)

    return make


@pytest.fixture
def calm_floor(floor_of) -> Floor:
    """A market that stands at 100.00: bid 99.99, ask 100.00."""
    return floor_of(make_bars(*["100 100 100 100"] * 50))
