"""Orders as a client sees them: accepted, filled, changed, cancelled, refused with the broker's own codes."""

from decimal import Decimal

import pytest

from ats.core.market import BarSpec

MARKET_FILL = [
    "openOrder",
    "orderStatus",
    "execDetails",
    "openOrder",
    "orderStatus",
    "openOrder",
    "orderStatus",
    "commissionReport",
]


def limit(price, **more):
    return {"orderType": "LMT", "lmtPrice": Decimal(price), **more}


def test_a_market_order_fills_at_the_ask_in_the_sequence_of_a_real_gateway(calm_floor):
    client = calm_floor.connect(11)
    client.place(1, orderRef="O-1:1")
    assert client.names() == MARKET_FILL
    assert [status["status"] for status in client.of("orderStatus")] == ["PreSubmitted", "Filled", "Filled"]
    execution, report = client.of("execDetails")[0], client.of("commissionReport")[0]
    assert (execution["price"], execution["shares"], execution["side"], execution["orderRef"]) == (100, 10, "BOT", "O-1:1")
    assert (execution["execId"], report["commission"], report["realizedPNL"]) == (report["execId"], 1, None)
    assert {order["permId"] for order in client.of("openOrder")} == {execution["permId"]} == {1_000_001}


def test_a_market_sell_fills_at_the_bid(calm_floor):
    client = calm_floor.connect(11)
    client.place(1, "SELL")
    assert client.of("execDetails")[0]["price"] == Decimal("99.99")


def test_a_limit_order_rests_and_fills_at_its_limit_when_the_market_comes(floor_of, bars_of):
    floor = floor_of(bars_of("100 100 100 100", "100 100.5 98 100", "100 100 100 100"))
    client = floor.connect(11)
    client.place(1, **limit("99"))
    assert [status["status"] for status in client.of("orderStatus")] == ["Submitted"]
    client.received.clear()
    floor.advance(10)
    assert client.names() == MARKET_FILL[2:]
    assert client.of("execDetails")[0]["price"] == 99
    assert client.of("execDetails")[0]["lastLiquidity"] == 1


def test_a_limit_order_that_the_market_never_reaches_rests(floor_of, bars_of):
    floor = floor_of(bars_of("100 100 100 100", "100 100.5 98 100", "100 100 100 100"))
    client = floor.connect(11)
    client.place(1, **limit("97.99"))
    floor.advance(12)
    assert client.of("execDetails") == []


def test_a_marketable_limit_order_gets_the_better_price(calm_floor):
    client = calm_floor.connect(11)
    client.place(1, **limit("105"))
    assert client.of("execDetails")[0]["price"] == 100


def test_a_stop_order_waits_for_its_price_and_then_takes_the_market(floor_of, bars_of):
    floor = floor_of(bars_of("100 100 100 100", "100 102 99 101.5", "100 100 100 100"))
    client = floor.connect(11)
    client.place(1, orderType="STP", auxPrice=Decimal("101.50"))
    assert [status["status"] for status in client.of("orderStatus")] == ["PreSubmitted"]
    floor.advance(10)
    assert client.of("execDetails")[0]["price"] >= Decimal("101.50")


@pytest.mark.parametrize(("tif", "status", "codes"), [("IOC", "Cancelled", [(1, 202)]), ("FOK", "Inactive", [])])
def test_an_immediate_order_that_cannot_fill_is_over_at_once(calm_floor, tif, status, codes):
    client = calm_floor.connect(11)
    client.place(1, **limit("99", tif=tif))
    assert client.of("orderStatus")[-1]["status"] == status
    assert client.errors() == codes


def test_a_day_order_ends_with_the_exchanges_day_and_a_gtc_order_does_not(floor_of, bars_of):
    floor = floor_of(bars_of(*["100 100 100 100"] * 5), compress=None)
    client = floor.connect(11)
    client.place(1, **limit("90"))
    client.place(2, **limit("90", tif="GTC"))
    client.received.clear()
    floor.clock.advance(hours=13)
    floor.state.advance()
    assert client.errors() == []
    floor.clock.advance(hours=2)
    floor.state.advance()
    assert client.errors() == [(1, 202)]
    client.ask("reqOpenOrders")
    assert [order["orderId"] for order in client.of("openOrder")] == [2]


