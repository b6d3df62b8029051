"""Guardian on the order path: three rings that no order gets around, in backtest, paper and live alike.

Ring 1 stands before the engine's RiskEngine, ring 2 before its ExecutionEngine (released emulated orders and direct sends arrive
there), ring 3 inside the execution client (`brokers/*/edge.py`), where nothing in the process can re-register an endpoint.
Cancels and queries pass unjudged: nothing may stand between an operator and a cancel. There is no flag to switch it off.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from enum import IntEnum
from typing import Any, Protocol

from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import ModifyOrder
from nautilus_trader.model.enums import OrderStatus
from nautilus_trader.model.events import OrderDenied, OrderModifyRejected

from ats.core.clock import from_ns
from ats.core.errors import AtsError
from ats.core.orders import Action, OrderIntent, OrderJournal
from ats.kernel.book import CacheBook
from ats.kernel.convert import JUDGED_COMMANDS, intent_from_modify, intent_from_order, orders_of
from ats.risk.guardian import Approved, Guardian, Refused
from ats.risk.limits import Rule

_DENIABLE = (OrderStatus.INITIALIZED, OrderStatus.RELEASED)
_SENDABLE = (*_DENIABLE, OrderStatus.EMULATED)


class EdgeCheck(Protocol):
    """What the execution client asks right before an order leaves the process."""

    def permits(self, client_order_id: str, action: Action) -> str | None:
        """None when Guardian approved exactly this and nothing has blocked trading since; otherwise why not."""
        ...


class _Ring(IntEnum):
    RISK = 1
    EXECUTION = 2


class Guard:
    """Installs Guardian on an engine kernel, turns refusals into denials, and answers the edge.

    Every intent is journalled with its verdict before it may leave; an intent that cannot be written is refused (rows A20, D2).
    """

    def __init__(
        self, guardian: Guardian, journal: OrderJournal, *, has_edge: bool, on_refused: Callable[[Refused], None] | None = None
    ) -> None:
        self.guardian = guardian
        self.refusals: Counter[Rule] = Counter()
        self._journal = journal
        self._has_edge = has_edge
        self._on_refused = on_refused
        self._passed: dict[tuple[str, Action], _Ring] = {}

    def install(self, kernel: Any) -> None:
        """Take both bus endpoints. `kernel` is the engine's kernel, before it runs."""
        bus = kernel.msgbus
        self._bus, self._cache, self._clock = bus, kernel.cache, kernel.clock
        self.book = CacheBook(kernel.cache)
        self._to_risk, self._to_execution = kernel.risk_engine.execute, kernel.exec_engine.execute
        bus.deregister("RiskEngine.execute", self._to_risk)
        bus.register("RiskEngine.execute", self._on_risk)
        bus.deregister("ExecEngine.execute", self._to_execution)
        bus.register("ExecEngine.execute", self._on_execution)
        bus.deregister("OrderEmulator.execute", kernel.emulator.execute)
        bus.register("OrderEmulator.execute", self._on_emulator)
        self._to_emulator = kernel.emulator.execute

    def permits(self, client_order_id: str, action: Action) -> str | None:
        """Ring 3: the approval is used up here, once."""
        if self._passed.pop((client_order_id, action), None) is not _Ring.EXECUTION:
            return f"{Rule.GUARDIAN_ERROR}: {action.lower()} {client_order_id} was not approved by Guardian"
        block = self.guardian.last_word()
        return f"{block.rule}: {block.reason}" if block is not None else None

    def _on_risk(self, command: Any) -> None:
        if not isinstance(command, JUDGED_COMMANDS) or self._approve(command, _Ring.RISK):
            self._to_risk(command)

    def _on_execution(self, command: Any) -> None:
        if not isinstance(command, JUDGED_COMMANDS):
            self._to_execution(command)
            return
        keys = self._keys(command)
        if all(self._passed.get(key) is _Ring.RISK for key in keys) or self._approve(command, _Ring.EXECUTION):
            self._advance(keys)
            self._to_execution(command)

    def _on_emulator(self, command: Any) -> None:
        """Emulated orders are refused where they would be parked; everything else the emulator is sent is a cancel or a query."""
        if not isinstance(command, JUDGED_COMMANDS) or self._approve(command, _Ring.RISK):
            self._to_emulator(command)

    def _advance(self, keys: list[tuple[str, Action]]) -> None:
        for key in keys:
            if self._has_edge:
                self._passed[key] = _Ring.EXECUTION
            else:
                self._passed.pop(key, None)

    def _approve(self, command: Any, ring: _Ring) -> bool:
        """Judge every order of the command; one refusal denies them all."""
        try:
            intents = self._intents(command)
        except Exception as error:  # noqa: BLE001 -- a command that cannot be read is refused, row A17
            self._deny(command, f"{Rule.GUARDIAN_ERROR}: {type(error).__name__}: {error}", [])
            return False
        approved: list[OrderIntent] = []
        for intent in intents:
            refused = self._refusal(intent, command)
            if refused is not None:
                for earlier in approved:
                    self.book.release(earlier.client_order_id)
                self._deny(command, str(refused), [refused])
                return False
            approved.append(intent)
        for intent in approved:
            self._passed[intent.client_order_id, intent.action] = ring
        return True

    def _refusal(self, intent: OrderIntent, command: Any) -> Refused | None:
        now_ns = self._clock.timestamp_ns()
        verdict = self._already_sent(intent, command) or self.guardian.judge(intent, self.book, now_ns)
        at = from_ns(now_ns)
        try:
            self._journal.record_intent(intent, "approved" if isinstance(verdict, Approved) else str(verdict), at)
        except AtsError as error:
            verdict = (
                verdict if isinstance(verdict, Refused) else Refused(intent, Rule.JOURNAL_UNAVAILABLE, error.message, "a durable intent")
            )
        if isinstance(verdict, Refused):
            return verdict
        if intent.action is Action.SUBMIT:
            self.book.reserve(intent)
        return None

    def _already_sent(self, intent: OrderIntent, command: Any) -> Refused | None:
        """A submit of an order that is already on its way would send it twice."""
        if isinstance(command, ModifyOrder):
            return None
        order = self._order_of(intent, command)
        if order.status in _SENDABLE:
            return None
        return Refused(intent, Rule.MALFORMED_ORDER, f"{intent.client_order_id} was already submitted", "each order once")

    def _order_of(self, intent: OrderIntent, command: Any) -> Any:
        orders = orders_of(command)
        return orders[0] if len(orders) == 1 else next(order for order in orders if order.client_order_id.value == intent.client_order_id)

    def _intents(self, command: Any) -> list[OrderIntent]:
        if isinstance(command, ModifyOrder):
            order = self._cache.order(command.client_order_id)
            if order is None:
                raise LookupError(f"modify of the unknown order {command.client_order_id}")
            return [intent_from_modify(command, order)]
        return [intent_from_order(order) for order in orders_of(command)]

    def _keys(self, command: Any) -> list[tuple[str, Action]]:
        if isinstance(command, ModifyOrder):
            return [(command.client_order_id.value, Action.MODIFY)]
        return [(order.client_order_id.value, Action.SUBMIT) for order in orders_of(command)]

    def _deny(self, command: Any, reason: str, refused: list[Refused]) -> None:
        for one in refused:
            self.refusals[one.rule] += 1
            if self._on_refused is not None:
                self._on_refused(one)
        if not refused:
            self.refusals[Rule.GUARDIAN_ERROR] += 1
        now = self._clock.timestamp_ns()
        if isinstance(command, ModifyOrder):
            self._reject_modify(command, reason, now)
            return
        for order in orders_of(command):
            self.book.release(order.client_order_id.value)
            if order.status in _DENIABLE:
                self._deny_order(order, reason, now)

    def _deny_order(self, order: Any, reason: str, now: int) -> None:
        if not self._cache.order_exists(order.client_order_id):
            self._cache.add_order(order)
        event = OrderDenied(order.trader_id, order.strategy_id, order.instrument_id, order.client_order_id, reason, UUID4(), now)
        self._bus.send("ExecEngine.process", event)

    def _reject_modify(self, command: ModifyOrder, reason: str, now: int) -> None:
        order = self._cache.order(command.client_order_id)
        if order is None or order.is_closed:
            return
        event = OrderModifyRejected(
            order.trader_id,
            order.strategy_id,
            order.instrument_id,
            order.client_order_id,
            order.venue_order_id,
            order.account_id,
            reason,
            UUID4(),
            now,
            now,
        )
        self._bus.send("ExecEngine.process", event)
