"""No request that can be decoded, whatever its values, breaks the gateway's behaviour."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ats.gateway.simulated.wire.layouts import Field, Repeat, When
from ats.gateway.simulated.wire.requests import REQUESTS

_LIKELY = {
    "symbol": ["MSFT"],
    "secType": ["STK"],
    "exchange": ["SMART"],
    "action": ["BUY", "SELL"],
    "orderType": ["MKT", "LMT", "STP", "STP LMT"],
    "tif": ["DAY", "GTC", "IOC", "FOK"],
    "whatToShow": ["TRADES", "MIDPOINT", "BID_ASK"],
    "barSize": ["5 secs", "1 min", "8 hours", "1 day", "1 week", "1 month"],
    "duration": ["60 S", "1 D", "9 W", "2 M", "3 Y"],
    "endDateTime": [
        "",
        "20260304 09:59:00",
        "20260304-14:59:00",
        "20260304 10:00:00 Europe/Berlin",
        "99991231 23:59:59",
        "20260230 10:00:00",
    ],
    "startDateTime": ["", "20260304-15:00:00"],
    "time": ["", "20260304-15:00:00"],
    "kind": ["Last", "BidAsk", "MidPoint"],
    "conditionCount": [0],
}
_PREFERRED_ZERO = ("strike", "conId", "legs", "deltaNeutral", "conditionCount")
_KINDS = {
    "text": st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6),
    "int": st.none() | st.integers(-5, 30) | st.integers(-(2**40), 2**40),
    "dec": st.none() | st.decimals(-(10**28), 10**28, places=3) | st.sampled_from([Decimal(1), Decimal(50), Decimal(100)]),
    "bool": st.booleans(),
}


@st.composite
def _values(draw, items):
    values = {}
    for item in items:
        if isinstance(item, When):
            if item.predicate(values):
                values |= draw(_values(item.items))
        elif isinstance(item, Repeat):
            values[item.name] = draw(st.lists(_values(item.items), max_size=2))
        else:
            values[item.name] = draw(_value(item))
    return values


def _value(item: Field):
    if item.name in _PREFERRED_ZERO and item.kind != "text":
        return st.just(None if item.kind == "dec" else 0)
    if item.name in _LIKELY:
        return st.sampled_from([*_LIKELY[item.name], "x", ""]) if item.kind == "text" else st.sampled_from(_LIKELY[item.name])
    return st.just("") | _KINDS["text"] if item.kind == "text" else _KINDS[item.kind]


@pytest.mark.parametrize("request_layout", REQUESTS.values(), ids=lambda request_layout: request_layout.name)
def test_any_values_are_answered_or_refused_but_never_break_the_gateway(request_layout, floor_of, bars_of):
    floor = floor_of(bars_of(*["100 102 99 101", "101 103 98 100"] * 30), history_bars=20)
    client = floor.connect(11)

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(_values(request_layout.items))
    def law(values):
        floor.state.handle(client.session, request_layout.name, values)
        floor.clock.advance(seconds=0.5)
        floor.state.advance()
        client.received.clear()

    law()
    books = floor.state.ledger
    prices = floor.state.market.last_prices()
    assert abs(books.net_liquidation(prices) - books.starting_cash - books.realized_pnl() - books.unrealized_pnl(prices)) < Decimal("0.01")


def test_every_request_of_the_table_is_answered_by_a_handler(floor_of, bars_of):
    state = floor_of(bars_of("1 1 1 1")).state
    assert {layout.name for layout in REQUESTS.values()} - {"startApi"} == set(state._handlers)
