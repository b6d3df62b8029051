"""Row J8: a book of sleeves is read strictly, and every refusal names the sleeve."""

import json
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats.core.errors import InputError
from ats.portfolio.sleeves import MOST_SLEEVES, parse_sleeves

IBS = {"strategy": "ibs_reversion", "instrument": "QQQ.NASDAQ", "bar_spec": "1-DAY-LAST"}
SMA = {"strategy": "sma_cross", "instrument": "SPY.ARCA", "bar_spec": "1-DAY-LAST"}


def book(*sleeves):
    return json.dumps(sleeves)


def test_a_book_keeps_its_order_its_parameters_and_its_exact_weights():
    first, second = parse_sleeves(book(IBS | {"weight": 0.1, "params": {"buy_threshold": 0.1}}, SMA | {"weight": 0.9}))
    assert (str(first), first.weight, first.params.buy_threshold) == ("ibs_reversion on QQQ.NASDAQ 1-DAY-LAST", Decimal("0.1"), 0.1)
    assert (str(second.instrument), second.weight, second.params.order_notional) == ("SPY.ARCA", Decimal("0.9"), 4000)


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_sleeves_without_weights_share_equally(count):
    sleeves = parse_sleeves(book(*(IBS | {"instrument": f"A{place}.NYSE"} for place in range(count))))
    assert {sleeve.weight for sleeve in sleeves} == {Decimal(1) / count}


def test_the_same_strategy_may_trade_two_instruments_and_two_timeframes():
    assert len(parse_sleeves(book(IBS, IBS | {"instrument": "SPY.ARCA"}, IBS | {"bar_spec": "1-MINUTE-LAST"}))) == 3


@pytest.mark.parametrize(
    ("first", "second", "accepted"),
    [
        ("0.5", "0.5", True),
        ("0.3333333333", "0.6666666667", True),
        ("0.5", "0.500000001", True),
        ("0.5", "0.5000000011", False),
        ("0.5", "0.499999999", True),
        ("0.5", "0.4999999989", False),
        ("0.5", "0.51", False),
        ("0.5", "0.49", False),
    ],
)
def test_weights_must_sum_to_one_within_a_billionth(first, second, accepted):
    """J8: weights summing to 1.01."""
    text = book(IBS | {"weight": "#1"}, SMA | {"weight": "#2"}).replace('"#1"', first).replace('"#2"', second)
    if accepted:
        assert len(parse_sleeves(text)) == 2
        return
    with pytest.raises(InputError, match="sum of the weights") as refusal:
        parse_sleeves(text)
    assert "[0] (ibs_reversion on QQQ.NASDAQ)" in str(refusal.value)
    assert "[1] (sma_cross on SPY.ARCA)" in str(refusal.value)


NAMED = r"sleeves-json\[1\] \(sma_cross on SPY\.ARCA\)"


@pytest.mark.parametrize(
    ("second", "match"),
    [
        (SMA | {"weight": -0.1}, NAMED + r"\.weight: -0\.1"),
        (SMA | {"weight": 0}, NAMED + r"\.weight: 0 "),
        (SMA | {"weight": 1.5}, NAMED + r"\.weight: 1\.5"),
        (SMA | {"weight": "0.5"}, NAMED + r"\.weight: '0\.5'"),
        (SMA | {"weight": True}, NAMED + r"\.weight: True"),
        (SMA | {"weight": None}, NAMED + r"\.weight: None is missing"),
        (SMA | {"weight": []}, NAMED + r"\.weight"),
        (SMA, NAMED + r"\.weight: None is missing"),
    ],
)
def test_a_bad_weight_names_the_sleeve(second, match):
    """J8: weight -0.1, and every other shape of a wrong weight."""
    with pytest.raises(InputError, match=match):
        parse_sleeves(book(IBS | {"weight": 0.5}, second))


