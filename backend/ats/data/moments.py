"""What a file's dates and timestamps mean: the close of a bar, in nanoseconds UTC. Nothing is guessed: an unclear time is refused.

Daily bars are stamped with their session's close, 16:00 New York. A timestamp at midnight means the date as written, any other its New York date.
Intraday timestamps are the bar's close unless the caller says they are its open; without a zone in the text the caller must name one.
"""

from __future__ import annotations

import re
import zoneinfo
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ats.core.errors import InputError
from ats.core.market import BarSpec
from ats.data.calendar import nominal_close_ns, session_dates
from ats.data.columns import Nanoseconds
from ats.data.table_file import TableFile

Stamped = Literal["close", "open"]

_STAMP = pa.timestamp("ns")
_DAY_NS = 86_400_000_000_000
_ZONED = re.compile(r"[:\d](Z|[+-]\d{2}(:?\d{2})?)$")
_COMPACT = re.compile(r"\d{8}")
_FORM = "Write ISO 8601: 2020-01-31 for a date, 2020-01-31T15:35:00-05:00 for a moment."


def closes_of(table: TableFile, spec: BarSpec, timezone: str | None, stamped: Stamped = "close") -> Nanoseconds:
    """The close of every bar, nanoseconds UTC. Raises InputError naming the row of a time that cannot be read."""
    wall, is_zoned = _wall_clock(table)
    if not spec.is_intraday:
        return _daily_closes(table, wall, is_zoned, timezone)
    moments = wall if is_zoned else _in_zone(table, wall, timezone)
    length = int(spec.duration.total_seconds()) * 1_000_000_000
    return _in_range(table, moments + length if stamped == "open" else moments)


def _daily_closes(table: TableFile, wall: Nanoseconds, is_zoned: bool, timezone: str | None) -> Nanoseconds:
    if (wall % _DAY_NS == 0).all():
        dates = (wall // _DAY_NS).astype("datetime64[D]")
    else:
        dates = session_dates(wall if is_zoned else _in_zone(table, wall, timezone))
    _in_range(table, wall)
    return nominal_close_ns(dates)


def _wall_clock(table: TableFile) -> tuple[Nanoseconds, bool]:
    """Nanoseconds of the clock the file shows, and whether that clock is UTC."""
    times = table.times
    if times.null_count:
        row = int(np.flatnonzero(pc.is_null(times).to_numpy(zero_copy_only=False))[0])
        raise InputError(table.time_name, None, f"is missing in row {table.rows[row]}", remedy=_FORM)
    if pa.types.is_string(times.type) or pa.types.is_large_string(times.type):
        return _parsed(table)
    if pa.types.is_date(times.type):
        return _as_ns(times.cast(_STAMP)), False
    if pa.types.is_timestamp(times.type):
        return _as_ns(times.cast(pa.timestamp("ns", times.type.tz))), times.type.tz is not None
    raise InputError(table.time_name, str(times.type), "is neither a date, a timestamp nor text", remedy=_FORM)


def _parsed(table: TableFile) -> tuple[Nanoseconds, bool]:
    texts = pc.utf8_trim_whitespace(table.times)
    first = texts[0].as_py()
    is_zoned = ":" in first and _ZONED.search(first) is not None
    kind = pa.timestamp("ns", "UTC") if is_zoned else _STAMP
    try:
        if _COMPACT.fullmatch(first):
            return _as_ns(pc.strptime(texts, format="%Y%m%d", unit="s").cast(_STAMP)), False
        return _as_ns(texts.cast(kind)), is_zoned
    except pa.ArrowException as error:
        row = next(index for index, text in enumerate(texts.to_pylist()) if not _reads(text, kind))
        problem = (
            f"in row {table.rows[row]} is not {'a moment with its zone' if is_zoned else 'a date or moment without zone, as in row 1'}"
        )
        raise InputError(table.time_name, texts[row].as_py(), problem, remedy=_FORM) from error


def _reads(text: str, kind: Any) -> bool:  # noqa: ANN401 -- Arrow ships no types
    try:
        pa.scalar(text).cast(kind)
    except pa.ArrowException:
        return False
    return True


def _in_zone(table: TableFile, wall: Nanoseconds, timezone: str | None) -> Nanoseconds:
    if timezone is None:
        shown = str(table.times[0])
        raise InputError(table.time_name, shown, "has no time zone", remedy="Name it, for example --timezone America/New_York.")
    if timezone not in zoneinfo.available_timezones():
        raise InputError("timezone", timezone, "is not a known zone", remedy="Write an IANA name, for example America/New_York or UTC.")
    try:
        return _as_ns(pc.assume_timezone(pa.array(wall, _STAMP), timezone))
    except pa.ArrowException as error:
        raise InputError(
            table.time_name, str(error).splitlines()[0], f"is not one moment in {timezone}", remedy="Export the data in UTC."
        ) from error


def _in_range(table: TableFile, moments: Nanoseconds) -> Nanoseconds:
    early = np.flatnonzero(moments < 0)
    if len(early):
        row = int(early[0])
        problem = f"in row {table.rows[row]} is before 1970, which the engine's clock cannot hold"
        raise InputError(table.time_name, str(table.times[row]), problem, remedy="Cut the file to start in 1970 or later.")
    return moments


def _as_ns(times: pa.Array) -> NDArray[np.int64]:
    values: NDArray[np.int64] = times.cast(pa.int64()).to_numpy(zero_copy_only=False)
    return values
