"""Row J6: a bar specification is one of the registry's timeframes (S5-05)."""

# ruff: noqa: RUF001 -- look-alike characters are the bad input

from datetime import timedelta

import pytest

from ats.core.errors import InputError
from ats.core.market import TIMEFRAMES, BarSpec

BAD_SPECS = [
    "",
    " ",
    "-",
    "--",
    "DAY",
    "LAST",
    "1",
    "1-DAY",
    "1-DAY-",
    "-DAY-LAST",
    "1--LAST",
    "0-DAY-LAST",
    "-1-DAY-LAST",
    "00-DAY-LAST",
    "01-DAY-LAST",
    "1.5-DAY-LAST",
    "1e0-DAY-LAST",
    "+1-DAY-LAST",
    "１-DAY-LAST",
    "1-day-last",
    "1-Day-Last",
    "1-DAY-last",
    "1-DAY-MID",
    "1-DAY-BID",
    "1-DAY-LAST-EXTERNAL",
    "1-DAY-LAST-INTERNAL",
    "1-DAY-LAST ",
    " 1-DAY-LAST",
    "1 DAY LAST",
    "1-DAY-LAST\n",
    "1-DAY\x00-LAST",
    "1_DAY_LAST",
    "1/DAY/LAST",
    "1D",
    "1d",
    "daily",
    "D1",
    "1-DAYS-LAST",
    "1-WEEK-LAST",
    "1-MONTH-LAST",
    "1-YEAR-LAST",
    "100-TICK-LAST",
    "1000-VOLUME-LAST",
    "1-MILLISECOND-LAST",
    "2-DAY-LAST",
    "4-MINUTE-LAST",
    "7-MINUTE-LAST",
    "60-MINUTE-LAST",
    "60-SECOND-LAST",
    "24-HOUR-LAST",
    "9999-MINUTE-LAST",
    "99999999-MINUTE-LAST",
    "9" * 1_000 + "-MINUTE-LAST",
    "1-МINUTE-LAST",
    "%-DAY-LAST",
    "1-DAY-LAST;DROP",
    None,
    1,
    1.0,
    True,
    ["1-DAY-LAST"],
    {},
    b"1-DAY-LAST",
]


@pytest.mark.parametrize("text", BAD_SPECS, ids=lambda text: ascii(text)[:24])
def test_what_is_no_timeframe_is_refused_with_its_field_and_the_valid_ones(text):
    """J6."""
    with pytest.raises(InputError, match=r"^sleeve bar spec: ") as caught:
        BarSpec.parse(text, "sleeve bar spec")
    assert "1-DAY-LAST" in caught.value.remedy
    assert "5-SECOND-LAST" in caught.value.remedy


@pytest.mark.parametrize("spec", TIMEFRAMES, ids=str)
def test_every_timeframe_reads_back_what_it_writes(spec):
    """S5-05."""
    assert BarSpec.parse(str(spec)) == spec
    assert spec.duration > timedelta(0)
    assert spec.is_intraday == (spec.duration < timedelta(days=1))


def test_the_registry_holds_each_timeframe_once_and_the_two_named_by_the_requirements():
    """S5-05."""
    assert len(set(TIMEFRAMES)) == len(TIMEFRAMES)
    assert {"1-DAY-LAST", "1-MINUTE-LAST"} <= {str(spec) for spec in TIMEFRAMES}
    assert BarSpec.parse("5-SECOND-LAST").duration == timedelta(seconds=5)
