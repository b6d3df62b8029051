"""The simulated gateway as a TCP server, and as a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine, Sequence
from types import TracebackType
from typing import Self

import structlog

from ats.core.clock import Clock
from ats.core.digest import canonical_json
from ats.core.errors import DependencyError, InputError
from ats.gateway.simulated.config import SimulatedGatewayConfig, SimulatedInstrument
from ats.gateway.simulated.connection import Connection
from ats.gateway.simulated.state import GatewayState
from ats.gateway.simulated.trace import Trace

log = structlog.get_logger(__name__)

_LONGEST_STEP_SECONDS = 0.1
_SHORTEST_STEP_SECONDS = 0.01


class SimulatedGateway:
    """An Interactive Brokers gateway on a TCP port. Use it as an async context manager, or `start` and `stop` it.

    Raises DependencyError when the port cannot be taken, InputError when a file cannot be written. A failure of the market ends the gateway: `wait_until_failed` raises it.
    """

    def __init__(self, config: SimulatedGatewayConfig, instruments: Sequence[SimulatedInstrument], clock: Clock) -> None:
        self._config = config
        self._trace = Trace(config.trace_file, clock)
        self._state = GatewayState(config, instruments, clock, self._ledger_changed)
        self._server: asyncio.Server | None = None
        self._market: asyncio.Task[None] | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._ledger_is_written = False

    @property
    def port(self) -> int:
        """The port that clients connect to; known once started."""
        if self._server is None:
            raise DependencyError("The simulated gateway is not started.", remedy="Start it first.")
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Listen, and let the market run."""
        self._open_files()
        try:
            self._server = await asyncio.start_server(self._connected, self._config.host, self._config.port)
        except OSError as error:
            self._trace.close()
            raise DependencyError(
                f"The simulated gateway cannot listen on {self._config.host}:{self._config.port}: {_reason(error)}.",
                remedy="Stop what uses the port, or choose another with --port.",
            ) from error
        self._market = asyncio.get_running_loop().create_task(self._run_market())
        self._market.add_done_callback(self._market_ended)
        log.info("gateway.started", mode=self._config.mode, account_id=self._config.account_id, port=self.port)

    async def stop(self) -> None:
        """Close every connection and write the ledger."""
        if self._server is None or self._market is None:
            return
        self._server.close()
        tasks = [self._market, *self._connections]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._server = None
        self._write_ledger()
        self._trace.close()
        log.info("gateway.stopped", account_id=self._config.account_id)

    async def wait_until_failed(self) -> None:
        """Wait for as long as the market runs; raises what ended it."""
        if self._market is not None:
            await asyncio.shield(self._market)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        await self.stop()

    def ledger_json(self) -> str:
        """The whole ledger as canonical JSON: every order by permanent id, every execution, cash and positions."""
        return canonical_json(self._state.ledger.export())

    def _open_files(self) -> None:
        """Begin ledger and trace before anybody can connect, so that an unwritable path is a refusal and not a surprise."""
        for field, path, begin in (
            ("ledger_file", self._config.ledger_file, self._write_ledger),
            ("trace_file", self._config.trace_file, self._trace.open),
        ):
            try:
                begin()
            except OSError as error:
                raise InputError(
                    field, str(path), f"cannot be written ({error.strerror})", remedy="Choose a path you may write to."
                ) from error

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._supervise(Connection(reader, writer, self._state, self._trace).serve())

    def _supervise(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._connections.add(task)
        task.add_done_callback(self._settle)

    def _settle(self, task: asyncio.Task[None]) -> None:
        """A connection has ended; if by a defect of ours, only it has suffered, and the log says so."""
        self._connections.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("gateway.connection_failed", exc_info=error)

    async def _run_market(self) -> None:
        while True:
            self._state.advance()
            self._write_ledger()
            step = min(self._state.market.seconds_to_next_trade(), _LONGEST_STEP_SECONDS)
            await asyncio.sleep(max(step, _SHORTEST_STEP_SECONDS))

    def _market_ended(self, market: asyncio.Task[None]) -> None:
        """Without a market there is no gateway: clients must see it gone rather than silent."""
        if not market.cancelled() and (error := market.exception()) is not None:
            log.error("gateway.failed", exc_info=error)
        if self._server is not None:
            self._server.close()
        for task in self._connections:
            task.cancel()

    def _ledger_changed(self) -> None:
        self._ledger_is_written = False

    def _write_ledger(self) -> None:
        """Replace the ledger file by a complete newer one; a reader never sees half of it."""
        path = self._config.ledger_file
        if path is None or self._ledger_is_written:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(path.name + ".draft")
        draft.write_text(self.ledger_json(), encoding="utf-8")
        draft.replace(path)
        self._ledger_is_written = True


def _reason(error: OSError) -> str:
    """Why a port could not be taken, in the system's words."""
    return os.strerror(error.errno) if error.errno is not None and error.errno > 0 else str(error.strerror)


def run_simulated_gateway(
    config: SimulatedGatewayConfig, instruments: Sequence[SimulatedInstrument], clock: Clock, on_ready: Callable[[int], None]
) -> None:
    """Run a gateway until SIGTERM or SIGINT; `on_ready` is told the port once clients can connect. Raises what ends it otherwise."""
    asyncio.run(_run(config, instruments, clock, on_ready))


async def _run(
    config: SimulatedGatewayConfig, instruments: Sequence[SimulatedInstrument], clock: Clock, on_ready: Callable[[int], None]
) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with SimulatedGateway(config, instruments, clock) as gateway:
        on_ready(gateway.port)
        asked = asyncio.ensure_future(stopped.wait())
        failed = asyncio.ensure_future(gateway.wait_until_failed())
        await asyncio.wait({asked, failed}, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if failed.done():
            await failed
        failed.cancel()
