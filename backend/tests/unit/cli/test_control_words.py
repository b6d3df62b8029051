"""What `ats kill` and `ats status` say to a tired operator."""

import pytest

from ats.cli.control import session_row, verdict_on
from ats.operations.kill import KillReport, Step
from ats.operations.status import SessionStanding

LATCHED = Step("latch file", "ok")
CANCELLED = Step("cancel at paper gateway 127.0.0.1:4002", "ok", "2 working orders found, 0 remain")


@pytest.mark.parametrize(
    ("report", "says"),
    [
        (KillReport((LATCHED, CANCELLED)), "no working order is left"),
        (KillReport((LATCHED,)), "no order was looked for"),
        (KillReport((LATCHED, Step("cancel at paper gateway 127.0.0.1:4002", "unknown"))), "could not be asked"),
        (KillReport((LATCHED, Step("cancel at paper gateway 127.0.0.1:4002", "failed")), ("order 7",)), "orders still work at the broker"),
        (KillReport((Step("latch file", "failed"), CANCELLED)), "NOT ON"),
    ],
)
def test_a_kill_ends_with_one_sentence_about_switch_and_orders(report, says):
    """Row B3: what was not cancelled, or not even asked for, is said."""
    assert says in verdict_on(report)


def standing(is_alive=True, **snapshot):
    return SessionStanding("p-1", "paper", "DU1234567", is_alive, snapshot)


def test_status_shows_positions_and_why_entries_are_blocked():
    row = session_row(standing(status="running", equity="100", positions={"MSFT.NASDAQ": "181"}, blocked="approval a-1 no longer stands"))
    assert row == ("p-1", "paper", "DU1234567", "running", "100", "181 MSFT.NASDAQ", "blocked: approval a-1 no longer stands")


def test_status_says_when_entries_are_allowed_and_when_that_is_unknown():
    assert session_row(standing(status="running", positions={}, blocked=""))[-2:] == ("none", "allowed")
    assert session_row(standing())[3:] == ("unknown", "", "unknown", "unknown")


def test_status_shows_nothing_old_of_a_session_whose_process_is_gone():
    assert session_row(standing(is_alive=False, status="running", equity="100"))[3:] == ("process gone", "", "", "")
