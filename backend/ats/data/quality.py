"""Checks of bars, pure and on whole arrays: what is wrong, where, with which value (`ats data check`, and the gate of every import).

Errors make data unfit: nothing with one is imported. Warnings are for a person to judge: a missing session may be a real halt, a halved price
a real fall. The sessions the exchange held are an argument, so that nothing here knows a calendar.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from ats.core.clock import NANOSECONDS_PER_SECOND, from_ns
from ats.core.market import BarSpec
from ats.data.calendar import Days, session_dates
from ats.data.columns import PRICES, BarColumns, Floats

SPLIT_RATIOS: tuple[tuple[int, int], ...] = ((3, 2), (2, 1), (3, 1), (4, 1), (5, 1), (7, 1), (10, 1), (15, 1), (20, 1))
"""Splits looked for, new shares for old; each also the other way round (a reverse split)."""
_SPLIT_TOLERANCE = 0.06
_LARGE_MOVE = 0.5
_EXAMPLES = 100
_PAUSE_BARS = 10


class Problem(StrEnum):
    """What can be wrong with a bar."""

    DUPLICATE_TIME = "duplicate time"
    TIME_GOES_BACK = "time goes back"
    NOT_FINISHED = "bar has not closed yet"
    NOT_A_NUMBER = "not a number"
    PRICE_NOT_POSITIVE = "price not above zero"
    HIGH_BELOW_LOW = "high below low"
    HIGH_BELOW_BODY = "high below open or close"
    LOW_ABOVE_BODY = "low above open or close"
    NEGATIVE_VOLUME = "negative volume"
    MISSING_SESSIONS = "missing sessions"
    MISSING_BARS = "missing bars inside a session"
    NO_SESSION = "bar on a day without a session"
    SUSPECTED_SPLIT = "suspected unadjusted split"
    LARGE_MOVE = "large move overnight"
    ZERO_VOLUME = "zero volume"

    @property
    def is_error(self) -> bool:
        """Whether data with this problem must not be used."""
        return self in _ERRORS


_ERRORS = frozenset(
    {
        Problem.DUPLICATE_TIME,
        Problem.TIME_GOES_BACK,
        Problem.NOT_FINISHED,
        Problem.NOT_A_NUMBER,
        Problem.PRICE_NOT_POSITIVE,
        Problem.HIGH_BELOW_LOW,
        Problem.HIGH_BELOW_BODY,
        Problem.LOW_ABOVE_BODY,
        Problem.NEGATIVE_VOLUME,
    }
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem of one bar. `row` counts bars from 1 (rows of the source file when it came from one); `event_at` is the bar's close."""

    problem: Problem
    instrument_id: str
    row: int
    event_at: datetime
    value: str

    def __str__(self) -> str:
        return f"{self.instrument_id} row {self.row} ({self.event_at:%Y-%m-%d %H:%M}Z): {self.problem}: {self.value}"


@dataclass(frozen=True, slots=True)
class QualityReport:
    """Every kind of problem with its count, and up to a hundred examples of each, in the order of the rows."""

    findings: tuple[Finding, ...]
    counts: Mapping[Problem, int]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Findings that make the data unfit."""
        return tuple(finding for finding in self.findings if finding.problem.is_error)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Findings a person should judge."""
        return tuple(finding for finding in self.findings if not finding.problem.is_error)


@dataclass(frozen=True, slots=True)
class _Hits:
    """Rows with one problem (from 0), and how to say what is wrong with one of them."""

    problem: Problem
    rows: NDArray[np.intp]
    say: Callable[[int], str]


def check_bars(
    instrument_id: str,
    spec: BarSpec,
    columns: BarColumns,
    *,
    sessions: Days | None = None,
    now_ns: int | None = None,
    rows: NDArray[np.int64] | None = None,
) -> QualityReport:
    """Every check. `sessions` are the days the exchange held (None: gaps are not looked for); `rows` are the source's row numbers.

    Checks that compare neighbours run only when the bars themselves are sound: on damaged data they would repeat the same news.
    """
    hits = [hit for hit in (*_time_hits(columns, now_ns), *_value_hits(columns)) if len(hit.rows)]
    if not hits:
        judged = (*_volume_hits(columns), *_overnight_hits(columns), *_session_hits(columns, sessions), *_pause_hits(spec, columns))
        hits = [hit for hit in judged if len(hit.rows)]
    return _report(instrument_id, columns, hits, rows)


def _time_hits(columns: BarColumns, now_ns: int | None) -> Iterator[_Hits]:
    moments = columns.event_ns
    order = np.argsort(moments, kind="stable")
    repeated = np.sort(order[1:][np.diff(moments[order]) == 0])
    yield _Hits(Problem.DUPLICATE_TIME, repeated, lambda row: _shown(moments[row]))
    back = np.flatnonzero(np.diff(moments) < 0) + 1
    yield _Hits(Problem.TIME_GOES_BACK, back, lambda row: f"{_shown(moments[row])} after {_shown(moments[row - 1])}")
    if now_ns is not None:
        yield _Hits(Problem.NOT_FINISHED, np.flatnonzero(moments > now_ns), lambda row: f"closes {_shown(moments[row])}")


def _value_hits(columns: BarColumns) -> Iterator[_Hits]:
    for name in (*PRICES, "volume"):
        values: Floats = getattr(columns, name)
        yield _Hits(Problem.NOT_A_NUMBER, np.flatnonzero(~np.isfinite(values)), _saying(name, values))
        if name != "volume":
            yield _Hits(Problem.PRICE_NOT_POSITIVE, np.flatnonzero(values <= 0), _saying(name, values))
    yield _Hits(Problem.NEGATIVE_VOLUME, np.flatnonzero(columns.volume < 0), _saying("volume", columns.volume))
    yield from _range_hits(columns)


