"""The limits of a session are the settings', and what is printed of them is what is enforced."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ats.core.config import LiveRiskSettings, Rate, load_settings
from ats.core.orders import OrderIntent, Side
from ats.risk.guardian import Guardian, OpenControl, Refused
from ats.risk.limits import limits_from


@pytest.fixture
def environ():
    return {
        "ATS_LIVE_RISK_MAX_NOTIONAL_PER_ORDER": "1234.56",
        "ATS_LIVE_RISK_MAX_POSITION_NOTIONAL": "2345.67",
        "ATS_LIVE_RISK_MAX_GROSS_NOTIONAL": "3456.78",
        "ATS_LIVE_RISK_MAX_ORDER_SUBMIT_RATE": "3/00:01:30",
        "ATS_LIVE_RISK_MAX_PRICE_AGE_SECONDS": "17",
        "ATS_LIVE_RISK_RESTRICTED_INSTRUMENTS": "gme, AMC.NYSE",
    }


def test_every_setting_becomes_its_limit(environ):
    limits = limits_from(load_settings(environ, Path("/nonexistent")).live_risk, ["QQQ.NASDAQ", "SPY.ARCA"])
    assert limits.order_caps == {"QQQ.NASDAQ": Decimal("1234.56"), "SPY.ARCA": Decimal("1234.56")}
    assert limits.max_position_notional == Decimal("2345.67")
    assert limits.max_gross_notional == Decimal("3456.78")
    assert (limits.submit_count, limits.submit_interval_ns) == (3, 90_000_000_000)
    assert limits.max_price_age_ns == 17_000_000_000
    assert limits.restricted == {"GME", "AMC.NYSE"}


def test_what_is_printed_is_what_is_enforced(environ, book):
    """C13 at the unit level: each printed number is the one a refusal names."""
    limits = limits_from(load_settings(environ, Path("/nonexistent")).live_risk, ["QQQ.NASDAQ"])
    printed = limits.described()
    assert printed == {
        "max_notional_per_order": "QQQ.NASDAQ 1234.56",
        "max_position_notional": "2345.67",
        "max_gross_notional": "3456.78",
        "max_order_submit_rate": "3/00:01:30",
        "max_price_age": "17 s",
        "restricted_instruments": "AMC.NYSE, GME",
    }
    intent = OrderIntent("O-1", "any", "QQQ.NASDAQ", Side.BUY, Decimal("12.35"), "MARKET", "DAY")
    refused = Guardian(limits, OpenControl()).judge(intent, book, book.prices["QQQ.NASDAQ"].observed_ns)
    assert isinstance(refused, Refused)
    assert printed["max_notional_per_order"].endswith(refused.limit)


def test_no_restriction_is_said_in_words():
    assert limits_from(LiveRiskSettings(), []).described()["restricted_instruments"] == "none"


@pytest.mark.parametrize("text", ["1/00:00:01", "2/00:00:01", "100/00:01:00", "5/01:02:03"])
def test_the_rate_is_written_as_the_settings_write_it(limits, text):
    rate = Rate.parse(text)
    assert (
        replace(limits, submit_count=rate.count, submit_interval_ns=rate.interval // timedelta(microseconds=1) * 1_000).submit_rate == text
    )


def test_without_instruments_nothing_may_be_traded():
    assert limits_from(LiveRiskSettings(), []).order_caps == {}
