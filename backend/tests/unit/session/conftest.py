"""Scripted parts around a session: each implements its port in memory and does what the test says."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from ats.core.config import PaperRiskSettings
from ats.core.errors import DependencyError
from ats.core.ids import InstrumentId
from ats.core.market import BarSpec
from ats.core.orders import Position
from ats.risk.kill_switch import KillReading, Reading
from ats.risk.limits import limits_from
from ats.session.control import SessionControl
from ats.session.plan import Gateway, SessionPlan, Sleeve
from ats.session.ports import CancelReport, GatewayFacts
from ats.session.records import Mode
from ats.session.run import SessionPorts, SessionRun
from ats.signals.ibs_reversion import IbsReversionParams
from ats.testing.clock import ManualClock

QQQ = "QQQ.NASDAQ"
NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def held(quantity: int, instrument: str = QQQ) -> Position:
    return Position(instrument, Decimal(quantity), Decimal(100))


@dataclass
class Place:
    """Implements risk.kill_switch.KillPlace."""

    name: str = "file"
    reading: Reading = Reading.OFF
    reason: str = ""
    fails: bool = False
    written: list[str] = field(default_factory=list)

    def read(self) -> KillReading:
        return KillReading(self.name, self.reading, self.reason)

    def switch_on(self, reason: str, actor: str, at: datetime) -> None:
        if self.fails:
            raise DependencyError(f"{self.name} is down")
        self.reading, self.reason = Reading.ON, self.reason or reason
        self.written.append(reason)

    def switch_off(self) -> None:
        if self.fails:
            raise DependencyError(f"{self.name} is down")
        self.reading, self.reason = Reading.OFF, ""


@dataclass
class ScriptedNode:
    """Implements session.ports.Node."""

    is_trading: bool = False
    is_connected: bool = True
    starts: bool = True
    held: list[Position] = field(default_factory=list)
    working: list[str] = field(default_factory=list)
    cancels_take_effect: bool = True
    money: Decimal | None = Decimal(100_000)
    stop_hangs: bool = False
    did: list[str] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        self.is_trading = self.starts
        await self.ended.wait()

    async def stop(self) -> None:
        self.did.append("stop")
        if self.stop_hangs:
            await asyncio.Event().wait()
        self.is_trading = False
        self.ended.set()

    def halt(self) -> None:
        self.did.append("halt")

    def cancel_working_orders(self) -> int:
        self.did.append("cancel")
        count = len(self.working)
        if self.cancels_take_effect:
            self.working.clear()
        return count

    def working_orders(self) -> list[str]:
        return self.working

    def positions(self) -> list[Position]:
        return self.held

    def equity(self) -> Decimal | None:
        return self.money


@dataclass
class ScriptedBroker:
    """Implements session.ports.Broker. Answers are taken in order; the last one stays. An exception is raised."""

    positions_answers: list = field(default_factory=lambda: [()])
    cancel_answers: list = field(default_factory=lambda: [CancelReport(0)])
    asked: list[str] = field(default_factory=list)

    def facts(self) -> GatewayFacts:
        self.asked.append("facts")
        return GatewayFacts(("DU1234567",), True, 176)

    def positions(self, account_id: str) -> tuple[Position, ...]:
        return self._next("positions", self.positions_answers)

    def cancel_everything(self) -> CancelReport:
        return self._next("cancel", self.cancel_answers)

    def _next(self, name, answers):
        self.asked.append(name)
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if callable(answer):
            answer = answer()
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class Sessions:
    """The part of session.records.SessionStore a run uses."""

    statuses: list[tuple[str, str]] = field(default_factory=list)
    fails: bool = False

    def set_status(self, session_id, status, at, reason="") -> None:
        if self.fails:
            raise DependencyError("the database is down")
        self.statuses.append((str(status), reason))


@dataclass
class Audit:
    """Implements core.audit.AuditLog."""

    events: list = field(default_factory=list)
    fails: bool = False

    def append(self, event) -> int:
        if self.fails:
            raise DependencyError("the database is down")
        self.events.append(event)
        return len(self.events)

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]


@dataclass
class Telemetry:
    """Implements session.ports.Telemetry."""

    snapshots: list[dict] = field(default_factory=list)

    def publish(self, snapshot: dict) -> None:
        self.snapshots.append(snapshot)


class Stage:
    """A session made of scripted parts, and its run."""

    def __init__(self) -> None:
        self.node, self.broker = ScriptedNode(), ScriptedBroker()
        self.file, self.database = Place("file"), Place("database")
        self.sessions, self.audit, self.telemetry = Sessions(), Audit(), Telemetry()
        self.control = SessionControl(self.file, (self.database,), None, ())
        self.said: list[str] = []
        sleeve = Sleeve("ibs_reversion", InstrumentId("QQQ", "NASDAQ"), BarSpec(1, "DAY"), IbsReversionParams(), "a" * 64)
        limits = limits_from(PaperRiskSettings(), [QQQ])
        plan = SessionPlan(Mode.PAPER, "DU1234567", Gateway("127.0.0.1", 4002, 11), (sleeve,), limits, Decimal(5))
        ports = SessionPorts(
            self.broker, self.control, self.sessions, self.audit, self.telemetry, ManualClock(NOW), self.said.append
        )  # fmt: skip
        self.make = lambda **more: SessionRun("p-1", plan, "DU1234567", self.node, ports, **more)

    def start(self, **more) -> None:
        self.run = self.make(**more)
        self.task = asyncio.create_task(self.run.run())

    async def until(self, holds, seconds: float = 5) -> None:
        async with asyncio.timeout(seconds):
            while not holds():
                if self.task.done():
                    self.task.result()
                await asyncio.sleep(0.01)

    async def running(self) -> None:
        self.start()
        await self.until(lambda: self.heard("RUNNING"))

    async def stop(self) -> None:
        self.run.request_stop("SIGTERM")
        await asyncio.wait_for(self.task, 10)

    def heard(self, text: str) -> list[str]:
        return [line for line in self.said if text in line]

    held = staticmethod(held)
    now = NOW
    Place = Place


@pytest.fixture
async def stage():
    made = Stage()
    yield made
    if hasattr(made, "task") and not made.task.done():
        made.task.cancel()
        await asyncio.wait({made.task})
