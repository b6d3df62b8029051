"""Interactive Brokers as the kernel sees it: a name, two configurations, two factories."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ats.brokers.ib.connect import link_is_up
from ats.brokers.ib.edge import IbDataClientFactory, edge_exec_factory
from ats.brokers.ib.settings_map import data_client_config, exec_client_config, gateway_port
from ats.core.config import IbSettings
from ats.kernel.venue import VenueSpec
from ats.session.records import Mode

IB_VENUE_NAME = "INTERACTIVE_BROKERS"
"""Key of the clients in the node, issuer of the account id, and the venue under which the engine keeps the account."""


def ib_venue(settings: IbSettings, mode: Mode, account_id: str, instrument_ids: Sequence[str]) -> VenueSpec:
    """The venue of a session. Raises RefusedByGateError when account or port belong to the other mode.

    Args: account_id, the one `check_account` returned from what the gateway reported.
    """
    return VenueSpec(
        name=IB_VENUE_NAME,
        data_client_config=data_client_config(settings, mode, instrument_ids),
        exec_client_config=exec_client_config(settings, mode, account_id, instrument_ids),
        data_factory=IbDataClientFactory,
        exec_factory=edge_exec_factory,
        link_is_up=partial(link_is_up, settings.host, gateway_port(settings, mode), settings.client_id),
    )
