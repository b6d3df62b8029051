"""A gateway is refused before it starts when what it is told contradicts itself."""

from dataclasses import replace
from decimal import Decimal

import pytest

from ats.core.errors import InputError
from ats.core.market import BarSpec
from ats.gateway.simulated import SimulatedGatewayConfig


@pytest.mark.parametrize(
    ("mode", "account_id"),
    [("paper", "U1234567"), ("paper", "DU12"), ("paper", ""), ("live", "DU1234567"), ("live", "X1"), ("demo", "DU1234567")],
)
def test_account_and_mode_must_agree(mode, account_id):
    with pytest.raises(InputError, match=r"account_id|mode"):
        SimulatedGatewayConfig(mode=mode, account_id=account_id, port=0)


@pytest.mark.parametrize(("mode", "account_id"), [("paper", "DU1234567"), ("live", "U1234567")])
def test_a_mode_takes_its_own_kind_of_account(mode, account_id):
    assert SimulatedGatewayConfig(mode=mode, account_id=account_id, port=0).mode == mode


@pytest.mark.parametrize(
    ("field", "value"),
    [("port", -1), ("port", 65_536), ("host", ""), ("cash", Decimal(0)), ("history_bars", -1), ("compress", BarSpec(1, "DAY"))],
)
def test_a_value_outside_its_range_is_named(config_of, field, value):
    with pytest.raises(InputError, match=field):
        config_of(**{field: value})


@pytest.mark.parametrize(
    "prices",
    ["100 99 98 100", "100 101 100.5 100", "100 101 98 97", "0.01 0.01 0.01 0.01", "-1 1 -2 1"],
    ids=["high", "low", "close", "tick", "sign"],
)
def test_bars_no_market_could_show_are_refused(bars_of, instrument_of, prices):
    with pytest.raises(InputError, match=r"MSFT\.NASDAQ"):
        instrument_of(bars_of("100 101 99 100", prices))


def test_bars_out_of_order_or_missing_are_refused(bars_of, instrument_of):
    first, second = bars_of("1 1 1 1", "2 2 2 2")
    for bars in ([second, first], [first, replace(second, opened_at=first.opened_at)], []):
        with pytest.raises(InputError, match="bars of MSFT"):
            instrument_of(bars)


def test_history_must_leave_a_bar_to_trade_on(floor_of, bars_of):
    with pytest.raises(InputError, match="history_bars"):
        floor_of(bars_of("1 1 1 1", "2 2 2 2"), history_bars=2)


def test_an_instrument_given_twice_is_refused(floor_of, bars_of, instrument_of):
    with pytest.raises(InputError, match="twice"):
        floor_of(bars_of("1 1 1 1"), instrument_of(bars_of("2 2 2 2")))


def test_ids_of_an_instrument_are_stable_and_well_formed(bars_of, instrument_of):
    made = instrument_of(bars_of("1 1 1 1"))
    again = instrument_of(bars_of("5 5 5 5"))
    assert (made.contract_id, made.security_number) == (again.contract_id, again.security_number)
    digits = "".join(str(int(character, 36)) for character in made.security_number)
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(digits))]
    assert sum(value // 10 + value % 10 for value in doubled) % 10 == 0
    assert instrument_of(bars_of("1 1 1 1"), isin="US5949181045").security_number == "US5949181045"
