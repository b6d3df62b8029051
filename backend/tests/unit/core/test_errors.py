"""Errors carry their facts, their remedy and their documented exit code; what they show is safe to print."""

from decimal import Decimal
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats.core import errors
from ats.core.errors import AtsError, InputError, InvariantError, excerpt
from ats.core.invariant import invariant

EXIT_CODES = {
    "AtsError": 1,
    "UsageError": 2,
    "ConfigError": 2,
    "InputError": 2,
    "RefusedByGateError": 3,
    "DependencyError": 4,
    "RejectedWriteError": 4,
    "EvidenceError": 5,
    "HaltedError": 6,
    "InvariantError": 70,
}


def test_every_error_has_its_documented_exit_code_and_a_code_of_its_own():
    found = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, AtsError)}
    assert {name: kind.exit_code for name, kind in found.items()} == EXIT_CODES
    assert len({kind.code for kind in found.values()}) == len(found)


def test_an_error_says_what_happened_and_what_to_do():
    error = AtsError("The database does not answer.", remedy="Start it.", host="db")
    assert str(error) == "The database does not answer. Start it."
    assert error.facts == {"host": "db"}
    assert str(AtsError("It broke.")) == "It broke."


@given(value=st.text() | st.integers() | st.lists(st.text()) | st.binary() | st.decimals())
def test_an_excerpt_is_short_one_line_and_plain_ascii(value):
    shown = excerpt(value)
    assert len(shown) <= 80
    assert shown.isascii()
    assert shown.isprintable()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a\n", r"'a\n'"),
        ("\u054d1", r"'\u054d1'"),
        (Decimal("0.50"), "0.50"),
        (None, "None"),
        ("x" * 78, "'" + "x" * 78 + "'"),
        ("x" * 79, "'" + "x" * 76 + "..."),
    ],
)
def test_an_excerpt_shows_what_the_eye_would_miss(value, shown):
    assert excerpt(value) == shown


def test_an_input_error_names_its_field():
    error = InputError("quantity", "-1", "is not above zero", remedy="Write a number above 0.")
    assert str(error) == "quantity: '-1' is not above zero. Write a number above 0."
    assert (error.field, error.exit_code) == ("quantity", 2)


def test_an_invariant_that_holds_is_silent_and_a_broken_one_names_itself_with_its_facts():
    invariant(True, "ledger.cash_matches_fills")
    with pytest.raises(InvariantError, match=r"ledger\.cash_matches_fills is broken \(cash=1, fills=2\)") as caught:
        invariant(False, "ledger.cash_matches_fills", cash=1, fills=2)
    assert caught.value.facts == {"cash": 1, "fills": 2}


def test_a_path_is_shown_whole():
    """J23: a cut path cannot be found again."""
    path = PurePosixPath("/data") / ("long name " * 10)
    assert excerpt(path) == repr(str(path))
