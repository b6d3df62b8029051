"""A clock that stands still until it is told to move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class ManualClock:
    """Implements core.clock.Clock; time moves only through `advance`."""

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime(2026, 3, 2, 15, 0, tzinfo=UTC)

    def now(self) -> datetime:
        """The moment it was set to."""
        return self._now

    def advance(self, **by: float) -> None:
        """Move forward, in timedelta's words: `advance(days=91)`."""
        self._now += timedelta(**by)
