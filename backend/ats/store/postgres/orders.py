"""The order journal in PostgreSQL: intents, events and fills as they were written, and what they add up to."""

# ruff: noqa: S608 -- the statements join nothing but this module's own constants

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import LiteralString

import psycopg

from ats.core.errors import DependencyError, RefusedByGateError
from ats.core.orders import Action, Fill, OrderEvent, OrderIntent, Position, Side
from ats.store.postgres.database import Database, Row, storable
from ats.store.projections import OrderStatus, entry_times, net_positions, order_status

APPROVED = "approved"

_INTENT: LiteralString = (
    "INSERT INTO order_intents (session_id, account_id, client_order_id, action, strategy, instrument_id, side, quantity, order_type,"
    " time_in_force, limit_price, trigger_price, is_emulated, verdict, decided_at)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
_EVENT: LiteralString = (
    "INSERT INTO order_events (session_id, account_id, event_id, client_order_id, venue_order_id, strategy, instrument_id, kind, reason,"
    " event_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT ON CONSTRAINT order_events_once DO NOTHING"
)
_FILL: LiteralString = (
    "INSERT INTO fills (session_id, account_id, execution_id, client_order_id, venue_order_id, strategy, instrument_id, side, quantity,"
    " price, commission, currency, filled_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
    " ON CONFLICT ON CONSTRAINT fills_booked_once DO NOTHING"
)
_INTENTS_OF: LiteralString = (
    "SELECT client_order_id, strategy, instrument_id, side, quantity, order_type, time_in_force, limit_price, trigger_price, action,"
    " is_emulated, verdict, decided_at FROM order_intents WHERE session_id = %s ORDER BY position"
)
_EVENT_COLUMNS: LiteralString = "event_id, client_order_id, venue_order_id, strategy, instrument_id, kind, reason, event_at"
_EVENTS_OF: LiteralString = f"SELECT {_EVENT_COLUMNS} FROM order_events WHERE session_id = %s ORDER BY position"
_FILL_COLUMNS: LiteralString = (
    "execution_id, client_order_id, venue_order_id, strategy, instrument_id, side, quantity, price, commission, currency, filled_at"
)
_FILLS_OF: LiteralString = f"SELECT {_FILL_COLUMNS} FROM fills WHERE session_id = %s ORDER BY position"
_FILLS_OF_ACCOUNT: LiteralString = f"SELECT {_FILL_COLUMNS} FROM fills WHERE account_id = %s ORDER BY position"
_APPROVED_IDS: LiteralString = (
    "SELECT client_order_id FROM order_intents WHERE account_id = %s AND action = 'SUBMIT' AND verdict = 'approved'"
)


class DuplicateOrderError(RefusedByGateError):
    """An order with this id was already approved for this account; it will not be sent a second time (S2-34)."""

    code = "DUPLICATE_ORDER"


@dataclass(frozen=True, slots=True)
class JudgedIntent:
    """An intent as journalled: what was wanted, what Guardian said, when."""

    intent: OrderIntent
    verdict: str
    decided_at: datetime


class OrderJournalRepository:
    """The order journal of one session. Each write is durable when it returns, or raises DependencyError."""

    def __init__(self, database: Database, session_id: str, account_id: str) -> None:
        self._database = database
        self._key = (session_id, account_id)

    def record_intent(self, intent: OrderIntent, verdict: str, at: datetime) -> None:
        """Write the intent and its verdict. Raises DuplicateOrderError for a second approved submit of the same id."""
        what = (intent.client_order_id, intent.action.value, intent.strategy, intent.instrument_id, intent.side.value, intent.quantity)
        terms = (intent.order_type, intent.time_in_force, intent.limit_price, intent.trigger_price, intent.is_emulated)
        try:
            self._database.execute(_INTENT, (*self._key, *what, *terms, storable(verdict), at))
        except DependencyError as error:
            if isinstance(error.__cause__, psycopg.errors.UniqueViolation):
                raise DuplicateOrderError(
                    f"Order {intent.client_order_id} was already approved once on {self._key[1]}.", remedy="Mint a new id for a new order."
                ) from error
            raise

    def record_event(self, event: OrderEvent) -> None:
        """Write one order event; the same event id twice is one event."""
        order = (event.event_id, event.client_order_id, event.venue_order_id, event.strategy, event.instrument_id)
        reason = None if event.reason is None else storable(event.reason)
        self._database.execute(_EVENT, (*self._key, *order, event.kind, reason, event.event_at))

    def record_fill(self, fill: Fill) -> None:
        """Book one execution; the same execution id twice on the account is one fill."""
        order = (fill.execution_id, fill.client_order_id, fill.venue_order_id, fill.strategy, fill.instrument_id, fill.side.value)
        self._database.execute(_FILL, (*self._key, *order, fill.quantity, fill.price, fill.commission, fill.currency, fill.filled_at))


class OrderHistory:
    """Reads the journals of all sessions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def intents(self, session_id: str) -> list[JudgedIntent]:
        """Every intent of the session with its verdict, oldest first."""
        return [_judged(row) for row in self._database.rows(_INTENTS_OF, (session_id,))]

    def events(self, session_id: str) -> list[OrderEvent]:
        """Every order event of the session as written, oldest first."""
        return [OrderEvent(*row) for row in self._database.rows(_EVENTS_OF, (session_id,))]

    def fills(self, session_id: str) -> list[Fill]:
        """Every execution of the session as booked, oldest first."""
        return [_fill(row) for row in self._database.rows(_FILLS_OF, (session_id,))]

    def orders(self, session_id: str) -> list[OrderStatus]:
        """Where each order of the session stands, in the order they first appeared."""
        events, fills = defaultdict(list), defaultdict(list)
        for event in self.events(session_id):
            events[event.client_order_id].append(event)
        for fill in self.fills(session_id):
            fills[fill.client_order_id].append(fill)
        quantities = self._quantities(session_id)
        return [order_status(events[name], fills[name], quantities.get(name)) for name in dict.fromkeys((*events, *fills))]

    def positions(self, session_id: str) -> list[Position]:
        """What the session's fills add up to."""
        return net_positions(self.fills(session_id))

    def account_positions(self, account_id: str) -> list[Position]:
        """What all booked fills of the account add up to, over every session."""
        return net_positions(_fill(row) for row in self._database.rows(_FILLS_OF_ACCOUNT, (account_id,)))

    def entered_at(self, account_id: str) -> dict[str, datetime]:
        """When each position of the account that our fills explain was entered."""
        return entry_times(_fill(row) for row in self._database.rows(_FILLS_OF_ACCOUNT, (account_id,)))

    def approved_ids(self, account_id: str) -> set[str]:
        """Every order id that was ever approved for the account."""
        return {name for (name,) in self._database.rows(_APPROVED_IDS, (account_id,))}

    def _quantities(self, session_id: str) -> dict[str, Decimal]:
        return {
            judged.intent.client_order_id: judged.intent.quantity
            for judged in self.intents(session_id)
            if judged.verdict == APPROVED  # the last approved intent, submit or modify, holds the quantity
        }


def _judged(row: Row) -> JudgedIntent:
    name, strategy, instrument_id, side, quantity, order_type, time_in_force, limit, trigger, action, is_emulated, verdict, at = row
    terms = (Side(side), quantity, order_type, time_in_force, limit, trigger, Action(action), is_emulated)
    return JudgedIntent(OrderIntent(name, strategy, instrument_id, *terms), verdict, at)


def _fill(row: Row) -> Fill:
    execution_id, client_order_id, venue_order_id, strategy, instrument_id, side, *rest = row
    return Fill(execution_id, client_order_id, venue_order_id, strategy, instrument_id, Side(side), *rest)
