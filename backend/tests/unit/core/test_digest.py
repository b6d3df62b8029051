"""A digest depends on content alone: not on the order of keys, the spelling of a number, the process or the machine."""

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats.core.digest import canonical_json, digest_of, digest_of_text

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=10) | st.dates(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


def reordered(value):
    if isinstance(value, dict):
        return {key: reordered(item) for key, item in reversed(list(value.items()))}
    return [reordered(item) for item in value] if isinstance(value, list) else value


@given(value=values)
def test_the_order_of_keys_changes_nothing(value):
    assert digest_of(reordered(value)) == digest_of(value)


@given(first=values, second=values)
def test_equal_digests_mean_equal_canonical_text(first, second):
    assert (digest_of(first) == digest_of(second)) == (canonical_json(first) == canonical_json(second))


@given(items=st.lists(st.integers(), min_size=2, max_size=5, unique=True))
def test_the_order_of_a_list_counts_and_that_of_a_set_does_not(items):
    assert digest_of(items) != digest_of(items[::-1])
    assert digest_of(set(items)) == digest_of(frozenset(items[::-1]))


def test_the_canonical_form_is_pinned():
    """A change here voids every approval and breaks every stored digest: it needs a decision record."""
    value = {
        "b": [1, 2.5, None, True],
        "a": {"cap": Decimal("5000.00")},
        "at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "on": date(2026, 1, 2),
    }
    assert canonical_json(value) == '{"a":{"cap":"5000"},"at":"2026-01-02T03:04:05+00:00","b":[1,2.5,null,true],"on":"2026-01-02"}'
    assert digest_of(value) == "f322b2cbc3fc363336c9a7dab5d7fb2bac1ea2dc19c48d9b41daab52bcef0b4c"
    assert digest_of_text("ats") == "3331440021fd765074866ea8ff86fe006dbfc3fbe98e0b3508ae54525b80346d"


@pytest.mark.parametrize(("first", "second"), [("5000", "5000.00"), ("1E+3", "1000"), ("0", "0.00"), ("0.10", "0.1"), ("-0", "0")])
def test_two_spellings_of_a_decimal_are_one(first, second):
    assert digest_of(Decimal(first)) == digest_of(Decimal(second))


def test_the_decimal_context_of_the_caller_does_not_matter():
    number = Decimal("123456789.123456789123456789123456789")
    with localcontext() as context:
        context.prec = 5
        narrow = digest_of(number)
    assert narrow == digest_of(number) != digest_of(Decimal("123456789.12345678912345678912345679"))


def test_one_moment_has_one_digest_whatever_its_zone():
    utc = datetime(2026, 1, 2, 12, tzinfo=UTC)
    assert digest_of(utc) == digest_of(utc.astimezone(timezone(timedelta(hours=-5))))


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        Decimal("NaN"),
        Decimal("Infinity"),
        b"bytes",
        bytearray(b"x"),
        object(),
        1j,
        {"a": object()},
        [b"x"],
        {1: "a", "1": "b"},
        {1.5: "a"},
        {None: 1},
        datetime(2026, 1, 2),  # noqa: DTZ001 -- naive on purpose
    ],
    ids=lambda value: type(value).__name__,  # a repr holds an address, and test processes must agree on names
)
def test_what_has_no_canonical_form_is_an_error_not_a_guess(value):
    with pytest.raises((TypeError, ValueError)):
        digest_of(value)


def test_the_digest_is_the_same_in_another_process_with_another_hash_seed():
    code = "from ats.core.digest import digest_of; print(digest_of({'a': {'x', 'y', 'z'}, 'b': 1.5}))"
    outputs = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}).stdout
        for seed in ("1", "2", "3")
    }
    assert outputs == {digest_of({"b": 1.5, "a": {"z", "y", "x"}}) + "\n"}
