from __future__ import annotations

import pytest

from ats.brokers.ib.client_ids import NODE_BAND, band_from, control_client_id, probe_client_id
from ats.brokers.ib.edge import IbDataClientFactory
from ats.brokers.ib.settings_map import data_client_config, exec_client_config
from ats.brokers.ib.venue import IB_VENUE_NAME, ib_venue
from ats.core.config import IbSettings
from ats.core.errors import RefusedByGateError
from ats.session.records import Mode

SETTINGS = IbSettings(host="gateway.example", paper_port=14_002, live_port=14_001, client_id=31, request_timeout_seconds=9)
NAMES = ("QQQ.NASDAQ", "SPY.ARCA")


@pytest.mark.parametrize(("mode", "account", "port"), [(Mode.PAPER, "DU1234567", 14_002), (Mode.LIVE, "U1234567", 14_001)])
def test_both_clients_share_one_socket_of_the_mode(mode, account, port):
    """C17"""
    data, execution = data_client_config(SETTINGS, mode, NAMES), exec_client_config(SETTINGS, mode, account, NAMES)
    assert (data.ibg_host, data.ibg_port, data.ibg_client_id) == ("gateway.example", port, 31)
    assert (execution.ibg_host, execution.ibg_port, execution.ibg_client_id) == ("gateway.example", port, 31)
    assert execution.account_id == account


def test_requests_wait_as_long_as_the_setting_says():
    data, execution = data_client_config(SETTINGS, Mode.PAPER, NAMES), exec_client_config(SETTINGS, Mode.PAPER, "DU1234567", NAMES)
    assert data.request_timeout_secs == execution.request_timeout_secs == 9
    assert data.connection_timeout == execution.connection_timeout == 18


def test_exactly_the_sessions_instruments_are_loaded():
    data, execution = data_client_config(SETTINGS, Mode.PAPER, NAMES), exec_client_config(SETTINGS, Mode.PAPER, "DU1234567", NAMES)
    assert {str(name) for name in data.instrument_provider.load_ids} == set(NAMES)
    assert data.instrument_provider == execution.instrument_provider


def test_only_this_clients_orders_enter_the_engine_and_every_venue_routes_here():
    execution = exec_client_config(SETTINGS, Mode.PAPER, "DU1234567", NAMES)
    assert execution.fetch_all_open_orders is False
    assert execution.routing.default
    assert data_client_config(SETTINGS, Mode.PAPER, NAMES).routing.default
    assert data_client_config(SETTINGS, Mode.PAPER, NAMES).use_regular_trading_hours


@pytest.mark.parametrize(("mode", "account"), [(Mode.PAPER, "U1234567"), (Mode.LIVE, "DU1234567")])
def test_an_account_of_the_other_mode_gets_no_configuration(mode, account):
    """C2, S3-22"""
    with pytest.raises(RefusedByGateError):
        ib_venue(SETTINGS, mode, account, NAMES)


def test_a_port_of_the_other_mode_gets_no_configuration():
    """C17"""
    wrong = SETTINGS.model_construct(**(SETTINGS.model_dump() | {"paper_port": 4001}))
    with pytest.raises(RefusedByGateError):
        data_client_config(wrong, Mode.PAPER, NAMES)


def test_the_venue_carries_what_the_node_needs():
    venue = ib_venue(SETTINGS, Mode.PAPER, "DU1234567", NAMES)
    assert venue.name == IB_VENUE_NAME == "INTERACTIVE_BROKERS"
    assert venue.data_factory is IbDataClientFactory
    assert venue.exec_client_config.account_id == "DU1234567"


def test_client_id_bands_never_meet():
    bands = [range(31, 31 + NODE_BAND), band_from(control_client_id(31)), band_from(probe_client_id(31))]
    taken = [client_id for band in bands for client_id in band]
    assert len(taken) == len(set(taken))
