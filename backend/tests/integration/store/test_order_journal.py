"""The order journal: written durably, once, and adding up to orders and positions."""

import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from ats.core.errors import AtsError, DependencyError
from ats.core.orders import Action, OrderIntent, Position, Side
from ats.store.postgres.orders import DuplicateOrderError, JudgedIntent, OrderHistory, OrderJournalRepository
from ats.store.postgres.sessions import PostgresSessions
from ats.store.projections import OrderState


@pytest.fixture
def history(database):
    return OrderHistory(database)


def test_every_intent_is_kept_with_its_verdict(journal, history, records):
    """S5-18, D2."""
    limit = records.intent("O-2", limit_price=Decimal("100.10"), trigger_price=Decimal("99.9"), is_emulated=True)
    refusal = "MAX_NOTIONAL_PER_ORDER: 6000 (limit 5000) \x00"
    journal.record_intent(records.intent(), "approved", records.now)
    journal.record_intent(limit, refusal, records.now)
    kept = [JudgedIntent(records.intent(), "approved", records.now), JudgedIntent(limit, refusal.replace("\x00", "\\x00"), records.now)]
    assert history.intents("s-1") == kept
    assert history.approved_ids("DU1234567") == {"O-1"}


@pytest.mark.parametrize("quantity", [Decimal(-1), Decimal(0), Decimal("NaN"), Decimal("Infinity"), Decimal("1E-30"), Decimal("9" * 40)])
def test_a_refused_intent_is_kept_however_malformed_it_is(journal, history, records, quantity):
    """S5-18: every order intent."""
    journal.record_intent(records.intent(quantity=quantity), "MALFORMED_ORDER", records.now)
    kept = history.intents("s-1")[0].intent.quantity
    assert str(kept) == str(quantity) or kept == quantity


def test_an_order_is_approved_once_whoever_asks(journal, database, records):
    """S2-34: the same id a second time, from the same or from another session of the account, is a duplicate."""
    journal.record_intent(records.intent(), "MAX_POSITION: refused first", records.now)
    journal.record_intent(records.intent(), "approved", records.now)
    with pytest.raises(DuplicateOrderError, match="O-1"):
        journal.record_intent(records.intent(), "approved", records.now)
    PostgresSessions(database).add(records.session("s-2"))
    with pytest.raises(DuplicateOrderError):
        OrderJournalRepository(database, "s-2", "DU1234567").record_intent(records.intent(), "approved", records.now)
    journal.record_intent(records.intent(action=Action.MODIFY), "approved", records.now)
    journal.record_intent(records.intent(action=Action.MODIFY), "approved", records.now)
    PostgresSessions(database).add(records.session("s-3", account_id="DU7654321"))
    OrderJournalRepository(database, "s-3", "DU7654321").record_intent(records.intent(), "approved", records.now)


def test_of_many_who_approve_the_same_order_at_once_one_succeeds(journal, history, records):
    """S2-34."""
    start = threading.Barrier(20)

    def press(_):
        start.wait()
        try:
            journal.record_intent(records.intent(), "approved", records.now)
        except DuplicateOrderError:
            return 0
        return 1

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(press, range(20))) == 1
    assert len(history.intents("s-1")) == 1


def test_a_replayed_event_or_execution_counts_once(journal, history, records):
    """D5: ten times, from a second session too."""
    for _ in range(10):
        journal.record_event(records.event())
        journal.record_fill(records.fill())
    assert history.events("s-1") == [records.event()]
    assert history.fills("s-1") == [records.fill()]


def test_an_execution_replayed_to_a_later_session_is_not_booked_again(journal, database, history, records):
    """D5."""
    journal.record_fill(records.fill())
    PostgresSessions(database).add(records.session("s-2"))
    OrderJournalRepository(database, "s-2", "DU1234567").record_fill(records.fill())
    assert history.account_positions("DU1234567") == [Position("QQQ.NASDAQ", Decimal(10), Decimal("100.25"))]
    assert (history.fills("s-2"), history.positions("s-2")) == ([], [])


