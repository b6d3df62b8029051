"""What the kernel needs to know of a venue to build a node on it: client configurations and the factories that make the clients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nautilus_trader.live.config import LiveDataClientConfig, LiveExecClientConfig
from nautilus_trader.live.factories import LiveDataClientFactory, LiveExecClientFactory

from ats.kernel.guard import EdgeCheck


@dataclass(frozen=True, slots=True)
class VenueSpec:
    """One venue of a node: plain data until the kernel builds clients from it.

    `name` is the clients' key in the node and the issuer of the account id (`INTERACTIVE_BROKERS-DU1234567`).
    `link_is_up` looks at the connection itself: the engine's clients go on calling themselves connected after it was lost.
    `exec_factory` takes the guard's edge check and returns the factory class: an execution client cannot be made without one.
    """

    name: str
    data_client_config: LiveDataClientConfig
    exec_client_config: LiveExecClientConfig
    data_factory: type[LiveDataClientFactory]
    exec_factory: Callable[[EdgeCheck], type[LiveExecClientFactory]]
    link_is_up: Callable[[], bool]
