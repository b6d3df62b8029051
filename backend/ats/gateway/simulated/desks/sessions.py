"""Who is connected: one session per client id, what it has subscribed to, and the order ids each client id may use next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ats.gateway.simulated.wire.layouts import encode
from ats.gateway.simulated.wire.messages import MESSAGES

Deliver = Callable[[str, list[str]], None]

SYSTEM = -1
"""The request id of messages that answer no request."""


@dataclass(eq=False, slots=True)
class Session:
    """One connected client. `deliver` takes a message's name and fields to the wire, or to a test."""

    client_id: int
    deliver: Deliver
    wants_positions: bool = False
    wants_account_updates: bool = False
    account_updates_multi: set[int] = field(default_factory=set)
    account_summaries: dict[int, tuple[str, ...]] = field(default_factory=dict)
    pnl: set[int] = field(default_factory=set)
    pnl_single: dict[int, int] = field(default_factory=dict)

    def send(self, name: str, **values: Any) -> None:  # noqa: ANN401 -- field values of any kind
        """Send a message by its name in the table. Raises InvariantError when the values do not fit it."""
        self.deliver(name, encode(MESSAGES[name], values))

    def error(self, request_id: int, code: int, text: str) -> None:
        """Send an error or a notice; the request id is an order's id when it is about an order."""
        self.send("error", reqId=request_id, code=code, text=text)


class Sessions:
    """The connected clients by client id, and the next valid order id of every client id ever seen."""

    def __init__(self) -> None:
        self._connected: dict[int, Session] = {}
        self._next_order_id: dict[int, int] = {}

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._connected.values()))

    def is_taken(self, client_id: int) -> bool:
        """Whether another connection holds the client id."""
        return client_id in self._connected

    def open(self, session: Session) -> None:
        """Admit a client whose id is free."""
        self._connected[session.client_id] = session

    def close(self, session: Session) -> None:
        """Forget a connection; the order ids of its client id are remembered."""
        if self._connected.get(session.client_id) is session:
            del self._connected[session.client_id]

    def of(self, client_id: int) -> Session | None:
        """The connected client with this id."""
        return self._connected.get(client_id)

    def next_order_id(self, client_id: int) -> int:
        """The smallest order id the client may use."""
        return self._next_order_id.get(client_id, 1)

    def use_order_id(self, client_id: int, order_id: int) -> None:
        """Mark an order id as used; ids only grow."""
        self._next_order_id[client_id] = max(self.next_order_id(client_id), order_id + 1)
