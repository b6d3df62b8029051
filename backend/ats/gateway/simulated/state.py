"""The gateway behind the wire: takes requests from sessions, answers them, and moves the market. No sockets, no waiting.

Every request passes `handle`, every message to a client passes its session's `send`: the two places where faults and traces belong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import structlog

from ats.core.clock import Clock
from ats.gateway.simulated.config import SimulatedGatewayConfig, SimulatedInstrument
from ats.gateway.simulated.desks.accounts import AccountDesk
from ats.gateway.simulated.desks.contracts import Contracts
from ats.gateway.simulated.desks.data import DataDesk
from ats.gateway.simulated.desks.exchange import Exchange
from ats.gateway.simulated.desks.orders import OrderDesk
from ats.gateway.simulated.desks.sessions import SYSTEM, Session, Sessions
from ats.gateway.simulated.wire.layouts import Values
from ats.gateway.simulated.world.ledger import Ledger
from ats.gateway.simulated.world.market import Market
from ats.gateway.simulated.world.times import NotUnderstoodError

log = structlog.get_logger(__name__)

CLIENT_ID_TAKEN = (326, "Unable to connect as the client id is already in use. Retry with a unique client id.")
_FARMS = (
    (2104, "Market data farm connection is OK:usfarm"),
    (2106, "HMDS data farm connection is OK:ushmds"),
    (2158, "Sec-def data farm connection is OK:secdefnj"),
)

Handler = Callable[[Session, Values], None]


class GatewayState:
    """One account, one market, and the clients that are connected to them."""

    def __init__(
        self, config: SimulatedGatewayConfig, instruments: Sequence[SimulatedInstrument], clock: Clock, on_ledger_change: Callable[[], None]
    ) -> None:
        self._config = config
        self.market = Market(config, instruments, clock)
        self.ledger = Ledger(
            account_id=config.account_id,
            currency=config.currency,
            starting_cash=config.cash,
            first_perm_id=config.first_perm_id,
            started_at=clock.now(),
            initial_margin_fraction=config.initial_margin_fraction,
            maintenance_margin_fraction=config.maintenance_margin_fraction,
            on_change=on_ledger_change,
        )
        self.sessions = Sessions()
        self._contracts = Contracts(instruments)
        self._accounts = AccountDesk(config, self.market, self.ledger, self.sessions)
        self._data = DataDesk(config, self._contracts, self.market)
        self._exchange = Exchange(config, self.market, self.ledger, self.sessions, self._accounts.on_fill)
        self._orders = OrderDesk(config, self._contracts, self.market, self.ledger, self.sessions, self._exchange)
        self._handlers = self._build_handlers()
        self._exhausted: set[int] = set()

    # Sessions

    def admit(self, session: Session) -> bool:
        """Start a session: accounts, the next order id and the farm notices; False, after error 326, when the client id is taken."""
        if self.sessions.is_taken(session.client_id):
            session.error(SYSTEM, *CLIENT_ID_TAKEN)
            return False
        self.sessions.open(session)
        session.send("managedAccounts", accounts=self._config.account_id)
        self._send_next_order_id(session)
        for code, text in _FARMS:
            session.error(SYSTEM, code, text)
        return True

    def dismiss(self, session: Session) -> None:
        """End a session whose connection is gone. Its orders stay."""
        self._data.forget(session)
        self.sessions.close(session)

    # Requests

    def handle(self, session: Session, name: str, values: Values) -> None:
        """Answer one request; one whose values cannot be used is answered with an error."""
        handler = self._handlers.get(name)
        if handler is None:
            log.warning("gateway.request_ignored", client_id=session.client_id, request=name)
            return
        self.advance()
        request_id = values.get("reqId", SYSTEM)
        if request_id is None:
            session.error(SYSTEM, 320, f"Error reading request: {name} has no request id")
            return
        try:
            handler(session, values)
        except NotUnderstoodError as error:
            session.error(request_id, 321, f"Error validating request.-'00' : cause - {error}")

    def advance(self) -> None:
        """Let the market catch up with the clock: closed bars first, then trades and fills, the end of the day, the account."""
        self._data.on_time()
        for instrument, quote in self.market.new_trades():
            self._exchange.on_trade(instrument, quote)
            self._data.on_trade(instrument, quote)
        self._exchange.on_time()
        self._accounts.on_time()
        self._warn_of_exhausted_data()

    def _warn_of_exhausted_data(self) -> None:
        for instrument in self.market.exhausted():
            if instrument.contract_id not in self._exhausted:
                self._exhausted.add(instrument.contract_id)
                log.warning("gateway.data_exhausted", instrument=str(instrument.instrument_id), note="the price stands still from here")

    def _build_handlers(self) -> Mapping[str, Handler]:
        return (
            self._system_handlers() | self._contract_handlers() | self._order_handlers() | self._account_handlers() | self._data_handlers()
        )

    def _system_handlers(self) -> dict[str, Handler]:
        return {
            "reqIds": lambda session, _: self._send_next_order_id(session),
            "reqManagedAccts": lambda session, _: session.send("managedAccounts", accounts=self._config.account_id),
            "reqCurrentTime": lambda session, _: session.send("currentTime", seconds=int(self.market.now.timestamp())),
            "setServerLogLevel": lambda _session, _: None,
            "reqMarketDataType": lambda _session, _: None,
            "reqUserInfo": lambda session, values: session.send("userInfo", reqId=values["reqId"]),
        }

    def _contract_handlers(self) -> dict[str, Handler]:
        return {
            "reqContractDetails": lambda session, values: self._contracts.send_details(session, values, self.market.now),
            "reqMarketRule": self._contracts.send_market_rule,
            "reqMatchingSymbols": self._contracts.send_samples,
            "reqSecDefOptParams": lambda session, values: session.send("securityDefinitionOptionParameterEnd", reqId=values["reqId"]),
        }

    def _order_handlers(self) -> dict[str, Handler]:
        orders = self._orders
        return {
            "placeOrder": orders.place,
            "cancelOrder": lambda session, values: orders.cancel(session, values["orderId"] or 0),
            "reqGlobalCancel": lambda session, _: orders.cancel_all(session),
            "reqOpenOrders": lambda session, _: orders.send_open_orders(session, everybody=False),
            "reqAllOpenOrders": lambda session, _: orders.send_open_orders(session, everybody=True),
            "reqAutoOpenOrders": lambda session, _: orders.bind_orders(session),
            "reqCompletedOrders": lambda session, _: orders.send_completed_orders(session),
        }

    def _account_handlers(self) -> dict[str, Handler]:
        accounts = self._accounts
        return {
            "reqExecutions": accounts.send_executions,
            "reqPositions": lambda session, _: accounts.send_positions(session),
            "cancelPositions": lambda session, _: setattr(session, "wants_positions", False),
            "reqPositionsMulti": lambda session, values: accounts.send_positions_multi(session, values["reqId"]),
            "cancelPositionsMulti": lambda _session, _: None,
            "reqAccountUpdates": lambda session, values: accounts.follow_account(session, subscribe=values["subscribe"]),
            "reqAccountUpdatesMulti": lambda session, values: accounts.follow_account_multi(session, values["reqId"]),
            "cancelAccountUpdatesMulti": lambda session, values: session.account_updates_multi.discard(values["reqId"]),
            "reqAccountSummary": lambda session, values: accounts.follow_summary(session, values["reqId"], values["tags"]),
            "cancelAccountSummary": lambda session, values: session.account_summaries.pop(values["reqId"], None) and None,
            "reqPnL": lambda session, values: accounts.follow_pnl(session, values["reqId"]),
            "cancelPnL": lambda session, values: session.pnl.discard(values["reqId"]),
            "reqPnLSingle": lambda session, values: accounts.follow_pnl_single(session, values["reqId"], values["conId"] or 0),
            "cancelPnLSingle": lambda session, values: session.pnl_single.pop(values["reqId"], None) and None,
        }

    def _data_handlers(self) -> dict[str, Handler]:
        data = self._data
        return {
            "reqMktData": data.follow_quotes,
            "cancelMktData": self._cancel_stream,
            "reqTickByTickData": data.follow_ticks,
            "cancelTickByTickData": self._cancel_stream,
            "reqRealTimeBars": data.follow_five_second_bars,
            "cancelRealTimeBars": self._cancel_stream,
            "reqHistoricalData": data.send_history,
            "cancelHistoricalData": lambda session, values: data.cancel_history(session, values["reqId"]),
            "reqHistoricalTicks": data.send_historical_ticks,
            "reqHeadTimestamp": data.send_head_time,
            "cancelHeadTimestamp": lambda _session, _: None,
            "reqMktDepth": lambda session, values: session.error(
                values["reqId"], 10092, "Deep market data is not supported by this gateway"
            ),
            "cancelMktDepth": lambda _session, _: None,
        }

    def _send_next_order_id(self, session: Session) -> None:
        session.send("nextValidId", orderId=self.sessions.next_order_id(session.client_id))

    def _cancel_stream(self, session: Session, values: Values) -> None:
        self._data.cancel(session, values["reqId"])
