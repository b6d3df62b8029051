"""Is a gateway there, logged in, and for which account? A handshake made by hand on a raw socket, over before its deadline.

An open port proves nothing: a proxy answers for a gateway that is down, a gateway that is not logged in accepts and stays silent.
So the probe goes as far as the account list. It needs neither an event loop nor a client library, and leaves nothing behind.
The handshake offers protocol versions 157 to 176, which every gateway still speaks and which share one plain text framing.
"""

from __future__ import annotations

import socket
import struct
import time
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum

from ats.brokers.ib.bounded import OverdueError, within
from ats.brokers.ib.client_ids import band_from
from ats.brokers.ib.errors import CLIENT_ID_IN_USE, notice
from ats.core.errors import DependencyError

_HELLO = b"API\0" + struct.pack(">I", 9) + b"v157..176"
_LARGEST_FRAME = 1 << 20
_READ_SIZE = 4096
_HANDSHAKE_SHARE = 0.95
"""Of the time allowed; the rest is for reporting what was learned until then."""
_VERSION_FIELDS = 2
_MANAGED_ACCOUNTS, _NEXT_VALID_ID, _ERROR = "15", "9", "4"
_SYSTEM = "-1"


class ProbeState(StrEnum):
    """How far the handshake got."""

    DOWN = "down"
    PORT_ONLY = "port only"
    NOT_A_GATEWAY = "not a gateway"
    NO_SESSION = "no session"
    ID_CLASH = "client id in use"
    READY = "ready"


@dataclass(frozen=True, slots=True)
class GatewayProbe:
    """What the gateway said. Only READY means that it is logged in and takes requests.

    `accounts` are the ids the gateway reports, in its order; `connected_at_text` is its own clock as it prints it;
    `client_id` is the one it was asked under; `detail` says in words what was seen; `elapsed_seconds` is the duration of that handshake.
    """

    state: ProbeState
    host: str
    port: int
    client_id: int
    elapsed_seconds: float
    server_version: int | None = None
    connected_at_text: str = ""
    accounts: tuple[str, ...] = ()
    next_order_id: int | None = None
    detail: str = ""

    @property
    def is_ready(self) -> bool:
        """Whether the gateway is logged in and answered with accounts and an order id."""
        return self.state is ProbeState.READY

    def __str__(self) -> str:
        return f"gateway {self.host}:{self.port}: {self.state}" + (f" ({self.detail})" if self.detail else "")


def probe(host: str, port: int, client_id: int, timeout_seconds: float) -> GatewayProbe:
    """Shake hands, read accounts and next order id, hang up. Never raises for a bad gateway, never lasts past the timeout.

    While a client id is in use the next one of its band is tried; ID_CLASH means that all of them are.
    """
    deadline = time.monotonic() + timeout_seconds
    for tried in band_from(client_id):
        seen = _probe_once(host, port, tried, deadline)
        if seen.state is not ProbeState.ID_CLASH or time.monotonic() >= deadline:
            break
    return seen


def _probe_once(host: str, port: int, client_id: int, deadline: float) -> GatewayProbe:
    started = time.monotonic()
    seconds = max(0.0, deadline - started)
    handshake = _Handshake(host, port, client_id, started + seconds * _HANDSHAKE_SHARE)
    try:
        state, detail = within(seconds, handshake.run)
    except OverdueError:  # stuck in name resolution: nothing else outlasts its own timeout
        state, detail = handshake.state_so_far(), f"no answer within {seconds:.1f} s"
    return GatewayProbe(
        state,
        host,
        port,
        client_id,
        time.monotonic() - started,
        handshake.server_version,
        handshake.connected_at_text,
        handshake.accounts,
        handshake.next_order_id,
        detail,
    )


def require_ready(seen: GatewayProbe, mode: str) -> GatewayProbe:
    """The probe, when it found a ready gateway. Raises DependencyError with the steps to take otherwise."""
    if not seen.is_ready:
        raise unusable_gateway(seen.host, seen.port, f"is not ready: {seen.state} ({seen.detail})", mode=mode)
    return seen


