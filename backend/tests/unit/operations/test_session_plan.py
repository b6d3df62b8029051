"""From what an operator typed to a plan: one sleeve or a book, the mode's own account, port and limits.

Rows C9, C13, J8.
"""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from ats.core.config import load_settings
from ats.core.errors import InputError
from ats.operations.plan import approval_caps, plan_session, sleeves_from
from ats.session.records import Mode

ONE = ("ibs_reversion", "QQQ.NASDAQ", "1-DAY-LAST", '{"order_notional": 3000}', None)


@pytest.fixture
def settings(tmp_path):
    env_file = tmp_path / "settings.env"
    env_file.write_text("# Nothing is set here.\n")
    given = {
        "ATS_IB_LIVE_ACCOUNT_ID": "U1234567",
        "ATS_IB_PAPER_ACCOUNT_ID": "DU1234567",
        "ATS_LIVE_RISK_MAX_NOTIONAL_PER_ORDER": "1111",
        "ATS_PAPER_RISK_MAX_NOTIONAL_PER_ORDER": "2222",
    }
    return load_settings(given, env_file)


def book(*instruments):
    return json.dumps(
        [
            {"strategy": "ibs_reversion", "instrument": name, "bar_spec": "1-DAY-LAST", "params": {"order_notional": 1000}}
            for name in instruments
        ]
    )


@pytest.mark.parametrize(
    ("mode", "account", "port", "cap"), [(Mode.LIVE, "U1234567", 4001, 1111), (Mode.PAPER, "DU1234567", 4002, 2222)], ids=["live", "paper"]
)
def test_each_mode_has_its_own_account_port_and_limits(settings, mode, account, port, cap):
    """S3-03."""
    plan = plan_session(mode, sleeves_from(*ONE), settings)
    assert (plan.account_id, plan.gateway.port) == (account, port)
    assert plan.limits.order_caps == {"QQQ.NASDAQ": Decimal(cap)}


@pytest.mark.parametrize(("mode", "cap"), [(Mode.LIVE, 5_000), (Mode.PAPER, 25_000)], ids=["live", "paper"])
def test_the_cap_is_low_unless_somebody_raises_it(tmp_path, mode, cap):
    """S3-06."""
    env_file = tmp_path / "settings.env"
    env_file.write_text("# Nothing is set here.\n")
    assert plan_session(mode, sleeves_from(*ONE), load_settings({}, env_file)).limits.order_caps == {"QQQ.NASDAQ": Decimal(cap)}


def test_only_the_instruments_of_the_session_have_a_limit(settings):
    """A3."""
    plan = plan_session(Mode.PAPER, sleeves_from(None, None, None, "{}", book("QQQ.NASDAQ", "SPY.ARCA")), settings)
    assert set(plan.limits.order_caps) == {"QQQ.NASDAQ", "SPY.ARCA"}


def test_a_sleeve_of_a_book_spends_its_share_rounded_down(settings):
    sleeves = sleeves_from(None, None, None, "{}", book("QQQ.NASDAQ", "SPY.ARCA", "IWM.ARCA"))
    assert [sleeve.params.order_notional for sleeve in sleeves] == [Decimal("333.33")] * 3


def test_an_approval_binds_a_sleeve_alone_so_that_a_book_needs_no_approval_of_its_mixture(settings):
    """C9: the caps bound for an instrument are those of a session on it alone."""
    caps = approval_caps(settings, ["QQQ.NASDAQ", "SPY.ARCA"])
    alone = plan_session(Mode.LIVE, sleeves_from(*ONE), settings).limits
    assert caps["QQQ.NASDAQ"].described() == alone.described()


def test_two_sleeves_on_one_instrument_are_refused_by_name():
    """J8."""
    with pytest.raises(InputError, match="ibs_reversion on QQQ"):
        sleeves_from(None, None, None, "{}", book("QQQ.NASDAQ", "QQQ.NASDAQ"))


def test_a_book_and_a_single_sleeve_at_once_are_refused():
    with pytest.raises(InputError, match="sleeves-json"):
        sleeves_from("ibs_reversion", None, None, "{}", book("QQQ.NASDAQ"))


@pytest.mark.parametrize(("missing", "name"), [(0, "strategy"), (1, "instrument"), (2, "bar-spec")])
def test_a_part_that_is_missing_is_named(missing, name):
    given = list(ONE)
    given[missing] = None
    with pytest.raises(InputError, match=name):
        sleeves_from(*given)
