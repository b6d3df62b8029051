"""The kill switch's place in the database: a history of every switch on and off; its newest row is the state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from ats.core.errors import DependencyError
from ats.risk.kill_switch import KillReading, Reading
from ats.store.postgres.database import Database, storable

_LATEST: LiteralString = "SELECT is_on, reason, actor, switched_at FROM kill_switch ORDER BY position DESC LIMIT 1"
_HISTORY: LiteralString = "SELECT is_on, reason, actor, switched_at FROM kill_switch ORDER BY position DESC LIMIT %s"
_SET: LiteralString = "SELECT kill_switch_set(%s, %s, %s, %s)"


@dataclass(frozen=True, slots=True)
class KillSwitching:
    """One change of the switch."""

    is_on: bool
    reason: str
    actor: str
    switched_at: datetime


class DatabaseKillPlace:
    """The switch in PostgreSQL. Pressing it a hundred times at once is one press (row B8)."""

    name = "database"

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self) -> KillReading:
        """The newest row's state; unreadable, with the reason, when the database cannot be asked."""
        try:
            latest = self._database.row(_LATEST)
        except DependencyError as error:
            return KillReading(self.name, Reading.UNREADABLE, error.message)
        if latest is None or not latest[0]:
            return KillReading(self.name, Reading.OFF)
        _, reason, actor, at = latest
        return KillReading(self.name, Reading.ON, f"{reason} ({actor}, {at:%Y-%m-%d %H:%M:%S} UTC)")

    def switch_on(self, reason: str, actor: str, at: datetime) -> None:
        """Latch on; the first reason stays. Raises DependencyError when it was not written."""
        self._database.row(_SET, (True, storable(reason), storable(actor), at))

    def switch_off(self, reason: str = "", actor: str = "", at: datetime | None = None) -> None:
        """Unlatch; without a moment the database's clock is written."""
        self._database.row(_SET, (False, storable(reason), storable(actor), at))

    def history(self, limit: int = 50) -> list[KillSwitching]:
        """Every change, newest first."""
        return [KillSwitching(*row) for row in self._database.rows(_HISTORY, (limit,))]
