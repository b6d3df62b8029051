from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats.core.clock import from_ns, to_ns
from ats.core.errors import InputError
from ats.core.market import BarSpec
from ats.data import calendar

DAILY, MINUTE = BarSpec(1, "DAY"), BarSpec(1, "MINUTE")
moments = st.datetimes(datetime(1970, 1, 2), datetime(2037, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 -- hypothesis wants naive bounds


def test_a_daily_bar_opens_at_half_past_nine_in_new_york_in_summer_and_winter():
    assert calendar.opened_at(DAILY, datetime(2020, 7, 1, 20, tzinfo=UTC)) == datetime(2020, 7, 1, 13, 30, tzinfo=UTC)
    assert calendar.opened_at(DAILY, datetime(2020, 1, 2, 21, tzinfo=UTC)) == datetime(2020, 1, 2, 14, 30, tzinfo=UTC)


def test_an_intraday_bar_opens_one_duration_before_its_close():
    assert calendar.opened_at(MINUTE, datetime(2020, 1, 2, 15, 1, tzinfo=UTC)) == datetime(2020, 1, 2, 15, 0, tzinfo=UTC)


def test_the_nominal_close_is_sixteen_o_clock_in_new_york():
    assert calendar.nominal_close(date(2020, 7, 1)) == datetime(2020, 7, 1, 20, tzinfo=UTC)
    assert calendar.nominal_close(date(2020, 1, 2)) == datetime(2020, 1, 2, 21, tzinfo=UTC)


@given(st.lists(moments, min_size=1, max_size=20))
def test_arrays_agree_with_the_zone_database_at_every_moment(sample):
    stamps = np.array([to_ns(moment) for moment in sample], np.int64)
    offsets = [moment.astimezone(calendar.NEW_YORK).utcoffset() for moment in sample]
    assert [timedelta(microseconds=int(offset) // 1000) for offset in calendar.new_york_offset_ns(stamps)] == offsets
    assert calendar.session_dates(stamps).tolist() == [calendar.session_date(moment) for moment in sample]


@given(st.lists(st.dates(date(1970, 1, 2), date(2037, 12, 30)), min_size=1, max_size=20))
def test_array_stamps_agree_with_single_stamps_on_every_date(dates):
    days = np.array(dates, "datetime64[D]")
    assert [from_ns(int(stamp)) for stamp in calendar.nominal_open_ns(days)] == [calendar.nominal_open(day) for day in dates]
    assert [from_ns(int(stamp)) for stamp in calendar.nominal_close_ns(days)] == [calendar.nominal_close(day) for day in dates]


@pytest.mark.parametrize("spec", [DAILY, MINUTE, BarSpec(1, "HOUR")])
def test_opens_of_an_array_agree_with_single_opens(spec):
    closes = [calendar.nominal_close(date(2019, 3, 8) + timedelta(days=day)) for day in range(10)]
    stamps = np.array([to_ns(close) for close in closes], np.int64)
    assert [from_ns(int(stamp)) for stamp in calendar.opened_ns(spec, stamps)] == [calendar.opened_at(spec, close) for close in closes]


def test_no_moments_have_no_offsets():
    assert len(calendar.new_york_offset_ns(np.zeros(0, np.int64))) == 0


def test_the_next_open_skips_the_weekend_and_holidays():
    thanksgiving_eve = datetime(2024, 11, 27, 21, tzinfo=UTC)
    assert calendar.next_session_open(thanksgiving_eve) == datetime(2024, 11, 29, 14, 30, tzinfo=UTC)
    assert calendar.next_session_open(datetime(2024, 11, 29, 14, 30, tzinfo=UTC)) == datetime(2024, 12, 2, 14, 30, tzinfo=UTC)


def test_the_next_open_crosses_the_closure_of_september_2001():
    assert calendar.next_session_open(datetime(2001, 9, 10, 20, tzinfo=UTC)) == datetime(2001, 9, 17, 13, 30, tzinfo=UTC)


def test_the_close_of_a_half_day_is_the_real_one():
    assert calendar.session_close(date(2024, 11, 29)) == datetime(2024, 11, 29, 18, tzinfo=UTC)
    assert calendar.next_session_close(datetime(2024, 11, 29, 12, tzinfo=UTC)) == datetime(2024, 11, 29, 18, tzinfo=UTC)
    assert calendar.session_open(date(2024, 11, 29)) == datetime(2024, 11, 29, 14, 30, tzinfo=UTC)


def test_a_day_without_a_session_has_no_close():
    with pytest.raises(InputError, match="2024-12-25"):
        calendar.session_close(date(2024, 12, 25))


def test_sessions_of_a_week_with_a_holiday():
    found = calendar.sessions_between(date(2024, 12, 23), date(2024, 12, 29)).tolist()
    assert found == [date(2024, 12, 23), date(2024, 12, 24), date(2024, 12, 26), date(2024, 12, 27)]
    assert len(calendar.sessions_between(date(2024, 12, 29), date(2024, 12, 23))) == 0
    assert calendar.is_session(date(2024, 12, 26))
    assert not calendar.is_session(date(2024, 12, 25))


def test_the_exchange_closes_early_on_half_days_and_nominally_on_days_only_the_data_know():
    exchange = calendar.NewYorkExchange()
    assert exchange.close_of(date(2024, 11, 29)) == datetime(2024, 11, 29, 18, tzinfo=UTC)
    assert exchange.close_of(date(2024, 12, 25)) == datetime(2024, 12, 25, 21, tzinfo=UTC)
    assert exchange.next_open(datetime(2024, 12, 24, 21, tzinfo=UTC)) == datetime(2024, 12, 26, 14, 30, tzinfo=UTC)
    assert exchange.next_close(datetime(2024, 12, 24, 12, tzinfo=UTC)) == datetime(2024, 12, 24, 18, tzinfo=UTC)


def test_sessions_of_moments_are_those_from_the_first_to_the_last():
    stamps = np.array([to_ns(datetime(2024, 12, day, 21, tzinfo=UTC)) for day in (27, 24)], np.int64)
    assert calendar.sessions_of(stamps).tolist() == [date(2024, 12, 24), date(2024, 12, 26), date(2024, 12, 27)]
    assert len(calendar.sessions_of(stamps[:0])) == 0
