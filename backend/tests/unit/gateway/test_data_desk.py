"""Market data on request and as it happens: quotes, ticks, five-second bars, history, pacing."""

from datetime import timedelta
from decimal import Decimal

import pytest

MSFT = {"symbol": "MSFT", "secType": "STK", "exchange": "SMART", "currency": "USD"}
HISTORY = MSFT | {"whatToShow": "TRADES", "formatDate": 2}
WAVE = ["100 102 99 101", "101 103 98 100"]


@pytest.fixture
def wave(floor_of, bars_of):
    """Sixty bars of history, then bars that rise and fall."""
    return floor_of(bars_of(*WAVE * 60), history_bars=60)


# Quotes


def test_quotes_begin_with_the_day_and_the_whole_quote(wave):
    client = wave.connect(11)
    client.ask("reqMktData", reqId=1, **MSFT)
    assert client.names()[:2] == ["marketDataType", "tickReqParams"]
    types = [tick["tickType"] for tick in client.of("tickPrice")]
    assert types == [9, 14, 6, 7, 1, 2, 4]
    assert [tick["tickType"] for tick in client.of("tickSize")] == [8, 0, 3, 5]
    day = {tick["tickType"]: tick["price"] for tick in client.of("tickPrice")}
    assert (day[6], day[7], day[2] - day[1]) == (103, 98, Decimal("0.01"))


def test_a_side_of_the_quote_is_sent_again_only_when_it_changes(calm_floor):
    client = calm_floor.connect(11)
    client.ask("reqMktData", reqId=1, **MSFT)
    client.received.clear()
    calm_floor.advance(2)
    assert {tick["tickType"] for tick in client.of("tickPrice")} == {4}
    calm_floor.advance(5)
    assert {tick["tickType"] for tick in client.of("tickPrice")} == {1, 2, 4}, "sizes change with the bar"


def test_a_stream_ends_when_it_is_cancelled_or_its_client_is_gone(wave):
    first, second = wave.connect(11), wave.connect(12)
    first.ask("reqMktData", reqId=1, **MSFT)
    second.ask("reqMktData", reqId=1, **MSFT)
    first.ask("cancelMktData", reqId=1)
    wave.state.dismiss(second.session)
    second.received.clear()
    wave.advance(5)
    assert first.received == second.received == []


def test_a_snapshot_ends_itself(wave):
    client = wave.connect(11)
    client.ask("reqMktData", reqId=1, snapshot=True, **MSFT)
    assert client.names()[-1] == "tickSnapshotEnd"
    client.received.clear()
    wave.advance(2)
    assert client.received == []


def test_a_request_id_in_use_is_error_322_and_the_first_stream_goes_on_alone(wave):
    client = wave.connect(11)
    client.ask("reqMktData", reqId=1, **MSFT)
    for again in ("reqMktData", "reqRealTimeBars", "reqTickByTickData", "reqHistoricalData"):
        client.ask(again, reqId=1, **HISTORY if again == "reqHistoricalData" else MSFT)
        assert client.errors() == [(1, 322)]
    client.received.clear()
    wave.advance(0.5)
    assert client.names().count("tickString") == 1


@pytest.mark.parametrize(
    "name", ["reqMktData", "reqRealTimeBars", "reqTickByTickData", "reqHistoricalData", "reqHeadTimestamp", "reqHistoricalTicks"]
)
def test_an_unknown_contract_is_error_200(wave, name):
    client = wave.connect(11)
    client.ask(name, reqId=4, symbol="NONE", secType="STK")
    assert client.errors() == [(4, 200)]


@pytest.mark.parametrize("kind", ["Last", "AllLast", "BidAsk", "MidPoint"])
def test_tick_by_tick_sends_one_message_a_trade(wave, kind):
    client = wave.connect(11)
    client.ask("reqTickByTickData", reqId=1, kind=kind, **MSFT)
    client.received.clear()
    wave.advance(5)
    assert client.names() == [f"tickByTick{kind}"] * 8


# Bars


