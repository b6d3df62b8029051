"""Exact money: Decimal wherever a number can reach an order, a limit or the ledger; strict parsing at the border."""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Annotated

from pydantic import BeforeValidator

from ats.core.errors import InputError

_PLAIN = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?", re.ASCII)
_MAX_DIGITS = 28
_MAX_QUANTITY = Decimal(10) ** 12
_QUANTITY_STEP = Decimal("0.00000001")


def parse_decimal(value: object, field: str) -> Decimal:
    """Read a plain decimal number: digits, at most one point, no separators, units, exponents or special values.

    Accepts text, int and Decimal. A float is refused: it has already lost the digits (rows J1, J2, J10).
    Raises InputError naming the field.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise InputError(field, value, "is not a decimal number", remedy="Write digits with an optional point, for example 5000.")
    text = str(value)
    if len(text) > _MAX_DIGITS or not _PLAIN.fullmatch(text):
        raise InputError(field, value, "is not a plain decimal number", remedy="Write digits with an optional point, for example 5000.")
    return Decimal(text)


def parse_positive(value: object, field: str) -> Decimal:
    """A plain decimal number above zero. Raises InputError naming the field."""
    number = parse_decimal(value, field)
    if number <= 0:
        raise InputError(field, value, "is not above zero", remedy="Write a number above 0.")
    return number


def parse_quantity(value: object, field: str = "quantity") -> Decimal:
    """An order quantity in shares: positive, at most eight decimals, at most 10^12. Raises InputError (row J1)."""
    number = parse_positive(value, field)
    if number > _MAX_QUANTITY or number.quantize(_QUANTITY_STEP) != number:
        raise InputError(field, value, "is not a tradable quantity", remedy="Write at most 8 decimals and at most 10^12.")
    return number


def parse_price(value: object, tick: Decimal, field: str = "price") -> Decimal:
    """A limit or trigger price: positive and a whole multiple of `tick`. Raises InputError (row J2)."""
    number = parse_positive(value, field)
    if not _is_multiple(number, tick):
        raise InputError(field, value, f"is not a multiple of the tick {tick}", remedy="Round the price to the tick.")
    return number


def _is_multiple(number: Decimal, tick: Decimal) -> bool:
    try:
        return tick > 0 and number % tick == 0
    except InvalidOperation:  # NaN, or more digits than the quotient can hold
        return False


def decimal_from_float(value: float, places: int) -> Decimal:
    """The named crossing from statistics to money: rounds half to even at `places` decimals. Raises ValueError if not finite."""
    if not math.isfinite(value):
        raise ValueError(f"{value} is not a finite number")
    return Decimal(repr(value)).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)


def _strict(value: object) -> object:
    if isinstance(value, str) and (len(value) > _MAX_DIGITS or not _PLAIN.fullmatch(value)):
        raise ValueError("write digits with an optional point, no separator, no unit, for example 5000")
    return value


StrictDecimal = Annotated[Decimal, BeforeValidator(_strict)]
"""A Decimal setting that refuses `5,000`, `5000 USD`, `1e3`, `inf` and full-width digits."""
