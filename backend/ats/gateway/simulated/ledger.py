"""The account: every order by its permanent id, every execution, cash and positions. What it says happened is what happened.

Pure bookkeeping in Decimal. Nothing is ever removed; orders outlive the connections that placed them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from ats.core.invariant import invariant
from ats.core.orders import Side
from ats.gateway.simulated.config import SimulatedInstrument

_COMMISSION_PER_SHARE = Decimal("0.005")
_SMALLEST_COMMISSION = Decimal("1.00")
_LARGEST_COMMISSION_FRACTION = Decimal("0.01")
_COMMISSION_STEP = Decimal("0.000001")
_ZERO = Decimal(0)


class OrderStatus(StrEnum):
    """The states of an order as Interactive Brokers names them."""

    HELD = "ApiPending"
    PRE_SUBMITTED = "PreSubmitted"
    SUBMITTED = "Submitted"
    FILLED = "Filled"
    CANCELLED = "Cancelled"
    INACTIVE = "Inactive"

    @property
    def is_working(self) -> bool:
        """Whether the order can still trade."""
        return self in (OrderStatus.PRE_SUBMITTED, OrderStatus.SUBMITTED)


@dataclass(slots=True)
class GatewayOrder:
    """One order. `client_id` and `order_id` are how its client names it, `perm_id` is who it is."""

    perm_id: int
    client_id: int
    order_id: int
    instrument: SimulatedInstrument
    exchange: str
    side: Side
    quantity: Decimal
    order_type: str
    time_in_force: str
    limit_price: Decimal | None
    stop_price: Decimal | None
    order_ref: str
    parent_id: int
    oca_group: str
    outside_rth: bool
    placed_at: datetime
    status: OrderStatus
    filled: Decimal = _ZERO
    filled_value: Decimal = _ZERO
    last_fill_price: Decimal = _ZERO
    commission: Decimal = _ZERO
    is_triggered: bool = False
    completed_at: datetime | None = None
    reason: str = ""

    @property
    def remaining(self) -> Decimal:
        """Shares not filled yet."""
        return self.quantity - self.filled

    @property
    def average_price(self) -> Decimal:
        """Average price of the fills, zero when there are none."""
        return self.filled_value / self.filled if self.filled else _ZERO


@dataclass(frozen=True, slots=True)
class Execution:
    """One execution, never changed. `realized_pnl` is None for shares that opened or enlarged a position."""

    execution_id: str
    perm_id: int
    client_id: int
    order_id: int
    order_ref: str
    instrument: SimulatedInstrument
    exchange: str
    side: Side
    quantity: Decimal
    price: Decimal
    executed_at: datetime
    cumulative_quantity: Decimal
    average_price: Decimal
    commission: Decimal
    realized_pnl: Decimal | None
    adds_liquidity: bool


@dataclass(slots=True)
class AccountPosition:
    """A net position; `average_cost` per share includes commissions, as the broker reports it."""

    instrument: SimulatedInstrument
    quantity: Decimal = _ZERO
    average_cost: Decimal = _ZERO
    realized_pnl: Decimal = _ZERO


@dataclass(frozen=True, slots=True)
class Refusal:
    """An order request the gateway did not take, with the code and text its client was told."""

    client_id: int
    order_id: int
    order_ref: str
    refused_at: datetime
    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Margin:
    """Requirements of an account, in its currency."""

    initial: Decimal
    maintenance: Decimal


def commission_for(quantity: Decimal, value: Decimal) -> Decimal:
    """Commission of an order after filling `quantity` shares worth `value`: 0.005 a share, at least 1.00, at most 1 % of the value."""
    commission = max(quantity * _COMMISSION_PER_SHARE, _SMALLEST_COMMISSION)
    return min(commission, value * _LARGEST_COMMISSION_FRACTION).quantize(_COMMISSION_STEP, rounding=ROUND_HALF_UP)


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

    def margin(self, prices: Mapping[int, Decimal], changes: Mapping[int, Decimal] | None = None) -> Margin:
        """Requirements of the positions, after adding `changes` in shares by contract."""
        quantities = {key: held.quantity for key, held in self.positions.items()}
        for key, change in (changes or {}).items():
            quantities[key] = quantities.get(key, _ZERO) + change
        gross = sum((abs(quantity) * prices[key] for key, quantity in quantities.items()), _ZERO)
        return Margin(gross * self.initial_margin_fraction, gross * self.maintenance_margin_fraction)

    def margin_with(self, order: GatewayOrder, prices: Mapping[int, Decimal]) -> Margin:
        """Requirements if this order and every working order that enlarges the same side were filled."""
        others = [other for other in self.working() if other.perm_id != order.perm_id]
        return self.margin(prices, _worst_changes([*others, order]))

    def export(self) -> dict[str, object]:
        """The whole ledger as plain values, for a canonical JSON."""
        return {
            "account": self.account_id,
            "currency": self.currency,
            "starting_cash": self.starting_cash,
            "cash": self.cash,
            "orders": [_order_record(order) for order in self.orders.values()],
            "executions": [_execution_record(execution) for execution in self.executions],
            "positions": [_position_record(held) for held in self.positions.values() if held.quantity],
            "refusals": [_refusal_record(refusal) for refusal in self.refusals],
        }


def _worst_changes(orders: Iterable[GatewayOrder]) -> dict[int, Decimal]:
    """Per contract, the larger of all buys and all sells: opposite orders do not pay for each other."""
    buys: dict[int, Decimal] = {}
    sells: dict[int, Decimal] = {}
    for order in orders:
        side = buys if order.side is Side.BUY else sells
        key = order.instrument.contract_id
        side[key] = side.get(key, _ZERO) + order.remaining
    return {
        key: max(buys.get(key, _ZERO), sells.get(key, _ZERO)) * (1 if buys.get(key, _ZERO) >= sells.get(key, _ZERO) else -1)
        for key in {**buys, **sells}
    }


def _order_record(order: GatewayOrder) -> dict[str, object]:
    return {
        "perm_id": order.perm_id,
        "client_id": order.client_id,
        "order_id": order.order_id,
        "order_ref": order.order_ref,
        "instrument": str(order.instrument.instrument_id),
        "side": order.side.value,
        "quantity": order.quantity,
        "order_type": order.order_type,
        "time_in_force": order.time_in_force,
        "limit_price": order.limit_price,
        "stop_price": order.stop_price,
        "status": order.status.value,
        "filled": order.filled,
        "average_price": order.average_price,
        "commission": order.commission,
        "placed_at": order.placed_at,
        "completed_at": order.completed_at,
        "reason": order.reason,
    }


def _execution_record(execution: Execution) -> dict[str, object]:
    return {
        "execution_id": execution.execution_id,
        "perm_id": execution.perm_id,
        "client_id": execution.client_id,
        "order_id": execution.order_id,
        "order_ref": execution.order_ref,
        "instrument": str(execution.instrument.instrument_id),
        "side": execution.side.value,
        "quantity": execution.quantity,
        "price": execution.price,
        "commission": execution.commission,
        "realized_pnl": execution.realized_pnl,
        "executed_at": execution.executed_at,
    }


def _position_record(held: AccountPosition) -> dict[str, object]:
    return {
        "instrument": str(held.instrument.instrument_id),
        "quantity": held.quantity,
        "average_cost": held.average_cost,
        "realized_pnl": held.realized_pnl,
    }


def _refusal_record(refusal: Refusal) -> dict[str, object]:
    return {
        "client_id": refusal.client_id,
        "order_id": refusal.order_id,
        "order_ref": refusal.order_ref,
        "refused_at": refusal.refused_at,
        "code": refusal.code,
        "text": refusal.text,
    }
