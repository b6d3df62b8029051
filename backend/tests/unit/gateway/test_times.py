"""How clients write moments, durations and bar sizes; what makes no sense is not understood, and nothing worse."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats.gateway.simulated.world.times import (
    NotUnderstoodError,
    before,
    day_start,
    exchange_day,
    exchange_time,
    parse_duration,
    parse_moment,
)

THREE = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("", None),
        ("20260304 10:00:00", THREE),
        ("20260304 10:00:00 US/Eastern", THREE),
        ("20260304 15:00:00 UTC", THREE),
        ("20260304-15:00:00", THREE),
        ("20260304 16:00:00 Europe/Berlin", THREE),
        ("20260304", datetime(2026, 3, 4, 5, tzinfo=UTC)),
    ],
)
def test_every_way_clients_write_a_moment_is_read(text, moment):
    assert parse_moment(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "now",
        "20260230 10:00:00",
        "20260304 25:00:00",
        "20260304 10:00:00 Nowhere/Land",
        "20260304 10:00:00 America",
        "00010101 00:00:00 Asia/Tokyo",
        "19000101",
        "2026-03-04",
        "\u0662\u0660\u0662\u0666\u0660\u0663\u0660\u0664",
    ],
)
def test_what_is_no_moment_is_not_understood(text):
    with pytest.raises(NotUnderstoodError):
        parse_moment(text)


@given(st.text(max_size=30))
def test_no_text_breaks_the_reading(text):
    for read in (parse_moment, parse_duration):
        try:
            read(text)
        except NotUnderstoodError:
            continue


@pytest.mark.parametrize(
    ("duration", "start"),
    [
        ("30 S", datetime(2026, 3, 31, 11, 59, 30, tzinfo=UTC)),
        ("2 D", datetime(2026, 3, 29, 12, tzinfo=UTC)),
        ("1 W", datetime(2026, 3, 24, 12, tzinfo=UTC)),
        ("1 M", datetime(2026, 2, 28, 12, tzinfo=UTC)),
        ("13 M", datetime(2025, 2, 28, 12, tzinfo=UTC)),
        ("3 Y", datetime(2023, 3, 31, 12, tzinfo=UTC)),
    ],
)
def test_durations_go_back_by_the_calendar(duration, start):
    assert before(datetime(2026, 3, 31, 12, tzinfo=UTC), *parse_duration(duration)) == start


@pytest.mark.parametrize("text", ["", "1", "D", "0 D", "-1 D", "1 H", "1.5 D", "1  D", "999999999 Y", "1 d"])
def test_what_is_no_duration_is_not_understood(text):
    with pytest.raises(NotUnderstoodError):
        parse_duration(text)


def test_times_are_told_in_new_york_and_days_begin_there():
    assert exchange_time(THREE) == "20260304 10:00:00 US/Eastern"
    late = datetime(2026, 3, 5, 3, tzinfo=UTC)
    assert (exchange_day(late).day, day_start(exchange_day(late))) == (4, datetime(2026, 3, 4, 5, tzinfo=UTC))
