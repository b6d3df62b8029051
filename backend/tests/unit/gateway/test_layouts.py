"""The wire tables: what is written is read back, and what cannot be read never passes."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats.core.errors import InvariantError
from ats.gateway.simulated.wire.layouts import UNSET_DOUBLE, UNSET_INTEGER, Field, Repeat, When, WireError, decode, encode, layout, plain
from ats.gateway.simulated.wire.messages import MESSAGES
from ats.gateway.simulated.wire.requests import REQUESTS

_TEXT = st.text(st.characters(codec="ascii", exclude_characters="\0\\", exclude_categories=["Cc"]), max_size=12)
_KINDS = {
    "text": _TEXT,
    "esc": _TEXT,
    "int": st.integers(-(10**9), 10**9),
    "dec": st.decimals(-(10**9), 10**9, places=4) | st.none(),
    "bool": st.booleans(),
}


def _entries(items):
    """Values for fields that no predicate hides."""
    drawn = {item.name: _KINDS[item.kind] for item in items if isinstance(item, Field)}
    lists = {item.name: st.lists(_entries(item.items), max_size=3) for item in items if isinstance(item, Repeat)}
    return st.fixed_dictionaries(drawn | lists)


@pytest.mark.parametrize("message", MESSAGES.values(), ids=lambda message: message.name)
def test_every_message_is_read_back_as_it_was_written(message):
    @given(_entries(message.items))
    def law(values):
        assert decode(message, encode(message, values), exact=True) == values

    law()


@pytest.mark.parametrize("request_layout", REQUESTS.values(), ids=lambda request_layout: request_layout.name)
def test_a_request_cut_anywhere_is_refused_by_its_layout(request_layout):
    def shortest(items):
        for item in items:
            if isinstance(item, When):
                yield from ()
            elif isinstance(item, Repeat) or item.kind in ("int", "bool"):
                yield "0"
            else:
                yield ""

    fields = [str(request_layout.message_id), *shortest(request_layout.items)]
    if request_layout.name == "placeOrder":
        fields += [""] * 24  # the block that is there when an order has no conditions
    decode(request_layout, fields)
    for length in range(1, len(fields)):
        with pytest.raises(WireError):
            decode(request_layout, fields[:length], exact=True)


def test_a_plain_stock_order_has_114_fields():
    def count(items):
        shown = [item for item in items if not isinstance(item, When)]
        return len(shown)

    place = next(entry for entry in REQUESTS.values() if entry.name == "placeOrder")
    tail = place.items[-1]
    assert isinstance(tail, When)
    assert count(place.items) + count(tail.items) == 114


@pytest.mark.parametrize(("name", "count"), [("openOrder", 135), ("completedOrder", 100), ("execDetails", 30)])
def test_order_messages_have_the_field_counts_of_server_version_176(name, count):
    assert len(MESSAGES[name].items) == count


SAMPLE = layout(9, "sample", "number:int amount:dec flag:bool word=plain")


@pytest.mark.parametrize("unset", ["", "2147483647", "1.7976931348623157e+308", "1.7976931348623157E308", "9223372036854775807"])
def test_every_spelling_of_unset_is_no_number(unset):
    assert decode(SAMPLE, ["9", "1", unset, "0", ""])["amount"] is None


@pytest.mark.parametrize("text", ["x", "1e", "NaN", "inf", "Infinite", "--1", "1_0", "\u0661", "1" * 40, "1e99", "0x1"])
def test_a_number_that_is_none_is_refused(text):
    with pytest.raises(WireError):
        decode(SAMPLE, ["9", "1", text, "0", ""])
    with pytest.raises(WireError):
        decode(SAMPLE, ["9", text, "1", "0", ""])


@given(st.lists(st.text(max_size=8), max_size=130))
def test_no_text_breaks_the_decoder(fields):
    for request_layout in REQUESTS.values():
        try:
            decode(request_layout, ["0", *fields])
        except WireError:
            continue


def test_a_message_that_lacks_a_value_is_our_bug():
    with pytest.raises(InvariantError, match="amount"):
        encode(SAMPLE, {"number": 1, "flag": True})


def test_numbers_are_written_without_padding_and_unset_ones_as_gateways_do():
    fields = encode(SAMPLE, {"number": None, "amount": Decimal("100.500"), "flag": True})
    assert fields == ["9", UNSET_INTEGER, "100.5", "1", "plain"]
    assert encode(SAMPLE, {"number": 1, "amount": None, "flag": False})[2] == UNSET_DOUBLE
    assert [plain(Decimal(text)) for text in ("100", "0.0001", "1E+2", "-0")] == ["100", "0.0001", "100", "0"]


def test_a_text_for_people_is_ascii_without_a_lone_backslash():
    message = layout(1, "note", "text:esc")
    assert encode(message, {"text": "Nestlé \\ Co €"})[1] == "Nestl\\xe9 / Co \\u20ac"


def test_a_table_with_a_typing_error_is_refused_at_once():
    with pytest.raises(ValueError, match="cannot read"):
        layout(1, "broken", "reqId:int $$")
