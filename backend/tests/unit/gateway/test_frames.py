"""Frames: lengths, endings, the greeting, and bursts no reader loses."""

import asyncio
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats.gateway.simulated.wire.frames import READ_SIZE, bursts, read_frame, read_greeting, to_fields, to_frame
from ats.gateway.simulated.wire.layouts import WireError


def reading(data: bytes, read):
    async def run():
        reader = asyncio.StreamReader()
        reader.feed_data(data)
        reader.feed_eof()
        return await read(reader)

    return asyncio.run(run())


@given(st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8")), min_size=1, max_size=20))
def test_fields_survive_the_wire(fields):
    assert to_fields(reading(to_frame(fields), read_frame)) == fields


@given(st.binary(max_size=3 * READ_SIZE))
def test_bursts_lose_nothing_and_none_is_a_multiple_of_the_read_size(data):
    pieces = bursts(data)
    assert b"".join(pieces) == data
    assert not [piece for piece in pieces if piece and len(piece) % READ_SIZE == 0]


@pytest.mark.parametrize("pages", [1, 2, 3])
def test_a_burst_of_whole_pages_is_cut_one_byte_short(pages):
    first, rest = bursts(b"x" * READ_SIZE * pages)
    assert (len(first) % READ_SIZE, len(rest)) == (READ_SIZE - 1, 1)


def test_a_frame_of_four_gigabytes_is_refused_before_it_is_read():
    with pytest.raises(WireError, match="4294967295"):
        reading(struct.pack(">I", 0xFFFFFFFF), read_frame)


def test_a_cut_frame_ends_the_reading():
    with pytest.raises(asyncio.IncompleteReadError):
        reading(struct.pack(">I", 10) + b"abc", read_frame)


@pytest.mark.parametrize("payload", [b"", b"71", b"71\x002\x00x"])
def test_a_payload_without_its_last_nul_is_refused(payload):
    with pytest.raises(WireError):
        to_fields(payload)


@pytest.mark.parametrize(
    ("offer", "versions"),
    [(b"v100..223", (100, 223)), (b"v157..176", (157, 176)), (b"v176", (176, 176)), (b"v100..223 +PACEAPI", (100, 223))],
)
def test_the_greeting_tells_the_versions(offer, versions):
    greeted = reading(b"API\0" + struct.pack(">I", len(offer)) + offer, read_greeting)
    assert (greeted.lowest, greeted.highest) == versions


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n\r\n", b"API\0" + struct.pack(">I", 3) + b"abc", b"API\0\xff\xff\xff\xff"])
def test_another_greeting_is_refused(data):
    with pytest.raises(WireError):
        reading(data, read_greeting)
