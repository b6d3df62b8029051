"""A simulated gateway on a thread of its own, as clients meet it: over TCP, on the machine's clock."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Self

import pytest

from ats.core.clock import SystemClock
from ats.core.ids import InstrumentId
from ats.core.market import Bar, BarSpec
from ats.gateway.simulated import SimulatedGateway, SimulatedGatewayConfig, SimulatedInstrument


def daily_bars(count: int = 1500) -> list[Bar]:
    """Daily bars around 100 that rise and fall in turn."""
    bars, price, opened_at = [], Decimal(100), datetime(2015, 1, 1, tzinfo=UTC)
    for index in range(count):
        close = price + (Decimal(1) if index % 2 == 0 else Decimal(-1))
        bars.append(
            Bar(
                opened_at,
                opened_at + timedelta(days=1),
                opened_at + timedelta(days=1),
                price,
                Decimal("101.5"),
                Decimal("99.5"),
                close,
                Decimal(8000),
            )
        )
        price, opened_at = close, opened_at + timedelta(days=1)
    return bars


def instrument(name: str = "MSFT.NASDAQ") -> SimulatedInstrument:
    return SimulatedInstrument(InstrumentId.parse(name), daily_bars(), BarSpec(1, "DAY"))


class RunningGateway:
    """The gateway's event loop on a thread; leaving the block stops it and reraises what ended it."""

    def __init__(self, config: SimulatedGatewayConfig, instruments: list[SimulatedInstrument]) -> None:
        self._loop = asyncio.new_event_loop()
        self._gateway = SimulatedGateway(config, instruments, SystemClock())
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.account_id = config.account_id

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._gateway.start())
        self.port = self._gateway.port
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._gateway.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def ledger(self) -> dict[str, Any]:
        async def read() -> str:
            return self._gateway.ledger_json()

        return json.loads(self._run(read()))

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)


def until(holds: Callable[[], Any], seconds: float = 10, wait: Callable[[float], Any] = time.sleep) -> Any:
    """Wait for a truth, with a deadline; `wait` lets a client's own loop run meanwhile."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        wait(0.05)
    return found


@pytest.fixture
def wait_until():
    return until


@pytest.fixture
def gateway_of():
    """Starts gateways with one compressed instrument and 600 bars of history, unless told otherwise."""
    with ExitStack() as stack:

        def start(*instruments: SimulatedInstrument, **config: Any) -> RunningGateway:
            defaults: dict[str, Any] = {
                "mode": "paper",
                "account_id": "DU1234567",
                "port": 0,
                "compress": BarSpec(5, "SECOND"),
                "history_bars": 600,
            }
            made = SimulatedGatewayConfig(**defaults | config)
            return stack.enter_context(RunningGateway(made, list(instruments) or [instrument()]))

        yield start


@pytest.fixture
def gateway(gateway_of) -> RunningGateway:
    return gateway_of()


@pytest.fixture
def instrument_named():
    return instrument
