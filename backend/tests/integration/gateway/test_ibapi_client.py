"""The unmodified plain ibapi client against the simulated gateway: contracts, history, quotes, an order, positions."""

import threading
from decimal import Decimal

import pytest
from ibapi.client import EClient
from ibapi.contract import Contract
from ibapi.order import Order
from ibapi.wrapper import EWrapper


class Client(EWrapper, EClient):
    """Keeps every callback by name."""

    def __init__(self):
        EClient.__init__(self, self)
        self.calls: list[tuple[str, tuple]] = []

    def __getattribute__(self, name):
        found = super().__getattribute__(name)
        if name in vars(EWrapper) and not name.startswith("_"):
            calls = super().__getattribute__("calls")

            def callback(*arguments, **named):
                calls.append((name, (*arguments, *named.values())))

            return callback
        return found

    def of(self, name):
        return [arguments for kind, arguments in list(self.calls) if kind == name]

    def codes(self):
        return [arguments[2] for arguments in self.of("error")]


@pytest.fixture
def connect(gateway, wait_until):
    opened = []

    def make(client_id):
        client = Client()
        client.connect("127.0.0.1", gateway.port, client_id)
        thread = threading.Thread(target=client.run, daemon=True)
        thread.start()
        opened.append((client, thread))
        wait_until(lambda: client.of("nextValidId") or 326 in client.codes())
        return client

    yield make
    for client, thread in opened:
        client.disconnect()
        thread.join(5)


def msft():
    contract = Contract()
    contract.symbol, contract.secType, contract.exchange, contract.currency = "MSFT", "STK", "SMART", "USD"
    return contract


def order(action="BUY", quantity=3, kind="MKT", price=None):
    made = Order()
    made.action, made.totalQuantity, made.orderType, made.account = action, Decimal(quantity), kind, "DU1234567"
    if price is not None:
        made.lmtPrice = price
    return made


def test_the_session_starts_with_accounts_id_and_farm_notices(connect, wait_until):
    client = connect(5)
    assert client.serverVersion() == 176
    assert client.of("managedAccounts") == [("DU1234567",)]
    assert client.of("nextValidId") == [(1,)]
    wait_until(lambda: client.codes() == [2104, 2106, 2158])


def test_contract_history_order_and_position(connect, wait_until):
    client = connect(5)
    client.reqContractDetails(1, msft())
    wait_until(lambda: client.of("contractDetailsEnd"))
    assert client.of("contractDetails")[0][1].secIdList[0].tag == "ISIN"
    client.reqHistoricalData(2, msft(), "", "300 S", "5 secs", "TRADES", 1, 2, False, [])
    wait_until(lambda: client.of("historicalDataEnd"))
    assert len(client.of("historicalData")) in (60, 61)
    client.placeOrder(10, msft(), order())
    wait_until(lambda: client.of("commissionAndFeesReport"))
    assert [status[1] for status in client.of("orderStatus")] == ["PreSubmitted", "Filled", "Filled"]
    client.reqPositions()
    wait_until(lambda: client.of("positionEnd"))
    assert client.of("position")[0][2] == 3
    client.placeOrder(10, msft(), order())
    wait_until(lambda: 104 in client.codes())
    client.placeOrder(9, msft(), order())
    wait_until(lambda: 103 in client.codes())


def test_quotes_bars_and_a_resting_order(connect, wait_until):
    client = connect(5)
    client.reqMktData(1, msft(), "", False, False, [])
    client.reqRealTimeBars(2, msft(), 5, "TRADES", True, [])
    client.reqMktData(1, msft(), "", False, False, [])
    wait_until(lambda: 322 in client.codes())
    client.placeOrder(1, msft(), order("BUY", 1, "LMT", 50.0))
    wait_until(lambda: "Submitted" in [status[1] for status in client.of("orderStatus")])
    client.reqGlobalCancel(_order_cancel())
    wait_until(lambda: "Cancelled" in [status[1] for status in client.of("orderStatus")])
    wait_until(lambda: len(client.of("realtimeBar")) >= 2, 15)
    assert {tick[1] for tick in client.of("tickPrice")} >= {1, 2, 4, 6, 7, 9, 14}


def _order_cancel():
    from ibapi.order_cancel import OrderCancel  # noqa: PLC0415 -- only this call needs it

    return OrderCancel()


def test_a_taken_client_id_is_told_326(connect):
    connect(5)
    assert 326 in connect(5).codes()


def test_bursts_of_whole_pages_arrive(connect, wait_until):
    """Section 9.1 of the protocol notes: the client's reader loses a burst that ends on 4096 bytes unless the gateway avoids it."""
    client = connect(5)
    for request_id in range(100, 160):
        client.reqMatchingSymbols(request_id, "MSFT")
        client.reqContractDetails(request_id, msft())
    wait_until(lambda: len(client.of("contractDetailsEnd")) == 60 and len(client.of("symbolSamples")) == 60)
