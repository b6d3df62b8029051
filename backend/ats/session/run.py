"""Runs one session from start to end: node up, reconciled, watched four times a second, halted on a kill, stopped by policy.

Stop policy: working orders are cancelled, positions are kept. A kill cancels everything at the broker and keeps the process alive,
halted and visible, until an operator stops it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import structlog

from ats.core.audit import AuditEvent, AuditLog
from ats.core.clock import Clock
from ats.core.errors import AtsError, DependencyError, HaltedError, RefusedByGateError
from ats.risk.limits import Rule
from ats.session.control import POLL_SECONDS, SessionControl
from ats.session.plan import SessionPlan
from ats.session.ports import Broker, CancelReport, Node, Telemetry
from ats.session.reconcile import Difference, differences
from ats.session.records import SessionStore, Status

log = structlog.get_logger()
_HEARTBEAT_EVERY = 4
_RECONCILE_ATTEMPTS = 10
_RECONCILE_PAUSE_SECONDS = 1.0
_LOST_CONNECTION = "the gateway connection is lost"
_CANCEL_AGAIN_SECONDS = 5.0
_CANCEL_CHECKS = 20
_STOP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class SessionPorts:
    """The world of a session. `refusals` counts what Guardian refused so far, by rule."""

    broker: Broker
    control: SessionControl
    sessions: SessionStore
    audit: AuditLog
    telemetry: Telemetry
    clock: Clock
    announce: Callable[[str], None]
    refusals: Callable[[], Mapping[Rule, int]] = dict


class SessionRun:
    """One session. `run` returns when it was stopped, and raises what ended it otherwise."""

    def __init__(
        self, session_id: str, plan: SessionPlan, account_id: str, node: Node, ports: SessionPorts, start_timeout_seconds: float = 90.0
    ) -> None:
        self._id, self._plan, self._account_id, self._node, self._ports = session_id, plan, account_id, node, ports
        self._start_timeout_seconds = start_timeout_seconds
        self.left_working: tuple[str, ...] = ()
        self._stop = asyncio.Event()
        self._halted = False
        self._ended_in_order = False
        self._last_said = ""
        self._cancel_due_at: float | None = None
        self._cancel_outcome = ""
        self._is_connected = True
        self._return: asyncio.Task[None] | None = None
        self._peak = Decimal(0)
        self._drawdown_told = False

    @property
    def leaves_nothing(self) -> bool:
        """Whether it ended in order with no order left: stopped with every cancel confirmed, or halted and the broker's list read back empty."""
        return self._ended_in_order and not self.left_working and (not self._halted or self._cancel_due_at is None)

    def request_stop(self, reason: str) -> None:
        """Ask the session to end; safe from a signal handler on the loop."""
        self._ports.announce(f"Stopping: {reason}.")
        self._stop.set()

    async def run(self) -> None:
        """Start, reconcile, watch, stop. Raises RefusedByGateError, DependencyError or HaltedError when it ended otherwise."""
        node_task = asyncio.create_task(self._node.run(), name="node")
        try:
            await self._come_up(node_task)
            await self._watch(node_task)
        except Exception as error:
            await self._wind_down(node_task)  # whatever ended it, a bug too: orders are cancelled and the record is closed
            message = error.message if isinstance(error, AtsError) else f"{type(error).__name__}: {error}"
            halted = isinstance(error, HaltedError)
            self._status(Status.STOPPED if halted else Status.FAILED, f"halted: {message}" if halted else message)
            raise
        await self._wind_down(node_task)
        self._ended_in_order = True
        if self._halted:
            self._status(Status.STOPPED, f"halted: {self._ports.control.killed}")
            raise HaltedError(
                f"The session ended halted: {self._ports.control.killed}.",
                remedy="Lift the kill switch with `ats resume --reason …` before the next start.",
            )
        left = f"; {len(self.left_working)} orders not confirmed as cancelled" if self.left_working else ""
        self._status(Status.STOPPED, f"stopped by the operator{left}")

    async def _come_up(self, node_task: asyncio.Task[None]) -> None:
        self._status(Status.RECONCILING)
        self._ports.announce("Connecting and reconciling with the broker …")
        await self._until_trading(node_task)
        if self._stop.is_set():
            return
        await self._reconcile()
        if self._stop.is_set():
            return
        await asyncio.to_thread(self._ports.control.poll, self._ports.clock.now())
        if self._ports.control.killed:
            raise HaltedError(
                f"The kill switch came on during the start: {self._ports.control.killed}.", remedy="Lift it with `ats resume --reason …`."
            )
        self._ports.control.ready()
        self._status(Status.RUNNING)
        held = ", ".join(f"{position.quantity} {position.instrument_id}" for position in self._node.positions()) or "no position"
        self._ports.announce(f"RUNNING on {self._account_id}: reconciled, {held}.")
        foreign = [position.instrument_id for position in self._node.positions() if position.instrument_id not in self._plan.instruments]
        if foreign:
            self._ports.announce(
                f"The account also holds {', '.join(foreign)}, which no sleeve trades: without a price for it Guardian refuses every entry (NO_PRICE)."
            )

    async def _until_trading(self, node_task: asyncio.Task[None]) -> None:
        """Wait until strategies were really started; the engine's own RUNNING is not proof."""
        deadline = asyncio.get_running_loop().time() + self._start_timeout_seconds
        while not self._node.is_trading and not self._stop.is_set():
            if node_task.done():
                raise DependencyError("The trading node ended during its start.", remedy="Read the engine log in the session's folder.")
            if asyncio.get_running_loop().time() > deadline:
                raise DependencyError(
                    f"The trading node was not trading after {self._start_timeout_seconds:g} s: it could not connect, load the instruments or reconcile.",
                    remedy="Read the engine log in the session's folder; check the gateway and the instrument ids.",
                )
            await asyncio.sleep(POLL_SECONDS)

    async def _reconcile(self) -> None:
        """Node and broker must agree on the session's instruments before anything may be sent (row D1)."""
        found: tuple[Difference, ...] = ()
        for _ in range(_RECONCILE_ATTEMPTS):
            if self._stop.is_set():
                return
            broker = await asyncio.to_thread(self._ports.broker.positions, self._account_id)
            mine = [position for position in broker if position.instrument_id in self._plan.instruments]
            found = differences([p for p in self._node.positions() if p.instrument_id in self._plan.instruments], mine)
            if not found:
                return
            await asyncio.sleep(_RECONCILE_PAUSE_SECONDS)
        shown = "; ".join(str(difference) for difference in found)
        raise RefusedByGateError(
            f"Reconciliation failed: {shown}.",
            remedy="Compare with the broker's own view; do not trade until they agree.",
            differences=shown,
        )

    async def _watch(self, node_task: asyncio.Task[None]) -> None:
        beat = 0
        while not self._stop.is_set():
            if node_task.done():
                raise DependencyError("The trading node ended on its own.", remedy="Read the engine log in the session's folder.")
            await asyncio.to_thread(self._ports.control.poll, self._ports.clock.now())
            if self._ports.control.killed and not self._halted:
                self._halt(self._ports.control.killed)
            await self._cancel_at_broker()
            self._follow_connection()
            if beat % _HEARTBEAT_EVERY == 0:
                self._check_drawdown()
                await asyncio.to_thread(self._ports.telemetry.publish, self._snapshot())
            beat += 1
            await self._pause()

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._stop.wait(), POLL_SECONDS)
        except TimeoutError:
            return

    def _follow_connection(self) -> None:
        """Entries stop while the gateway is away, and come back only after positions were compared again.

        The comparison runs beside the watch: however slowly the broker answers, the kill switch is read four times a second.
        """
        connected = self._node.is_connected
        if self._is_connected and not connected:
            self._is_connected = False
            self._ports.control.not_ready(_LOST_CONNECTION)
            self._audit("session.gateway_lost", {})
            self._ports.announce("Gateway connection lost: entries are blocked.")
        if self._is_connected:
            return
        if not connected:
            self._give_up_return()
        elif self._return is None:
            self._return = asyncio.create_task(self._reconcile(), name="reconcile")
        elif self._return.done():
            self._take_return(self._return)

    def _take_return(self, reconciled: asyncio.Task[None]) -> None:
        self._return = None
        try:
            reconciled.result()
        except AtsError as error:
            self._ports.control.not_ready(error.message)
            self._announce_once(f"Entries stay blocked: {error.message}")
            return
        self._is_connected = True
        self._ports.control.ready()
        self._audit("session.gateway_back", {})
        self._ports.announce("Gateway is back and reconciled: entries are allowed.")

    def _give_up_return(self) -> None:
        if self._return is not None:
            self._return.cancel()
            self._return = None

    def _halt(self, reason: str) -> None:
        """Deny at every layer and cancel through the node; the broker-wide cancel follows, as often as it takes."""
        self._halted = True
        self._node.halt()
        sent = self._node.cancel_working_orders()
        self._ports.announce(f"KILLED: {reason}. Nothing is submitted; cancelling working orders.")
        self._status(Status.HALTED, reason)
        self._audit("session.halted", {"reason": reason, "cancels_sent_by_node": sent})
        self._cancel_due_at = asyncio.get_running_loop().time()

    async def _cancel_at_broker(self) -> None:
        """Cancel everything through the second client and read back; again every few seconds until nothing is left working."""
        if self._cancel_due_at is None or asyncio.get_running_loop().time() < self._cancel_due_at:
            return
        try:
            report = await asyncio.to_thread(self._ports.broker.cancel_everything)
        except DependencyError as error:
            log.warning("session.cancel_not_read_back", error=error.message)
            report = None
        is_clean = report is not None and not report.remaining
        self._cancel_due_at = None if is_clean else asyncio.get_running_loop().time() + _CANCEL_AGAIN_SECONDS
        self._tell_cancel(report)

    def _tell_cancel(self, report: CancelReport | None) -> None:
        """Each outcome once: an order that stays is tried again in silence."""
        outcome = _described(report)
        if outcome == self._cancel_outcome:
            return
        self._cancel_outcome = outcome
        self._audit("session.orders_cancelled", {"broker": outcome})
        self._ports.announce(f"HALTED: working orders at the broker: {outcome}.")

    async def _wind_down(self, node_task: asyncio.Task[None]) -> None:
        """Cancel what works, stop the node; bounded, whatever the engine does."""
        self._give_up_return()
        if self._node.is_trading:
            await self._cancel_own_orders()
        try:
            await asyncio.wait_for(self._node.stop(), _STOP_SECONDS)
            await asyncio.wait_for(asyncio.shield(node_task), timeout=5)
        except TimeoutError:
            log.warning("session.node_stop_timed_out")
            node_task.cancel()

    async def _cancel_own_orders(self) -> None:
        """Wait for the broker's word on each cancel: an order that was only asked to go may still be there."""
        sent = self._node.cancel_working_orders()
        if not sent:
            return
        for _ in range(_CANCEL_CHECKS):
            if not self._node.working_orders():
                break
            await asyncio.sleep(POLL_SECONDS)
        self.left_working = tuple(self._node.working_orders())
        if self.left_working:
            self._ports.announce(f"NOT CONFIRMED as cancelled: {', '.join(self.left_working)}. Check at the broker, or run `ats kill`.")
        else:
            self._ports.announce(f"Cancelled {sent} working orders; positions are kept.")

    def _announce_once(self, text: str) -> None:
        """Say it, unless it was the last thing said: a state that lasts is told once."""
        if text != self._last_said:
            self._last_said = text
            self._ports.announce(text)

    def _check_drawdown(self) -> None:
        equity = self._node.equity()
        if equity is None or equity <= 0:
            return
        self._peak = max(self._peak, equity)
        drawdown_pct = (self._peak - equity) / self._peak * 100
        if drawdown_pct >= self._plan.alert_drawdown_pct and not self._drawdown_told:
            self._drawdown_told = True
            self._audit("session.drawdown_alerted", {"drawdown_pct": round(drawdown_pct, 2), "limit_pct": self._plan.alert_drawdown_pct})
            self._ports.announce(f"ALERT: drawdown {drawdown_pct:.2f} % from the session's peak.")

    def _snapshot(self) -> dict[str, object]:
        equity = self._node.equity()
        block = self._ports.control.block()
        return {
            "session_id": self._id,
            "mode": str(self._plan.mode),
            "account_id": self._account_id,
            "at": self._ports.clock.now().isoformat(),
            "status": str(Status.HALTED if self._halted else Status.RUNNING),
            "equity": str(equity) if equity is not None else "",
            "positions": {position.instrument_id: str(position.quantity) for position in self._node.positions()},
            "connected": self._node.is_connected,
            "blocked": block.reason if block else "",
            "refusals": {str(rule): count for rule, count in self._ports.refusals().items()},
        }

    def _status(self, status: Status, reason: str = "") -> None:
        """Record where the session stands; a store that is away must not keep a halt or a stop from happening."""
        try:
            self._ports.sessions.set_status(self._id, status, self._ports.clock.now(), reason)
            if status is not Status.HALTED:
                self._audit(f"session.{status}", {"reason": reason} if reason else {})
        except DependencyError as error:
            log.error("session.status_not_recorded", status=str(status), error=error.message)  # noqa: TRY400 -- the fact, not the trace

    def _audit(self, kind: str, facts: dict[str, Any]) -> None:
        try:
            self._ports.audit.append(AuditEvent(kind, "session", self._ports.clock.now(), "session", self._account_id, facts, self._id))
        except DependencyError as error:
            log.error("session.audit_not_written", kind=kind, error=error.message)  # noqa: TRY400 -- the fact, not the trace


def _described(report: CancelReport | None) -> str:
    if report is None:
        return "the broker could not be asked; it is asked again until it answers"
    left = f": {'; '.join(report.remaining)}" if report.remaining else ""
    return f"{report.found} found, {len(report.remaining)} remain{left}"
