"""Order requests: what a client asks is checked here, entered in the ledger and handed to the exchange.

A client names its orders by its own numbers, so every look-up is by client id and order id; the permanent id says who an order is.
"""

from __future__ import annotations

from dataclasses import replace

from ats.core.orders import Side
from ats.gateway.simulated.config import SimulatedGatewayConfig, SimulatedInstrument
from ats.gateway.simulated.desks import order_reports
from ats.gateway.simulated.desks.contracts import SMART, Contracts
from ats.gateway.simulated.desks.exchange import CANCELED, Exchange
from ats.gateway.simulated.desks.order_checks import (
    DUPLICATE_ID,
    INVALID_ID,
    LARGEST_ORDER_ID,
    NO_CONTRACT,
    READ_ONLY,
    Objection,
    object_to_cancel,
    object_to_modification,
    object_to_order,
    object_to_parent,
    time_in_force,
)
from ats.gateway.simulated.desks.sessions import SYSTEM, Session, Sessions
from ats.gateway.simulated.wire.layouts import Values
from ats.gateway.simulated.world import matching
from ats.gateway.simulated.world.ledger import Ledger
from ats.gateway.simulated.world.market import Market
from ats.gateway.simulated.world.records import GatewayOrder, OrderStatus, Refusal, commission_for


