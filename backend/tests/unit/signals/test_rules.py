"""The six rules decide as their plain definitions say, on series long enough to wrap the window many times."""

from datetime import date, timedelta
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats.signals.donchian_breakout import DonchianBreakoutParams
from ats.signals.history import History
from ats.signals.ibs_reversion import IbsReversionParams, internal_bar_strength
from ats.signals.library import RULES
from ats.signals.params import RuleParams
from ats.signals.rsi_pullback import RsiPullbackParams
from ats.signals.sma_cross import SmaCrossParams
from ats.signals.tsmom import TsmomParams
from ats.signals.turn_of_month import TurnOfMonth, TurnOfMonthParams

KEYS = ["ibs_reversion", "sma_cross", "rsi_pullback", "donchian_breakout", "tsmom", "turn_of_month"]
SHORT = {
    "ibs_reversion": IbsReversionParams(trend_bars=30),
    "sma_cross": SmaCrossParams(fast_bars=3, slow_bars=12),
    "rsi_pullback": RsiPullbackParams(trend_bars=25),
    "donchian_breakout": DonchianBreakoutParams(entry_bars=9, exit_bars=4),
    "tsmom": TsmomParams(lookback_bars=20, rebalance_bars=5),
    "turn_of_month": TurnOfMonthParams(),
}


def random_bars(count, seed, drift=0.0):
    """Open, high, low, close rounded to cents, with flat bars among them."""
    rng = np.random.default_rng(seed)
    bars, price = [], 50.0
    for _ in range(count):
        close = max(1.0, round(price * (1 + rng.normal(drift, 0.02)), 2))
        span = 0.0 if rng.random() < 0.1 and close == price else round(abs(rng.normal(0, 0.3)), 2)
        high, low = max(price, close) + span, max(0.5, min(price, close) - span)
        bars.append((price, high, low, close))
        price = close
    return bars


def naive_enters(key, bars, params):
    closes = [bar[3] for bar in bars]
    high, low, close = bars[-1][1:]
    match key:
        case "ibs_reversion":
            strength = 0.5 if high == low else (close - low) / (high - low)
            return strength < params.buy_threshold and exact_above(closes, 1, params.trend_bars)
        case "sma_cross":
            return exact_above(closes, params.fast_bars, params.slow_bars)
        case "rsi_pullback":
            return exact_above(closes, 1, params.trend_bars) and naive_rsi(closes, params.rsi_period) < params.entry_threshold
        case "donchian_breakout":
            return close > np.max([bar[1] for bar in bars[-params.entry_bars - 1 : -1]])
        case "tsmom":
            return np.sign(close / closes[-1 - params.lookback_bars] - 1) > 0
    raise AssertionError(key)


def naive_exits(key, bars, params, held):
    closes = [bar[3] for bar in bars]
    high, low, close = bars[-1][1:]
    match key:
        case "ibs_reversion":
            return held >= params.max_holding_bars or (0.5 if high == low else (close - low) / (high - low)) > params.sell_threshold
        case "sma_cross":
            return not exact_above(closes, params.fast_bars, params.slow_bars)
        case "rsi_pullback":
            return naive_rsi(closes, params.rsi_period) > params.exit_threshold
        case "donchian_breakout":
            return close < np.min([bar[2] for bar in bars[-params.exit_bars - 1 : -1]])
        case "tsmom":
            return held % params.rebalance_bars == 0 and close <= closes[-1 - params.lookback_bars]
    raise AssertionError(key)


def exact_above(closes, fast, slow):
    return sum(map(Fraction, closes[-fast:])) * slow > sum(map(Fraction, closes[-slow:])) * fast


def naive_rsi(closes, period):
    changes = np.diff(closes)
    gain, loss = np.clip(changes[:period], 0, None).mean(), np.clip(-changes[:period], 0, None).mean()
    for change in changes[period:]:
        gain, loss = (gain * (period - 1) + max(change, 0)) / period, (loss * (period - 1) + max(-change, 0)) / period
    return 50.0 if gain + loss <= 1e-9 * closes[-1] else 100 * gain / (gain + loss)


def test_the_library_holds_the_six_rules():
    """S5-12 (six of them)."""
    assert list(RULES) == KEYS