@pytest.mark.parametrize(
    ("second", "match"),
    [
        (IBS, r"sleeves-json\[1\] \(ibs_reversion on QQQ\.NASDAQ\).*is the same sleeve as sleeves-json\[0\]"),
        (IBS | {"params": {"buy_threshold": 0.1}}, "is the same sleeve as"),
        (SMA | {"leverage": 2}, NAMED + ": 'leverage' is not a field"),
        (SMA | {"": 2}, NAMED + ": '' is not a field"),
        ({"strategy": "sma_cross", "instrument": "SPY.ARCA"}, NAMED + ": 'bar_spec' is missing"),
        ({"strategy": "sma_cross", "bar_spec": "1-DAY-LAST"}, r"\[1\] \(sma_cross on \?\): 'instrument' is missing"),
        ({"instrument": "SPY.ARCA", "bar_spec": "1-DAY-LAST"}, r"\[1\] \(\? on SPY.ARCA\): 'strategy' is missing"),
        ({}, r"\[1\].* is missing"),
        (SMA | {"strategy": "buy_low"}, r"\[1\].*strategy: 'buy_low' is not a strategy. Use one of ibs_reversion"),
        (SMA | {"strategy": None}, r"\[1\].*strategy: None is not a strategy"),
        (SMA | {"strategy": ["sma_cross"]}, r"\[1\].*strategy.*is not a strategy"),
        (SMA | {"instrument": "SPY"}, r"\[1\].*instrument: 'SPY' is not an instrument"),
        (SMA | {"instrument": 7}, r"\[1\].*instrument: 7 is not an instrument"),
        (SMA | {"instrument": "SPY.ARCA\n"}, r"\[1\].*is not an instrument"),
        (SMA | {"bar_spec": "1-DAY"}, NAMED + r"\.bar_spec: '1-DAY' is not a bar specification"),
        (SMA | {"bar_spec": None}, NAMED + r"\.bar_spec: None"),
        (SMA | {"params": {"fast_bars": "5"}}, NAMED + r"\.params\.fast_bars: '5'"),
        (SMA | {"params": {"fastbars": 5}}, NAMED + r"\.params\.fastbars: 5 is not a parameter"),
        (SMA | {"params": {"fast_bars": 100}}, NAMED + r"\.params.*fast_bars must be below slow_bars"),
        (SMA | {"params": []}, NAMED + r"\.params: \[\] is not a JSON object"),
        (SMA | {"params": None}, NAMED + r"\.params: None is not a JSON object"),
        ("sma_cross", r"sleeves-json\[1\]: 'sma_cross' is not a sleeve"),
        (None, r"sleeves-json\[1\]: None is not a sleeve"),
        ([], r"sleeves-json\[1\]: \[\] is not a sleeve"),
        (7, r"sleeves-json\[1\]: 7 is not a sleeve"),
    ],
)
def test_a_malformed_sleeve_is_named(second, match):
    """J8: same sleeve twice, unknown keys, missing keys, wrong types, wrong ids."""
    with pytest.raises(InputError, match=match):
        parse_sleeves(book(IBS, second))


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{}",
        "null",
        '"sleeves"',
        "",
        "[",
        '[{"strategy": "sma_cross",}]',
        "[" * 1000 + "]" * 1000,
        '[{"weight": NaN}]',
        '[{"weight": 1, "weight": 1}]',
        "[" + " " * 70_000 + "]",
    ],
    ids=str.split,
)
def test_text_that_is_no_book_is_refused(text):
    """J8: empty list. J7 for the text itself."""
    with pytest.raises(InputError, match="sleeves-json"):
        parse_sleeves(text)


def test_a_book_is_bounded():
    sleeves = [IBS | {"instrument": f"A{place}.NYSE"} for place in range(MOST_SLEEVES + 1)]
    assert len(parse_sleeves(book(*sleeves[:-1]))) == MOST_SLEEVES
    with pytest.raises(InputError, match="more than 50"):
        parse_sleeves(book(*sleeves))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*IBS, "params", "weight", "x"]), inner, max_size=5),
    max_leaves=20,
)


@given(value=json_values, cut=st.integers(0, 400))
def test_whatever_is_written_is_a_book_or_an_input_error(value, cut):
    """J8 fuzzed: nothing else ever escapes."""
    with suppress(InputError):
        assert abs(sum(sleeve.weight for sleeve in parse_sleeves(json.dumps(value)[: cut or None])) - 1) <= Decimal("1e-9")


def test_unreadable_text_is_answered_with_an_example_of_a_book():
    with pytest.raises(InputError) as refusal:
        parse_sleeves("[{]")
    assert '"instrument": "QQQ.NASDAQ"' in refusal.value.remedy
