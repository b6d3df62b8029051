"""One client's connection: handshake, requests in, messages out. Whatever the peer sends, only this connection can suffer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from ats.gateway.simulated.desks.sessions import Session
from ats.gateway.simulated.state import GatewayState
from ats.gateway.simulated.trace import Trace
from ats.gateway.simulated.wire import frames
from ats.gateway.simulated.wire.layouts import WireError, decode
from ats.gateway.simulated.wire.requests import REQUESTS
from ats.gateway.simulated.world.times import exchange_time
from ats.session.ports import SIMULATED_MARK

log = structlog.get_logger(__name__)

_START_API = 71
_HANDSHAKE_SECONDS = 60.0
_PAUSE_SECONDS = 0.003
_LAST_WORDS_SECONDS = 1.0
_MOST_UNSENT_BYTES = 32 << 20


class Connection:
    """Serves one socket until either side closes it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, state: GatewayState, trace: Trace) -> None:
        self._reader = reader
        self._writer = writer
        self._state = state
        self._trace = trace
        self._unsent = bytearray()
        self._has_unsent = asyncio.Event()
        self._client_id: int | None = None
        self._is_closing = False

    async def serve(self) -> None:
        """Run the connection to its end. Bad input and lost peers are logged, never raised."""
        sender = asyncio.create_task(self._send_bursts())
        try:
            await self._converse()
        except WireError as error:
            log.warning("gateway.connection_dropped", client_id=self._client_id, reason=str(error))
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            log.info("gateway.connection_ended", client_id=self._client_id)
        finally:
            await self._close(sender)

    async def _converse(self) -> None:
        async with asyncio.timeout(_HANDSHAKE_SECONDS):
            offer = await frames.read_greeting(self._reader)
            self._trace.record(None, "in", "greeting", [f"v{offer.lowest}..{offer.highest}"])
            if not offer.lowest <= frames.SERVER_VERSION <= offer.highest:
                raise WireError(f"the client speaks versions {offer.lowest} to {offer.highest}, not {frames.SERVER_VERSION}")
            self._deliver("version", [str(frames.SERVER_VERSION), f"{exchange_time(self._state.market.now)} {SIMULATED_MARK}"])
            client_id = await self._read_client_id()
        session = Session(client_id, self._deliver)
        self._client_id = client_id
        if not self._state.admit(session):
            return
        log.info("gateway.client_connected", client_id=client_id)
        try:
            while True:
                self._take(session, await frames.read_frame(self._reader))
        finally:
            self._state.dismiss(session)

    async def _read_client_id(self) -> int:
        fields = frames.to_fields(await frames.read_frame(self._reader))
        if not fields or fields[0] != str(_START_API):
            raise WireError(f"the session starts with message {fields[:1]}, not with startApi")
        values = decode(REQUESTS[_START_API], fields)
        if values["clientId"] is None or values["clientId"] < 0:
            raise WireError("the client id is not a number from 0")
        self._trace.record(values["clientId"], "in", "startApi", fields)
        return int(values["clientId"])

    def _take(self, session: Session, payload: bytes) -> None:
        """Decode and answer one request; one that cannot be read is dropped."""
        try:
            fields = frames.to_fields(payload)
            layout = REQUESTS.get(int(fields[0]) if fields[0].isascii() and fields[0].isdigit() else -1)
            self._trace.record(session.client_id, "in", layout.name if layout else "unknown", fields)
            if layout is None:
                log.warning("gateway.request_ignored", client_id=session.client_id, request=fields[0][:20])
                return
            self._state.handle(session, layout.name, decode(layout, fields))
        except WireError as error:
            log.warning("gateway.request_dropped", client_id=session.client_id, reason=str(error))

    def _deliver(self, name: str, fields: Sequence[str]) -> None:
        self._trace.record(self._client_id, "out", name, fields)
        if len(self._unsent) > _MOST_UNSENT_BYTES:
            log.warning("gateway.connection_dropped", client_id=self._client_id, reason="the client does not read")
            self._writer.transport.abort()
            return
        self._unsent += frames.to_frame(fields)
        self._has_unsent.set()

    async def _send_bursts(self) -> None:
        """Send what has gathered, in bursts that no client's reader loses; the pause keeps two of them from arriving as one."""
        try:
            while self._unsent or not self._is_closing:
                await self._has_unsent.wait()
                self._has_unsent.clear()
                data = bytes(self._unsent)
                self._unsent.clear()
                for piece in frames.bursts(data):
                    self._writer.write(piece)
                    await self._writer.drain()
                    await asyncio.sleep(_PAUSE_SECONDS)
        except ConnectionError:
            log.info("gateway.connection_ended", client_id=self._client_id)

    async def _close(self, sender: asyncio.Task[None]) -> None:
        """Let the last words out, to a peer that still listens, and close."""
        self._is_closing = True
        self._has_unsent.set()
        try:
            async with asyncio.timeout(_LAST_WORDS_SECONDS):
                await sender
        except TimeoutError:
            log.info("gateway.connection_ended", client_id=self._client_id, reason="the client does not read")
        finally:
            self._writer.close()
