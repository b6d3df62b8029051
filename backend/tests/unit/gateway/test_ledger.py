"""The books cannot be fooled: cash, positions and executions always tell the same story."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats.core.digest import canonical_json
from ats.core.errors import InvariantError
from ats.core.ids import InstrumentId
from ats.core.market import Bar, BarSpec
from ats.core.orders import Side
from ats.gateway.simulated import SimulatedInstrument
from ats.gateway.simulated.world.ledger import Ledger
from ats.gateway.simulated.world.records import GatewayOrder, OrderStatus, commission_for

AT = datetime(2026, 3, 4, 15, tzinfo=UTC)
MSFT = SimulatedInstrument(InstrumentId("MSFT", "NASDAQ"), [Bar(AT, AT, AT, *[Decimal(100)] * 4, Decimal(1))], BarSpec(1, "DAY"))


def new_ledger(cash="100000") -> Ledger:
    return Ledger("DU1234567", "USD", Decimal(cash), 1_000_001, AT, Decimal("0.5"), Decimal("0.25"))


def order(ledger, side, quantity, **more) -> GatewayOrder:
    terms = {"order_type": "MKT", "time_in_force": "DAY", "limit_price": None, "stop_price": None, "order_ref": "ref", "parent_id": 0}
    perm_id = ledger.next_perm_id()
    made = GatewayOrder(
        perm_id,
        11,
        perm_id,
        MSFT,
        "SMART",
        side,
        Decimal(quantity),
        **terms | more,
        oca_group="",
        outside_rth=False,
        placed_at=AT,
        status=OrderStatus.SUBMITTED,
    )
    ledger.add(made)
    return made


def trade(ledger, side, quantity, price):
    return ledger.book(order(ledger, side, quantity), Decimal(quantity), Decimal(price), AT, adds_liquidity=False)


@pytest.mark.parametrize(
    ("quantity", "price", "commission"),
    [("10", "100", "1"), ("200", "100", "1"), ("201", "100", "1.005"), ("1000", "50", "5"), ("10", "0.2", "0.02"), ("10000", "0.3", "30")],
    ids=["minimum", "at the minimum", "above it", "per share", "one percent of little", "one percent caps"],
)
def test_commission_is_half_a_cent_a_share_within_its_bounds(quantity, price, commission):
    assert commission_for(Decimal(quantity), Decimal(quantity) * Decimal(price)) == Decimal(commission)


def test_average_cost_includes_the_commission():
    ledger = new_ledger()
    assert trade(ledger, Side.BUY, 10, "100").realized_pnl is None
    held = ledger.position(MSFT)
    assert (held.quantity, held.average_cost, ledger.cash) == (10, Decimal("100.1"), Decimal(98999))


def test_closing_realizes_the_profit_after_both_commissions():
    ledger = new_ledger()
    trade(ledger, Side.BUY, 10, "100")
    execution = trade(ledger, Side.SELL, 10, "110")
    assert (execution.realized_pnl, ledger.cash) == (Decimal(98), Decimal(100098))
    assert (ledger.position(MSFT).quantity, ledger.position(MSFT).average_cost) == (0, 0)


def test_turning_a_position_realizes_the_closed_part_only():
    ledger = new_ledger()
    trade(ledger, Side.BUY, 10, "100")
    execution = trade(ledger, Side.SELL, 20, "110")
    held = ledger.position(MSFT)
    assert execution.realized_pnl == Decimal("98.5")
    assert (held.quantity, held.average_cost) == (-10, Decimal("109.95"))


trades = st.lists(st.tuples(st.sampled_from(Side), st.integers(1, 500), st.integers(100, 20_000)), max_size=25)


@given(trades, st.integers(100, 20_000))
def test_equity_is_start_plus_all_profit_whatever_is_traded(history, mark):
    ledger = new_ledger()
    for side, quantity, price in history:
        trade(ledger, side, quantity, Decimal(price) / 100)
    prices = {MSFT.contract_id: Decimal(mark) / 100}
    profit = ledger.realized_pnl() + ledger.unrealized_pnl(prices)
    assert abs(ledger.net_liquidation(prices) - ledger.starting_cash - profit) < Decimal("0.000001")
    assert ledger.position(MSFT).quantity == sum(side.sign * quantity for side, quantity, _ in history)
    spent = sum(execution.quantity * execution.price * execution.side.sign + execution.commission for execution in ledger.executions)
    assert ledger.cash == ledger.starting_cash - spent


@given(st.lists(st.integers(1, 300), min_size=1, max_size=6))
def test_commission_of_parts_is_the_commission_of_the_whole(parts):
    ledger = new_ledger("10000000")
    whole = order(ledger, Side.BUY, sum(parts))
    for part in parts:
        ledger.book(whole, Decimal(part), Decimal(50), AT, adds_liquidity=True)
    assert whole.commission == commission_for(whole.quantity, whole.quantity * 50)
    assert whole.status is OrderStatus.FILLED
    assert len({execution.execution_id for execution in ledger.executions}) == len(parts)


def test_an_order_never_fills_twice_nor_more_than_its_quantity():
    ledger = new_ledger()
    small = order(ledger, Side.BUY, 5)
    with pytest.raises(InvariantError, match="fill_within_order"):
        ledger.book(small, Decimal(6), Decimal(1), AT, adds_liquidity=False)
    ledger.book(small, Decimal(5), Decimal(1), AT, adds_liquidity=False)
    with pytest.raises(InvariantError, match="filled_order_works"):
        ledger.book(small, Decimal(1), Decimal(1), AT, adds_liquidity=False)


def test_margin_counts_the_worse_side_of_the_working_orders():
    ledger, prices = new_ledger(), {MSFT.contract_id: Decimal(100)}
    trade(ledger, Side.BUY, 10, "100")
    assert ledger.margin(prices).initial == 500
    buy, sell = order(ledger, Side.BUY, 5), order(ledger, Side.SELL, 40)
    assert ledger.margin(prices, [buy]).initial == 750
    assert ledger.margin(prices, [buy, sell]).initial == 1500
    assert ledger.margin(prices, [sell]).maintenance == 750


def test_the_export_is_complete_canonical_json():
    ledger = new_ledger()
    trade(ledger, Side.BUY, 10, "100")
    ledger.complete(order(ledger, Side.SELL, 3), OrderStatus.CANCELLED, AT, "Cancelled by Trader")
    books = json.loads(canonical_json(ledger.export()))
    assert [entry["perm_id"] for entry in books["orders"]] == [1_000_001, 1_000_002]
    assert [entry["status"] for entry in books["orders"]] == ["Filled", "Cancelled"]
    assert books["executions"][0]["price"] == "100"
    assert books["positions"] == [{"average_cost": "100.1", "instrument": "MSFT.NASDAQ", "quantity": "10", "realized_pnl": "0"}]