class OrderDesk:
    """Takes order requests from sessions. A read-only gateway refuses them all, and never ends the lists it is asked for."""

    def __init__(
        self, config: SimulatedGatewayConfig, contracts: Contracts, market: Market, ledger: Ledger, sessions: Sessions, exchange: Exchange
    ) -> None:
        self._config = config
        self._contracts = contracts
        self._market = market
        self._ledger = ledger
        self._sessions = sessions
        self._exchange = exchange

    def place(self, session: Session, values: Values) -> None:
        """A new order, or other terms for a working one when the id is already in use."""
        instrument = self._contracts.find_one(values)
        existing = self._ledger.find(session.client_id, values["orderId"] or 0)
        objection = self._object(session, values, instrument, existing)
        if objection is not None or instrument is None:
            self._refuse(session, values, objection or NO_CONTRACT)
        elif values["whatIf"]:
            self._preview(session, values, instrument)
        elif existing is not None:
            self._modify(session, existing, values)
        else:
            self._accept(session, values, instrument)

    def cancel(self, session: Session, order_id: int) -> None:
        """Cancel an order by its own client's number, or, from another client, the working order with that number."""
        if self._is_refused_as_read_only(session, order_id):
            return
        order = self._ledger.find(session.client_id, order_id) or self._working_order_of_others(order_id)
        if order is None:
            session.error(order_id, 10147, f"OrderId {order_id} that needs to be cancelled is not found.")
            return
        objection = object_to_cancel(order)
        if objection is not None:
            session.error(order_id, objection.code, objection.text)
            return
        self._exchange.end(order, OrderStatus.CANCELLED, "Cancelled by Trader")
        if session.client_id != order.client_id:
            order_reports.send_status(session, order, client_id=session.client_id)
            session.error(order_id, CANCELED.code, CANCELED.text)

    def cancel_all(self, session: Session) -> None:
        """Cancel every order of every client that can be cancelled."""
        if self._is_refused_as_read_only(session):
            return
        for order in list(self._ledger.orders.values()):
            if object_to_cancel(order) is None:
                self._exchange.end(order, OrderStatus.CANCELLED, "Cancelled by Trader")

    def send_open_orders(self, session: Session, *, everybody: bool) -> None:
        """Report working orders: the client's own, or everybody's with their own numbers."""
        if self._is_refused_as_read_only(session):
            return
        for order in self._ledger.working():
            if everybody or order.client_id == session.client_id:
                order_reports.send_open_order(session, order, self._config.account_id)
                order_reports.send_status(session, order)
        session.send("openOrderEnd")

    def bind_orders(self, session: Session) -> None:
        """Accept the wish to own orders entered by hand; there are none here."""
        self._is_refused_as_read_only(session)

    def send_completed_orders(self, session: Session) -> None:
        """Report orders that are over."""
        if self._is_refused_as_read_only(session):
            return
        for order in self._ledger.orders.values():
            if order.completed_at is not None:
                order_reports.send_completed_order(session, order, self._config.account_id)
        session.send("completedOrdersEnd")

    # Steps

    def _is_refused_as_read_only(self, session: Session, request_id: int = SYSTEM) -> bool:
        if self._config.read_only:
            session.error(request_id, READ_ONLY.code, READ_ONLY.text)
        return self._config.read_only

    def _object(
        self, session: Session, values: Values, instrument: SimulatedInstrument | None, existing: GatewayOrder | None
    ) -> Objection | None:
        order_id = values["orderId"]
        if self._config.read_only:
            return READ_ONLY
        if order_id is None or not 0 < order_id <= LARGEST_ORDER_ID:
            return INVALID_ID
        if existing is None and order_id < self._sessions.next_order_id(session.client_id):
            return DUPLICATE_ID
        if instrument is None:
            return NO_CONTRACT
        objection = object_to_order(values, instrument, self._config.account_id)
        if objection is None and existing is not None:
            return object_to_modification(existing, values, instrument)
        if objection is None and values["parentId"]:
            return object_to_parent(self._ledger.find(session.client_id, values["parentId"]), values["parentId"])
        return objection

    def _refuse(self, session: Session, values: Values, objection: Objection) -> None:
        order_id = values["orderId"] or 0
        refused_at = self._market.now
        self._ledger.refuse(Refusal(session.client_id, order_id, values["orderRef"], refused_at, objection.code, objection.text))
        session.error(order_id, objection.code, objection.text)

    def _accept(self, session: Session, values: Values, instrument: SimulatedInstrument) -> None:
        order = self._order(session, values, instrument)
        self._sessions.use_order_id(session.client_id, order.order_id)
        self._ledger.add(order)
        if values["transmit"]:
            self._exchange.transmit(order)

    def _order(self, session: Session, values: Values, instrument: SimulatedInstrument) -> GatewayOrder:
        order_type = values["orderType"]
        return GatewayOrder(
            perm_id=self._ledger.next_perm_id(),
            client_id=session.client_id,
            order_id=values["orderId"],
            instrument=instrument,
            exchange=values["exchange"] or SMART,
            side=Side(values["action"]),
            quantity=values["totalQuantity"],
            order_type=order_type,
            time_in_force=time_in_force(values),
            limit_price=values["lmtPrice"] if order_type in matching.LIMITED else None,
            stop_price=values["auxPrice"] if order_type in matching.STOPPED else None,
            order_ref=values["orderRef"],
            parent_id=values["parentId"] or 0,
            oca_group=values["ocaGroup"],
            outside_rth=values["outsideRth"],
            placed_at=self._market.now,
            status=OrderStatus.HELD,
        )

    def _modify(self, session: Session, order: GatewayOrder, values: Values) -> None:
        """Give an order other terms, unless the account could not carry them; the old terms stand then."""
        changed = replace(
            order,
            quantity=values["totalQuantity"],
            limit_price=values["lmtPrice"] if order.order_type in matching.LIMITED else None,
            stop_price=values["auxPrice"] if order.order_type in matching.STOPPED else None,
            time_in_force=time_in_force(values),
        )
        objection = self._exchange.object_to_funds(changed)
        if objection is not None:
            self._refuse(session, values, objection)
            return
        order.quantity, order.time_in_force = changed.quantity, changed.time_in_force
        order.limit_price, order.stop_price = changed.limit_price, changed.stop_price
        if order.status is not OrderStatus.HELD:
            self._exchange.revise(order)
        elif values["transmit"]:
            self._exchange.transmit(order)

    def _preview(self, session: Session, values: Values, instrument: SimulatedInstrument) -> None:
        order = self._order(session, values, instrument)
        prices = self._market.last_prices()
        before, after = self._ledger.margin(prices), self._ledger.margin(prices, [order])
        equity = self._ledger.net_liquidation(prices)
        commission = commission_for(order.quantity, order.quantity * prices[instrument.contract_id])
        order_reports.send_preview(session, order, self._config, before, after, equity, commission)

    def _working_order_of_others(self, order_id: int) -> GatewayOrder | None:
        return next((order for order in self._ledger.working() if order.order_id == order_id), None)
