"""The stage of the acceptance tests: an installation of its own, real processes, and the gateway's own books as the judge.

Every session, gateway and command below is the process an operator would start. What the gateway was sent is read from its trace,
what happened to the account from its ledger: files that no code of a session writes.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from ats.brokers.ib.hand_order import leave_resting_buy
from ats.cli.main import run as run_command_line
from ats.core.config import StorageSettings
from ats.core.ids import InstrumentId
from ats.store.embedded import open_database, open_redis, open_services
from ats.store.postgres.migrate import migrate
from ats.store.redis.connection import connect_redis

PAPER, LIVE = "DU1234567", "U7654321"
MSFT, FAST_BARS = "MSFT.NASDAQ", "5-SECOND-LAST"
EAGER = {"buy_threshold": 0.98, "sell_threshold": 0.99, "max_holding_bars": 1000}
"""Buys after nearly every bar, so that nobody waits for a signal, and holds."""

Rule = Callable[[int, list[str]], list[list[str]]]
"""What becomes of a frame on its way: client id and fields to the frames that are passed on."""

START_SECONDS, TRADE_SECONDS, END_SECONDS = 60, 45, 45


def wait_until(holds: Callable[[], Any], seconds: float, what: str) -> Any:
    """Poll for a truth, with a deadline."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        threading.Event().wait(0.05)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


_PLACE_AND_WAIT = """
import sys
from ib_insync import IB, LimitOrder, Stock
ib = IB()
ib.connect("127.0.0.1", int(sys.argv[1]), clientId=int(sys.argv[2]), timeout=15)
(contract,) = ib.qualifyContracts(Stock("MSFT", "SMART", "USD", primaryExchange="NASDAQ"))
ib.placeOrder(contract, LimitOrder("BUY", 2, 5.0, tif="GTC", orderRef="of-an-earlier-process"))
ib.sleep(600)
"""


