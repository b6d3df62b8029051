"""Higher timeframes from the base cadence, by hand and by law (S5-05)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats.core.clock import from_ns
from ats.core.market import TIMEFRAMES, BarSpec
from ats.data.calendar import nominal_open_ns, session_dates
from ats.data.columns import PRICES, BarColumns, historical_bars
from ats.data.resample import base_for, resample

MINUTE, FIVE, HOUR, DAILY = BarSpec(1, "MINUTE"), BarSpec(5, "MINUTE"), BarSpec(1, "HOUR"), BarSpec(1, "DAY")
DAYS = np.array(["2020-03-05", "2020-03-06", "2020-03-09"], "datetime64[D]")  # the clocks change on the 8th
A_MINUTE = 60_000_000_000


def minutes(days: np.ndarray = DAYS, first: int = 1, last: int = 390) -> BarColumns:
    """One bar a minute, closing from `first` to `last` minutes after each open; prices count the minutes from the very first bar."""
    event_ns = (nominal_open_ns(days)[:, None] + np.arange(first, last + 1) * A_MINUTE).ravel()
    count = np.arange(len(event_ns), dtype=np.float64)
    prices = {"open": 100 + count, "high": 100.75 + count, "low": 99.5 + count, "close": 100.5 + count}
    return historical_bars(MINUTE, event_ns, prices, np.full(len(event_ns), 10.0))


def shown(columns: BarColumns, row: int) -> tuple[str, str]:
    return tuple(f"{from_ns(int(stamps[row])):%m-%d %H:%M}" for stamps in (columns.opened_ns, columns.event_ns))


def test_five_minutes_are_first_open_highest_high_lowest_low_last_close_summed_volume():
    bars = resample(minutes(), FIVE)
    assert len(bars) == 3 * 78
    assert [getattr(bars, name)[0] for name in (*PRICES, "volume")] == [100, 104.75, 99.5, 104.5, 50]
    assert shown(bars, 0) == ("03-05 14:30", "03-05 14:35")
    assert bars.available_ns.tolist() == bars.event_ns.tolist()


def test_an_hourly_bar_is_cut_on_the_clock_and_counts_from_the_open():
    bars = resample(minutes(), HOUR)
    assert [shown(bars, row) for row in (0, 1, 6)] == [
        ("03-05 14:30", "03-05 15:00"),
        ("03-05 15:00", "03-05 16:00"),
        ("03-05 20:00", "03-05 21:00"),
    ]
    assert len(bars) == 3 * 7
    assert bars.volume[:2].tolist() == [300, 600]


def test_hours_follow_new_york_through_the_change_of_clocks():
    bars = resample(minutes(), HOUR)
    assert shown(bars, 14) == ("03-09 13:30", "03-09 14:00")


def test_a_day_is_the_regular_session_from_open_to_close():
    bars = resample(minutes(first=-29, last=450), DAILY)
    assert [shown(bars, row) for row in range(3)] == [
        ("03-05 14:30", "03-05 21:00"),
        ("03-06 14:30", "03-06 21:00"),
        ("03-09 13:30", "03-09 20:00"),
    ]
    assert (bars.open[0], bars.close[0], bars.volume[0]) == (130, 519.5, 3900)


def test_a_last_bucket_that_is_not_over_is_not_a_bar():
    assert len(resample(minutes(last=389), DAILY)) == 2
    assert shown(resample(minutes(last=389), FIVE), -1) == ("03-09 19:50", "03-09 19:55")


def test_a_first_bucket_whose_start_is_missing_is_not_a_bar():
    late = minutes(first=3)
    assert shown(resample(late, FIVE), 0) == ("03-05 14:35", "03-05 14:40")
    assert len(resample(late, DAILY)) == 2


def test_missing_minutes_inside_make_a_bar_of_what_there_is():
    whole = minutes()
    holes = whole.take(np.arange(len(whole)) % 5 != 4)
    bars = resample(holes, FIVE)
    assert bars.volume[0] == 40
    assert (bars.close[0], shown(bars, 0)) == (103.5, ("03-05 14:30", "03-05 14:35"))


def test_a_bar_is_known_only_when_its_last_part_is():
    late = minutes()
    columns = {name: getattr(late, name).copy() for name in BarColumns.__slots__}
    columns["available_ns"][2] += 10 * A_MINUTE
    bars = resample(BarColumns(**columns), FIVE)
    assert bars.available_ns[0] == bars.event_ns[0] + 8 * A_MINUTE


def test_nothing_makes_nothing():
    empty = minutes().take(slice(0, 0))
    assert len(resample(empty, DAILY)) == 0
    assert len(resample(minutes(first=400, last=420), DAILY)) == 0


@pytest.mark.parametrize(
    ("wanted", "stored", "base"),
    [
        ("5-MINUTE-LAST", ["1-MINUTE-LAST"], "1-MINUTE-LAST"),
        ("30-MINUTE-LAST", ["1-MINUTE-LAST", "10-MINUTE-LAST", "20-MINUTE-LAST"], "10-MINUTE-LAST"),
        ("1-DAY-LAST", ["1-MINUTE-LAST", "1-HOUR-LAST"], "1-HOUR-LAST"),
        ("1-MINUTE-LAST", ["5-MINUTE-LAST", "1-DAY-LAST"], None),
        ("1-MINUTE-LAST", ["30-SECOND-LAST"], "30-SECOND-LAST"),
        ("1-DAY-LAST", [], None),
    ],
)
def test_the_base_is_the_coarsest_that_divides_exactly(wanted, stored, base):
    found = base_for(BarSpec.parse(wanted), [BarSpec.parse(name) for name in stored])
    assert (None if found is None else str(found)) == base


INTRADAY = [spec for spec in TIMEFRAMES if spec.is_intraday and spec.duration >= MINUTE.duration]


@given(st.sampled_from(INTRADAY), st.integers(0, 300), st.integers(1, 600))
def test_no_resampled_bar_is_early_loses_volume_or_leaves_the_range_of_its_parts(spec, start, size):
    base = minutes().take(slice(start, start + size))
    bars = resample(base, spec)
    assert (np.diff(bars.event_ns) > 0).all()
    for row in range(len(bars)):
        parts = base.take(
            (base.event_ns > bars.event_ns[row] - int(spec.duration.total_seconds() * 1e9)) & (base.event_ns <= bars.event_ns[row])
        )
        assert bars.volume[row] == parts.volume.sum()
        assert (bars.high[row], bars.low[row]) == (parts.high.max(), parts.low.min())
        assert (bars.open[row], bars.close[row]) == (parts.open[0], parts.close[-1])
        assert bars.available_ns[row] >= parts.available_ns.max()


def test_daily_dates_are_those_of_the_sessions():
    assert session_dates(resample(minutes(), DAILY).event_ns).tolist() == DAYS.tolist()
