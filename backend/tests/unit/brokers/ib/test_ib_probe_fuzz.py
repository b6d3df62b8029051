"""Whatever a peer sends, the probe ends in a state."""

from __future__ import annotations

import struct
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from ats.brokers.ib import probe as module
from ats.brokers.ib.probe import ProbeState, probe

text = st.text(max_size=8) | st.sampled_from(["4", "9", "15", "1", "2", "-1", "176", "326", "DU1234567", "U1,U2", ""])
frames = st.lists(text, max_size=7).map(lambda fields: "".join(f"{item}\0" for item in fields).encode())
wire = st.lists(frames, max_size=6).map(lambda payloads: b"".join(struct.pack(">I", len(payload)) + payload for payload in payloads))
greeting = struct.pack(">I", 10) + b"176\0today\0"


class Peer:
    """A connection that delivers the bytes in pieces and then ends."""

    def __init__(self, data: bytes, piece: int) -> None:
        self._pieces = [data[start : start + piece] for start in range(0, len(data), piece)]

    def sendall(self, data: bytes) -> None:
        pass

    def settimeout(self, seconds: float) -> None:
        assert seconds > 0

    def recv(self, count: int) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""

    def close(self) -> None:
        pass


def look(data: bytes, piece: int):
    with patch.object(module.socket, "create_connection", lambda *_, **__: Peer(data, piece)):
        return probe("gateway.example", 4002, 51, 5)


@given(data=st.binary(max_size=60) | wire, piece=st.integers(1, 40))
def test_any_bytes_end_in_a_state(data, piece):
    assert look(data, piece).state in ProbeState


@given(data=wire, piece=st.integers(1, 40))
def test_a_gateway_is_ready_only_with_an_account_and_an_order_id(data, piece):
    """C3"""
    seen = look(greeting + data, piece)
    assert seen.server_version == 176
    if seen.is_ready:
        assert seen.accounts
        assert all(account.strip() for account in seen.accounts)
        assert seen.next_order_id is not None
