"""What is kept of a session, and the ports it is kept through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Mode(StrEnum):
    """What kind of money a session trades."""

    PAPER = "paper"
    LIVE = "live"


class Status(StrEnum):
    """Where a session stands. CRASHED is set by the next process that finds a RUNNING record whose process is gone."""

    STARTING = "starting"
    RECONCILING = "reconciling"
    RUNNING = "running"
    HALTED = "halted"
    STOPPED = "stopped"
    FAILED = "failed"
    CRASHED = "crashed"


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One session. `plan` is what was asked for (strategies, instruments, parameters, caps), as plain JSON values."""

    session_id: str
    mode: Mode
    account_id: str
    status: Status
    plan: Mapping[str, object]
    pid: int
    gateway: str
    started_at: datetime
    ended_at: datetime | None = None
    end_reason: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)


class SessionStore(Protocol):
    """Where sessions are kept. Live sessions can never be deleted."""

    def add(self, record: SessionRecord) -> None:
        """Record a new session."""
        ...

    def set_status(self, session_id: str, status: Status, at: datetime, reason: str = "") -> None:
        """Move to a status; ended statuses set `ended_at`."""
        ...

    def get(self, session_id: str) -> SessionRecord | None:
        """One session by id."""
        ...

    def recent(self, limit: int = 20, mode: Mode | None = None) -> list[SessionRecord]:
        """Newest first."""
        ...
