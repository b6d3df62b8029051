"""A paper or live session, put together in the order of its gates. Nothing is connected before everything local has said yes."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from ats.brokers.ib.session_broker import IbBroker
from ats.brokers.ib.venue import ib_venue
from ats.core.audit import AuditEvent
from ats.core.clock import to_ns
from ats.core.config import Settings
from ats.core.errors import AtsError, DependencyError
from ats.core.ids import mint_id
from ats.core.invariant import invariant
from ats.data.calendar import NewYorkExchange
from ats.kernel.guard import Guard
from ats.kernel.journal import EventRecorder
from ats.kernel.opens import MarketOpens
from ats.kernel.strategies import SleeveSetup, strategy_maker
from ats.kernel.trading_node import LiveNode
from ats.operations.plan import approval_caps
from ats.risk.guardian import Guardian, Refused
from ats.risk.kill_switch import read_all
from ats.session.accounts import check_account
from ats.session.control import SessionControl
from ats.session.gates import LiveClearance, check_confirmation, check_mode, check_not_killed, check_services, clear_for_live
from ats.session.journal import EchoingJournal, KnownOrders, SessionJournal
from ats.session.plan import SessionPlan
from ats.session.records import Mode, SessionRecord, Status
from ats.session.run import SessionPorts, SessionRun
from ats.session.summary import summary_lines
from ats.store.files import Beacon, SessionBeacon, SessionLock
from ats.store.postgres.orders import OrderJournalRepository
from ats.store.processes import ProcessIdentity
from ats.store.redis.telemetry import SurvivingTelemetry
from ats.wiring.world import World, check_audit, file_place, open_world

log = structlog.get_logger()
Confirm = Callable[[str], str | None]
"""Asks a person to type the account id; None when the input ends."""


@dataclass(frozen=True, slots=True)
class Voices:
    """How a session talks to people: lines on the screen, and the question that needs the account id typed."""

    say: Callable[[str], None]
    confirm: Confirm


def run_session(plan: SessionPlan, settings: Settings, voices: Voices, understood: str | None = None) -> None:
    """Run one session to its end. Raises the gate's, the dependency's or the halt's error.

    `understood`: the account id given with --i-understand, instead of typing it; only live asks.
    """
    check_mode(plan, live_enabled=settings.trading.enable_live_trading)
    with open_world(settings, voices.say) as world:
        check_audit(world)
        clearance = _clear(plan, world)
        for line in summary_lines(plan, clearance):
            voices.say(line)
        _confirm(plan, world, voices, understood)
        broker = IbBroker(plan.gateway.host, plan.gateway.port, plan.gateway.client_id, plan.mode, plan.instruments)
        account_id = _account(plan, world, broker)
        session_id = mint_id(plan.mode[0], world.clock.now())
        with SessionLock(settings.storage.data_dir, account_id).held(session_id):
            _close_crashed(world, account_id)
            _run_locked(replace(plan, account_id=account_id), clearance, session_id, account_id, world, broker, voices)


def _clear(plan: SessionPlan, world: World) -> LiveClearance | None:
    """Local gates: kill switch, approvals."""
    with _refusals_audited(plan, world):
        check_not_killed(read_all(world.kill_places))
        return clear_for_live(plan, approval_caps(world.settings, plan.instruments), world.approvals, world.clock.now())


def _confirm(plan: SessionPlan, world: World, voices: Voices, understood: str | None) -> None:
    """Live wants the whole account id, typed or given; every outcome is audited (rows C4, C5, J4)."""
    if plan.mode is not Mode.LIVE or plan.account_id is None:
        return
    way = "--i-understand" if understood is not None else "typed"
    with _refusals_audited(plan, world, way=way):
        check_confirmation(understood if understood is not None else voices.confirm(plan.account_id), plan.account_id)
    world.audit.append(AuditEvent("session.confirmed", world.actor, world.clock.now(), "cli", plan.account_id, {"way": way}))


def _account(plan: SessionPlan, world: World, broker: IbBroker) -> str:
    """The account the gateway reports, before anything but a handshake was sent (rows C2, C3, S3-22)."""
    with _refusals_audited(plan, world):
        facts = broker.facts()
        account_id = check_account(plan.mode, plan.account_id, facts.accounts)
        check_services(plan, facts, services_are_embedded=world.services.is_embedded)
    return account_id


@contextmanager
def _refusals_audited(plan: SessionPlan, world: World, **facts: object) -> Iterator[None]:
    """A start that a gate refuses, or a person breaks off, leaves a row that says why."""
    try:
        yield
    except (AtsError, KeyboardInterrupt) as error:
        reason = error.message if isinstance(error, AtsError) else "interrupted"
        refused = {"mode": str(plan.mode), "reason": reason, **facts}
        world.audit.append(AuditEvent("session.refused", world.actor, world.clock.now(), "cli", plan.account_id or "", refused))
        raise


def _close_crashed(world: World, account_id: str) -> None:
    """Mark what an earlier process left open: under the account's lock, no other process can be running a session of it."""
    for record in world.sessions.not_ended():
        if record.account_id == account_id:
            world.sessions.set_status(record.session_id, Status.CRASHED, world.clock.now(), "its process was gone at the next start")