@pytest.mark.parametrize("key", KEYS)
class TestContract:
    """S5-13: every rule keeps the same contract."""

    def test_its_card_says_what_it_is(self, key):
        card = RULES[key].card
        assert card.key == key
        assert card.title
        assert card.source
        assert card.description.endswith(".")

    def test_its_search_space_holds_valid_values_of_its_own_parameters(self, key):
        rule = RULES[key]
        assert rule.card.search_space
        for name, values in rule.card.search_space.items():
            assert len(set(values)) == len(values) > 1
            loose = {"slow_bars": 2_000} if name == "fast_bars" else {"entry_bars": 1_000} if name == "exit_bars" else {}
            loose |= {"exit_bars": 1} if name == "entry_bars" else {}
            for value in values:
                assert getattr(rule.params_model(**loose | {name: value}), name) == value

    def test_its_defaults_are_inside_the_search_space(self, key):
        rule = RULES[key]
        for name, values in rule.card.search_space.items():
            assert getattr(rule.params_model(), name) in values

    def test_its_parameters_are_frozen_and_described(self, key):
        params = RULES[key].params_model()
        assert issubclass(type(params), RuleParams)
        with pytest.raises(ValueError, match="frozen"):
            params.order_notional = 1
        assert all(info.description for info in type(params).model_fields.values())

    def test_cold_it_never_enters_and_without_a_bar_it_does_not_exit(self, key):
        rule, params = RULES[key], SHORT[key]
        history = History(rule.warm_up(params))
        assert not rule.exits(history, params, 1)
        for bar in random_bars(rule.warm_up(params) - 1, seed=5):
            assert not rule.enters(history, params)
            rule.exits(history, params, 1)
            history.append(*bar, 1.0, date(2020, 1, 15))
        assert not rule.enters(history, params)

    def test_same_bars_same_decisions_however_often_it_is_asked(self, key):
        """D19."""
        rule, params = RULES[key], SHORT[key]
        needed = rule.warm_up(params)
        often, seldom, big = History(needed), History(needed), History(4 * needed)
        for number, bar in enumerate(random_bars(2_000, seed=9)):
            on = date(2020, 1, 1) + timedelta(days=number)
            for history in (often, seldom, big):
                history.append(*bar, 1.0, on)
            decision = rule.enters(often, params), rule.exits(often, params, 5)
            assert decision == (rule.enters(often, params), rule.exits(often, params, 5))
            if number % 37 == 0:
                assert decision == (rule.enters(seldom, params), rule.exits(seldom, params, 5))
                assert decision == (rule.enters(big, params), rule.exits(big, params, 5))


@pytest.mark.parametrize("key", KEYS[:-1])
@pytest.mark.parametrize("drift", [0.0, 0.002])
def test_a_rule_equals_its_plain_definition_long_after_wrapping(key, drift):
    """S5-12: 1,500 bars over a window of at most 75, every decision compared, each kind seen."""
    rule, params = RULES[key], SHORT[key]
    history = History(rule.warm_up(params))
    bars = random_bars(1_500, seed=KEYS.index(key), drift=drift)
    seen = {"enters": 0, "stays out": 0, "exits": 0, "stays in": 0}
    for number, bar in enumerate(bars, start=1):
        history.append(*bar, 1.0, date(2020, 1, 1))
        if number < rule.warm_up(params):
            continue
        held = number % 7 + 1
        enters, exits = rule.enters(history, params), rule.exits(history, params, held)
        assert enters == naive_enters(key, bars[:number], params)
        assert exits == naive_exits(key, bars[:number], params, held)
        seen["enters" if enters else "stays out"] += 1
        seen["exits" if exits else "stays in"] += 1
    assert all(seen.values()), seen


def history_of(*bars, capacity=300, on=date(2020, 1, 15)):
    history = History(capacity)
    for bar in bars:
        history.append(*bar, 1.0, on)
    return history


def flat_at(close):
    return (close, close, close, close)


