"""The audit log: durable, gapless, and nothing done to it goes unnoticed."""

# ruff: noqa: S608 -- statements are built from this module's own constants

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from ats.core.audit import AuditEvent
from ats.core.errors import DependencyError, InvariantError
from ats.store.anchor import AnchorFile, AnchorLine
from ats.store.postgres.audit import AuditFinding, PostgresAuditLog
from ats.store.postgres.database import Database
from ats.store.postgres.migrate import migrate

WRITER = """
    import sys
    from datetime import UTC, datetime
    from pathlib import Path
    from ats.core.audit import AuditEvent
    from ats.store.anchor import AnchorFile
    from ats.store.postgres.audit import PostgresAuditLog
    from ats.store.postgres.database import Database

    url, anchor, name, count = sys.argv[1:]
    with Database(url) as database:
        log = PostgresAuditLog(database, AnchorFile(Path(anchor)))
        print("ready", flush=True)
        sys.stdin.readline()
        for number in range(int(count)):
            sequence = log.append(AuditEvent("test.written", name, datetime.now(UTC), "process", str(number), {"number": number}))
            print(sequence, flush=True)
"""


def append(log, count, now):
    for number in range(count):
        log.append(AuditEvent("order.intended", "ibs", now, "session", f"O-{number}", {"quantity": Decimal("10.50")}, "s-1"))


@pytest.fixture
def ten_rows(audit, records):
    append(audit, 10, records.now)
    assert audit.verify().is_intact
    return audit


def test_every_event_gets_the_next_number_and_the_chain_verifies(audit, records):
    """F2, F6, S5-18: who, what, when, from where, facts and correlation are kept as given."""
    assert audit.verify().is_intact
    facts = {"quantity": Decimal("10.50"), "nested": {"list": [1, None, True]}, "text": "line\nbreak \x00 ünï"}
    moment = records.now.astimezone(timezone(timedelta(hours=9))) + timedelta(microseconds=123_456)
    event = AuditEvent("order.refused", "ibs\ud800", moment, "session", "O-1\x00", facts, "s-1")
    assert [audit.append(event) for _ in range(3)] == [1, 2, 3]
    newest = audit.recent(1)[0]
    assert (newest.sequence, newest.actor, newest.subject, newest.occurred_at) == (3, "ibs\\ud800", "O-1\\x00", moment)
    assert '"quantity":"10.5"' in newest.facts
    verdict = audit.verify()
    assert (verdict.is_intact, verdict.rows, verdict.rows_beyond_anchor) == (True, 3, 0)
    assert audit.check_head().is_intact


def test_recent_rows_can_be_asked_by_kind(audit, records):
    for kind in ("kill.pulled", "kill.lifted", "killer_whale.seen", "session.started"):
        audit.append(AuditEvent(kind, "ann", records.now, "cli", "x"))
    assert [row.kind for row in audit.recent(10, "kill.")] == ["kill.lifted", "kill.pulled"]
    assert [row.kind for row in audit.recent(10, "killer_")] == ["killer_whale.seen"]
    assert audit.recent(10, "%") == []


def test_an_event_without_a_zone_is_never_written(audit, records):
    """F6: when, in UTC."""
    with pytest.raises(InvariantError, match="moment_is_aware"):
        audit.append(AuditEvent("a.b", "ann", records.now.replace(tzinfo=None), "cli", "x"))
    assert audit.verify().rows == 0


