"""Who may connect to a gateway under which API client id: disjoint bands above the node's, so that nobody takes another's place."""

from __future__ import annotations

NODE_BAND = 5
"""The engine's adapter takes the configured id and, when it stays occupied, the next four."""

BAND = 10
"""Ids the second client and the probes may try, one after the other, while one is in use."""

_CONTROL_OFFSET = 10
_PROBE_OFFSET = 20


def control_client_id(node_client_id: int) -> int:
    """First id of the second client's band: preview, cancel, cross-check."""
    return node_client_id + _CONTROL_OFFSET


def probe_client_id(node_client_id: int) -> int:
    """First id of the probes' band."""
    return node_client_id + _PROBE_OFFSET


def band_from(first: int) -> range:
    """The ids to try, starting with `first`."""
    return range(first, first + BAND)
