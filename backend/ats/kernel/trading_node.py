"""The live engine: one TradingNode on one venue, with Guardian installed before anything can run."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from nautilus_trader.config import (
    LiveDataEngineConfig,
    LiveExecEngineConfig,
    LiveRiskEngineConfig,
    LoggingConfig,
    TradingNodeConfig,
)
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.enums import TradingState

from ats.core.invariant import invariant
from ats.core.orders import Position
from ats.kernel.guard import Guard
from ats.kernel.journal import EventRecorder
from ats.kernel.process import prepare_process
from ats.kernel.venue import VenueSpec
from ats.risk.limits import Limits

_LOG_BYTES, _LOGS_KEPT = 50_000_000, 5


@dataclass(frozen=True, slots=True)
class NodeTimeouts:
    """Seconds the engine waits for each step of starting and stopping."""

    connection: float = 30.0
    reconciliation: float = 30.0
    portfolio: float = 10.0
    disconnection: float = 5.0
    post_stop: float = 1.0


class LiveNode:
    """A TradingNode with the three rings on its order path. Build inside a running loop: the adapter's client starts in `build`.

    One node per process: the adapter caches its clients per process, so a second node would get the first one's stopped client.
    """

    def __init__(
        self, trader_id: str, venue: VenueSpec, limits: Limits, log_folder: Path | None, timeouts: NodeTimeouts | None = None
    ) -> None:
        self._venue = venue
        self._is_guarded = False
        self._node = TradingNode(
            config=_node_config(trader_id, venue, limits, log_folder, timeouts or NodeTimeouts()), loop=asyncio.get_running_loop()
        )

    def build(self, guard: Guard, recorder: EventRecorder, strategies: Sequence[Any]) -> None:
        """Install the guard, then make the clients and add the strategies."""
        prepare_process()
        guard.install(self._node.kernel)
        self._is_guarded = True
        recorder.install(self._node.kernel)
        self._node.add_data_client_factory(self._venue.name, self._venue.data_factory)
        self._node.add_exec_client_factory(self._venue.name, self._venue.exec_factory(guard))
        self._node.build()
        for strategy in strategies:
            self._node.trader.add_strategy(strategy)

    async def run(self) -> None:
        """Run until stopped; returns when the engine's queues end. Raises InvariantError before anything else without a guard (S2-98)."""
        invariant(self._is_guarded, "guardian.installed")
        await self._node.run_async()

    async def stop(self) -> None:
        """Stop strategies, then clients and engines."""
        await self._node.stop_async()

    @property
    def is_trading(self) -> bool:
        """Whether strategies were really started: the engine says RUNNING even when they were not."""
        return bool(self._node.trader.is_running)

    @property
    def is_connected(self) -> bool:
        """Whether data and execution clients are connected, and the connection below them really is."""
        kernel = self._node.kernel
        return bool(kernel.data_engine.check_connected() and kernel.exec_engine.check_connected() and self._venue.link_is_up())

    def halt(self) -> None:
        """Second layer behind Guardian: the engine's own halt denies everything but cancels."""
        self._node.kernel.risk_engine.set_trading_state(TradingState.HALTED)

    def cancel_working_orders(self) -> int:
        """Send a cancel for every order of this node that is not closed; returns how many."""
        strategies = {strategy.id: strategy for strategy in self._node.trader.strategies()}
        orders = self._working()
        for order in orders:
            strategy = strategies.get(order.strategy_id) or next(iter(strategies.values()))
            strategy.cancel_order(order)
        return len(orders)

    def positions(self) -> tuple[Position, ...]:
        """Net positions as the node believes them."""
        net: dict[str, tuple[Decimal, Decimal]] = {}
        for position in self._node.cache.positions_open():
            quantity, _ = net.get(position.instrument_id.value, (Decimal(0), Decimal(0)))
            net[position.instrument_id.value] = (quantity + position.signed_decimal_qty(), Decimal(str(position.avg_px_open)))
        return tuple(Position(instrument, quantity, price) for instrument, (quantity, price) in sorted(net.items()) if quantity)

    def working_orders(self) -> tuple[str, ...]:
        """Its working orders in words, as the node believes them."""
        return tuple(
            f"{order.side_string()} {order.quantity} {order.instrument_id} ({order.client_order_id}, {order.status_string()})"
            for order in self._working()
        )

    def _working(self) -> list[Any]:
        """Every order that is not closed, once: one that waits for its cancel is both open and in flight."""
        cache = self._node.cache
        return list({order.client_order_id: order for order in (*cache.orders_open(), *cache.orders_inflight())}.values())

    def equity(self) -> Decimal | None:
        """Net liquidation as the broker reports it; None before the first report."""
        for account in self._node.cache.accounts():
            for balance in account.balances().values():
                return Decimal(str(balance.total.as_decimal()))
        return None


def _node_config(trader_id: str, venue: VenueSpec, limits: Limits, log_folder: Path | None, timeouts: NodeTimeouts) -> TradingNodeConfig:
    """The engine's own caps stand as a second layer; Guardian is the wall (decision record 0002)."""
    rate = limits.submit_rate
    return TradingNodeConfig(
        trader_id=trader_id,
        logging=_logging(log_folder),
        data_engine=LiveDataEngineConfig(graceful_shutdown_on_exception=True),
        risk_engine=LiveRiskEngineConfig(
            bypass=False,
            max_order_submit_rate=rate,
            max_order_modify_rate=rate,
            max_notional_per_order={name: math.ceil(cap) for name, cap in limits.order_caps.items()},
            graceful_shutdown_on_exception=True,
        ),
        exec_engine=LiveExecEngineConfig(
            reconciliation=True,
            reconciliation_startup_delay_secs=2.0,
            open_check_interval_secs=10.0,
            position_check_interval_secs=30.0,
            graceful_shutdown_on_exception=True,
        ),
        data_clients={venue.name: venue.data_client_config},
        exec_clients={venue.name: venue.exec_client_config},
        timeout_connection=timeouts.connection,
        timeout_reconciliation=timeouts.reconciliation,
        timeout_portfolio=timeouts.portfolio,
        timeout_disconnection=timeouts.disconnection,
        timeout_post_stop=timeouts.post_stop,
    )


def _logging(folder: Path | None) -> LoggingConfig:
    """Everything to the session's folder; the screen belongs to the session, which says what a person must know."""
    if folder is None:
        return LoggingConfig(log_level="WARNING", log_colors=False)
    return LoggingConfig(
        log_level="OFF",
        log_level_file="INFO",
        log_directory=str(folder),
        log_file_name="engine",
        log_file_format="json",
        log_file_max_size=_LOG_BYTES,
        log_file_max_backup_count=_LOGS_KEPT,
        log_colors=False,
    )