class Child:
    """A command running beside the test; everything it says goes to a file."""

    def __init__(
        self,
        arguments: list[str],
        environment: Mapping[str, str],
        output: Path,
        screen: int | None = None,
        keyboard: int = subprocess.DEVNULL,
    ) -> None:
        self.arguments, self.output = arguments, output
        with output.open("wb") as file:
            self.process = subprocess.Popen(
                arguments,
                env=dict(environment),
                stdin=keyboard,
                stdout=file if screen is None else screen,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self.output.read_text(errors="replace")

    def wait_for(self, text: str, seconds: float = START_SECONDS) -> str:
        """The first line that holds `text`."""

        def found() -> str | None:
            return next((line for line in self.said.splitlines() if text in line), None)

        deadline = time.monotonic() + seconds
        while (line := found()) is None:
            is_over = self.process.poll() is not None
            assert not is_over or found(), f"{self.arguments[2:]} ended with {self.process.returncode} without {text!r}:\n{self.said}"
            assert time.monotonic() < deadline, f"{self.arguments[2:]} did not say {text!r} within {seconds} s:\n{self.said}"
            threading.Event().wait(0.05)
        return line

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ended(self, seconds: float = END_SECONDS) -> int:
        """Its exit code, once it has ended by itself."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.arguments[2:]} still runs after {seconds} s:\n{self.said}") from None

    def stop(self) -> int:
        """End it as an operator would; its exit code."""
        self.send(signal.SIGTERM)
        return self.ended()

    def kill(self) -> None:
        """End it as the kernel would."""
        self.process.kill()
        self.process.wait()


class GatewayRun:
    """A simulated gateway in a process of its own."""

    def __init__(self, child: Child, port: int, ledger: Path, trace: Path) -> None:
        self.child, self.port, self._ledger, self._trace = child, port, ledger, trace

    def ledger(self) -> dict[str, Any]:
        return json.loads(self._ledger.read_text())

    def executions(self) -> list[dict[str, Any]]:
        return self.ledger()["executions"]

    def orders(self) -> list[dict[str, Any]]:
        return self.ledger()["orders"]

    def working(self) -> list[dict[str, Any]]:
        return [order for order in self.orders() if order["status"] in ("Submitted", "PreSubmitted", "PendingSubmit", "PendingCancel")]

    def position(self) -> int:
        return sum(int(position["quantity"]) for position in self.ledger()["positions"])

    def received(self, name: str = "") -> list[dict[str, Any]]:
        """Messages clients sent, optionally of one name, oldest first."""
        return self._messages("in", name)

    def sent(self, name: str) -> list[dict[str, Any]]:
        """Messages clients were sent."""
        return self._messages("out", name)

    def orders_received(self) -> int:
        """How many order messages arrived on the wire, whatever became of them."""
        return len(self.received("placeOrder"))

    def pass_bars(self, count: int = 2) -> None:
        """Wait until so many more live bars were sent: whoever decides on a bar has had the chance."""
        before = len(self.sent("realtimeBar"))
        wait_until(lambda: len(self.sent("realtimeBar")) >= before + count, 10 + 6 * count, f"{count} more bars")

    def _messages(self, direction: str, name: str) -> list[dict[str, Any]]:
        lines = (json.loads(line) for line in self._trace.read_text().splitlines() if line.endswith("}"))
        return [entry for entry in lines if entry["direction"] == direction and (not name or entry["name"] == name)]

    def kill(self) -> None:
        self.child.kill()


class Installation:
    """One data folder with the shipped market data, its settings, and commands on it."""

    PAPER, LIVE, MSFT, EAGER = PAPER, LIVE, MSFT, EAGER
    START_SECONDS, TRADE_SECONDS = START_SECONDS, TRADE_SECONDS
    wait_until = staticmethod(wait_until)
    free_port = staticmethod(free_port)

    @staticmethod
    def sleeve(params: Mapping[str, Any] = EAGER, strategy: str = "ibs_reversion", instrument: str = MSFT) -> tuple[str, ...]:
        """The options that name one strategy on one instrument."""
        chosen = ("--strategy", strategy, "--instrument", instrument, "--bar-spec", FAST_BARS)
        return (*chosen, "--params", json.dumps(dict(params)))

    def __init__(self, folder: Path, market: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        env_file = folder / "settings.env"
        env_file.write_text("# Nothing is set here.\n")
        self.settings = {
            "ATS_DATA_DIR": str(folder),
            "ATS_CATALOG_DIR": str(market),
            "ATS_ENV_FILE": str(env_file),
            "ATS_IB_PAPER_PORT": str(free_port()),
            "ATS_IB_LIVE_PORT": str(free_port()),
            "ATS_ENABLE_LIVE_TRADING": "true",
            "ATS_IB_LIVE_ACCOUNT_ID": LIVE,
        }
        self._children: list[Child] = []

    def environment(self, settings: Mapping[str, str] | None = None) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.upper().startswith("ATS_")}
        return inherited | self.settings | dict(settings or {})

    def start(self, *arguments: str, settings: Mapping[str, str] | None = None, **streams: int) -> Child:
        """Start a module's command line: `start("ats.cli", "gateway", …)`; `screen`, `keyboard`: descriptors to write to and read from."""
        output = self.folder / f"output-{len(self._children)}.log"
        child = Child([sys.executable, "-m", *arguments], self.environment(settings), output, **streams)
        self._children.append(child)
        return child

    def ats(self, *arguments: str, expect: int = 0, settings: Mapping[str, str] | None = None, seconds: float = 60) -> str:
        """Run one command to its end; what it wrote to stdout. Fails the test on any other exit code."""
        done = subprocess.run(
            [sys.executable, "-m", "ats.cli", *arguments],
            env=self.environment(settings),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == expect, f"ats {arguments} ended with {done.returncode}, not {expect}:\n{done.stderr}\n{done.stdout}"
        return done.stdout

    def json(self, *arguments: str, expect: int = 0, settings: Mapping[str, str] | None = None) -> Any:
        return json.loads(self.ats(*arguments, "--json", expect=expect, settings=settings))

    def gateway(self, mode: str = "paper", *more: str, account: str = "", port: int = 0) -> GatewayRun:
        port = port or int(self.settings[f"ATS_IB_{mode.upper()}_PORT"])
        account = account or (PAPER if mode == "paper" else LIVE)
        number = len(self._children)
        ledger, trace = self.folder / f"ledger-{number}.json", self.folder / f"trace-{number}.jsonl"
        where = ("--port", str(port), "--data", MSFT, "--ledger", str(ledger), "--trace", str(trace))
        child = self.start("ats.cli", "gateway", "sim", "--mode", mode, "--account", account, *where, *more)
        child.wait_for(f"127.0.0.1:{port}", 30)
        return GatewayRun(child, port, ledger, trace)

    def paper(self, params: Mapping[str, Any] = EAGER, **more: Any) -> Child:
        return self.start("ats.paper", *self.sleeve(params), **more)

    def leave_order(self, gateway: GatewayRun, price: str = "5.00") -> None:
        """A resting order of a client of its own, as from another terminal."""
        before = len(gateway.working())
        leave_resting_buy("127.0.0.1", gateway.port, InstrumentId.parse(MSFT), 100, Decimal(price))
        wait_until(lambda: len(gateway.working()) == before + 1, 10, "the order rests")

    def leave_order_of_a_killed_process(self, gateway: GatewayRun, client_id: int) -> None:
        """A resting order whose process died without a word."""
        before = len(gateway.working())
        child = Child(
            [sys.executable, "-c", _PLACE_AND_WAIT, str(gateway.port), str(client_id)], self.environment(), self.folder / "placer.log"
        )
        wait_until(lambda: len(gateway.working()) == before + 1 or child.process.poll() is not None, 30, "the order rests")
        assert child.process.poll() is None, child.said
        child.kill()

    def live(self, params: Mapping[str, Any] = EAGER, **more: Any) -> Child:
        return self.start("ats.live", *self.sleeve(params), "--i-understand", LIVE, **more)

    def approve(self, params: Mapping[str, Any] = EAGER) -> None:
        self.ats("approve-live", *self.sleeve(params), "--note", "acceptance test")

    def end(self) -> None:
        for child in reversed(self._children):
            if child.process.poll() is None:
                child.send(signal.SIGCONT)
                child.send(signal.SIGTERM)
        for child in reversed(self._children):
            try:
                child.process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()

    # What is kept, read by the test's own hand.

    def rows(self, statement: str, *parameters: object) -> list[dict[str, Any]]:
        with (
            open_database(StorageSettings(data_dir=self.folder), lambda _: None) as url,
            psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection,
        ):
            found = connection.execute(statement, parameters)
            return found.fetchall() if found.description else []

    def audited(self, kind: str) -> list[dict[str, Any]]:
        """The facts of every audit row of one kind, newest first."""
        found = self.rows("SELECT facts::text AS facts FROM audit WHERE kind = %s ORDER BY sequence DESC", kind)
        return [json.loads(row["facts"]) for row in found]

    @contextmanager
    def redis(self) -> Iterator[Any]:
        with open_redis(StorageSettings(data_dir=self.folder), lambda _: None) as url, connect_redis(url) as client:
            yield client

    @property
    def sentinel(self) -> Path:
        return self.folder / "KILL_SWITCH_ACTIVE"

    def server_pid(self) -> int:
        """The embedded PostgreSQL's process."""
        return int((self.folder / "services" / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[0])


@pytest.fixture(scope="session")
def market(tmp_path_factory) -> Path:
    """The catalog with the shipped data; nobody writes to it."""
    folder = tmp_path_factory.mktemp("market")
    environment = {name: value for name, value in os.environ.items() if not name.upper().startswith("ATS_")}
    subprocess.run(
        [sys.executable, "-m", "ats.cli", "data", "load-shipped"],
        env=environment | {"ATS_DATA_DIR": str(folder)},
        check=True,
        capture_output=True,
        timeout=120,
    )
    return folder / "catalog"


@pytest.fixture(scope="module")
def new_installation(market) -> Iterator[Callable[[], Installation]]:
    """Makes installations whose processes end with the module."""
    made: list[Installation] = []

    def make() -> Installation:
        made.append(Installation(Path(tempfile.mkdtemp(prefix="ats-acceptance-")), market))
        return made[-1]

    yield make
    for installation in made:
        installation.end()
        shutil.rmtree(installation.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def installation(new_installation) -> Iterator[Installation]:
    """One installation for the module, its services kept running so that each command finds them."""
    made = new_installation()
    with open_services(StorageSettings(data_dir=made.folder), lambda _: None) as services:
        migrate(services.database_url)
        yield made
        made.end()


@pytest.fixture
def alone(new_installation):
    """An installation whose services belong to its sessions alone."""
    return new_installation()


@pytest.fixture
def ats(installation, monkeypatch, capfd) -> Callable[..., tuple[int, str]]:
    """Runs a command in this process, where nothing is left running: exit code and everything it said."""

    def run(*arguments: str, settings: Mapping[str, str] | None = None) -> tuple[int, str]:
        for name in [name for name in os.environ if name.upper().startswith("ATS_")]:
            monkeypatch.delenv(name)
        for name, value in {**installation.settings, **(settings or {})}.items():
            monkeypatch.setenv(name, value)
        capfd.readouterr()
        code = run_command_line(arguments)
        out, err = capfd.readouterr()
        return code, err + out

    return run


@pytest.fixture
def typing(monkeypatch) -> Iterator[Callable[[bytes], None]]:
    """A person at the terminal of this process: types bytes; without a call, silence."""
    ours, theirs = os.openpty()
    stdin = os.fdopen(theirs, "r")
    monkeypatch.setattr(sys, "stdin", stdin)
    yield lambda keys: os.write(ours, keys)
    os.close(ours)
    stdin.close()


class HandshakeServer:
    """A peer that shakes hands as a gateway of the given accounts does, and keeps everything that is sent after that."""

    def __init__(self, accounts: str, marks_itself: bool = True, speaks: bool = True) -> None:
        self._accounts, self._speaks = accounts, speaks
        self._time = "20260414 20:36:26 SIMULATED" if marks_itself else "20260414 20:36:26 US/Eastern"
        self.received: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        for connection in self._open:
            connection.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                if self._speaks:
                    threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError):
            self._take(connection, 4)
            self._frame(connection)
            connection.sendall(_framed(176, self._time))
            self._frame(connection)  # startApi
            connection.sendall(_framed(15, 1, self._accounts) + _framed(9, 1, 1))
            while True:
                self.received.append(self._frame(connection))

    def _frame(self, connection: socket.socket) -> str:
        return self._take(connection, struct.unpack(">I", self._take(connection, 4))[0]).decode()

    @staticmethod
    def _take(connection: socket.socket, count: int) -> bytes:
        taken = b""
        while len(taken) < count:
            if not (chunk := connection.recv(count - len(taken))):
                raise EOFError
            taken += chunk
        return taken


class Relay:
    """Stands between clients and a gateway and changes what passes: each rule sees client id and fields, and returns the frames to pass on."""

    def __init__(self, upstream_port: int, to_client: Rule | None = None, to_gateway: Rule | None = None) -> None:
        self._upstream_port, self._to_client, self._to_gateway = upstream_port, to_client, to_gateway
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                gateway = socket.create_connection(("127.0.0.1", self._upstream_port))
                threading.Thread(target=self._pass, args=(client, gateway), daemon=True).start()

    def _pass(self, client: socket.socket, gateway: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError), client, gateway:
            gateway.sendall(HandshakeServer._take(client, 4))  # the greeting's prefix
            gateway.sendall(_whole_frame(client))
            client.sendall(_whole_frame(gateway))
            start = _whole_frame(client)
            gateway.sendall(start)
            client_id = int(start[4:].decode().split("\0")[2])
            back = threading.Thread(target=self._pump, args=(gateway, client, client_id, self._to_client), daemon=True)
            back.start()
            self._pump(client, gateway, client_id, self._to_gateway)

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket, client_id: int, rule: Rule | None) -> None:
        try:
            while True:
                frame = _whole_frame(source)
                fields = frame[4:].decode(errors="replace").removesuffix("\0").split("\0")
                for passed in [frame] if rule is None else [_framed(*item) for item in rule(client_id, fields)]:
                    sink.sendall(passed)
        except (OSError, EOFError):
            with contextlib.suppress(OSError):
                sink.shutdown(socket.SHUT_RDWR)


def _whole_frame(connection: socket.socket) -> bytes:
    length = HandshakeServer._take(connection, 4)
    return length + HandshakeServer._take(connection, struct.unpack(">I", length)[0])


@pytest.fixture
def relay() -> Iterator[Callable[..., Relay]]:
    relays: list[Relay] = []

    def put(upstream_port: int, **rules: Rule) -> Relay:
        relays.append(Relay(upstream_port, **rules))
        return relays[-1]

    yield put
    for one in relays:
        one.close()


def _framed(*fields: object) -> bytes:
    payload = "".join(f"{item}\0" for item in fields).encode()
    return struct.pack(">I", len(payload)) + payload


@pytest.fixture
def handshake_server() -> Iterator[Callable[..., HandshakeServer]]:
    servers: list[HandshakeServer] = []

    def serve(accounts: str, **more: bool) -> HandshakeServer:
        servers.append(HandshakeServer(accounts, **more))
        return servers[-1]

    yield serve
    for server in servers:
        server.close()
