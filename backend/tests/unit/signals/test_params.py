"""Row J7: parameters are read strictly; every refusal names the parameter and lists the valid ones."""

import json
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ats.core.digest import digest_of
from ats.core.errors import InputError
from ats.signals.ibs_reversion import IbsReversionParams
from ats.signals.library import RULES
from ats.signals.params import LONGEST_TEXT, RuleParams, params_text, parse_params


def test_nothing_given_means_the_defaults():
    assert parse_params(IbsReversionParams, "{}") == IbsReversionParams()
    assert IbsReversionParams().order_notional == Decimal(4000)


def test_values_keep_their_digits():
    params = parse_params(
        IbsReversionParams, '{"order_notional": 1234.56, "buy_threshold": 0.1, "sell_threshold": 0.75, "trend_bars": null}'
    )
    assert params.order_notional == Decimal("1234.56")
    assert params.buy_threshold == 0.1
    assert params.trend_bars is None


BROKEN = {
    "": "empty",
    " ": "blank",
    "{": "cut",
    "{}}": "too long",
    "{'buy_threshold': 0.1}": "single quotes",
    '{"buy_threshold": 0.1,}': "trailing comma",
    '{"buy_threshold" 0.1}': "no colon",
    '{"buy_threshold": .1}': "no leading zero",
    '{"buy_threshold": 0x1}': "hexadecimal",
    '{"buy_threshold": 0.1} // note': "comment",
    "buy_threshold=0.1": "not JSON",
    "\ufeff{}": "byte order mark",
    "{\x00}": "control character",
    '{"buy_threshold": 0.1, "buy_threshold": 0.2}': "duplicate key",
    '{"order_notional": {"a": 1, "a": 2}}': "duplicate key inside",
    '{"buy_threshold": NaN}': "NaN",
    '{"buy_threshold": Infinity}': "Infinity",
    '{"buy_threshold": -Infinity}': "-Infinity",
    '{"order_notional": NaN}': "NaN money",
    '{"order_notional": 1e99999999999999999999}': "exponent out of range",
    '{"order_notional": ' + "9" * 5_000 + "}": "5,000 digits",
    '{"order_notional": 0.' + "1" * 5_000 + "}": "5,000 decimals",
    '{"a": ' * 1_000 + "1" + "}" * 1_000: "1,000 deep objects",
    "[" * 1_000 + "]" * 1_000: "1,000 deep lists",
    "[" * 100_000: "100,000 open brackets",
    '{"a": [[[[1]]]]}': "five deep",
    " " * (LONGEST_TEXT + 1): "too long blank",
    '{"note": "' + "x" * LONGEST_TEXT + '"}': "64 kB note",
    "[]": "list",
    "null": "null",
    "7": "number",
    '"{}"': "text",
    "true": "boolean",
}


@pytest.mark.parametrize("text", BROKEN, ids=BROKEN.values())
def test_what_is_no_object_of_parameters_is_refused(text):
    """J7: broken, duplicate keys, NaN literal, nesting, size."""
    with pytest.raises(InputError, match=r"^params: ") as refusal:
        parse_params(IbsReversionParams, text)
    assert refusal.value.exit_code == 2
    assert refusal.value.remedy
    assert len(str(refusal.value)) < 600


def test_fifty_megabytes_are_refused_before_they_are_parsed():
    """J7: 50 MB."""
    with pytest.raises(InputError, match="longer than 65536"):
        parse_params(IbsReversionParams, '{"order_notional": ' + "1" * 50_000_000 + "}")


WRONG_VALUES = [
    *[("buy_threshold", text) for text in ('"0.1"', "true", "null", "[]", "{}", "0", "1", "-0.1", "1.5", "1e999", "-1e999", '""', "[0.1]")],
    *[("sell_threshold", text) for text in ('"0.9"', "false", "null", "0", "1", "2")],
    *[
        ("max_holding_bars", text)
        for text in ('"5"', "5.0", "5.5", "true", "null", "0", "-1", "1001", "1e2", "[5]", "12345678901234567890")
    ],
    *[("trend_bars", text) for text in ('"200"', "200.0", "false", "0", "1", "-5", "1001", "[]", "{}", '""')],
    *[
        ("order_notional", text)
        for text in (
            '"4000"',
            "true",
            "null",
            "0",
            "-0",
            "-1",
            "0.0",
            "-0.01",
            "4000.001",
            "1e-12",
            "1e308",
            "1000000000.01",
            "[]",
            "{}",
            '"4,000"',
        )
    ],
]


@pytest.mark.parametrize(("name", "value"), WRONG_VALUES)
def test_a_wrong_value_is_refused_by_name_with_the_valid_parameters(name, value):
    """J7: wrong type, number as string; J1 and J10 for the money in it."""
    with pytest.raises(InputError, match=rf"^params\.{name}: ") as refusal:
        parse_params(IbsReversionParams, f'{{"{name}": {value}}}')
    assert "max_holding_bars (integer, default 5)" in refusal.value.remedy
    assert "order_notional (amount, default 4000)" in refusal.value.remedy
    assert "trend_bars (integer or null, default null)" in refusal.value.remedy
    assert "volatility_target (number or null, default null)" in refusal.value.remedy
    assert "buy_threshold (number, default 0.2)" in refusal.value.remedy


