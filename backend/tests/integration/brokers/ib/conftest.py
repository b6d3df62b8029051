"""Peers for broker tests: a TCP server that plays a script, a scripted gateway that misbehaves, and the simulated gateway on a thread."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from ats.core.clock import SystemClock
from ats.core.ids import InstrumentId
from ats.core.market import Bar, BarSpec
from ats.gateway.simulated import SimulatedGateway, SimulatedGatewayConfig, SimulatedInstrument


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


def open_order(order_id, client_id, perm_id, *, ref="", status="Submitted", quantity=10, account="DU1234567"):
    """A working limit order as a gateway of server version 176 lists it, written out by hand."""
    unset = "1.7976931348623157E308"
    contract = [320227571, "QQQ", "STK", "", 0, "?", "", "SMART", "USD", "QQQ", "NMS"]
    head = ["BUY", quantity, "LMT", 300.0, 0.0, "GTC", "", account, "", 0, ref, client_id, perm_id, 0, 0, 0]
    middle = ["", "", "", "", "", "", "", "", "", "", "", 0, "", -1, 0, "", "", "", "", "", 2147483647, 0, 0, 0, "", 3, 0, 0, "", 0, 0]
    volatility = ["", 0, "", "", 0, 0, "", "", "", "", "", 0, 0, 0, "", "", "", "", 0, "", "IB", 0, 0, "", 0, 0]
    state = [status, *[unset] * 9, *[unset] * 3, "", ""]
    tail = [0, 0, 0, "None", *[unset] * 6, 0, "", "", "", 0, 1, 0, 0, 0, "", "", 0, "", 100, 0.02, "", ""]
    return [5, order_id, *contract, *head, *middle, *volatility, *state, *tail]


def execution(request_id, order_id, client_id, perm_id, *, shares, cumulative, ref=""):
    contract = [320227571, "QQQ", "STK", "", 0.0, "", "", "ISLAND", "USD", "QQQ", "NMS"]
    details = [f"0001.{perm_id}.01.01", "20260413 15:27:04 US/Eastern", "DU1234567", "ISLAND", "BOT", shares, 300.0, perm_id, client_id, 0]
    return [11, request_id, order_id, *contract, *details, cumulative, 300.0, ref, "", "", "", 2]


@dataclass
class ScriptedGateway:
    """Lists orders, takes cancels, and misbehaves on request. `orders` maps permId to the fields of `open_order`."""

    orders: dict[int, list] = field(default_factory=dict)
    executions: list[tuple] = field(default_factory=list)
    cancels_take_effect: bool = True
    answers_listings: bool = True
    answers_executions: bool = True
    read_only: bool = False
    closes_on_cancel: bool = False
    taken_ids: set[int] = field(default_factory=set)
    cancel_error: tuple[int, int, str] | None = None
    garbled: bool = False
    status_after_cancel: str = ""
    late_orders: dict[int, list] = field(default_factory=dict)
    received: list[list[str]] = field(default_factory=list)

    def __call__(self, peer: Peer) -> None:
        peer.read_hello()
        peer.send(176, "20260414 20:36:26 US/Eastern")
        client_id = int(peer.read()[2])
        if client_id in self.taken_ids:
            peer.send(4, 2, -1, 326, "Unable to connect as the client id is already in use.", "")
            return
        peer.send(15, 1, "DU1234567")
        peer.send(9, 1, 1)
        while True:
            request = peer.read()
            self.received.append(request)
            if not self._answer(peer, request):
                return

    def _answer(self, peer: Peer, request: list[str]) -> bool:
        match request[0]:
            case "16":
                self._list(peer)
            case "58" | "4" if self.closes_on_cancel:
                return False
            case "58" | "4" if self.cancel_error is not None:
                peer.send(4, 2, *self.cancel_error, "")
            case "58" if self.status_after_cancel:
                for fields in self.orders.values():
                    fields[:] = [self.status_after_cancel if item == "Submitted" else item for item in fields]
            case "58" if self.cancels_take_effect:
                self.orders.clear()
            case "7" if self.answers_executions:
                for item, keywords in self.executions:
                    peer.send(*execution(request[2], *item, **keywords))
                peer.send(55, 1, request[2])
        return True

    def _list(self, peer: Peer) -> None:
        if self.read_only:
            peer.send(4, 2, -1, 321, "Error validating request: The API interface is currently in Read-Only mode.", "")
        elif self.answers_listings:
            if len(self.sent("16")) == 3:  # the second read-back
                self.orders |= self.late_orders
            for fields in self.orders.values():
                peer.send(*(fields[:-3] if self.garbled else fields))
            peer.send(53, 1)

    def sent(self, kind: str) -> list[list[str]]:
        return [request for request in self.received if request[0] == kind]


@pytest.fixture
def gateway(serve):
    """A scripted gateway and its port."""

    def start(**behaviour: object) -> tuple[ScriptedGateway, int]:
        script = ScriptedGateway(**behaviour)
        return script, serve(script).port

    start.order = open_order
    return start


class SimulatedRun:
    """A simulated gateway on a thread of its own, so that blocking clients and other processes can talk to it."""

    def __init__(self, config, instruments) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._gateway = SimulatedGateway(config, instruments, SystemClock())
        self._run(self._gateway.start())
        self.port = self._gateway.port

    def _run(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(15)

    def ledger(self) -> dict:
        async def read() -> dict:
            return json.loads(self._gateway.ledger_json())

        return self._run(read())

    def stop(self) -> None:
        self._run(self._gateway.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


def steady_bars(count=400):
    """Daily bars around 100 that no resting order at 50 ever meets."""
    first = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
    bars = []
    for day in range(count):
        opened = first + timedelta(days=day)
        closed = opened + timedelta(hours=6.5)
        price = Decimal(100) + Decimal(day % 5) / 10
        bars.append(Bar(opened, closed, closed, price, price + 1, price - 1, price + Decimal("0.5"), Decimal(1_000_000)))
    return bars


@pytest.fixture
def simulated(tmp_path):
    """The project's simulated paper gateway with one instrument, on a free port."""
    config = SimulatedGatewayConfig(
        mode="paper",
        account_id="DU1234567",
        port=0,
        compress=BarSpec.parse("5-SECOND-LAST"),
        history_bars=50,
        trace_file=tmp_path / "trace.jsonl",
    )
    run = SimulatedRun(config, [SimulatedInstrument(InstrumentId.parse("QQQ.NASDAQ"), steady_bars(), BarSpec.parse("1-DAY-LAST"))])
    run.trace_file = tmp_path / "trace.jsonl"
    yield run
    run.stop()
