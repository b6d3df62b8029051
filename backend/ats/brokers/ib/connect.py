"""The engine's connection to a gateway, opened with a bound: a node that cannot connect says so instead of waiting for ever.

The adapter connects while the node is built and, as shipped, retries without end and deaf to SIGTERM. It takes a bound only
from the environment variable IB_MAX_CONNECTION_ATTEMPTS, read when its client is made; so the variable is set here, around that
moment, and nowhere else. Its own growing pauses (5 s doubling to 300 s, plus up to 3 s) lie between attempts.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager

from nautilus_trader.adapters.interactive_brokers import factories
from nautilus_trader.adapters.interactive_brokers.client import InteractiveBrokersClient
from nautilus_trader.adapters.interactive_brokers.config import InteractiveBrokersDataClientConfig, InteractiveBrokersExecClientConfig
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, MessageBus

from ats.core.errors import DependencyError

START_ATTEMPTS = 3
"""While building: two pauses, some 20 s. The probe before the build has already seen the gateway answer."""

RECONNECT_ATTEMPTS = 24
"""Within a session: the pauses sum to 90 minutes, the length of the broker's nightly reset window."""

_DRAIN_SECONDS = 5.0
_VARIABLE = "IB_MAX_CONNECTION_ATTEMPTS"


def connected_client(
    loop: asyncio.AbstractEventLoop,
    config: InteractiveBrokersDataClientConfig | InteractiveBrokersExecClientConfig,
    msgbus: MessageBus,
    cache: Cache,
    clock: LiveClock,
) -> InteractiveBrokersClient:
    """The process' one client for this host, port and client id, connected. Raises DependencyError when the gateway does not answer.

    With the loop already running the connection is made in the background and the engine's own connection timeout judges it.
    """
    with _attempts_bounded(START_ATTEMPTS):
        client = factories.get_cached_ib_client(
            loop=loop,
            msgbus=msgbus,
            cache=cache,
            clock=clock,
            host=config.ibg_host,
            port=config.ibg_port,
            client_id=config.ibg_client_id,
            request_timeout_secs=config.request_timeout_secs,
        )
    if not loop.is_running() and not client.is_ready:
        factories.IB_CLIENTS.pop((config.ibg_host, config.ibg_port, config.ibg_client_id), None)
        loop.run_until_complete(_drain())
        raise DependencyError(
            f"The gateway at {config.ibg_host}:{config.ibg_port} did not accept client id {config.ibg_client_id}"
            f" in {START_ATTEMPTS} attempts.",
            remedy="Run `ats status` to see what the gateway answers, then start the session again.",
            host=config.ibg_host,
            port=config.ibg_port,
            client_id=config.ibg_client_id,
        )
    client._max_connection_attempts = RECONNECT_ATTEMPTS  # noqa: SLF001 -- the adapter reads its variable once, and a session needs a longer bound than a start
    return client


def link_is_up(host: str, port: int, client_id: int) -> bool:
    """Whether the process' client for this gateway has a socket, a session, and has finished its start-up on it."""
    client = factories.IB_CLIENTS.get((host, port, client_id))
    if client is None or not client.is_ready:
        return False
    return bool(client._is_ib_connected.is_set() and client._eclient.isConnected())  # noqa: SLF001 -- the adapter has no public word for it


@contextmanager
def _attempts_bounded(attempts: int) -> Iterator[None]:
    before = os.environ.get(_VARIABLE)  # noqa: TID251 -- the adapter's only switch is this variable
    os.environ[_VARIABLE] = str(attempts)  # noqa: TID251 -- as above
    try:
        yield
    finally:
        if before is None:
            del os.environ[_VARIABLE]  # noqa: TID251 -- as above
        else:
            os.environ[_VARIABLE] = before  # noqa: TID251 -- as above


async def _drain() -> None:
    """Let the given-up client's own stop task finish, so that nothing is destroyed pending."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        await asyncio.wait(others, timeout=_DRAIN_SECONDS)
