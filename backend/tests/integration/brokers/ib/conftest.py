"""A TCP server that plays one scripted conversation per connection, and finders for ports nobody listens on."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest


def frame(*fields: object) -> bytes:
    payload = "".join(f"{item}\0" for item in fields).encode()
    return struct.pack(">I", len(payload)) + payload


def read_exactly(connection: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        chunk = connection.recv(count - len(received))
        if not chunk:
            raise EOFError
        received += chunk
    return received


def read_frame(connection: socket.socket) -> list[str]:
    return read_exactly(connection, struct.unpack(">I", read_exactly(connection, 4))[0]).decode().split("\0")


@dataclass
class Peer:
    """One accepted connection, as the script sees it."""

    connection: socket.socket
    released: threading.Event

    def send(self, *fields: object) -> None:
        self.connection.sendall(frame(*fields))

    def send_slowly(self, *fields: object) -> None:
        for byte in frame(*fields):
            self.connection.sendall(bytes([byte]))

    def send_raw(self, data: bytes) -> None:
        self.connection.sendall(data)

    def read_hello(self) -> bytes:
        prefix = read_exactly(self.connection, 4)
        return prefix + read_exactly(self.connection, struct.unpack(">I", read_exactly(self.connection, 4))[0])

    def read(self) -> list[str]:
        return read_frame(self.connection)

    def stay_silent(self) -> None:
        self.released.wait(30)


@dataclass
class ScriptedServer:
    script: Callable[[Peer], None]
    released: threading.Event = field(default_factory=threading.Event)
    errors: list[BaseException] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                self.script(Peer(connection, self.released))
            except (EOFError, ConnectionError):
                pass
            except BaseException as error:  # noqa: BLE001 -- shown when the server closes
                self.errors.append(error)

    def close(self) -> None:
        self.released.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)
        assert not self.errors


@pytest.fixture
def serve():
    servers: list[ScriptedServer] = []

    def start(script: Callable[[Peer], None]) -> ScriptedServer:
        servers.append(ScriptedServer(script))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
