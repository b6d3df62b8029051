"""The control over a running session: kill switch, approvals and journal health, polled beside the trading loop and read on every order.

Guardian asks `block()` for every order; the answer comes from the sentinel file at that moment and from the last poll, which must be
fresh: while the state of control is unknown, nothing is submitted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ats.core.errors import AtsError
from ats.risk.approvals import ApprovalStore
from ats.risk.guardian import Block
from ats.risk.kill_switch import KillPlace, KillState, Reading, read_all
from ats.risk.limits import Rule

POLL_SECONDS = 0.25
STALE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class ControlState:
    """What one poll found."""

    kill: KillState
    revoked: tuple[str, ...]
    polled_monotonic: float


class SessionControl:
    """Latches a kill for the life of the process, blocks entries while anything is unknown."""

    def __init__(
        self,
        file_place: KillPlace,
        other_places: Sequence[KillPlace],
        approvals: ApprovalStore | None,
        approval_ids: Sequence[str],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file, self._others = file_place, other_places
        self._approvals, self._approval_ids = approvals, approval_ids
        self._monotonic = monotonic
        self._state: ControlState | None = None
        self._killed: str | None = None
        self._not_ready: str | None = "the session has not reconciled yet"
        self._journal_problem: str | None = None

    def poll(self, now: datetime) -> ControlState:
        """Read every place and every approval. Called off the trading loop; slow services make the state stale, not wrong."""
        started = self._monotonic()
        kill = read_all((self._file, *self._others))
        if kill.is_on:
            self._killed = self._killed or kill.reason
        revoked = tuple(approval_id for approval_id in self._approval_ids if self._is_gone(approval_id, now))
        self._state = ControlState(kill, revoked, started)
        return self._state

    @property
    def killed(self) -> str | None:
        """Why the session is killed, once it is; it stays so until the process ends."""
        return self._killed

    def ready(self) -> None:
        """Reconciliation is complete: entries may start."""
        self._not_ready = None

    def not_ready(self, reason: str) -> None:
        """Entries stop until `ready`."""
        self._not_ready = reason

    def journal_health(self, problem: str | None) -> None:
        """Entries stop while order events cannot be written."""
        self._journal_problem = problem

    def block(self) -> Block | None:
        """Why nothing may be submitted at this moment, or None."""
        file_reading = self._file.read()
        if file_reading.reading is Reading.ON:
            self._killed = self._killed or f"file says on: {file_reading.reason or 'no reason given'}"
        if self._killed is not None:
            return Block(Rule.KILL_SWITCH, self._killed)
        problem = self._unknown(file_reading.reading) or self._not_ready or self._journal_problem
        if problem:
            return Block(Rule.ENTRIES_BLOCKED, problem)
        revoked = self._revoked()
        return Block(Rule.ENTRIES_BLOCKED, revoked, exits_pass=True) if revoked else None

    def _unknown(self, file_reading: Reading) -> str | None:
        if file_reading is Reading.UNREADABLE:
            return "the sentinel file of the kill switch cannot be read"
        if self._state is None:
            return "the kill switch has not been read yet"
        age = self._monotonic() - self._state.polled_monotonic
        if age > STALE_SECONDS:
            return f"the kill switch was last read {age:.1f} s ago"
        return None if self._state.kill.is_readable else self._state.kill.reason

    def _revoked(self) -> str | None:
        if self._state is None or not self._state.revoked:
            return None
        return f"approval {', '.join(self._state.revoked)} no longer stands"

    def _is_gone(self, approval_id: str, now: datetime) -> bool:
        """An approval that cannot be read, or was altered in the table, no longer stands."""
        try:
            approval = self._approvals.get(approval_id) if self._approvals is not None else None
        except AtsError:
            return True
        return approval is None or not approval.is_standing(now)
