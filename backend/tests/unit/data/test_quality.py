"""Every check of the gate: found where it is, silent where it is not (J19)."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats.core.market import BarSpec
from ats.data.calendar import nominal_close_ns, nominal_open_ns
from ats.data.columns import PRICES, BarColumns, historical_bars
from ats.data.quality import SPLIT_RATIOS, Problem, check_bars

DAILY, MINUTE = BarSpec(1, "DAY"), BarSpec(1, "MINUTE")
NAME = "QQQ.NASDAQ"
SESSIONS = np.array(["2020-01-02", "2020-01-03", "2020-01-06", "2020-01-07", "2020-01-08"], "datetime64[D]")


def bars(days: np.ndarray = SESSIONS, **changed: list[float]) -> BarColumns:
    size = len(days)
    values = {"open": [100.0] * size, "high": [102.0] * size, "low": [99.0] * size, "close": [101.0] * size, "volume": [5000.0] * size}
    arrays = {name: np.array(column, np.float64) for name, column in (values | changed).items()}
    return historical_bars(DAILY, nominal_close_ns(days), {name: arrays[name] for name in PRICES}, arrays["volume"])


def found(columns: BarColumns, spec: BarSpec = DAILY, **options: object) -> list[tuple[Problem, int, str]]:
    return [(finding.problem, finding.row, finding.value) for finding in check_bars(NAME, spec, columns, **options).findings]


def spoiled(row: int, **values: float) -> BarColumns:
    clean = bars()
    columns = {name: getattr(clean, name).copy() for name in (*PRICES, "volume")}
    for name, value in values.items():
        columns[name][row] = value
    return bars(**{name: column.tolist() for name, column in columns.items()})


def test_sound_bars_have_no_findings():
    report = check_bars(NAME, DAILY, bars(), sessions=SESSIONS, now_ns=int(bars().event_ns[-1]))
    assert (report.findings, dict(report.counts)) == ((), {})


@pytest.mark.parametrize(
    ("values", "problem", "shown"),
    [
        ({"close": np.nan}, Problem.NOT_A_NUMBER, "close is nan"),
        ({"high": np.inf}, Problem.NOT_A_NUMBER, "high is inf"),
        ({"volume": np.nan}, Problem.NOT_A_NUMBER, "volume is nan"),
        ({"low": 0.0}, Problem.PRICE_NOT_POSITIVE, "low is 0"),
        ({"low": -1.5}, Problem.PRICE_NOT_POSITIVE, "low is -1.5"),
        ({"volume": -1.0}, Problem.NEGATIVE_VOLUME, "volume is -1"),
        ({"high": 98.0}, Problem.HIGH_BELOW_LOW, "high 98, low 99"),
        ({"high": 100.5}, Problem.HIGH_BELOW_BODY, "high 100.5, open or close 101"),
        ({"low": 100.5}, Problem.LOW_ABOVE_BODY, "low 100.5, open or close 100"),
    ],
)
def test_a_spoiled_value_is_an_error_naming_row_and_value(values, problem, shown):
    assert found(spoiled(2, **values)) == [(problem, 3, shown)]
    assert problem.is_error


def test_bounds_that_touch_are_sound():
    assert found(spoiled(2, high=101.0, low=100.0)) == []


def test_a_repeated_day_is_a_duplicate():
    days = SESSIONS[[0, 1, 1, 2, 3]]
    assert found(bars(days)) == [(Problem.DUPLICATE_TIME, 3, "2020-01-03 21:00:00Z")]


def test_a_day_that_returns_later_is_a_duplicate_and_goes_back():
    days = SESSIONS[[0, 1, 2, 0, 3]]
    assert [(problem, row) for problem, row, _ in found(bars(days))] == [(Problem.DUPLICATE_TIME, 4), (Problem.TIME_GOES_BACK, 4)]


def test_a_file_newest_first_goes_back_at_every_row():
    assert [row for _, row, _ in found(bars(SESSIONS[::-1]))] == [2, 3, 4, 5]


def test_a_bar_that_closes_after_now_is_refused():
    now = int(nominal_close_ns(SESSIONS[-1:])[0]) - 1
    assert [(problem, row) for problem, row, _ in found(bars(), now_ns=now)] == [(Problem.NOT_FINISHED, 5)]
    assert found(bars(), now_ns=now + 1) == []


def test_rows_are_those_of_the_file():
    report = check_bars(NAME, DAILY, spoiled(2, low=0.0), rows=np.array([11, 12, 13, 14, 15], np.int64))
    assert [finding.row for finding in report.findings] == [13]


def test_a_missing_session_is_a_warning_naming_the_first():
    days = SESSIONS[[0, 3, 4]]
    assert found(bars(days), sessions=SESSIONS) == [(Problem.MISSING_SESSIONS, 2, "2 before this bar, from 2020-01-03")]
    assert not Problem.MISSING_SESSIONS.is_error


def test_a_bar_on_a_holiday_is_a_warning():
    days = np.array(["2019-12-31", "2020-01-01", "2020-01-02"], "datetime64[D]")
    assert found(bars(days), sessions=days[[0, 2]]) == [(Problem.NO_SESSION, 2, "2020-01-01")]


def test_zero_volume_is_a_warning():
    assert found(spoiled(1, volume=0.0)) == [(Problem.ZERO_VOLUME, 2, "no shares traded")]


@pytest.mark.parametrize(("new", "old"), [*SPLIT_RATIOS, *[(old, new) for new, old in SPLIT_RATIOS]])
@pytest.mark.parametrize("drift", [0.97, 1.0, 1.03])
def test_every_split_of_the_list_is_suspected_with_an_ordinary_move_on_top(new, old, drift):
    factor = np.array([1, 1, 1, old / new * drift, old / new * drift])
    columns = bars(open=101.0 * factor, high=102 * factor, low=99 * factor, close=101.0 * factor)
    ((problem, row, shown),) = found(columns)
    assert (problem, row) == (Problem.SUSPECTED_SPLIT, 4)
    assert f"near a {new}:{old} split" in shown


def test_a_large_move_that_is_no_split_is_its_own_warning():
    factor = np.array([1, 1, 1, 0.58, 0.58])
    columns = bars(open=101.0 * factor, high=102 * factor, low=99 * factor, close=101.0 * factor)
    assert found(columns) == [(Problem.LARGE_MOVE, 4, "101 to 58.58 (-42.0%)")]


def test_an_ordinary_crash_is_no_finding():
    factor = np.array([1, 1, 1, 0.78, 0.78])
    assert found(bars(open=101.0 * factor, high=102 * factor, low=99 * factor, close=101.0 * factor)) == []


def intraday(*minutes: int) -> BarColumns:
    open_ns = int(nominal_open_ns(SESSIONS[:1])[0])
    event_ns = open_ns + np.array(minutes, np.int64) * 60_000_000_000
    flat = {name: np.full(len(minutes), 100.0) for name in PRICES}
    return historical_bars(MINUTE, event_ns, flat, np.full(len(minutes), 10.0))


def test_a_long_pause_inside_a_session_is_a_warning():
    assert found(intraday(1, 2, 12, 13), MINUTE) == []
    assert found(intraday(1, 2, 13, 14), MINUTE) == [(Problem.MISSING_BARS, 3, "660 seconds since the bar before")]


def test_the_night_is_no_pause():
    assert found(intraday(389, 390, 1441, 1442), MINUTE) == []


def test_checks_of_neighbours_wait_until_the_bars_are_sound():
    columns = bars(open=[100.0, 50.0, 100.0, 100.0, -1.0])
    assert {problem for problem, _, _ in found(columns)} <= {Problem.PRICE_NOT_POSITIVE, Problem.LOW_ABOVE_BODY}


def test_examples_are_bounded_and_the_count_is_whole():
    days = np.datetime64(date(2000, 1, 1)) + np.arange(500)
    report = check_bars(NAME, DAILY, bars(days, volume=[0.0] * 500))
    assert len(report.findings) == 100
    assert report.counts[Problem.ZERO_VOLUME] == 500
    assert len(report.warnings) == 100
    assert report.errors == ()


def test_no_bars_and_one_bar_have_no_findings():
    assert found(bars(SESSIONS[:0]), sessions=SESSIONS) == []
    assert found(bars(SESSIONS[:1]), sessions=SESSIONS) == []


def test_a_finding_reads_as_a_sentence():
    (finding,) = check_bars(NAME, DAILY, spoiled(2, low=0.0)).findings
    assert str(finding) == "QQQ.NASDAQ row 3 (2020-01-06 21:00Z): price not above zero: low is 0"


values = st.one_of(st.floats(allow_nan=True, allow_infinity=True, width=32), st.sampled_from([0.0, -1.0, 100.0]))


@given(st.lists(st.tuples(values, values, values, values, values), min_size=1, max_size=6))
def test_bars_pass_the_gate_exactly_when_every_bar_is_sound(rows):
    days = np.datetime64(date(2000, 1, 3)) + np.arange(len(rows))
    columns = dict(zip((*PRICES, "volume"), map(list, zip(*rows, strict=True)), strict=True))
    sound = all(
        np.isfinite(row).all() and min(o, h, low, c) > 0 and volume >= 0 and low <= min(o, c) and max(o, c) <= h
        for o, h, low, c, volume in rows
        for row in [np.array([o, h, low, c, volume])]
    )
    assert (check_bars(NAME, DAILY, bars(days, **columns)).errors == ()) == sound
