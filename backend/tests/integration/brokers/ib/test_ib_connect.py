from __future__ import annotations

import asyncio
import os

import pytest
from nautilus_trader.adapters.interactive_brokers import factories
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, MessageBus
from nautilus_trader.model.identifiers import TraderId

from ats.brokers.ib import connect
from ats.brokers.ib.connect import RECONNECT_ATTEMPTS, connected_client
from ats.brokers.ib.settings_map import data_client_config
from ats.core.config import IbSettings
from ats.core.errors import DependencyError
from ats.session.records import Mode

VARIABLE = "IB_MAX_CONNECTION_ATTEMPTS"
RESET_WINDOW_SECONDS = 90 * 60


@pytest.fixture
def loop():
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def connect_to(loop, port, client_id):
    clock = LiveClock()
    config = data_client_config(IbSettings(paper_port=port, client_id=client_id), Mode.PAPER, ["QQQ.NASDAQ"])
    return connected_client(loop, config, MessageBus(TraderId("EDGE-001"), clock), Cache(), clock)


def test_a_gateway_that_is_down_fails_the_build_instead_of_holding_it(loop, free_port, monkeypatch):
    monkeypatch.setattr(connect, "START_ATTEMPTS", 1)
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(DependencyError, match=f"{free_port} did not accept client id 61") as error:
        connect_to(loop, free_port, 61)
    assert error.value.exit_code == 4
    assert ("127.0.0.1", free_port, 61) not in factories.IB_CLIENTS, "the next build must not meet the stopped client"
    assert VARIABLE not in os.environ
    assert not asyncio.all_tasks(loop)


def test_an_operators_own_bound_is_put_back(loop, free_port, monkeypatch):
    monkeypatch.setattr(connect, "START_ATTEMPTS", 1)
    monkeypatch.setenv(VARIABLE, "7")
    with pytest.raises(DependencyError):
        connect_to(loop, free_port, 62)
    assert os.environ[VARIABLE] == "7"


def test_a_connected_client_is_shared_and_outlasts_the_nightly_reset(loop, simulated):
    client = connect_to(loop, simulated.port, 63)
    try:
        assert client.is_ready
        assert connect_to(loop, simulated.port, 63) is client
        assert client._max_connection_attempts == RECONNECT_ATTEMPTS
        assert not client._indefinite_reconnect
        assert ladder_seconds(client) >= RESET_WINDOW_SECONDS
    finally:
        factories.IB_CLIENTS.pop(("127.0.0.1", simulated.port, 63))
        loop.run_until_complete(client._stop_async())


def ladder_seconds(client):
    """The adapter's own pauses, added up to its bound."""
    total = 0
    for attempt in range(2, RECONNECT_ATTEMPTS + 1):
        client._connection_attempts = attempt
        total += client._get_reconnect_delay() - client._reconnect_jitter_secs
    client._connection_attempts = 0
    return total
