"""Whatever a peer sends, only its own connection can suffer: the gateway goes on serving everybody else."""

import random
import socket
import struct

import pytest

GREETING = b"API\0" + struct.pack(">I", 9) + b"v100..223"


def frame(*fields: object) -> bytes:
    payload = "".join(f"{field}\0" for field in fields).encode()
    return struct.pack(">I", len(payload)) + payload


class Peer:
    """A socket without a client library."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def read(self) -> list[str]:
        (length,) = struct.unpack(">I", self._exactly(4))
        return self._exactly(length).decode().split("\0")[:-1]

    def start(self, client_id: object) -> None:
        self.send(GREETING)
        self.read()
        self.send(frame(71, 2, client_id, ""))

    def is_closed(self) -> bool:
        """Whether the gateway has closed the connection, reading what it still said."""
        try:
            while self._socket.recv(65_536):
                pass
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False
        return True

    def answers(self) -> bool:
        """Whether the gateway answers a request for the time on this connection."""
        self.send(frame(49, 1))
        return any(self.read()[0] == "49" for _ in range(20))

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self._socket.recv(count - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data


@pytest.fixture
def good_client(gateway):
    """A well-behaved client that is connected all the time."""
    with Peer(gateway.port) as peer:
        peer.start(1)
        yield peer
        assert peer.answers()


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\0" * 64,
        b"API\0\xff\xff\xff\xff",
        b"API\0" + struct.pack(">I", 0),
        b"API\0" + struct.pack(">I", 5) + b"v9..9",
        b"API\0" + struct.pack(">I", 9) + b"v177..223",
    ],
    ids=["http", "zeros", "4 GB", "no versions", "too old", "too new"],
)
def test_a_peer_that_is_no_client_is_shown_the_door(gateway, good_client, data):
    with Peer(gateway.port) as peer:
        peer.send(data)
        assert peer.is_closed()


@pytest.mark.parametrize(
    "data",
    [frame(49, 1), frame("x", 2, 5, ""), frame(71, 2, "x", ""), frame(71, 2, -1, ""), frame(71), struct.pack(">I", 0), b"\xff" * 8],
    ids=["other request", "no number", "client id", "negative", "short", "empty", "4 GB"],
)
def test_a_session_that_does_not_start_properly_is_closed(gateway, good_client, data):
    with Peer(gateway.port) as peer:
        peer.send(GREETING)
        peer.read()
        peer.send(data)
        assert peer.is_closed()


@pytest.mark.parametrize(
    "data",
    [
        struct.pack(">I", 0),
        frame(""),
        frame("x"),
        frame(9999, 1, 2),
        frame(-5),
        frame("\u0663"),
        frame(3, 1),
        frame(1, 11, "abc", *[""] * 20),
        frame(20, 7, *["x"] * 30),
        struct.pack(">I", 3) + b"9\x001",
        struct.pack(">I", 4) + b"\xff\xfe\xfd\0",
        frame(9, 8, "", *[""] * 17),
    ],
    ids=["empty", "blank", "word", "unknown", "negative", "digit", "short", "letters", "garbage", "cut", "bytes", "no request id"],
)
def test_a_message_that_cannot_be_read_is_dropped_and_the_session_goes_on(gateway, good_client, data):
    with Peer(gateway.port) as peer:
        peer.start(2)
        peer.send(data)
        assert peer.answers()


@pytest.mark.parametrize("data", [b"\xff" * 8, struct.pack(">I", 1 << 24) + b"x"], ids=["4 GB", "16 MB"])
def test_a_frame_that_cannot_be_meant_closes_the_connection(gateway, good_client, data):
    with Peer(gateway.port) as peer:
        peer.start(2)
        peer.send(data)
        assert peer.is_closed()


def test_a_frame_may_come_in_single_bytes_and_two_in_one_piece(gateway):
    with Peer(gateway.port) as peer:
        for byte in GREETING:
            peer.send(bytes([byte]))
        peer.read()
        peer.send(frame(71, 2, 3, "") + frame(49, 1))
        assert peer.answers()


def test_nothing_follows_the_version_before_the_session_has_started(gateway):
    """Section 9.2 of the protocol notes: the official client forgets what is glued behind the version frame."""
    with Peer(gateway.port) as peer:
        peer.send(GREETING)
        assert peer.read()[0] == "176"
        peer._socket.settimeout(0.3)
        assert not peer.is_closed()


def test_a_client_that_breaks_off_in_mid_frame_frees_its_id(gateway, wait_until):
    with Peer(gateway.port) as peer:
        peer.start(7)
        peer.send(struct.pack(">I", 100) + b"half")

    def connects_again():
        with Peer(gateway.port) as again:
            again.start(7)
            return again.read()[0] == "15"

    wait_until(connects_again)


def test_thousands_of_random_messages_break_nothing(gateway, good_client):
    """Seeded noise: known message ids with any fields. Sessions may be told errors; the gateway must go on."""
    noise = random.Random(20260304)
    numbers = [1, 2, 3, 4, 5, 6, 7, 9, 15, 16, 20, 25, 50, 58, 61, 62, 74, 76, 78, 81, 87, 91, 92, 94, 96, 97, 99, 104]
    words = [
        "",
        "0",
        "1",
        "-1",
        "MSFT",
        "STK",
        "SMART",
        "USD",
        "BUY",
        "LMT",
        "100",
        "1e9",
        "x" * 300,
        "2147483647",
        "1 day",
        "1 D",
        "TRADES",
        "é",
    ]
    with Peer(gateway.port) as peer:
        peer.start(8)
        for _ in range(3000):
            peer.send(frame(noise.choice(numbers), *noise.choices(words, k=noise.randrange(125))))
    assert good_client.answers()
