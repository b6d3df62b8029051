"""What the account's books consist of: orders, executions, positions, refusals. Identity is the permanent id and the execution id."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

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
