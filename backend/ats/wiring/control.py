"""The kill switch from outside a session: which gateways to ask, and whatever of the services can be reached."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager

import redis

from ats.brokers.ib.client_ids import probe_client_id
from ats.brokers.ib.probe import ProbeState, probe
from ats.brokers.ib.session_broker import IbBroker
from ats.core.clock import SystemClock
from ats.core.config import Settings
from ats.core.errors import AtsError, DependencyError
from ats.operations.kill import KillReport, kill, record_kill, resume
from ats.operations.status import SessionStanding, Standing
from ats.risk.kill_switch import KillPlace, KillState, Reading, read_all
from ats.session.records import Mode
from ats.store.embedded import open_database, open_redis
from ats.store.files import Beacon, SessionBeacon
from ats.store.postgres.audit import PostgresAuditLog
from ats.store.postgres.database import Database
from ats.store.postgres.kill import DatabaseKillPlace
from ats.store.postgres.migrate import migrate
from ats.store.redis.connection import connect_redis
from ats.store.redis.kill import RedisKillPlace
from ats.store.redis.namespace import Namespace
from ats.store.redis.telemetry import SessionTelemetry
from ats.wiring.world import UnreachablePlace, anchor_of, current_actor, file_place, open_world

_NOT_SEEN: Mapping[str, object] = {"telemetry": "Redis cannot be reached"}
_PROBE_SECONDS = 2.0
_CANCEL_SECONDS = 10.0


def known_gateways(settings: Settings, beacons: list[Beacon]) -> Iterator[tuple[str, IbBroker]]:
    """The gateways of every session that did not end in order, then the configured ones that answer; each probed when its turn comes."""
    lit = {(beacon.gateway_host, beacon.gateway_port): (beacon.mode, beacon.client_id) for beacon in beacons}
    for (host, port), (mode, client_id) in sorted(lit.items()):
        yield _gateway(mode, host, port, client_id)
    ib = settings.ib
    for mode, port in ((Mode.PAPER, ib.paper_port), (Mode.LIVE, ib.live_port)):
        is_known = (ib.host, port) in lit
        if not is_known and probe(ib.host, port, probe_client_id(ib.client_id), _PROBE_SECONDS).state is not ProbeState.DOWN:
            yield _gateway(mode, ib.host, port, ib.client_id)


def _gateway(mode: Mode, host: str, port: int, client_id: int) -> tuple[str, IbBroker]:
    return f"{mode} gateway {host}:{port}", IbBroker(host, port, client_id, mode, (), _CANCEL_SECONDS)


def pull_kill_switch(settings: Settings, reason: str, announce: Callable[[str], None]) -> KillReport:
    """Sentinel file and gateways first, with nothing else needed; then database, Redis and audit, each if it can be reached."""
    beacons, problems = SessionBeacon(settings.storage.data_dir).all()
    for problem in problems:
        announce(problem)
    clock, actor = SystemClock(), current_actor()
    local = file_place(settings)
    report = kill(local, known_gateways(settings, beacons), clock, actor, reason)
    with _database(settings) as (database_place, audit), _redis(settings) as (redis_place, _):
        return record_kill(report, (database_place, redis_place), audit, clock, actor, reason)


@contextmanager
def _database(settings: Settings) -> Iterator[tuple[KillPlace, PostgresAuditLog | None]]:
    """The database's place and the audit log, or a place that says why not."""
    with ExitStack() as stack:
        try:
            url = stack.enter_context(open_database(settings.storage, _silently))
            migrate(url)
            database = stack.enter_context(Database(url))
            found: tuple[KillPlace, PostgresAuditLog | None] = DatabaseKillPlace(database), PostgresAuditLog(database, anchor_of(settings))
        except AtsError as error:
            found = UnreachablePlace("database", error.message), None
        yield found


@contextmanager
def _redis(settings: Settings) -> Iterator[tuple[KillPlace, redis.Redis | None]]:
    """Redis' place and the connection, or a place that says why not."""
    with ExitStack() as stack:
        try:
            connection = connect_redis(stack.enter_context(open_redis(settings.storage, _silently)))
            stack.callback(connection.close)
            found: tuple[KillPlace, redis.Redis | None] = RedisKillPlace(connection), connection
        except AtsError as error:
            found = UnreachablePlace("redis", error.message), None
        yield found


def _silently(_text: str) -> None:
    """A kill has more important things to say than which services it started."""


def standing(settings: Settings) -> Standing:
    """Kill switch, sessions and services, each as far as it can be read; never raises for a service that is down."""
    beacons, problems = SessionBeacon(settings.storage.data_dir).all()
    with _database(settings) as (database_place, _), _redis(settings) as (redis_place, connection):
        kill_state = read_all((file_place(settings), database_place, redis_place))
        sessions = [_standing_of(beacon, connection) for beacon in beacons]
    unreadable = [f"{reading.place}: {reading.reason}" for reading in kill_state.readings if reading.reading is Reading.UNREADABLE]
    return Standing(kill_state, sessions, [*unreadable, *problems])


def _standing_of(beacon: Beacon, connection: redis.Redis | None) -> SessionStanding:
    snapshot: Mapping[str, object]
    try:
        snapshot = (SessionTelemetry(connection, Namespace(beacon.mode)).latest(beacon.session_id) or {}) if connection else _NOT_SEEN
    except AtsError as error:
        snapshot = {"telemetry": error.message}
    return SessionStanding(beacon.session_id, str(beacon.mode), beacon.account_id, beacon.is_alive, snapshot)


def lift_kill_switch(settings: Settings, reason: str, announce: Callable[[str], None]) -> KillState:
    """Lift the switch in every place; each known gateway must answer first. Raises RefusedByGateError, DependencyError or HaltedError."""
    beacons, _ = SessionBeacon(settings.storage.data_dir).all()
    with open_world(settings, announce) as world:
        try:
            return resume(world.kill_places, known_gateways(settings, beacons), world.audit, world.clock, world.actor, reason)
        except DependencyError as error:
            gone = f"If that gateway is gone for good and its account is checked, remove the session's file in {settings.storage.data_dir / 'sessions'}."
            raise DependencyError(error.message, remedy=f"{error.remedy} {gone}", **error.facts) from error
