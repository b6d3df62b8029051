"""Account values, positions, profit, contracts and the session's own questions."""

from decimal import Decimal

import pytest

TAGS = "AccountType,NetLiquidation,TotalCashValue,FullAvailableFunds,FullInitMarginReq,FullMaintMarginReq,BuyingPower,Nonsense"
MSFT = {"symbol": "MSFT", "secType": "STK", "exchange": "SMART", "currency": "USD"}


def values_of(client, message="accountSummary", key="tag"):
    return {values[key]: (values["value"], values["currency"]) for values in client.of(message)}


def test_a_session_starts_as_a_real_gateways_does(calm_floor):
    client = calm_floor.connect(11)
    assert client.names() == ["managedAccounts", "nextValidId", "error", "error", "error"]
    assert client.errors() == [(-1, 2104), (-1, 2106), (-1, 2158)]


def test_a_taken_client_id_is_error_326_until_its_holder_is_gone(calm_floor):
    first = calm_floor.connect(11)
    second = calm_floor.connect(11)
    assert (second.is_admitted, second.errors()) == (False, [(-1, 326)])
    calm_floor.state.dismiss(second.session)
    assert not calm_floor.connect(11).is_admitted
    calm_floor.state.dismiss(first.session)
    assert calm_floor.connect(11).is_admitted


def test_the_summary_gives_the_tags_it_knows_then_ends(calm_floor):
    client = calm_floor.connect(11)
    client.ask("reqAccountSummary", reqId=3, group="All", tags=TAGS)
    assert client.names()[-1] == "accountSummaryEnd"
    assert values_of(client) == {
        "AccountType": ("INDIVIDUAL", ""),
        "NetLiquidation": ("100000.00", "USD"),
        "TotalCashValue": ("100000.00", "USD"),
        "FullAvailableFunds": ("100000.00", "USD"),
        "FullInitMarginReq": ("0.00", "USD"),
        "FullMaintMarginReq": ("0.00", "USD"),
        "BuyingPower": ("200000.00", "USD"),
    }


def test_a_fill_moves_every_view_of_the_account(calm_floor):
    client = calm_floor.connect(11)
    client.ask("reqAccountSummary", reqId=3, group="All", tags=TAGS)
    client.ask("reqAccountUpdates", subscribe=True)
    client.ask("reqAccountUpdatesMulti", reqId=4)
    client.ask("reqPnL", reqId=5)
    client.ask("reqPositions")
    client.place(1)
    assert values_of(client)["TotalCashValue"] == ("98999.00", "USD")
    assert values_of(client)["NetLiquidation"] == ("99999.00", "USD")
    assert values_of(client)["FullInitMarginReq"] == ("500.00", "USD")
    assert values_of(client, "accountValue", "key")["StockMarketValue"] == ("1000.00", "USD")
    assert values_of(client, "accountUpdateMulti", "key")["UnrealizedPnL"] == ("-1.00", "USD")
    assert client.of("portfolioValue")[0]["position"] == 10
    assert client.of("position")[0]["avgCost"] == Decimal("100.1")
    assert client.of("pnl")[0]["unrealizedPnL"] == -1


def test_what_is_cancelled_is_not_pushed(calm_floor):
    client = calm_floor.connect(11)
    client.ask("reqAccountSummary", reqId=3, group="All", tags=TAGS)
    client.ask("cancelAccountSummary", reqId=3)
    client.ask("reqAccountUpdates", subscribe=True)
    client.ask("reqAccountUpdates", subscribe=False)
    client.ask("reqAccountUpdatesMulti", reqId=4)
    client.ask("cancelAccountUpdatesMulti", reqId=4)
    client.ask("reqPnL", reqId=5)
    client.ask("cancelPnL", reqId=5)
    client.ask("reqPositions")
    client.ask("cancelPositions")
    client.place(1)
    assert set(client.names()) <= {"openOrder", "orderStatus", "execDetails", "commissionReport"}


def test_values_are_repeated_at_the_interval_because_prices_move_them(floor_of, bars_of):
    floor = floor_of(bars_of(*["100 100 100 100"] * 2, *["110 110 110 110"] * 80))
    client = floor.connect(11)
    client.place(1)
    client.ask("reqAccountSummary", reqId=3, group="All", tags="NetLiquidation")
    client.received.clear()
    floor.advance(179)
    assert client.received == []
    floor.advance(2)
    assert values_of(client)["NetLiquidation"] == ("100099.00", "USD")


def test_positions_come_with_the_listing_exchange_and_show_closed_ones_flat(calm_floor):
    client = calm_floor.connect(11)
    client.ask("reqPositions")
    assert client.names() == ["positionEnd"]
    client.place(1)
    client.place(2, "SELL")
    client.ask("reqPositions")
    (position,) = client.of("position")
    assert (position["position"], position["avgCost"], position["exchange"], position["account"]) == (0, 0, "NASDAQ", "DU1234567")
    client.ask("reqPositionsMulti", reqId=6)
    assert client.names() == ["positionMulti", "positionMultiEnd"]