class TestIbsReversion:
    RULE, PARAMS = RULES["ibs_reversion"], IbsReversionParams()

    @pytest.mark.parametrize(
        ("close", "enters", "exits"),
        [
            (10.0, True, False),
            (10.19, True, False),
            (10.21, False, False),
            (10.79, False, False),
            (10.81, False, True),
            (11.0, False, True),
        ],
    )
    def test_it_buys_below_and_sells_above_its_thresholds(self, close, enters, exits):
        history = history_of((10.5, 11.0, 10.0, close))
        assert self.RULE.enters(history, self.PARAMS) is enters
        assert self.RULE.exits(history, self.PARAMS, 1) is exits

    def test_exactly_at_a_threshold_it_does_nothing(self):
        history = history_of((1.0, 2.0, 1.0, 1.25))
        assert not self.RULE.enters(history, IbsReversionParams(buy_threshold=0.25))
        assert not self.RULE.exits(history, IbsReversionParams(buy_threshold=0.1, sell_threshold=0.25), 1)

    def test_a_bar_without_range_is_in_the_middle(self):
        assert internal_bar_strength(5.0, 5.0, 5.0) == 0.5
        assert not self.RULE.enters(history_of(flat_at(5.0)), self.PARAMS)
        assert not self.RULE.exits(history_of(flat_at(5.0)), self.PARAMS, 4)

    @pytest.mark.parametrize(("held", "exits"), [(4, False), (5, True), (6, True)])
    def test_it_leaves_after_its_holding_limit(self, held, exits):
        assert self.RULE.exits(history_of((10.5, 11.0, 10.0, 10.5)), self.PARAMS, held) is exits

    def test_its_holding_limit_needs_no_history(self):
        assert self.RULE.exits(History(1), self.PARAMS, 5)

    def test_its_trend_filter_wants_the_close_above_the_mean(self):
        low_close = (10.5, 11.0, 10.0, 10.0)
        params = IbsReversionParams(trend_bars=2)
        assert self.RULE.enters(history_of(flat_at(9.0), low_close), params)
        assert not self.RULE.enters(history_of(flat_at(10.0), low_close), params)
        assert not self.RULE.enters(history_of(low_close), params)


class TestSmaCross:
    RULE, PARAMS = RULES["sma_cross"], SmaCrossParams(fast_bars=1, slow_bars=2)

    @pytest.mark.parametrize(("close", "is_long"), [(10.01, True), (10.0, False), (9.99, False)])
    def test_long_exactly_while_the_fast_mean_is_above(self, close, is_long):
        history = history_of(flat_at(10.0), flat_at(close))
        assert self.RULE.enters(history, self.PARAMS) is is_long
        assert self.RULE.exits(history, self.PARAMS, 1) is not is_long

    def test_equal_prices_are_no_cross_whatever_rounding_would_say(self):
        """0.1 added three times is not 0.3 in floats; the means of equal closes are equal here."""
        history = history_of(*[flat_at(0.1)] * 400)
        params = SmaCrossParams(fast_bars=3, slow_bars=7)
        assert not self.RULE.enters(history, params)
        assert self.RULE.exits(history, params, 1)


class TestRsiPullback:
    RULE, PARAMS = RULES["rsi_pullback"], RsiPullbackParams(trend_bars=100)

    def test_it_buys_a_dip_in_an_up_trend_and_sells_the_recovery(self):
        rise = [flat_at(100.0 + number) for number in range(110)]
        dip = [flat_at(208.0), flat_at(206.0), flat_at(204.0), flat_at(202.0)]
        assert not self.RULE.enters(history_of(*rise), self.PARAMS)
        assert self.RULE.enters(history_of(*rise, *dip), self.PARAMS)
        assert not self.RULE.exits(history_of(*rise, *dip), self.PARAMS, 1)
        assert self.RULE.exits(history_of(*rise, *dip, flat_at(206.0), flat_at(209.0)), self.PARAMS, 1)

    def test_it_does_not_buy_a_dip_in_a_down_trend_but_still_sells(self):
        fall = [flat_at(300.0 - number) for number in range(110)]
        assert not self.RULE.enters(history_of(*fall), self.PARAMS)
        assert self.RULE.exits(history_of(*fall, flat_at(195.0)), self.PARAMS, 1)

    def test_its_warm_up_covers_the_index_memory(self):
        assert self.RULE.warm_up(self.PARAMS) == 100
        assert self.RULE.warm_up(RsiPullbackParams(trend_bars=2)) == 70
        assert self.RULE.warm_up(RsiPullbackParams(trend_bars=2, rsi_period=30)) > 1_300