# Refusals


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"symbol": "NONE"}, 200),
        ({"secType": "OPT"}, 200),
        ({"secType": "BAG", "legs": ()}, 200),
        ({"account": "DU7654321"}, 321),
        ({"action": "HOLD"}, 321),
        ({"orderType": "MOC"}, 387),
        ({"tif": "OPG"}, 321),
        ({"totalQuantity": Decimal(0)}, 434),
        ({"totalQuantity": None}, 434),
        ({"totalQuantity": Decimal(-5)}, 321),
        ({"totalQuantity": Decimal("1.5")}, 10243),
        ({"totalQuantity": Decimal(10) ** 12}, 321),
        (limit("100.005"), 110),
        (limit("-1"), 321),
        ({"orderType": "LMT"}, 321),
        ({"parentId": 77}, 135),
        ({"quantity": "100000"}, 201),
    ],
    ids=str,
)
def test_an_order_no_broker_would_take_is_refused_with_its_code(calm_floor, terms, code):
    client = calm_floor.connect(11)
    quantity = terms.pop("quantity", "10")
    client.place(1, **{"quantity": quantity, **terms})
    assert client.errors() == [(1, code)]
    assert client.of("execDetails") == []


def test_refusals_stay_in_the_books(calm_floor):
    client = calm_floor.connect(11)
    client.place(1, symbol="NONE", orderRef="mine")
    refusal = calm_floor.state.ledger.refusals[0]
    assert (refusal.client_id, refusal.order_id, refusal.order_ref, refusal.code) == (11, 1, "mine", 200)
    assert calm_floor.changes


def test_an_order_the_account_cannot_carry_is_rejected_and_one_that_closes_is_not(floor_of, bars_of):
    floor = floor_of(bars_of(*["100 100 100 100"] * 20), cash=Decimal(1000))
    client = floor.connect(11)
    client.place(1, quantity="21")
    assert client.errors() == [(1, 201)]
    client.place(2, quantity="19")
    assert client.of("orderStatus")[-1]["status"] == "Filled"
    client.place(3, **limit("99", quantity="1"))
    assert client.errors() == [(3, 201)]
    client.place(4, "SELL", quantity="19")
    assert client.of("orderStatus")[-1]["status"] == "Filled"


def test_working_orders_count_against_the_account(floor_of, bars_of):
    client = floor_of(bars_of(*["100 100 100 100"] * 20), cash=Decimal(1000)).connect(11)
    client.place(1, **limit("99", quantity="15"))
    assert client.errors() == []
    client.place(2, **limit("99", quantity="15"))
    assert client.errors() == [(2, 201)]


@pytest.mark.parametrize("order_id", [0, -3, 2**31 - 1, None])
def test_an_impossible_order_id_is_refused(calm_floor, order_id):
    client = calm_floor.connect(11)
    client.place(order_id)
    assert [code for _, code in client.errors()] == [321]


def test_an_id_below_the_next_valid_one_is_a_duplicate(calm_floor):
    client = calm_floor.connect(11)
    client.place(5, **limit("90"))
    client.ask("cancelOrder", orderId=5)
    client.place(5)
    assert client.errors() == [(5, 103)]
    client.place(4)
    assert client.errors() == [(4, 103)]


# Changes


def test_the_same_id_changes_a_working_order_and_keeps_its_identity(calm_floor):
    client = calm_floor.connect(11)
    client.place(1, **limit("90"))
    perm_id = client.of("openOrder")[0]["permId"]
    client.place(1, quantity="4", **limit("91"))
    changed = client.of("openOrder")[0]
    assert (changed["permId"], changed["totalQuantity"], changed["lmtPrice"]) == (perm_id, 4, 91)
    client.place(1, quantity="4", **limit("100"))
    assert client.of("execDetails")[0]["shares"] == 4


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [({}, {}, 104), (limit("90"), {"action": "SELL", **limit("90")}, 105), (limit("90"), {}, 105), (limit("90"), limit("90.001"), 110)],
    ids=["filled", "other side", "other type", "bad price"],
)
def test_a_change_that_makes_no_sense_is_refused_and_the_old_terms_stand(calm_floor, first, second, code):
    client = calm_floor.connect(11)
    client.place(1, **first)
    client.place(1, **second)
    assert client.errors() == [(1, code)]
    client.ask("reqOpenOrders")
    assert [order["lmtPrice"] for order in client.of("openOrder")] == ([90] if first else [])


