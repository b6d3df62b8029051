"""Streams of market data: each knows who asked, under which request id, and what it has sent; the market drives them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from ats.gateway.simulated.desks.sessions import Session
from ats.gateway.simulated.world.history import HistoryRequest, forming_bar, next_boundary_ns
from ats.gateway.simulated.world.tape import MarketBar, Quote, Tape

SECOND_NS = 1_000_000_000
_FIVE_SECONDS_NS = 5 * SECOND_NS
_BID, _ASK, _LAST, _HIGH, _LOW, _VOLUME, _CLOSE, _OPEN, _LAST_TIME = 1, 2, 4, 6, 7, 8, 9, 14, 45
_BID_SIZE, _ASK_SIZE, _LAST_SIZE = 0, 3, 5
_CAN_EXECUTE = 1


class Stream:
    """One subscription of one session."""

    def __init__(self, session: Session, request_id: int, tape: Tape) -> None:
        self.session = session
        self.request_id = request_id
        self.tape = tape

    def send(self, name: str, **values: Any) -> None:  # noqa: ANN401 -- field values of any kind
        """Send a message under the stream's request id."""
        self.session.send(name, reqId=self.request_id, **values)

    def on_trade(self, quote: Quote) -> None:
        """A trade has happened in the instrument; a stream of bars ignores it."""

    def on_time(self, now_ns: int) -> None:
        """Time has passed; a stream of trades ignores it."""


class QuoteStream(Stream):
    """Quotes and trades: a side of the quote when it changes, every trade."""

    def __init__(self, session: Session, request_id: int, tape: Tape) -> None:
        super().__init__(session, request_id, tape)
        self._sent: Quote | None = None

    def send_day(self, day_start_ns: int, now_ns: int) -> None:
        """The day so far: open, high, low, volume and the previous close."""
        day = self.tape.bar(day_start_ns, now_ns)
        prices = [(_CLOSE, self.tape.quote(day_start_ns - 1).last)]
        if day is not None:
            prices += [(_OPEN, day.open), (_HIGH, day.high), (_LOW, day.low)]
        for tick_type, price in prices:
            self.send("tickPrice", tickType=tick_type, price=price, size=0)
        self.send("tickSize", tickType=_VOLUME, size=day.volume if day else 0)

    def on_trade(self, quote: Quote) -> None:
        """Send what the trade changed."""
        sent = self._sent
        if sent is None or (sent.bid, sent.bid_size) != (quote.bid, quote.bid_size):
            self._send_price(_BID, quote.bid, _BID_SIZE, quote.bid_size)
        if sent is None or (sent.ask, sent.ask_size) != (quote.ask, quote.ask_size):
            self._send_price(_ASK, quote.ask, _ASK_SIZE, quote.ask_size)
        self._send_price(_LAST, quote.last, _LAST_SIZE, quote.last_size)
        self.send("tickString", tickType=_LAST_TIME, value=quote.at_ns // SECOND_NS)
        self._sent = quote

    def _send_price(self, price_type: int, price: Decimal, size_type: int, size: Decimal) -> None:
        self.send("tickPrice", tickType=price_type, price=price, size=size, attribMask=_CAN_EXECUTE)
        self.send("tickSize", tickType=size_type, size=size)


class TickStream(Stream):
    """Every trade, quote or midpoint, one message each."""

    def __init__(self, session: Session, request_id: int, tape: Tape, kind: str) -> None:
        super().__init__(session, request_id, tape)
        self._kind = kind

    @property
    def is_of_quotes(self) -> bool:
        """Whether the stream shows the quote, which stands even when nothing trades."""
        return self._kind in ("BidAsk", "MidPoint")

    def on_trade(self, quote: Quote) -> None:
        """Send the tick."""
        values: dict[str, Any] = {"time": quote.at_ns // SECOND_NS}
        if self._kind == "BidAsk":
            values |= {"bid": quote.bid, "ask": quote.ask, "bidSize": quote.bid_size, "askSize": quote.ask_size}
        elif self._kind == "MidPoint":
            values |= {"price": (quote.bid + quote.ask) / 2}
        else:
            values |= {"price": quote.last, "size": quote.last_size, "exchange": self.tape.instrument.instrument_id.venue}
        self.send(f"tickByTick{self._kind}", **values)


class FiveSecondBarStream(Stream):
    """Bars of five seconds, each sent when it has closed."""

    def __init__(self, session: Session, request_id: int, tape: Tape, shown: str, now_ns: int) -> None:
        super().__init__(session, request_id, tape)
        self._shown = shown
        self._closes_ns = (now_ns // _FIVE_SECONDS_NS + 1) * _FIVE_SECONDS_NS

    def on_time(self, now_ns: int) -> None:
        """Send the bars that have closed since."""
        while self._closes_ns <= now_ns:
            start_ns = self._closes_ns - _FIVE_SECONDS_NS
            bar = self.tape.bar(start_ns, self._closes_ns)
            self._closes_ns += _FIVE_SECONDS_NS
            if bar is not None:
                fields = shown_prices(bar, self._shown, self.tape.instrument.tick)
                self.send("realtimeBar", time=start_ns // SECOND_NS, **fields, count=bar.count)


class HistoryStream(Stream):
    """Bars that follow a historical answer: each closed bar once with its final prices, the forming one about every second."""

    def __init__(self, session: Session, request_id: int, tape: Tape, shown: str, request: HistoryRequest, sent: MarketBar) -> None:
        super().__init__(session, request_id, tape)
        self._shown = shown
        self._request = request
        self._sent = sent
        self._closes_ns = next_boundary_ns(request, sent.end_ns - 1)

    def on_time(self, now_ns: int) -> None:
        """Send closed and forming bars, in order."""
        for bar in self._new_bars(now_ns):
            self.send("historicalDataUpdate", **history_fields(self._request, bar, self._shown, self.tape.instrument.tick))
            self._sent = bar

    def _new_bars(self, now_ns: int) -> Iterator[MarketBar]:
        while self._closes_ns <= now_ns:
            closed = forming_bar(self.tape, self._request, self._closes_ns)
            self._closes_ns = next_boundary_ns(self._request, self._closes_ns)
            if closed is not None and closed.end_ns > self._sent.end_ns:
                yield closed
        if now_ns - self._sent.end_ns >= SECOND_NS:
            forming = forming_bar(self.tape, self._request, now_ns)
            if forming is not None and forming.end_ns > self._sent.end_ns:
                yield forming


def history_fields(request: HistoryRequest, bar: MarketBar, shown: str, tick: Decimal) -> dict[str, Any]:
    """A historical bar as message fields."""
    return shown_prices(bar, shown, tick) | {"date": request.label(bar), "barCount": bar.count}


def shown_prices(bar: MarketBar, shown: str, tick: Decimal) -> dict[str, Any]:
    """A bar's prices as trades, or moved to the bid, the ask or between them; those know no volume."""
    shift = {"MIDPOINT": -tick / 2, "BID": -tick}.get(shown, Decimal(0))
    prices = {"open": bar.open, "high": bar.high, "low": bar.low, "close": bar.close, "wap": bar.average}
    is_trades = shown in ("TRADES", "ADJUSTED_LAST")
    return {name: price + shift for name, price in prices.items()} | {"volume": bar.volume if is_trades else Decimal(-1)}
