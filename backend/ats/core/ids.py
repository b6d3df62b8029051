"""Ids are minted once, here, and travel unchanged from the intent to the broker's order reference."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime

from ats.core.errors import InputError

_SYMBOL = re.compile(r"[A-Z0-9](?:[A-Z0-9 \-]{0,13}[A-Z0-9])?", re.ASCII)
_VENUE = re.compile(r"[A-Z][A-Z0-9]{1,15}", re.ASCII)
_PAPER_ACCOUNT = re.compile(r"DU[0-9]{5,9}", re.ASCII)
_LIVE_ACCOUNT = re.compile(r"U[0-9]{5,9}", re.ASCII)


def mint_id(prefix: str, at: datetime) -> str:
    """A sortable unique id: prefix, UTC second, 40 random bits. Example: `s-20261121T143000-9f3c2a1b7d`."""
    return f"{prefix}-{at:%Y%m%dT%H%M%S}-{secrets.token_hex(5)}"


@dataclass(frozen=True, slots=True)
class InstrumentId:
    """An instrument on its listing venue, written `SYMBOL.VENUE` (`QQQ.NASDAQ`, `SPY.ARCA`)."""

    symbol: str
    venue: str

    @classmethod
    def parse(cls, text: str, field: str = "instrument") -> InstrumentId:
        """Read `SYMBOL.VENUE`. Raises InputError for anything else (row J5)."""
        symbol, _, venue = text.partition(".") if isinstance(text, str) else ("", "", "")
        if not is_symbol(symbol) or not _VENUE.fullmatch(venue):
            raise InputError(field, text, "is not an instrument id", remedy="Write SYMBOL.VENUE in capitals, for example QQQ.NASDAQ.")
        return cls(symbol, venue)

    def __str__(self) -> str:
        return f"{self.symbol}.{self.venue}"


def is_symbol(text: str) -> bool:
    """Whether the text can be an instrument's symbol: capitals and digits, single words or joined by space or hyphen (`BRK B`)."""
    return _SYMBOL.fullmatch(text) is not None


def is_paper_account(account_id: str) -> bool:
    """Whether the id is an Interactive Brokers paper account: DU and five to nine digits (row J3)."""
    return _PAPER_ACCOUNT.fullmatch(account_id) is not None


def is_live_account(account_id: str) -> bool:
    """Whether the id is an individual Interactive Brokers live account: U and five to nine digits (row J3)."""
    return _LIVE_ACCOUNT.fullmatch(account_id) is not None