def test_profit_of_one_position(calm_floor):
    client = calm_floor.connect(11)
    client.place(1)
    contract_id = calm_floor.state.market.instruments[0].contract_id
    client.ask("reqPnLSingle", reqId=1, conId=contract_id)
    assert (client.of("pnlSingle")[0]["value"], client.of("pnlSingle")[0]["unrealizedPnL"]) == (1000, -1)
    client.ask("reqPnLSingle", reqId=2, conId=1)
    assert client.errors() == [(2, 321)]


# Contracts


@pytest.mark.parametrize(
    "wanted",
    [
        {"symbol": "MSFT", "secType": "STK", "exchange": "SMART", "currency": "USD"},
        {"localSymbol": "MSFT", "secType": "STK", "exchange": "SMART", "primaryExchange": "NASDAQ"},
        {"symbol": "MSFT", "secType": "STK", "exchange": "ISLAND", "strike": Decimal(0)},
        {"symbol": "MSFT"},
    ],
    ids=["by symbol", "as the engine's adapter asks", "old exchange name", "symbol alone"],
)
def test_one_contract_is_found_however_clients_ask(calm_floor, wanted):
    client = calm_floor.connect(11)
    client.ask("reqContractDetails", reqId=1, **wanted)
    assert client.names() == ["contractDetails", "contractDetailsEnd"]
    details = client.of("contractDetails")[0]
    assert [entry["tag"] for entry in details["secIds"]] == ["ISIN"]
    client.ask("reqContractDetails", reqId=2, conId=details["conId"], symbol="anything")
    assert client.of("contractDetails")[0]["symbol"] == "MSFT"
    client.ask("reqContractDetails", reqId=3, secIdType="ISIN", secId=details["secIds"][0]["value"])
    assert client.of("contractDetails")[0]["symbol"] == "MSFT"


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"secType": "STK"},
        {"symbol": "IBM"},
        {"symbol": "MSFT", "currency": "EUR"},
        {"symbol": "MSFT", "secType": "FUT"},
        {"symbol": "MSFT", "primaryExchange": "NYSE"},
        {"symbol": "MSFT", "strike": Decimal(100)},
        {"symbol": "MSFT", "expiry": "20260619"},
        {"conId": 1},
        {"secIdType": "CUSIP", "secId": "594918104"},
    ],
    ids=str,
)
def test_a_contract_that_does_not_exist_is_error_200(calm_floor, wanted):
    client = calm_floor.connect(11)
    client.ask("reqContractDetails", reqId=1, **wanted)
    assert client.errors() == [(1, 200)]


def test_instruments_on_two_venues_are_told_apart(floor_of, bars_of, instrument_of):
    bars = bars_of("100 100 100 100")
    client = floor_of(bars, instrument_of(bars, "MSFT.NYSE"), instrument_of(bars, "IBM.NYSE", tick=Decimal("0.05"))).connect(11)
    client.ask("reqContractDetails", reqId=1, **MSFT)
    assert client.names() == ["contractDetails", "contractDetails", "contractDetailsEnd"]
    client.place(1)
    assert client.errors() == [(1, 200)]
    client.place(2, primaryExchange="NYSE")
    assert client.of("execDetails")[0]["venue"] == "NYSE"
    client.ask("reqContractDetails", reqId=2, symbol="IBM")
    rule = int(client.of("contractDetails")[0]["marketRuleIds"].split(",")[0])
    client.ask("reqMarketRule", marketRuleId=rule)
    assert client.of("marketRule")[0]["increments"] == [{"lowEdge": 0, "increment": Decimal("0.05")}]
    client.ask("reqMarketRule", marketRuleId=999)
    assert client.errors() == [(-1, 321)]


def test_the_gateways_own_questions_are_answered(calm_floor):
    client = calm_floor.connect(11)
    client.ask("reqCurrentTime")
    assert client.of("currentTime")[0]["seconds"] == int(calm_floor.clock.now().timestamp())
    client.ask("reqIds", count=5)
    assert client.of("nextValidId")[0]["orderId"] == 1
    client.ask("reqManagedAccts")
    assert client.of("managedAccounts")[0]["accounts"] == "DU1234567"
    client.ask("reqUserInfo", reqId=1)
    assert client.names() == ["userInfo"]
    client.ask("reqMatchingSymbols", reqId=2, pattern="ms")
    assert [sample["symbol"] for sample in client.of("symbolSamples")[0]["samples"]] == ["MSFT"]
    client.ask("reqSecDefOptParams", reqId=3, symbol="MSFT")
    assert client.names() == ["securityDefinitionOptionParameterEnd"]
    client.ask("reqMktDepth", reqId=4, **MSFT)
    assert client.errors() == [(4, 10092)]
    client.ask("reqPnL", reqId=None)
    assert client.errors() == [(-1, 320)]