def test_a_change_the_account_cannot_carry_is_refused_and_the_old_terms_stand(floor_of, bars_of):
    client = floor_of(bars_of(*["100 100 100 100"] * 20), cash=Decimal(1000)).connect(11)
    client.place(1, **limit("90"))
    client.place(1, quantity="1000", **limit("90"))
    assert client.errors() == [(1, 201)]
    client.ask("reqOpenOrders")
    assert client.of("openOrder")[0]["totalQuantity"] == 10


# Cancels and scope


def test_a_cancelled_order_says_so_and_cannot_be_cancelled_again(calm_floor):
    client = calm_floor.connect(11)
    client.place(1, **limit("90"))
    client.ask("cancelOrder", orderId=1)
    assert client.names() == ["orderStatus", "error"]
    assert (client.of("orderStatus")[0]["status"], client.errors()) == ("Cancelled", [(1, 202)])
    client.ask("cancelOrder", orderId=1)
    assert client.errors() == [(1, 161)]


@pytest.mark.parametrize(("place", "code"), [(True, 10148), (False, 10147)], ids=["filled", "unknown"])
def test_what_cannot_be_cancelled_is_told_why(calm_floor, place, code):
    client = calm_floor.connect(11)
    if place:
        client.place(1)
    client.ask("cancelOrder", orderId=1)
    assert client.errors() == [(1, code)]


def test_each_client_sees_its_own_orders_and_everybodys_on_request(calm_floor):
    first, second = calm_floor.connect(11), calm_floor.connect(12)
    first.place(7, **limit("90"))
    second.place(3, **limit("91"))
    first.ask("reqOpenOrders")
    assert [(order["clientId"], order["orderId"]) for order in first.of("openOrder")] == [(11, 7)]
    first.ask("reqAllOpenOrders")
    assert [(order["clientId"], order["orderId"]) for order in first.of("openOrder")] == [(11, 7), (12, 3)]
    assert first.names() == ["openOrder", "orderStatus", "openOrder", "orderStatus", "openOrderEnd"]


def test_another_client_may_cancel_and_sees_its_own_id_in_the_status(calm_floor):
    owner, other = calm_floor.connect(11), calm_floor.connect(99)
    owner.place(7, **limit("90"))
    owner.received.clear()
    other.ask("cancelOrder", orderId=7)
    assert (other.of("orderStatus")[0]["clientId"], other.errors()) == (99, [(7, 202)])
    assert (owner.of("orderStatus")[0]["clientId"], owner.errors()) == (11, [(7, 202)])


def test_a_global_cancel_ends_every_clients_orders(calm_floor):
    first, second, killer = (calm_floor.connect(client_id) for client_id in (11, 12, 99))
    first.place(1, **limit("90"))
    second.place(1, **limit("90"))
    second.place(2, **limit("90", transmit=False))
    killer.ask("reqGlobalCancel")
    assert {order.status.value for order in calm_floor.state.ledger.orders.values()} == {"Cancelled"}
    killer.ask("reqAllOpenOrders")
    assert killer.names() == ["openOrderEnd"]


def test_client_0_hears_about_every_order(calm_floor):
    watcher, client = calm_floor.connect(0), calm_floor.connect(11)
    watcher.received.clear()
    client.place(1)
    assert "execDetails" in watcher.names()


def test_orders_outlive_their_client_and_ids_go_on(calm_floor):
    first = calm_floor.connect(11)
    first.place(6, **limit("90"))
    calm_floor.state.dismiss(first.session)
    again = calm_floor.connect(11)
    assert again.of("nextValidId")[0]["orderId"] == 7
    again.ask("reqOpenOrders")
    assert [order["orderId"] for order in again.of("openOrder")] == [6]


def test_next_ids_belong_to_a_client_id(calm_floor):
    calm_floor.connect(11).place(100, **limit("90"))
    assert calm_floor.connect(12).of("nextValidId")[0]["orderId"] == 1


# Families


def test_an_untransmitted_order_is_silent_until_it_is_sent_again(calm_floor):
    client = calm_floor.connect(11)
    assert client.place(1, transmit=False) == []
    client.ask("reqAllOpenOrders")
    assert client.names() == ["openOrderEnd"]
    client.place(1, transmit=True)
    assert client.of("orderStatus")[-1]["status"] == "Filled"


