"""Sessions in PostgreSQL. Identity and plan never change; a live session can never be deleted, by nobody."""

# ruff: noqa: S608 -- the statements join nothing but this module's own constants

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import LiteralString

from ats.core.digest import canonical_json
from ats.core.errors import DependencyError
from ats.session.records import Mode, SessionRecord, Status
from ats.store.postgres.database import Database, Row, storable

ENDED = frozenset({Status.STOPPED, Status.FAILED, Status.CRASHED})

_COLUMNS: LiteralString = "session_id, mode, account_id, status, plan::text, pid, gateway, started_at, ended_at, end_reason, facts::text"
_ADD: LiteralString = (
    "INSERT INTO sessions (session_id, mode, account_id, status, plan, pid, gateway, started_at, ended_at, end_reason, facts)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
_SET: LiteralString = (
    "UPDATE sessions SET status = %s, ended_at = %s, end_reason = CASE WHEN %s = '' THEN end_reason ELSE %s END"
    " WHERE session_id = %s AND ended_at IS NULL"
)
_FACTS: LiteralString = "UPDATE sessions SET facts = (facts::jsonb || %s::jsonb)::json WHERE session_id = %s"
_GET: LiteralString = f"SELECT {_COLUMNS} FROM sessions WHERE session_id = %s"
_RECENT: LiteralString = (
    f"SELECT {_COLUMNS} FROM sessions WHERE (%s::text IS NULL OR mode = %s) ORDER BY started_at DESC, session_id DESC LIMIT %s"
)
_OPEN: LiteralString = f"SELECT {_COLUMNS} FROM sessions WHERE ended_at IS NULL ORDER BY started_at DESC, session_id DESC"


class PostgresSessions:
    """The session store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, record: SessionRecord) -> None:
        """Record a new session. Raises DependencyError when it was not written."""
        who = (record.session_id, record.mode.value, record.account_id, record.status.value)
        what = (canonical_json(record.plan), record.pid, record.gateway, record.started_at)
        end = (record.ended_at, storable(record.end_reason), canonical_json(record.facts))
        self._database.execute(_ADD, (*who, *what, *end))

    def set_status(self, session_id: str, status: Status, at: datetime, reason: str = "") -> None:
        """Move to a status; ended statuses set `ended_at`. The first ending stays. Raises DependencyError for an unknown session."""
        text = storable(reason)
        changed = self._database.execute(_SET, (status.value, at if status in ENDED else None, text, text, session_id))
        if changed == 0 and self.get(session_id) is None:
            raise DependencyError(f"Session {session_id} is not in the database.", remedy="Was another database used to start it?")

    def add_facts(self, session_id: str, facts: Mapping[str, object]) -> None:
        """Keep facts about the session (final equity, orders sent, reconciliation); the same key again replaces its value."""
        if self._database.execute(_FACTS, (canonical_json(facts), session_id)) == 0:
            raise DependencyError(f"Session {session_id} is not in the database.", remedy="Was another database used to start it?")

    def get(self, session_id: str) -> SessionRecord | None:
        """One session by id."""
        found = self._database.row(_GET, (session_id,))
        return None if found is None else _session(found)

    def recent(self, limit: int = 20, mode: Mode | None = None) -> list[SessionRecord]:
        """Newest first."""
        wanted = None if mode is None else mode.value
        return [_session(row) for row in self._database.rows(_RECENT, (wanted, wanted, limit))]

    def not_ended(self) -> list[SessionRecord]:
        """Sessions without an ending, newest first: running ones, and those whose process died before it could say so."""
        return [_session(row) for row in self._database.rows(_OPEN)]


def _session(row: Row) -> SessionRecord:
    session_id, mode, account_id, status, plan, pid, gateway, started_at, ended_at, end_reason, facts = row
    return SessionRecord(
        session_id=session_id,
        mode=Mode(mode),
        account_id=account_id,
        status=Status(status),
        plan=json.loads(plan),
        pid=pid,
        gateway=gateway,
        started_at=started_at,
        ended_at=ended_at,
        end_reason=end_reason,
        facts=json.loads(facts),
    )