def unusable_gateway(host: str, port: int, problem: str, *, mode: str = "") -> DependencyError:
    """The one error for a gateway that cannot be used, with its four steps."""
    wanted = f"the {mode} gateway's" if mode else "the mode's"
    return DependencyError(
        f"The gateway at {host}:{port} {problem}.",
        remedy=(
            "Check in this order: the gateway is running and logged in; "
            f"the port is {wanted} (paper 4002, live 4001, TWS 7497 and 7496); "
            "its API is enabled and takes connections from this machine; the client id is free."
        ),
        host=host,
        port=port,
    )


class _Handshake:
    """One attempt; keeps what it learned, so that an interrupted attempt still tells how far it got."""

    def __init__(self, host: str, port: int, client_id: int, deadline: float) -> None:
        self._host, self._port, self._client_id, self._deadline = host, port, client_id, deadline
        self._buffer = b""
        self._connected = False
        self.server_version: int | None = None
        self.connected_at_text = ""
        self.accounts: tuple[str, ...] = ()
        self.next_order_id: int | None = None
        self._notices: list[str] = []

    def state_so_far(self) -> ProbeState:
        if self.server_version is not None:
            return ProbeState.NO_SESSION
        return ProbeState.PORT_ONLY if self._connected else ProbeState.DOWN

    def run(self) -> tuple[ProbeState, str]:
        try:
            connection = socket.create_connection((self._host, self._port), timeout=self._left())
        except OSError as error:
            return ProbeState.DOWN, f"cannot connect: {error}"
        with closing(connection):
            self._connected = True
            try:
                return self._shake(connection)
            except TimeoutError:
                return self.state_so_far(), self._said("answered nothing more before the deadline")
            except OSError as error:
                return self.state_so_far(), self._said(f"connection broke: {error}")
            except EOFError:
                return self.state_so_far(), self._said("closed the connection")
            except ValueError as error:
                return ProbeState.NOT_A_GATEWAY, str(error)

    def _shake(self, connection: socket.socket) -> tuple[ProbeState, str]:
        connection.sendall(_HELLO)
        self._read_version(self._frame(connection))
        start = f"71\0002\0{self._client_id}\000\0".encode()
        connection.sendall(struct.pack(">I", len(start)) + start)
        while not (self.accounts and self.next_order_id is not None):
            fields = self._frame(connection)
            if fields[0] == _ERROR and len(fields) > 4 and fields[3] == str(CLIENT_ID_IN_USE):  # noqa: PLR2004 -- 4, version, request, code, text
                return ProbeState.ID_CLASH, fields[4]
            self._read(fields)
        return ProbeState.READY, ""

    def _read_version(self, fields: list[str]) -> None:
        if len(fields) != _VERSION_FIELDS or not fields[0].isascii() or not fields[0].isdigit():
            raise ValueError(f"the first frame is not a server version: {fields[:3]!r}")
        self.server_version, self.connected_at_text = int(fields[0]), fields[1]

    def _read(self, fields: list[str]) -> None:
        match fields:
            case [kind, _, accounts] if kind == _MANAGED_ACCOUNTS:
                self.accounts = tuple(name.strip() for name in accounts.split(",") if name.strip())
            case [kind, _, order_id] if kind == _NEXT_VALID_ID:
                self.next_order_id = int(order_id)
            case [kind, _, request, code, text, *_] if kind == _ERROR and request == _SYSTEM:
                self._notices.append(str(notice(int(code), text)))

    def _frame(self, connection: socket.socket) -> list[str]:
        """The next frame's fields. Raises TimeoutError at the deadline, EOFError when the peer hangs up, ValueError for garbage."""
        length = struct.unpack(">I", self._take(connection, 4))[0]
        if not 0 < length <= _LARGEST_FRAME:
            raise ValueError(f"a frame of {length} bytes is not the TWS protocol")
        return self._take(connection, length).decode("utf-8", errors="replace").removesuffix("\0").split("\0")

    def _take(self, connection: socket.socket, count: int) -> bytes:
        while len(self._buffer) < count:
            connection.settimeout(self._left())
            received = connection.recv(_READ_SIZE)
            if not received:
                raise EOFError
            self._buffer += received
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def _said(self, what: str) -> str:
        return "; ".join([what, *self._notices])
