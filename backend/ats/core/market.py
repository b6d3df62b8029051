"""Market data in our own types: bar specifications and bars that say when they opened, closed and became known."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from ats.core.errors import InputError

NEW_YORK = ZoneInfo("America/New_York")
"""Zone of the US sessions: a daily bar belongs to the New York date of its close."""

_SPEC = re.compile(r"([1-9][0-9]{0,3})-(SECOND|MINUTE|HOUR|DAY)-LAST", re.ASCII)
_ALLOWED_STEPS = {"SECOND": (1, 5, 10, 15, 30), "MINUTE": (1, 2, 3, 5, 10, 15, 20, 30), "HOUR": (1, 2, 3, 4, 8), "DAY": (1,)}
_UNIT_SECONDS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3_600, "DAY": 86_400}


@dataclass(frozen=True, slots=True)
class BarSpec:
    """How bars are cut: step and unit, built from last trades. Written `1-DAY-LAST`, `5-SECOND-LAST`."""

    step: int
    unit: str

    @classmethod
    def parse(cls, text: str, field: str = "bar-spec") -> BarSpec:
        """Read a bar specification of the timeframe registry. Raises InputError for anything else (row J6)."""
        match = _SPEC.fullmatch(text) if isinstance(text, str) else None
        remedy = "Use one of " + ", ".join(str(spec) for spec in TIMEFRAMES) + "."
        if match is None:
            raise InputError(field, text, "is not a bar specification", remedy=remedy)
        step, unit = int(match[1]), match[2]
        if step not in _ALLOWED_STEPS[unit]:
            raise InputError(field, text, "is not a timeframe of the registry", remedy=remedy)
        return cls(step, unit)

    @property
    def duration(self) -> timedelta:
        """Nominal length of a bar; a daily bar's real length is its session's."""
        return timedelta(seconds=self.step * _UNIT_SECONDS[self.unit])

    @property
    def is_intraday(self) -> bool:
        """Whether bars are shorter than a session."""
        return self.unit != "DAY"

    def __str__(self) -> str:
        return f"{self.step}-{self.unit}-LAST"


TIMEFRAMES: tuple[BarSpec, ...] = tuple(BarSpec(step, unit) for unit, steps in _ALLOWED_STEPS.items() for step in steps)
"""Every timeframe ats stores or resamples to (S5-05)."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of one instrument. `event_at` is its close; `available_at` the moment from which it may be known (never before)."""

    opened_at: datetime
    event_at: datetime
    available_at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
