"""Market data requests: quotes, ticks, five-second bars, history. Streams that go on are in `streams`."""

from __future__ import annotations

from datetime import datetime

from ats.core.clock import from_ns, to_ns
from ats.gateway.simulated.config import SimulatedGatewayConfig, SimulatedInstrument
from ats.gateway.simulated.desks.contracts import NO_DEFINITION, Contracts
from ats.gateway.simulated.desks.pacing import HistoryPacing
from ats.gateway.simulated.desks.sessions import Session
from ats.gateway.simulated.desks.streams import (
    SECOND_NS,
    FiveSecondBarStream,
    HistoryStream,
    QuoteStream,
    Stream,
    TickStream,
    history_fields,
)
from ats.gateway.simulated.wire.layouts import Values
from ats.gateway.simulated.world.history import HistoryRequest, TooMuchHistoryError, bars_until, head_time
from ats.gateway.simulated.world.market import Market
from ats.gateway.simulated.world.tape import MarketBar, Quote
from ats.gateway.simulated.world.times import NotUnderstoodError, day_start, exchange_day, exchange_time, parse_moment

_HISTORY_ERROR = "Historical Market Data Service error message:"
_PACED_BELOW_SECONDS = 60
_SHOWN = ("TRADES", "ADJUSTED_LAST", "MIDPOINT", "BID", "ASK")
_TICK_KINDS = ("Last", "AllLast", "BidAsk", "MidPoint")
_MOST_TICKS = 1_000
_MINUTE_NS = 60 * SECOND_NS
_EPOCH_FORMAT = 2


