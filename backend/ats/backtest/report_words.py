"""Numbers as people read them: a true minus sign, thousands apart, and a dash for what does not exist."""

from __future__ import annotations

from decimal import Decimal

NOTHING = "–"  # noqa: RUF001 -- an en dash is what is meant


def percent(value: float | None, *, sign: bool = True) -> str:
    """A fraction as `+12.3 %`."""
    return NOTHING if value is None else _minus(f"{value * 100:{'+' if sign else ''},.1f} %")


def ratio(value: float | None) -> str:
    """A ratio with two decimals."""
    return NOTHING if value is None else _minus(f"{value:,.2f}")


def days(value: float | None) -> str:
    """Calendar days."""
    return NOTHING if value is None else f"{value:,.0f} days"


def amount(value: float | Decimal | None, *, sign: bool = False) -> str:
    """Money to the cent, without its currency."""
    return NOTHING if value is None else _minus(f"{value:{'+' if sign else ''},.2f}")


def money(value: float | Decimal | None, currency: str) -> str:
    """Money to the cent with its currency."""
    return NOTHING if value is None else f"{amount(value)} {currency}"


def _minus(text: str) -> str:
    return text.replace("-", "−")  # noqa: RUF001 -- the minus sign lines up with the plus