def _range_hits(columns: BarColumns) -> Iterator[_Hits]:
    high, low = columns.high, columns.low
    top, bottom = np.maximum(columns.open, columns.close), np.minimum(columns.open, columns.close)
    crossed = high < low
    yield _Hits(Problem.HIGH_BELOW_LOW, np.flatnonzero(crossed), lambda row: f"high {high[row]:g}, low {low[row]:g}")
    body_above = np.flatnonzero(~crossed & (high < top))
    yield _Hits(Problem.HIGH_BELOW_BODY, body_above, lambda row: f"high {high[row]:g}, open or close {top[row]:g}")
    body_below = np.flatnonzero(~crossed & (low > bottom))
    yield _Hits(Problem.LOW_ABOVE_BODY, body_below, lambda row: f"low {low[row]:g}, open or close {bottom[row]:g}")


def _volume_hits(columns: BarColumns) -> Iterator[_Hits]:
    yield _Hits(Problem.ZERO_VOLUME, np.flatnonzero(columns.volume == 0), lambda _: "no shares traded")


def _overnight_hits(columns: BarColumns) -> Iterator[_Hits]:
    """Moves from the last close of one New York day to the first open of the next."""
    dates = session_dates(columns.opened_ns)
    rows = np.flatnonzero(dates[1:] != dates[:-1]) + 1
    before, after = columns.close[rows - 1], columns.open[rows]
    nearest, distance = _nearest_split(after / before)
    splits = distance <= _SPLIT_TOLERANCE
    names = dict(zip(rows[splits].tolist(), nearest[splits].tolist(), strict=True))
    yield _Hits(Problem.SUSPECTED_SPLIT, rows[splits], lambda row: f"{_move(columns, row)}, near a {names[row]} split")
    large = ~splits & (np.abs(np.log(after / before)) > np.log1p(_LARGE_MOVE))
    yield _Hits(Problem.LARGE_MOVE, rows[large], lambda row: _move(columns, row))


def _nearest_split(ratio: Floats) -> tuple[NDArray[np.str_], Floats]:
    """For each overnight price ratio the nearest split, new shares to old, and how far it is in logarithms."""
    known = [(old / new, f"{new}:{old}") for new, old in SPLIT_RATIOS] + [(new / old, f"{old}:{new}") for new, old in SPLIT_RATIOS]
    ratios, names = np.array([value for value, _ in known]), np.array([name for _, name in known])
    distance = np.abs(np.log(ratio)[:, None] - np.log(ratios)[None, :])
    best = distance.argmin(axis=1)
    return names[best], distance[np.arange(len(ratio)), best]


def _session_hits(columns: BarColumns, sessions: Days | None) -> Iterator[_Hits]:
    if sessions is None or len(columns) == 0:
        return
    dates = session_dates(columns.event_ns)
    starts = np.flatnonzero(np.r_[True, dates[1:] != dates[:-1]])
    present = dates[starts]
    yield _Hits(Problem.NO_SESSION, starts[~np.isin(present, sessions)], lambda row: str(dates[row]))
    # Sessions strictly between two neighbouring days of the data.
    first_missing = np.searchsorted(sessions, present[:-1], side="right")
    missing = np.searchsorted(sessions, present[1:], side="left") - first_missing
    gaps = np.flatnonzero(missing > 0)
    says = {int(starts[gap + 1]): f"{missing[gap]} before this bar, from {sessions[first_missing[gap]]}" for gap in gaps}
    yield _Hits(Problem.MISSING_SESSIONS, starts[gaps + 1], says.__getitem__)


def _pause_hits(spec: BarSpec, columns: BarColumns) -> Iterator[_Hits]:
    if not spec.is_intraday:
        return
    dates = session_dates(columns.event_ns)
    pause = np.diff(columns.event_ns) // NANOSECONDS_PER_SECOND
    longest = _PAUSE_BARS * spec.duration.total_seconds()
    rows = np.flatnonzero((dates[1:] == dates[:-1]) & (pause > longest)) + 1
    yield _Hits(Problem.MISSING_BARS, rows, lambda row: f"{pause[row - 1]} seconds since the bar before")


def _report(instrument_id: str, columns: BarColumns, hits: Iterable[_Hits], rows: NDArray[np.int64] | None) -> QualityReport:
    findings, counts = [], Counter[Problem]()
    for hit in hits:
        counts[hit.problem] += len(hit.rows)
        for row in hit.rows[:_EXAMPLES].tolist():
            number = row + 1 if rows is None else int(rows[row])
            findings.append(Finding(hit.problem, instrument_id, number, from_ns(int(columns.event_ns[row])), hit.say(row)))
    return QualityReport(tuple(sorted(findings, key=lambda finding: finding.row)), counts)


def _saying(name: str, values: Floats) -> Callable[[int], str]:
    return lambda row: f"{name} is {values[row]:g}"


def _shown(nanoseconds: np.int64) -> str:
    return f"{from_ns(int(nanoseconds)):%Y-%m-%d %H:%M:%S}Z"


def _move(columns: BarColumns, row: int) -> str:
    before, after = columns.close[row - 1], columns.open[row]
    return f"{before:g} to {after:g} ({after / before - 1:+.1%})"