class DataDesk:
    """Answers data requests and keeps the streams of every session going."""

    def __init__(self, config: SimulatedGatewayConfig, contracts: Contracts, market: Market) -> None:
        self._config = config
        self._contracts = contracts
        self._market = market
        self._pacing = HistoryPacing()
        self._streams: dict[tuple[Session, int], Stream] = {}

    # Streams

    def follow_quotes(self, session: Session, values: Values) -> None:
        """Quotes and trades of an instrument, as a snapshot or until cancelled."""
        instrument = self._instrument(session, values)
        if instrument is None:
            return
        stream = QuoteStream(session, values["reqId"], self._market.tape(instrument))
        stream.send("marketDataType", marketDataType=1)
        stream.send("tickReqParams", minTick=instrument.tick, bboExchange="9c0001", snapshotPermissions=3)
        stream.send_day(to_ns(day_start(exchange_day(self._market.now))), self._market.now_ns)
        stream.on_trade(self._market.quote(instrument))
        if values["snapshot"]:
            stream.send("tickSnapshotEnd")
        else:
            self._follow(stream)

    def follow_ticks(self, session: Session, values: Values) -> None:
        """Every trade or every quote of an instrument until cancelled."""
        instrument = self._instrument(session, values)
        if instrument is None:
            return
        if values["kind"] not in _TICK_KINDS:
            raise NotUnderstoodError(f"{values['kind']!r} is not a tick type")
        stream = TickStream(session, values["reqId"], self._market.tape(instrument), values["kind"])
        self._follow(stream)
        if stream.is_of_quotes:
            stream.on_trade(self._market.quote(instrument))

    def follow_five_second_bars(self, session: Session, values: Values) -> None:
        """Bars of five seconds until cancelled."""
        instrument = self._instrument(session, values)
        if instrument is None:
            return
        shown = _shown(values)
        self._follow(FiveSecondBarStream(session, values["reqId"], self._market.tape(instrument), shown, self._market.now_ns))

    def cancel(self, session: Session, request_id: int) -> bool:
        """Stop a stream; whether there was one."""
        return self._streams.pop((session, request_id), None) is not None

    def forget(self, session: Session) -> None:
        """Stop every stream of a session that is gone."""
        for key in [key for key in self._streams if key[0] is session]:
            del self._streams[key]

    def on_trade(self, instrument: SimulatedInstrument, quote: Quote) -> None:
        """Send a trade to everybody who follows the instrument."""
        for stream in list(self._streams.values()):
            if stream.tape.instrument is instrument:
                stream.on_trade(quote)

    def on_time(self) -> None:
        """Send the bars that have closed, and the forming ones that have changed."""
        now_ns = self._market.now_ns
        for stream in list(self._streams.values()):
            stream.on_time(now_ns)

    def _follow(self, stream: Stream) -> None:
        self._streams[stream.session, stream.request_id] = stream

    # History

    def send_history(self, session: Session, values: Values) -> None:
        """Historical bars, and with `keepUpToDate` the bars that follow."""
        instrument = self._instrument(session, values)
        if instrument is None:
            return
        shown = _shown(values)
        request = HistoryRequest.parse(values["barSize"], values["duration"], values["formatDate"])
        end = parse_moment(values["endDateTime"])
        if end is not None and values["keepUpToDate"]:
            raise NotUnderstoodError("End date not supported with keepUpToDate")
        bars = self._history(session, values, instrument, request, end)
        if not bars:
            return
        tick = instrument.tick
        session.send(
            "historicalData",
            reqId=values["reqId"],
            start=exchange_time(from_ns(bars[0].start_ns)),
            end=exchange_time(from_ns(bars[-1].end_ns)),
            bars=[history_fields(request, bar, shown, tick) for bar in bars],
        )
        if values["keepUpToDate"]:
            self._follow(HistoryStream(session, values["reqId"], self._market.tape(instrument), shown, request, bars[-1]))

    def _history(
        self, session: Session, values: Values, instrument: SimulatedInstrument, request: HistoryRequest, end: datetime | None
    ) -> list[MarketBar]:
        """The bars asked for; none, after error 162, when the request comes too soon, asks too much or finds nothing."""
        request_id, now = values["reqId"], self._market.now
        if not self._admit(instrument, request, values):
            session.error(request_id, 162, f"{_HISTORY_ERROR}Historical data request pacing violation")
            return []
        try:
            bars = bars_until(self._market.tape(instrument), request, min(end, now) if end else now)
        except TooMuchHistoryError as error:
            session.error(request_id, 162, f"{_HISTORY_ERROR}{error}")
            return []
        if not bars:
            wanted = f"{instrument.instrument_id.symbol}@SMART {values['whatToShow']}"
            session.error(request_id, 162, f"{_HISTORY_ERROR}HMDS query returned no data: {wanted}")
        return bars

    def cancel_history(self, session: Session, request_id: int) -> None:
        """Stop live history; a request that is over answers with an error, as the broker's does."""
        if not self.cancel(session, request_id):
            session.error(request_id, 162, f"{_HISTORY_ERROR}API historical data query cancelled: {request_id}")

    def send_head_time(self, session: Session, values: Values) -> None:
        """When the data of an instrument begin."""
        instrument = self._instrument(session, values)
        if instrument is not None:
            head = head_time(self._market.tape(instrument))
            text = str(int(head.timestamp())) if values["formatDate"] == _EPOCH_FORMAT else f"{head:%Y%m%d-%H:%M:%S}"
            session.send("headTimestamp", reqId=values["reqId"], timestamp=text)

    def send_historical_ticks(self, session: Session, values: Values) -> None:
        """The last trades or quotes before a moment, or the first after one."""
        instrument = self._instrument(session, values)
        if instrument is None:
            return
        start, end = parse_moment(values["startDateTime"]), parse_moment(values["endDateTime"])
        count = min(values["numberOfTicks"] or 0, _MOST_TICKS)
        if count <= 0 or (start is None) == (end is None):
            raise NotUnderstoodError("Give a start or an end, and a number of ticks")
        ticks = self._past_ticks(instrument, start, end, count)
        message, fields = _past_tick_fields(values["whatToShow"], instrument, ticks)
        session.send(message, reqId=values["reqId"], ticks=fields, done=True)

    def _past_ticks(self, instrument: SimulatedInstrument, start: datetime | None, end: datetime | None, count: int) -> list[Quote]:
        tape, now_ns = self._market.tape(instrument), self._market.now_ns
        reach_ns = count * SECOND_NS
        if start is not None:
            low_ns = to_ns(start) - 1
            high_ns = min(low_ns + reach_ns, now_ns)
        else:
            high_ns = min(to_ns(end), now_ns) if end else now_ns
            low_ns = max(high_ns - reach_ns, tape.begins_ns)
        ticks = [tick for at_ns in range(low_ns, high_ns, _MINUTE_NS) for tick in tape.ticks(at_ns, min(at_ns + _MINUTE_NS, high_ns))]
        return ticks[:count] if start is not None else ticks[-count:]

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

    def _admit(self, instrument: SimulatedInstrument, request: HistoryRequest, values: Values) -> bool:
        if not self._config.paces_history or request.bar_size.total_seconds() >= _PACED_BELOW_SECONDS:
            return True
        wanted = (instrument.contract_id, request, values["endDateTime"], values["whatToShow"], values["useRTH"])
        return self._pacing.admit(self._market.now, (instrument.contract_id, values["whatToShow"]), wanted)


def _shown(values: Values) -> str:
    if values["whatToShow"] not in _SHOWN:
        raise NotUnderstoodError(f"{values['whatToShow']!r} is not simulated")
    return str(values["whatToShow"])


def _past_tick_fields(shown: str, instrument: SimulatedInstrument, ticks: list[Quote]) -> tuple[str, list[dict[str, object]]]:
    """The message and its entries for trades, quotes or midpoints."""
    times = [tick.at_ns // SECOND_NS for tick in ticks]
    if shown == "TRADES":
        venue = instrument.instrument_id.venue
        trades: list[dict[str, object]] = [
            {"time": at, "price": tick.last, "size": tick.last_size, "exchange": venue} for at, tick in zip(times, ticks, strict=True)
        ]
        return "historicalTicksLast", trades
    if shown == "BID_ASK":
        sides: list[dict[str, object]] = [
            {"time": at, "bid": tick.bid, "ask": tick.ask, "bidSize": tick.bid_size, "askSize": tick.ask_size}
            for at, tick in zip(times, ticks, strict=True)
        ]
        return "historicalTicksBidAsk", sides
    if shown == "MIDPOINT":
        middles: list[dict[str, object]] = [
            {"time": at, "price": (tick.bid + tick.ask) / 2, "size": 0} for at, tick in zip(times, ticks, strict=True)
        ]
        return "historicalTicks", middles
    raise NotUnderstoodError(f"{shown!r} is not simulated")