class TestDonchianBreakout:
    RULE, PARAMS = RULES["donchian_breakout"], DonchianBreakoutParams(entry_bars=3, exit_bars=2)
    BEFORE = ((10.0, 12.0, 8.0, 10.0), (10.0, 11.0, 9.0, 10.0), (10.0, 10.5, 9.5, 10.0))

    @pytest.mark.parametrize(
        ("close", "enters", "exits"), [(12.01, True, False), (12.0, False, False), (9.0, False, False), (8.99, False, True)]
    )
    def test_only_a_close_beyond_the_channel_counts(self, close, enters, exits):
        history = history_of(*self.BEFORE, (10.0, 13.0, 7.0, close))
        assert self.RULE.enters(history, self.PARAMS) is enters
        assert self.RULE.exits(history, self.PARAMS, 1) is exits


class TestTsmom:
    RULE, PARAMS = RULES["tsmom"], TsmomParams(lookback_bars=2, rebalance_bars=3)

    @pytest.mark.parametrize(("close", "is_long"), [(10.01, True), (10.0, False), (9.99, False)])
    def test_it_follows_the_sign_of_the_trailing_return(self, close, is_long):
        history = history_of(flat_at(10.0), flat_at(20.0), flat_at(close))
        assert self.RULE.enters(history, self.PARAMS) is is_long
        assert self.RULE.exits(history, self.PARAMS, 3) is not is_long

    @pytest.mark.parametrize(("held", "exits"), [(0, False), (1, False), (2, False), (3, True), (4, False), (5, False), (6, True)])
    def test_it_reviews_a_position_only_every_few_bars(self, held, exits):
        history = history_of(flat_at(10.0), flat_at(20.0), flat_at(5.0))
        assert self.RULE.exits(history, self.PARAMS, held) is exits


class TestTurnOfMonth:
    RULE, PARAMS = RULES["turn_of_month"], TurnOfMonthParams()

    @pytest.mark.parametrize(
        ("on", "is_long"),
        [
            # May 2024: Memorial Day on the 27th, last sessions Thursday 30 and Friday 31; June begins on Monday the 3rd
            (date(2024, 5, 29), False),
            (date(2024, 5, 30), True),
            (date(2024, 5, 31), True),
            (date(2024, 6, 3), True),
            (date(2024, 6, 4), True),
            (date(2024, 6, 5), False),
            (date(2024, 6, 6), False),
        ],
    )
    def test_decided_after_the_close_it_holds_the_last_and_the_first_three_sessions(self, on, is_long):
        history = history_of(flat_at(10.0), on=on)
        assert self.RULE.enters(history, self.PARAMS) is is_long
        assert self.RULE.exits(history, self.PARAMS, 1) is not is_long

    def test_it_reads_the_schedule_it_is_given_and_not_the_bars(self):
        """The same bars under another exchange's holidays: the schedule decides, no future bar is needed."""
        closed_on_the_last_days = TurnOfMonth(lambda day: day.weekday() < 5 and day not in (date(2024, 5, 30), date(2024, 5, 31)))
        history = history_of(flat_at(10.0), on=date(2024, 5, 28))
        assert closed_on_the_last_days.enters(history, self.PARAMS)
        assert not self.RULE.enters(history, self.PARAMS)

    @settings(max_examples=50)
    @given(start=st.dates(date(2000, 1, 1), date(2026, 1, 1)), last=st.integers(1, 5), first=st.integers(1, 5))
    def test_every_month_is_held_for_the_asked_sessions(self, start, last, first):
        """Over the year after any day: the number of decisions for long per month is what the parameters say."""
        params = TurnOfMonthParams(last_sessions=last, first_sessions=first)
        rule = TurnOfMonth()
        long_days: dict[tuple[int, int], int] = {}
        month = (start.year + (start.month == 12), start.month % 12 + 1)
        day = date(*month, 1)
        while (day.year, day.month) == month:
            if rule._is_session(day):
                enters = rule.enters(history_of(flat_at(1.0), on=day), params)
                long_days[month] = long_days.get(month, 0) + enters
            day += timedelta(days=1)
        # after session `last` before the end until the last (last + 1 decisions), and sessions 1 to first - 1
        assert long_days[month] == last + 1 + first - 1