def test_five_second_bars_are_the_bars_of_the_data(wave):
    client = wave.connect(11)
    client.ask("reqRealTimeBars", reqId=1, whatToShow="TRADES", barSize=5, **MSFT)
    wave.advance(20)
    bars = client.of("realtimeBar")
    assert [(bar["open"], bar["high"], bar["low"], bar["close"], bar["volume"]) for bar in bars] == [
        (100, 102, 99, 101, 8000),
        (101, 103, 98, 100, 8000),
        (100, 102, 99, 101, 8000),
        (101, 103, 98, 100, 8000),
    ]
    assert [bar["time"] % 5 for bar in bars] == [0] * 4
    assert bars[0]["time"] == int(wave.clock.now().timestamp()) - 22


def test_bid_and_midpoint_bars_lie_below_the_trades_and_know_no_volume(wave):
    client = wave.connect(11)
    for request_id, shown in enumerate(("TRADES", "MIDPOINT", "BID"), 1):
        client.ask("reqRealTimeBars", reqId=request_id, whatToShow=shown, **MSFT)
    wave.advance(5)
    closes = {bar["reqId"]: (bar["close"], bar["volume"]) for bar in client.of("realtimeBar")}
    assert closes == {1: (101, 8000), 2: (Decimal("100.995"), -1), 3: (Decimal("100.99"), -1)}


def test_history_ends_with_the_forming_bar_and_begins_with_the_data(wave):
    client = wave.connect(11)
    client.ask("reqHistoricalData", reqId=1, barSize="5 secs", duration="1 D", **HISTORY)
    bars = client.of("historicalData")[0]["bars"]
    assert len(bars) == 61
    assert (bars[0]["open"], bars[-2]["close"], bars[-1]["open"]) == (100, 100, 100)
    assert bars[-1]["volume"] == Decimal(3200)
    assert int(bars[-1]["date"]) == int(wave.clock.now().timestamp()) - 2


@pytest.mark.parametrize(("size", "count"), [("5 secs", 24), ("10 secs", 12), ("1 min", 2)])
def test_longer_bars_are_put_together_from_the_same_prices(wave, size, count):
    client = wave.connect(11)
    client.ask("reqHistoricalData", reqId=1, barSize=size, duration="120 S", endDateTime="20260304-15:00:00", **HISTORY)
    bars = client.of("historicalData")[0]["bars"]
    assert len(bars) == count
    assert sum(bar["volume"] for bar in bars) == 24 * 8000
    assert (max(bar["high"] for bar in bars), min(bar["low"] for bar in bars)) == (103, 98)


def test_an_end_in_the_past_is_kept_and_one_in_the_future_shows_nothing_of_it(wave):
    client = wave.connect(11)
    client.ask("reqHistoricalData", reqId=1, barSize="5 secs", duration="10 S", endDateTime="20260304-14:59:00", **HISTORY)
    dates = [int(bar["date"]) for bar in client.of("historicalData")[0]["bars"]]
    end = int((wave.clock.now() - timedelta(seconds=62)).timestamp())
    assert dates == [end - 10, end - 5]
    client.ask("reqHistoricalData", reqId=2, barSize="5 secs", duration="10 S", endDateTime="20990101-00:00:00", **HISTORY)
    assert max(int(bar["date"]) for bar in client.of("historicalData")[0]["bars"]) <= wave.clock.now().timestamp()


def test_intraday_dates_follow_the_format_and_daily_ones_are_always_days(wave):
    client = wave.connect(11)
    client.ask("reqHistoricalData", reqId=1, barSize="5 secs", duration="60 S", **HISTORY | {"formatDate": 1})
    assert client.of("historicalData")[0]["bars"][-1]["date"] == "20260304 10:00:00 US/Eastern"
    client.ask("reqHistoricalData", reqId=2, barSize="1 day", duration="1 M", **HISTORY)
    assert client.of("historicalData")[0]["bars"][-1]["date"] == "20260304"


def test_daily_bars_at_true_pace_are_the_days_of_the_data(floor_of, bars_of):
    floor = floor_of(bars_of(*[f"{price} {price} {price} {price}" for price in range(101, 131)]), compress=None, history_bars=20)
    client = floor.connect(11)
    client.ask("reqHistoricalData", reqId=1, barSize="1 day", duration="5 D", **HISTORY)
    bars = client.of("historicalData")[0]["bars"]
    assert [(bar["date"], bar["close"]) for bar in bars] == [
        ("20260226", 117),
        ("20260227", 118),
        ("20260302", 119),
        ("20260303", 120),
        ("20260304", 121),
    ]
    client.ask("reqHistoricalData", reqId=2, barSize="1 week", duration="2 W", **HISTORY)
    assert [(bar["date"], bar["open"], bar["close"]) for bar in client.of("historicalData")[0]["bars"]][-2:] == [
        ("20260227", 114, 118),
        ("20260304", 119, 121),
    ]
    client.ask("reqHistoricalData", reqId=3, barSize="1 month", duration="2 M", **HISTORY)
    assert [bar["date"] for bar in client.of("historicalData")[0]["bars"]] == ["20260227", "20260304"]


