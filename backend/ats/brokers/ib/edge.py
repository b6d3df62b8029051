"""The guard's third ring: an execution client that asks once more right before an order is written to the socket.

The first two rings sit on the engine's message bus, where any code in the process could put its own handler. This one is the
client itself: every order the engine sends passes through here. Cancels do not; nothing may stand between anyone and a cancel.
"""

from __future__ import annotations

import asyncio
from typing import Any

from nautilus_trader.adapters.interactive_brokers.config import InteractiveBrokersDataClientConfig, InteractiveBrokersExecClientConfig
from nautilus_trader.adapters.interactive_brokers.data import InteractiveBrokersDataClient
from nautilus_trader.adapters.interactive_brokers.execution import InteractiveBrokersExecutionClient
from nautilus_trader.adapters.interactive_brokers.factories import (
    InteractiveBrokersLiveDataClientFactory,
    get_cached_interactive_brokers_instrument_provider,
)
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, MessageBus
from nautilus_trader.execution.messages import ModifyOrder, SubmitOrder, SubmitOrderList
from nautilus_trader.live.factories import LiveExecClientFactory
from nautilus_trader.model.enums import OrderStatus
from nautilus_trader.model.identifiers import AccountId, ClientOrderId
from nautilus_trader.model.orders.base import Order

from ats.brokers.ib.connect import connected_client
from ats.core.orders import Action
from ats.kernel.guard import EdgeCheck

_UNSENT = (OrderStatus.INITIALIZED, OrderStatus.RELEASED)


class EdgeExecutionClient(InteractiveBrokersExecutionClient):
    """The engine's Interactive Brokers client; sends nothing the edge check does not permit."""

    def __init__(self, *, check: EdgeCheck, **arguments: Any) -> None:  # noqa: ANN401 -- handed through to the engine's constructor as they are
        super().__init__(**arguments)
        self._check = check

    async def _submit_order(self, command: SubmitOrder) -> None:
        refusal = self._refusal(command.order.client_order_id, Action.SUBMIT)
        if refusal is not None:
            self._deny(command.order, refusal)
            return
        await super()._submit_order(command)

    async def _submit_order_list(self, command: SubmitOrderList) -> None:
        orders = command.order_list.orders
        refusals = {order.client_order_id: self._refusal(order.client_order_id, Action.SUBMIT) for order in orders}
        refused = next((order_id for order_id, refusal in refusals.items() if refusal is not None), None)
        if refused is None:
            await super()._submit_order_list(command)
            return
        for order in orders:  # a list leaves whole or not at all: a bracket without its stop is a naked position
            self._deny(order, refusals[order.client_order_id] or f"order {refused} of the same list was refused")

    async def _modify_order(self, command: ModifyOrder) -> None:
        refusal = self._refusal(command.client_order_id, Action.MODIFY)
        if refusal is None:
            await super()._modify_order(command)
            return
        self._log.warning(f"Change of {command.client_order_id} refused at the edge: {refusal}")
        self.generate_order_modify_rejected(
            command.strategy_id,
            command.instrument_id,
            command.client_order_id,
            command.venue_order_id,
            refusal,
            self._clock.timestamp_ns(),
        )

    def _refusal(self, client_order_id: ClientOrderId, action: Action) -> str | None:
        try:
            answer = self._check.permits(client_order_id.value, action)
        except Exception as error:  # noqa: BLE001 -- whatever the check cannot compute is refused, row A17
            return f"edge check failed: {type(error).__name__}: {error}"
        if answer is None:
            return None
        return str(answer) or "refused at the edge"

    def _deny(self, order: Order, reason: str) -> None:
        """Report the refusal in the way the order's state allows: denied before it was sent, rejected after, untouched once it works."""
        self._log.warning(f"Order {order.client_order_id} refused at the edge: {reason}")
        report = {
            "strategy_id": order.strategy_id,
            "instrument_id": order.instrument_id,
            "client_order_id": order.client_order_id,
            "reason": reason,
            "ts_event": self._clock.timestamp_ns(),
        }
        if order.status in _UNSENT:
            self.generate_order_denied(**report)
        elif order.status == OrderStatus.SUBMITTED:
            self.generate_order_rejected(**report)


class IbDataClientFactory(InteractiveBrokersLiveDataClientFactory):
    """Makes the data client on a connection that was opened with a bound."""

    @staticmethod
    def create(  # type: ignore[override]  # as the engine's own factories do: each takes its own configuration
        loop: asyncio.AbstractEventLoop,
        name: str,
        config: InteractiveBrokersDataClientConfig,
        msgbus: MessageBus,
        cache: Cache,
        clock: LiveClock,
    ) -> InteractiveBrokersDataClient:
        """The data client. Raises DependencyError when the gateway does not answer."""
        connected_client(loop, config, msgbus, cache, clock)
        return InteractiveBrokersLiveDataClientFactory.create(loop, name, config, msgbus, cache, clock)


def edge_exec_factory(check: EdgeCheck) -> type[LiveExecClientFactory]:
    """A factory class bound to this check: the node builder passes nothing of ours to `create`, so the class carries it."""

    class EdgeExecClientFactory(LiveExecClientFactory):
        """Makes the execution client with its edge check."""

        @staticmethod
        def create(  # type: ignore[override]  # as above
            loop: asyncio.AbstractEventLoop,
            name: str,
            config: InteractiveBrokersExecClientConfig,
            msgbus: MessageBus,
            cache: Cache,
            clock: LiveClock,
        ) -> EdgeExecutionClient:
            """The execution client. Raises DependencyError when the gateway does not answer."""
            client = connected_client(loop, config, msgbus, cache, clock)
            return EdgeExecutionClient(
                check=check,
                loop=loop,
                client=client,
                account_id=AccountId(f"{name}-{config.account_id}"),
                msgbus=msgbus,
                cache=cache,
                clock=clock,
                instrument_provider=get_cached_interactive_brokers_instrument_provider(client, clock, config.instrument_provider),
                config=config,
                name=name,
                connection_timeout=config.connection_timeout,
            )

    return EdgeExecClientFactory
