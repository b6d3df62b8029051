"""An approval binds exactly what was approved: every drift is found and named, and it stands until its last moment only."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats.risk.approvals import ApprovalScope, GoLiveApproval, drift

SCOPE = ApprovalScope(
    strategy="ibs_reversion",
    source_digest="ab" * 32,
    instrument_id="QQQ.NASDAQ",
    bar_spec="1-DAY-LAST",
    params={"order_notional": "4000", "buy_threshold": 0.2, "trend_bars": None},
    account_id="U1234567",
    caps={"max_notional_per_order": "QQQ.NASDAQ 5000", "max_gross_notional": "40000"},
)
GRANTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
APPROVAL = GoLiveApproval("a-1", SCOPE, SCOPE.digest, "anna", "first month", GRANTED, GRANTED + timedelta(days=90))


def test_what_was_approved_does_not_drift():
    same = replace(SCOPE, params=dict(reversed(SCOPE.params.items())), caps=dict(SCOPE.caps))
    assert drift(SCOPE, same) == ()
    assert same.digest == SCOPE.digest


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"strategy": "sma_cross"}, ("strategy",)),
        ({"source_digest": "ab" * 31 + "ac"}, ("source_digest",)),
        ({"instrument_id": "QQQ.ARCA"}, ("instrument_id",)),
        ({"bar_spec": "1-MINUTE-LAST"}, ("bar_spec",)),
        ({"account_id": "U7654321"}, ("account_id",)),
        ({"params": SCOPE.params | {"buy_threshold": 0.20000000000000004}}, ("params.buy_threshold",)),
        ({"params": SCOPE.params | {"order_notional": "4000.01"}}, ("params.order_notional",)),
        ({"params": SCOPE.params | {"extra": 1}}, ("params.extra",)),
        ({"params": {"order_notional": "4000", "buy_threshold": 0.2}}, ("params.trend_bars",)),
        ({"params": SCOPE.params | {"extra": None}}, ("params.extra",)),
        ({"params": {}}, ("params.buy_threshold", "params.order_notional", "params.trend_bars")),
        ({"caps": SCOPE.caps | {"max_gross_notional": "40001"}}, ("caps.max_gross_notional",)),
        ({"caps": {}}, ("caps.max_gross_notional", "caps.max_notional_per_order")),
        ({"strategy": "tsmom", "account_id": "U7654321", "caps": SCOPE.caps | {"x": "1"}}, ("strategy", "account_id", "caps.x")),
    ],
)
def test_each_changed_field_is_named(change, named):
    """C6 at the unit level: one parameter, one line of code, one cap."""
    current = replace(SCOPE, **change)
    assert drift(SCOPE, current) == named
    assert current.digest != SCOPE.digest


def test_every_field_of_the_scope_is_bound():
    assert set(SCOPE.fields()) == {field.name for field in fields(ApprovalScope)}


values = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "1", "4000"]) | st.sampled_from([0.2, 1.0, Decimal(1)])
mappings = st.dictionaries(st.sampled_from(["a", "b", "c"]), values, max_size=3)


@given(approved=mappings, current=mappings, caps=mappings)
def test_no_drift_means_the_same_digest_and_the_other_way_round(approved, current, caps):
    """C6: what `drift` does not name, the digest does not see either; neither can hide behind the other."""
    first, second = replace(SCOPE, params=approved), replace(SCOPE, params=current, caps=caps)
    assert (drift(first, second) == ()) == (first.digest == second.digest)
    assert drift(first, first) == ()


@pytest.mark.parametrize(
    ("after", "standing"),
    [
        (timedelta(0), True),
        (timedelta(days=90) - timedelta(microseconds=1), True),
        (timedelta(days=90), False),
        (timedelta(days=91), False),
    ],
)
def test_an_approval_stands_until_it_expires(after, standing):
    """C7: a clock 91 days on."""
    assert APPROVAL.is_standing(GRANTED + after) is standing


def test_a_revoked_approval_does_not_stand():
    """C8 at the unit level."""
    revoked = replace(APPROVAL, revoked_at=GRANTED + timedelta(days=1), revoked_by="anna", revoke_reason="drill")
    assert not revoked.is_standing(GRANTED + timedelta(days=1))
    assert not revoked.is_standing(GRANTED)
