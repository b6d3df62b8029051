"""Sessions, approvals and runs come back as they went in, and move only as they may."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from ats.core.errors import DependencyError, InputError, InvariantError, RefusedByGateError
from ats.core.runs import RunRecord, RunStatus
from ats.risk.approvals import ApprovalScope, GoLiveApproval, drift
from ats.session.records import Mode, Status
from ats.store.postgres.approvals import PostgresApprovals
from ats.store.postgres.database import durability_problems
from ats.store.postgres.runs import PostgresRuns
from ats.store.postgres.sessions import PostgresSessions


@pytest.fixture
def sessions(database):
    return PostgresSessions(database)


@pytest.fixture
def approvals(database):
    return PostgresApprovals(database)


@pytest.fixture
def runs(database):
    return PostgresRuns(database)


def approval(name, now, **more):
    params = {"buy_threshold": 0.2, "sell_threshold": Decimal("0.80"), "deep": {"list": [1, "x", None]}}
    fields = {"strategy": "ibs", "source_digest": "d" * 64, "instrument_id": "QQQ.NASDAQ", "bar_spec": "1-DAY-LAST", "params": params}
    scope = ApprovalScope(**(fields | more), account_id="U1234567", caps={"max_position_notional": "20000"})
    return GoLiveApproval(name, scope, scope.digest, "ann", "a note\x00", now, now + timedelta(days=90))


def test_a_session_keeps_its_life(sessions, records):
    record = records.session(mode=Mode.LIVE, account_id="U1234567")
    sessions.add(record)
    assert sessions.get("s-1") == record
    sessions.set_status("s-1", Status.RUNNING, records.now)
    sessions.add_facts("s-1", {"orders": 2, "equity": Decimal("1000.50")})
    sessions.add_facts("s-1", {"orders": 3})
    assert [session.session_id for session in sessions.not_ended()] == ["s-1"]
    later = records.now + timedelta(hours=1)
    sessions.set_status("s-1", Status.STOPPED, later, "asked to")
    found = sessions.get("s-1")
    assert (found.status, found.ended_at, found.end_reason) == (Status.STOPPED, later, "asked to")
    assert found.facts == {"orders": 3, "equity": "1000.5"}
    assert sessions.not_ended() == []


def test_the_first_ending_of_a_session_stays(sessions, records):
    sessions.add(records.session())
    sessions.set_status("s-1", Status.CRASHED, records.now, "its process is gone")
    sessions.set_status("s-1", Status.STOPPED, records.now + timedelta(hours=1), "asked to")
    assert (sessions.get("s-1").status, sessions.get("s-1").end_reason) == (Status.CRASHED, "its process is gone")


def test_an_unknown_session_cannot_be_moved_in_silence(sessions, records):
    with pytest.raises(DependencyError, match="s-9"):
        sessions.set_status("s-9", Status.RUNNING, records.now)
    with pytest.raises(DependencyError, match="s-9"):
        sessions.add_facts("s-9", {})
    assert sessions.get("s-9") is None


def test_recent_sessions_come_newest_first_by_mode(sessions, records):
    for number, mode in enumerate([Mode.PAPER, Mode.LIVE, Mode.PAPER]):
        sessions.add(replace(records.session(f"s-{number}", mode), started_at=records.now + timedelta(minutes=number)))
    assert [session.session_id for session in sessions.recent()] == ["s-2", "s-1", "s-0"]
    assert [session.session_id for session in sessions.recent(1, Mode.PAPER)] == ["s-2"]
    with pytest.raises(DependencyError):
        sessions.add(records.session("s-0"))


def test_an_approval_comes_back_without_drift(approvals, records):
    """C6: parameters survive storage exactly, so reading never looks like drift."""
    given = approval("a-1", records.now)
    approvals.add(given)
    found = approvals.get("a-1")
    assert drift(given.scope, found.scope) == ()
    assert (found.digest, found.note, found.expires_at) == (given.digest, "a note\\x00", given.expires_at)
    assert approvals.get("a-2") is None


def test_approvals_are_found_newest_first_by_each_field(approvals, records):
    approvals.add(approval("a-1", records.now))
    approvals.add(approval("a-2", records.now + timedelta(days=1), bar_spec="5-MINUTE-LAST"))
    approvals.add(approval("a-3", records.now + timedelta(days=2), instrument_id="SPY.ARCA"))

    def found(*fields):
        return [each.approval_id for each in approvals.find(*fields)]

    assert found() == ["a-3", "a-2", "a-1"]
    assert (found("ibs", "QQQ.NASDAQ"), found(None, "SPY.ARCA"), found("other")) == (["a-2", "a-1"], ["a-3"], [])
    assert found("ibs", "QQQ.NASDAQ", "1-DAY-LAST") == ["a-1"]


def test_the_first_revocation_stays_and_an_unknown_one_is_an_error(approvals, records):
    """C8."""
    approvals.add(approval("a-1", records.now))
    approvals.revoke("a-1", "ann", "first", records.now)
    approvals.revoke("a-1", "bob", "second", records.now + timedelta(days=1))
    found = approvals.get("a-1")
    assert (found.revoked_by, found.revoke_reason, found.revoked_at) == ("ann", "first", records.now)
    assert not found.is_standing(records.now)
    with pytest.raises(InputError, match="a-9"):
        approvals.revoke("a-9", "ann", "why", records.now)


def test_an_approval_whose_row_was_altered_never_comes_out(approvals, without_triggers, records):
    """C6, fault row 37: caps raised in the table by a superuser."""
    approvals.add(approval("a-1", records.now))
    without_triggers('UPDATE approvals SET caps = \'{"max_position_notional": "2000000"}\'')
    with pytest.raises(InvariantError, match="a-1"):
        approvals.get("a-1")
    with pytest.raises(InvariantError, match="a-1"):
        approvals.find("ibs")


def test_a_digest_that_does_not_cover_the_scope_is_never_stored(approvals, records):
    """C6."""
    with pytest.raises(InvariantError, match="digest_covers_scope"):
        approvals.add(replace(approval("a-1", records.now), digest="0" * 64))


def queued(name, now):
    return RunRecord(name, now, "ibs", "QQQ.NASDAQ", "1-DAY-LAST", {"x": 1}, "code", "params")


def test_a_run_goes_from_queued_to_done(runs, records):
    runs.add(queued("r-1", records.now))
    assert runs.get("r-1") == queued("r-1", records.now)
    runs.start("r-1", records.now)
    runs.finish("r-1", records.now, "data", {"cagr_pct": 7.25, "fills": 12}, {"report": "/reports/r-1.html"})
    found = runs.get("r-1")
    assert (found.status, found.data_digest, found.metrics["cagr_pct"]) == (RunStatus.DONE, "data", 7.25)
    assert found.artifacts == {"report": "/reports/r-1.html"}


def test_a_run_fails_with_its_reason_and_never_goes_back(runs, records):
    runs.add(queued("r-1", records.now))
    runs.start("r-1", records.now)
    runs.fail("r-1", records.now, "no data in the window")
    assert (runs.get("r-1").status, runs.get("r-1").error) == (RunStatus.FAILED, "no data in the window")
    for act in (
        lambda: runs.start("r-1", records.now),
        lambda: runs.fail("r-1", records.now, "again"),
        lambda: runs.finish("r-1", records.now, "d", {}, {}),
        lambda: runs.start("r-9", records.now),
    ):
        with pytest.raises(RefusedByGateError):
            act()


def test_a_queued_run_is_taken_by_one_worker_only(runs, records):
    runs.add(queued("r-1", records.now))
    runs.start("r-1", records.now)
    with pytest.raises(RefusedByGateError, match="is running"):
        runs.start("r-1", records.now)


def test_recent_runs_come_newest_first(runs, records):
    for number in range(3):
        runs.add(queued(f"r-{number}", records.now + timedelta(minutes=number)))
    assert [run.run_id for run in runs.recent(2)] == ["r-2", "r-1"]
    assert runs.recent(strategy="other") == []


def test_the_embedded_server_keeps_what_it_acknowledged(database, owner):
    """F16; and the check names each setting that would not."""
    assert durability_problems(database) == ()
    owner.execute("ALTER ROLE postgres SET synchronous_commit = off")
    try:
        database.close()
        with type(database)(database.url) as reopened:
            assert durability_problems(reopened) == ("synchronous_commit is off",)
    finally:
        owner.execute("ALTER ROLE postgres RESET synchronous_commit")
