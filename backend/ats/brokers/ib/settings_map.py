"""Our settings translated into the engine's Interactive Brokers client configurations. Pure: same settings, same configurations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from nautilus_trader.adapters.interactive_brokers.config import (
    InteractiveBrokersDataClientConfig,
    InteractiveBrokersExecClientConfig,
    InteractiveBrokersInstrumentProviderConfig,
)
from nautilus_trader.live.config import RoutingConfig
from nautilus_trader.model.identifiers import InstrumentId

from ats.session.accounts import check_account_id, check_port
from ats.session.records import Mode

if TYPE_CHECKING:
    from ats.core.config import IbSettings

CONNECTION_TIMEOUT_FACTOR = 2
"""A connection is a handshake and a request: twice the time of one request."""


def instrument_provider_config(instrument_ids: Iterable[str]) -> InteractiveBrokersInstrumentProviderConfig:
    """Load exactly these instruments at start; one that cannot be resolved fails the connection."""
    return InteractiveBrokersInstrumentProviderConfig(load_ids=frozenset(InstrumentId.from_str(name) for name in instrument_ids))


def data_client_config(settings: IbSettings, mode: Mode, instrument_ids: Iterable[str]) -> InteractiveBrokersDataClientConfig:
    """Configuration of the data client: the mode's port, regular trading hours, the default route of every venue."""
    return InteractiveBrokersDataClientConfig(
        ibg_host=settings.host,
        ibg_port=gateway_port(settings, mode),
        ibg_client_id=settings.client_id,
        use_regular_trading_hours=True,
        connection_timeout=settings.request_timeout_seconds * CONNECTION_TIMEOUT_FACTOR,
        request_timeout_secs=settings.request_timeout_seconds,
        instrument_provider=instrument_provider_config(instrument_ids),
        routing=RoutingConfig(default=True),
    )


def exec_client_config(
    settings: IbSettings, mode: Mode, account_id: str, instrument_ids: Iterable[str]
) -> InteractiveBrokersExecClientConfig:
    """Configuration of the execution client: the same socket as the data client, one account, only this client id's orders.

    Orders of other client ids stay out of the engine's books (an order without a reference would stop its reconciliation);
    the broker-wide view and the broker-wide cancel belong to `control`.
    """
    return InteractiveBrokersExecClientConfig(
        ibg_host=settings.host,
        ibg_port=gateway_port(settings, mode),
        ibg_client_id=settings.client_id,
        account_id=check_account_id(mode, account_id),
        fetch_all_open_orders=False,
        connection_timeout=settings.request_timeout_seconds * CONNECTION_TIMEOUT_FACTOR,
        request_timeout_secs=settings.request_timeout_seconds,
        instrument_provider=instrument_provider_config(instrument_ids),
        routing=RoutingConfig(default=True),
    )


def gateway_port(settings: IbSettings, mode: Mode) -> int:
    """API port of the mode's gateway. Raises RefusedByGateError for a port of the other mode."""
    return check_port(mode, settings.paper_port if mode is Mode.PAPER else settings.live_port)