def test_the_last_of_a_family_transmits_all_and_children_wait_for_the_parent(calm_floor):
    client = calm_floor.connect(11)
    client.place(1, transmit=False, **limit("99"))
    client.place(2, "SELL", transmit=False, parentId=1, ocaGroup="exit", **limit("101"))
    client.place(3, "SELL", parentId=1, ocaGroup="exit", orderType="STP", auxPrice=Decimal(100))
    statuses = {status["orderId"]: status["status"] for status in client.of("orderStatus")}
    assert statuses == {1: "Submitted", 2: "PreSubmitted", 3: "PreSubmitted"}
    client.place(1, **limit("100"))
    finals = {status["orderId"]: status["status"] for status in client.of("orderStatus")}
    assert finals == {1: "Filled", 2: "Cancelled", 3: "Filled"}


def test_children_end_with_their_parent(calm_floor):
    client = calm_floor.connect(11)
    client.place(1, **limit("99"))
    client.place(2, "SELL", parentId=1, **limit("101"))
    client.ask("cancelOrder", orderId=1)
    assert {status["orderId"]: status["status"] for status in client.of("orderStatus")} == {1: "Cancelled", 2: "Cancelled"}


# Reports


def test_a_preview_shows_margin_and_commission_and_keeps_nothing(calm_floor):
    client = calm_floor.connect(11)
    client.place(1, whatIf=True)
    assert client.names() == ["openOrder"]
    answer = client.of("openOrder")[0]
    assert (answer["status"], answer["initMarginChange"], answer["commission"]) == ("PreSubmitted", 500, 1)
    assert calm_floor.state.ledger.orders == {}
    client.place(1)
    assert client.of("execDetails")


def test_executions_come_with_their_commission_before_the_end(calm_floor):
    client, other = calm_floor.connect(11), calm_floor.connect(12)
    client.place(1)
    client.place(2, "SELL", quantity="4")
    assert [name for name, _ in other.ask("reqExecutions", reqId=5)] == ["execDetails", "commissionReport"] * 2 + ["execDetailsEnd"]
    assert {values["reqId"] for values in other.of("execDetails")} == {5}
    other.ask("reqExecutions", reqId=6, side="SLD")
    assert [values["shares"] for values in other.of("execDetails")] == [4]
    for unmatched in ({"symbol": "IBM"}, {"clientId": 12}, {"account": "DU1"}, {"time": "20260304-15:00:03"}, {"secType": "OPT"}):
        other.ask("reqExecutions", reqId=7, **unmatched)
        assert other.names() == ["execDetailsEnd"]


def test_yesterdays_executions_are_not_reported(calm_floor):
    client = calm_floor.connect(11)
    client.place(1)
    calm_floor.clock.advance(hours=15)
    client.ask("reqExecutions", reqId=1)
    assert client.names() == ["execDetailsEnd"]


def test_completed_orders_tell_how_they_ended(calm_floor):
    client = calm_floor.connect(11)
    client.place(1)
    client.place(2, **limit("90"))
    client.ask("cancelOrder", orderId=2)
    client.place(3, **limit("90"))
    client.ask("reqCompletedOrders")
    assert [order["completedStatus"] for order in client.of("completedOrder")] == ["Filled Size: 10", "Cancelled by Trader"]
    assert client.names()[-1] == "completedOrdersEnd"


def test_a_read_only_gateway_refuses_orders_and_never_ends_its_lists(floor_of, bars_of):
    client = floor_of(bars_of("100 100 100 100"), read_only=True).connect(11)
    client.place(1)
    assert client.errors() == [(1, 321)]
    for name, values in (("cancelOrder", {"orderId": 1}), ("reqGlobalCancel", {}), ("reqOpenOrders", {}), ("reqCompletedOrders", {})):
        client.ask(name, **values)
        assert [code for _, code in client.errors()] == [321]
        assert set(client.names()) == {"error"}
    client.ask("reqPositions")
    assert client.names() == ["positionEnd"]


def test_the_same_market_and_orders_give_the_same_books(floor_of, bars_of):
    def run():
        floor = floor_of(bars_of(*["100 102 99 101", "101 103 98 99"] * 10), compress=BarSpec(5, "SECOND"))
        client = floor.connect(11)
        client.place(1)
        client.place(2, "SELL", **limit("101.50"))
        floor.advance(20)
        return floor.state.ledger.export()

    assert run() == run()
