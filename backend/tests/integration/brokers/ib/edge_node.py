"""A process with a real TradingNode on the Interactive Brokers adapter whose only guard is the edge. Prints what became of each order as JSON.

The bus endpoints are registered anew by a stranger who forwards everything: whatever is refused is refused by the third ring alone.
"""

from __future__ import annotations

import asyncio
import json
import sys
from decimal import Decimal

from nautilus_trader.config import LiveExecEngineConfig, LoggingConfig, StrategyConfig, TradingNodeConfig
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.enums import OrderSide, TimeInForce
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.trading.strategy import Strategy

from ats.brokers.ib.venue import ib_venue
from ats.core.config import IbSettings
from ats.core.orders import Action
from ats.session.records import Mode

QQQ = InstrumentId.from_str("QQQ.NASDAQ")
DAY = TimeInForce.DAY


class Rules:
    """Answers by the order's role; a role without an answer is refused."""

    def __init__(self) -> None:
        self.roles: dict[str, str] = {}
        self.asked: list[tuple[str, str]] = []

    def permits(self, client_order_id: str, action: Action) -> str | None:
        role = self.roles.get(client_order_id, "unknown")
        self.asked.append((role, action.value))
        if role == "broken":
            raise ZeroDivisionError("the check fell over")
        if role in ("resting", "entry", "target") and action is Action.SUBMIT:
            return None
        return f"not for {role}"


class Orders(Strategy):
    """Sends one order of each role, changes the resting one, then cancels it, then stops the node."""

    def __init__(self, rules: Rules, finished: asyncio.Event) -> None:
        super().__init__(StrategyConfig(strategy_id="EDGE", order_id_tag="001"))
        self.rules, self.finished = rules, finished
        self.seen: dict[str, list[str]] = {}

    def on_start(self) -> None:
        make, one = self.order_factory, self.cache.instrument(QQQ).make_qty(Decimal(1))
        price = self.cache.instrument(QQQ).make_price
        market = self._as("market", make.market(QQQ, OrderSide.BUY, one, DAY))
        broken = self._as("broken", make.market(QQQ, OrderSide.BUY, one, DAY))
        bracket = make.bracket(
            QQQ, OrderSide.BUY, one, sl_trigger_price=price(40), tp_price=price(300), tp_post_only=False, time_in_force=DAY
        )
        for role, order in zip(("entry", "stop", "target"), bracket.orders, strict=True):
            self._as(role, order)
        resting = self._as("resting", make.limit(QQQ, OrderSide.BUY, one, price(50), DAY))
        self.submit_order(market)
        self.submit_order(broken)
        self.submit_order_list(bracket)
        self.submit_order(resting)

    def _as(self, role, order):
        self.rules.roles[order.client_order_id.value] = role
        return order

    def on_order_event(self, event) -> None:
        role = self.rules.roles[event.client_order_id.value]
        reason = getattr(event, "reason", None)
        self.seen.setdefault(role, []).append(type(event).__name__ + (f": {reason}" if reason else ""))
        if role == "resting":
            order = self.cache.order(event.client_order_id)
            match type(event).__name__:
                case "OrderAccepted":
                    self.modify_order(order, price=self.cache.instrument(QQQ).make_price(49))
                case "OrderModifyRejected":
                    self.cancel_order(order)
                case "OrderCanceled":
                    self.finished.set()


def register_a_stranger(bus, kernel) -> None:
    for endpoint, target in (("RiskEngine.execute", kernel.exec_engine.execute), ("ExecEngine.execute", kernel.exec_engine.execute)):
        engine = kernel.risk_engine if endpoint.startswith("Risk") else kernel.exec_engine
        bus.deregister(endpoint, engine.execute)
        bus.register(endpoint, target)


async def main(port: int) -> None:
    settings = IbSettings(paper_port=port, client_id=31, request_timeout_seconds=5)
    venue = ib_venue(settings, Mode.PAPER, "DU1234567", ["QQQ.NASDAQ"])
    config = TradingNodeConfig(
        trader_id="EDGE-001",
        logging=LoggingConfig(log_level="ERROR", log_colors=False),
        exec_engine=LiveExecEngineConfig(reconciliation=True, reconciliation_startup_delay_secs=0.5),
        data_clients={venue.name: venue.data_client_config},
        exec_clients={venue.name: venue.exec_client_config},
        timeout_connection=20.0,
        timeout_disconnection=3.0,
        timeout_post_stop=0.5,
    )
    node = TradingNode(config=config, loop=asyncio.get_running_loop())
    node.add_data_client_factory(venue.name, venue.data_factory)
    rules, finished = Rules(), asyncio.Event()
    node.add_exec_client_factory(venue.name, venue.exec_factory(rules))
    node.build()
    register_a_stranger(node.kernel.msgbus, node.kernel)
    strategy = Orders(rules, finished)
    node.trader.add_strategy(strategy)
    running = asyncio.create_task(node.run_async())
    try:
        await asyncio.wait_for(finished.wait(), 60)
    except TimeoutError:
        strategy.seen["timed out"] = []
    await node.stop_async()
    running.cancel()
    sys.stdout.write("RESULT " + json.dumps({"seen": strategy.seen, "asked": rules.asked}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
