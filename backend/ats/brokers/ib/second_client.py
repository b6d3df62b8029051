"""One bounded conversation with a gateway through ib_insync; the only module that knows the library.

ib_insync is archived; its successor ib_async has the same names, so taking it means changing the one import here. The library asks asyncio
for the current thread's event loop, at import too: it is imported and used on a thread of its own with a loop of its own, where it can
disturb no one, and works in a plain process, beside a running node, and while a session's own loop is stuck.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC
from decimal import Decimal
from typing import Any

from ats.brokers.ib.bounded import OverdueError, within
from ats.brokers.ib.broker_state import BrokerExecution, BrokerOrder, BrokerPosition, Contract
from ats.brokers.ib.client_ids import band_from
from ats.brokers.ib.errors import CLIENT_ID_IN_USE, Notice, Reaction, notice
from ats.brokers.ib.probe import unusable_gateway
from ats.core.money import decimal_from_float
from ats.core.orders import Side

_GRACE_SECONDS = 1.0
_HANG_UP_SECONDS = 0.5
_CLOSED = frozenset({"Cancelled", "ApiCancelled", "Filled"})
_PLACES = 8
_UNSET = 1e300
_LIBRARY_LOG = "ib_insync"


def converse[Result](
    host: str, port: int, first_client_id: int, deadline_seconds: float, work: Callable[[Conversation], Awaitable[Result]]
) -> Result:
    """Connect under the first free client id of the band, run `work`, hang up; over when the deadline is. Raises DependencyError."""

    async def session() -> Result:
        deadline = asyncio.get_running_loop().time() + deadline_seconds
        async with _connected(host, port, first_client_id, deadline) as conversation:
            return await work(conversation)

    try:
        return within(deadline_seconds + _GRACE_SECONDS, lambda: asyncio.run(session()))
    except (OverdueError, TimeoutError) as error:
        raise unusable_gateway(host, port, f"did not answer within {deadline_seconds:g} s") from error
    except OSError as error:
        raise unusable_gateway(host, port, f"cannot be reached: {error}") from error


class Conversation:
    """One open connection and its deadline; turns the library's objects into ours and its silences into errors.

    Every question raises DependencyError when it is not answered, refused or unreadable, ConnectionError when the line breaks.
    """

    def __init__(self, ib: Any, host: str, port: int, deadline: float, garbled: _Garbled) -> None:  # noqa: ANN401 -- the library's class, imported late
        self._ib, self._host, self._port, self._deadline, self._garbled = ib, host, port, deadline, garbled
        self._read_only: asyncio.Future[Notice] = asyncio.get_running_loop().create_future()
        self.notices: dict[int, Notice] = {}
        ib.errorEvent += self._on_error

    @property
    def accounts(self) -> tuple[str, ...]:
        """The accounts the gateway reported at the handshake."""
        return tuple(self._ib.client.getAccounts())

    def left(self) -> float:
        """Seconds until the deadline, never negative."""
        return max(0.0, self._deadline - asyncio.get_running_loop().time())

    async def open_orders(self, seconds: float | None = None) -> tuple[BrokerOrder, ...]:
        """Every order the gateway lists as open now, of every client id and placed by hand; nothing remembered from an earlier answer."""
        self._ib.wrapper.trades.clear()
        self._ib.wrapper.permId2Trade.clear()
        trades = await self._ask("open orders", self._ib.reqAllOpenOrdersAsync(), seconds)
        listed = {(order.perm_id, order.client_id, order.order_id): order for order in self._read("open orders", _order, trades)}
        return tuple(order for order in listed.values() if order.status not in _CLOSED)

    async def positions(self) -> tuple[BrokerPosition, ...]:
        """Every position that is not flat."""
        listed = await self._ask("positions", self._ib.reqPositionsAsync())
        return tuple(item for item in self._read("positions", _position, listed) if item.quantity)

    async def executions(self, seconds: float | None = None) -> tuple[BrokerExecution, ...]:
        """Every execution of today, of every client id."""
        fills = await self._ask("executions", self._ib.reqExecutionsAsync(), seconds)
        return tuple(self._read("executions", _execution, fills))

    async def balances(self, account: str) -> dict[str, tuple[str, str]]:
        """Currency and text of every tag of the account summary, in the account's own currency."""
        await self._ask("account summary", self._ib.reqAccountSummaryAsync())
        values = self._ib.wrapper.acctSummary.values()
        return {
            value.tag: (value.currency, value.value) for value in values if value.account == account and value.currency not in ("", "BASE")
        }

    async def leave_buy(self, symbol: str, primary_exchange: str, quantity: int, limit_price: Decimal) -> BrokerOrder:
        """Place a limit order to buy and return it once the gateway lists it. For `hand_order` alone; nothing else here places orders."""
        from ib_insync import LimitOrder, Stock  # noqa: PLC0415 -- as in `_connected`: only on this thread

        contract = Stock(symbol, "SMART", "USD", primaryExchange=primary_exchange)
        await self._ask("contract", self._ib.qualifyContractsAsync(contract))
        placed = self._ib.placeOrder(contract, LimitOrder("BUY", quantity, float(limit_price), tif="GTC", orderRef="by hand"))
        while self.left():
            for order in await self.open_orders():
                if order.order_ref == "by hand" and order.contract.symbol == symbol:
                    return order
        raise unusable_gateway(self._host, self._port, f"did not list the order ({placed.orderStatus.status})")

    def cancel_everything(self) -> None:
        """Ask the gateway to cancel every order of the login."""
        self._ib.client.reqGlobalCancel()

    def cancel(self, order: BrokerOrder) -> None:
        """Ask the gateway to cancel one order by its number."""
        self._ib.client.cancelOrder(order.order_id)

    async def _ask[Answer](self, what: str, answer: Awaitable[Answer], seconds: float | None = None) -> Answer:
        request = asyncio.ensure_future(answer)
        awaited: set[asyncio.Future[Any]] = {request, self._read_only}
        limit = self.left() if seconds is None else min(seconds, self.left())
        await asyncio.wait(awaited, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        if request.done():
            answered = request.result()
            if self._garbled.seen:
                raise unusable_gateway(self._host, self._port, f"sent something unreadable with its {what}: {self._garbled.seen}")
            return answered
        request.cancel()
        if self._read_only.done():
            raise unusable_gateway(self._host, self._port, f"refused to list {what}: {self._read_only.result()}")
        raise unusable_gateway(self._host, self._port, f"did not answer the request for {what} in time")

    def _read[Item](self, what: str, read: Callable[[Any], Item], listed: Iterable[Any]) -> list[Item]:
        try:
            return [read(item) for item in listed]
        except (ValueError, TypeError, ArithmeticError) as error:
            raise unusable_gateway(self._host, self._port, f"sent something unreadable among its {what}: {error}") from error

    def _on_error(self, request_id: int, code: int, text: str, _contract: object) -> None:
        seen = notice(code, text)
        self.notices[request_id] = seen
        if "read-only" in text.lower() and seen.reaction is Reaction.FIX and not self._read_only.done():
            self._read_only.set_result(seen)


class _Garbled(logging.Handler):
    """The library logs a message it cannot decode and goes on without it: a list would be short by one order. We must know."""

    seen = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.seen = record.getMessage()[:200]


@asynccontextmanager
async def _connected(host: str, port: int, first_client_id: int, deadline: float) -> AsyncIterator[Conversation]:
    """A connection under the first free id: the handshake only, none of the library's own start-up requests."""
    garbled = _Garbled(logging.ERROR)
    decoder_log = logging.getLogger(f"{_LIBRARY_LOG}.Decoder")
    decoder_log.addHandler(garbled)
    try:
        for client_id in band_from(first_client_id):
            ib = _new_client()
            try:
                if await _shake(ib, host, port, client_id, deadline):
                    yield Conversation(ib, host, port, deadline, garbled)
                    return
            finally:
                await _hang_up(ib)
        ids = band_from(first_client_id)
        raise unusable_gateway(host, port, f"has every client id from {ids[0]} to {ids[-1]} in use")
    finally:
        decoder_log.removeHandler(garbled)


def _new_client() -> Any:  # noqa: ANN401 -- the library's class, imported late
    from ib_insync import IB  # noqa: PLC0415 -- its import asks for this thread's event loop, and costs start-up time

    logging.getLogger(_LIBRARY_LOG).addHandler(logging.NullHandler())  # what matters becomes an error or a note of ours
    return IB()  # type: ignore[no-untyped-call]  # the library is half typed


async def _shake(ib: Any, host: str, port: int, client_id: int, deadline: float) -> bool:  # noqa: ANN401 -- as above
    """Connect; False when the id is in use. Raises TimeoutError, ConnectionError or OSError."""
    loop = asyncio.get_running_loop()
    refused: asyncio.Future[bool] = loop.create_future()

    def settle(in_use: bool) -> None:
        if not refused.done():
            refused.set_result(in_use)

    ib.errorEvent += lambda _request, code, *_: settle(True) if code == CLIENT_ID_IN_USE else None
    ib.client.conn.disconnected += lambda _text: settle(False)  # the library itself waits on for a peer that hung up early
    ib.wrapper.clientId = client_id
    left = max(0.01, deadline - loop.time())
    connecting = asyncio.ensure_future(ib.client.connectAsync(host, port, client_id, left))
    await asyncio.wait({connecting, refused}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
    if connecting.done():
        connecting.result()
        return True
    answered = refused.done()
    connecting.cancel()
    await asyncio.wait({connecting})
    if not answered:
        raise TimeoutError
    if refused.result():
        return False
    raise ConnectionError("the gateway closed the connection during the handshake")


async def _hang_up(ib: Any) -> None:  # noqa: ANN401 -- as above
    """Close and wait for the socket's end, so that the client id is free again when the call returns."""
    if not ib.client.conn.isConnected():
        return
    closed = asyncio.Event()
    ib.client.conn.disconnected += lambda _text: closed.set()
    ib.client.disconnect()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(closed.wait(), _HANG_UP_SECONDS)


def _decimal(value: float) -> Decimal:
    """A number the library decoded as a float, at eight decimals; whole numbers without any."""
    number = decimal_from_float(float(value), _PLACES)
    whole = number.to_integral_value()
    return whole if number == whole else number.normalize()


def _price(value: float | None) -> Decimal | None:
    return None if value is None or abs(value) > _UNSET else _decimal(value)


def _contract(contract: Any) -> Contract:  # noqa: ANN401 -- as above
    return Contract(
        contract_id=contract.conId,
        symbol=contract.localSymbol or contract.symbol,
        security_type=contract.secType,
        exchange=contract.primaryExchange or contract.exchange,
        currency=contract.currency,
    )


def _position(item: Any) -> BrokerPosition:  # noqa: ANN401 -- as above
    return BrokerPosition(item.account, _contract(item.contract), _decimal(item.position), _decimal(item.avgCost))


def _order(trade: Any) -> BrokerOrder:  # noqa: ANN401 -- as above
    order = trade.order
    return BrokerOrder(
        perm_id=order.permId,
        order_id=order.orderId,
        client_id=order.clientId,
        order_ref=order.orderRef,
        account=order.account,
        contract=_contract(trade.contract),
        side=Side.BUY if order.action == "BUY" else Side.SELL,
        quantity=_decimal(order.totalQuantity),
        filled=_decimal(trade.orderStatus.filled),
        order_type=order.orderType,
        limit_price=_price(order.lmtPrice) if "LMT" in order.orderType else None,
        status=trade.orderStatus.status,
    )


def _execution(fill: Any) -> BrokerExecution:  # noqa: ANN401 -- as above
    done = fill.execution
    return BrokerExecution(
        execution_id=done.execId,
        perm_id=done.permId,
        order_id=done.orderId,
        client_id=done.clientId,
        order_ref=done.orderRef,
        account=done.acctNumber,
        contract=_contract(fill.contract),
        side=Side.BUY if done.side == "BOT" else Side.SELL,
        quantity=_decimal(done.shares),
        price=_decimal(done.price),
        cumulative_quantity=_decimal(done.cumQty),
        commission=_decimal(fill.commissionReport.commission) if fill.commissionReport.execId else None,
        executed_at=done.time.astimezone(UTC),
    )
