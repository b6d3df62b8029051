"""Commission of Interactive Brokers' fixed plan: boundaries on both sides, and laws for every order (S5-06)."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.objects import Money, Price, Quantity

from ats.execution.costs import IbFixedFeeModel, ib_fixed_commission

shares = st.integers(1, 1_000_000).map(Decimal)
prices = st.integers(1, 10_000_000).map(lambda cents: Decimal(cents) / 100)


@pytest.mark.parametrize(
    ("quantity", "price", "fee"),
    [
        ("1", "250", "1.00"),
        ("199", "50", "1.00"),
        ("200", "50", "1.00"),
        ("201", "50", "1.01"),  # 1.005, half up
        ("1000", "50", "5.00"),
        ("1", "99.99", "1.00"),
        ("1", "100", "1.00"),
        ("1", "50", "0.50"),  # one per cent is less than the minimum
        ("1000", "0.40", "4.00"),  # one per cent is less than half a cent a share
        ("1000", "0.50", "5.00"),
        ("1000", "0.51", "5.00"),
        ("1", "0.01", "0.00"),
    ],
)
def test_boundaries_of_the_plan(quantity, price, fee):
    assert ib_fixed_commission(Decimal(quantity), Decimal(price)) == Decimal(fee)


@given(shares, prices)
def test_never_more_than_one_per_cent_and_never_less_than_the_smaller_of_minimum_and_cap(quantity, price):
    fee, value = ib_fixed_commission(quantity, price), quantity * price
    assert fee <= value / 100 + Decimal("0.005")
    assert fee >= min(Decimal(1), value / 100) - Decimal("0.005")
    assert fee == fee.quantize(Decimal("0.01"))


@given(st.lists(st.integers(1, 5_000), min_size=1, max_size=6), prices)
def test_partial_fills_cost_what_the_whole_order_costs(parts, price):
    """The minimum is charged once an order: parts add up to the whole, but for a cent of rounding each."""
    paid, before = Decimal(0), Decimal(0)
    for part in map(Decimal, parts):
        paid += ib_fixed_commission(part, price, before)
        before += part
    assert abs(paid - ib_fixed_commission(before, price)) <= Decimal("0.01") * len(parts)


def test_the_engine_is_charged_in_the_instruments_currency():
    order = SimpleNamespace(filled_qty=Quantity.from_int(0))
    instrument = SimpleNamespace(quote_currency=USD)
    fee = IbFixedFeeModel().get_commission(order, Quantity.from_int(300), Price.from_str("12.34"), instrument)
    assert fee == Money(Decimal("1.50"), USD)


def test_the_minimum_is_not_charged_again_on_a_second_fill():
    order = SimpleNamespace(filled_qty=Quantity.from_int(100))
    instrument = SimpleNamespace(quote_currency=USD)
    fee = IbFixedFeeModel().get_commission(order, Quantity.from_int(50), Price.from_str("100.00"), instrument)
    assert fee == Money(Decimal(0), USD)
