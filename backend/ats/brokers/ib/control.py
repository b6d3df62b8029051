"""What an operator or a kill switch asks a broker directly: preview an account, cancel everything, read back what the broker knows.

Independent of a trading node; shares nothing with it but the gateway. Every call is synchronous, has a deadline, takes the first client id
of a band (the next ones are tried while one is in use) and hangs up. Needs no event loop, no Redis and no Postgres.
"""

from __future__ import annotations

import asyncio
import contextlib
from decimal import Decimal, InvalidOperation

from ats.brokers.ib.broker_state import AccountPreview, BrokerExecution, BrokerOrder, BrokerPosition, CancelOutcome, CancelState, StillOpen
from ats.brokers.ib.second_client import Conversation, converse
from ats.core.errors import DependencyError, RefusedByGateError

DEFAULT_DEADLINE_SECONDS = 15.0
_READ_BACK_PAUSE_SECONDS = 0.2
_EMPTY_READINGS = 2
_REPEAT_CANCEL_SECONDS = 1.0
_LONGEST_FIRST_READ_SECONDS = 2.0
_EXECUTIONS_SHARE = 0.2


def preview(
    host: str, port: int, client_id: int, account: str | None = None, deadline_seconds: float = DEFAULT_DEADLINE_SECONDS
) -> AccountPreview:
    """Balances, positions and open orders of `account`, or of the only account the gateway reports.

    Raises: DependencyError when the gateway cannot be used; RefusedByGateError when it reports another account.
    """

    async def work(gateway: Conversation) -> AccountPreview:
        name = _chosen(account, gateway.accounts)
        balances = await gateway.balances(name)
        currency, net_liquidation = _money(name, balances, "NetLiquidation")
        return AccountPreview(
            account=name,
            currency=currency,
            net_liquidation=net_liquidation,
            cash=_money(name, balances, "TotalCashValue")[1],
            buying_power=_money(name, balances, "BuyingPower")[1],
            positions=tuple(item for item in await gateway.positions() if item.account == name),
            open_orders=tuple(item for item in await gateway.open_orders() if item.account == name),
        )

    return converse(host, port, client_id, deadline_seconds, work)


def broker_positions(
    host: str, port: int, client_id: int, deadline_seconds: float = DEFAULT_DEADLINE_SECONDS
) -> tuple[BrokerPosition, ...]:
    """Every position that is not flat, of every account. Raises DependencyError."""
    return converse(host, port, client_id, deadline_seconds, lambda gateway: gateway.positions())


def broker_open_orders(host: str, port: int, client_id: int, deadline_seconds: float = DEFAULT_DEADLINE_SECONDS) -> tuple[BrokerOrder, ...]:
    """Every open order, of every client id and placed by hand. Raises DependencyError."""
    return converse(host, port, client_id, deadline_seconds, lambda gateway: gateway.open_orders())


def executions_today(
    host: str, port: int, client_id: int, deadline_seconds: float = DEFAULT_DEADLINE_SECONDS
) -> tuple[BrokerExecution, ...]:
    """Every execution the gateway still knows of today, of every client id. Raises DependencyError."""
    return converse(host, port, client_id, deadline_seconds, lambda gateway: gateway.executions())


def cancel_all(host: str, port: int, client_id: int, deadline_seconds: float = DEFAULT_DEADLINE_SECONDS) -> CancelOutcome:
    """Cancel every open order of the login, whoever placed it, and read back until none is open or the deadline passes.

    Never places an order. Raises DependencyError only while nothing has been sent; afterwards every ending is an outcome (rows B2, B3, B11).
    """
    return converse(host, port, client_id, deadline_seconds, lambda gateway: _Cancel(gateway).run())


