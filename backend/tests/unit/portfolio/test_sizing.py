"""Sizing spends at most the budget, for every budget and price."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats.core.errors import InputError
from ats.portfolio.sizing import annual_volatility, scaled_to_volatility, shares_for

money = st.decimals(min_value=Decimal("0.01"), max_value=Decimal(10) ** 9, places=2)
price = st.decimals(min_value=Decimal("0.0001"), max_value=Decimal(10) ** 6, places=4)


@given(budget=money, price=price)
def test_sizing_never_spends_more_than_the_budget_and_wastes_less_than_a_share(budget, price):
    """S5-06, S5-13."""
    shares = shares_for(budget, price)
    assert shares == shares.to_integral_value()
    assert shares * price <= budget < (shares + 1) * price


@pytest.mark.parametrize(
    ("budget", "price", "shares"),
    [
        ("4000", "400", "10"),
        ("4000", "400.01", "9"),
        ("399.99", "400", "0"),
        ("400", "400", "1"),
        ("0", "400", "0"),
        ("-400", "400", "0"),
    ],
)
def test_the_boundary_of_a_share_is_exact(budget, price, shares):
    assert shares_for(Decimal(budget), Decimal(price)) == Decimal(shares)


@pytest.mark.parametrize("price", ["0", "-0", "-1", "NaN", "sNaN", "Infinity", "-Infinity"])
def test_a_size_without_a_price_is_refused(price):
    """J2: no price, no size."""
    with pytest.raises(InputError, match="price"):
        shares_for(Decimal(4000), Decimal(price))


@pytest.mark.parametrize("budget", ["NaN", "Infinity", "-Infinity"])
def test_a_size_without_a_finite_budget_is_refused(budget):
    with pytest.raises(InputError, match="order_notional"):
        shares_for(Decimal(budget), Decimal(100))


def test_volatility_by_hand():
    """S5-06: returns of +10 % and -10 % in logs, 252 bars a year."""
    closes = [100.0, 100.0 * math.exp(0.1), 100.0]
    assert annual_volatility(closes, 252) == pytest.approx(0.1 * math.sqrt(2) * math.sqrt(252))


def test_volatility_needs_three_closes():
    with pytest.raises(ValueError, match="three closes"):
        annual_volatility([1.0, 2.0], 252)


@pytest.mark.parametrize(("volatility", "expected"), [(0.10, "4000"), (0.20, "4000"), (0.40, "2000.00"), (0.30, "2666.66"), (0.0, "4000")])
def test_an_entry_shrinks_with_volatility_and_never_grows(volatility, expected):
    """S5-06: sized for 20 %."""
    assert scaled_to_volatility(Decimal(4_000), volatility, 0.2) == Decimal(expected)


@given(notional=st.decimals("0.01", "1e9", places=2), volatility=st.floats(0, 1e6), target=st.floats(0.001, 5))
def test_scaling_keeps_the_budget(notional, volatility, target):
    """S5-06: between nothing and the notional, whatever the market does."""
    assert 0 <= scaled_to_volatility(notional, volatility, target) <= notional
