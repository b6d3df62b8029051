from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from ats.core.clock import to_ns
from ats.core.errors import InputError
from ats.data.window import bounds_ns


def test_plain_dates_span_whole_new_york_days_in_summer_and_winter():
    first, last = bounds_ns(date(2020, 7, 1), date(2020, 12, 31))
    assert first == to_ns(datetime(2020, 7, 1, 4, tzinfo=UTC))
    assert last == to_ns(datetime(2021, 1, 1, 5, tzinfo=UTC)) - 1


def test_moments_are_themselves():
    moment = datetime(2020, 7, 1, 20, tzinfo=UTC)
    assert bounds_ns(moment, moment) == (to_ns(moment), to_ns(moment))


def test_no_bounds_hold_everything():
    first, last = bounds_ns(None, None)
    assert (first, last) == (0, 2**63 - 1)


def test_one_day_is_a_window_and_a_day_back_is_none():
    assert bounds_ns(date(2020, 7, 1), date(2020, 7, 1))[0] < bounds_ns(None, date(2020, 7, 1))[1]
    with pytest.raises(InputError, match="after the end"):
        bounds_ns(date(2020, 7, 2), date(2020, 7, 1))


def test_a_moment_without_a_zone_has_no_place():
    with pytest.raises(ValueError, match="naive"):
        bounds_ns(datetime(2020, 7, 1), None)  # noqa: DTZ001 -- the case under test
