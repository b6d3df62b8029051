"""The limits of a session and the stable codes of every rule that can refuse an order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from ats.core.clock import NANOSECONDS_PER_SECOND

if TYPE_CHECKING:
    from ats.core.config import RiskSettings


class Rule(StrEnum):
    """Why Guardian refused. Codes never change meaning; each has a paragraph in docs/reference/refusals.md."""

    KILL_SWITCH = "KILL_SWITCH"
    ENTRIES_BLOCKED = "ENTRIES_BLOCKED"
    EMULATED_ORDER = "EMULATED_ORDER"
    MALFORMED_ORDER = "MALFORMED_ORDER"
    RESTRICTED_INSTRUMENT = "RESTRICTED_INSTRUMENT"
    INSTRUMENT_WITHOUT_LIMIT = "INSTRUMENT_WITHOUT_LIMIT"
    NO_PRICE = "NO_PRICE"
    STALE_PRICE = "STALE_PRICE"
    MAX_NOTIONAL_PER_ORDER = "MAX_NOTIONAL_PER_ORDER"
    INSUFFICIENT_FUNDS = "INSUFFICIENT_FUNDS"
    MAX_POSITION = "MAX_POSITION"
    MAX_GROSS_EXPOSURE = "MAX_GROSS_EXPOSURE"
    SUBMIT_RATE = "SUBMIT_RATE"
    JOURNAL_UNAVAILABLE = "JOURNAL_UNAVAILABLE"
    GUARDIAN_ERROR = "GUARDIAN_ERROR"


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits one session enforces. Values in account currency; an instrument missing from `order_caps` may not be traded."""

    order_caps: Mapping[str, Decimal]
    max_position_notional: Decimal
    max_gross_notional: Decimal
    submit_count: int
    submit_interval_ns: int
    max_price_age_ns: int
    restricted: frozenset[str] = frozenset()

    def is_restricted(self, instrument_id: str) -> bool:
        """Whether the instrument, or its symbol on any venue, is on the restricted list, whatever its case or spaces (row A13)."""
        name = instrument_id.strip().upper()
        return name in self.restricted or name.rpartition(".")[0].rstrip() in self.restricted

    @property
    def submit_rate(self) -> str:
        """The rate as settings and the engine write it, COUNT/HH:MM:SS."""
        seconds = self.submit_interval_ns // NANOSECONDS_PER_SECOND
        return f"{self.submit_count}/{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"

    def described(self) -> dict[str, str]:
        """The limits as text, for the session summary, the approval's caps and the audit row: what is printed is what is enforced."""
        return {
            "max_notional_per_order": ", ".join(f"{name} {cap}" for name, cap in sorted(self.order_caps.items())),
            "max_position_notional": str(self.max_position_notional),
            "max_gross_notional": str(self.max_gross_notional),
            "max_order_submit_rate": self.submit_rate,
            "max_price_age": f"{self.max_price_age_ns // NANOSECONDS_PER_SECOND} s",
            "restricted_instruments": ", ".join(sorted(self.restricted)) or "none",
        }


def limits_from(settings: RiskSettings, instrument_ids: Iterable[str]) -> Limits:
    """The limits of a session on exactly these instruments, from a group of risk settings."""
    return Limits(
        order_caps=dict.fromkeys(instrument_ids, settings.max_notional_per_order),
        max_position_notional=settings.max_position_notional,
        max_gross_notional=settings.max_gross_notional,
        submit_count=settings.max_order_submit_rate.count,
        submit_interval_ns=int(settings.max_order_submit_rate.interval.total_seconds()) * NANOSECONDS_PER_SECOND,
        max_price_age_ns=settings.max_price_age_seconds * NANOSECONDS_PER_SECOND,
        restricted=settings.restricted_instruments,
    )
