from __future__ import annotations

import time

import pytest

from ats.brokers.ib import probe as module
from ats.brokers.ib.probe import ProbeState, probe, require_ready
from ats.core.errors import DependencyError

HOST = "127.0.0.1"
SECONDS = 0.6


def greet(peer):
    assert peer.read_hello() == b"API\0v157..176"
    peer.send(176, "20260414 20:36:26 US/Eastern")
    kind, version, client_id, *_ = peer.read()
    assert (kind, version) == ("71", "2")
    return int(client_id)


def look(port, seconds=SECONDS):
    started = time.monotonic()
    seen = probe(HOST, port, 55, seconds)
    assert time.monotonic() - started < seconds + 0.3
    return seen


def test_a_port_nobody_listens_on_is_down(free_port):
    seen = look(free_port)
    assert seen.state is ProbeState.DOWN
    assert "refused" in seen.detail


def test_an_open_port_that_says_nothing_is_only_a_port(serve):
    seen = look(serve(lambda peer: peer.stay_silent()).port)
    assert seen.state is ProbeState.PORT_ONLY


def test_a_port_that_hangs_up_at_once_is_only_a_port(serve):
    seen = look(serve(lambda peer: peer.read_hello()).port)
    assert seen.state is ProbeState.PORT_ONLY
    assert "closed" in seen.detail


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0\0\0\0", b"\0\0\0\4abc\0", b"\0\0\0\5" + "٣\0x\0".encode(), b"\xff\xff\xff\xff"]
)
def test_a_server_that_speaks_something_else_is_not_a_gateway(serve, answer):
    def script(peer):
        peer.read_hello()
        peer.send_raw(answer)
        peer.stay_silent()

    seen = look(serve(script).port)
    assert seen.state is ProbeState.NOT_A_GATEWAY
    assert seen.server_version is None


def test_a_gateway_that_is_not_logged_in_has_no_session(serve):
    def script(peer):
        greet(peer)
        peer.send(4, 2, -1, 1100, "Connectivity between IB and TWS has been lost.", "")
        peer.stay_silent()

    seen = look(serve(script).port)
    assert seen.state is ProbeState.NO_SESSION
    assert seen.server_version == 176
    assert seen.connected_at_text == "20260414 20:36:26 US/Eastern"
    assert "1100" in seen.detail


def test_a_gateway_without_accounts_has_no_session(serve):
    """C3"""

    def script(peer):
        greet(peer)
        peer.send(15, 1, "")
        peer.send(9, 1, 7)
        peer.stay_silent()

    seen = look(serve(script).port)
    assert seen.state is ProbeState.NO_SESSION
    assert seen.accounts == ()
    assert seen.next_order_id == 7


def test_a_client_id_in_use_is_told_apart(serve):
    def script(peer):
        greet(peer)
        peer.send(4, 2, -1, 326, "Unable to connect as the client id is already in use.", "")

    seen = look(serve(script).port, 3)
    assert seen.state is ProbeState.ID_CLASH
    assert seen.client_id == 64, "every id of the band was tried"


def test_the_next_client_id_is_asked_while_one_is_in_use(serve):
    def script(peer):
        if greet(peer) < 57:
            peer.send(4, 2, -1, 326, "Unable to connect as the client id is already in use.", "")
            return
        peer.send(15, 1, "DU1234567")
        peer.send(9, 1, 7)
        peer.stay_silent()

    seen = look(serve(script).port, 3)
    assert seen.is_ready
    assert seen.client_id == 57


def test_a_ready_gateway_reports_its_accounts_and_next_order_id(serve):
    """C3"""

    def script(peer):
        greet(peer)
        peer.send(15, 1, "DU1111111,DU2222222,")
        peer.send(9, 1, 42)
        peer.stay_silent()

    started = time.monotonic()
    seen = probe(HOST, serve(script).port, 55, 10)
    assert time.monotonic() - started < 5
    assert seen.is_ready
    assert seen.accounts == ("DU1111111", "DU2222222")
    assert seen.next_order_id == 42
    assert require_ready(seen, "paper") is seen


def test_order_id_before_accounts_and_bytes_one_at_a_time_are_understood(serve):
    def script(peer):
        greet(peer)
        peer.send_slowly(9, 1, 103)
        peer.send_slowly(15, 1, "DU1234567")
        peer.stay_silent()

    seen = look(serve(script).port, 5)
    assert (seen.next_order_id, seen.accounts) == (103, ("DU1234567",))


def test_a_garbled_order_id_is_not_taken_for_a_session(serve):
    def script(peer):
        greet(peer)
        peer.send(15, 1, "DU1234567")
        peer.send(9, 1, "soon")
        peer.stay_silent()

    assert look(serve(script).port).state is ProbeState.NOT_A_GATEWAY


def test_a_gateway_that_trickles_bytes_cannot_outlast_the_deadline(serve):
    def script(peer):
        peer.read_hello()
        while not peer.released.wait(0.05):
            peer.send_raw(b"\0\0\x0f\0"[:1])

    look(serve(script).port)


def test_a_name_server_that_hangs_cannot_outlast_the_deadline(monkeypatch, serve):
    held = serve(lambda peer: peer.stay_silent())
    monkeypatch.setattr(module.socket, "create_connection", lambda *_, **__: held.released.wait(20))
    seen = look(held.port)
    assert seen.state is ProbeState.DOWN
    assert "no answer within" in seen.detail


def test_an_unready_gateway_is_a_missing_dependency_with_four_steps(free_port):
    with pytest.raises(DependencyError) as error:
        require_ready(look(free_port), "live")
    assert error.value.exit_code == 4
    for step in ("running", "port", "API is enabled", "client id"):
        assert step in error.value.remedy
