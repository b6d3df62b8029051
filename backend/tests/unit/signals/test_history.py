"""The window keeps what it promises, refuses what cannot be a bar, and derives exact values whenever it is asked."""

from datetime import date, timedelta
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats.core.errors import InputError, InvariantError
from ats.signals.history import History
from ats.signals.rolling import wilder_memory

FIRST_DAY = date(2020, 1, 1)
prices = st.integers(1, 60).map(lambda cents: cents / 20)
"""Few distinct prices, so that ties, flat stretches and repeated extremes are common."""
fine_prices = st.floats(0.5, 5_000, allow_nan=False)


def history_of(closes, capacity, spread=0.0):
    history = History(capacity)
    for number, close in enumerate(closes):
        history.append(close, close + spread, close - spread / 2, close, 100.0, FIRST_DAY + timedelta(days=number))
    return history


def mean(closes, bars):
    """The plain definition, in exact fractions."""
    return sum(map(Fraction, closes[-bars:])) / bars


def wilder_rsi(closes, period):
    """The plain definition over the whole series, in numpy floats."""
    changes = np.diff(np.asarray(closes, dtype=float))
    gains, losses = np.clip(changes, 0, None), np.clip(-changes, 0, None)
    gain, loss = gains[:period].mean(), losses[:period].mean()
    for number in range(period, len(changes)):
        gain = (gain * (period - 1) + gains[number]) / period
        loss = (loss * (period - 1) + losses[number]) / period
    moved = gain + loss
    return 50.0 if moved <= 1e-9 * closes[-1] else 100.0 * gain / moved


class TestWindow:
    def test_it_keeps_at_least_its_capacity_and_at_most_about_twice_that(self):
        history = History(10)
        for number in range(5_000):
            history.append(1.0, 2.0, 0.5, 1.5, float(number), FIRST_DAY)
            assert min(number + 1, 10) <= len(history.closes) <= 2 * (10 + 64)
            assert history.volumes[-1] == number
            assert history.count == number + 1
        lengths = {
            len(column) for column in (history.opens, history.highs, history.lows, history.closes, history.volumes, history.session_on)
        }
        assert len(lengths) == 1

    def test_columns_hold_the_newest_bars_in_order_after_wrapping(self):
        history = history_of([1.0 + number / 100 for number in range(1_000)], capacity=50, spread=0.5)
        assert history.closes[-50:] == [1.0 + number / 100 for number in range(950, 1_000)]
        assert history.highs[-1] == history.closes[-1] + 0.5
        assert history.session_on[-50] == FIRST_DAY + timedelta(days=950)

    def test_warm_means_enough_bars_closed(self):
        history = history_of([1.0, 2.0], capacity=3)
        assert history.is_warm(2)
        assert not history.is_warm(3)

    def test_asking_beyond_the_capacity_is_a_broken_invariant(self):
        with pytest.raises(InvariantError, match="capacity_covers_rule"):
            History(3).is_warm(4)

    def test_a_history_without_capacity_is_a_broken_invariant(self):
        with pytest.raises(InvariantError, match="capacity_positive"):
            History(0)

    @pytest.mark.parametrize(
        "ask",
        [
            lambda history: history.is_mean_above(1, 5),
            lambda history: history.is_close_above_mean(5),
            lambda history: history.highest_before(4),
            lambda history: history.lowest_before(4),
            lambda history: history.rsi(2),
        ],
    )
    def test_a_value_asked_before_its_bars_exist_is_a_broken_invariant(self, ask):
        with pytest.raises(InvariantError, match="warm_before_use"):
            ask(history_of([1.0] * 4, capacity=200))


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    "bar",
    [
        (NAN, 2, 1, 1.5),
        (1.5, NAN, 1, 1.5),
        (1.5, 2, NAN, 1.5),
        (1.5, 2, 1, NAN),
        (1.5, INF, 1, 1.5),
        (INF, INF, INF, INF),
        (1.5, 2, -INF, 1.5),
        (1.5, 1, 2, 1.5),
        (2.5, 2, 1, 1.5),
        (0.5, 2, 1, 1.5),
        (1.5, 2, 1, 2.5),
        (1.5, 2, 1, 0.5),
        (0.0, 0.0, 0.0, 0.0),
        (1.5, 2, 0.0, 1.5),
        (-1.5, -1, -2, -1.5),
        (1e308, 1e308, 1e308, 1e308),
    ],
    ids=str,
)
def test_what_cannot_be_a_bar_is_refused_and_changes_nothing(bar):
    """J19: high below low, NaN, not positive, out of its own range."""
    history = history_of([1.0], capacity=3)
    with pytest.raises(InputError, match="bar"):
        history.append(*bar, 100.0, FIRST_DAY)
    assert (history.count, history.closes, history.opens, len(history.session_on)) == (1, [1.0], [1.0], 1)


