"""When the market next opens for an instrument: read from the data in a backtest, from calendar and clock in a session."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from nautilus_trader.backtest.config import SimulationModuleConfig
from nautilus_trader.backtest.modules import SimulationModule
from nautilus_trader.model.data import TradeTick
from nautilus_trader.model.enums import AggressorSide
from nautilus_trader.model.identifiers import TradeId
from nautilus_trader.model.objects import Quantity

from ats.kernel.series import Series

_DEEP = Quantity.from_int(1_000_000_000)


class ExchangeHandle(SimulationModule):  # type: ignore[misc]  # the engine ships no types
    """Hands out the simulated exchange, which the engine keeps private, and then leaves the module list: it costs nothing per bar."""

    def __init__(self) -> None:
        super().__init__(SimulationModuleConfig())

    def take(self) -> Any:
        """The exchange this module was loaded into."""
        self.exchange.modules.remove(self)
        return self.exchange


class DataOpens:
    """Opens of a backtest: the next bar's own opening moment and price, published only when that moment comes.

    An order decided at a close is released by a clock alert at the next bar's open. At that alert the open is injected as a trade
    into the exchange and the engine, then the order is submitted, so every instrument fills at its own open. Nothing of the open
    is visible to a strategy before. The naive way fills at the signal bar's own close (decision record 0003).
    """

    def __init__(self, series: Sequence[Series], exchanges: Mapping[str, Any], data_engine: Any) -> None:
        self._series = {item.instrument.id.value: item for item in series}
        self._exchanges = exchanges
        self._data_engine = data_engine

    def next_open_ns(self, instrument_id: str, closed_ns: int) -> int | None:
        """Opening moment of the first bar that opens at or after `closed_ns`; None after the last one."""
        opened = self._series[instrument_id].opened_ns
        index = int(np.searchsorted(opened, closed_ns))
        return int(opened[index]) if index < len(opened) else None

    def announce(self, instrument_id: str, open_ns: int) -> None:
        """Publish the opening trade of the bar that opens at `open_ns`, large enough that the open price holds for the whole order."""
        item = self._series[instrument_id]
        bar = item.bars[int(np.searchsorted(item.opened_ns, open_ns))]
        tick = TradeTick(item.instrument.id, bar.open, _DEEP, AggressorSide.NO_AGGRESSOR, TradeId(f"open-{open_ns}"), open_ns, open_ns)
        self._exchanges[item.instrument.id.venue.value].process_trade_tick(tick)
        self._data_engine.process(tick)


class MarketOpens:
    """Opens of a session: at once for intraday bars, at the exchange's next session for daily ones. The market announces itself."""

    def __init__(self, next_session_open_ns: Callable[[int], int], *, is_intraday: bool) -> None:
        self._next_session_open_ns = next_session_open_ns
        self._is_intraday = is_intraday

    def next_open_ns(self, instrument_id: str, closed_ns: int) -> int | None:  # noqa: ARG002 -- one calendar for all US instruments
        """The close itself for intraday bars: the market trades on. The next session's open for daily bars."""
        return closed_ns if self._is_intraday else self._next_session_open_ns(closed_ns)

    def announce(self, instrument_id: str, open_ns: int) -> None:
        """Nothing to do: quotes and trades come from the gateway."""
