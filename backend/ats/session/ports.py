"""What a session needs of the world: the broker beside the node, control places, the trading node itself, and a way to tell people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from ats.core.orders import Position

SIMULATED_MARK = "SIMULATED"
"""How a simulated gateway names itself behind its connection time. A real one never does, so nothing real is taken for simulated."""


@dataclass(frozen=True, slots=True)
class GatewayFacts:
    """What a gateway said of itself after the handshake."""

    accounts: tuple[str, ...]
    is_simulated: bool
    server_version: int


@dataclass(frozen=True, slots=True)
class CancelReport:
    """Outcome of cancelling everything at the broker: what was working, and what still is after reading back."""

    found: int
    remaining: tuple[str, ...] = field(default=())


class Broker(Protocol):
    """The broker, asked through a second client that shares nothing with the trading node. Every call is bounded in time."""

    def facts(self) -> GatewayFacts:
        """Handshake and the accounts the gateway reports. Raises DependencyError when it does not answer."""
        ...

    def positions(self, account_id: str) -> tuple[Position, ...]:
        """Net positions of the account. Raises DependencyError: a failed query is not flat (row D11)."""
        ...

    def cancel_everything(self) -> CancelReport:
        """Cancel every working order of every client and read back. Never sends a closing order."""
        ...


class Node(Protocol):
    """The trading node as the session sees it."""

    @property
    def is_trading(self) -> bool:
        """Whether strategies were really started."""
        ...

    @property
    def is_connected(self) -> bool:
        """Whether its clients are connected."""
        ...

    async def run(self) -> None:
        """Run until stopped."""
        ...

    async def stop(self) -> None:
        """Stop strategies, clients and engines."""
        ...

    def halt(self) -> None:
        """Deny every order in the engine too."""
        ...

    def cancel_working_orders(self) -> int:
        """Send a cancel for each of its working orders; returns how many."""
        ...

    def working_orders(self) -> Sequence[str]:
        """Its working orders in words, as the node believes them."""
        ...

    def positions(self) -> Sequence[Position]:
        """Net positions as the node believes them."""
        ...

    def equity(self) -> Decimal | None:
        """Net liquidation as the broker reports it."""
        ...


class Telemetry(Protocol):
    """Where a running session shows itself; loss of it loses no fact."""

    def publish(self, snapshot: dict[str, object]) -> None:
        """Publish the state; failures are swallowed after one log line: the session does not depend on being seen."""
        ...
