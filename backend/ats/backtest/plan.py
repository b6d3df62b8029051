"""What a backtest is asked for, and the port its bars come through."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ats.core.ids import InstrumentId
from ats.core.market import BarSpec
from ats.risk.limits import Limits
from ats.signals.params import RuleParams


@dataclass(frozen=True, slots=True)
class BacktestPlan:
    """One strategy on one instrument over a window; `start` and `end` are New York dates, both included, None for no bound."""

    strategy: str
    instrument_id: InstrumentId
    bar_spec: BarSpec
    start: date | None
    end: date | None
    params: RuleParams
    cash: Decimal
    limits: Limits


class BarWindow(Protocol):
    """The bars of a window, as engine objects and as columns; see data.catalog.BarSeries."""

    @property
    def instrument(self) -> Any:  # noqa: ANN401 -- the engine's instrument
        """The engine's instrument."""
        ...

    @property
    def bars(self) -> list[Any]:
        """The engine's bars."""
        ...

    @property
    def opened_ns(self) -> NDArray[np.int64]:
        """Opening moments."""
        ...

    @property
    def event_ns(self) -> NDArray[np.int64]:
        """Closing moments."""
        ...

    @property
    def open(self) -> NDArray[np.float64]:
        """Opens."""
        ...

    @property
    def close(self) -> NDArray[np.float64]:
        """Closes."""
        ...

    @property
    def dates(self) -> NDArray[np.datetime64]:
        """New York date of each close."""
        ...

    @property
    def price_precision(self) -> int:
        """Decimals of a price."""
        ...

    @property
    def adjusted(self) -> bool:
        """Whether prices are adjusted for splits and dividends."""
        ...

    @property
    def source(self) -> str:
        """Where the bars came from."""
        ...

    def digest(self) -> str:
        """SHA-256 over the content."""
        ...


class BarSource(Protocol):
    """Where bars come from. A window without data is an EvidenceError, never an empty series (S5-06)."""

    def bars(self, instrument_id: str, spec: BarSpec, start: date | None = None, end: date | None = None) -> BarWindow:
        """The bars of a window."""
        ...