class _Cancel:
    """One broker-wide cancel, from the first listing to the last read-back."""

    def __init__(self, gateway: Conversation) -> None:
        self._gateway = gateway
        self._seen: dict[tuple[int, int, int], BrokerOrder] = {}
        self._notes: list[str] = []

    async def run(self) -> CancelOutcome:
        with contextlib.suppress(DependencyError):  # a gateway that cannot list may still cancel
            await self._read(min(_LONGEST_FIRST_READ_SECONDS, self._gateway.left() / 3))
        self._gateway.cancel_everything()
        try:
            still_open = await self._until_none_is_open()
        except (DependencyError, ConnectionError) as error:
            note = f"The cancel was sent, its effect could not be read back: {error}"
            return CancelOutcome(CancelState.UNKNOWN, unknown=tuple(self._seen.values()), notes=(note,))
        return await self._settled(still_open)

    async def _until_none_is_open(self) -> tuple[BrokerOrder, ...]:
        """Read back until the list is empty twice; repeat the cancel, for all and order by order, while anything stays on it."""
        clock = asyncio.get_running_loop().time
        reserve = self._gateway.left() * _EXECUTIONS_SHARE
        repeat_at = clock() + _REPEAT_CANCEL_SECONDS
        empty = 0
        while True:
            listed = await self._read()
            empty = 0 if listed else empty + 1
            if empty == _EMPTY_READINGS or self._gateway.left() <= reserve:
                return listed
            if clock() >= repeat_at:
                repeat_at = clock() + _REPEAT_CANCEL_SECONDS
                self._cancel_again(listed)
            await asyncio.sleep(_READ_BACK_PAUSE_SECONDS)

    def _cancel_again(self, listed: tuple[BrokerOrder, ...]) -> None:
        self._gateway.cancel_everything()
        for order in listed:
            if order.order_id > 0:  # an order placed by hand has no number; only the global cancel reaches it
                self._gateway.cancel(order)

    async def _read(self, seconds: float | None = None) -> tuple[BrokerOrder, ...]:
        listed = await self._gateway.open_orders(seconds)
        self._seen |= {_key(order): order for order in listed}
        return listed

    async def _settled(self, still_open: tuple[BrokerOrder, ...]) -> CancelOutcome:
        open_keys = {_key(order) for order in still_open}
        gone = [order for key, order in self._seen.items() if key not in open_keys]
        filled = await self._filled(gone)
        return CancelOutcome(
            CancelState.FAILED if still_open else CancelState.OK,
            cancelled=tuple(order for order in gone if order not in filled),
            filled=filled,
            remaining=tuple(StillOpen(order, self._reason(order)) for order in still_open),
            notes=tuple(self._notes),
        )

    async def _filled(self, gone: list[BrokerOrder]) -> tuple[BrokerOrder, ...]:
        """Which of the orders that left the list were filled; a cancel loses that race now and then."""
        if not gone:
            return ()
        try:
            executions = await self._gateway.executions()
        except (DependencyError, ConnectionError) as error:
            self._notes.append(f"An order listed as cancelled may have been filled: executions could not be read ({error}).")
            return ()
        done: dict[int, Decimal] = {}
        for item in executions:
            done[item.perm_id] = max(done.get(item.perm_id, Decimal(0)), item.cumulative_quantity)
        return tuple(order for order in gone if done.get(order.perm_id, Decimal(0)) >= order.quantity)

    def _reason(self, order: BrokerOrder) -> str:
        said = self._gateway.notices.get(order.order_id)
        return str(said) if said is not None else f"still {order.status} after the cancel"


def _key(order: BrokerOrder) -> tuple[int, int, int]:
    return order.perm_id, order.client_id, order.order_id


def _chosen(account: str | None, reported: tuple[str, ...]) -> str:
    if account is None and len(reported) == 1:
        return reported[0]
    if account is None or account not in reported:
        raise RefusedByGateError(
            f"The gateway reports {', '.join(reported)}, not {account or 'exactly one account'}.",
            remedy="Log the gateway in to the account you mean, or name one of the reported accounts.",
            reported=reported,
        )
    return account


def _money(account: str, balances: dict[str, tuple[str, str]], tag: str) -> tuple[str, Decimal]:
    """Currency and amount of one balance. Raises DependencyError when it is missing or no amount."""
    currency, text = balances.get(tag, ("", ""))
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        raise DependencyError(
            f"The gateway reported {tag} of {account} as {text!r}, which is not an amount.",
            remedy="Wait until the gateway has loaded the account, then try again.",
            account=account,
            tag=tag,
        )
    return currency, value
