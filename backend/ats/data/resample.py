"""Higher timeframes from the stored base cadence, by one rule for every pair of the registry (S5-05).

Intraday buckets are cut on New York's clock (09:30 begins a half-hour bucket and lies inside an hourly one), as Interactive Brokers and the
engine cut them; the bucket that holds the open counts from the open. A daily bar is built from the regular session only, 09:30 to 16:00, and stamped at 16:00 like any other daily bar.
A bucket the stored data do not cover from its start to its end is not a bar yet: at both ends of the stored series it is left out.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ats.core.market import BarSpec
from ats.data.calendar import new_york_offset_ns, nominal_close_ns, nominal_open_ns, session_dates
from ats.data.columns import BarColumns, Nanoseconds

_SECOND = 1_000_000_000


def base_for(wanted: BarSpec, stored: Iterable[BarSpec]) -> BarSpec | None:
    """The coarsest stored cadence from which `wanted` can be built exactly, or None."""
    return max((spec for spec in stored if _divides(spec, wanted)), key=lambda spec: spec.duration, default=None)


def resample(columns: BarColumns, wanted: BarSpec) -> BarColumns:
    """Bars of `wanted` from bars of a cadence that `base_for` chose: first open, highest high, lowest low, last close, summed volume; known when its last part is."""
    if len(columns) == 0:
        return columns
    return _resample_intraday(columns, wanted) if wanted.is_intraday else _resample_daily(columns)


def _divides(base: BarSpec, wanted: BarSpec) -> bool:
    if not base.is_intraday or base.duration >= wanted.duration:
        return False
    return not wanted.is_intraday or wanted.duration % base.duration == wanted.duration * 0


def _resample_intraday(columns: BarColumns, wanted: BarSpec) -> BarColumns:
    length = int(wanted.duration.total_seconds()) * _SECOND
    offset = new_york_offset_ns(columns.opened_ns)
    starts = (columns.opened_ns + offset) // length * length - offset
    session_opens = nominal_open_ns(session_dates(columns.opened_ns))
    holds_open = (starts < session_opens) & (session_opens <= columns.opened_ns)
    bars = _aggregate(columns, np.where(holds_open, session_opens, starts), starts + length)
    return _whole(bars, columns)


def _resample_daily(columns: BarColumns) -> BarColumns:
    dates = session_dates(columns.opened_ns)
    opens, closes = nominal_open_ns(dates), nominal_close_ns(dates)
    regular = (columns.opened_ns >= opens) & (columns.event_ns <= closes)
    if not regular.any():
        return columns.take(slice(0, 0))
    return _whole(_aggregate(columns.take(regular), opens[regular], closes[regular]), columns)


def _whole(bars: BarColumns, base: BarColumns) -> BarColumns:
    """`bars` without a first or last one that the base series covers only in part."""
    begins_whole = base.opened_ns[0] <= bars.opened_ns[0]
    ends_whole = base.event_ns[-1] >= bars.event_ns[-1]
    return bars.take(slice(0 if begins_whole else 1, len(bars) if ends_whole else -1))


def _aggregate(columns: BarColumns, starts: Nanoseconds, ends: Nanoseconds) -> BarColumns:
    first: NDArray[np.intp] = np.flatnonzero(np.r_[True, ends[1:] != ends[:-1]])
    last = np.r_[first[1:], len(columns)] - 1
    event_ns = ends[first]
    return BarColumns(
        opened_ns=starts[first],
        event_ns=event_ns,
        available_ns=np.maximum(event_ns, np.maximum.reduceat(columns.available_ns, first)),
        open=columns.open[first],
        high=np.maximum.reduceat(columns.high, first),
        low=np.minimum.reduceat(columns.low, first),
        close=columns.close[last],
        volume=np.add.reduceat(columns.volume, first),
    )
