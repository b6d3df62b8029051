"""The market is a pure function of data and time: bars, quotes and trades of any length agree with the data and with each other."""

import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats.core.clock import to_ns
from ats.core.ids import InstrumentId
from ats.core.market import Bar, BarSpec
from ats.gateway.simulated import SimulatedInstrument
from ats.gateway.simulated.world.tape import Tape
from ats.gateway.simulated.world.timeline import compressed_timeline, true_pace_timeline

NOW = datetime(2026, 3, 4, 15, 0, 2, tzinfo=UTC)
SECOND = 1_000_000_000
TICK = Decimal("0.01")
cents = st.integers(100, 20_000)


@st.composite
def random_bars(draw):
    bars, opened_at = [], datetime(2020, 1, 1, tzinfo=UTC)
    for _ in range(draw(st.integers(2, 6))):
        prices = sorted(draw(st.tuples(cents, cents, cents, cents)))
        open_, close = draw(st.permutations(prices[1:3]))
        low, high = prices[0], prices[3]
        values = (Decimal(price) * TICK for price in (open_, high, low, close))
        bars.append(Bar(opened_at, opened_at + timedelta(days=1), opened_at, *values, Decimal(draw(st.integers(0, 10**6)))))
        opened_at += timedelta(days=1)
    return bars


def tape_of(bars, history=0, length=5):
    instrument = SimulatedInstrument(InstrumentId("MSFT", "NASDAQ"), bars, BarSpec(1, "DAY"))
    return Tape(instrument, compressed_timeline(len(bars), history, timedelta(seconds=length), NOW))


@given(random_bars(), st.sampled_from([5, 60]))
def test_each_bar_of_the_data_comes_back_whole(bars, length):
    tape = tape_of(bars, length=length)
    for index, bar in enumerate(bars):
        start = tape.begins_ns + index * length * SECOND
        shown = tape.bar(start, start + length * SECOND)
        assert (shown.open, shown.high, shown.low, shown.close, shown.volume) == (bar.open, bar.high, bar.low, bar.close, bar.volume)


@given(random_bars(), st.integers(1, 59))
def test_any_cut_of_a_bar_adds_up_to_the_bar(bars, cut):
    tape = tape_of(bars, length=60)
    start, end = tape.begins_ns, tape.begins_ns + 60 * SECOND
    whole, first, second = (tape.bar(*span) for span in ((start, end), (start, start + cut * SECOND), (start + cut * SECOND, end)))
    assert (first.open, second.close) == (whole.open, whole.close)
    assert max(first.high, second.high) == whole.high
    assert min(first.low, second.low) == whole.low
    assert first.volume + second.volume == whole.volume
    assert first.close == second.open


@given(random_bars(), st.sampled_from([5, 60]))
@settings(max_examples=50)
def test_trades_of_a_bar_rebuild_it_and_stand_inside_their_quote(bars, length):
    tape = tape_of(bars, length=length)
    for index, bar in enumerate(bars):
        start = tape.begins_ns + index * length * SECOND
        trades = list(tape.ticks(start - 1, start + length * SECOND - 1))
        prices = [trade.last for trade in trades]
        assert (prices[0], max(prices), min(prices), prices[-1]) == (bar.open, bar.high, bar.low, bar.close)
        assert all(trade.ask - trade.bid == TICK and trade.bid <= trade.last <= trade.ask for trade in trades)
        assert [trade.at_ns for trade in trades] == sorted({trade.at_ns for trade in trades})


@given(random_bars(), st.lists(st.integers(1, 20_000), min_size=1, max_size=8))
def test_trades_do_not_depend_on_how_often_one_looks(bars, steps_ms):
    tape = tape_of(bars)
    moments = [tape.begins_ns]
    for step in steps_ms:
        moments.append(moments[-1] + step * 1_000_000)
    once = list(tape.ticks(moments[0], moments[-1]))
    piecewise = [trade for after, until in itertools.pairwise(moments) for trade in tape.ticks(after, until)]
    assert piecewise == once


def test_a_rising_bar_falls_first_and_a_falling_one_rises_first(bars_of):
    tape = tape_of(bars_of("100 102 99 101", "101 102 99 100"))
    early = [[trade.last for trade in tape.ticks(start - 1, start + 2 * SECOND)] for start in (tape.begins_ns, tape.begins_ns + 5 * SECOND)]
    assert min(early[0]) == 99
    assert max(early[0]) < 102
    assert max(early[1]) == 102
    assert min(early[1]) > 99


def test_a_rising_price_trades_at_the_ask_and_a_falling_one_at_the_bid(bars_of):
    tape = tape_of(bars_of("100 102 99 101"))
    falling, rising = tape.quote(tape.begins_ns + SECOND), tape.quote(tape.begins_ns + 2 * SECOND)
    assert (falling.bid, rising.ask) == (falling.last, rising.last)


