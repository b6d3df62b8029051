"""Order states and positions folded from a journal: any order, any repetition, the same answer."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ats.core.orders import Fill, OrderEvent, Side
from ats.store.projections import OrderState, entry_times, net_positions, order_state, order_status

START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def event(kind, second=0, *, venue_order_id=None, reason=None):
    return OrderEvent(f"e-{kind}-{second}", "O-1", venue_order_id, "ibs", "QQQ.NASDAQ", kind, reason, START + timedelta(seconds=second))


def fill(execution_id, side, quantity, price, second=0, instrument_id="QQQ.NASDAQ"):
    at = START + timedelta(seconds=second)
    return Fill(execution_id, "O-1", "7", "ibs", instrument_id, side, Decimal(quantity), Decimal(price), Decimal(1), "USD", at)


LIFE = [event("OrderInitialized"), event("OrderSubmitted", 1), event("OrderAccepted", 2, venue_order_id="7"), event("OrderFilled", 3)]


def test_an_order_goes_from_pending_to_filled_with_each_step_stamped():
    """S2-34."""
    states = [order_status(LIFE[:count], [], Decimal(10)) for count in (1, 2, 3)]
    assert [status.state for status in states] == [OrderState.PENDING, OrderState.SUBMITTED, OrderState.WORKING]
    assert [status.changed_at for status in states] == [START, START + timedelta(seconds=1), START + timedelta(seconds=2)]
    half = order_status(LIFE, [fill("x1", Side.BUY, 4, "10", 3)], Decimal(10))
    assert (half.state, half.filled_quantity, half.venue_order_id) == (OrderState.PARTIALLY_FILLED, Decimal(4), "7")
    whole = order_status(LIFE, [fill("x1", Side.BUY, 4, "10", 3), fill("x2", Side.BUY, 6, "11", 4)], Decimal(10))
    assert (whole.state, whole.average_price) == (OrderState.FILLED, Decimal("10.6"))


def test_each_final_event_ends_the_order():
    """S2-34."""
    for kind, state in (
        ("OrderCanceled", OrderState.CANCELLED),
        ("OrderExpired", OrderState.EXPIRED),
        ("OrderRejected", OrderState.REJECTED),
        ("OrderDenied", OrderState.DENIED),
    ):
        found = order_status([*LIFE[:3], event(kind, 4, reason="why")], [], Decimal(10))
        assert (found.state, found.reason, found.state.is_final) == (state, "why", True)


def test_a_partial_fill_then_a_cancel_is_cancelled_with_its_fills():
    found = order_status([*LIFE, event("OrderCanceled", 5)], [fill("x1", Side.BUY, 4, "10", 3)], Decimal(10))
    assert (found.state, found.filled_quantity) == (OrderState.CANCELLED, Decimal(4))


def test_fills_that_complete_the_order_after_its_cancel_make_it_filled():
    """D16: a late fill after a cancel is booked."""
    assert order_state(["OrderAccepted", "OrderCanceled"], Decimal(10), Decimal(10)) is OrderState.FILLED


def test_an_order_known_only_by_its_fill_is_partially_filled():
    found = order_status([], [fill("x1", Side.SELL, 4, "10")], None)
    assert (found.state, found.quantity, found.client_order_id) == (OrderState.PARTIALLY_FILLED, None, "O-1")


KINDS = st.sampled_from(
    [
        "OrderInitialized",
        "OrderSubmitted",
        "OrderAccepted",
        "OrderUpdated",
        "OrderPendingCancel",
        "OrderCanceled",
        "OrderExpired",
        "Unheard",
    ]
)


@given(st.lists(KINDS, max_size=8), st.randoms(use_true_random=False), st.decimals(0, 20, places=0))
def test_order_and_repetition_of_events_never_change_the_state(kinds, random, filled):
    """D15."""
    shuffled = [*kinds, *kinds[:3]]
    random.shuffle(shuffled)
    assert order_state(shuffled, Decimal(10), filled) is order_state(kinds, Decimal(10), filled)


@given(st.lists(KINDS, max_size=8), KINDS, st.decimals(0, 20, places=0), st.decimals(0, 5, places=0))
def test_no_further_event_or_fill_revives_a_final_order(kinds, kind, filled, more):
    """D15."""
    before = order_state(kinds, Decimal(10), filled)
    assert not before.is_final or order_state([*kinds, kind], Decimal(10), filled + more).is_final


def test_positions_average_turn_and_go_flat():
    bought = [fill("1", Side.BUY, 10, "100", 1), fill("2", Side.BUY, 10, "110", 2)]
    assert [(p.quantity, p.average_price) for p in net_positions(bought)] == [(Decimal(20), Decimal(105))]
    reduced = [*bought, fill("3", Side.SELL, 5, "120", 3)]
    assert [(p.quantity, p.average_price) for p in net_positions(reduced)] == [(Decimal(15), Decimal(105))]
    turned = [*bought, fill("3", Side.SELL, 25, "120", 3)]
    assert [(p.quantity, p.average_price) for p in net_positions(turned)] == [(Decimal(-5), Decimal(120))]
    assert net_positions([*bought, fill("3", Side.SELL, 20, "120", 3)]) == []


FILLS = st.lists(
    st.builds(
        lambda number, side, quantity, price, second, name: fill(f"x{number}", side, quantity, price, second, name),
        st.integers(0, 30),
        st.sampled_from(Side),
        st.integers(1, 50),
        st.decimals("0.01", 500, places=2),
        st.integers(0, 5),
        st.sampled_from(["QQQ.NASDAQ", "SPY.ARCA"]),
    ),
    max_size=20,
    unique_by=lambda found: found.execution_id,
)


@given(FILLS, st.randoms(use_true_random=False))
def test_replayed_executions_in_any_order_give_the_same_position(fills, random):
    """D5: a fill counts once by its execution id."""
    replayed = fills * 3
    random.shuffle(replayed)
    positions = net_positions(replayed)
    assert positions == net_positions(fills)
    for position in positions:
        mine = [found for found in fills if found.instrument_id == position.instrument_id]
        assert position.quantity == sum(found.side.sign * found.quantity for found in mine)
        assert min(found.price for found in mine) - 1 <= position.average_price <= max(found.price for found in mine) + 1


def test_a_position_is_entered_when_it_leaves_flat_or_turns_and_forgotten_when_flat():
    at = [START + timedelta(seconds=second) for second in range(6)]
    life = [
        fill("1", Side.BUY, 10, "100", 1),
        fill("2", Side.BUY, 5, "101", 2),
        fill("3", Side.SELL, 20, "102", 3),
        fill("4", Side.BUY, 5, "99", 4),
    ]
    assert [entry_times(life[:count]).get("QQQ.NASDAQ") for count in range(5)] == [None, at[1], at[1], at[3], None]
    assert entry_times([*life, *life, fill("5", Side.SELL, 1, "99", 5)]) == {"QQQ.NASDAQ": at[5]}