def test_live_history_revises_the_forming_bar_closes_it_and_never_goes_back(wave):
    client = wave.connect(11)
    client.ask("reqHistoricalData", reqId=1, barSize="5 secs", duration="60 S", keepUpToDate=True, **HISTORY)
    wave.advance(9)
    updates = client.of("historicalDataUpdate")
    dates = [int(update["date"]) for update in updates]
    assert dates == sorted(dates)
    first = min(dates)
    closed = [update for update in updates if int(update["date"]) == first][-1]
    assert [closed[name] for name in ("open", "high", "low", "close", "volume")] == [100, 102, 99, 101, 8000]
    assert len(set(dates)) == 3


def test_live_history_that_is_cancelled_ends_and_a_finished_one_says_so(wave):
    client = wave.connect(11)
    client.ask("reqHistoricalData", reqId=1, barSize="5 secs", duration="60 S", keepUpToDate=True, **HISTORY)
    assert client.ask("cancelHistoricalData", reqId=1) == []
    wave.advance(5)
    assert client.received == []
    client.ask("cancelHistoricalData", reqId=1)
    assert client.errors() == [(1, 162)]


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"barSize": "7 secs", "duration": "1 D"}, 321),
        ({"barSize": "1 day", "duration": "1 X"}, 321),
        ({"barSize": "1 day", "duration": "1 D", "whatToShow": "OPTION_IMPLIED_VOLATILITY"}, 321),
        ({"barSize": "1 day", "duration": "1 D", "endDateTime": "yesterday"}, 321),
        ({"barSize": "1 day", "duration": "1 D", "endDateTime": "20260304-15:00:00", "keepUpToDate": True}, 321),
        ({"barSize": "5 secs", "duration": "60 S", "endDateTime": "20200101-00:00:00"}, 162),
    ],
    ids=["size", "duration", "shown", "end", "end and live", "no data"],
)
def test_history_nobody_could_give_is_refused(wave, values, code):
    client = wave.connect(11)
    client.ask("reqHistoricalData", reqId=9, **HISTORY | values)
    assert client.errors() == [(9, code)]


def test_an_answer_too_long_for_the_broker_is_refused(floor_of, bars_of):
    client = floor_of(bars_of(*["100 100 100 100"] * 30), compress=None, history_bars=20).connect(11)
    client.ask("reqHistoricalData", reqId=1, barSize="1 secs", duration="10 D", **HISTORY)
    assert client.errors() == [(1, 162)]


def test_a_bar_is_closed_before_the_first_trade_of_the_next(wave):
    client = wave.connect(11)
    client.ask("reqTickByTickData", reqId=1, kind="Last", **MSFT)
    client.ask("reqRealTimeBars", reqId=2, whatToShow="TRADES", **MSFT)
    client.received.clear()
    wave.clock.advance(seconds=3)
    wave.state.advance()
    assert client.names()[0] == "realtimeBar"
    assert set(client.names()[1:]) == {"tickByTickLast"}


def test_a_market_order_trades_at_the_quote_its_client_has_seen(wave):
    client = wave.connect(11)
    (seen,) = [values for _, values in client.ask("reqTickByTickData", reqId=1, kind="BidAsk", **MSFT)]
    for order_id, pause in enumerate((0.9, 1.3, 2.2, 0.4), 1):
        client.received.clear()
        wave.clock.advance(seconds=pause)
        wave.state.advance()
        seen = [seen, *client.of("tickByTickBidAsk")][-1]
        wave.clock.advance(seconds=0.01)
        client.place(order_id)
        assert client.of("tickByTickBidAsk") == []
        assert client.of("execDetails")[0]["price"] == seen["ask"]


