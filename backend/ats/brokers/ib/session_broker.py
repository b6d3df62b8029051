"""The second client as a session sees it: implements `session.ports.Broker` for one gateway."""

from __future__ import annotations

from collections.abc import Iterable

from ats.brokers.ib.broker_state import CancelState
from ats.brokers.ib.client_ids import control_client_id, probe_client_id
from ats.brokers.ib.control import broker_positions, cancel_all
from ats.brokers.ib.probe import probe, require_ready
from ats.core.ids import InstrumentId
from ats.core.orders import Position
from ats.session.ports import SIMULATED_MARK, CancelReport, GatewayFacts


class IbBroker:
    """Asks one gateway, through client ids of its own band, never the trading node's."""

    def __init__(
        self, host: str, port: int, node_client_id: int, mode: str, instrument_ids: Iterable[str], deadline_seconds: float = 10.0
    ) -> None:
        self._host, self._port, self._mode = host, port, mode
        self._client_id = control_client_id(node_client_id)
        self._probe_client_id = probe_client_id(node_client_id)
        self._names = {InstrumentId.parse(name).symbol: name for name in instrument_ids}
        self._deadline_seconds = deadline_seconds

    def facts(self) -> GatewayFacts:
        """Handshake and reported accounts. Raises DependencyError."""
        seen = require_ready(probe(self._host, self._port, self._probe_client_id, self._deadline_seconds), self._mode)
        return GatewayFacts(seen.accounts, SIMULATED_MARK in seen.connected_at_text, seen.server_version or 0)

    def positions(self, account_id: str) -> tuple[Position, ...]:
        """Net positions of the account; instruments of the session by their id, others by symbol and exchange. Raises DependencyError."""
        found = broker_positions(self._host, self._port, self._client_id, self._deadline_seconds)
        return tuple(
            Position(
                self._names.get(item.contract.symbol, f"{item.contract.symbol}.{item.contract.exchange}"), item.quantity, item.average_cost
            )
            for item in found
            if item.account == account_id
        )

    def cancel_everything(self) -> CancelReport:
        """Cancel every working order of the login and read back. Raises DependencyError when nothing could be sent or its effect not be read."""
        outcome = cancel_all(self._host, self._port, self._client_id, self._deadline_seconds)
        unknown = tuple(f"{order}: outcome unknown" for order in outcome.unknown)
        found = len(outcome.cancelled) + len(outcome.filled) + len(outcome.remaining) + len(outcome.unknown)
        return CancelReport(found, (*(str(still) for still in outcome.remaining), *unknown, *_unread(outcome.state, unknown)))


def _unread(state: CancelState, unknown: tuple[str, ...]) -> tuple[str, ...]:
    """A cancel whose effect could not be read back is never reported as clean."""
    return ("what is still working could not be read back",) if state is CancelState.UNKNOWN and not unknown else ()