class TestDerivedValues:
    """Each derived value equals its plain definition, also after the window has wrapped, whenever it is asked."""

    @given(closes=st.lists(prices, min_size=5, max_size=400), asked=st.integers(1, 9), bars=st.tuples(st.integers(1, 5), st.integers(1, 5)))
    def test_means_compare_exactly(self, closes, asked, bars):
        fast, slow = bars
        history = History(5)
        for number, close in enumerate(closes, start=1):
            history.append(close, close, close, close, 1.0, FIRST_DAY)
            if number >= 5 and number % asked == 0:
                seen = closes[:number]
                assert history.is_mean_above(fast, slow) == (mean(seen, fast) > mean(seen, slow))
                assert history.is_close_above_mean(slow) == (Fraction(close) > mean(seen, slow))

    @given(closes=st.lists(fine_prices, min_size=30, max_size=120))
    def test_means_agree_with_numpy_where_floats_can_tell(self, closes):
        history = history_of(closes, capacity=30)
        fast, slow = np.mean(closes[-10:]), np.mean(closes[-30:])
        if abs(fast - slow) > 1e-9 * slow:
            assert history.is_mean_above(10, 30) == (fast > slow)

    @given(closes=st.lists(prices, min_size=8, max_size=400), asked=st.integers(1, 12), bars=st.integers(1, 7))
    def test_channels_are_the_extremes_of_the_bars_before(self, closes, asked, bars):
        history = History(8)
        for number, close in enumerate(closes, start=1):
            history.append(close, close + 1, close / 2, close, 1.0, FIRST_DAY)
            if number >= 8 and number % asked == 0:
                before = closes[number - 1 - bars : number - 1]
                assert history.highest_before(bars) == max(before) + 1
                assert history.lowest_before(bars) == min(before) / 2

    @given(closes=st.lists(fine_prices, min_size=70, max_size=400), asked=st.integers(1, 90), period=st.sampled_from([2]))
    def test_rsi_is_wilders_over_the_whole_past(self, closes, asked, period):
        needed = wilder_memory(period)
        history = History(needed)
        for number, close in enumerate(closes, start=1):
            history.append(close, close, close, close, 1.0, FIRST_DAY)
            if number >= needed and number % asked == 0:
                assert history.rsi(period) == pytest.approx(wilder_rsi(closes[:number], period), abs=2e-6)

    @pytest.mark.parametrize("period", [2, 3, 14, 30])
    def test_rsi_agrees_for_every_period_after_wrapping(self, period):
        closes = list(np.round(100 * np.exp(np.cumsum(np.random.default_rng(period).normal(0, 0.02, 6_000))), 2))
        history = history_of(closes, capacity=wilder_memory(period))
        assert history.rsi(period) == pytest.approx(wilder_rsi(closes, period), abs=2e-6)

    @pytest.mark.parametrize(
        ("closes", "expected"),
        [
            ([5.0] * 100, 50.0),
            ([1.0 + number for number in range(100)], 100.0),
            ([200.0 - number for number in range(100)], 0.0),
            ([1.0, 2.0] + [2.0] * 300, 50.0),
            ([2.0, 1.0] * 50, 100 / 3),
            ([1.0, 2.0] * 50, 200 / 3),
        ],
    )
    def test_rsi_of_known_series(self, closes, expected):
        """A price that has not moved for long is neutral; alternating closes settle at one and two thirds."""
        assert history_of(closes, capacity=100).rsi(2) == pytest.approx(expected, abs=1e-6)


@given(
    past=st.lists(fine_prices, min_size=0, max_size=300),
    recent=st.lists(fine_prices, min_size=70, max_size=90),
    flat=st.integers(0, 100),
    asked=st.lists(st.booleans(), min_size=500, max_size=500),
)
def test_a_restart_decides_as_a_long_run_does(past, recent, flat, asked):
    """D19: what came before the warm-up, and when values were asked, changes nothing at all."""
    window = [*recent, *[recent[-1]] * flat]
    long_run = History(70)
    for number, close in enumerate([*past, *window]):
        long_run.append(close, close, close, close, 1.0, FIRST_DAY)
        if long_run.count >= 70 and asked[number]:
            long_run.rsi(2), long_run.is_close_above_mean(40), long_run.highest_before(20)
    restarted = history_of(window, capacity=70)
    assert long_run.rsi(2) == pytest.approx(restarted.rsi(2), abs=1e-6)
    assert long_run.is_close_above_mean(40) == restarted.is_close_above_mean(40)
    assert long_run.highest_before(20) == restarted.highest_before(20)
