"""What the broker says of an account, read by the second client: orders of every client id, positions, executions, balances."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from ats.core.orders import Side


@dataclass(frozen=True, slots=True)
class Contract:
    """What was traded, as the broker names it. `contract_id` is its stable number; `exchange` is where it was routed or is listed."""

    contract_id: int
    symbol: str
    security_type: str
    exchange: str
    currency: str

    def __str__(self) -> str:
        return f"{self.symbol} {self.security_type} {self.exchange}".strip()


@dataclass(frozen=True, slots=True)
class BrokerOrder:
    """One open order at the broker, whoever placed it. Quantities in the contract's units.

    `perm_id` is its identity there; `order_id` counts per client id and is 0 or below for an order placed by hand.
    """

    perm_id: int
    order_id: int
    client_id: int
    order_ref: str
    account: str
    contract: Contract
    side: Side
    quantity: Decimal
    filled: Decimal
    order_type: str
    limit_price: Decimal | None
    status: str

    @property
    def client_order_id(self) -> str:
        """The id the order was minted with; the engine's adapter appends `:` and the numeric order id to the reference."""
        return self.order_ref.removesuffix(f":{self.order_id}")

    def __str__(self) -> str:
        name = self.client_order_id or "placed by hand"
        return f"{self.side} {self.quantity:f} {self.contract} (permId {self.perm_id}, {name}, client {self.client_id}, {self.status})"


@dataclass(frozen=True, slots=True)
class BrokerPosition:
    """One position at the broker: signed quantity and average cost per unit, contract currency."""

    account: str
    contract: Contract
    quantity: Decimal
    average_cost: Decimal


@dataclass(frozen=True, slots=True)
class BrokerExecution:
    """One execution of today. `commission` is None while the broker has not reported it."""

    execution_id: str
    perm_id: int
    order_id: int
    client_id: int
    order_ref: str
    account: str
    contract: Contract
    side: Side
    quantity: Decimal
    price: Decimal
    cumulative_quantity: Decimal
    commission: Decimal | None
    executed_at: datetime

    @property
    def client_order_id(self) -> str:
        """As on the order."""
        return self.order_ref.removesuffix(f":{self.order_id}")


@dataclass(frozen=True, slots=True)
class AccountPreview:
    """An account before a session: balances in `currency`, positions, open orders of every client id."""

    account: str
    currency: str
    net_liquidation: Decimal
    cash: Decimal
    buying_power: Decimal
    positions: tuple[BrokerPosition, ...]
    open_orders: tuple[BrokerOrder, ...]


class CancelState(StrEnum):
    """How a broker-wide cancel ended."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class StillOpen:
    """An order that could not be cancelled in time, and why as far as the gateway said."""

    order: BrokerOrder
    reason: str

    def __str__(self) -> str:
        return f"{self.order}: {self.reason}"


@dataclass(frozen=True, slots=True)
class CancelOutcome:
    """Result of a broker-wide cancel.

    OK: the broker's list of open orders was read back empty. FAILED: it was read back and `remaining` are still on it.
    UNKNOWN: it could not be read back; `unknown` are the orders that were open when last seen, and there may be others.
    `cancelled` left the list with something unfilled, `filled` were filled before the cancel reached them.
    `notes` are things a person should read, such as executions that could not be checked.
    """

    state: CancelState
    cancelled: tuple[BrokerOrder, ...] = ()
    filled: tuple[BrokerOrder, ...] = ()
    remaining: tuple[StillOpen, ...] = ()
    unknown: tuple[BrokerOrder, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether nothing works at the broker any more."""
        return self.state is CancelState.OK
