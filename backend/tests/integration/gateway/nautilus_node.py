"""A TradingNode with its own Interactive Brokers adapter, as a process: one node per process. Prints facts as JSON lines.

Usage: nautilus_node.py PORT LIFE, LIFE being `trades` (buys once the first bar has come, then rests a limit order) or `watches`.
"""

from __future__ import annotations

import asyncio
import json
import sys

from nautilus_trader.adapters.interactive_brokers.config import (
    InteractiveBrokersDataClientConfig,
    InteractiveBrokersExecClientConfig,
    InteractiveBrokersInstrumentProviderConfig,
)
from nautilus_trader.adapters.interactive_brokers.factories import (
    InteractiveBrokersLiveDataClientFactory,
    InteractiveBrokersLiveExecClientFactory,
)
from nautilus_trader.config import LiveExecEngineConfig, LoggingConfig, RoutingConfig, StrategyConfig, TradingNodeConfig
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import BarType
from nautilus_trader.model.enums import OrderSide, TimeInForce
from nautilus_trader.model.identifiers import InstrumentId, Venue
from nautilus_trader.trading.strategy import Strategy

INSTRUMENT = InstrumentId.from_str("MSFT.NASDAQ")
BARS = BarType.from_str("MSFT.NASDAQ-5-SECOND-LAST-EXTERNAL")
NAME = "INTERACTIVE_BROKERS"


def tell(fact: str, **values: object) -> None:
    print(json.dumps({"fact": fact, **values}), flush=True)  # noqa: T201 -- facts go to the test that started this process


class Witness(Strategy):
    """Tells what reaches a strategy, and trades once in its first life."""

    def __init__(self, life: str, node: TradingNode) -> None:
        super().__init__(StrategyConfig(strategy_id="WITNESS-001", order_id_tag="001"))
        self.life, self.node, self.bars, self.quotes = life, node, 0, 0

    def on_start(self) -> None:
        tell(
            "started",
            net_position=str(self.portfolio.net_position(INSTRUMENT)),
            tick=str(self.cache.instrument(INSTRUMENT).price_increment),
        )
        account = self.portfolio.account(Venue(NAME))
        tell("account", id=str(account.id), total=str(account.balance_total(USD)))
        tell("working", orders=[str(order.venue_order_id) for order in self.cache.orders_open()])
        self.subscribe_bars(BARS)
        self.subscribe_quote_ticks(INSTRUMENT)

    def on_quote_tick(self, tick) -> None:
        self.quotes += 1
        if self.quotes == 1:
            tell("quote", bid=str(tick.bid_price), ask=str(tick.ask_price))

    def on_bar(self, bar) -> None:
        self.bars += 1
        tell("bar", open=str(bar.open), high=str(bar.high), low=str(bar.low), close=str(bar.close), volume=str(bar.volume))
        quantity = self.cache.instrument(INSTRUMENT).make_qty(4)
        if self.life == "trades" and self.bars == 1:
            self.submit_order(self.order_factory.market(INSTRUMENT, OrderSide.BUY, quantity))
        if self.life == "watches" and self.bars == 1:
            self.finish()

    def on_order_filled(self, event) -> None:
        tell(
            "filled",
            quantity=str(event.last_qty),
            price=str(event.last_px),
            commission=str(event.commission),
            order=str(event.client_order_id),
        )
        price = self.cache.instrument(INSTRUMENT).make_price(50)
        self.submit_order(self.order_factory.limit(INSTRUMENT, OrderSide.BUY, event.last_qty, price, time_in_force=TimeInForce.GTC))

    def on_order_accepted(self, event) -> None:
        tell("accepted", order=str(event.client_order_id), venue_order=str(event.venue_order_id))
        if self.cache.order(event.client_order_id).has_price:
            self.finish()

    def on_order_rejected(self, event) -> None:
        tell("rejected", reason=event.reason)
        self.finish()

    def finish(self) -> None:
        tell("finished", net_position=str(self.portfolio.net_position(INSTRUMENT)))
        asyncio.get_running_loop().call_soon(self.node.stop)


def main(port: int, life: str) -> None:
    provider = InteractiveBrokersInstrumentProviderConfig(load_ids=frozenset([INSTRUMENT]))
    connection = {
        "ibg_host": "127.0.0.1",
        "ibg_port": port,
        "ibg_client_id": 11,
        "request_timeout_secs": 15,
        "instrument_provider": provider,
    }
    node = TradingNode(
        TradingNodeConfig(
            trader_id="TESTER-001",
            logging=LoggingConfig(log_level="ERROR"),
            data_clients={NAME: InteractiveBrokersDataClientConfig(**connection)},
            exec_clients={
                NAME: InteractiveBrokersExecClientConfig(**connection, account_id="DU1234567", routing=RoutingConfig(default=True))
            },
            exec_engine=LiveExecEngineConfig(reconciliation=True),
            timeout_connection=20,
            timeout_disconnection=2,
            timeout_post_stop=1,
        )
    )
    node.add_data_client_factory(NAME, InteractiveBrokersLiveDataClientFactory)
    node.add_exec_client_factory(NAME, InteractiveBrokersLiveExecClientFactory)
    node.trader.add_strategy(Witness(life, node))
    node.build()
    node.run()
    node.dispose()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
