"""The unmodified ib_insync 0.9.86 against the simulated gateway."""

import asyncio
import itertools

import pytest
from ib_insync import IB, LimitOrder, MarketOrder, Stock


@pytest.fixture
def connect(gateway):
    """Connects clients to the gateway, and disconnects them."""
    asyncio.set_event_loop(asyncio.new_event_loop())
    opened: list[IB] = []

    def make(client_id: int, **more) -> IB:
        opened.append(IB())
        opened[-1].RaiseRequestErrors = True
        opened[-1].connect("127.0.0.1", more.pop("port", gateway.port), clientId=client_id, timeout=5, **more)
        return opened[-1]

    yield make
    for client in opened:
        client.disconnect()
    asyncio.get_event_loop().close()
    asyncio.set_event_loop(None)


def msft(client: IB) -> Stock:
    (contract,) = client.qualifyContracts(Stock("MSFT", "SMART", "USD", primaryExchange="NASDAQ"))
    return contract


def errors_of(client: IB) -> list[tuple[int, int]]:
    seen: list[tuple[int, int]] = []
    client.errorEvent += lambda request_id, code, *_: seen.append((request_id, code))
    return seen


def test_it_connects_and_everything_it_asks_on_connect_is_answered(connect, gateway, caplog):
    client = connect(21)
    assert (client.managedAccounts(), client.client.serverVersion()) == (["DU1234567"], 176)
    assert not [record.message for record in caplog.records if "timed out" in record.message]
    values = {value.tag: (value.value, value.currency) for value in client.accountValues()}
    assert values["NetLiquidation"] == ("100000.00", "USD")
    assert {"TotalCashValue", "BuyingPower", "AvailableFunds", "InitMarginReq"} <= values.keys()


def test_a_contract_is_found_by_symbol_and_described(connect):
    client = connect(21)
    contract = msft(client)
    (details,) = client.reqContractDetails(contract)
    assert (details.minTick, details.timeZoneId, details.contract.primaryExchange) == (0.01, "US/Eastern", "NASDAQ")
    assert [tag.tag for tag in details.secIdList] == ["ISIN"]
    assert len(details.tradingHours.split(";")) == 6
    assert client.reqMarketRule(int(details.marketRuleIds.split(",")[0]))[0].increment == 0.01
    assert [sample.contract.symbol for sample in client.reqMatchingSymbols("MS")] == ["MSFT"]


def test_an_unknown_contract_is_error_200(connect):
    client = connect(21)
    seen = errors_of(client)
    client.RaiseRequestErrors = False
    assert client.reqContractDetails(Stock("NONE", "SMART", "USD")) == []
    assert [code for _, code in seen] == [200]


def test_history_comes_in_daily_and_five_second_bars(connect):
    client = connect(21)
    contract = msft(client)
    daily = client.reqHistoricalData(contract, "", "1 M", "1 day", "TRADES", useRTH=True)
    assert daily
    assert daily[-1].high == 101.5
    fine = client.reqHistoricalData(contract, "", "600 S", "5 secs", "TRADES", useRTH=True, formatDate=2)
    assert 120 <= len(fine) <= 121
    gaps = {(after.date - before.date).total_seconds() for before, after in itertools.pairwise(fine)}
    assert gaps == {5.0}
    assert {(bar.high, bar.low, bar.volume) for bar in fine[1:-1]} == {(101.5, 99.5, 8000.0)}
    assert client.reqHeadTimeStamp(contract, "TRADES", useRTH=True, formatDate=2)


def test_live_history_goes_on_where_the_answer_ended(connect, wait_until):
    client = connect(21)
    bars = client.reqHistoricalData(msft(client), "", "60 S", "5 secs", "TRADES", useRTH=True, formatDate=2, keepUpToDate=True)
    before = len(bars)
    wait_until(lambda: len(bars) >= before + 2, 15, client.sleep)
    dates = [bar.date for bar in bars]
    assert dates == sorted(set(dates))
    assert (bars[-2].high, bars[-2].low, bars[-2].volume) == (101.5, 99.5, 8000.0)


def test_quotes_and_five_second_bars_stream(connect, wait_until):
    client = connect(21)
    contract = msft(client)
    ticker, bars = client.reqMktData(contract), client.reqRealTimeBars(contract, 5, "TRADES", useRTH=True)
    ticks = client.reqTickByTickData(contract, "BidAsk")
    wait_until(lambda: len(bars) >= 2, 15, client.sleep)
    assert round(ticker.ask - ticker.bid, 2) == 0.01
    assert ticker.bid <= ticker.last <= ticker.ask
    assert (bars[1].time - bars[0].time).total_seconds() == 5
    assert (bars[1].high, bars[1].low, bars[1].volume) == (101.5, 99.5, 8000.0)
    assert ticks.tickByTicks


