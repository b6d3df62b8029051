"""Market data: quotes, trades, five-second bars and historical bars, on request and as they happen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ats.core.clock import from_ns, to_ns
from ats.gateway.simulated.config import SimulatedGatewayConfig, SimulatedInstrument
from ats.gateway.simulated.contracts import NO_DEFINITION, Contracts
from ats.gateway.simulated.history import HistoryRequest, bars_until, forming_bar, head_time, next_boundary_ns
from ats.gateway.simulated.layouts import Values, WireError
from ats.gateway.simulated.market import Market
from ats.gateway.simulated.pacing import HistoryPacing
from ats.gateway.simulated.sessions import Session
from ats.gateway.simulated.tape import MarketBar, Quote
from ats.gateway.simulated.times import day_start, exchange_day, exchange_time, parse_moment

_FIVE_SECONDS = 5
_FIVE_SECONDS_NS = _FIVE_SECONDS * 1_000_000_000
_SECOND_NS = 1_000_000_000
_PACED_BELOW_SECONDS = 60
_SHOWN = ("TRADES", "ADJUSTED_LAST", "MIDPOINT", "BID", "ASK")
_MOST_TICKS = 1_000
_TICK_KINDS = ("Last", "AllLast", "BidAsk", "MidPoint")
_BID, _ASK, _LAST, _HIGH, _LOW, _VOLUME, _CLOSE, _OPEN, _LAST_TIME = 1, 2, 4, 6, 7, 8, 9, 14, 45
_BID_SIZE, _ASK_SIZE, _LAST_SIZE = 0, 3, 5


@dataclass(slots=True)
class _Quotes:
    session: Session
    instrument: SimulatedInstrument
    sent: Quote | None = None


@dataclass(slots=True)
class _TickByTick:
    session: Session
    instrument: SimulatedInstrument
    kind: str


@dataclass(slots=True)
class _FiveSecondBars:
    session: Session
    instrument: SimulatedInstrument
    shown: str
    next_ns: int


@dataclass(slots=True)
class _LiveHistory:
    session: Session
    instrument: SimulatedInstrument
    shown: str
    request: HistoryRequest
    boundary_ns: int
    sent: MarketBar | None


_Stream = _Quotes | _TickByTick | _FiveSecondBars | _LiveHistory
_Key = tuple[Session, int]


class DataDesk:
    """Answers data requests and keeps the streams of every session going."""

    def __init__(self, config: SimulatedGatewayConfig, contracts: Contracts, market: Market) -> None:
        self._config = config
        self._contracts = contracts
        self._market = market
        self._pacing = HistoryPacing()
        self._streams: dict[_Key, _Stream] = {}

    # Requests

    def follow_quotes(self, session: Session, values: Values) -> None:
        """Quotes and trades of an instrument, as a snapshot or until cancelled."""
        instrument = self._instrument(session, values)
        if instrument is None:
            return
        request_id = values["reqId"]
        session.send("marketDataType", reqId=request_id, marketDataType=1)
        session.send("tickReqParams", reqId=request_id, minTick=instrument.tick, bboExchange="9c0001", snapshotPermissions=3)
        stream = _Quotes(session, instrument)
        self._send_day(stream, request_id)
        self._send_quote(stream, request_id, self._market.quote(instrument))
        if values["snapshot"]:
            session.send("tickSnapshotEnd", reqId=request_id)
        else:
            self._streams[session, request_id] = stream

    def follow_ticks(self, session: Session, values: Values) -> None:
        """Every trade or every quote of an instrument until cancelled."""
        instrument = self._instrument(session, values)
        if instrument is None:
            return
        if values["kind"] not in _TICK_KINDS:
            session.error(values["reqId"], 321, "Error validating request.-'cg' : cause - Invalid tick type")
            return
        stream = _TickByTick(session, instrument, values["kind"])
        self._streams[session, values["reqId"]] = stream
        if stream.kind in ("BidAsk", "MidPoint"):
            self._send_tick(stream, values["reqId"], self._market.quote(instrument))

    def follow_five_second_bars(self, session: Session, values: Values) -> None:
        """Bars of five seconds until cancelled."""
        instrument = self._instrument(session, values)
        if instrument is None or not self._is_shown(session, values):
            return
        boundary_ns = (self._market.now_ns // _FIVE_SECONDS_NS + 1) * _FIVE_SECONDS_NS
        self._streams[session, values["reqId"]] = _FiveSecondBars(session, instrument, values["whatToShow"], boundary_ns)

    def send_history(self, session: Session, values: Values) -> None:
        """Historical bars, and with `keepUpToDate` the bars that follow."""
        instrument = self._instrument(session, values)
        if instrument is None or not self._is_shown(session, values):
            return
        request_id = values["reqId"]
        try:
            request = HistoryRequest.parse(values["barSize"], values["duration"], values["formatDate"])
            end = parse_moment(values["endDateTime"])
        except WireError as error:
            session.error(request_id, 321, f"Error validating request.-'cf' : cause - {error}")
            return
        if end is not None and values["keepUpToDate"]:
            session.error(request_id, 321, "Error validating request.-'cf' : cause - End date not supported with keepUpToDate")
            return
        if not self._admit(instrument, request, values):
            session.error(request_id, 162, "Historical Market Data Service error message:Historical data request pacing violation")
            return
        until = min(end, self._market.now) if end else self._market.now
        try:
            bars = bars_until(self._market.tape(instrument), request, until)
        except WireError as error:
            session.error(request_id, 162, f"Historical Market Data Service error message:{error}")
            return
        if not bars:
            text = f"HMDS query returned no data: {instrument.instrument_id.symbol}@SMART {values['whatToShow']}"
            session.error(request_id, 162, f"Historical Market Data Service error message:{text}")
            return
        shown = values["whatToShow"]
        session.send(
            "historicalData",
            reqId=request_id,
            start=exchange_time(from_ns(bars[0].start_ns)),
            end=exchange_time(until),
            bars=[self._bar_fields(request, bar, shown, instrument) for bar in bars],
        )
        if values["keepUpToDate"]:
            boundary_ns = next_boundary_ns(request, self._market.now_ns)
            self._streams[session, request_id] = _LiveHistory(session, instrument, shown, request, boundary_ns, bars[-1])

    def cancel_history(self, session: Session, request_id: int) -> None:
        """Stop live history; a request that is over answers with an error, as the broker's does."""
        if not self.cancel(session, request_id):
            session.error(
                request_id, 162, f"Historical Market Data Service error message:API historical data query cancelled: {request_id}"
            )

    def send_head_time(self, session: Session, values: Values) -> None:
        """When the data of an instrument begin."""
        instrument = self._instrument(session, values)
        if instrument is not None:
            head = head_time(self._market.tape(instrument))
            text = str(int(head.timestamp())) if values["formatDate"] == 2 else f"{head:%Y%m%d-%H:%M:%S}"  # noqa: PLR2004 -- the protocol's number
            session.send("headTimestamp", reqId=values["reqId"], timestamp=text)

    def send_historical_ticks(self, session: Session, values: Values) -> None:
        """The last trades or quotes before a moment, or the first after one."""
        instrument = self._instrument(session, values)
        if instrument is None:
            return
        request_id = values["reqId"]
        try:
            start, end = parse_moment(values["startDateTime"]), parse_moment(values["endDateTime"])
        except WireError as error:
            session.error(request_id, 321, f"Error validating request.-'cm' : cause - {error}")
            return
        count = min(values["numberOfTicks"] or 0, _MOST_TICKS)
        if count <= 0 or (start is None) == (end is None):
            session.error(request_id, 321, "Error validating request.-'cm' : cause - Give a start or an end, and a number of ticks")
            return
        now_ns = self._market.now_ns
        tape = self._market.tape(instrument)
        start_ns = to_ns(start) if start else max(min(to_ns(end), now_ns) if end else now_ns, tape.begins_ns) - count * _SECOND_NS
        end_ns = min(to_ns(end) if end else start_ns + count * _SECOND_NS, now_ns)
        ticks = [quote for low in range(start_ns, end_ns, 60 * _SECOND_NS) for quote in tape.ticks(low, min(low + 60 * _SECOND_NS, end_ns))]
        self._send_past_ticks(session, request_id, instrument, values["whatToShow"], ticks[:count] if start else ticks[-count:])

    def cancel(self, session: Session, request_id: int) -> bool:
        """Stop a stream; whether there was one."""
        return self._streams.pop((session, request_id), None) is not None

    def forget(self, session: Session) -> None:
        """Stop every stream of a session that is gone."""
        for key in [key for key in self._streams if key[0] is session]:
            del self._streams[key]

    # The market moves

    def on_trade(self, instrument: SimulatedInstrument, quote: Quote) -> None:
        """Send a trade and its quote to everybody who follows them."""
        for (_, request_id), stream in list(self._streams.items()):
            if stream.instrument is not instrument:
                continue
            if isinstance(stream, _Quotes):
                self._send_quote(stream, request_id, quote)
            elif isinstance(stream, _TickByTick):
                self._send_tick(stream, request_id, quote)

    def on_time(self) -> None:
        """Send the bars that have closed, and the forming ones that have changed."""
        now_ns = self._market.now_ns
        for (_, request_id), stream in list(self._streams.items()):
            if isinstance(stream, _FiveSecondBars):
                self._send_closed_bars(stream, request_id, now_ns)
            elif isinstance(stream, _LiveHistory):
                self._send_live_history(stream, request_id, now_ns)

    # Checks

    def _instrument(self, session: Session, values: Values) -> SimulatedInstrument | None:
        """The instrument a request means, unless its request id is already streaming; the client is told why not."""
        if (session, values["reqId"]) in self._streams:
            session.error(values["reqId"], 322, "Error processing request.-'bT' : cause - Duplicate ticker id")
            return None
        instrument = self._contracts.find_one(values)
        if instrument is None:
            session.error(values["reqId"], *NO_DEFINITION)
        return instrument

    def _is_shown(self, session: Session, values: Values) -> bool:
        if values["whatToShow"] in _SHOWN:
            return True
        session.error(values["reqId"], 321, f"Error validating request.-'cf' : cause - {values['whatToShow']!r} is not simulated")
        return False

    def _admit(self, instrument: SimulatedInstrument, request: HistoryRequest, values: Values) -> bool:
        if not self._config.paces_history or request.bar_size.total_seconds() >= _PACED_BELOW_SECONDS:
            return True
        wanted = (instrument.contract_id, request, values["endDateTime"], values["whatToShow"], values["useRTH"])
        return self._pacing.admit(self._market.now, (instrument.contract_id, values["whatToShow"]), wanted)

    # What is sent

    def _send_day(self, stream: _Quotes, request_id: int) -> None:
        """The day so far: open, high, low, volume and the previous close."""
        now_ns = self._market.now_ns
        start_ns = to_ns(day_start(exchange_day(self._market.now)))
        tape = self._market.tape(stream.instrument)
        day = tape.bar(start_ns, now_ns)
        close = tape.quote(start_ns - 1).last
        prices = [(_CLOSE, close)] if day is None else [(_OPEN, day.open), (_HIGH, day.high), (_LOW, day.low), (_CLOSE, close)]
        for tick_type, price in prices:
            stream.session.send("tickPrice", reqId=request_id, tickType=tick_type, price=price, size=0)
        stream.session.send("tickSize", reqId=request_id, tickType=_VOLUME, size=day.volume if day else 0)

    def _send_quote(self, stream: _Quotes, request_id: int, quote: Quote) -> None:
        session, sent = stream.session, stream.sent
        sides = (
            (_BID, _BID_SIZE, quote.bid, quote.bid_size, None if sent is None else (sent.bid, sent.bid_size)),
            (_ASK, _ASK_SIZE, quote.ask, quote.ask_size, None if sent is None else (sent.ask, sent.ask_size)),
            (_LAST, _LAST_SIZE, quote.last, quote.last_size, None),
        )
        for tick_type, size_type, price, size, known in sides:
            if (price, size) != known:
                session.send("tickPrice", reqId=request_id, tickType=tick_type, price=price, size=size, attribMask=1)
                session.send("tickSize", reqId=request_id, tickType=size_type, size=size)
        session.send("tickString", reqId=request_id, tickType=_LAST_TIME, value=quote.at_ns // _SECOND_NS)
        stream.sent = quote

    def _send_tick(self, stream: _TickByTick, request_id: int, quote: Quote) -> None:
        values: dict[str, Any] = {"reqId": request_id, "time": quote.at_ns // _SECOND_NS}
        if stream.kind == "BidAsk":
            values |= {"bid": quote.bid, "ask": quote.ask, "bidSize": quote.bid_size, "askSize": quote.ask_size}
        elif stream.kind == "MidPoint":
            values |= {"price": (quote.bid + quote.ask) / 2}
        else:
            values |= {"price": quote.last, "size": quote.last_size, "exchange": stream.instrument.instrument_id.venue}
        stream.session.send(f"tickByTick{stream.kind}", **values)

    def _send_past_ticks(self, session: Session, request_id: int, instrument: SimulatedInstrument, shown: str, ticks: list[Quote]) -> None:
        venue = instrument.instrument_id.venue
        if shown == "BID_ASK":
            quotes = [
                {"time": t.at_ns // _SECOND_NS, "bid": t.bid, "ask": t.ask, "bidSize": t.bid_size, "askSize": t.ask_size} for t in ticks
            ]
            session.send("historicalTicksBidAsk", reqId=request_id, ticks=quotes, done=True)
        elif shown == "TRADES":
            trades = [{"time": t.at_ns // _SECOND_NS, "price": t.last, "size": t.last_size, "exchange": venue} for t in ticks]
            session.send("historicalTicksLast", reqId=request_id, ticks=trades, done=True)
        else:
            middles = [{"time": t.at_ns // _SECOND_NS, "price": (t.bid + t.ask) / 2, "size": 0} for t in ticks]
            session.send("historicalTicks", reqId=request_id, ticks=middles, done=True)

    def _send_closed_bars(self, stream: _FiveSecondBars, request_id: int, now_ns: int) -> None:
        while stream.next_ns <= now_ns:
            start_ns = stream.next_ns - _FIVE_SECONDS_NS
            bar = self._market.tape(stream.instrument).bar(start_ns, stream.next_ns)
            stream.next_ns += _FIVE_SECONDS_NS
            if bar is not None:
                fields = _prices(bar, stream.shown, stream.instrument.tick)
                stream.session.send("realtimeBar", reqId=request_id, time=start_ns // _SECOND_NS, **fields, count=bar.count)

    def _send_live_history(self, stream: _LiveHistory, request_id: int, now_ns: int) -> None:
        """Close every bar that is over with its final prices, then show the forming one, at most once a second."""
        for bar in self._bars_to_update(stream, now_ns):
            fields = self._bar_fields(stream.request, bar, stream.shown, stream.instrument)
            stream.session.send("historicalDataUpdate", reqId=request_id, **fields)
            stream.sent = bar

    def _bars_to_update(self, stream: _LiveHistory, now_ns: int) -> Iterator[MarketBar]:
        tape = self._market.tape(stream.instrument)
        while stream.boundary_ns <= now_ns:
            closed = forming_bar(tape, stream.request, stream.boundary_ns)
            stream.boundary_ns = next_boundary_ns(stream.request, stream.boundary_ns)
            if closed is not None and closed != stream.sent:
                yield closed
        known_ns = stream.sent.end_ns if stream.sent else 0
        if now_ns - known_ns >= _SECOND_NS:
            forming = forming_bar(tape, stream.request, now_ns)
            if forming is not None and forming.end_ns > known_ns:
                yield forming

    def _bar_fields(self, request: HistoryRequest, bar: MarketBar, shown: str, instrument: SimulatedInstrument) -> dict[str, Any]:
        return _prices(bar, shown, instrument.tick) | {"date": request.label(bar), "barCount": bar.count}


def _prices(bar: MarketBar, shown: str, tick: Decimal) -> dict[str, Any]:
    """A bar's prices as trades, or moved to the bid, the ask or between them; those know no volume."""
    shift = {"MIDPOINT": -tick / 2, "BID": -tick}.get(shown, Decimal(0))
    fields = {"open": bar.open, "high": bar.high, "low": bar.low, "close": bar.close, "wap": bar.average}
    is_trades = shown in ("TRADES", "ADJUSTED_LAST")
    return {name: price + shift for name, price in fields.items()} | {"volume": bar.volume if is_trades else Decimal(-1)}
