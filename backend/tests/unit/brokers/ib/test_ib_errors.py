from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats.brokers.ib import errors
from ats.brokers.ib.errors import Reaction, notice


@pytest.mark.parametrize(
    ("code", "text", "reaction"),
    [
        (326, "Unable to connect as the client id is already in use.", Reaction.RETRY),
        (1100, "Connectivity between IB and TWS has been lost.", Reaction.RETRY),
        (2110, "Connectivity between TWS and server is broken.", Reaction.RETRY),
        (201, "Order rejected - reason:", Reaction.FIX),
        (200, "No security definition has been found", Reaction.FIX),
        (321, "Error validating request", Reaction.FIX),
        (10147, "OrderId 7 that needs to be cancelled is not found.", Reaction.UNKNOWN_OUTCOME),
        (202, "Order Canceled - reason:", Reaction.INFORMATION),
        (2104, "Market data farm connection is OK:usfarm", Reaction.INFORMATION),
    ],
)
def test_codes_ask_for_the_reaction_of_their_kind(code, text, reaction):
    assert notice(code, text).reaction is reaction


def test_history_pacing_is_retried_and_missing_history_is_not():
    assert notice(162, "Historical data request pacing violation").reaction is Reaction.RETRY
    assert notice(162, "HMDS query returned no data: QQQ@SMART").reaction is Reaction.FIX


def test_read_only_mode_names_the_setting_to_switch():
    """C18"""
    seen = notice(321, "Error validating request: The API interface is currently in Read-Only mode.")
    assert seen.reaction is Reaction.FIX
    assert "Read-Only API" in seen.remedy
    assert "Read-Only API" not in notice(321, "Invalid order type was entered").remedy


def test_a_code_nobody_listed_is_an_unknown_outcome():
    assert notice(99_999, "?").reaction is Reaction.UNKNOWN_OUTCOME


def test_every_code_is_sorted_once():
    groups = (errors._RETRY, errors._FIX, errors._UNKNOWN_OUTCOME, errors._INFORMATION)
    assert len(errors._TABLE) == sum(len(group) for group in groups)


@given(code=st.integers(-1, 20_000), text=st.text())
def test_every_message_has_code_text_and_reaction_in_its_words(code, text):
    seen = notice(code, text)
    assert str(code) in str(seen)
    assert seen.reaction in str(seen)
