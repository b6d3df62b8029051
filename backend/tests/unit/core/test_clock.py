"""Time is aware UTC and exact to the microsecond."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats.core.clock import SystemClock, from_ns, to_ns
from ats.testing.clock import ManualClock

moments = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))  # noqa: DTZ001 -- made aware at once


@given(moment=moments)
def test_a_moment_survives_nanoseconds_exactly(moment):
    assert from_ns(to_ns(moment)) == moment


@given(moment=moments, hours=st.integers(-12, 14))
def test_the_zone_of_a_moment_does_not_change_its_nanoseconds(moment, hours):
    assert to_ns(moment.astimezone(timezone(timedelta(hours=hours)))) == to_ns(moment)


@pytest.mark.parametrize(("nanoseconds", "microseconds"), [(0, 0), (999, 0), (1_000, 1), (1_999, 1), (1_000_000_999, 1_000_000)])
def test_digits_below_the_microsecond_are_dropped(nanoseconds, microseconds):
    assert from_ns(nanoseconds) == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)


def test_a_naive_moment_is_refused():
    with pytest.raises(ValueError, match="naive"):
        to_ns(datetime(2026, 1, 1))  # noqa: DTZ001 -- naive on purpose


def test_the_system_clock_is_aware_utc_and_now():
    before = datetime.now(UTC)
    now = SystemClock().now()
    assert now.tzinfo is UTC
    assert before <= now <= datetime.now(UTC)


def test_a_manual_clock_moves_only_when_told():
    clock = ManualClock()
    start = clock.now()
    assert clock.now() == start
    clock.advance(days=91)
    assert clock.now() == start + timedelta(days=91)