def test_a_market_order_fills_and_the_account_follows(connect, gateway, wait_until):
    client = connect(21)
    client.accountSummary()
    trade = client.placeOrder(msft(client), MarketOrder("BUY", 10, orderRef="mine"))
    wait_until(lambda: trade.isDone() and trade.fills and trade.fills[0].commissionReport.commission, 5, client.sleep)
    fill = trade.fills[0]
    assert (trade.orderStatus.status, fill.execution.shares, fill.commissionReport.commission) == ("Filled", 10, 1.0)
    position = wait_until(client.positions, 5, client.sleep)[0]
    assert (position.position, round(position.avgCost, 6)) == (10, round(fill.execution.price + 0.1, 6))
    cash = 100_000 - 10 * fill.execution.price - 1

    def cash_shown(values):
        return {value.value for value in values if value.tag == "TotalCashValue"} == {f"{cash:.2f}"}

    wait_until(lambda: cash_shown(client.accountValues()) and cash_shown(client.accountSummary()), 5, client.sleep)
    assert wait_until(client.portfolio, 5, client.sleep)[0].position == 10
    (booked,) = gateway.ledger()["executions"]
    assert (booked["order_ref"], booked["perm_id"], booked["execution_id"]) == ("mine", trade.order.permId, fill.execution.execId)


def test_a_limit_order_rests_and_is_cancelled(connect, wait_until):
    client = connect(21)
    trade = client.placeOrder(msft(client), LimitOrder("BUY", 10, 50))
    wait_until(lambda: trade.orderStatus.status == "Submitted", 5, client.sleep)
    client.cancelOrder(trade.order)
    wait_until(lambda: trade.orderStatus.status == "Cancelled", 5, client.sleep)


def test_orders_are_seen_and_cancelled_from_another_client_after_their_own_is_gone(connect, gateway, wait_until):
    owner = connect(21)
    trade = owner.placeOrder(msft(owner), LimitOrder("BUY", 10, 50, orderRef="left behind"))
    wait_until(lambda: trade.orderStatus.status == "Submitted", 5, owner.sleep)
    owner.disconnect()
    other = connect(22)
    assert other.openTrades() == []
    (found,) = wait_until(other.reqAllOpenOrders, 5, other.sleep)
    assert (found.order.permId, found.order.clientId, found.order.orderRef) == (trade.order.permId, 21, "left behind")
    other.cancelOrder(found.order)
    wait_until(lambda: gateway.ledger()["orders"][0]["status"] == "Cancelled", 5, other.sleep)


def test_a_global_cancel_reaches_every_client(connect, gateway, wait_until):
    trades = []
    for client_id in (21, 22):
        client = connect(client_id)
        trades.append(client.placeOrder(msft(client), LimitOrder("BUY", 10, 50)))
    killer = connect(99)
    wait_until(lambda: len(gateway.ledger()["orders"]) == 2, 5, killer.sleep)
    killer.reqGlobalCancel()
    wait_until(lambda: {trade.orderStatus.status for trade in trades} == {"Cancelled"}, 5, killer.sleep)
    assert killer.reqAllOpenOrders() == []


def test_executions_are_found_again_after_a_reconnect(connect, wait_until):
    client = connect(21)
    trade = client.placeOrder(msft(client), MarketOrder("BUY", 10))
    wait_until(trade.isDone, 5, client.sleep)
    client.disconnect()
    again = connect(21)
    (fill,) = again.fills()
    assert (fill.execution.permId, fill.commissionReport.commission) == (trade.order.permId, 1.0)
    assert [position.position for position in again.positions()] == [10]


def test_a_what_if_order_is_answered_and_forgotten(connect, gateway):
    client = connect(21)
    state = client.whatIfOrder(msft(client), MarketOrder("BUY", 10))
    assert (float(state.initMarginChange) > 0, state.commission) == (True, 1.0)
    assert gateway.ledger()["orders"] == []


def test_a_taken_client_id_is_error_326_and_the_first_session_lives_on(connect, gateway):
    first = connect(21)
    with pytest.raises((ConnectionError, TimeoutError, asyncio.TimeoutError)):
        connect(21)
    assert first.reqCurrentTime()


def test_cancelling_an_unknown_order_and_reusing_an_id_are_refused(connect, wait_until):
    client = connect(21)
    seen = errors_of(client)
    contract = msft(client)
    client.client.cancelOrder(4711)
    wait_until(lambda: (4711, 10147) in seen, 5, client.sleep)
    trade = client.placeOrder(contract, LimitOrder("BUY", 1, 50))
    client.cancelOrder(trade.order)
    wait_until(lambda: trade.orderStatus.status == "Cancelled", 5, client.sleep)
    client.client.placeOrder(trade.order.orderId, contract, LimitOrder("BUY", 1, 51))
    wait_until(lambda: (trade.order.orderId, 103) in seen, 5, client.sleep)


def test_a_live_gateway_announces_its_live_account(connect, gateway_of):
    live = gateway_of(mode="live", account_id="U1234567")
    assert connect(21, port=live.port).managedAccounts() == ["U1234567"]
