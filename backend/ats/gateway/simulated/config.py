"""What a simulated gateway is told: which account, which port, which market, which pace. Checked here, once, at the border."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from ats.core.errors import InputError
from ats.core.ids import InstrumentId, is_live_account, is_paper_account
from ats.core.market import Bar, BarSpec

PAPER = "paper"
LIVE = "live"
_HIGHEST_PORT = 65_535
_KINDS = ("STK",)
_ISIN_BODY_DIGITS = 9


@dataclass(frozen=True, slots=True)
class SimulatedInstrument:
    """An instrument of the simulated market and the bars its prices follow.

    Prices are rounded to `tick`. `long_name` and `isin` are derived from the symbol when they are not given. Raises InputError for bars no market could show.
    """

    instrument_id: InstrumentId
    bars: Sequence[Bar]
    spec: BarSpec
    kind: str = "STK"
    currency: str = "USD"
    tick: Decimal = Decimal("0.01")
    long_name: str = ""
    isin: str = ""

    def __post_init__(self) -> None:
        field = f"bars of {self.instrument_id}"
        if not self.bars:
            raise InputError(field, 0, "hold no bar", remedy="Import data for it, or leave the instrument out.")
        if self.kind not in _KINDS:
            raise InputError("kind", self.kind, "is not simulated", remedy=f"Use one of {', '.join(_KINDS)}.")
        if self.tick <= 0:
            raise InputError("tick", self.tick, "is not above zero", remedy="Write the smallest price step, for example 0.01.")
        for before, bar in zip([None, *self.bars], self.bars, strict=False):
            if not self.tick * 2 <= bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high:
                raise InputError(
                    field, bar.event_at.isoformat(), "is a bar whose prices contradict each other", remedy="Run ats data check."
                )
            if before is not None and bar.opened_at <= before.opened_at:
                raise InputError(field, bar.event_at.isoformat(), "is a bar out of order", remedy="Sort the bars by time.")

    @property
    def contract_id(self) -> int:
        """A contract id that is the same in every run: the checksum of the instrument's name."""
        return zlib.crc32(str(self.instrument_id).encode()) % 900_000_000 + 1_000_000

    @property
    def name(self) -> str:
        """The company name shown by contract details."""
        return self.long_name or f"{self.instrument_id.symbol} SIMULATED"

    @property
    def security_number(self) -> str:
        """The ISIN: the given one, or a well-formed one derived from the contract id."""
        return self.isin or _isin(f"US{self.contract_id:0{_ISIN_BODY_DIGITS}d}")


def _isin(body: str) -> str:
    digits = "".join(str(int(character, 36)) for character in body)
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if position % 2 == 0 else 1)
        total += value // 10 + value % 10
    return f"{body}{-total % 10}"


@dataclass(frozen=True, slots=True)
class SimulatedGatewayConfig:
    """How one simulated gateway is set up.

    mode: `paper` (a DU account) or `live` (a U account). port 0 takes any free port. compress: each bar of the data becomes one bar of
    this length, dated now; None keeps the true pace. history_bars: how many bars already lie in the past at start. initial_margin_fraction: share
    of a position's value that must be covered by equity when it is opened. paces_history: refuse historical requests as fast as IB refuses them.
    """

    mode: str
    account_id: str
    port: int
    host: str = "127.0.0.1"
    cash: Decimal = Decimal(100_000)
    compress: BarSpec | None = None
    history_bars: int = 0
    ledger_file: Path | None = None
    trace_file: Path | None = None
    read_only: bool = False
    currency: str = "USD"
    initial_margin_fraction: Decimal = Decimal("0.5")
    maintenance_margin_fraction: Decimal = Decimal("0.25")
    account_update_interval: timedelta = timedelta(minutes=3)
    paces_history: bool = True
    first_perm_id: int = 1_000_001

    def __post_init__(self) -> None:
        self._check_account()
        if not 0 <= self.port <= _HIGHEST_PORT:
            raise InputError("port", self.port, "is not a port", remedy="Write a port from 1 to 65535, or 0 for any free one.")
        if not self.host:
            raise InputError("host", self.host, "is empty", remedy="Write an address, for example 127.0.0.1.")
        if self.cash <= 0:
            raise InputError("cash", self.cash, "is not above zero", remedy="Write the account's starting cash.")
        if self.history_bars < 0:
            raise InputError("history_bars", self.history_bars, "is below zero", remedy="Write 0 or more.")
        if self.compress is not None and not self.compress.is_intraday:
            raise InputError("compress", str(self.compress), "does not compress", remedy="Use 5-SECOND-LAST or 1-MINUTE-LAST.")

    def _check_account(self) -> None:
        if self.mode == PAPER:
            if not is_paper_account(self.account_id):
                raise InputError(
                    "account_id", self.account_id, "is not a paper account", remedy="Use DU and digits, for example DU1234567."
                )
        elif self.mode == LIVE:
            if not is_live_account(self.account_id):
                raise InputError("account_id", self.account_id, "is not a live account", remedy="Use U and digits, for example U1234567.")
        else:
            raise InputError("mode", self.mode, "is not a mode", remedy="Use paper or live.")
