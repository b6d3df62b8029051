"""What a person's start and end mean on a time axis: a plain date is the whole New York day, a moment is that moment, None is no bound."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import numpy as np

from ats.core.clock import to_ns
from ats.core.errors import InputError
from ats.core.market import NEW_YORK

_ALWAYS = int(np.iinfo(np.int64).max)


def bounds_ns(start: date | None, end: date | None) -> tuple[int, int]:
    """First and last nanosecond of the window, both inside. Raises InputError when the window ends before it starts."""
    first = 0 if start is None else _first_ns(start)
    last = _ALWAYS if end is None else _last_ns(end)
    if first > last:
        raise InputError("start", str(start), f"is after the end {end}", remedy="Give the earlier date as start.")
    return first, last


def _first_ns(bound: date) -> int:
    if isinstance(bound, datetime):
        return to_ns(bound)
    return to_ns(datetime.combine(bound, time.min, NEW_YORK).astimezone(UTC))


def _last_ns(bound: date) -> int:
    return to_ns(bound) if isinstance(bound, datetime) else _first_ns(bound + timedelta(days=1)) - 1
