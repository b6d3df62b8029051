"""The account: every order by its permanent id, every execution, cash and positions. What it says happened is what happened.

Pure bookkeeping in Decimal. Nothing is ever removed; orders outlive the connections that placed them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from ats.core.invariant import invariant
from ats.core.orders import Side
from ats.gateway.simulated.config import SimulatedInstrument
from ats.gateway.simulated.world.ledger_export import execution_record, order_record, position_record, refusal_record
from ats.gateway.simulated.world.records import (
    AccountPosition,
    Execution,
    GatewayOrder,
    Margin,
    OrderStatus,
    Refusal,
    commission_for,
)

_ZERO = Decimal(0)


@dataclass(slots=True)
class Ledger:
    """The books of one account. Every change goes through a method and calls `on_change` once it is complete."""

    account_id: str
    currency: str
    starting_cash: Decimal
    first_perm_id: int
    started_at: datetime
    initial_margin_fraction: Decimal
    maintenance_margin_fraction: Decimal
    on_change: Callable[[], None] = lambda: None
    cash: Decimal = _ZERO
    orders: dict[int, GatewayOrder] = field(default_factory=dict)
    executions: list[Execution] = field(default_factory=list)
    positions: dict[int, AccountPosition] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cash = self.starting_cash

    def next_perm_id(self) -> int:
        """The permanent id of the next order."""
        return self.first_perm_id + len(self.orders)

    def add(self, order: GatewayOrder) -> None:
        """Enter a new order."""
        invariant(order.perm_id not in self.orders, "ledger.perm_id_is_new", perm_id=order.perm_id)
        self.orders[order.perm_id] = order
        self.on_change()

    def refuse(self, refusal: Refusal) -> None:
        """Note an order request that never became an order."""
        self.refusals.append(refusal)
        self.on_change()

    def complete(self, order: GatewayOrder, status: OrderStatus, at: datetime, reason: str) -> None:
        """End an order without a fill."""
        order.status, order.completed_at, order.reason = status, at, reason
        self.on_change()

    def changed(self) -> None:
        """Say that an order's terms or status were changed."""
        self.on_change()

    def working(self) -> list[GatewayOrder]:
        """Orders that can still trade, oldest first."""
        return [order for order in self.orders.values() if order.status.is_working]

    def find(self, client_id: int, order_id: int) -> GatewayOrder | None:
        """The latest order a client gave this id."""
        found = [order for order in self.orders.values() if (order.client_id, order.order_id) == (client_id, order_id)]
        return found[-1] if found else None

    def position(self, instrument: SimulatedInstrument) -> AccountPosition:
        """The position in an instrument, flat when it was never traded."""
        return self.positions.setdefault(instrument.contract_id, AccountPosition(instrument))

    def book(self, order: GatewayOrder, quantity: Decimal, price: Decimal, at: datetime, *, adds_liquidity: bool) -> Execution:
        """Fill part or all of an order: one execution, its commission, the position and the cash, in one step."""
        invariant(order.status.is_working, "ledger.filled_order_works", perm_id=order.perm_id, status=order.status)
        invariant(_ZERO < quantity <= order.remaining, "ledger.fill_within_order", perm_id=order.perm_id, quantity=quantity)
        order.filled += quantity
        order.filled_value += quantity * price
        order.last_fill_price = price
        commission = commission_for(order.filled, order.filled_value) - order.commission
        order.commission += commission
        realized = self._move(self.position(order.instrument), quantity * order.side.sign, price, commission)
        self.cash -= quantity * price * order.side.sign + commission
        if not order.remaining:
            order.status, order.completed_at = OrderStatus.FILLED, at
        execution = self._execution(order, quantity, price, at, commission, realized, adds_liquidity=adds_liquidity)
        self.executions.append(execution)
        self.on_change()
        return execution

    def _move(self, position: AccountPosition, change: Decimal, price: Decimal, commission: Decimal) -> Decimal | None:
        """Apply a signed quantity to a position and return what closing shares realized, None when none were closed."""
        closing = min(abs(change), abs(position.quantity)) if position.quantity * change < 0 else _ZERO
        opening = abs(change) - closing
        closing_commission = commission * closing / abs(change)
        realized = None
        if closing:
            direction = 1 if position.quantity > 0 else -1
            realized = (price - position.average_cost) * closing * direction - closing_commission
            position.realized_pnl += realized
            position.quantity -= closing * direction
        if opening:
            direction = 1 if change > 0 else -1
            cost = position.average_cost * abs(position.quantity) + opening * price + (commission - closing_commission) * direction
            position.quantity += opening * direction
            position.average_cost = cost / abs(position.quantity)
        if not position.quantity:
            position.average_cost = _ZERO
        return realized

    def _execution(
        self,
        order: GatewayOrder,
        quantity: Decimal,
        price: Decimal,
        at: datetime,
        commission: Decimal,
        realized: Decimal | None,
        *,
        adds_liquidity: bool,
    ) -> Execution:
        number = len(self.executions) + 1
        return Execution(
            f"{order.perm_id:08x}.{int(self.started_at.timestamp()):08x}.{number:02d}.01",
            order.perm_id,
            order.client_id,
            order.order_id,
            order.order_ref,
            order.instrument,
            order.exchange,
            order.side,
            quantity,
            price,
            at,
            order.filled,
            order.average_price,
            commission,
            realized,
            adds_liquidity,
        )

    def position_value(self, prices: Mapping[int, Decimal]) -> Decimal:
        """Signed market value of all positions."""
        return sum((held.quantity * prices[key] for key, held in self.positions.items()), _ZERO)

    def net_liquidation(self, prices: Mapping[int, Decimal]) -> Decimal:
        """Cash and positions at market."""
        return self.cash + self.position_value(prices)

    def unrealized_pnl(self, prices: Mapping[int, Decimal]) -> Decimal:
        """Profit of the open positions over their cost."""
        return sum((held.quantity * (prices[key] - held.average_cost) for key, held in self.positions.items()), _ZERO)

    def realized_pnl(self) -> Decimal:
        """Profit of the closed shares."""
        return sum((held.realized_pnl for held in self.positions.values()), _ZERO)

    def margin(self, prices: Mapping[int, Decimal], orders: Iterable[GatewayOrder] = ()) -> Margin:
        """Requirements of the positions if the worse side of these orders filled: all buys or all sells of each contract."""
        buys, sells = _remaining_by_side(orders)
        gross = _ZERO
        for key in {**self.positions, **buys, **sells}:
            quantity = self.positions[key].quantity if key in self.positions else _ZERO
            worst = max(abs(quantity + buys.get(key, _ZERO)), abs(quantity - sells.get(key, _ZERO)))
            gross += worst * prices[key]
        return Margin(gross * self.initial_margin_fraction, gross * self.maintenance_margin_fraction)

    def export(self) -> dict[str, object]:
        """The whole ledger as plain values, for a canonical JSON."""
        return {
            "account": self.account_id,
            "currency": self.currency,
            "starting_cash": self.starting_cash,
            "cash": self.cash,
            "orders": [order_record(order) for order in self.orders.values()],
            "executions": [execution_record(execution) for execution in self.executions],
            "positions": [position_record(held) for held in self.positions.values() if held.quantity],
            "refusals": [refusal_record(refusal) for refusal in self.refusals],
        }


def _remaining_by_side(orders: Iterable[GatewayOrder]) -> tuple[dict[int, Decimal], dict[int, Decimal]]:
    """Shares still to buy and to sell by contract: opposite orders do not pay for each other."""
    buys: dict[int, Decimal] = {}
    sells: dict[int, Decimal] = {}
    for order in orders:
        side = buys if order.side is Side.BUY else sells
        key = order.instrument.contract_id
        side[key] = side.get(key, _ZERO) + order.remaining
    return buys, sells