EDITS = {
    "kind": "kind = 'order.refused'",
    "actor": "actor = 'somebody'",
    "moment": "occurred_at = occurred_at + interval '1 microsecond'",
    "source": "source = 'cli'",
    "subject": "subject = 'O-99'",
    "facts": """facts = '{"quantity":"1050"}'""",
    "spacing of the facts": """facts = '{"quantity": "10.5"}'""",
    "correlation": "correlation_id = ''",
    "hash": "hash = repeat('0', 64)",
    "previous hash": "previous_hash = repeat('0', 64)",
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edit_by_a_superuser_is_found_and_the_row_named(ten_rows, without_triggers, edit):
    """F2, fault row 37."""
    without_triggers(f"UPDATE audit SET {edit} WHERE sequence = 7")
    verdict = ten_rows.verify()
    assert (verdict.finding, verdict.sequence, verdict.rows) == (AuditFinding.ROW_BROKEN, 7, 6)
    assert "row 7" in verdict.detail


def test_a_row_taken_out_of_the_middle_is_named(ten_rows, without_triggers):
    """F2."""
    without_triggers("DELETE FROM audit WHERE sequence = 4")
    verdict = ten_rows.verify()
    assert (verdict.finding, verdict.sequence) == (AuditFinding.ROW_BROKEN, 4)


def test_two_rows_exchanged_are_named(ten_rows, without_triggers):
    """F2."""
    without_triggers(
        "UPDATE audit SET sequence = 100 WHERE sequence = 4",
        "UPDATE audit SET sequence = 4 WHERE sequence = 5",
        "UPDATE audit SET sequence = 5 WHERE sequence = 100",
    )
    verdict = ten_rows.verify()
    assert (verdict.finding, verdict.sequence) == (AuditFinding.ROW_BROKEN, 4)


@pytest.mark.parametrize("cut", [1, 5, 10])
def test_a_cut_tail_is_found_by_the_anchor(ten_rows, without_triggers, cut):
    """F3."""
    without_triggers(f"DELETE FROM audit WHERE sequence > {10 - cut}")
    for verdict in (ten_rows.verify(), ten_rows.check_head()):
        assert (verdict.finding, verdict.sequence, verdict.rows) == (AuditFinding.TAIL_CUT, 11 - cut, 10 - cut)


def test_a_database_set_back_and_written_on_is_found(ten_rows, without_triggers, records):
    """Fault row 36: the new rows chain and are anchored, but the old anchors are not on this chain."""
    without_triggers("DELETE FROM audit WHERE sequence > 6")
    assert ten_rows.check_head().finding is AuditFinding.TAIL_CUT
    append(ten_rows, 10, records.now + timedelta(days=1))
    for verdict in (ten_rows.verify(), ten_rows.check_head()):
        assert (verdict.finding, verdict.sequence) == (AuditFinding.REWRITTEN, 7)


def test_a_log_written_anew_from_the_first_row_is_found(ten_rows, without_triggers, database, tmp_path, records):
    """F3: a rewritten whole verifies by itself, but not against the anchor."""
    without_triggers("DELETE FROM audit")
    append(PostgresAuditLog(database, AnchorFile(tmp_path / "elsewhere.jsonl")), 12, records.now + timedelta(days=1))
    verdict = ten_rows.verify()
    assert (verdict.finding, verdict.sequence) == (AuditFinding.REWRITTEN, 1)
    assert ten_rows.check_head().finding is AuditFinding.REWRITTEN


def test_an_anchor_of_another_database_is_foreign(ten_rows, new_database, records):
    """F3: the right folder with the wrong database, or the other way round."""
    other_url = new_database()
    migrate(other_url)
    with Database(other_url) as database:
        other = PostgresAuditLog(database, ten_rows._anchor)
        assert other.verify().finding is AuditFinding.ANCHOR_FOREIGN
        append(other, 1, records.now)
        assert other.verify().is_intact
    assert ten_rows.verify().is_intact


def test_a_missing_or_damaged_anchor_is_not_passed_over(ten_rows):
    """F3."""
    path = ten_rows._anchor.path
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:3]) + "scratched\n" + "".join(lines[4:]))
    assert ten_rows.verify().finding is AuditFinding.ANCHOR_DAMAGED
    assert ten_rows.check_head().finding is AuditFinding.ANCHOR_DAMAGED
    path.unlink()
    assert ten_rows.verify().finding is AuditFinding.ANCHOR_MISSING
    assert ten_rows.check_head().finding is AuditFinding.ANCHOR_MISSING


