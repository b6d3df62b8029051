from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats.core.errors import RefusedByGateError
from ats.session.accounts import LIVE_PORTS, PAPER_PORTS, check_account, check_account_id, check_port
from ats.session.records import Mode

PAPER, LIVE = "DU1234567", "U1234567"


def test_paper_takes_the_one_paper_account_the_gateway_reports():
    """C3"""
    assert check_account(Mode.PAPER, None, [PAPER]) == PAPER


def test_the_expected_account_is_returned_when_the_gateway_reports_it():
    """C3"""
    assert check_account(Mode.LIVE, LIVE, [LIVE]) == LIVE
    assert check_account(Mode.PAPER, PAPER, (PAPER,)) == PAPER


@pytest.mark.parametrize(
    ("mode", "expected", "reported"),
    [
        (Mode.LIVE, LIVE, ["U7654321"]),
        (Mode.LIVE, LIVE, [LIVE, "U7654321"]),
        (Mode.LIVE, LIVE, [LIVE, LIVE]),
        (Mode.LIVE, LIVE, []),
        (Mode.LIVE, None, [LIVE]),
        (Mode.LIVE, LIVE, [PAPER]),
        (Mode.LIVE, PAPER, [PAPER]),
        (Mode.LIVE, None, [PAPER]),
        (Mode.PAPER, None, []),
        (Mode.PAPER, None, [LIVE]),
        (Mode.PAPER, None, [PAPER, "DU7654321"]),
        (Mode.PAPER, PAPER, ["DU7654321"]),
        (Mode.PAPER, LIVE, [LIVE]),
        (Mode.PAPER, None, [""]),
        (Mode.PAPER, None, [f" {PAPER}"]),
        (Mode.PAPER, None, ["DU12345٦7"]),
        (Mode.PAPER, None, ["DF1234567"]),
        (Mode.LIVE, "F1234567", ["F1234567"]),
    ],
)
def test_any_disagreement_between_mode_configuration_and_gateway_is_refused(mode, expected, reported):
    """C2, C3, S3-22"""
    with pytest.raises(RefusedByGateError) as refused:
        check_account(mode, expected, reported)
    assert refused.value.exit_code == 3
    assert refused.value.remedy


def test_a_refusal_names_every_account_the_gateway_reported():
    """C3"""
    with pytest.raises(RefusedByGateError, match="U1111111, U2222222") as refused:
        check_account(Mode.LIVE, LIVE, ["U1111111", "U2222222"])
    assert refused.value.facts["reported"] == ("U1111111", "U2222222")
    with pytest.raises(RefusedByGateError, match="reported: none"):
        check_account(Mode.LIVE, LIVE, [])


@given(
    mode=st.sampled_from(Mode),
    expected=st.sampled_from([None, PAPER, LIVE, "DU7654321", "U7654321"]),
    reported=st.lists(st.sampled_from([PAPER, LIVE, "DU7654321", "U7654321", "", "F1"]), max_size=3),
)
def test_an_account_that_passes_is_reported_alone_expected_and_of_the_mode(mode, expected, reported):
    """C2, C3"""
    try:
        account = check_account(mode, expected, reported)
    except RefusedByGateError:
        return
    assert reported == [account]
    assert expected in (None, account)
    assert account.startswith("DU" if mode is Mode.PAPER else "U")


@pytest.mark.parametrize("port", sorted(LIVE_PORTS))
def test_a_paper_session_is_refused_a_live_port(port):
    """C17"""
    with pytest.raises(RefusedByGateError, match=str(port)):
        check_port(Mode.PAPER, port)
    assert check_port(Mode.LIVE, port) == port


@pytest.mark.parametrize("port", sorted(PAPER_PORTS))
def test_a_live_session_is_refused_a_paper_port(port):
    """C17"""
    with pytest.raises(RefusedByGateError, match=str(port)):
        check_port(Mode.LIVE, port)
    assert check_port(Mode.PAPER, port) == port


def test_a_port_of_no_mode_is_left_to_the_account_check():
    assert check_port(Mode.PAPER, 14_002) == 14_002
    assert check_port(Mode.LIVE, 14_002) == 14_002


@pytest.mark.parametrize("account", ["du1234567", "DU1234", "DU1234567890", "U1234567 ", "", "DU", "UD1234567"])
def test_malformed_ids_pass_in_no_mode(account):
    """C2, S3-22"""
    for mode in Mode:
        with pytest.raises(RefusedByGateError):
            check_account_id(mode, account)
