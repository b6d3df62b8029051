"""When the market next opens for an instrument: read from the data in a backtest, from calendar and clock in a session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Protocol

import numpy as np
from nautilus_trader.backtest.config import SimulationModuleConfig
from nautilus_trader.backtest.modules import SimulationModule
from nautilus_trader.model.data import TradeTick
from nautilus_trader.model.enums import AggressorSide
from nautilus_trader.model.identifiers import TradeId
from nautilus_trader.model.objects import Quantity

from ats.core.clock import NANOSECONDS_PER_SECOND, from_ns, to_ns
from ats.core.market import BarSpec
from ats.kernel.series import Series

SETTLING = timedelta(minutes=5)
"""How long after a close its daily bar is asked for: the closing auction's prints arrive late."""

_TWO_HOURS_NS = 7_200 * NANOSECONDS_PER_SECOND
_SESSION_NS = 23_400 * NANOSECONDS_PER_SECOND
_DAY_NS = 86_400 * NANOSECONDS_PER_SECOND
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

    def closed_ns(self, bar: Any) -> int:
        """Stored bars are stamped at their close."""
        return int(bar.ts_event)

    def history_start_ns(self, bars: int, now_ns: int) -> int:  # noqa: ARG002 -- the port's signature
        """Nothing is asked for: the run's data are its history."""
        return now_ns

    def next_request_ns(self, now_ns: int) -> int | None:  # noqa: ARG002 -- the port's signature
        """Bars arrive by themselves."""
        return None

    def next_open_ns(self, instrument_id: str, closed_ns: int, now_ns: int) -> int | None:
        """Opening moment of the first bar that opens at or after the close, and not before now: a bar may be known late. None after the last."""
        opened = self._series[instrument_id].opened_ns
        index = int(np.searchsorted(opened, max(closed_ns, now_ns)))
        return int(opened[index]) if index < len(opened) else None

    def announce(self, instrument_id: str, open_ns: int, now_ns: int) -> None:
        """Publish the opening trade of the bar that opens at `open_ns`, large enough that the open price holds for the whole order.

        It is stamped with now: the exchange sets its clock by what it is fed, and time must not go back.
        """
        item = self._series[instrument_id]
        bar = item.bars[int(np.searchsorted(item.opened_ns, open_ns))]
        tick = TradeTick(item.instrument.id, bar.open, _DEEP, AggressorSide.NO_AGGRESSOR, TradeId(f"open-{open_ns}"), now_ns, now_ns)
        self._exchanges[item.instrument.id.venue.value].process_trade_tick(tick)
        self._data_engine.process(tick)


class ExchangeCalendar(Protocol):
    """The exchange's sessions: dates, opens and closes, holidays and early closes included. Moments are aware UTC."""

    def next_open(self, after: datetime) -> datetime:
        """First session open after the moment."""
        ...

    def next_close(self, after: datetime) -> datetime:
        """First session close after the moment."""
        ...

    def close_of(self, session_on: date) -> datetime:
        """Close of a session."""
        ...


class MarketOpens:
    """Opens of a session on the market. Quotes and trades come from the gateway; the market announces itself.

    Intraday bars close one length after the stamp the gateway's adapter gives them, and their orders leave at once. Daily bars are
    stamped with their date; a subscription would deliver them a day late, so they are asked for after each close and their orders
    leave at the exchange's next open.
    """

    def __init__(self, calendar: ExchangeCalendar, spec: BarSpec) -> None:
        self._calendar, self._spec = calendar, spec
        self._length_ns = int(spec.duration.total_seconds()) * NANOSECONDS_PER_SECOND

    def closed_ns(self, bar: Any) -> int:
        """One length after an intraday bar's stamp; the session's close for a daily bar."""
        if self._spec.is_intraday:
            return int(bar.ts_event) + self._length_ns
        return to_ns(self._calendar.close_of(from_ns(bar.ts_event).date()))

    def history_start_ns(self, bars: int, now_ns: int) -> int:
        """Generous where sessions lie between the bars; exact where all of them fit into two hours, which gateways bound for short bars."""
        span = self._length_ns * bars
        if self._spec.is_intraday and span <= _TWO_HOURS_NS:
            return now_ns - span - self._length_ns
        sessions = bars if not self._spec.is_intraday else span // _SESSION_NS + 1
        return now_ns - (sessions * 3 // 2 + 10) * _DAY_NS

    def next_request_ns(self, now_ns: int) -> int | None:
        """Some minutes after the close of the session that is next to end; None for intraday bars."""
        if self._spec.is_intraday:
            return None
        before = from_ns(now_ns) - SETTLING
        return to_ns(self._calendar.next_close(before) + SETTLING)

    def next_open_ns(self, instrument_id: str, closed_ns: int, now_ns: int) -> int | None:  # noqa: ARG002 -- one calendar for all US instruments
        """The close itself for intraday bars: the market trades on. The next session's open for daily bars."""
        return closed_ns if self._spec.is_intraday else to_ns(self._calendar.next_open(from_ns(closed_ns)))

    def announce(self, instrument_id: str, open_ns: int, now_ns: int) -> None:
        """Nothing to do: quotes and trades come from the gateway."""
