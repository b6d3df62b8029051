"""Who may connect to a gateway under which API client id: disjoint bands above the node's, so that nobody takes another's place."""

from __future__ import annotations

NODE_BAND = 5
"""The engine's adapter takes the configured id and, when it stays occupied, the next four."""

CONTROL_OFFSET = 10
PROBE_OFFSET = 20
BAND = 10


def control_ids(client_id: int) -> range:
    """Ids of the second client (preview, cancel, cross-check); the next one is tried while one is in use."""
    return range(client_id + CONTROL_OFFSET, client_id + CONTROL_OFFSET + BAND)


def probe_ids(client_id: int) -> range:
    """Ids of gateway probes."""
    return range(client_id + PROBE_OFFSET, client_id + PROBE_OFFSET + BAND)
