"""The audit log in PostgreSQL: append-only, hash-chained, its head anchored in a file outside the database.

Each row's hash covers the row before it, so an edit, a gap or a reordering breaks the chain at a nameable row. A chain alone does
not show that its tail was cut or that all of it was written anew; the anchor file, one line per appended row, does.
"""

# ruff: noqa: S608 -- the statements join nothing but this module's own constants

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import LiteralString

from ats.core.audit import AuditEvent
from ats.core.digest import canonical_json, digest_of, digest_of_text
from ats.core.errors import DependencyError
from ats.core.invariant import invariant
from ats.store.anchor import Anchored, AnchorFile, AnchorLine
from ats.store.postgres.database import Database, Row, storable

_APPEND: LiteralString = "SELECT o_chain_id::text, o_sequence, o_hash FROM audit_append(%s, %s, %s, %s, %s, %s, %s, %s)"
_COLUMNS: LiteralString = "sequence, kind, actor, occurred_at, source, subject, facts::text, correlation_id, previous_hash, hash"
_PAGE: LiteralString = f"SELECT {_COLUMNS} FROM audit WHERE sequence > %s ORDER BY sequence LIMIT 2000"
_RECENT: LiteralString = f"SELECT {_COLUMNS} FROM audit WHERE kind LIKE %s ORDER BY sequence DESC LIMIT %s"


class AuditFinding(StrEnum):
    """What verification found."""

    INTACT = "intact"
    ROW_BROKEN = "row_broken"
    TAIL_CUT = "tail_cut"
    REWRITTEN = "rewritten"
    ANCHOR_MISSING = "anchor_missing"
    ANCHOR_FOREIGN = "anchor_foreign"
    ANCHOR_DAMAGED = "anchor_damaged"


@dataclass(frozen=True, slots=True)
class AuditVerdict:
    """Outcome of a verification. `sequence` is the first row that is wrong; `rows_beyond_anchor` came after the last anchored row."""

    finding: AuditFinding
    rows: int
    detail: str
    sequence: int | None = None
    rows_beyond_anchor: int = 0

    def __str__(self) -> str:
        return f"{self.finding}: {self.detail}"

    @property
    def is_intact(self) -> bool:
        """Nothing is wrong."""
        return self.finding is AuditFinding.INTACT


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One row as stored. `facts` is the JSON text the hash covers."""

    sequence: int
    kind: str
    actor: str
    occurred_at: datetime
    source: str
    subject: str
    facts: str
    correlation_id: str
    previous_hash: str
    hash: str

    @property
    def expected_hash(self) -> str:
        """What the hash must be, given the row before and the content."""
        content = _content_digest(self.kind, self.actor, self.occurred_at, self.source, self.subject, self.facts, self.correlation_id)
        return digest_of_text(f"{self.previous_hash}:{self.sequence}:{content}")


class PostgresAuditLog:
    """Appends durably or raises DependencyError: then the act must not happen. Verifies itself against the anchor."""

    def __init__(self, database: Database, anchor: AnchorFile) -> None:
        self._database = database
        self._anchor = anchor

    def append(self, event: AuditEvent) -> int:
        """Write the event, then anchor it. A crash between the two leaves the anchor one row behind, which verification accepts."""
        invariant(event.occurred_at.tzinfo is not None, "audit.moment_is_aware", kind=event.kind)
        facts = canonical_json(event.facts)
        texts = [storable(text) for text in (event.kind, event.actor, event.source, event.subject, event.correlation_id)]
        kind, actor, source, subject, correlation_id = texts
        content = _content_digest(kind, actor, event.occurred_at, source, subject, facts, correlation_id)
        written = self._database.row(_APPEND, (kind, actor, event.occurred_at, source, subject, facts, correlation_id, content))
        if written is None:
            raise DependencyError("The audit row was not written.", remedy="Run `ats audit verify`.")
        chain_id, sequence, row_hash = written
        self._anchor.append(AnchorLine(chain_id, sequence, row_hash))
        return int(sequence)

    def verify(self) -> AuditVerdict:
        """Walk the whole chain against the anchor and name the first thing that is wrong. Rows appended meanwhile do no harm."""
        anchored = self._anchor.read()  # before the rows: never ahead of them by our own doing
        chain_id = self.chain_id()
        problem = _anchor_problem(anchored, chain_id)
        if problem is not None and problem.finding is AuditFinding.ANCHOR_DAMAGED:
            return problem
        mine = _first_anchors(anchored, chain_id)
        previous, expected = _genesis(chain_id), 1
        for row in self._rows():
            broken = _break_at(row, expected, previous, mine.get(row.sequence, row.hash))
            if broken is not None:
                return broken
            previous, expected = row.hash, expected + 1
        return _verdict_on_tail(expected - 1, max(mine, default=0), problem)

    def check_head(self) -> AuditVerdict:
        """The quick check before a start, without walking the rows: does the database still hold what was anchored last?

        A database set back to a backup fails here (fault row 36), before and after it was written on.
        """
        anchored = self._anchor.read()
        chain_id = self.chain_id()
        head = self._database.row("SELECT coalesce(max(sequence), 0) FROM audit")
        rows = 0 if head is None else int(head[0])
        problem = _anchor_problem(anchored, chain_id)
        if problem is not None and problem.finding is AuditFinding.ANCHOR_DAMAGED:
            return problem
        mine = _first_anchors(anchored, chain_id)
        twice = [line.sequence for line in anchored.lines if line.chain_id == chain_id and mine[line.sequence] != line.hash]
        if twice:
            return _rewritten(min(twice), rows)
        newest = max(mine, default=0)
        if 0 < newest <= rows and self._database.row("SELECT hash FROM audit WHERE sequence = %s", (newest,)) != (mine[newest],):
            return _rewritten(newest, rows)
        return _verdict_on_tail(rows, newest, problem)

    def recent(self, limit: int = 50, kind_prefix: str = "") -> list[AuditRow]:
        """Newest rows first, all kinds or those starting with a prefix."""
        pattern = kind_prefix.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        return [_audit_row(row) for row in self._database.rows(_RECENT, (pattern, limit))]

    def chain_id(self) -> str:
        """Identity of this database's chain; it seeds the first row's hash."""
        found = self._database.row("SELECT chain_id::text FROM audit_chain")
        if found is None:
            raise DependencyError("The audit chain has lost its identity.", remedy="Restore the database from a backup.")
        return str(found[0])

    def _rows(self) -> Iterator[AuditRow]:
        last = 0
        while page := self._database.rows(_PAGE, (last,)):
            yield from map(_audit_row, page)
            last = int(page[-1][0])


def _break_at(row: AuditRow, expected_sequence: int, previous_hash: str, anchored_hash: str) -> AuditVerdict | None:
    """Why the chain breaks at this row, or None. `anchored_hash` is the row's own when it is not anchored."""
    intact_before = expected_sequence - 1
    if row.sequence != expected_sequence:
        return _broken(expected_sequence, intact_before, f"row {expected_sequence} is missing; row {row.sequence} follows")
    if row.hash != row.expected_hash:
        return _broken(row.sequence, intact_before, f"row {row.sequence} ({row.kind}) was changed after it was written")
    if row.previous_hash != previous_hash:
        return _broken(row.sequence, intact_before, f"row {row.sequence} ({row.kind}) does not follow from the row before it")
    if row.hash != anchored_hash:
        return _rewritten(row.sequence, intact_before)
    return None