def _run_locked(
    plan: SessionPlan, clearance: LiveClearance | None, session_id: str, account_id: str, world: World, broker: IbBroker, voices: Voices
) -> None:
    invariant(plan.mode is Mode.PAPER or clearance is not None, "live.is_cleared", session_id=session_id)
    now = world.clock.now()
    record = SessionRecord(session_id, plan.mode, account_id, Status.STARTING, plan.described(), os.getpid(), str(plan.gateway), now)
    approvals = [approval.approval_id for approval in clearance.approvals] if clearance else []
    world.audit.append(
        AuditEvent("session.starting", world.actor, now, "cli", account_id, {**plan.described(), "approvals": approvals}, session_id)
    )
    world.sessions.add(record)
    beacons = SessionBeacon(world.settings.storage.data_dir)
    beacons.light(
        Beacon(
            session_id, plan.mode, account_id, plan.gateway.host, plan.gateway.port, plan.gateway.client_id, now, ProcessIdentity.current()
        )
    )
    folder = world.settings.storage.artifacts / "sessions" / session_id
    folder.mkdir(parents=True, exist_ok=True)
    voices.say(f"Session {session_id}; its logs are in {folder}.")
    control = SessionControl(file_place(world.settings), world.other_kill_places, world.approvals if clearance else None, approvals)
    put_out = partial(beacons.put_out, account_id)
    try:
        asyncio.run(_run_node(plan, session_id, account_id, world, broker, control, folder, voices, put_out))
    except BaseException as error:
        _close_failed(world, session_id, error)
        raise


def _close_failed(world: World, session_id: str, error: BaseException) -> None:
    """A start that failed before the session could say so must not look as if it still ran. The first ending stays."""
    reason = error.message if isinstance(error, AtsError) else type(error).__name__
    try:
        world.sessions.set_status(session_id, Status.FAILED, world.clock.now(), reason)
    except DependencyError as lost:
        log.error("session.status_not_recorded", status="failed", error=lost.message)  # noqa: TRY400 -- the fact, not the trace


async def _run_node(
    plan: SessionPlan,
    session_id: str,
    account_id: str,
    world: World,
    broker: IbBroker,
    control: SessionControl,
    folder: Path,
    voices: Voices,
    put_out: Callable[[], None],
) -> None:
    """Run to the end; the beacon is put out when nothing is left that a kill would have to look for."""
    store = OrderJournalRepository(world.database, session_id, account_id)
    with SessionJournal(store, world.audit, session_id, control.journal_health) as journal:
        known = KnownOrders(world.orders.approved_ids(account_id), journal)
        guard = Guard(Guardian(plan.limits, control), known, has_edge=True, on_refused=partial(_tell_refusal, voices.say))
        ports = SessionPorts(
            broker=broker,
            control=control,
            sessions=world.sessions,
            audit=world.audit,
            telemetry=SurvivingTelemetry(world.telemetry(plan.mode), session_id),
            clock=world.clock,
            announce=voices.say,
            refusals=lambda: guard.refusals,
        )
        node = LiveNode(
            f"{plan.mode.upper()}-001", ib_venue(world.settings.ib, plan.mode, account_id, plan.instruments), plan.limits, folder
        )
        run = SessionRun(session_id, plan, account_id, node, ports)
        _stop_on_signals(run)
        recorder = EventRecorder(EchoingJournal(journal, voices.say), known.are_ours)
        node.build(guard, recorder, _strategies(plan, world, account_id))
        try:
            await run.run()
        finally:
            if run.leaves_nothing:
                put_out()


def _strategies(plan: SessionPlan, world: World, account_id: str) -> list[Any]:
    """One engine strategy a sleeve; their releases are spread so that a book that decides at one close keeps the submit rate."""
    entered = {name: to_ns(at) for name, at in world.orders.entered_at(account_id).items()}
    calendar = NewYorkExchange()
    return [
        strategy_maker(
            SleeveSetup(
                sleeve.strategy,
                str(sleeve.instrument_id),
                str(sleeve.bar_spec),
                sleeve.params,
                number,
                is_session=True,
                entered_ns=entered.get(str(sleeve.instrument_id), 0),
                release_delay_ns=(number - 1) * plan.limits.submit_interval_ns // plan.limits.submit_count,
            )
        )(MarketOpens(calendar, sleeve.bar_spec))
        for number, sleeve in enumerate(plan.sleeves, start=1)
    ]


def _stop_on_signals(run: SessionRun) -> None:
    """Each of them ends the session by its stop policy, also a terminal that closes. Set after the node, which installs handlers of its own."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, run.request_stop, signal.Signals(number).name)


def _tell_refusal(say: Callable[[str], None], refused: Refused) -> None:
    intent = refused.intent
    say(f"REFUSED {intent.side} {intent.quantity} {intent.instrument_id}: {refused}.")
