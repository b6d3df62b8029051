"""Rows J1 and J2: quantities and prices are read exactly or refused with the field's name. D18: no float ever becomes money."""

# ruff: noqa: RUF001 -- look-alike characters are the bad input

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats.core.errors import InputError
from ats.core.money import decimal_from_float, parse_decimal, parse_positive, parse_price, parse_quantity

CENT = Decimal("0.01")

NO_NUMBER = [
    "",
    " ",
    "NaN",
    "nan",
    "sNaN",
    "inf",
    "-inf",
    "Infinity",
    "-Infinity",
    "1e308",
    "1E3",
    "1e-12",
    "1,000",
    "1.000,00",
    "1 000",
    "1'000",
    "1_000",
    "１００",
    "١٠٠",
    "²",
    "½",
    "0x10",
    "0b1",
    "0o7",
    "+1",
    "--1",
    "1-",
    "01",
    "00",
    "1.",
    ".1",
    "1..1",
    "1.1.1",
    " 1",
    "1 ",
    "1\n",
    "\t1",
    "1\x00",
    "1\u200b",
    "−1",
    "1/2",
    "1%",
    "$1",
    "1 USD",
    "one",
    "true",
    "null",
    "1" * 29,
    "1" * 10_000,
    "0." + "1" * 27,
    True,
    False,
    None,
    [],
    {},
    [1],
    {"quantity": 1},
    1.0,
    0.1,
    float("nan"),
    float("inf"),
    1e308,
    1e-12,
    b"1",
    1j,
    object,
    Decimal("NaN"),
    Decimal("sNaN"),
    Decimal("Infinity"),
    Decimal("1E+3"),
    Decimal("1E-12"),
    10**30,
]
NOT_POSITIVE = ["0", "-0", "0.0", "-0.00", "-1", "-0.01", 0, -1, Decimal(0), Decimal("-0"), Decimal(-5)]


@pytest.mark.parametrize("read", [parse_quantity, lambda value, field: parse_price(value, CENT, field)], ids=["quantity", "price"])
@pytest.mark.parametrize("value", [*NO_NUMBER, *NOT_POSITIVE], ids=lambda value: ascii(value)[:20])
def test_what_is_no_amount_above_zero_is_refused_by_field(read, value):
    """J1, J2: 0, -1, -0, NaN, inf, 1e308, 1e-12, separators, full-width digits, hexadecimal, true, null, [], {}."""
    with pytest.raises(InputError, match=r"^leg quantity: ") as caught:
        read(value, "leg quantity")
    assert caught.value.remedy
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("value", ["0.000000001", "1.123456789", "1000000000001", "1000000000000.00000001", "9" * 28], ids=str)
def test_a_quantity_beyond_what_trades_is_refused(value):
    """J1: more than eight decimals, more than 10^12."""
    with pytest.raises(InputError, match=r"^quantity: .*tradable"):
        parse_quantity(value)


@pytest.mark.parametrize("value", ["1", "0.00000001", "1000000000000", "0.5", "12345.678", 7, Decimal("2.5")], ids=str)
def test_a_tradable_quantity_is_taken_exactly(value):
    assert parse_quantity(value) == Decimal(str(value))


@pytest.mark.parametrize(
    ("value", "tick"),
    [
        ("10.001", "0.01"),
        ("10.005", "0.01"),
        ("10.0100000000000001", "0.01"),
        ("0.01000000000000001", "0.01"),
        ("10.03", "0.05"),
        ("10.1", "0.25"),
        ("0.00001", "0.0001"),
        ("1.00000000000000001", "0.0001"),
        ("9" * 28, "0.01"),
        ("9" * 27 + "8", "0.0001"),
        ("1", "0"),
        ("1", "-0.01"),
        ("1", "NaN"),
        ("1", "Infinity"),
    ],
)
def test_a_price_off_its_tick_is_refused(value, tick):
    """J2: off-tick, tick plus epsilon, 17 decimals, and a price or tick that cannot be divided."""
    with pytest.raises(InputError, match=r"^limit price: "):
        parse_price(value, Decimal(tick), "limit price")


@pytest.mark.parametrize(("value", "tick"), [("10.01", "0.01"), ("0.01", "0.01"), ("10.25", "0.05"), ("0.0001", "0.0001"), (100, "0.25")])
def test_a_price_on_its_tick_is_taken_exactly(value, tick):
    assert parse_price(value, Decimal(tick)) == Decimal(str(value))


@given(number=st.decimals(-(10**9), 10**9, places=6))
def test_a_plain_decimal_reads_back_exactly(number):
    text = format(number, "f")
    assert parse_decimal(text, "amount") == number
    if number > 0:
        assert parse_positive(text, "amount") == number


@given(text=st.text(max_size=30))
def test_any_text_is_a_positive_number_or_an_input_error(text):
    try:
        assert parse_quantity(text) > 0
    except InputError as error:
        assert error.field == "quantity"  # noqa: PT017 -- either outcome is right, nothing else may escape


@pytest.mark.parametrize(
    ("value", "places", "expected"),
    [
        (1.005, 2, "1.00"),
        (1.015, 2, "1.02"),
        (0.125, 2, "0.12"),
        (0.135, 2, "0.14"),
        (-2.5, 0, "-2"),
        (1e-9, 2, "0.00"),
        (123.456, 1, "123.5"),
    ],
)
def test_the_crossing_from_statistics_rounds_half_to_even_at_the_written_digits(value, places, expected):
    """D18."""
    assert str(decimal_from_float(value, places)) == expected


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_finite_does_not_cross_into_money(value):
    with pytest.raises(ValueError, match="not a finite number"):
        decimal_from_float(value, 2)