def test_after_the_data_the_price_stands_still_without_volume(bars_of):
    tape = tape_of(bars_of("100 102 99 101", "101 103 100 102"))
    end = tape.begins_ns + 10 * SECOND
    assert not tape.is_exhausted(end - 1)
    assert tape.is_exhausted(end)
    shown = tape.bar(end, end + 5 * SECOND)
    assert (shown.open, shown.high, shown.low, shown.close, shown.volume) == (102, 102, 102, 102, 0)
    assert tape.quote(end + 3600 * SECOND).last == 102


def test_before_the_data_there_are_no_bars_and_the_first_open_stands(bars_of):
    tape = tape_of(bars_of("100 102 99 101"))
    assert tape.bar(tape.begins_ns - 10 * SECOND, tape.begins_ns) is None
    assert tape.quote(tape.begins_ns - SECOND).last == 100


@given(random_bars(), st.integers(0, 15_000))
def test_the_standing_quote_is_the_one_the_latest_trade_left(bars, after_ms):
    tape = tape_of(bars)
    moment = tape.begins_ns + after_ms * 1_000_000
    assert tape.quote(moment) == list(tape.ticks(tape.begins_ns - 1, moment))[-1]


def test_a_long_silence_is_caught_up_by_turning_points(bars_of):
    tape = tape_of(bars_of(*["100 102 99 101"] * 100))
    trades = list(tape.ticks(tape.begins_ns - 1, tape.begins_ns + 500 * SECOND - 1))
    assert len(trades) == 400
    assert {trade.last for trade in trades} == {Decimal(price) for price in (99, 100, 101, 102)}


def test_prices_are_rounded_to_the_tick(bars_of):
    tape = tape_of(bars_of("100.004 100.017 99.996 100.012"))
    shown = tape.bar(tape.begins_ns, tape.begins_ns + 5 * SECOND)
    assert [str(price) for price in (shown.open, shown.high, shown.low, shown.close)] == ["100.00", "100.02", "100.00", "100.01"]


# True pace


def weekday_tape(bars, history, now):
    return Tape(
        SimulatedInstrument(InstrumentId("MSFT", "NASDAQ"), bars, BarSpec(1, "DAY")),
        true_pace_timeline(bars, history, BarSpec(1, "DAY"), now),
    )


def test_daily_bars_take_the_weekdays_around_today(bars_of):
    bars = bars_of(*[f"{price} {price} {price} {price}" for price in range(101, 111)])
    tape = weekday_tape(bars, 5, NOW)
    seen = {day: tape.quote(to_ns(datetime(2026, 3, day, 18, tzinfo=UTC))).last for day in (2, 3, 4, 5, 6, 7, 8, 9)}
    assert seen == {2: 104, 3: 105, 4: 106, 5: 107, 6: 108, 7: 108, 8: 108, 9: 109}


@pytest.mark.parametrize("day", [7, 8], ids=["saturday", "sunday"])
def test_on_a_weekend_the_next_daily_bar_is_mondays(bars_of, day):
    tape = weekday_tape(bars_of("101 101 101 101", "102 102 102 102"), 1, datetime(2026, 3, day, 15, tzinfo=UTC))
    assert tape.quote(to_ns(datetime(2026, 3, day, 18, tzinfo=UTC))).last == 101
    assert tape.quote(to_ns(datetime(2026, 3, 9, 18, tzinfo=UTC))).last == 102


def test_sessions_follow_new_york_through_the_change_of_its_clocks(bars_of):
    tape = weekday_tape(bars_of(*["100 100 100 100"] * 10), 2, NOW)
    winter = tape.bar(to_ns(datetime(2026, 3, 6, 14, 30, tzinfo=UTC)), to_ns(datetime(2026, 3, 6, 21, 0, tzinfo=UTC)))
    summer = tape.bar(to_ns(datetime(2026, 3, 9, 13, 30, tzinfo=UTC)), to_ns(datetime(2026, 3, 9, 20, 0, tzinfo=UTC)))
    assert (winter.volume, summer.volume) == (8000, 8000)


def test_recorded_bars_are_moved_with_their_gaps_so_that_the_next_one_opens_now(bars_of):
    minute = timedelta(minutes=1)
    bars = bars_of("100 100 100 100", "101 101 101 101", "102 102 102 102", length=minute)
    late = [bars[0], bars[1], Bar(bars[2].opened_at + timedelta(hours=1), *(getattr(bars[2], name) for name in Bar.__slots__[1:]))]
    tape = Tape(
        SimulatedInstrument(InstrumentId("MSFT", "NASDAQ"), late, BarSpec(1, "MINUTE")),
        true_pace_timeline(late, 1, BarSpec(1, "MINUTE"), NOW),
    )
    floor = to_ns(NOW.replace(second=0))
    assert tape.quote(floor + SECOND).last == 101
    assert tape.bar(floor + 60 * SECOND, floor + 3600 * SECOND) is None
    assert tape.quote(floor + 3600 * SECOND).last == 101
    assert tape.quote(floor + 61 * 60 * SECOND).last == 102
