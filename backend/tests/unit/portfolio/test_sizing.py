"""Sizing spends at most the budget, for every budget and price."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats.core.errors import InputError
from ats.portfolio.sizing import shares_for

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