def test_a_crash_between_commit_and_anchor_leaves_one_row_beyond_it_which_is_accepted(ten_rows, records):
    """F3: behind by a row after a crash, never ahead."""
    path = ten_rows._anchor.path
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    verdict = ten_rows.verify()
    assert (verdict.is_intact, verdict.rows_beyond_anchor) == (True, 1)
    append(ten_rows, 1, records.now)
    assert (ten_rows.verify().is_intact, ten_rows.verify().rows_beyond_anchor) == (True, 0)


def test_an_anchor_that_cannot_be_written_refuses_the_act(database, tmp_path, records):
    """F4."""
    (tmp_path / "file").write_text("")
    log = PostgresAuditLog(database, AnchorFile(tmp_path / "file" / "anchor.jsonl"))
    with pytest.raises(DependencyError, match="anchor"):
        append(log, 1, records.now)


def test_a_database_that_refuses_or_is_gone_refuses_the_act(audit, database, database_url, tmp_path, owner, records):
    """F4."""
    owner.execute("REVOKE INSERT ON audit FROM ats_app")
    with pytest.raises(DependencyError, match="permission denied"):
        append(audit, 1, records.now)
    nowhere = Database(database_url.replace("port=5432", "port=5433"))
    with pytest.raises(DependencyError, match="did not do it"):
        append(PostgresAuditLog(nowhere, audit._anchor), 1, records.now)
    assert not audit._anchor.path.exists()


def test_a_write_that_waits_too_long_is_refused_within_the_bound(audit, owner, records):
    """F4: another writer hangs on to the log."""
    with owner.transaction():
        owner.execute("SELECT pg_advisory_xact_lock(hashtextextended('ats.audit', 0))")
        started = datetime.now(UTC)
        with pytest.raises(DependencyError, match="timeout"):
            append(audit, 1, records.now)
        assert datetime.now(UTC) - started < timedelta(seconds=3)
    append(audit, 1, records.now)
    assert audit.verify().rows == 1


def test_eight_processes_keep_the_chain_gapless(audit, database_url, start_python):
    """F9: 8 writers, 200 rows each."""
    writers = [start_python(WRITER, database_url, audit._anchor.path, f"writer-{number}", 200) for number in range(8)]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    numbers = [int(line) for writer in writers for line in writer.communicate(timeout=120)[0].split()]
    assert sorted(numbers) == list(range(1, 1_601))
    verdict = audit.verify()
    assert (verdict.is_intact, verdict.rows, verdict.rows_beyond_anchor) == (True, 1_600, 0)
    writers_of = {row.sequence: row.actor for row in audit.recent(1_600)}
    assert len(set(writers_of.values())) == 8


def test_a_writer_killed_at_any_moment_leaves_an_intact_log_with_every_acknowledged_row(audit, database_url, start_python, records):
    """F9, fault row 2: SIGKILL in the middle of appends."""
    acknowledged = 0
    for round_number in range(5):
        writer = start_python(WRITER, database_url, audit._anchor.path, f"writer-{round_number}", 10_000)
        assert writer.stdout.readline() == "ready\n"
        writer.stdin.write("go\n")
        writer.stdin.flush()
        for _ in range(10 + 7 * round_number):
            acknowledged = int(writer.stdout.readline())
        writer.kill()
        lines = writer.communicate()[0].split("\n")
        acknowledged = max([acknowledged, *(int(line) for line in lines[:-1] if line)])
    verdict = audit.verify()
    assert verdict.is_intact, verdict
    assert verdict.rows >= acknowledged
    assert verdict.rows_beyond_anchor <= 1
    append(audit, 1, records.now)
    assert audit.verify().is_intact


def test_one_anchor_line_names_chain_row_and_hash(ten_rows):
    last = ten_rows._anchor.read().lines[-1]
    assert last == AnchorLine(ten_rows.chain_id(), 10, ten_rows.recent(1)[0].hash)