def test_instruments_trade_in_the_order_of_time(floor_of, bars_of, instrument_of):
    floor = floor_of(bars_of(*WAVE), instrument_of(bars_of(*WAVE), "IBM.NYSE"))
    client = floor.connect(11)
    for request_id, symbol in enumerate(("MSFT", "IBM"), 1):
        client.ask("reqTickByTickData", reqId=request_id, kind="Last", symbol=symbol, secType="STK", exchange="SMART")
    client.received.clear()
    floor.clock.advance(seconds=3)
    floor.state.advance()
    assert [tick["reqId"] for tick in client.of("tickByTickLast")] == [1, 2] * 5


# Pacing


def ask_for_five_seconds(client, request_id, **more):
    client.ask("reqHistoricalData", reqId=request_id, **HISTORY | {"barSize": "5 secs", "duration": f"{request_id} S"} | more)
    return [code for _, code in client.errors()]


def test_an_identical_request_within_fifteen_seconds_is_a_pacing_violation(wave):
    client = wave.connect(11)
    assert ask_for_five_seconds(client, 60, duration="60 S") == []
    assert ask_for_five_seconds(client, 61, duration="60 S") == [162]
    assert "pacing violation" in client.of("error")[0]["text"]
    wave.clock.advance(seconds=15)
    assert ask_for_five_seconds(client, 62, duration="60 S") == []


def test_the_sixth_request_for_a_contract_in_two_seconds_is_a_pacing_violation(wave):
    client = wave.connect(11)
    assert [ask_for_five_seconds(client, number) for number in range(60, 66)] == [[]] * 5 + [[162]]


def test_more_than_sixty_requests_in_ten_minutes_are_a_pacing_violation(wave):
    client = wave.connect(11)
    answers = []
    for number in range(60, 121):
        answers.append(ask_for_five_seconds(client, number))
        wave.clock.advance(seconds=1)
    assert answers == [[]] * 60 + [[162]]
    wave.clock.advance(seconds=600)
    assert ask_for_five_seconds(client, 121) == []


def test_bars_of_a_minute_and_more_are_not_paced(wave):
    client = wave.connect(11)
    for number in range(10):
        assert ask_for_five_seconds(client, number, barSize="1 min", duration="1 D") == []


# Ticks of the past


def test_past_ticks_come_in_order_and_in_the_number_asked_for(wave):
    client = wave.connect(11)
    client.ask("reqHistoricalTicks", reqId=1, endDateTime="20260304-15:00:00", numberOfTicks=20, whatToShow="TRADES", **MSFT)
    ticks = client.of("historicalTicksLast")[0]["ticks"]
    times = [tick["time"] for tick in ticks]
    assert (len(ticks), times) == (20, sorted(times))
    client.ask("reqHistoricalTicks", reqId=2, startDateTime="20260304-14:59:00", numberOfTicks=5, whatToShow="BID_ASK", **MSFT)
    assert len(client.of("historicalTicksBidAsk")[0]["ticks"]) == 5
    client.ask("reqHistoricalTicks", reqId=3, startDateTime="20260304-14:59:00", numberOfTicks=5, whatToShow="MIDPOINT", **MSFT)
    assert len(client.of("historicalTicks")[0]["ticks"]) == 5


def test_the_head_of_the_data_is_told_in_both_formats(wave):
    client = wave.connect(11)
    client.ask("reqHeadTimestamp", reqId=1, formatDate=1, **MSFT)
    assert client.of("headTimestamp")[0]["timestamp"] == "20260304-14:55:00"
    client.ask("reqHeadTimestamp", reqId=2, formatDate=2, **MSFT)
    assert int(client.of("headTimestamp")[0]["timestamp"]) == int((wave.clock.now() - timedelta(seconds=302)).timestamp())


def test_the_end_of_the_data_leaves_a_market_that_stands_still(floor_of, bars_of):
    floor = floor_of(bars_of(*WAVE))
    client = floor.connect(11)
    client.ask("reqRealTimeBars", reqId=1, whatToShow="TRADES", **MSFT)
    floor.advance(20)
    bars = client.of("realtimeBar")
    assert [(bar["open"], bar["high"], bar["low"], bar["close"], bar["volume"]) for bar in bars[2:]] == [(100, 100, 100, 100, 0)] * 2
    client.place(1)
    assert client.of("execDetails")[0]["price"] == 100
