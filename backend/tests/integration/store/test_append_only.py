"""What the database itself refuses, to the application role and to its own owner."""

# ruff: noqa: S608 -- statements are built from this module's own constants

import psycopg
import pytest

from ats.core.audit import AuditEvent
from ats.core.errors import DependencyError
from ats.risk.approvals import ApprovalScope, GoLiveApproval
from ats.session.records import Mode
from ats.store.postgres.approvals import PostgresApprovals
from ats.store.postgres.kill import DatabaseKillPlace
from ats.store.postgres.sessions import PostgresSessions

KEPT_AS_WRITTEN = ["audit", "audit_chain", "order_intents", "order_events", "fills", "kill_switch"]


@pytest.fixture
def filled(database, audit, journal, records):
    """Every append-only table holds a row."""
    audit.append(AuditEvent("session.started", "ann", records.now, "cli", "s-1"))
    journal.record_intent(records.intent(), "approved", records.now)
    journal.record_event(records.event())
    journal.record_fill(records.fill())
    DatabaseKillPlace(database).switch_on("test", "ann", records.now)
    return database


def changes(table):
    column = "chain_id = gen_random_uuid()" if table == "audit_chain" else "kind = kind" if table == "audit" else "position = DEFAULT"
    return [f"UPDATE {table} SET {column}", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"]


@pytest.mark.parametrize("table", KEPT_AS_WRITTEN)
def test_the_application_role_cannot_update_delete_or_truncate(filled, table):
    """F1, S5-18."""
    for statement in changes(table):
        with pytest.raises(DependencyError, match="permission denied"):
            filled.execute(statement)
    assert filled.row(f"SELECT count(*) FROM {table}") == (1,)


@pytest.mark.parametrize("table", KEPT_AS_WRITTEN)
def test_a_trigger_refuses_the_owner_too(filled, owner, table):
    """F1."""
    for statement in changes(table):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="kept as they were written"):
            owner.execute(statement)
    assert filled.row(f"SELECT count(*) FROM {table}") == (1,)


def test_the_application_cannot_leave_its_role(filled):
    """F1: giving up the role by a reset gains nothing."""
    filled.execute("RESET ROLE")
    assert filled.row("SELECT current_user") == ("ats_app",)


@pytest.mark.parametrize("statement", ["DROP TABLE audit", "ALTER TABLE audit DISABLE TRIGGER ALL", "DROP FUNCTION audit_append"])
def test_the_application_cannot_take_the_guards_away(filled, statement):
    """F1."""
    with pytest.raises(DependencyError, match="must be owner"):
        filled.execute(statement)


def test_a_live_session_can_never_be_deleted_or_turned_into_a_paper_one(database, owner, records):
    sessions = PostgresSessions(database)
    sessions.add(records.session("live", Mode.LIVE, "U1234567"))
    sessions.add(records.session("paper"))
    with pytest.raises(DependencyError, match="can never be deleted"):
        database.execute("DELETE FROM sessions WHERE session_id = 'live'")
    for statement in ("DELETE FROM sessions", "TRUNCATE sessions CASCADE", "UPDATE sessions SET mode = 'paper'"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            owner.execute(statement)
    assert database.execute("DELETE FROM sessions WHERE session_id = 'paper'") == 1
    assert [session.session_id for session in sessions.recent()] == ["live"]


def test_an_approval_can_only_be_revoked_and_only_once(database, owner, records):
    scope = ApprovalScope("ibs", "d", "QQQ.NASDAQ", "1-DAY-LAST", {}, "U1234567", {})
    approval = GoLiveApproval("a-1", scope, scope.digest, "ann", "note", records.now, records.now.replace(month=6))
    PostgresApprovals(database).add(approval)
    for change in ("expires_at = expires_at + interval '1 day'", "account_id = 'U9999999'", "params = '{\"x\": 1}'"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="only be revoked"):
            owner.execute(f"UPDATE approvals SET {change}")
    PostgresApprovals(database).revoke("a-1", "ann", "done", records.now)
    for statement in ("UPDATE approvals SET revoked_at = NULL, revoked_by = NULL", "DELETE FROM approvals", "TRUNCATE approvals"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            owner.execute(statement)
