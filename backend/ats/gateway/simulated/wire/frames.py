"""Frames on the socket: a length, then NUL-terminated text fields. Also the handshake, which has rules of its own.

Two defects of the official client's reader shape this module: it discards a burst whose length is a multiple of 4096
bytes when nothing follows within a second, so such a burst is cut one byte short and the rest sent a moment later; and it
forgets whatever is glued behind the version frame, so nothing may follow that frame before the client has started its session.
"""

from __future__ import annotations

import asyncio
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from ats.gateway.simulated.wire.layouts import WireError

SERVER_VERSION = 176
"""The last version whose text layouts all three clients share."""

READ_SIZE = 4096
LARGEST_FRAME = 1 << 20
_LENGTH = struct.Struct(">I")
_GREETING = b"API\0"
_VERSIONS = re.compile(rb"v([0-9]{1,4})(?:\.\.([0-9]{1,4}))?(?: .*)?\0?", re.ASCII | re.DOTALL)


@dataclass(frozen=True, slots=True)
class VersionRange:
    """The protocol versions a client offers."""

    lowest: int
    highest: int


def to_frame(fields: Sequence[str]) -> bytes:
    """One message as bytes: length, then every field terminated by NUL."""
    payload = "".join(f"{field}\0" for field in fields).encode()
    return _LENGTH.pack(len(payload)) + payload


def to_fields(payload: bytes) -> list[str]:
    """The text fields of a payload. Raises WireError when it is empty or its last field is not terminated."""
    if not payload.endswith(b"\0"):
        raise WireError("a message does not end with NUL")
    return payload.decode("utf-8", "backslashreplace").split("\0")[:-1]


async def read_frame(reader: asyncio.StreamReader) -> bytes:
    """The next payload. Raises WireError for an impossible length and IncompleteReadError when the peer has gone."""
    (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    if length > LARGEST_FRAME:
        raise WireError(f"a frame of {length} bytes is announced")
    return await reader.readexactly(length)


async def read_greeting(reader: asyncio.StreamReader) -> VersionRange:
    """The client's greeting: `API`, NUL, then a frame with the versions it speaks. Raises WireError for anything else."""
    greeting = await reader.readexactly(len(_GREETING))
    if greeting != _GREETING:
        raise WireError(f"the greeting is {greeting!r}")
    offer = _VERSIONS.fullmatch(await read_frame(reader))
    if offer is None:
        raise WireError("the version offer cannot be read")
    lowest = int(offer[1])
    return VersionRange(lowest, int(offer[2] or lowest))


def bursts(data: bytes) -> tuple[bytes, ...]:
    """The pieces in which to send `data`, with a short pause between them, so that no client loses it."""
    if data and len(data) % READ_SIZE == 0:
        return data[:-1], data[-1:]
    return (data,)