def test_orders_show_where_they_stand(journal, history, records):
    """S2-34."""
    for name in ("O-1", "O-2", "O-3"):
        journal.record_intent(records.intent(name), "approved", records.now)
        journal.record_event(records.event(f"{name}-1", "OrderSubmitted", name))
        journal.record_event(records.event(f"{name}-2", "OrderAccepted", name, venue_order_id="7"))
    journal.record_fill(records.fill("x-1", "O-1", quantity="4"))
    journal.record_fill(records.fill("x-2", "O-1", quantity="6", price="101.25"))
    journal.record_fill(records.fill("x-3", "O-2", quantity="4"))
    journal.record_event(records.event("O-3-3", "OrderCanceled", "O-3", reason="asked to"))
    states = {order.client_order_id: (order.state, order.filled_quantity, order.reason) for order in history.orders("s-1")}
    assert states == {
        "O-1": (OrderState.FILLED, Decimal(10), None),
        "O-2": (OrderState.PARTIALLY_FILLED, Decimal(4), None),
        "O-3": (OrderState.CANCELLED, Decimal(0), "asked to"),
    }
    assert history.positions("s-1") == [Position("QQQ.NASDAQ", Decimal(14), Decimal("100.25") + Decimal(6) / 14)]


def test_a_modified_quantity_decides_when_the_order_is_filled(journal, history, records):
    journal.record_intent(records.intent(), "approved", records.now)
    journal.record_intent(records.intent(quantity=Decimal(4), action=Action.MODIFY), "approved", records.now)
    journal.record_intent(records.intent(quantity=Decimal(400), action=Action.MODIFY), "MAX_POSITION: refused", records.now)
    journal.record_fill(records.fill(quantity="4"))
    assert [order.state for order in history.orders("s-1")] == [OrderState.FILLED]


def test_prices_and_quantities_keep_every_digit(journal, history, records):
    """D18."""
    fill = records.fill(quantity="0.00000001", price="123456789.123456789")
    journal.record_fill(fill)
    assert history.fills("s-1") == [fill]
    assert str(history.fills("s-1")[0].price) == "123456789.123456789"


@pytest.mark.parametrize(("quantity", "price"), [("0", "1"), ("-1", "1"), ("NaN", "1"), ("Infinity", "1"), ("1", "NaN"), ("1", "Infinity")])
def test_a_fill_that_cannot_be_is_refused_by_the_database(journal, records, quantity, price):
    with pytest.raises(DependencyError, match="violates check constraint"):
        journal.record_fill(records.fill(quantity=quantity, price=price))


def test_a_journal_without_its_session_writes_nothing(database, records):
    with pytest.raises(DependencyError, match="order_intents_session"):
        OrderJournalRepository(database, "s-9", "DU1234567").record_intent(records.intent(), "approved", records.now)


def test_a_journal_that_is_gone_says_so_and_never_stays_silent(journal, database, records):
    """A20, F4."""
    database.close()
    for write in (
        lambda: journal.record_intent(records.intent(), "approved", records.now),
        lambda: journal.record_event(records.event()),
        lambda: journal.record_fill(records.fill()),
    ):
        with pytest.raises(AtsError):
            write()


def test_two_threads_write_through_one_database(journal, history, records):
    """The trading loop and the journal's writer share it."""

    def write(number):
        journal.record_intent(records.intent(f"O-{number}"), "approved", records.now)
        journal.record_event(records.event(f"e-{number}", name=f"O-{number}"))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(write, range(300)))
    assert (len(history.intents("s-1")), len(history.events("s-1"))) == (300, 300)


def test_sides_come_back_as_sides(journal, history, records):
    journal.record_fill(records.fill(side=Side.SELL))
    assert history.fills("s-1")[0].side is Side.SELL
    assert history.positions("s-1")[0].quantity == -10
    assert isinstance(records.intent(), OrderIntent)