@pytest.mark.parametrize(
    "name", ["buy_treshold", "Buy_threshold", "buy_threshold ", "", "__class__", "order-notional", "\uff42uy_threshold", "x" * 500]
)
def test_an_unknown_parameter_is_refused_by_name(name):
    """J7: unknown key."""
    with pytest.raises(InputError, match="is not a parameter of this strategy") as refusal:
        parse_params(IbsReversionParams, json.dumps({name: 1}))
    assert str(refusal.value).isascii()


@pytest.mark.parametrize("key", ["\x1b[2J", "\ud800", "a\nb", "\u202e"])
def test_a_hostile_name_is_quoted_before_it_reaches_a_terminal(key):
    with pytest.raises(InputError) as refusal:
        parse_params(IbsReversionParams, json.dumps({key: 1}))
    assert key not in str(refusal.value)


CROSSED = [
    ("ibs_reversion", {"buy_threshold": 0.8}, "buy_threshold must be below sell_threshold"),
    ("ibs_reversion", {"buy_threshold": 0.5, "sell_threshold": 0.5}, "buy_threshold must be below sell_threshold"),
    ("sma_cross", {"fast_bars": 100}, "fast_bars must be below slow_bars"),
    ("sma_cross", {"fast_bars": 20, "slow_bars": 19}, "fast_bars must be below slow_bars"),
    ("rsi_pullback", {"entry_threshold": 65}, "entry_threshold must be below exit_threshold"),
    ("donchian_breakout", {"exit_bars": 21}, "exit_bars must not be above entry_bars"),
    ("turn_of_month", {"last_sessions": 8, "first_sessions": 8}, "together must not be above 15"),
]


@pytest.mark.parametrize(("key", "values", "message"), CROSSED)
def test_parameters_that_contradict_each_other_are_refused(key, values, message):
    with pytest.raises(InputError, match=message):
        parse_params(RULES[key].params_model, json.dumps(values))


@pytest.mark.parametrize("key", RULES)
def test_every_bound_of_every_strategy_holds_on_both_sides(key):
    model = RULES[key].params_model
    checked = 0
    for name, info in model.model_fields.items():
        bounds = [(kind, getattr(item, kind)) for item in info.metadata for kind in ("ge", "le", "gt", "lt") if hasattr(item, kind)]
        for kind, bound in bounds:
            outside = {"ge": bound - 1, "gt": bound, "le": bound + 1, "lt": bound}[kind]
            with pytest.raises(InputError, match=rf"params\.{name}: "):
                parse_params(model, json.dumps({name: outside}))
            checked += 1
    assert checked >= 2 * (len(model.model_fields) - 1)


@pytest.mark.parametrize("value", [4000.0, float("nan"), True, "4000", None, Decimal("NaN"), Decimal("Infinity"), Decimal("sNaN")])
def test_money_takes_no_float_no_text_no_boolean_no_special_value(value):
    """D18: a float has already lost its digits."""
    with pytest.raises(ValidationError):
        RuleParams(order_notional=value)


@given(
    notional=st.decimals(Decimal("0.01"), Decimal(10) ** 9, places=2),
    buy=st.floats(0.001, 0.5, exclude_max=True),
    sell=st.floats(0.5, 0.999),
    bars=st.integers(1, 1_000),
    trend=st.none() | st.integers(2, 1_000),
)
def test_parameters_survive_text_and_storage(notional, buy, sell, bars, trend):
    """What is approved, stored and read back is what was given, and its digest is the same."""
    params = IbsReversionParams(order_notional=notional, buy_threshold=buy, sell_threshold=sell, max_holding_bars=bars, trend_bars=trend)
    assert parse_params(IbsReversionParams, params_text(params)) == params
    assert json.loads(json.dumps(params.plain())) == params.plain()
    assert digest_of(json.loads(json.dumps(params.plain()))) == digest_of(params.plain())


def test_two_spellings_of_the_same_amount_have_the_same_digest():
    plain = {digest_of(parse_params(RuleParams, f'{{"order_notional": {text}}}').plain()) for text in ("4000", "4000.0", "4000.00", "4e3")}
    assert len(plain) == 1


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*IbsReversionParams.model_fields, "x"]), inner, max_size=4)
    ),
    max_leaves=15,
)


@given(value=json_values)
def test_any_json_is_parameters_or_an_input_error(value):
    """J7 fuzzed: nothing else ever escapes."""
    with suppress(InputError):
        assert isinstance(parse_params(IbsReversionParams, json.dumps(value)), IbsReversionParams)


@given(text=st.text(max_size=60))
def test_any_text_is_parameters_or_an_input_error(text):
    with suppress(InputError):
        assert isinstance(parse_params(IbsReversionParams, text), IbsReversionParams)
