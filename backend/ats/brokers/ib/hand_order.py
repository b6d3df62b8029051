"""An order as a person at another terminal would leave it: for the demo and for drills, and only at a simulated gateway."""

from __future__ import annotations

from decimal import Decimal

from ats.brokers.ib.broker_state import BrokerOrder
from ats.brokers.ib.probe import probe, require_ready
from ats.brokers.ib.second_client import converse
from ats.core.errors import RefusedByGateError
from ats.core.ids import InstrumentId
from ats.session.ports import SIMULATED_MARK

_HAND_CLIENTS = 500
_DEADLINE_SECONDS = 10.0


def leave_resting_buy(host: str, port: int, instrument: InstrumentId, quantity: int, limit_price: Decimal) -> BrokerOrder:
    """Place a limit order to buy that rests, under a client id of its own, and return it as the gateway lists it.

    It never passes Guardian, so it refuses any gateway that is not simulated. Raises DependencyError when it cannot be placed.
    """
    seen = require_ready(probe(host, port, _HAND_CLIENTS, _DEADLINE_SECONDS), "simulated")
    if SIMULATED_MARK not in seen.connected_at_text:
        raise RefusedByGateError(f"The gateway at {host}:{port} is not simulated.", remedy="Orders on a real gateway go through a session.")
    return converse(
        host,
        port,
        _HAND_CLIENTS,
        _DEADLINE_SECONDS,
        lambda gateway: gateway.leave_buy(instrument.symbol, instrument.venue, quantity, limit_price),
    )