def _broken(sequence: int, rows: int, detail: str) -> AuditVerdict:
    return AuditVerdict(AuditFinding.ROW_BROKEN, rows, detail, sequence)


def _rewritten(sequence: int, rows: int) -> AuditVerdict:
    detail = f"row {sequence} follows the chain but is not the row that was anchored: the log was written anew from here or before"
    return AuditVerdict(AuditFinding.REWRITTEN, rows, detail, sequence)


def _anchor_problem(anchored: Anchored, chain_id: str) -> AuditVerdict | None:
    """What is wrong with the anchor file itself, given that the log has rows."""
    if anchored.damage:
        return AuditVerdict(AuditFinding.ANCHOR_DAMAGED, 0, anchored.damage)
    if not anchored.lines:
        return AuditVerdict(AuditFinding.ANCHOR_MISSING, 0, "the log has rows but the anchor file has none")
    if all(line.chain_id != chain_id for line in anchored.lines):
        return AuditVerdict(AuditFinding.ANCHOR_FOREIGN, 0, f"the anchor belongs to another audit chain, not to {chain_id}")
    return None


def _first_anchors(anchored: Anchored, chain_id: str) -> dict[int, str]:
    """Hash of each anchored row of the chain. A row anchored twice was written twice: what was anchored first is the truth."""
    first: dict[int, str] = {}
    for line in anchored.lines:
        if line.chain_id == chain_id:
            first.setdefault(line.sequence, line.hash)
    return first


def _verdict_on_tail(rows: int, anchored: int, problem: AuditVerdict | None) -> AuditVerdict:
    if anchored > rows:
        detail = f"row {anchored} is anchored but the log ends at row {rows}: its tail was cut or an old backup was restored"
        return AuditVerdict(AuditFinding.TAIL_CUT, rows, detail, rows + 1)
    if problem is not None and (rows > 0 or problem.finding is AuditFinding.ANCHOR_FOREIGN):
        return AuditVerdict(problem.finding, rows, problem.detail)
    return AuditVerdict(AuditFinding.INTACT, rows, f"{rows} rows, chain and anchor agree", None, rows - anchored)


def _genesis(chain_id: str) -> str:
    return digest_of_text(f"ats audit {chain_id}")


def _content_digest(kind: str, actor: str, occurred_at: datetime, source: str, subject: str, facts: str, correlation_id: str) -> str:
    moment = occurred_at.astimezone(UTC).isoformat(timespec="microseconds")
    return digest_of([kind, actor, moment, source, subject, facts, correlation_id])


def _audit_row(row: Row) -> AuditRow:
    return AuditRow(*row)
