"""What happens to an order once the gateway has taken it: transmitted, matched, filled, released, ended; and who is told.

An order lives in the ledger, not in a connection: when its client is gone nobody is told, and nothing is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

from ats.gateway.simulated.config import SimulatedGatewayConfig, SimulatedInstrument
from ats.gateway.simulated.desks import order_reports
from ats.gateway.simulated.desks.order_checks import Objection, unfunded
from ats.gateway.simulated.desks.sessions import Session, Sessions
from ats.gateway.simulated.world import matching
from ats.gateway.simulated.world.ledger import Ledger
from ats.gateway.simulated.world.market import Market
from ats.gateway.simulated.world.records import GatewayOrder, OrderStatus
from ats.gateway.simulated.world.tape import Quote
from ats.gateway.simulated.world.times import exchange_day

CANCELED = Objection(202, "Order Canceled - reason:")
_WATCHES_EVERYTHING = 0
"""The client id that hears about every client's orders."""


class Exchange:
    """Trades the ledger's orders against the market."""

    def __init__(
        self,
        config: SimulatedGatewayConfig,
        market: Market,
        ledger: Ledger,
        sessions: Sessions,
        on_fill: Callable[[SimulatedInstrument], None],
    ) -> None:
        self._config = config
        self._market = market
        self._ledger = ledger
        self._sessions = sessions
        self._on_fill = on_fill
        self._trading_day = self._today()

    # Orders arrive

    def transmit(self, order: GatewayOrder) -> None:
        """Send a held order to the market together with the held orders of its family, the parent first."""
        family = [other for other in self._ledger.orders.values() if _are_family(order, other) and other.status is OrderStatus.HELD]
        for member in sorted({member.perm_id: member for member in (*family, order)}.values(), key=lambda member: member.perm_id):
            self._transmit_one(member)

    def revise(self, order: GatewayOrder) -> None:
        """A working order's terms were changed: say so, and look at the market again."""
        self._ledger.changed()
        self.report(order)
        self._match(order, self._market.quote(order.instrument), is_resting=False)

    def object_to_funds(self, order: GatewayOrder) -> Objection | None:
        """Why the account cannot carry the order, None when it can. What does not enlarge the account's risk is always carried."""
        prices = self._market.last_prices()
        others = [other for other in self._ledger.working() if other.perm_id != order.perm_id and not self._waits_for_parent(other)]
        before = self._ledger.margin(prices, others).initial
        after = self._ledger.margin(prices, [*others, order]).initial
        equity = self._ledger.net_liquidation(prices)
        if self._waits_for_parent(order) or after <= before or after <= equity:
            return None
        return unfunded(equity, after, self._config.currency)

    def end(self, order: GatewayOrder, status: OrderStatus, reason: str) -> None:
        """End an order and everything that waited for it, and tell its client."""
        was_held = order.status is OrderStatus.HELD
        self._ledger.complete(order, status, self._market.now, reason)
        if not was_held:
            self.tell(order, lambda session: order_reports.send_status(session, order))
        if status is OrderStatus.CANCELLED:
            self.tell(order, lambda session: session.error(order.order_id, CANCELED.code, CANCELED.text))
        for child in self._children(order):
            self.end(child, OrderStatus.CANCELLED, "Cancelled by System: its parent ended")

    # The market moves

    def on_trade(self, instrument: SimulatedInstrument, quote: Quote) -> None:
        """Match the resting orders of an instrument against a trade, oldest first."""
        for order in self._ledger.working():
            if order.instrument is instrument and order.status.is_working:
                self._match(order, quote, is_resting=True)

    def on_time(self) -> None:
        """End DAY orders when the exchange's day is over."""
        today = self._today()
        if today <= self._trading_day:
            return
        self._trading_day = today
        for order in self._ledger.working():
            if order.time_in_force == "DAY" and order.status.is_working:
                self.end(order, OrderStatus.CANCELLED, "Cancelled by System: end of day")

    # Telling

    def report(self, order: GatewayOrder, *, without_commission: bool = False) -> None:
        """Tell the order's terms and progress."""

        def send(session: Session) -> None:
            order_reports.send_open_order(session, order, self._config.account_id, without_commission=without_commission)
            order_reports.send_status(session, order)

        self.tell(order, send)

    def tell(self, order: GatewayOrder, send: Callable[[Session], None]) -> None:
        """Tell the order's client, and the one that hears about every order."""
        for client_id in dict.fromkeys((order.client_id, _WATCHES_EVERYTHING)):
            session = self._sessions.of(client_id)
            if session is not None:
                send(session)

    # Steps

    def _transmit_one(self, order: GatewayOrder) -> None:
        objection = self.object_to_funds(order)
        if objection is not None:
            self._ledger.complete(order, OrderStatus.INACTIVE, self._market.now, objection.text)
            self.tell(order, lambda session: session.error(order.order_id, objection.code, objection.text))
            return
        rests = order.order_type == matching.LIMIT and not self._waits_for_parent(order)
        order.status = OrderStatus.SUBMITTED if rests else OrderStatus.PRE_SUBMITTED
        self._ledger.changed()
        self.report(order)
        self._match(order, self._market.quote(order.instrument), is_resting=False)
        self._end_if_immediate(order)

    def _end_if_immediate(self, order: GatewayOrder) -> None:
        if order.status.is_working and order.time_in_force == "IOC":
            self.end(order, OrderStatus.CANCELLED, "Cancelled by System: not filled at once")
        elif order.status.is_working and order.time_in_force == "FOK":
            self.end(order, OrderStatus.INACTIVE, "Cancelled by System: not filled whole at once")

    def _match(self, order: GatewayOrder, quote: Quote, *, is_resting: bool) -> None:
        if self._waits_for_parent(order) or not matching.is_triggered(order, quote):
            return
        if not order.is_triggered and order.order_type in matching.STOPPED:
            order.is_triggered, is_resting = True, False
            if order.order_type == matching.STOP_LIMIT:
                order.status = OrderStatus.SUBMITTED
                self.report(order)
        price = matching.fill_price(order, quote, is_resting=is_resting)
        if price is not None:
            self._fill(order, order.remaining, price, is_resting=is_resting)

    def _fill(self, order: GatewayOrder, quantity: Decimal, price: Decimal, *, is_resting: bool) -> None:
        """Book a fill and tell it the way a real gateway does: the execution, the order twice, then the commission."""
        execution = self._ledger.book(order, quantity, price, self._market.now, adds_liquidity=is_resting)
        self.tell(order, lambda session: order_reports.send_execution(session, -1, execution, self._config.account_id))
        self.report(order, without_commission=True)
        self.report(order)
        self.tell(order, lambda session: order_reports.send_commission(session, execution))
        self._on_fill(order.instrument)
        if order.status is OrderStatus.FILLED:
            self._cancel_alternatives(order)
            self._release_children(order)

    def _cancel_alternatives(self, filled: GatewayOrder) -> None:
        for order in self._ledger.working():
            if filled.oca_group and (order.oca_group, order.client_id) == (filled.oca_group, filled.client_id):
                self.end(order, OrderStatus.CANCELLED, "Cancelled by System: another order of its group filled")

    def _release_children(self, filled: GatewayOrder) -> None:
        for child in self._children(filled):
            if child.order_type == matching.LIMIT:
                child.status = OrderStatus.SUBMITTED
            self.revise(child)

    def _children(self, parent: GatewayOrder) -> list[GatewayOrder]:
        found = (order for order in self._ledger.orders.values() if order.parent_id == parent.order_id)
        return [order for order in found if order.client_id == parent.client_id and order.completed_at is None]

    def _waits_for_parent(self, order: GatewayOrder) -> bool:
        if not order.parent_id:
            return False
        parent = self._ledger.find(order.client_id, order.parent_id)
        return parent is not None and parent.status is not OrderStatus.FILLED

    def _today(self) -> date:
        return exchange_day(self._market.now)


def _are_family(order: GatewayOrder, other: GatewayOrder) -> bool:
    """Whether the other order is the parent, or has the same parent."""
    if not order.parent_id or order.client_id != other.client_id:
        return False
    return order.parent_id in (other.order_id, other.parent_id)
