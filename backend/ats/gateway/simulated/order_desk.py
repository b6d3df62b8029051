"""Orders: placing, changing, cancelling, matching and telling everybody who should know.

A client names its orders by its own numbers, so every look-up is by client id and order id; the permanent id says who an order is.
An order lives in the ledger, not in a connection: when its client is gone nobody is told, and nothing is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

from ats.core.orders import Side
from ats.gateway.simulated import matching, order_reports
from ats.gateway.simulated.config import SimulatedGatewayConfig, SimulatedInstrument
from ats.gateway.simulated.contracts import SMART, Contracts
from ats.gateway.simulated.layouts import Values
from ats.gateway.simulated.ledger import GatewayOrder, Ledger, OrderStatus, Refusal, commission_for
from ats.gateway.simulated.market import Market
from ats.gateway.simulated.order_checks import (
    DUPLICATE_ID,
    NO_CONTRACT,
    READ_ONLY,
    Objection,
    object_to_cancel,
    object_to_modification,
    object_to_order,
    time_in_force,
    unfunded,
)
from ats.gateway.simulated.sessions import Session, Sessions
from ats.gateway.simulated.tape import Quote
from ats.gateway.simulated.timeline import EXCHANGE_ZONE

_CANCELED = (202, "Order Canceled - reason:")
_IMMEDIATE = ("IOC", "FOK")


class OrderDesk:
    """Takes orders from sessions, trades them against the market and books them in the ledger."""

    def __init__(
        self,
        config: SimulatedGatewayConfig,
        contracts: Contracts,
        market: Market,
        ledger: Ledger,
        sessions: Sessions,
        on_fill: Callable[[SimulatedInstrument], None],
    ) -> None:
        self._config = config
        self._contracts = contracts
        self._market = market
        self._ledger = ledger
        self._sessions = sessions
        self._on_fill = on_fill
        self._trading_day = self._today()

    # Requests

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
            self._modify(existing, values)
        else:
            self._accept(session, values, instrument)

    def cancel(self, session: Session, order_id: int) -> None:
        """Cancel an order by its own client's number, or, from another client, the working order with that number."""
        if self._config.read_only:
            session.error(order_id, READ_ONLY.code, READ_ONLY.text)
            return
        order = self._ledger.find(session.client_id, order_id) or self._working_order_of_others(order_id)
        if order is None:
            session.error(order_id, 10147, f"OrderId {order_id} that needs to be cancelled is not found.")
            return
        objection = object_to_cancel(order)
        if objection is not None:
            session.error(order_id, objection.code, objection.text)
            return
        self._end(order, OrderStatus.CANCELLED, "Cancelled by Trader")
        if session.client_id != order.client_id:
            order_reports.send_status(session, order, client_id=session.client_id)
            session.error(order_id, *_CANCELED)

    def cancel_all(self, session: Session) -> None:
        """Cancel every working order of every client."""
        if self._config.read_only:
            session.error(-1, READ_ONLY.code, READ_ONLY.text)
            return
        for order in list(self._ledger.orders.values()):
            if object_to_cancel(order) is None:
                self._end(order, OrderStatus.CANCELLED, "Cancelled by Trader")

    def send_open_orders(self, session: Session, *, everybody: bool) -> None:
        """Report working orders: the client's own, or everybody's with their own numbers. A read-only gateway refuses and never ends the list."""
        if self._config.read_only:
            session.error(-1, READ_ONLY.code, READ_ONLY.text)
            return
        for order in self._ledger.working():
            if everybody or order.client_id == session.client_id:
                order_reports.send_open_order(session, order, self._config.account_id)
                order_reports.send_status(session, order)
        session.send("openOrderEnd")

    def send_completed_orders(self, session: Session) -> None:
        """Report orders that are over."""
        if self._config.read_only:
            session.error(-1, READ_ONLY.code, READ_ONLY.text)
            return
        for order in self._ledger.orders.values():
            if order.completed_at is not None:
                order_reports.send_completed_order(session, order, self._config.account_id)
        session.send("completedOrdersEnd")

    # The market moves

    def on_trade(self, instrument: SimulatedInstrument, quote: Quote) -> None:
        """Match resting orders of an instrument against the market."""
        for order in self._ledger.working():
            if order.instrument is instrument and order.status.is_working:
                self._match(order, quote, is_resting=True)

    def on_time(self) -> None:
        """End DAY orders when the exchange's day is over."""
        today = self._today()
        if today == self._trading_day:
            return
        self._trading_day = today
        for order in self._ledger.working():
            if order.time_in_force == "DAY":
                self._end(order, OrderStatus.CANCELLED, "Cancelled by System: end of day")

    # Steps

    def _object(
        self, session: Session, values: Values, instrument: SimulatedInstrument | None, existing: GatewayOrder | None
    ) -> Objection | None:
        order_id = values["orderId"]
        if self._config.read_only:
            return READ_ONLY
        if order_id is None or order_id <= 0:
            return Objection(321, "Error validating request.-'bO' : cause - Invalid order id")
        if existing is None and order_id < self._sessions.next_order_id(session.client_id):
            return DUPLICATE_ID
        if instrument is None:
            return NO_CONTRACT
        objection = object_to_order(values, instrument, self._config.account_id)
        if objection is None and existing is not None:
            objection = object_to_modification(existing, values, instrument)
        return objection

    def _refuse(self, session: Session, values: Values, objection: Objection) -> None:
        order_id = values["orderId"] or 0
        now = self._market.now
        self._ledger.refuse(Refusal(session.client_id, order_id, values["orderRef"], now, objection.code, objection.text))
        session.error(order_id, objection.code, objection.text)

    def _accept(self, session: Session, values: Values, instrument: SimulatedInstrument) -> None:
        order = self._order(session, values, instrument)
        self._sessions.use_order_id(session.client_id, order.order_id)
        self._ledger.add(order)
        if values["transmit"]:
            self._transmit(order)

    def _order(self, session: Session, values: Values, instrument: SimulatedInstrument) -> GatewayOrder:
        return GatewayOrder(
            perm_id=self._ledger.next_perm_id(),
            client_id=session.client_id,
            order_id=values["orderId"],
            instrument=instrument,
            exchange=values["exchange"] or SMART,
            side=Side(values["action"]),
            quantity=values["totalQuantity"],
            order_type=values["orderType"],
            time_in_force=time_in_force(values),
            limit_price=values["lmtPrice"] if values["orderType"] in matching.LIMITED else None,
            stop_price=values["auxPrice"] if values["orderType"] in matching.STOPPED else None,
            order_ref=values["orderRef"],
            parent_id=values["parentId"] or 0,
            oca_group=values["ocaGroup"],
            outside_rth=values["outsideRth"],
            placed_at=self._market.now,
            status=OrderStatus.HELD,
        )

    def _transmit(self, order: GatewayOrder) -> None:
        objection = self._object_to_funds(order)
        if objection is not None:
            self._ledger.complete(order, OrderStatus.INACTIVE, self._market.now, objection.text)
            self._tell(order, lambda session: session.error(order.order_id, objection.code, objection.text))
            return
        rests = order.order_type == matching.LIMIT and not self._waits_for_parent(order)
        order.status = OrderStatus.SUBMITTED if rests else OrderStatus.PRE_SUBMITTED
        self._ledger.changed()
        self._report(order)
        self._match(order, self._market.quote(order.instrument), is_resting=False)
        if order.status.is_working and order.time_in_force in _IMMEDIATE:
            self._end(order, OrderStatus.CANCELLED, "Cancelled by System: not filled at once")

    def _object_to_funds(self, order: GatewayOrder) -> Objection | None:
        prices = self._market.last_prices()
        needed = self._ledger.margin_with(order, prices).initial
        equity = self._ledger.net_liquidation(prices)
        if needed <= self._ledger.margin(prices).initial or needed <= equity:
            return None
        return unfunded(equity, needed, self._config.currency)

    def _modify(self, order: GatewayOrder, values: Values) -> None:
        """Give a working order other terms, unless the account could not carry them."""
        changed = replace(
            order,
            quantity=values["totalQuantity"],
            limit_price=values["lmtPrice"] if order.order_type in matching.LIMITED else None,
            stop_price=values["auxPrice"] if order.order_type in matching.STOPPED else None,
            time_in_force=time_in_force(values),
        )
        objection = self._object_to_funds(changed)
        if objection is not None:
            self._tell(order, lambda session: session.error(order.order_id, objection.code, objection.text))
            return
        order.quantity, order.time_in_force = changed.quantity, changed.time_in_force
        order.limit_price, order.stop_price = changed.limit_price, changed.stop_price
        if order.status is OrderStatus.HELD:
            if values["transmit"]:
                self._transmit(order)
            return
        self._ledger.changed()
        self._report(order)
        self._match(order, self._market.quote(order.instrument), is_resting=False)

    def _match(self, order: GatewayOrder, quote: Quote, *, is_resting: bool) -> None:
        if self._waits_for_parent(order) or not matching.is_triggered(order, quote):
            return
        if not order.is_triggered and order.order_type in matching.STOPPED:
            order.is_triggered, is_resting = True, False
            if order.order_type == matching.STOP_LIMIT:
                order.status = OrderStatus.SUBMITTED
                self._report(order)
        price = matching.fill_price(order, quote, is_resting=is_resting)
        if price is not None:
            self._fill(order, order.remaining, price, is_resting=is_resting)

    def _fill(self, order: GatewayOrder, quantity: Decimal, price: Decimal, *, is_resting: bool) -> None:
        execution = self._ledger.book(order, quantity, price, self._market.now, adds_liquidity=is_resting)
        self._tell(order, lambda session: order_reports.send_execution(session, -1, execution, self._config.account_id))
        self._report(order, without_commission=True)
        self._report(order)
        self._tell(order, lambda session: order_reports.send_commission(session, execution))
        self._on_fill(order.instrument)
        if order.status is OrderStatus.FILLED:
            self._after_fill(order)

    def _after_fill(self, order: GatewayOrder) -> None:
        """Release the orders that waited for this one, and cancel the ones it makes pointless."""
        for other in self._ledger.working():
            if other.oca_group and other.oca_group == order.oca_group and other.client_id == order.client_id:
                self._end(other, OrderStatus.CANCELLED, "Cancelled by System: another order of its group filled")
            elif other.parent_id == order.order_id and other.client_id == order.client_id:
                if other.order_type == matching.LIMIT:
                    other.status = OrderStatus.SUBMITTED
                self._report(other)
                self._match(other, self._market.quote(other.instrument), is_resting=False)

    def _waits_for_parent(self, order: GatewayOrder) -> bool:
        if not order.parent_id:
            return False
        parent = self._ledger.find(order.client_id, order.parent_id)
        return parent is not None and parent.status is not OrderStatus.FILLED

    def _end(self, order: GatewayOrder, status: OrderStatus, reason: str) -> None:
        was_held = order.status is OrderStatus.HELD
        self._ledger.complete(order, status, self._market.now, reason)
        if not was_held:
            self._tell(order, lambda session: order_reports.send_status(session, order))
        self._tell(order, lambda session: session.error(order.order_id, *_CANCELED))
        for child in self._ledger.working():
            if child.parent_id == order.order_id and child.client_id == order.client_id:
                self._end(child, OrderStatus.CANCELLED, "Cancelled by System: its parent was cancelled")

    def _preview(self, session: Session, values: Values, instrument: SimulatedInstrument) -> None:
        order = self._order(session, values, instrument)
        prices = self._market.last_prices()
        before = self._ledger.margin(prices)
        after = self._ledger.margin(prices, {instrument.contract_id: order.quantity * order.side.sign})
        equity = self._ledger.net_liquidation(prices)
        commission = commission_for(order.quantity, order.quantity * prices[instrument.contract_id])
        order_reports.send_preview(session, order, self._config, before, after, equity, commission)

    def _working_order_of_others(self, order_id: int) -> GatewayOrder | None:
        return next((order for order in self._ledger.working() if order.order_id == order_id), None)

    def _report(self, order: GatewayOrder, *, without_commission: bool = False) -> None:
        def send(session: Session) -> None:
            order_reports.send_open_order(session, order, self._config.account_id, without_commission=without_commission)
            order_reports.send_status(session, order)

        self._tell(order, send)

    def _tell(self, order: GatewayOrder, send: Callable[[Session], None]) -> None:
        """Tell the order's client, and client 0, which hears about every order."""
        for client_id in dict.fromkeys((order.client_id, 0)):
            session = self._sessions.of(client_id)
            if session is not None:
                send(session)

    def _today(self) -> date:
        moment: datetime = self._market.now
        return moment.astimezone(EXCHANGE_ZONE).date()
