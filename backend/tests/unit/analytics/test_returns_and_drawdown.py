from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats.analytics.drawdown import deepest_drawdown, drawdowns, longest_underwater_days
from ats.analytics.returns import last_of_each, simple_returns, year_returns

DAY = 86_400_000_000_000


def days(*texts: str) -> np.ndarray:
    return np.array(texts, "datetime64[D]")


def test_simple_returns_by_hand():
    assert simple_returns(np.array([100.0, 110.0, 99.0])).tolist() == pytest.approx([0.1, -0.1])
    assert len(simple_returns(np.array([100.0]))) == 0


def test_there_is_no_return_on_nothing():
    with pytest.raises(ValueError, match="above zero"):
        simple_returns(np.array([0.0, 1.0]))


def test_the_last_mark_of_each_date():
    dates = days("2020-01-02", "2020-01-02", "2020-01-03", "2020-01-06", "2020-01-06")
    assert last_of_each(dates).tolist() == [1, 2, 4]
    assert len(last_of_each(days())) == 0


def test_calendar_years_by_hand():
    dates = days("2019-12-30", "2019-12-31", "2020-06-01", "2020-12-31", "2021-01-04")
    found = year_returns(dates, np.array([101.0, 110.0, 90.0, 121.0, 60.5]), 100.0)
    assert [(entry.year, pytest.approx(entry.value)) for entry in found] == [(2019, 0.1), (2020, 0.1), (2021, -0.5)]


@given(st.lists(st.floats(1, 1000), min_size=1, max_size=80))
def test_calendar_years_compound_to_the_total(equity):
    dates = np.datetime64(date(2018, 11, 1)) + np.arange(len(equity)) * 20
    total = np.prod([1 + entry.value for entry in year_returns(dates, np.array(equity), 100.0)])
    assert total == pytest.approx(equity[-1] / 100.0)


def test_drawdowns_by_hand():
    equity = np.array([100.0, 120.0, 90.0, 120.0, 60.0, 80.0])
    assert drawdowns(equity).tolist() == pytest.approx([0, 0, -0.25, 0, -0.5, -1 / 3])
    deepest = deepest_drawdown(equity)
    assert deepest is not None
    assert (deepest.depth, deepest.peak, deepest.trough, deepest.recovery) == (-0.5, 1, 4, None)


def test_a_recovered_drawdown_names_the_mark_that_stood_there_again():
    deepest = deepest_drawdown(np.array([100.0, 50.0, 70.0, 100.0, 99.0]))
    assert deepest is not None
    assert (deepest.peak, deepest.trough, deepest.recovery) == (0, 1, 3)


def test_a_rising_curve_has_no_drawdown():
    assert deepest_drawdown(np.array([1.0, 2.0, 3.0])) is None
    assert deepest_drawdown(np.zeros(0)) is None


def test_the_cash_begun_with_is_a_peak():
    assert drawdowns(np.array([90.0, 95.0]), start=100.0).tolist() == pytest.approx([-0.1, -0.05])


def test_a_peak_of_nothing_has_no_drawdown():
    with pytest.raises(ValueError, match="above zero"):
        drawdowns(np.array([0.0, 1.0]))


@pytest.mark.parametrize(
    ("falls", "longest"),
    [([0, 0, 0], 0), ([0, -1, -1, 0, -1], 3), ([0, -1, 0, -1, -1], 2), ([-1, -1, 0], 2), ([-1, -1, -1], 2), ([], 0)],
)
def test_the_longest_stay_below_a_peak(falls, longest):
    event_ns = np.arange(len(falls), dtype=np.int64) * DAY
    assert longest_underwater_days(event_ns, np.array(falls, np.float64)) == longest


@given(st.lists(st.floats(1, 1000), min_size=1, max_size=60))
def test_no_drawdown_is_above_zero_or_below_all_and_the_deepest_is_the_least(equity):
    values = np.array(equity)
    falls = drawdowns(values)
    deepest = deepest_drawdown(values)
    assert falls.max() <= 0
    assert falls.min() >= -1
    assert (0.0 if deepest is None else deepest.depth) == falls.min()
