"""What the store's tests share: the schema owner's hand, our records, and processes to break."""

import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal

import psycopg
import pytest

from ats.core.orders import Fill, OrderEvent, OrderIntent, Side
from ats.session.records import Mode, SessionRecord, Status
from ats.store.anchor import AnchorFile
from ats.store.postgres.audit import PostgresAuditLog
from ats.store.postgres.orders import OrderJournalRepository
from ats.store.postgres.sessions import PostgresSessions

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


class Records:
    """Makes our records with one word where only that word matters."""

    now = NOW

    def session(self, session_id="s-1", mode=Mode.PAPER, account_id="DU1234567", status=Status.STARTING, **more) -> SessionRecord:
        return SessionRecord(session_id, mode, account_id, status, {"strategy": "ibs"}, 1, "127.0.0.1:4002", NOW, **more)

    def intent(self, name="O-1", **more) -> OrderIntent:
        return OrderIntent(name, "ibs", "QQQ.NASDAQ", Side.BUY, more.pop("quantity", Decimal(10)), "MARKET", "DAY", **more)

    def event(self, event_id="e-1", kind="OrderSubmitted", name="O-1", **more) -> OrderEvent:
        return OrderEvent(event_id, name, more.pop("venue_order_id", None), "ibs", "QQQ.NASDAQ", kind, more.pop("reason", None), NOW)

    def fill(self, execution_id="x-1", name="O-1", side=Side.BUY, quantity="10", price="100.25") -> Fill:
        return Fill(execution_id, name, "7", "ibs", "QQQ.NASDAQ", side, Decimal(quantity), Decimal(price), Decimal("1.0"), "USD", NOW)


@pytest.fixture
def records() -> Records:
    return Records()


@pytest.fixture
def audit(database, tmp_path) -> PostgresAuditLog:
    return PostgresAuditLog(database, AnchorFile(tmp_path / "audit" / "anchor.jsonl"))


@pytest.fixture
def journal(database, records) -> OrderJournalRepository:
    PostgresSessions(database).add(records.session())
    return OrderJournalRepository(database, "s-1", "DU1234567")


@pytest.fixture
def owner(database_url) -> Iterator[psycopg.Connection]:
    """A superuser's connection: what no promise of the application role can bind."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def without_triggers(owner) -> Callable:
    """Run statements as a superuser who has switched every trigger off."""

    def run(*statements: str) -> None:
        with owner.transaction():
            owner.execute("SET LOCAL session_replication_role = replica")
            for statement in statements:
                owner.execute(statement)

    return run


@pytest.fixture
def start_python(tmp_path) -> Iterator[Callable[..., subprocess.Popen]]:
    """Start a Python process on a program text; whatever still runs at the end is killed."""
    started: list[subprocess.Popen] = []

    def start(program: str, *arguments: object, **how: object) -> subprocess.Popen:
        path = tmp_path / f"program_{len(started)}.py"
        path.write_text(textwrap.dedent(program))
        command = [sys.executable, str(path), *map(str, arguments)]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True, **how
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
